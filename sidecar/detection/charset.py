"""Sets of code points as sorted, disjoint, inclusive ranges; surrogates are never members.

Regular expressions mean what Python's ``re.ASCII`` says; sets make that meaning explicit, so that any
engine given the same ranges agrees.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

LAST = 0x10FFFF
_SURROGATES = (0xD800, 0xDFFF)
_CASE_SHIFT = ord("a") - ord("A")


@dataclass(frozen=True, slots=True)
class CharSet:
    """A set of code points.

    ``ranges``: inclusive pairs, ascending, with gaps between them. Build with :meth:`of`.
    """

    ranges: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, ranges: Iterable[tuple[int, int]]) -> CharSet:
        """Return the set of all code points in ``ranges``, in any order and overlap, less surrogates."""
        merged: list[tuple[int, int]] = []
        for low, high in sorted(_without_surrogates(ranges)):
            if merged and low <= merged[-1][1] + 1:
                merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
            else:
                merged.append((low, high))
        return cls(tuple(merged))

    def inverted(self) -> CharSet:
        """Return all other code points."""
        gaps, start = [], 0
        for low, high in self.ranges:
            gaps.append((start, low - 1))
            start = high + 1
        return CharSet.of([*gaps, (start, LAST)])

    def caseless(self) -> CharSet:
        """Return the set with both cases of every ASCII letter in it."""
        more = []
        for low, high in self.ranges:
            more += _shifted(low, high, "A", "Z", _CASE_SHIFT) + _shifted(low, high, "a", "z", -_CASE_SHIFT)
        return CharSet.of([*self.ranges, *more])

    def meets(self, other: CharSet) -> bool:
        """Tell whether some code point is in both."""
        return any(a <= d and c <= b for a, b in self.ranges for c, d in other.ranges)

    def __or__(self, other: CharSet) -> CharSet:
        return CharSet.of([*self.ranges, *other.ranges])

    def __bool__(self) -> bool:
        return bool(self.ranges)


def _shifted(low: int, high: int, first: str, last: str, shift: int) -> list[tuple[int, int]]:
    low, high = max(low, ord(first)), min(high, ord(last))
    return [(low + shift, high + shift)] if low <= high else []


def _without_surrogates(ranges: Iterable[tuple[int, int]]) -> Iterable[tuple[int, int]]:
    first, last = _SURROGATES
    for low, high in ranges:
        for a, b in ((low, min(high, first - 1)), (max(low, last + 1), high)):
            if a <= b:
                yield a, b


EMPTY = CharSet(())
ANY = CharSet.of([(0, LAST)])
NOT_NEWLINE = CharSet.of([(ord("\n"), ord("\n"))]).inverted()
DIGIT = CharSet.of([(ord("0"), ord("9"))])
WORD = CharSet.of([(ord("0"), ord("9")), (ord("A"), ord("Z")), (ord("_"), ord("_")), (ord("a"), ord("z"))])
SPACE = CharSet.of([(ord("\t"), ord("\r")), (ord(" "), ord(" "))])
