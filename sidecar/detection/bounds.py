"""Upper bounds on what a backtracking matcher may do with a tree, computed before it ever runs.

``Bounds`` of a tree are never exceeded on any text: the code points a match and its lookarounds can
touch, and the leaves of the search tree from one start position.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from sidecar.detection.charset import EMPTY, CharSet
from sidecar.detection.syntax import (
    Branch,
    Chars,
    Look,
    Marked,
    Node,
    Repeat,
    Sequence,
    Unsupported,
    Zero,
)

UNLIMITED = 1 << 30
_COUNTED = 4096  # leaves of wider patterns are not worth counting: nobody accepts them


@dataclass(frozen=True, slots=True)
class Bounds:
    """How far and how hard one match attempt can go.

    ``least`` and ``most`` are code points matched; ``ahead`` and ``behind`` are those that lookarounds see
    beyond the match; ``leaves`` counts the ends of backtracking paths. Each stops at ``UNLIMITED``.
    ``looks``: there are lookarounds; ``marks``: a group marks the original.
    """

    least: int
    most: int
    ahead: int
    behind: int
    leaves: int
    looks: bool
    marks: bool


class _Start(NamedTuple):
    """What a rest of a pattern may begin with; ``ends``: it can also match nothing."""

    chars: CharSet
    ends: bool


class _Leaves(NamedTuple):
    """Leaves below a point: ``alive`` at most; ``dead``: when the next code point fits nothing."""

    alive: int
    dead: int


def bounds(tree: Node, *, count_leaves: bool = True) -> Bounds:
    """Compute the bounds of a whole pattern; without ``leaves`` (which count as none) in little time."""
    least, most = _width(tree)
    looks = _looks(tree)
    ahead, behind = _reach(looks)
    leaves = 0
    if count_leaves:
        whole = _Start(EMPTY, ends=True)
        leaves = UNLIMITED if most > _COUNTED else _leaves(tree, _Leaves(1, 1), whole).alive
    return Bounds(least, most, ahead, behind, leaves, bool(looks), marks(tree))


def _width(node: Node) -> tuple[int, int]:
    match node:
        case Chars():
            return 1, 1
        case Sequence(parts):
            widths = [_width(part) for part in parts]
            return _capped(sum(low for low, _ in widths)), _capped(sum(high for _, high in widths))
        case Branch(alternatives):
            widths = [_width(each) for each in alternatives]
            return min(low for low, _ in widths), max(high for _, high in widths)
        case Repeat(low, high, body, _):
            least, most = _width(body)
            return _capped(low * least), _capped(most * (UNLIMITED if high is None else high))
        case Marked(body):
            return _width(body)
        case Look() | Zero():
            return 0, 0


def _looks(node: Node) -> list[Look]:
    match node:
        case Sequence(parts) | Branch(parts):
            return [look for part in parts for look in _looks(part)]
        case Repeat(_, _, body, _) | Marked(body):
            return _looks(body)
        case Look(body, _, _):
            return [node, *_looks(body)]
        case Chars() | Zero():
            return []


def marks(node: Node) -> bool:
    """Tell whether a group marks the original in every match.

    Raises:
        Unsupported: There is such a group, but some matches do without it.
    """
    surely, possibly = _marks(node)
    if possibly and not surely:
        raise Unsupported("the group 'original' must be part of every match, and of no lookaround")
    return surely


def _marks(node: Node) -> tuple[bool, bool]:
    """Return whether the mark is part of every match, and of any."""
    match node:
        case Marked():
            return True, True
        case Sequence(parts):
            found = [_marks(part) for part in parts]
            return any(surely for surely, _ in found), any(possibly for _, possibly in found)
        case Branch(alternatives):
            found = [_marks(each) for each in alternatives]
            return all(surely for surely, _ in found), any(possibly for _, possibly in found)
        case Repeat(low, _, body, _):
            surely, possibly = _marks(body)
            return surely and low > 0, possibly
        case Look(body, _, _):
            return False, _marks(body)[1]
        case Chars() | Zero():
            return False, False


def _reach(looks: list[Look]) -> tuple[int, int]:
    """Return how far lookaheads and lookbehinds see, were they all nested in one another."""
    ahead = sum(_width(look.body)[1] for look in looks if look.ahead)
    behind = sum(_width(look.body)[1] for look in looks if not look.ahead)
    return _capped(ahead), _capped(behind)


def _start(node: Node, rest: _Start) -> _Start:
    """Return what ``node`` followed by ``rest`` may begin with."""
    match node:
        case Chars(chars):
            return _Start(chars, ends=False)
        case Sequence(parts):
            for part in reversed(parts):
                rest = _start(part, rest)
            return rest
        case Branch(alternatives):
            starts = [_start(each, rest) for each in alternatives]
            return _Start(_union([each.chars for each in starts]), any(each.ends for each in starts))
        case Repeat(low, _, body, _):
            inner = _start(body, rest)
            return inner if low else _Start(inner.chars | rest.chars, inner.ends or rest.ends)
        case Marked(body):
            return _start(body, rest)
        case Look() | Zero():
            return rest


def _union(sets: list[CharSet]) -> CharSet:
    return CharSet.of([pair for each in sets for pair in each.ranges])


def _leaves(node: Node, below: _Leaves, rest: _Start) -> _Leaves:
    """Return the leaves of ``node`` above ``below``, those of what follows, which begins like ``rest``."""
    match node:
        case Chars():
            return _Leaves(below.alive, 1)
        case Sequence(parts):
            for part in reversed(parts):
                below = _leaves(part, below, rest)
                rest = _start(part, rest)
            return below
        case Branch(alternatives):
            total, start = _Leaves(0, 0), _Start(EMPTY, ends=False)
            for each in alternatives:
                total, start = _choice(total, start, _leaves(each, below, rest), _start(each, rest))
            return total
        case Repeat():
            return _repeat_leaves(node, below, rest)
        case Marked(body):
            return _leaves(body, below, rest)
        case Look(body, _, _):
            inner = _leaves(body, _Leaves(1, 1), _Start(EMPTY, ends=True))
            return _Leaves(_capped(below.alive + inner.alive), _capped(below.dead + inner.alive))
        case Zero():
            return _Leaves(below.alive, below.dead + 1)


def _choice(one: _Leaves, first: _Start, other: _Leaves, second: _Start) -> tuple[_Leaves, _Start]:
    """Return the leaves of two alternatives: where their first code points differ, only one lives."""
    if first.chars.meets(second.chars):
        alive = one.alive + other.alive
    else:
        alive = max(one.alive + other.dead, one.dead + other.alive)
    both = _Leaves(_capped(alive), _capped(one.dead + other.dead))
    return both, _Start(first.chars | second.chars, first.ends or second.ends)


def _repeat_leaves(node: Repeat, below: _Leaves, rest: _Start) -> _Leaves:
    if node.high is None or _width(node.body)[1] == 0:
        return _Leaves(UNLIMITED, UNLIMITED)
    again = _Start(_start(node.body, rest).chars | rest.chars, rest.ends)
    leaves = below
    for turn in range(node.high, 0, -1):
        inner = _leaves(node.body, leaves, again if turn < node.high else rest)
        if turn > node.low:
            inner, _ = _choice(inner, _start(node.body, rest), below, rest)
        leaves = inner
        if leaves.alive >= UNLIMITED:
            return _Leaves(UNLIMITED, UNLIMITED)
    return leaves


def _capped(count: int) -> int:
    return min(count, UNLIMITED)
