r"""Derives from an expression of ``re`` what RE2 finds wherever ``re`` finds the expression.

Such a *need* may match where its expression does not, never the other way round: it knows no lookarounds (but
one that ends a match is part of it) and no ``\b``, its counted repeats are open, and what ``re`` may read in
Unicode's way (``\w``, ``\d``, ``\s``, letters of either case) takes in all that is not ASCII.
"""

from __future__ import annotations

import re

from sidecar.detection.charset import LAST, CharSet
from sidecar.detection.syntax import (
    Branch,
    Chars,
    Dialect,
    Look,
    Marked,
    Node,
    Repeat,
    Sequence,
    Zero,
    parse,
    source,
)

OTHER_CASES = r"\x{130}\x{131}\x{17f}\x{212a}"
"""Signs beyond ASCII that ``re`` may take for an ASCII letter."""

_BEYOND_ASCII = CharSet.of([(0x80, LAST)])
_VERTICAL_TAB = CharSet.of([(0x0B, 0x0B)])  # nobody writes it, so what takes it takes all white space
_SEPARATORS = CharSet.of([(0x1C, 0x1F)])  # white space to ``re``
_LINE_FEED = CharSet.of([(0x0A, 0x0A)])
_OTHER_CASES = {"i": "\u0130\u0131", "k": "\u212a", "s": "\u017f"}
_NOTHING = Sequence(())
_FLAGS = re.IGNORECASE | re.MULTILINE | re.DOTALL | re.VERBOSE


def need_of(pattern: re.Pattern[str], *, of_lines: bool = False) -> str:
    """Return the need of a pattern, in RE2's syntax.

    Args:
        pattern: An expression without back-references and the like.
        of_lines: It is run on single lines, its need on texts of many.
    """
    tree = _widened(tree_of(pattern, re.MULTILINE if of_lines else 0), at_end=True)
    return source(_within_lines(tree) if of_lines else tree, Dialect.COARSE)


def tree_of(pattern: re.Pattern[str], more_flags: int = 0) -> Node:
    """Return a compiled expression as a tree; its classes are those of ``re.ASCII``."""
    return parse(pattern.pattern, pattern.flags & _FLAGS | more_flags)


def _widened(node: Node, *, at_end: bool) -> Node:
    match node:
        case Chars(chars):
            return Chars(_wide(chars))
        case Sequence(parts):
            last = len(parts) - 1
            return Sequence(
                tuple(_widened(part, at_end=at_end and at == last) for at, part in enumerate(parts))
            )
        case Branch(alternatives):
            return Branch(tuple(_widened(each, at_end=at_end) for each in alternatives))
        case Repeat(low, high, body, lazy):
            return Repeat(low, high, _widened(body, at_end=False), lazy)
        case Marked(body):
            return _widened(body, at_end=at_end)
        case Look(body, ahead, negative):
            return _widened(body, at_end=True) if at_end and ahead and not negative else _NOTHING
        case Zero.TEXT_END:  # which ``$`` may be, before a last line end
            return Sequence((Repeat(0, 1, Chars(_LINE_FEED), lazy=False), node))
        case Zero.LINE_START | Zero.LINE_END | Zero.TEXT_START:
            return node
        case Zero.BOUNDARY | Zero.NOT_BOUNDARY:
            return _NOTHING


def _wide(chars: CharSet) -> CharSet:
    """Return the set with all that ``re`` may read in its place."""
    first, last = chars.ranges[0][0], chars.ranges[-1][1]
    if first == last and (first < 0x80 or not chr(first).isalpha()):
        return chars  # one sign, in one case
    small = chr(last)
    if small.isascii() and small.islower() and chars == CharSet.of([(last, last)]).caseless():
        return chars | CharSet.of((ord(other), ord(other)) for other in _OTHER_CASES.get(small, ""))
    return chars | _BEYOND_ASCII | (_SEPARATORS if chars.meets(_VERTICAL_TAB) else chars)


def _within_lines(node: Node) -> Node:
    """Return the tree without line ends in its sets."""
    match node:
        case Chars(chars):
            return Chars((chars.inverted() | _LINE_FEED).inverted())
        case Sequence(parts):
            return Sequence(tuple(map(_within_lines, parts)))
        case Branch(alternatives):
            return Branch(tuple(map(_within_lines, alternatives)))
        case Repeat(low, high, body, lazy):
            return Repeat(low, high, _within_lines(body), lazy)
        case Look() | Marked() | Zero():
            return node
