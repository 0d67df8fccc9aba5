"""The grammar of RFC 8259 as a scanner: JSON text to a flat list of entries, or where it breaks the rules.

No recursion and no backtracking, so linear on any input; nothing is kept but positions.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable
from enum import IntEnum
from json.decoder import scanstring  # type: ignore[attr-defined]  # not in typeshed; what json itself reads by

MAX_DEPTH = 1000
"""Levels of arrays and objects; deeper documents are refused."""

MAX_ENTRIES = 2_000_000
"""Values and keys of one document, where a run of numbers counts once; longer documents take seconds."""


class Kind(IntEnum):
    """What an entry is; each is the number of its group in the patterns below, which have one more."""

    KEY = 1
    STRING = 2
    NUMBERS = 3  # two or more numbers that follow each other in an array, commas included
    NUMBER = 4
    WORD = 5  # true, false, null
    ARRAY = 6
    OBJECT = 7


_KEY, _STRING_KIND, _ARRAY, _OBJECT = int(Kind.KEY), int(Kind.STRING), int(Kind.ARRAY), int(Kind.OBJECT)
_LONG = _OBJECT + 1
SHORT = 64
"""Code points of a string that the patterns read whole; longer ones are faster to read and decode at once."""

_SPACE = r"[ \t\n\r]*+"
_PLAIN = r'[^"\\\x00-\x1f]*+'
_ESCAPED = r'\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})'
_OPEN_STRING = rf'"{_PLAIN}(?:{_ESCAPED}{_PLAIN})*+'
_STRING = rf'{_OPEN_STRING}"'
_SHORT = rf'"[^"\\\x00-\x1f]{{0,{SHORT}}}+"'
NUMBER = r"-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?+(?:[eE][+-]?[0-9]++)?+"
_RUN = rf"{NUMBER}(?:{_SPACE},{_SPACE}{NUMBER})++"


def _pattern(*, key: str, run: str, comma: str) -> re.Pattern[str]:
    """Match the next value, its key before it and the comma behind it; the groups are ``Kind``.

    Of a string that is long or holds escapes only the opening quote is matched, by the last group.
    """
    return re.compile(
        rf"{_SPACE}{key}(?:(?:({_SHORT})|({run})|({NUMBER})|(true|false|null)){_SPACE}{comma}"
        rf"|(\[){_SPACE}|(\{{){_SPACE}|(\"))",
    )


_Match = Callable[[str, int], "re.Match[str] | None"]
_NEVER = "(?!)"
_match_only = _pattern(key="()", run=_NEVER, comma="").match
_match_element = _pattern(key="()", run=_RUN, comma=",?").match
_match_member = _pattern(key=rf"({_STRING}){_SPACE}:{_SPACE}", run=_NEVER, comma=",?").match
_match_comma = re.compile(rf"{_SPACE},?").match
_match_space = re.compile(_SPACE).match
_match_open_string = re.compile(_OPEN_STRING).match


class JsonInvalid(ValueError):
    """The text is not a JSON document; says where and what was expected, never what stood there.

    Args:
        text: The document, or at least the part before ``offset``.
        offset: Where it goes wrong, in code points; ``offset`` on the error counts UTF-8 bytes.
        expected: What the grammar allows there.
    """

    def __init__(self, text: str, offset: int, expected: str) -> None:
        """Turn the offset into bytes, which is what a client can look up."""
        self.offset = len(text[:offset].encode("utf-8", "surrogatepass"))
        self.expected = expected
        super().__init__(f"byte {self.offset}: expected {expected}")


class Entries:
    """The values and keys of one document, in the order of its source, as parallel columns.

    ``starts`` and ``ends`` are code points, quotes and brackets included. ``afters`` is the entry
    behind the whole value (for a key: its value). ``texts`` holds what was decoded
    on the way. For ``{"a": [1, "x"]}``::

        kinds    OBJECT  KEY  ARRAY  NUMBER  STRING
        starts   0       1    6      7       10
        ends     15      4    14     8       13
        afters   5       2    5      4       5
    """

    __slots__ = ("afters", "ends", "kinds", "starts", "texts")

    def __init__(self) -> None:
        self.kinds = array("b")
        self.starts = array("i")
        self.ends = array("i")
        self.afters = array("i")
        self.texts: dict[int, str] = {}


def scan(text: str, start: int = 0) -> Entries:
    """Read one JSON document from ``start`` to the end of ``text``.

    Raises:
        JsonInvalid: It breaks RFC 8259, is deeper than ``MAX_DEPTH`` or has more than ``MAX_ENTRIES``.
    """
    entries = Entries()
    kinds, starts, ends, afters = entries.kinds, entries.starts, entries.ends, entries.afters
    opened: list[int] = []
    match_next, position, count = _match_only, start, 0
    while True:
        match = match_next(text, position)
        if match is None or count >= MAX_ENTRIES:
            at_most = JsonInvalid(text, position, f"at most {MAX_ENTRIES} keys and values")
            raise at_most if match else _explained(text, position, in_object=match_next is _match_member)
        if match_next is _match_member:
            first, end = match.span(_KEY)
            count += 1
            kinds.append(_KEY)
            starts.append(first)
            ends.append(end)
            afters.append(count)
        kind = match.lastindex or 0
        first, end = match.span(kind)
        position = match.end()
        if kind == _LONG:
            end, position = _read_string(text, position, entries, _match_comma if opened else _match_space)
            kind = _STRING_KIND
        count += 1
        kinds.append(kind)
        starts.append(first)
        ends.append(end)
        afters.append(count)
        if kind >= _ARRAY:
            opened.append(count - 1)
            if len(opened) > MAX_DEPTH:
                raise JsonInvalid(text, first, f"at most {MAX_DEPTH} levels")
            match_next = _match_element if kind == _ARRAY else _match_member
            if text[position : position + 1] not in ("]", "}"):
                continue
        elif text[position - 1] == ",":
            continue
        position = _close(text, position, entries, opened)
        if not opened:
            return entries
        match_next = _match_element if kinds[opened[-1]] == _ARRAY else _match_member


def _read_string(text: str, start: int, entries: Entries, match_rest: _Match) -> tuple[int, int]:
    """Read and decode the string that is the next entry; return its end and that of what may follow."""
    try:
        entries.texts[len(entries.kinds)], end = scanstring(text, start, True)
    except ValueError:
        raise _explained(text, start - 1, in_object=False) from None
    match = match_rest(text, end)
    return end, match.end() if match else end


def _close(text: str, position: int, entries: Entries, opened: list[int]) -> int:
    """Close the containers that end here; return where the next value begins, or the end of the text."""
    while opened:
        mark = text[position : position + 1]
        closer = "]" if entries.kinds[opened[-1]] == _ARRAY else "}"
        if mark == ",":
            return position + 1
        if mark != closer:
            raise JsonInvalid(text, position, f"a comma or '{closer}'")
        entry = opened.pop()
        entries.ends[entry] = position + 1
        entries.afters[entry] = len(entries.kinds)
        position = _space_end(text, position + 1)
    if position < len(text):
        raise JsonInvalid(text, position, "the end of the document")
    return position


def _explained(text: str, position: int, *, in_object: bool) -> JsonInvalid:
    """Find out why no value matched at ``position``."""
    position = _space_end(text, position)
    string = _match_open_string(text, position)
    if in_object and string is not None and text[string.end() : string.end() + 1] == '"':
        position = _space_end(text, string.end() + 1)
        if text[position : position + 1] != ":":
            return JsonInvalid(text, position, "a colon")
        position = _space_end(text, position + 1)
        string, in_object = _match_open_string(text, position), False
    if string is not None:
        return JsonInvalid(text, string.end(), "valid escapes and printable text up to double quotes")
    return JsonInvalid(text, position, "a key in double quotes" if in_object else "a value")


def _space_end(text: str, position: int) -> int:
    match = _match_space(text, position)
    return match.end() if match else position
