"""Context words: what must stand near a number for it to count as sensitive.

A word counts where no letter adjoins it, in any case, in snake_case and camelCase too, singular or plural,
a long one without its accents too; blanks in it stand for a blank, a dash, an underscore or nothing.
Searching is linear.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Callable, Sequence

from sidecar.detection.linear import LinearPattern, TextView

_BEFORE = r"(?:(?<![A-Za-z])|(?<=[a-z])(?=[A-Z]))"
_AFTER = r"(?:(?![A-Za-z])|(?<=[a-z])(?=[A-Z][a-z]))"
_LONG = 7  # letters of a word whose accents may be left out
_BARE = {
    "\u0111": "d",
    "\u0142": "l",
    "\u00f8": "o",
    "\u0131": "i",
}  # letters that Unicode does not take apart


class ContextWords:
    """A set of words, and how near they must stand.

    Args:
        words: At least one, none empty.
        within: Code points between word and match at most; None: anywhere in the passage.
        trusted: They are known to be searched in linear time.

    Raises:
        Unsupported: The words are too many or too long to be searched in linear time.
    """

    __slots__ = ("pattern", "within")

    def __init__(self, words: Sequence[str], within: int | None = None, *, trusted: bool = False) -> None:
        alternatives = "|".join(
            _spelled(word)
            for word in sorted({word.lower() for word in words}, key=lambda word: (-len(word), word))
        )
        self.pattern = LinearPattern(f"{_BEFORE}(?i:{alternatives})s?{_AFTER}", trusted=trusted)
        self.within = within

    def in_hint(self, hint: str) -> bool:
        """Tell whether a word stands in the hint."""
        return bool(hint) and self.pattern.scan(TextView(hint)).next() is not None

    def look(self, view: TextView, hint: str, tick: Callable[[], None]) -> ContextLook:
        """Prepare to look around matches of one passage."""
        return ContextLook(self, view, hint, tick)

    def stretches(self, view: TextView, tick: Callable[[], None]) -> list[tuple[int, int]]:
        """Return where the words stand; only the first place if any will do."""
        scan, found = self.pattern.scan(view, tick), []
        while place := scan.next():
            found.append(place)
            if self.within is None:
                break
        return found


def _spelled(word: str) -> str:
    """Return a pattern of a word in any case; patterns themselves fold ASCII letters only.

    The accents of a long word may be left out; short ones would then be other words.
    """
    return r"[ _\-]?".join(
        "".join(_letter(char, bare=len(word) >= _LONG) for char in part) for part in word.split()
    )


def _letter(char: str, *, bare: bool) -> str:
    if char.isascii():
        return re.escape(char)
    forms = {form for form in (char, char.lower(), char.upper()) if len(form) == 1}
    base = _BARE.get(char.lower()) or unicodedata.normalize("NFD", char.lower())[0]
    if bare and base.isascii():
        forms.add(base)
    return f"[{''.join(sorted(forms))}]" if len(forms) > 1 else re.escape(char)


class ContextLook:
    """Context words around matches of one passage."""

    __slots__ = ("_ends", "_hinted", "_stretches", "_words")

    def __init__(self, words: ContextWords, view: TextView, hint: str, tick: Callable[[], None]) -> None:
        """Find all the words at once; if the hint has one, the text need not."""
        self._words = words
        self._hinted = words.in_hint(hint)
        self._stretches = [] if self._hinted else words.stretches(view, tick)
        self._ends = [last for _, last in self._stretches]

    @property
    def anywhere(self) -> bool:
        """Whether a word stands in the hint or in the text, near or not."""
        return self._hinted or bool(self._stretches)

    def near(self, start: int, end: int) -> bool:
        """Tell whether a word stands in the hint or near enough to code points ``[start, end)``."""
        if self._hinted or self._words.within is None:
            return self.anywhere
        at = bisect_left(self._ends, start - self._words.within)
        return at < len(self._stretches) and self._stretches[at][0] <= end + self._words.within
