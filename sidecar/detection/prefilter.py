"""Tells in one pass over a text which of many patterns can match in it at all; none that matches is left out.

Patterns with signs (``signs``) are told by the native kernel, all at once. Those without any, and all of
them where there is no kernel, are told by RE2, spread over several automata: one state stands for all that is
under way in each pattern, and what many counted repeats make of a text of numbers would be a new state with
nearly every character.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

import re2

from sidecar.detection.linear import re2_options
from sidecar.detection.native import Kernel, kernel
from sidecar.detection.sign_choice import MAX_SIGN, Sign
from sidecar.detection.symbols import SET_BYTES
from sidecar.detection.syntax import Unsupported

_PATTERNS_PER_SET = 8
_WORDS_PER_SET = 96
_MEMORY = 16 << 20  # bytes for one automaton, of which few are used
_MOST = 0xFFFF  # sets, signs and owners that the kernel takes
_STRETCH = 1 << 20  # bytes that the kernel reads between two looks at the clock: some 30 ms


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for.

    Args:
        coarse: Returns a pattern in RE2's syntax that matches wherever the wanted one does.
        signs: One of them stands wherever it does; none if they are not known.
        words: It is a list of words, of which many can share an automaton.
    """

    coarse: Callable[[], str]
    signs: tuple[Sign, ...] = ()
    words: bool = False


class Prefilter:
    """Many patterns, numbered from 0.

    Args:
        wanted: The patterns.
        native: The kernel; None does without.

    Raises:
        Unsupported: A pattern does not compile, or a set of them exceeds its memory.
    """

    __slots__ = ("_find", "_of_signs", "_sets", "_signs")

    def __init__(self, wanted: Sequence[Wanted], native: Kernel | None = kernel) -> None:
        of_signs = [number for number, each in enumerate(wanted) if native and each.signs]
        packed = _packed([wanted[number].signs for number in of_signs])
        if native and packed:
            self._find, self._signs = native.signs_find, native.signs_pack(*packed)
        else:
            of_signs = []
        self._of_signs = tuple(of_signs)
        rest = sorted(set(range(len(wanted))).difference(of_signs))
        self._sets = [
            (numbers, _compiled([wanted[number].coarse() for number in numbers]))
            for words, per_set in ((False, _PATTERNS_PER_SET), (True, _WORDS_PER_SET))
            for numbers in _dealt([number for number in rest if wanted[number].words is words], per_set)
        ]

    def matching(self, data: bytes, tick: Callable[[], None] = lambda: None) -> set[int]:
        """Return the numbers of all patterns that may match in a text; the others surely do not."""
        found: set[int] = set()
        if self._of_signs:
            of_signs = self._of_signs
            for part in _stretches(data):
                found.update([of_signs[group] for group in self._find(self._signs, part)])
                tick()
        for numbers, some in self._sets:
            if indices := some.Match(data):
                found.update(numbers[index] for index in indices)
            tick()
        return found


def _stretches(data: bytes) -> Iterator[bytes | memoryview]:
    """Yield a text in pieces one of which holds each sign of the text whole.

    A piece has edges where the text has none, so it may show more signs than the text: never fewer.
    """
    if len(data) <= _STRETCH:
        yield data
        return
    view = memoryview(data)
    for start in range(0, len(data), _STRETCH):
        yield view[max(0, start - MAX_SIGN) : start + _STRETCH]


def _packed(groups: Sequence[Sequence[Sign]]) -> tuple[bytes, array[int], bytes, array[int], int] | None:
    """Return what the kernel takes (``signs.h``); None if that is nothing, or more than it takes."""
    owners: dict[Sign, list[int]] = {}
    for group, signs in enumerate(groups):
        for sign in signs:
            owners.setdefault(sign, []).append(group)
    sets = {symbols: number for number, symbols in enumerate(dict.fromkeys(chain.from_iterable(owners)))}
    if not owners or max(len(owners), len(sets), len(groups)) > _MOST:
        return None
    return (
        b"".join(symbols.to_bytes(SET_BYTES, "little") for symbols in sets),
        array("H", (sets[symbols] for sign in owners for symbols in sign)),
        bytes(map(len, owners)),
        array(
            "H", (one for pair in enumerate(owners.values()) for group in pair[1] for one in (pair[0], group))
        ),
        len(groups),
    )


def _dealt(numbers: Sequence[int], per_set: int) -> list[Sequence[int]]:
    """Return sets of numbers; neighbors are much alike, and apart, they multiply each other's states less."""
    count = -(-len(numbers) // per_set)
    return [numbers[start::count] for start in range(count)]


def _compiled(sources: Sequence[str]) -> re2.Set:
    options = re2_options()
    options.max_mem = _MEMORY
    some = re2.Set.SearchSet(options)
    try:
        for each in sources:
            some.Add(each.encode())
        some.Compile()
    except re2.error as exc:
        raise Unsupported("all patterns together are too large") from exc
    return some
