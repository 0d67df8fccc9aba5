"""Sets of symbols: the 256 bytes of UTF-8, and the edge that stands before a text and behind it.

A set is an integer whose bit ``s`` tells whether symbol ``s`` is in it. What is said of code points becomes
a statement on their bytes that is true whenever the first was: never a narrower one.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from sidecar.detection.charset import WORD, CharSet

EDGE = 1 << 256
ANY = EDGE | (EDGE - 1)
SET_BYTES = 33
_SIZES = ((0, 0x7F), (0x80, 0x7FF), (0x800, 0xFFFF), (0x10000, 0x10FFFF))  # code points by bytes in UTF-8
_FOLLOWING = (0x80, 0xBF)
_CACHED = 4096  # sets; those of a folder of patterns are few


def between(low: int, high: int) -> int:
    """Return the set of the symbols from ``low`` to ``high``."""
    return ((1 << (high - low + 1)) - 1) << low


IN_WORD = sum(between(low, high) for low, high in WORD.ranges)
OUTSIDE_WORD = ANY & ~IN_WORD
LINE_EDGE = EDGE | between(ord("\n"), ord("\n"))


@lru_cache(maxsize=_CACHED)
def encodings(chars: CharSet) -> tuple[tuple[int, ...], ...]:
    """Return sequences of sets, one of at most four for each length in UTF-8, that take every character."""
    sequences: dict[int, list[int]] = {}
    for low, high in chars.ranges:
        for first, last in _SIZES:
            if low <= last and first <= high:
                _widen(sequences, chr(max(low, first)).encode(), chr(min(high, last)).encode())
    return tuple(tuple(sets) for _, sets in sorted(sequences.items()))


def _widen(sequences: dict[int, list[int]], low: bytes, high: bytes) -> None:
    sets = sequences.setdefault(len(low), [0] * len(low))
    same = True  # so far; behind a byte that differs, any may follow
    for place, (first, last) in enumerate(zip(low, high, strict=True)):
        sets[place] |= between(first, last) if same else between(*_FOLLOWING)
        same = same and first == last


def first_bytes(chars: CharSet) -> int:
    """Return the bytes with which a character of a set may begin."""
    return _union(sequence[0] for sequence in encodings(chars))


def last_bytes(chars: CharSet) -> int:
    """Return the bytes with which a character of a set may end."""
    return _union(sequence[-1] for sequence in encodings(chars))


def _union(sets: Iterable[int]) -> int:
    union = 0
    for each in sets:
        union |= each
    return union
