"""The whole of detection: patterns, names and NER side by side, merged, then spread over the request.

All of them read a normalized view of each text; spans are mapped back to the text as the client wrote it.
Patterns run on the caller's thread while the NER thread works; the result does not depend on which of
them is faster.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Protocol

from sidecar.detection import addresses
from sidecar.detection.cache import Remember, SpanCache
from sidecar.detection.linear import without_surrogates
from sidecar.detection.lists import AllowList, DenyList, Listed
from sidecar.detection.names.cues import Cues
from sidecar.detection.names.gazetteer import Gazetteer
from sidecar.detection.names.gazetteer_list import load_word_list
from sidecar.detection.names.junk import Junk, Terms
from sidecar.detection.names.structure import Structure
from sidecar.detection.ner import Ner, Submit
from sidecar.detection.ner_models import DEFAULT_MODELS
from sidecar.detection.overlap import resolve
from sidecar.detection.pattern_file import PatternFile, load_patterns
from sidecar.detection.propagation import Covered, spread
from sidecar.detection.verdict import Dropped, Verdict, verdicts
from sidecar.detection.view.normalized import NormalizedText, normalized
from sidecar.model import Budget, Origin, Passage, Span

_UNREADABLE = 1 << 16  # code points without white space
_LONG_RUN = re.compile(rf"(?<!\S)\S{{{_UNREADABLE},}}")


class NameFinder(Protocol):
    """Finds names by what stands in or around them; spans may overlap."""

    @property
    def entity_types(self) -> Collection[str]:
        """All types that it can find."""

    def find(self, text: str, hint: str = "") -> list[Span]:
        """Return the spans of one text, given the key that it is the value of."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What detection is put together from; each part but the patterns can be left out."""

    patterns: PatternFile
    ner: Ner | None = None
    names: tuple[NameFinder, ...] = ()
    gazetteer: Gazetteer | None = None
    addresses: bool = False
    junk: Junk | None = None
    allow: AllowList = field(default_factory=AllowList)
    deny: DenyList = field(default_factory=DenyList)


@dataclass(frozen=True, slots=True)
class _Reading:
    """One passage as detectors read it (``text``), and what they make of it."""

    view: NormalizedText
    text: str
    found: list[Span]

    def placed(self, span: Span) -> Span:
        """Return a span of the view as one of the client's text."""
        start, end = self.view.original_stretch(span.start, span.end)
        return span if (start, end) == (span.start, span.end) else replace(span, start=start, end=end)


class Detection:
    """All detectors of a process; implements ``model.Detector``.

    Args:
        parts: What it is put together from.
        cache: Remembers what ``detect`` finds for a caller; None forgets it at once.
    """

    def __init__(self, parts: Parts, cache: SpanCache | None = None) -> None:
        self._parts = parts
        self._cache = cache
        self._version = cache.new_version() if cache else 0
        self._version_of_pieces = cache.new_version() if cache else 0
        self._patterns = parts.patterns.patterns

    @property
    def entity_types(self) -> tuple[str, ...]:
        """All types that can occur, sorted."""
        parts = self._parts
        known = {*parts.patterns.entity_types, *parts.deny.entity_types}
        known.update(parts.ner.entity_types if parts.ner else ())
        known.update(entity_type for finder in parts.names for entity_type in finder.entity_types)
        known.update(parts.gazetteer.entity_types if parts.gazetteer else ())
        known.update([addresses.ENTITY_TYPE] if parts.addresses else ())
        return tuple(sorted(known))

    def origin_of(self, entity_type: str) -> Origin:
        """Return which kind of detector finds a type; patterns, if both do."""
        by_form = {*self._parts.patterns.entity_types, *self._parts.deny.entity_types}
        return Origin.PATTERN if entity_type in by_form else Origin.NER

    @property
    def cache(self) -> SpanCache | None:
        """What remembers the spans of texts, if anything does; it counts how often."""
        return self._cache

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is odd but harmless: in the patterns file, and models that run slower than they could."""
        slower = self._parts.ner.slower_models if self._parts.ner else ()
        return (
            *self._parts.patterns.warnings,
            *(f"NER model {name}: spaCy runs it, ten times slower than the native kernel" for name in slower),
        )

    def sparing(self, entries: Iterable[Listed]) -> Detection:
        """Return detection with the same parts and a longer allow list."""
        return Detection(replace(self._parts, allow=self._parts.allow.extended(entries)), self._cache)

    def detect(
        self, passages: Sequence[Passage], budget: Budget, scope: bytes | None = None
    ) -> list[list[Span]]:
        """Return, for each passage in turn, its spans: disjoint and in ascending order.

        The result for one passage depends on that passage alone, never on its neighbors.

        Args:
            passages: The texts.
            budget: The time that it may take.
            scope: Within which the spans are remembered for the next time; None remembers nothing.

        Raises:
            RequestRefused: (413) The texts cannot be finished within the budget.
        """

        def detected(passages: Sequence[Passage], pieces: Remember | None = None) -> list[list[Span]]:
            return [self._settled(reading)[0] for reading in self._read(passages, budget, pieces)]

        if self._cache is None or scope is None:
            return detected(passages)
        pieces = partial(self._cache.through, version=self._version_of_pieces, scope=scope)
        return self._cache.through(passages, partial(detected, pieces=pieces), self._version, scope)

    def detect_request(self, passages: Sequence[Passage], budget: Budget) -> list[list[Covered]]:
        """Return the spans of all passages of one request; what is found once is covered everywhere.

        Raises:
            RequestRefused: (413) The texts cannot be finished within the budget.
        """
        return self.spread(passages, self.detect(passages, budget), budget)

    def spread(
        self, passages: Sequence[Passage], spans: Sequence[Sequence[Span]], budget: Budget
    ) -> list[list[Covered]]:
        """Return spans with all other occurrences of their originals, save what may stay.

        Raises:
            RequestRefused: (413) It cannot be finished within the budget.
        """
        covered = spread(passages, spans, budget.check)
        return [
            [span for span in each if not self._allows(passage.text, span)]
            for passage, each in zip(passages, covered, strict=True)
        ]

    def explain(self, passage: Passage, budget: Budget) -> list[Verdict]:
        """Return what became of every span that any detector proposed, in ascending order.

        Raises:
            RequestRefused: (413) The text cannot be finished within the budget.
        """
        (reading,) = self._read([passage], budget)
        kept, dropped = self._settled(reading)
        (final,) = self.spread([passage], [kept], budget)
        return verdicts([reading.placed(span) for span in reading.found], dropped, kept, final)

    def patterns_in(self, text: str, hint: str = "") -> list[Span]:
        """Return what patterns alone find in a short text: a URL, a header."""
        view = normalized(text)
        passage = Passage(without_surrogates(view.text), hint, patterns_only=True)
        return self._settled(_Reading(view, passage.text, self._by_form(passage)))[0]

    def _read(
        self, passages: Sequence[Passage], budget: Budget, pieces: Remember | None = None
    ) -> list[_Reading]:
        views = []
        for passage in passages:
            views.append(normalized(passage.text, budget.check))
            budget.check()
        # Half a character would stop an engine that reads UTF-8; U+FFFD in its place moves nothing.
        texts = [without_surrogates(view.text) for view in views]
        read = [
            passage if text is passage.text else replace(passage, text=text)
            for passage, text in zip(passages, texts, strict=True)
        ]
        job = self._parts.ner.start(read, budget, pieces) if self._parts.ner else None
        try:
            found = [self._without_model(passage, budget) for passage in read]
            by_ner = job.result() if job else [[] for _ in read]
        finally:
            if job:
                job.cancel()
        return [
            _Reading(view, text, [*one, *more])
            for view, text, one, more in zip(views, texts, found, by_ner, strict=True)
        ]

    def _by_form(self, passage: Passage, budget: Budget | None = None) -> list[Span]:
        tick = budget.check if budget else lambda: None
        found = self._patterns.find(passage, tick)
        more = self._parts.deny.find(passage.text)
        if not passage.patterns_only and self._parts.addresses:
            more += addresses.find(passage.text, tick)
        return resolve(passage.text, [*found, *more]) if more else found

    def _without_model(self, passage: Passage, budget: Budget) -> list[Span]:
        """Return all spans of one passage that need no model; they may overlap."""
        by_form = self._by_form(passage, budget)
        if passage.patterns_only:
            return by_form
        found = list(by_form)
        for start, end in _readable(passage.text):
            part = passage.text[start:end]
            for finder in self._parts.names:
                spans = finder.find(part, passage.hint)
                found += [_moved(span, start) for span in spans] if start else spans
                budget.check()
        if self._parts.gazetteer:
            found += self._parts.gazetteer.find(passage.text, [(span.start, span.end) for span in by_form])
            budget.check()
        return found

    def _settled(self, reading: _Reading) -> tuple[list[Span], list[Dropped]]:
        """Return the disjoint spans of the client's text, and what was dropped on the way."""
        kept, dropped = self._sifted(reading)
        spans = [reading.placed(span) for span in resolve(reading.text, kept)]
        return resolve(reading.view.original, spans), dropped

    def _sifted(self, reading: _Reading) -> tuple[list[Span], list[Dropped]]:
        """Part what is sensitive from what only looks so."""
        text, names = reading.text, [span for span in reading.found if span.origin is Origin.NER]
        reasons = self._parts.junk.reasons(text, names) if self._parts.junk and names else [""] * len(names)
        why = iter(reasons)
        kept: list[Span] = []
        dropped: list[Dropped] = []
        for span in reading.found:
            reason = next(why) if span.origin is Origin.NER else ""
            if not reason and self._allows(text, span):
                reason = "on the allow list"
            if reason:
                dropped.append(Dropped(reading.placed(span), reason))
            else:
                kept.append(span)
        return kept, dropped

    def _allows(self, text: str, span: Span) -> bool:
        """Tell whether a span may stay: it is on the allow list, and no entry of the deny list."""
        original = text[span.start : span.end]
        return self._parts.allow.allows(original, span.entity_type) and not self._parts.deny.denies(original)


def _readable(text: str) -> Iterator[tuple[int, int]]:
    """Yield the stretches of a text between runs without white space that are too long to be read by anybody.

    What stands around a name cannot stand there, and every regex would hold the interpreter for all of it.
    """
    done = 0
    if len(text) >= _UNREADABLE:
        for run in _LONG_RUN.finditer(text):
            if run.start() > done:
                yield done, run.start()
            done = run.end()
    if done < len(text):
        yield done, len(text)


def _moved(span: Span, distance: int) -> Span:
    return replace(span, start=span.start + distance, end=span.end + distance)


def load_detection(  # noqa: PLR0913 - one keyword for each part
    patterns_file: Path | None = None,
    *,
    ner: bool = True,
    submit: Submit | None = None,
    ner_models: Sequence[str] = DEFAULT_MODELS,
    allow: Iterable[Listed] = (),
    deny: Iterable[Listed] = (),
    cache: SpanCache | None = None,
) -> Detection:
    """Build the detectors.

    Args:
        patterns_file: A ``patterns.json``; None means the one that comes with the program.
        ner: Whether names are looked for; the model takes a second to load and 140 MB.
        submit: Runs a call on the one NER thread (see ``ner``); None runs NER on the caller's thread.
        ner_models: Names of the models whose findings are united.
        allow: What is never sensitive.
        deny: What always is.
        cache: Remembers spans by text and caller.

    Raises:
        ConfigError: The file does not hold what it claims, or a model is missing.
    """
    patterns = load_patterns(patterns_file)
    parts = Parts(patterns, allow=AllowList(allow), deny=DenyList(deny))
    if not ner or not patterns.ner:
        return Detection(parts, cache)
    words = load_word_list()
    return Detection(
        replace(
            parts,
            ner=Ner(patterns.ner, submit, ner_models),
            names=(Cues(), Structure()),
            gazetteer=Gazetteer(words),
            addresses=True,
            junk=Junk(words, Terms.shipped()),
        ),
        cache,
    )
