"""Where each code point of a JSON string with escapes begins in its source, exactly."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from itertools import accumulate
from json import JSONDecoder

# One code point each: a pair of surrogates counts as one, as the decoder joins it.
_ESCAPE = r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\."
_escapes = re.compile(_ESCAPE).finditer
_split_escapes = re.compile(f"({_ESCAPE})").split
_blocks = re.compile(rf"(?:[^\\]*+(?:{_ESCAPE})){{1,1024}}+|[^\\]++").finditer
_decode = JSONDecoder().raw_decode


class SourceMap:
    """Maps code points of the text between two quotes to the document that it stands in.

    Kept in blocks of at most 1024 escapes, of which one at a time is spelled out: a string that is
    all escapes would otherwise take a hundred times its size.
    """

    __slots__ = ("_ends", "_opened", "_source", "_starts", "_text")

    def __init__(self, text: str, start: int, end: int) -> None:
        self._text = text
        self._starts, self._source = [0], [start]
        for block in _blocks(text, start, end):
            self._starts.append(self._starts[-1] + len(_decode(f'"{block[0]}"')[0]))
            self._source.append(block.end())
        self._opened = -1
        self._ends: tuple[list[int], list[int]] = ([], [])

    def at(self, offset: int) -> int:
        """Return where code point ``offset`` of the text begins, never inside an escape."""
        block = bisect_right(self._starts, offset) - 1
        start, source = self._starts[block], self._source[block]
        if block == len(self._source) - 1:
            return source
        if block != self._opened:
            self._opened = block
            self._ends = _piece_ends(self._text[source : self._source[block + 1]])
        in_text, in_source = self._ends
        piece = bisect_right(in_text, offset - start) - 1
        return source + in_source[piece] + offset - start - in_text[piece]


def each_at(text: str, start: int, end: int, offsets: Iterable[int]) -> Iterator[int]:
    """Yield what ``SourceMap.at`` says of each offset; they ascend, and nothing is kept."""
    shift, escapes = start, _escapes(text, start, end)
    escape = next(escapes, None)
    for offset in offsets:
        while escape and escape.start() - shift < offset:
            shift += escape.end() - escape.start() - 1
            escape = next(escapes, None)
        yield offset + shift


def _piece_ends(source: str) -> tuple[list[int], list[int]]:
    """Return where each run between escapes and each escape ends, in the text and in the source."""
    lengths = [len(piece) for piece in _split_escapes(source)]
    in_source = list(accumulate(lengths, initial=0))
    lengths[1::2] = [1] * (len(lengths) // 2)
    return list(accumulate(lengths, initial=0)), in_source
