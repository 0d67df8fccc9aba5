"""What all detectors find in the texts of one request, before anything is weighed.

They read a normalized view of each text. Patterns run on the caller's thread while the NER thread works;
the result does not depend on which of them is faster, and for one text on that text alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from sidecar.detection import addresses
from sidecar.detection.cache import Remember
from sidecar.detection.linear import without_surrogates
from sidecar.detection.overlap import resolve
from sidecar.detection.parts import Parts
from sidecar.detection.view.normalized import NormalizedText, normalized
from sidecar.model import Budget, Passage, Span

_UNREADABLE = 1 << 16  # code points without white space
_LONG_RUN = re.compile(rf"(?<!\S)\S{{{_UNREADABLE},}}")


@dataclass(frozen=True, slots=True)
class Reading:
    """One passage as detectors read it (``text``), and what they make of it."""

    view: NormalizedText
    text: str
    found: list[Span]

    def placed(self, span: Span) -> Span:
        """Return a span of the view as one of the client's text."""
        start, end = self.view.original_stretch(span.start, span.end)
        return span if (start, end) == (span.start, span.end) else replace(span, start=start, end=end)


def readings(
    parts: Parts, passages: Sequence[Passage], budget: Budget, pieces: Remember | None = None
) -> list[Reading]:
    """Return, for each passage in turn, what is found in it; spans may overlap.

    Args:
        parts: The detectors.
        passages: The texts.
        budget: The time that it may take.
        pieces: Remembers what models find in pieces of long texts.

    Raises:
        RequestRefused: (413) The texts cannot be finished within the budget.
    """
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
    job = parts.ner.start(read, budget, pieces) if parts.ner else None
    try:
        found = [_without_model(parts, passage, budget) for passage in read]
        by_ner = job.result() if job else [[] for _ in read]
    finally:
        if job:
            job.cancel()
    return [
        Reading(view, text, [*one, *more])
        for view, text, one, more in zip(views, texts, found, by_ner, strict=True)
    ]


def reading_by_patterns(parts: Parts, text: str, hint: str) -> Reading:
    """Return what patterns alone find in a short text."""
    view = normalized(text)
    passage = Passage(without_surrogates(view.text), hint, patterns_only=True)
    return Reading(view, passage.text, _by_form(parts, passage))


def _by_form(parts: Parts, passage: Passage, tick: Callable[[], None] = lambda: None) -> list[Span]:
    found = parts.patterns.patterns.find(passage, tick)
    more = parts.deny.find(passage.text)
    if not passage.patterns_only and parts.addresses:
        more += addresses.find(passage.text, tick)
    return resolve(passage.text, [*found, *more]) if more else found


def _without_model(parts: Parts, passage: Passage, budget: Budget) -> list[Span]:
    """Return all spans of one passage that need no model; they may overlap."""
    by_form = _by_form(parts, passage, budget.check)
    if passage.patterns_only:
        return by_form
    found = list(by_form)
    for start, end in _readable(passage.text):
        part = passage.text[start:end]
        for finder in parts.names:
            spans = finder.find(part, passage.hint)
            found += [_moved(span, start) for span in spans] if start else spans
            budget.check()
    if parts.gazetteer:
        found += parts.gazetteer.find(passage.text, [(span.start, span.end) for span in by_form])
        budget.check()
    return found


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
