"""Tells in one pass over a text which of many patterns can match in it at all.

No pattern that matches is left out. The patterns are spread over several automata, since one of all of
them would outgrow its memory and start anew again and again.
"""

from __future__ import annotations

from collections.abc import Sequence

import re2

from sidecar.detection.linear import re2_options
from sidecar.detection.syntax import Unsupported

_PATTERNS_PER_SET = 96
_MEMORY = 64 << 20  # bytes for one automaton, of which few are used


class Prefilter:
    """Many patterns, numbered from 0.

    Args:
        sources: In RE2's syntax; each must match wherever its pattern does.

    Raises:
        Unsupported: A source does not compile, or a set of them exceeds its memory.
    """

    __slots__ = ("_sets",)

    def __init__(self, sources: Sequence[str]) -> None:
        self._sets = [
            (start, _compiled(sources[start : start + _PATTERNS_PER_SET]))
            for start in range(0, len(sources), _PATTERNS_PER_SET)
        ]

    def matching(self, data: bytes) -> set[int]:
        """Return the numbers of all patterns that may match in a text; the others surely do not."""
        return {start + index for start, some in self._sets for index in some.Match(data) or ()}


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
