r"""Tells which lines of a text are source code, by how they are written.

A line counts with its neighbors, so that comments and docstrings between statements are code too, and one
odd line in prose is not. Time is linear.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence

import re2

from sidecar.detection.linear import re2_options
from sidecar.detection.names.needs import need_of

_CODE = re.compile(
    r"""
      ^\s*(?:from\s+[\w.]+\s+import\b|import\s+[\w.{*"']|\#\s*include\b|package\s+[\w.]+;?$|using\s+[\w.]+;)
    | ^\s*(?:async\s+)?(?:def|class|func|fn|function|struct|enum|interface|impl|trait|module|namespace)\s+\w+
    | ^\s*(?:public|private|protected|static|final|const|let|var|val)\s+[\w<{*\[]
    | ^\s*(?:export|extern|typedef|template)\s+[\w<{*\[]
    | ^\s*(?:if|elif|while|for|with|try|except|finally|else|switch|case|match)\b.{0,200}[:{]\s*(?:\#.*|//.*)?$
    | ^\s*(?:return|yield|raise|throw|assert|del|pass|break|continue|await|goto)\b[^.!?]{0,200};?$
    | ^\s*(?:return|yield|raise|throw|assert|await)\b.{0,200}[(\[]
    | ^\s*(?:@\w[\w.]*(?:\(|\s*$)|[)\]}]+[;,]?\s*(?:\#.*|//.*)?$|"{3}|'{3})
    | ^\s*[\w.\[\]\"'*&>-]{1,80}\s*(?:[-+*/|&^%]|<<|>>|:)?=(?!=)\s*\S
    | [\w\])]\((?:[^()\n]{0,120}[,=(\[{"'_]|\)|self\b)     # a call, an empty one, or with arguments
    | \bself\.\w | \b[a-z]\w*\.[a-z_]\w*\(
    | ==|!=|===|=>|->|::|&&|\|\||\+\+|\$\{|<\?php|</?\w+[^<>\n]{0,80}/?>\s*$
    | [=(].*;\s*$ | [\w)\]"'>]\s*\{\s*$
    | ^\s*[.\#@:]?[\w.\#:>,\ -]{1,80}\{\s*[\w-]{2,40}\s*:[^;{}\n]{1,120};     # a rule of a style sheet
    | ^\s*[a-z-]{3,40}:\s[^;{}\n]{1,120};\s*$
    | ^\s*["'][\w.-]+["'],?\s*$ | ^\s*["']?\w+["']?:\s*[\[{(]\s*$
    """,
    re.VERBOSE,
)
LOOK = need_of(_CODE, of_lines=True)
"""What a text needs to hold code, unless it has overlong lines; in RE2's syntax."""

_MAY_BE_CODE = re2.compile(f"(?m:^)[^\\n]*?(?:{LOOK})".encode(), re2_options())
_BLANK = re.compile(r"\s*$")
_INDENTED = re.compile(r"(?:\t| {4}|\s*(?:\#|//|/?\*|--|;;))")  # a docstring, a comment; or a quotation
_NEIGHBORS = 3
_SHARE = 0.5
_SHARE_OF_TEXT = 0.2  # code from which on indented prose belongs to it
_FEWEST = 2  # lines of code in the neighborhood
_LONGEST = 600  # characters of a line that are looked at


class CodeLines:
    """The lines of one text, and which of them are code.

    Args:
        text: A text without lone surrogates.
        meets_need: Whether ``LOOK`` stands in it.
    """

    __slots__ = ("_code", "_starts", "mostly")

    def __init__(self, text: str, *, meets_need: bool = True) -> None:
        self._starts, self._code = [0], [False]
        self.mostly = False
        """Whether so much of the text is code that indented prose belongs to it."""
        if not meets_need and len(text) <= _LONGEST:
            return
        lines = text.split("\n")
        if not meets_need and max(map(len, lines)) <= _LONGEST:
            return
        looks = {number for number in _likely(lines) if _CODE.search(lines[number][:_LONGEST])}
        if not looks:
            return
        marks = [
            1 if number in looks else None if _BLANK.match(line) else 0 for number, line in enumerate(lines)
        ]
        code, prose = marks.count(1), marks.count(0)
        self.mostly = code >= _FEWEST and code >= _SHARE_OF_TEXT * (code + prose)
        for line in lines[:-1]:
            self._starts.append(self._starts[-1] + len(line) + 1)
        self._code = _smoothed(lines, marks, mostly=self.mostly)

    def at(self, place: int) -> bool:
        """Tell whether the line at a place is code."""
        return self._code[bisect_right(self._starts, place) - 1]


def _likely(lines: Sequence[str]) -> Iterator[int]:
    """Yield the numbers of the lines that may look like code, ascending; the others surely do not."""
    text = "\n".join(line[:_LONGEST] for line in lines).encode()
    number = place = 0
    for line in _MAY_BE_CODE.finditer(text):
        start = line.start()
        number += text.count(b"\n", place, start)
        place = start
        yield number


def _smoothed(lines: list[str], marks: list[int | None], *, mostly: bool) -> list[bool]:
    """Return whether each line is code, given itself and its neighbors that are not blank."""
    kept = [(index, mark) for index, mark in enumerate(marks) if mark is not None]
    sums = [0]
    for _, mark in kept:
        sums.append(sums[-1] + mark)
    out = [False] * len(marks)
    for position, (index, _) in enumerate(kept):
        low, high = max(0, position - _NEIGHBORS), min(len(kept), position + _NEIGHBORS + 1)
        code = sums[high] - sums[low]
        alone = len(kept) == 1 and code == 1
        dense = code >= _FEWEST and code >= _SHARE * (high - low)
        out[index] = alone or dense or (mostly and bool(_INDENTED.match(lines[index])))
    return out
