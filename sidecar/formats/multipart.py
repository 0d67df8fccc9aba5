"""The grammar of multipart bodies: where each part stands, by a stricter reading than the RFCs ask for.

Whatever two readers might cut in different places is refused, so no part can hide from one of them: bare
line ends around a boundary, lines that only begin with it, text before the first part or behind the last.

Source: RFC 2046, 5.1.1; RFC 7578; RFC 6266 for parameters.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from sidecar.errors import RequestRefused

MAX_PARTS = 1000
MAX_HEAD_BYTES = 16 * 1024
"""Bytes of the header fields of one part."""

_CRLF, _CLOSE, _BLANK = b"\r\n", b"--", b"\r\n\r\n"
_is_boundary = re.compile(r"[0-9A-Za-z'()+_,\-./:=? ]{0,69}[0-9A-Za-z'()+_,\-./:=?]").fullmatch
_NAME = r"[!#$%&'*+.^_`|~0-9A-Za-z\-]+"
_field = re.compile(rf"({_NAME}):[ \t]*+([^\x00-\x08\x0a-\x1f\x7f]*)").fullmatch
_head = re.compile(r"[ \t]*+([^ \t;]*+)[ \t]*+").match
_parameter = re.compile(
    rf';[ \t]*+(?:({_NAME})[ \t]*+=[ \t]*+("(?:[^"\\]|\\.)*+"|[^ \t";]*+)[ \t]*+)?+'
).match
_unescaped = re.compile(r"\\(.)").sub


class Part(NamedTuple):
    """One part: its head is ``[start, content)`` with the blank line, its content ``[content, end)``."""

    start: int
    content: int
    end: int


def parts(body: bytes, boundary: str) -> list[Part]:
    """Return the parts of a body.

    Args:
        body: The whole body.
        boundary: As declared, without the dashes; 1 to 70 characters.

    Raises:
        RequestRefused: (400) It is cut in a way that could be read differently, or not complete; (413)
            it has more than ``MAX_PARTS`` parts.
    """
    if not _is_boundary(boundary):
        raise RequestRefused(
            400, "multipart/form-data: the boundary must be 1 to 70 of RFC 2046's characters"
        )
    found: list[Part] = []
    start = -1  # of the part that is open
    for match in re.finditer(rb"(?:\A|[\r\n])--" + re.escape(boundary.encode()), body):
        at = match.end() - len(boundary) - 2
        if at and body[at - 2 : at] != _CRLF:
            raise _unclear(at)
        if start >= 0:
            found.append(_part(body, start, at - 2))
        elif at > len(_CRLF):
            raise RequestRefused(400, "multipart/form-data: text before the first part")
        start = match.end() + 2
        follows = body[match.end() : start]
        if follows == _CLOSE:
            if body[start:] not in (b"", _CRLF):
                raise RequestRefused(400, "multipart/form-data: text behind the last part")
            return found
        if follows != _CRLF:
            raise _unclear(at)
        if len(found) == MAX_PARTS:
            raise RequestRefused(413, f"multipart/form-data: more than {MAX_PARTS} parts")
    raise RequestRefused(400, "multipart/form-data: the last boundary is missing")


def fields(head: str) -> dict[str, str]:
    """Return the header fields of one part, by their names in lower case.

    Raises:
        RequestRefused: (400) They are not valid, or a name occurs twice.
    """
    found: dict[str, str] = {}
    for line in head.split("\r\n"):
        match = _field(line)
        if match is None or match[1].lower() in found:
            raise RequestRefused(400, "multipart/form-data: a part's header fields are not valid")
        found[match[1].lower()] = match[2].rstrip(" \t")
    return found


def parameters(text: str) -> tuple[str, Mapping[str, str]]:
    """Return what a header field says, in lower case, and its parameters, by names in lower case.

    Raises:
        RequestRefused: (400) They are not valid, or a name occurs twice.
    """
    head = _head(text)
    position = head.end() if head else 0
    found: dict[str, str] = {}
    while position < len(text):
        match = _parameter(text, position)
        if match is None or (match[1] or "").lower() in found:
            raise RequestRefused(400, "a header field with parameters that are not valid")
        if match[1]:
            quoted = match[2].startswith('"')
            found[match[1].lower()] = _unescaped(r"\1", match[2][1:-1]) if quoted else match[2]
        position = match.end()
    return (head[1].lower() if head else ""), found


def _part(body: bytes, start: int, end: int) -> Part:
    blank = body.find(_BLANK, start, min(end, start + MAX_HEAD_BYTES))
    if blank < 0:
        raise RequestRefused(400, "multipart/form-data: a part without header fields, or with too many")
    return Part(start, blank + len(_BLANK), end)


def _unclear(at: int) -> RequestRefused:
    return RequestRefused(
        400,
        f"byte {at} of the body: multipart/form-data: what looks like its boundary is none; choose another",
    )
