r"""Regular expressions as trees, and the trees as source for an engine.

A pattern is read once, by Python's own parser under ``re.ASCII``, and written out again for RE2 and for
``re`` with every character class spelled in full, so both engines run the very same expression.
Differences from ``re`` are two: ``$`` without ``(?m)`` is the end of the text only, and back-references,
conditionals, atomic groups and possessive repeats are refused. Of all groups, only one named ``original``
means something: it marks the part of a match that is sensitive.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, auto
from functools import lru_cache
from re import _constants as sre  # type: ignore[attr-defined]
from re import _parser  # type: ignore[attr-defined]
from typing import Any

from sidecar.detection.charset import ANY, DIGIT, LAST, NOT_NEWLINE, SPACE, WORD, CharSet


class Unsupported(ValueError):
    """The pattern uses something that cannot run in linear time; the message says what."""


class ForeignSyntax(ValueError):
    """Python's parser does not read the pattern (or reads it doubtfully); RE2 may."""


class Dialect(Enum):
    """Whom the source is for."""

    PYTHON = auto()  # everything, lookarounds included
    RE2 = auto()  # lookarounds left out
    COARSE = auto()  # for RE2, and long counted repeats become open ones: small automata


class Zero(Enum):
    """An assertion about a position; the value is its spelling in RE2 and ``re``."""

    TEXT_START = ("\\A", "\\A")
    TEXT_END = ("\\z", "\\Z")
    LINE_START = ("(?m:^)", "(?m:^)")
    LINE_END = ("(?m:$)", "(?m:$)")
    BOUNDARY = ("\\b", "\\b")
    NOT_BOUNDARY = ("\\B", "\\B")


@dataclass(frozen=True, slots=True)
class Chars:
    """One code point out of a set."""

    chars: CharSet


@dataclass(frozen=True, slots=True)
class Sequence:
    """One part after the other."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Branch:
    """The first alternative that lets the rest match."""

    alternatives: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """``body`` at least ``low`` and at most ``high`` times (None: no limit)."""

    low: int
    high: int | None
    body: Node
    lazy: bool


@dataclass(frozen=True, slots=True)
class Look:
    """A lookaround."""

    body: Node
    ahead: bool
    negative: bool


@dataclass(frozen=True, slots=True)
class Marked:
    """The group ``(?P<original>…)``: the part of a match that counts."""

    body: Node


Node = Chars | Sequence | Branch | Repeat | Look | Marked | Zero

MARK = "original"
"""Name of the group that marks the sensitive part of a match."""

_COARSE_REPEATS = 3
_CACHED = 4096  # characters and classes; a folder of patterns repeats few of them thousands of times
# As plain numbers, which are compared much faster than members of an enum.
_ASCII, _DOTALL, _IGNORECASE, _MULTILINE = map(int, (re.ASCII, re.DOTALL, re.IGNORECASE, re.MULTILINE))
_POSITIONS = {
    sre.AT_BEGINNING_STRING: Zero.TEXT_START,
    sre.AT_END_STRING: Zero.TEXT_END,
    sre.AT_BOUNDARY: Zero.BOUNDARY,
    sre.AT_NON_BOUNDARY: Zero.NOT_BOUNDARY,
}
_CATEGORIES = {
    sre.CATEGORY_DIGIT: DIGIT,
    sre.CATEGORY_NOT_DIGIT: DIGIT.inverted(),
    sre.CATEGORY_SPACE: SPACE,
    sre.CATEGORY_NOT_SPACE: SPACE.inverted(),
    sre.CATEGORY_WORD: WORD,
    sre.CATEGORY_NOT_WORD: WORD.inverted(),
}
_REFUSED = {
    sre.GROUPREF: "a back-reference",
    sre.GROUPREF_EXISTS: "a conditional group",
    getattr(sre, "ATOMIC_GROUP", None): "an atomic group",
    getattr(sre, "POSSESSIVE_REPEAT", None): "a possessive repeat",
}


def parse(pattern: str, flags: int = 0) -> Node:
    """Read a pattern.

    Raises:
        ForeignSyntax: Python's parser refuses it, or warns that it may mean something else.
        Unsupported: It holds a construct that no linear engine runs.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            tree = _parser.parse(pattern, int(flags) | _ASCII)
    except (re.error, Warning, OverflowError, ValueError) as exc:
        raise ForeignSyntax(str(exc)) from exc
    except RecursionError as exc:
        raise Unsupported("too deeply nested") from exc
    return _sequence(tree, int(tree.state.flags), tree.state.groupdict.get(MARK))


def _sequence(items: Iterable[tuple[Any, Any]], flags: int, mark: int | None) -> Node:
    """Read a sequence; ``mark`` is the number of the group that marks the original."""
    parts = tuple(_node(op, argument, flags, mark) for op, argument in items)
    return parts[0] if len(parts) == 1 else Sequence(parts)


def _node(op: Any, argument: Any, flags: int, mark: int | None) -> Node:  # noqa: ANN401 - the parser's own untyped tuples
    if op in _REFUSED:
        raise Unsupported(f"{_REFUSED[op]} cannot run in linear time")
    if op in (sre.LITERAL, sre.NOT_LITERAL, sre.ANY, sre.IN):
        return Chars(_chars(op, argument, flags))
    if op is sre.AT:
        return _position(argument, flags)
    if op is sre.BRANCH:
        return Branch(tuple(_sequence(items, flags, mark) for items in argument[1]))
    if op is sre.SUBPATTERN:
        group, add, remove, items = argument
        body = _sequence(items, (flags | add) & ~remove, mark)
        return Marked(body) if group is not None and group == mark else body
    if op in (sre.MAX_REPEAT, sre.MIN_REPEAT):
        low, high, items = argument
        limit = None if high is sre.MAXREPEAT else int(high)
        return Repeat(int(low), limit, _sequence(items, flags, mark), op is sre.MIN_REPEAT)
    if op in (sre.ASSERT, sre.ASSERT_NOT):
        direction, items = argument
        return Look(_sequence(items, flags, mark), direction > 0, op is sre.ASSERT_NOT)
    if op is getattr(sre, "FAILURE", None):  # (?!)
        return Look(Sequence(()), ahead=True, negative=True)
    raise Unsupported(f"{op} is unknown")


def _position(where: Any, flags: int) -> Zero:  # noqa: ANN401 - see _node
    lines = bool(flags & _MULTILINE)
    if where is sre.AT_BEGINNING:
        return Zero.LINE_START if lines else Zero.TEXT_START
    if where is sre.AT_END:
        return Zero.LINE_END if lines else Zero.TEXT_END
    return _POSITIONS[where]


def _chars(op: Any, argument: Any, flags: int) -> CharSet:  # noqa: ANN401 - see _node
    if op is sre.ANY:
        return ANY if flags & _DOTALL else NOT_NEWLINE
    if op is not sre.IN:
        one = _literal(argument, bool(flags & _IGNORECASE))
        return one.inverted() if op is sre.NOT_LITERAL else one
    items = argument
    negated = items[0][0] is sre.NEGATE
    ranges: list[tuple[int, int]] = []
    for kind, member in items:
        if kind is sre.LITERAL:
            ranges.append((member, member))
        elif kind is sre.RANGE:
            ranges.append(member)
        elif kind is sre.CATEGORY:
            ranges += _CATEGORIES[member].ranges
    chars = CharSet.of(ranges)
    if flags & _IGNORECASE:
        chars = chars.caseless()
    return chars.inverted() if negated else chars


@lru_cache(maxsize=_CACHED)
def _literal(point: int, caseless: bool) -> CharSet:
    one = CharSet.of([(point, point)])
    return one.caseless() if caseless else one


def source(node: Node, dialect: Dialect) -> str:
    """Write a tree for an engine; groups do not capture, and no flags are needed.

    Surrogates are in no set, and in no text that an engine is run on: ``re`` may let them match all the same.
    """
    match node:
        case Chars(chars):
            return _class(chars, dialect)
        case Sequence(parts):
            return "".join(source(part, dialect) for part in parts)
        case Branch(alternatives):
            return "(?:" + "|".join(source(each, dialect) for each in alternatives) + ")"
        case Repeat():
            return _repeat(node, dialect)
        case Look(body, ahead, negative):
            if dialect is not Dialect.PYTHON:
                return ""
            return f"(?{'' if ahead else '<'}{'!' if negative else '='}{source(body, dialect)})"
        case Marked(body):
            return f"(?{f'P<{MARK}>' if dialect is Dialect.PYTHON else ':'}{source(body, dialect)})"
        case Zero():
            return node.value[dialect is Dialect.PYTHON]


def _repeat(node: Repeat, dialect: Dialect) -> str:
    low, high = node.low, node.high
    if dialect is Dialect.COARSE and (high is None or high > _COARSE_REPEATS):
        low, high = min(low, _COARSE_REPEATS), None
    limit = "" if high is None else str(high)
    counts = {(0, None): "*", (1, None): "+", (0, 1): "?"}.get((low, high), f"{{{low},{limit}}}")
    return f"(?:{source(node.body, dialect)}){counts}{'?' if node.lazy else ''}"


@lru_cache(maxsize=_CACHED)
def _class(chars: CharSet, dialect: Dialect) -> str:
    if not chars:
        raise Unsupported("a character class that holds nothing")
    spell, ranges, sign = _re2_escape, chars.ranges, ""
    if dialect is Dialect.PYTHON:
        spell = _python_escape
        if ranges[-1][1] == LAST and (others := chars.inverted()):  # ``re`` is slow to read large sets
            ranges, sign = others.ranges, "^"
    if len(chars.ranges) == 1 and chars.ranges[0][0] == chars.ranges[0][1]:
        return spell(chars.ranges[0][0])  # engines look for literals much faster than for classes
    spelled = (spell(low) if low == high else f"{spell(low)}-{spell(high)}" for low, high in ranges)
    return f"[{sign}{''.join(spelled)}]"


def _python_escape(point: int) -> str:
    return chr(point) if _is_plain(point) else f"\\U{point:08x}"


def _re2_escape(point: int) -> str:
    return chr(point) if _is_plain(point) else f"\\x{{{point:x}}}"


def _is_plain(point: int) -> bool:
    """Tell whether it stands for itself anywhere; engines read that much faster than an escape."""
    return point < 128 and chr(point).isalnum()
