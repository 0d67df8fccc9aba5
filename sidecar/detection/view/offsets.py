"""Text rewritten in places, and the way back: offsets after a rewrite to offsets before it.

A map holds only what changed, so that it costs nothing for the rest; each look-up is a binary search.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterable

_EDITS_PER_TICK = 4096
Edit = tuple[int, int, str]  # the stretch ``[start, end)`` is to read so


class OffsetMap:
    """Where each stretch of a rewritten text came from.

    An edit is one piece: a stretch that holds a part of its outcome comes from all of its source.
    """

    __slots__ = ("_after", "_source_ends", "_source_starts")

    def __init__(self) -> None:
        """Start with a text in which nothing changed."""
        self._source_starts = array("q")
        self._source_ends = array("q")
        self._after = array("q")  # where the outcome of each edit ends

    def add(self, start: int, end: int, size: int) -> None:
        """Note that ``[start, end)``, behind all earlier edits, became ``size`` code points."""
        self._after.append(self._outcome_of_next(start) + size)
        self._source_starts.append(start)
        self._source_ends.append(end)

    def source(self, start: int, end: int) -> tuple[int, int]:
        """Return the smallest stretch that holds every character which gave ``[start, end)``."""
        if start >= end:
            place = self._source_of(start)[0]
            return place, place
        return self._source_of(start)[0], self._source_of(end - 1)[1]

    def _source_of(self, place: int) -> tuple[int, int]:
        """Return the source of the code point at ``place``."""
        at = bisect_right(self._after, place)
        shift = self._source_ends[at - 1] - self._after[at - 1] if at else 0
        source = place + shift
        if at < len(self._after) and source >= self._source_starts[at]:
            return self._source_starts[at], self._source_ends[at]
        return source, source + 1

    def _outcome_of_next(self, start: int) -> int:
        if not self._after:
            return start
        return start + self._after[-1] - self._source_ends[-1]


def rewritten(
    text: str, edits: Iterable[Edit], tick: Callable[[], None] = lambda: None
) -> tuple[str, OffsetMap | None]:
    """Return the text with all edits made, and its map; None if nothing changed.

    Args:
        text: What to change.
        edits: Disjoint stretches in ascending order.
        tick: Called now and then.
    """
    pieces: list[str] = []
    offsets, done = OffsetMap(), 0
    for count, (start, end, outcome) in enumerate(edits):
        if count % _EDITS_PER_TICK == 0:
            tick()
        pieces += (text[done:start], outcome)
        offsets.add(start, end, len(outcome))
        done = end
    if not pieces:
        return text, None
    pieces.append(text[done:])
    return "".join(pieces), offsets
