"""Runs expressions of ``re`` over long texts so that no call holds the interpreter for long.

What is found is what ``finditer`` finds in the whole text. An expression that reads a bounded stretch is run
in windows that overlap by it; one that starts with a line is run where RE2, which lets other threads work,
finds lines that it may match.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import re2

from sidecar.detection.bounds import UNLIMITED, bounds
from sidecar.detection.linear import re2_options
from sidecar.detection.names.needs import need_of, tree_of

WINDOW = 1 << 16
"""Code points that one call searches."""

_GAP = re.compile(r"[\s0-9]")


class Windowed:
    """An expression that reads a bounded stretch from where it matches.

    Args:
        pattern: The expression.
        window: How many code points one call searches.

    Raises:
        ValueError: It may read on without end.
    """

    __slots__ = ("_overlap", "_window", "pattern")

    def __init__(self, pattern: re.Pattern[str], window: int = WINDOW) -> None:
        reach = bounds(tree_of(pattern), count_leaves=False)
        if reach.most >= UNLIMITED or reach.ahead >= UNLIMITED:
            raise ValueError("the expression may read on without end")
        self.pattern = pattern
        self._window = window
        self._overlap = reach.most + reach.ahead + 1  # one more: no window's end is to look like the text's

    def finditer(self, text: str, start: int = 0, end: int | None = None) -> Iterator[re.Match[str]]:
        """Return all matches in ``[start, end)``, as ``finditer`` does."""
        last = len(text) if end is None else end
        if last - start <= self._window:
            return self.pattern.finditer(text, start, last)
        return self._windows(text, start, last)

    def _windows(self, text: str, start: int, last: int) -> Iterator[re.Match[str]]:
        while start < last:
            end = start + self._window
            for found in self.pattern.finditer(text, start, min(end + self._overlap, last)):
                if found.start() >= end:
                    break
                yield found
                end = max(end, found.end())
            start = end


class AtLines:
    """An expression that matches at the start of lines only, and within them but for a line end."""

    __slots__ = ("_lines", "pattern")

    def __init__(self, pattern: re.Pattern[str]) -> None:
        self.pattern = pattern
        self._lines = re2.compile(need_of(pattern), re2_options())

    def finditer(self, text: str) -> Iterator[re.Match[str]]:
        """Yield all matches in a text, ascending."""
        for line in self._lines.finditer(text):
            if found := self.pattern.match(text, line.start()):
                yield found


def stretches(text: str, window: int = WINDOW) -> Iterator[tuple[int, int]]:
    """Yield the stretches of a text in ascending order, cut at blanks and digits that stand far apart."""
    start, at = 0, window
    while at < len(text):
        if gap := _GAP.search(text, at, at + window):
            yield start, gap.start()
            start = gap.start()
        at = (gap.start() if gap else at) + window
    yield start, len(text)
