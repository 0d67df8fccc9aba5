"""Turns overlapping spans of one text into disjoint ones, losing no letter and no digit.

The result does not depend on the order of the spans. Patterns beat NER, then the better score wins,
then the longer span; a loser keeps what the winners leave of it, if that holds a letter or digit.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from operator import attrgetter
from typing import NamedTuple

from sidecar.model import Origin, Span

_start = attrgetter("start")


def rank(span: Span) -> tuple[bool, float, int, int, str, str]:
    """Return what orders spans, the one that wins first."""
    return (
        span.origin is not Origin.PATTERN,
        -span.score,
        span.start - span.end,
        span.start,
        span.entity_type,
        span.rule,
    )


def resolve(text: str, spans: Iterable[Span]) -> list[Span]:
    """Return disjoint spans in ascending order that cover every letter and digit ``spans`` cover."""
    ordered = sorted(spans, key=_start)
    if all(one.end <= other.start for one, other in pairwise(ordered)):
        return ordered
    kept: list[Span] = []
    for cluster in _clusters(ordered):
        kept += cluster if len(cluster) == 1 else _resolve_cluster(text, cluster)
    return kept


def fill_gaps(text: str, kept: list[Span], more: Iterable[Span]) -> list[Span]:
    """Return ``kept`` (disjoint, ascending) unchanged, plus whatever ``more`` covers beyond it."""
    additions: list[Span] = []
    for span in resolve(text, more):
        additions += _rests(text, span, kept)
    return sorted([*kept, *additions], key=_start)


def _clusters(ordered: list[Span]) -> Iterator[list[Span]]:
    cluster: list[Span] = []
    end = 0
    for span in ordered:
        if cluster and span.start >= end:
            yield cluster
            cluster = []
        cluster.append(span)
        end = max(end, span.end)
    if cluster:
        yield cluster


def _resolve_cluster(text: str, cluster: list[Span]) -> list[Span]:
    best = min(cluster, key=rank)
    if best.start == cluster[0].start and all(span.end <= best.end for span in cluster):
        return [best]  # which leaves nothing of the others
    placed: list[Span] = []
    settled: list[_Stretch] = []
    for span in sorted(cluster, key=rank):
        for rest in _rests(text, span, settled):
            insort(placed, rest, key=_start)
        _settle(settled, span)
    return placed


class _Stretch(NamedTuple):
    """A stretch in which no letter and no digit is left for the spans to come."""

    start: int
    end: int


def _settle(settled: list[_Stretch], span: Span) -> None:
    """Add a span's stretch and join it with those that it meets, so that each is walked over once."""
    low = high = bisect_left(settled, span.start, key=lambda each: each.end)
    start, end = span.start, span.end
    while high < len(settled) and settled[high].start <= span.end:
        start, end = min(start, settled[high].start), max(end, settled[high].end)
        high += 1
    settled[low:high] = [_Stretch(start, end)]


def _rests(text: str, span: Span, placed: Sequence[Span | _Stretch]) -> list[Span]:
    """Return what disjoint, ascending ``placed`` leave of ``span``."""
    rests: list[Span] = []
    start = span.start
    at = bisect_left(placed, span.start, key=lambda each: each.end)
    while at < len(placed) and placed[at].start < span.end:
        rests += _trimmed(text, span, start, placed[at].start)
        start = max(start, placed[at].end)
        at += 1
    return rests + _trimmed(text, span, start, span.end)


def _trimmed(text: str, span: Span, start: int, end: int) -> list[Span]:
    """Return ``[start, end)`` of a span without the punctuation at its cuts; nothing if nothing is left."""
    if (start, end) == (span.start, span.end):
        return [span]
    while start < end and start != span.start and not text[start].isalnum():
        start += 1
    while start < end and end != span.end and not text[end - 1].isalnum():
        end -= 1
    if not any(char.isalnum() for char in text[start:end]):
        return []
    return [replace(span, start=start, end=end)]
