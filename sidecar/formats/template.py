"""Recognizes frames that differ from one already read only in a delta's text and in padding.

JSON is read from left to right, so where everything before a string's opening quote and everything behind
its closing quote are equal, the two documents say the same but for that string. A stream is thousands of
such frames, and this spares reading each of them anew.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from typing import NamedTuple

from sidecar.formats.json_grammar import Kind
from sidecar.formats.json_text import Document, Literal

_match_string = re.compile(rb'[^"\\\x00-\x1f]*+(?:\\[^\x00-\x1f][^"\\\x00-\x1f]*+)*+"').match
_match_digits = re.compile(rb"[0-9]++").match
_match_padding = re.compile(rb'[A-Za-z0-9_\-]*+"').match  # no character with which a token starts
_only_closes = re.compile(rb"[ \t\]}]*+").fullmatch
_STRING, _NUMBER, _OBJECT = int(Kind.STRING), int(Kind.NUMBER), int(Kind.OBJECT)


class Found(NamedTuple):
    """The delta in a frame's data: its text, and its stretch in bytes, quotes included."""

    text: str
    start: int
    end: int


class Template:
    """A frame that has been read, with a hole for its delta.

    Args:
        document: What was read.
        delta: The string that may differ.
        padding: Top-level keys that mean nothing here; a whole number before the delta and a string behind
            it may differ too.
    """

    __slots__ = ("_before", "_behind", "_closes", "_head", "_tail")

    def __init__(self, document: Document, delta: Literal, padding: Collection[str]) -> None:
        text = document.text
        hole = _padding_behind(document, delta.end, padding)
        number = _number_before(document, delta.start, padding)
        self._head = text[: number[0]].encode() if number else None
        self._before = text[number[1] if number else 0 : delta.start + 1].encode()
        self._behind = text[delta.end : hole[0] + 1 if hole else None].encode()
        self._tail = text[hole[1] :].encode() if hole else None
        self._closes = self._tail is None and _only_closes(self._behind) is not None

    def find(self, data: bytes) -> Found | None:
        """Return the delta of a frame that looks like this, or None if it looks otherwise."""
        start = self._delta_start(data)
        if start < 0:
            return None
        string = _match_string(data, start)
        if string is None or not self._fits(data, string.end()):
            return None
        source = data[start - 1 : string.end()]
        try:
            text = json.loads(source.decode()) if b"\\" in source else source[1:-1].decode()
        except ValueError:  # not UTF-8, or an escape that is none
            return None
        return Found(text, start - 1, string.end())

    def _delta_start(self, data: bytes) -> int:
        """Return where the delta's text begins, or -1 if what stands before it is not the same."""
        at = 0
        if self._head is not None:
            digits = _match_digits(data, len(self._head))
            if digits is None or not data.startswith(self._head):
                return -1
            at = digits.end()
        return at + len(self._before) if data.startswith(self._before, at) else -1

    def _fits(self, data: bytes, end: int) -> bool:
        """Tell whether what stands behind the delta is the same, too."""
        if self._tail is not None:
            padding = _match_padding(data, end + len(self._behind))
            same = padding is not None and data[padding.end() :] == self._tail
            return same and data.startswith(self._behind, end)
        rest = data[end:]
        if rest == self._behind:
            return True
        return self._closes and rest.translate(None, b" \t") == self._behind.translate(None, b" \t")


def _number_before(document: Document, start: int, padding: Collection[str]) -> tuple[int, int] | None:
    """Return the stretch of the first whole number among the padding that ends before ``start``."""
    if document.kinds[0] == _OBJECT and padding:
        for key, value in document.members(0):
            if document.ends[value] > start:
                break
            is_whole = document.kinds[value] == _NUMBER and document.source(value).isdecimal()
            if is_whole and document.decoded(key) in padding:
                return document.starts[value], document.ends[value]
    return None


def _padding_behind(document: Document, end: int, padding: Collection[str]) -> tuple[int, int] | None:
    """Return the stretch of the first padding string behind ``end``, quotes included."""
    if document.kinds[0] == _OBJECT and padding:
        for key, value in document.members(0):
            behind = document.starts[value] >= end and document.kinds[value] == _STRING
            if behind and document.decoded(key) in padding:
                return document.starts[value], document.ends[value]
    return None
