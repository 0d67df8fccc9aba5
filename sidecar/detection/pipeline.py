"""The whole of detection: patterns, names and NER side by side, merged, then spread over the request.

What detectors find in each text (``reading``) is sifted, made disjoint and mapped back to the text as the
client wrote it; what a caller has sent before is looked up (``cache``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from sidecar.detection.cache import Remember, SpanCache
from sidecar.detection.continued import Before, Spread, spread_on
from sidecar.detection.lists import Listed
from sidecar.detection.ner import Submit
from sidecar.detection.ner_models import DEFAULT_MODELS
from sidecar.detection.overlap import resolve
from sidecar.detection.parts import Parts, load_parts
from sidecar.detection.propagation import spread
from sidecar.detection.reading import Reading, reading_by_patterns, readings
from sidecar.detection.sought import Covered
from sidecar.detection.turn import Turn
from sidecar.detection.verdict import Dropped, Verdict, verdicts
from sidecar.model import Budget, Origin, Passage, Span


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
        self._entity_types = parts.entity_types

    @property
    def entity_types(self) -> tuple[str, ...]:
        """All types that can occur, sorted."""
        return self._entity_types

    def origin_of(self, entity_type: str) -> Origin:
        """Return which kind of detector finds a type; patterns, if both do."""
        return self._parts.origin_of(entity_type)

    @property
    def version(self) -> int:
        """The number of these detectors in the cache, which no others share."""
        return self._version

    @property
    def cache(self) -> SpanCache | None:
        """What remembers the spans of texts, if anything does; it counts how often."""
        return self._cache

    @property
    def is_slow(self) -> bool:
        """Whether spaCy runs a model, so that even a short text may have to wait for a long one."""
        return bool(self._parts.ner and self._parts.ner.slower_models)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is odd but harmless: in the patterns file, and models that run slower than they could."""
        return self._parts.warnings

    def sparing(self, entries: Iterable[Listed]) -> Detection:
        """Return detection with the same parts and a longer allow list."""
        return Detection(replace(self._parts, allow=self._parts.allow.extended(entries)), self._cache)

    def forgetful(self) -> Detection:
        """Return detection with the same parts that remembers nothing."""
        return Detection(self._parts)

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
            return [self._settled(reading)[0] for reading in readings(self._parts, passages, budget, pieces)]

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
        return self._sensitive(passages, spread(passages, spans, budget.check))

    def spread_on(
        self,
        before: Before,
        passages: Sequence[Passage],
        spans: Sequence[Sequence[Span]],
        budget: Budget,
        *,
        ends: bool,
    ) -> Spread | None:
        """Do what ``spread`` does, given what it came to for the first texts; see ``continued``.

        Raises:
            RequestRefused: (413) It cannot be finished within the budget.
        """
        found = spread_on(before, passages, spans, budget.check, ends=ends)
        if found is None:
            return None
        return Spread(self._sensitive(passages[len(before.reads) :], found.spans), found.before)

    def explain(self, passage: Passage, budget: Budget) -> list[Verdict]:
        """Return what became of every span that any detector proposed, in ascending order.

        Raises:
            RequestRefused: (413) The text cannot be finished within the budget.
        """
        (reading,) = readings(self._parts, [passage], budget)
        kept, dropped = self._settled(reading)
        (final,) = self.spread([passage], [kept], budget)
        return verdicts([reading.placed(span) for span in reading.found], dropped, kept, final)

    def patterns_in(self, text: str, hint: str = "") -> list[Span]:
        """Return what patterns alone find in a short text: a URL, a header."""
        return self._settled(reading_by_patterns(self._parts, text, hint))[0]

    def _settled(self, reading: Reading) -> tuple[list[Span], list[Dropped]]:
        """Return the disjoint spans of the client's text, and what was dropped on the way."""
        kept, dropped = self._sifted(reading)
        spans = resolve(reading.text, kept)
        if reading.view.text is reading.view.original:
            return spans, dropped
        return resolve(reading.view.original, [reading.placed(span) for span in spans]), dropped

    def _sifted(self, reading: Reading) -> tuple[list[Span], list[Dropped]]:
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

    def _sensitive(
        self, passages: Sequence[Passage], covered: Sequence[list[Covered]]
    ) -> list[list[Covered]]:
        """Return the spans without those that may stay."""
        return [
            [span for span in each if not self._allows(passage.text, span)]
            for passage, each in zip(passages, covered, strict=True)
        ]

    def _allows(self, text: str, span: Span) -> bool:
        """Tell whether a span may stay: it is on the allow list, and no entry of the deny list."""
        if not self._parts.allow:
            return False
        original = text[span.start : span.end]
        return self._parts.allow.allows(original, span.entity_type) and not self._parts.deny.denies(original)


def load_detection(  # noqa: PLR0913 - one keyword for each part
    patterns_file: Path | None = None,
    *,
    ner: bool = True,
    submit: Submit | None = None,
    turn: Turn | None = None,
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
        turn: The lock with which short texts are read on the caller's thread all the same (see ``ner``).
        ner_models: Names of the models whose findings are united.
        allow: What is never sensitive.
        deny: What always is.
        cache: Remembers spans by text and caller.

    Raises:
        ConfigError: The file does not hold what it claims, or a model is missing.
    """
    parts = load_parts(
        patterns_file, ner=ner, submit=submit, turn=turn, ner_models=ner_models, allow=allow, deny=deny
    )
    return Detection(parts, cache)
