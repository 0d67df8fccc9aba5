r"""Reads escapes: ``%40``, ``&commat;``, ``\u0040`` and what JSON and Python write with a backslash.

Each escape that stands for a character is one edit, exact in its offsets; what stands for none (a lone
surrogate, a control character, bytes that are no UTF-8) stays as it is. Escapes of escapes (``%2540``,
``&amp;#64;``, ``\\u0040``) are read through. Time is linear.

``\n``, ``\r`` and ``\t`` are also how folders begin. They count as blanks only in a row of two or more;
before a capital, a digit or a letter beyond ASCII; or between closing punctuation and a small letter. Never
behind a drive letter or a server name, up to the next blank or quote.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from sidecar.detection.stretches import matches
from sidecar.detection.view.offsets import Edit

_PATH = r"""(?:[^\s"'<>|%&\\]|\\(?!u[0-9A-Fa-f]{4}|["'/]))*+"""
_BACKSLASH = re.compile(
    rf"""
    (?P<path> :(?<=(?<![A-Za-z0-9])[A-Za-z]:)\\{{1,2}}(?![nrt][A-Z0-9]|["'/\\]){_PATH}
            | \\\\(?![nrtux"'\\/])[\w.$-]{{1,64}}\\{_PATH} )
  | (?P<blank> (?:\\{{1,2}}[nrt]){{2,}}+ | \\{{1,2}}[nrt](?=[^\W_a-z])
            | \\(?<=[.,;!?)\]}}>"']\\)\\?[nrt](?=[a-z]) )
  | \\{{1,3}}(?P<sign>["'/])
  | \\{{1,2}}u(?P<high>[dD][89abAB][0-9A-Fa-f]{{2}})\\{{1,2}}u(?P<low>[dD][c-fC-F][0-9A-Fa-f]{{2}})
  | \\{{1,2}}(?:u(?P<four>[0-9A-Fa-f]{{4}})|u\{{(?P<braced>[0-9A-Fa-f]{{1,6}})\}}
            |U(?P<eight>[0-9A-Fa-f]{{8}}))
  | (?P<bytes> (?:\\{{1,2}}x[0-9A-Fa-f]{{2}})++ )
    """,
    re.VERBOSE,
)
_BYTE = re.compile(r"\\{1,2}x([0-9A-Fa-f]{2})")
_WEB = re.compile(
    r"(?P<bytes>(?:%(?:25)*[0-9A-Fa-f]{2})++)"
    r"|&(?:amp;)*(?P<entity>#[0-9]{1,7};|#[xX][0-9A-Fa-f]{1,6};|[A-Za-z][A-Za-z0-9]{1,30};)"
)
_NO_WEB = re.compile(r"[^%&#;A-Za-z0-9]")
_PERCENT = re.compile(r"%(?:25)*([0-9A-Fa-f]{2})")
_BLANKS = {"n": "\n", "r": "\r", "t": "\t"}
_LAST = 0x10FFFF


def backslash_edits(text: str) -> Iterator[Edit]:
    """Yield an edit for each backslash escape, ascending."""
    for found in matches(_BACKSLASH, text):
        match found.lastgroup:
            case "path":
                continue
            case "blank":
                yield *found.span(), "".join(_BLANKS.get(sign, "") for sign in found[0])
            case "sign":
                yield *found.span(), found["sign"]
            case "bytes":
                yield from _byte_edits(_BYTE, found, latin=True)
            case _:
                if char := _character(found):
                    yield *found.span(), char


def web_edits(text: str) -> Iterator[Edit]:
    """Yield an edit for each percent-escaped character and each HTML character reference, ascending."""
    for found in matches(_WEB, text, _NO_WEB):
        if found["bytes"]:
            yield from _byte_edits(_PERCENT, found, latin=False)
            continue
        written = "&" + found["entity"]
        char = html.unescape(written)
        if char not in {written, ""} and all(map(_shown, char)):
            yield *found.span(), char


def _character(found: re.Match[str]) -> str:
    """Return what a Unicode escape stands for; nothing if that is no character."""
    if found["high"]:
        high, low = int(found["high"], 16), int(found["low"], 16)
        return chr(0x10000 + ((high & 0x3FF) << 10) + (low & 0x3FF))
    code = int(found["four"] or found["braced"] or found["eight"], 16)
    char = chr(code) if code <= _LAST else ""
    return char if char and _shown(char) else ""


def _byte_edits(unit: re.Pattern[str], run: re.Match[str], *, latin: bool) -> Iterator[Edit]:
    """Yield an edit for each character that a run of escaped bytes spells.

    Args:
        unit: One escaped byte, its two digits in group 1.
        run: Escaped bytes without gaps.
        latin: A byte that is no part of UTF-8 is a character of Latin-1.
    """
    units = list(unit.finditer(run.string, *run.span()))
    data = bytes(int(each[1], 16) for each in units)
    at = 0
    while at < len(data):
        size = _utf8_size(data, at)
        char = data[at : at + size].decode() if size else chr(data[at]) if latin else ""
        size = size or 1
        if char and _shown(char):
            yield units[at].start(), units[at + size - 1].end(), char
        at += size


def _utf8_size(data: bytes, at: int) -> int:
    """Return how many bytes make one character at ``at``; 0 if none do."""
    first = data[at]
    size = 1 if first < 0x80 else 2 if first < 0xE0 else 3 if first < 0xF0 else 4
    try:
        return size if len(data[at : at + size].decode()) == 1 else 0
    except UnicodeDecodeError:
        return 0


def _shown(char: str) -> bool:
    """Tell whether a character is more than a control sign or half a surrogate pair."""
    code = ord(char)
    if char in "\t\n\r":
        return True
    return code >= 0x20 and not 0x7F <= code < 0xA0 and not 0xD800 <= code < 0xE000
