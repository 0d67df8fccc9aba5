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

match_string = re.compile(rb'[^"\\\x00-\x1f]*+(?:\\[^\x00-\x1f][^"\\\x00-\x1f]*+)*+"').match
"""Matches a string without its opening quote."""

_match_digits = re.compile(rb"[0-9]++").match
_match_stamp = re.compile(rb'[A-Za-z0-9_\-:.+]*+"').match  # a time, or any other word
_match_text = re.compile(rb'[A-Za-z0-9_\-]*+"').match  # no character with which a token starts


def _counts_pattern() -> bytes:
    """Return a pattern of an object of whole numbers and words, some in objects or lists of objects."""
    flat = rb'(?:0|[1-9][0-9]*+|"[A-Za-z0-9_]*+")'
    value = flat
    for _ in range(2):
        pair = rb'"[A-Za-z0-9_]*+"[ \t]*+:[ \t]*+' + value + rb"[ \t]*+"
        members = rb"\{[ \t]*+(?:" + pair + rb"(?:,[ \t]*+" + pair + rb")*+)?+\}"
        listed = rb"\[[ \t]*+(?:" + members + rb"[ \t]*+(?:,[ \t]*+" + members + rb"[ \t]*+)*+)?+\]"
        value = rb"(?:" + flat + rb"|" + members + rb"|" + listed + rb")"
    return members


_match_counts = re.compile(_counts_pattern()).match

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
        padding: Top-level keys that mean nothing here; a whole number or a string before the delta and a
            string or an object of counts behind it may differ too.

    The data of every such frame are, one after the other: ``head`` and the padding that ``match_head``
    matches, if ``head`` is not None; ``before``, which ends in the delta's opening quote; the delta's text
    and its closing quote; ``behind``; the padding that ``match_padding`` matches, and ``tail``, if that is
    not None. The opening quote of a string that is padding belongs to ``head`` or ``behind``.
    ``closes``: behind the delta there is nothing but closing brackets, with any white space among them.
    """

    __slots__ = ("before", "behind", "closes", "head", "match_head", "match_padding", "tail")

    def __init__(self, document: Document, delta: Literal, padding: Collection[str]) -> None:
        text = document.text
        hole = _padding_behind(document, delta.end, padding)
        first = _padding_before(document, delta.start, padding)
        is_stamp = first is not None and text[first[0]] == '"'
        self.match_head = _match_stamp if is_stamp else _match_digits
        self.head = text[: first[0] + is_stamp].encode() if first else None
        self.before = text[first[1] if first else 0 : delta.start + 1].encode()
        is_text = hole is not None and text[hole[0]] == '"'
        self.match_padding = _match_text if is_text else _match_counts
        self.behind = text[delta.end : hole[0] + is_text if hole else None].encode()
        self.tail = text[hole[1] :].encode() if hole else None
        self.closes = self.tail is None and _only_closes(self.behind) is not None

    def find(self, data: bytes) -> Found | None:
        """Return the delta of a frame that looks like this, or None if it looks otherwise."""
        start = self._delta_start(data)
        if start < 0:
            return None
        string = match_string(data, start)
        if string is None or not self._fits(data, string.end()):
            return None
        text = decoded(data[start : string.end() - 1])
        return None if text is None else Found(text, start - 1, string.end())

    def _delta_start(self, data: bytes) -> int:
        """Return where the delta's text begins, or -1 if what stands before it is not the same."""
        at = 0
        if self.head is not None:
            padding = self.match_head(data, len(self.head))
            if padding is None or not data.startswith(self.head):
                return -1
            at = padding.end()
        return at + len(self.before) if data.startswith(self.before, at) else -1

    def _fits(self, data: bytes, end: int) -> bool:
        """Tell whether what stands behind the delta is the same, too."""
        if self.tail is not None:
            padding = self.match_padding(data, end + len(self.behind))
            same = padding is not None and data[padding.end() :] == self.tail
            return same and data.startswith(self.behind, end)
        rest = data[end:]
        if rest == self.behind:
            return True
        return self.closes and rest.translate(None, b" \t") == self.behind.translate(None, b" \t")


def decoded(source: bytes) -> str | None:
    """Return the text of a string's source, without quotes, or None: not UTF-8, or an escape that is none."""
    try:
        return str(json.loads(f'"{source.decode()}"')) if b"\\" in source else source.decode()
    except ValueError:
        return None


def _padding_before(document: Document, start: int, padding: Collection[str]) -> tuple[int, int] | None:
    """Return the stretch of the first padding before ``start``: a whole number, or a string in quotes."""
    if document.kinds[0] == _OBJECT and padding:
        for key, value in document.members(0):
            if document.ends[value] > start:
                break
            is_number = document.kinds[value] == _NUMBER and document.source(value).isdecimal()
            if (is_number or document.kinds[value] == _STRING) and document.decoded(key) in padding:
                return document.starts[value], document.ends[value]
    return None


def _padding_behind(document: Document, end: int, padding: Collection[str]) -> tuple[int, int] | None:
    """Return the stretch of the first padding behind ``end``: a string, quotes included, or an object."""
    if document.kinds[0] == _OBJECT and padding:
        for key, value in document.members(0):
            behind = document.starts[value] >= end and document.kinds[value] in (_STRING, _OBJECT)
            if behind and document.decoded(key) in padding:
                return document.starts[value], document.ends[value]
    return None
