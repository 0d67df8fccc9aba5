"""What of a model's entity is a name: no quotes, possessives or punctuation around it, and no code.

Works on offsets only; what it returns lies within what it was given.
"""

from __future__ import annotations

import re

_EDGE = re.compile(
    r"[\s\"'`.,;:!?*#|<>/\\=~(){}\[\]_&+^%$@\-\u00ab\u00b4\u00b7\u00bb\u200b\u2010-\u2027\u2039\u203a\ufeff]"
)
_POSSESSIVE = re.compile(r"['`\u00b4\u2018\u2019]s?\Z", re.IGNORECASE)
_ARTICLE = re.compile(r"the\s+(?=\S)", re.IGNORECASE)
_LETTER = re.compile(r"[^\W\d_]")
_BREAK = re.compile(r"\s*(?:\n\s*\n|[\t|]|\s{4,})\s*")
_LABEL = re.compile(r"[ \t]*:")
_FIELD_NAMES = """
api aws cc csv cvv dob email e-mail fax fyi html http https iban id ip ipv4 ipv6 itin json mrn null pan pdf
phone pin po sha sim sql ssn tel todo tin url uuid vat xml yaml zip
"""
_NO_NAMES = frozenset(_FIELD_NAMES.split())  # what a model takes for organizations when they label a number
_CODE = re.compile(
    r"""
    ://                             # a link
    | \w\(|\)\s*[;{:]|[{}\[\]$\\]   # calls and brackets
    | ::|->|=>|==|!=|\+=            # operators
    | \w_|_\w                       # snake_case
    | \b[a-z]+[A-Z]\w*\b            # camelCase
    | <\/?\w                        # markup
    """,
    re.VERBOSE,
)


def names(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """Return the stretches of an entity that can be names, ascending; possibly none."""
    found, first = [], start
    for gap in _BREAK.finditer(text, start, end):
        found.append((first, gap.start()))
        first = gap.end()
    found.append((first, end))
    return [kept for low, high in found if (kept := _name(text, low, high))]


def _name(text: str, start: int, end: int) -> tuple[int, int] | None:
    end = _without_next_label(text, start, end)
    start, end = _stripped(text, start, end)
    if possessive := _POSSESSIVE.search(text, start, end):
        start, end = _stripped(text, start, possessive.start())
    if article := _ARTICLE.match(text, start, end):
        start, end = _stripped(text, article.end(), end)
    if not _can_be_name(text[start:end]):
        return None
    return start, end


def _without_next_label(text: str, start: int, end: int) -> int:
    """Return the end before the line's end if the next line goes on as a label: ``Ann Lee⏎Subject:``."""
    line = text.rfind("\n", start, end)
    return line if line >= 0 and _LABEL.match(text, end) else end


def _stripped(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and _EDGE.match(text[start]):
        start += 1
    while start < end and _EDGE.match(text[end - 1]):
        end -= 1
    return start, end


def _can_be_name(name: str) -> bool:
    letters = len(_LETTER.findall(name))
    digits = sum(char.isdigit() for char in name)
    if letters == 0 or letters < digits or (letters == 1 and name.isascii()):
        return False
    return name.lower() not in _NO_NAMES and not _CODE.search(name)
