"""Covers what was found anywhere in a request wherever else it stands, however it is written there.

What is covered already stays as it is; only gaps are filled. Occurrences are word-bounded (``sought``).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import cast

from sidecar.detection.name_parts import with_neighbors
from sidecar.detection.overlap import fill_gaps
from sidecar.detection.person_spans import joined
from sidecar.detection.sought import Covered, Sought, read_otherwise
from sidecar.model import Origin, Passage, Span


def propagate(
    passages: Sequence[Passage],
    spans: Sequence[Sequence[Span]],
    tick: Callable[[], None] = lambda: None,
) -> list[list[Span]]:
    """Return the spans of each passage, disjoint and ascending, with all other occurrences added.

    Persons' spans get their edges on the way (``person_spans``), for what is found and for what is added.

    Args:
        passages: All texts of a request.
        spans: For each passage its spans, disjoint and ascending.
        tick: Called after each passage and now and then within.
    """
    covered = spread(passages, spans, tick)
    return [[_plain(span) for span in each] for each in covered]


def spread(
    passages: Sequence[Passage],
    spans: Sequence[Sequence[Span]],
    tick: Callable[[], None] = lambda: None,
) -> list[list[Covered]]:
    """Do what ``propagate`` does, and tell of each span since when the request gives it away."""
    kept = whole(passages, spans)
    sought = Sought(tick)
    for passage, found in zip(passages, kept, strict=True):
        for span in found:
            sought.add(passage.text[span.start : span.end], span)
    return filled(passages, kept, sought, tick)


def whole(
    passages: Sequence[Passage], spans: Sequence[Sequence[Span]], first: int = 0
) -> list[list[Covered]]:
    """Return what was found, persons' names with their edges and each span with its own place.

    Args:
        passages: Texts of a request.
        spans: For each passage its spans, disjoint and ascending.
        first: The number of the first of them in the request.
    """
    return [
        _whole(passage, [_covered(span, number) for span in found]) if found else []
        for number, (passage, found) in enumerate(zip(passages, spans, strict=True), first)
    ]


def filled(
    passages: Sequence[Passage],
    kept: Sequence[list[Covered]],
    sought: Sought,
    tick: Callable[[], None],
) -> list[list[Covered]]:
    """Return the spans with all that is sought wherever nothing is covered yet."""
    if not sought:
        return list(kept)
    return [
        _filled(passage, found, list(_occurrences(sought, passage, found, tick)))
        for passage, found in zip(passages, kept, strict=True)
    ]


def _covered(span: Span, number: int) -> Covered:
    since = number, span.start
    return Covered(span.start, span.end, span.entity_type, span.score, span.origin, span.rule, since)


def _plain(span: Covered) -> Span:
    return Span(span.start, span.end, span.entity_type, span.score, span.origin, span.rule)


def _occurrences(
    sought: Sought, passage: Passage, kept: Sequence[Span], tick: Callable[[], None]
) -> Iterator[Covered]:
    """Yield what else stands in a passage, each stretch once."""
    tick()
    starts = [span.start for span in kept]
    found: set[tuple[int, int]] = set()
    for start, end, span in occurrences(sought, passage, tick):
        before = bisect_right(starts, start) - 1
        is_covered = before >= 0 and end <= kept[before].end
        if not is_covered and (start, end) not in found:
            found.add((start, end))
            yield Covered(start, end, span.entity_type, span.score, span.origin, span.rule, span.since)


def occurrences(
    sought: Sought, passage: Passage, tick: Callable[[], None]
) -> Iterator[tuple[int, int, Covered]]:
    """Yield start, end and meaning of all that stands in a passage, as it is and as detectors read it."""
    text = passage.text
    for start, end, entry in sought.hits(text):
        meant = entry.meant_by(text, start, end)
        if meant and _counts(passage, start, end, meant):
            yield start, end, meant
    if read := read_otherwise(text, tick):
        for hit_start, hit_end, entry in sought.hits(read.text):
            if meant := entry.meant_by(read.text, hit_start, hit_end):
                start, end = read.original_stretch(hit_start, hit_end)
                if _counts(passage, start, end, meant):
                    yield start, end, meant


def _counts(passage: Passage, start: int, end: int, span: Span) -> bool:
    """Tell whether an occurrence counts; in a key or a number, a pattern's or a name of several words."""
    return not passage.patterns_only or span.origin is Origin.PATTERN or " " in passage.text[start:end]


def _filled(passage: Passage, kept: list[Covered], more: list[Covered]) -> list[Covered]:
    spans = fill_gaps(passage.text, cast("list[Span]", kept), more) if more else []
    return _whole(passage, cast("list[Covered]", spans)) if len(spans) > len(kept) else kept


def _whole(passage: Passage, spans: list[Covered]) -> list[Covered]:
    """Return the spans with those of persons as whole names."""
    whole = joined(passage.text, spans)
    return whole if passage.patterns_only else joined(passage.text, _completed(passage.text, whole))


def _completed(text: str, spans: list[Covered]) -> list[Covered]:
    """Return the spans, those of single words of persons' names with the uncovered rest of the name."""
    out: list[Covered] = []
    for number, span in enumerate(spans):
        if span.entity_type == "PERSON":
            low = out[-1].end if out else 0
            high = spans[number + 1].start if number + 1 < len(spans) else len(text)
            start, end = with_neighbors(text, span.start, span.end)
            if low <= start and end <= high and (start, end) != (span.start, span.end):
                out.append(replace(span, start=start, end=end))
                continue
        out.append(span)
    return out
