"""Context words: what must stand near a number for it to count as sensitive.

A word counts where no letter adjoins it, in any case, in snake_case and camelCase too, singular or
plural; blanks in it stand for a blank, a dash, an underscore or nothing. Searching is linear.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Sequence

from sidecar.detection.linear import LinearPattern, TextView

_BEFORE = r"(?:(?<![A-Za-z])|(?<=[a-z])(?=[A-Z]))"
_AFTER = r"(?:(?![A-Za-z])|(?<=[a-z])(?=[A-Z][a-z]))"


class ContextWords:
    """A set of words, and how near they must stand.

    Args:
        words: At least one, none empty.
        within: Code points between word and match at most; None: anywhere in the passage.

    Raises:
        Unsupported: The words are too many or too long to be searched in linear time.
    """

    __slots__ = ("_pattern", "within")

    def __init__(self, words: Sequence[str], within: int | None = None) -> None:
        alternatives = "|".join(
            r"[ _\-]?".join(re.escape(part) for part in word.split())
            for word in sorted(words, key=len, reverse=True)
        )
        self._pattern = LinearPattern(f"{_BEFORE}(?i:{alternatives})s?{_AFTER}")
        self.within = within

    def in_hint(self, hint: str) -> bool:
        """Tell whether a word stands in the hint."""
        return bool(hint) and self._pattern.scan(TextView(hint)).next() is not None

    def look(self, view: TextView, hint: str, tick: Callable[[], None]) -> ContextLook:
        """Prepare to look around matches of one passage."""
        return ContextLook(self, view, hint, tick)

    def stretches(self, view: TextView, tick: Callable[[], None]) -> list[tuple[int, int]]:
        """Return where the words stand; only the first place if any will do."""
        scan, found = self._pattern.scan(view, tick), []
        while place := scan.next():
            found.append(place)
            if self.within is None:
                break
        return found


class ContextLook:
    """Context words around matches of one passage, searched once, and only if somebody asks."""

    __slots__ = ("_ends", "_hint", "_hinted", "_stretches", "_tick", "_view", "_words")

    def __init__(self, words: ContextWords, view: TextView, hint: str, tick: Callable[[], None]) -> None:
        """Remember where to look."""
        self._words, self._view, self._hint, self._tick = words, view, hint, tick
        self._stretches: list[tuple[int, int]] | None = None
        self._ends: list[int] = []
        self._hinted = False

    def near(self, start: int, end: int) -> bool:
        """Tell whether a word stands in the hint or near enough to code points ``[start, end)``."""
        if self._stretches is None:
            self._hinted = self._words.in_hint(self._hint)
            self._stretches = [] if self._hinted else self._words.stretches(self._view, self._tick)
            self._ends = [last for _, last in self._stretches]
        if self._hinted:
            return True
        if self._words.within is None:
            return bool(self._stretches)
        at = bisect_left(self._ends, start - self._words.within)
        return at < len(self._stretches) and self._stretches[at][0] <= end + self._words.within
