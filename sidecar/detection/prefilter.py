"""Tells in one pass over a text which of many patterns can match in it at all.

No pattern that matches is left out. The patterns are spread over several automata: one state stands for all
that is under way in each pattern, and what many counted repeats make of a text of numbers would be a new
state with nearly every character.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import re2

from sidecar.detection.linear import re2_options
from sidecar.detection.syntax import Unsupported

_PATTERNS_PER_SET = 8
_MEMORY = 16 << 20  # bytes for one automaton, of which few are used


class Prefilter:
    """Many patterns, numbered from 0.

    Args:
        sources: In RE2's syntax; each must match wherever its pattern does.
        per_set: How many share an automaton; there can be many more if they are words.

    Raises:
        Unsupported: A source does not compile, or a set of them exceeds its memory.
    """

    __slots__ = ("_sets",)

    def __init__(self, sources: Sequence[str], per_set: int = _PATTERNS_PER_SET) -> None:
        count = -(-len(sources) // per_set)
        # Neighbors are much alike; apart, they multiply each other's states less.
        self._sets = [(start, count, _compiled(sources[start::count])) for start in range(count)]

    def matching(self, data: bytes, tick: Callable[[], None] = lambda: None) -> set[int]:
        """Return the numbers of all patterns that may match in a text; the others surely do not."""
        found: set[int] = set()
        for start, step, some in self._sets:
            if indices := some.Match(data):
                found.update(start + step * index for index in indices)
            tick()
        return found


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
