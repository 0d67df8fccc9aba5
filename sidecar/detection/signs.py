"""What every match of a pattern holds: signs, short sequences of sets of symbols.

Wherever a pattern matches, at least one of its signs stands in the text. That follows from the pattern's
tree alone: each part is described by sequences of sets for all that it may match, as far as they are few;
else by those that its matches begin and end with. What stands around a match (word boundaries, single
characters of lookarounds, the ends of the text) narrows the sets beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sidecar.detection import symbols, syntax
from sidecar.detection.charset import CharSet
from sidecar.detection.sign_choice import MAX_SIGN, UNKNOWN, Choice, Sign
from sidecar.detection.symbols import ANY, EDGE, IN_WORD, LINE_EDGE, OUTSIDE_WORD
from sidecar.detection.syntax import Branch, Chars, Look, Marked, Node, Repeat, Zero

_CROSSED = 128  # sequences that two parts may make together, unless one of them has more
_UNITED = 400  # sequences that alternatives may make together
_COUNTED = 4  # repeats of a single sequence that are spelled out


class _Run(NamedTuple):
    """A sequence of sets, and what may stand before and behind it."""

    before: int
    sets: Sign
    behind: int

    def whole(self) -> Sign:
        """Return the sequence with what is known of its neighbors."""
        before = () if self.before == ANY else (self.before,)
        return (*before, *self.sets, *(() if self.behind == ANY else (self.behind,)))


_Runs = tuple[_Run, ...]
_NOTHING = _Run(ANY, (), ANY)
_ZEROS = {
    Zero.TEXT_START: (_Run(EDGE, (), ANY),),
    Zero.TEXT_END: (_Run(ANY, (), EDGE),),
    Zero.LINE_START: (_Run(LINE_EDGE, (), ANY),),
    Zero.LINE_END: (_Run(ANY, (), LINE_EDGE),),
    Zero.BOUNDARY: (_Run(OUTSIDE_WORD, (), IN_WORD), _Run(IN_WORD, (), OUTSIDE_WORD)),
    Zero.NOT_BOUNDARY: (_Run(IN_WORD, (), IN_WORD), _Run(OUTSIDE_WORD, (), OUTSIDE_WORD)),
}


class _Part(NamedTuple):
    """What is known of all that a part of a pattern matches.

    Each match begins with one of ``heads`` and ends with one of ``tails``; it is one of them if the part is
    ``exact``, and they are the same then. It holds a sign of ``inner``.
    """

    exact: bool
    heads: _Runs
    tails: _Runs
    inner: Choice

    @property
    def choice(self) -> Choice:
        """The best signs of the part."""
        return _choice(self.heads).or_better(_choice(self.tails)).or_better(self.inner)


def signs(tree: Node) -> tuple[Sign, ...]:
    """Return sequences one of which stands in each text that a pattern matches; none if they are unknown."""
    return _part(tree).choice.signs


def _part(node: Node) -> _Part:
    match node:
        case Chars(chars):
            return _exact(_Run(ANY, sets, ANY) for sets in symbols.encodings(chars))
        case Zero():
            return _exact(_ZEROS[node])
        case Look():
            return _exact([_look(node)])
        case Marked(body):
            return _part(body)
        case syntax.Sequence(parts):
            return _sequence([_part(part) for part in parts])
        case Branch(alternatives):
            return _branch([_part(each) for each in alternatives])
        case Repeat(low, high, body, _):
            return _repeat(low, high, _part(body))


def _exact(runs: Iterable[_Run]) -> _Part:
    all_of_them = tuple(dict.fromkeys(runs))
    return _Part(True, all_of_them, all_of_them, UNKNOWN)


def _choice(runs: _Runs) -> Choice:
    return Choice.of(run.whole() for run in runs)


def _look(node: Look) -> _Run:
    """Return what a lookaround says of the one symbol next to it."""
    neighbor = 0
    if node.negative:
        chars = _single(node.body)
        if chars is not None:
            of_char = symbols.first_bytes if node.ahead else symbols.last_bytes
            neighbor = EDGE | of_char(chars.inverted())
    else:
        body = _part(node.body)
        for run in body.heads if node.ahead else body.tails:
            neighbor |= (run.sets or (run.behind,))[0] if node.ahead else (run.sets or (run.before,))[-1]
    if not neighbor:
        return _NOTHING
    return _Run(ANY, (), neighbor) if node.ahead else _Run(neighbor, (), ANY)


def _single(node: Node) -> CharSet | None:
    """Return the set of which a tree matches one character, if it is so simple."""
    match node:
        case Chars(chars):
            return chars
        case Marked(body):
            return _single(body)
        case Branch(alternatives):
            each = [_single(alternative) for alternative in alternatives]
            return CharSet.of(pair for chars in each if chars for pair in chars.ranges) if all(each) else None
        case _:
            return None


def _branch(parts: Sequence[_Part]) -> _Part:
    heads = dict.fromkeys(run for part in parts for run in part.heads)
    tails = dict.fromkeys(run for part in parts for run in part.tails)
    if len(heads) <= _UNITED and all(part.exact for part in parts):
        return _exact(heads)
    choices = [part.choice for part in parts]
    known = all(choice.signs for choice in choices)
    inner = Choice.among(dict.fromkeys(sign for each in choices for sign in each.signs)) if known else UNKNOWN
    return _Part(False, _few(heads), _few(tails), inner)


def _few(runs: Iterable[_Run]) -> _Runs:
    few = tuple(runs)
    return few if len(few) <= _UNITED else (_NOTHING,)


def _sequence(parts: Iterable[_Part]) -> _Part:
    exact, inner = True, UNKNOWN
    heads: _Runs = (_NOTHING,)
    tails: _Runs = heads
    for part in parts:
        inner = inner.or_better(part.inner)
        joined = _crossed(tails, part.heads)
        if joined is None:
            inner = inner.or_better(_choice(tails))
            exact, tails = False, part.tails
        elif not part.exact:
            inner = inner.or_better(_choice(joined))
            heads = joined if exact else heads
            exact, tails = False, part.tails
        else:
            heads, tails = joined if exact else heads, joined
        if any(len(run.sets) > MAX_SIGN for run in tails):
            inner = inner.or_better(_choice(tails))
            exact, tails = False, _ends(tails)
    return _Part(exact, heads, tails, inner)


def _crossed(first: _Runs, second: _Runs) -> _Runs | None:
    """Return all sequences of one and then another; None if they are too many."""
    if first == (_NOTHING,):
        return second
    if len(first) * len(second) > max(_CROSSED, len(first), len(second)):
        return None
    return tuple(dict.fromkeys(run for one in first for other in second if (run := _joined(one, other))))


def _joined(one: _Run, other: _Run) -> _Run | None:
    """Return one sequence and then another; None if their neighbors rule that out."""
    before, sets, more, behind = one.before, one.sets, other.sets, other.behind
    if sets and other.before != ANY:
        sets = (*sets[:-1], sets[-1] & other.before)
    elif not sets:
        before &= other.before
    if more and one.behind != ANY:
        more = (more[0] & one.behind, *more[1:])
    elif not more:
        behind &= one.behind
    sets += more
    return _Run(before, sets, behind) if before and behind and all(sets) else None


def _ends(runs: _Runs) -> _Runs:
    """Return the last symbols of sequences that are too long to go on with."""
    long = (run if len(run.sets) <= MAX_SIGN else _Run(ANY, run.sets[-MAX_SIGN:], run.behind) for run in runs)
    return tuple(dict.fromkeys(long))


def _repeat(low: int, high: int | None, part: _Part) -> _Part:
    if high is not None and high <= MAX_SIGN and part.exact:
        if (low, high) == (0, 1):
            return _exact((*part.heads, _NOTHING))
        if len(part.heads) == 1 and high - low <= _COUNTED:
            each = [_sequence([part] * count) for count in range(low, high + 1)]
            if all(one.exact for one in each):
                return _exact(run for one in each for run in one.heads)
    if low == 0:
        once = high == 1
        heads, tails = (part.heads, part.tails) if once else ((), ())
        return _Part(False, (*heads, _NOTHING), (*tails, _NOTHING), UNKNOWN)
    copies = _sequence([part] * min(low, MAX_SIGN))
    return copies if low == high and low <= MAX_SIGN else copies._replace(exact=False)
