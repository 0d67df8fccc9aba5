r"""The one definition of what counts as a token, in every spelling that models give it.

``reserve`` and the restorer both read tokens through this module, so the language that restores is
exactly the language that reserves. A spelling is: one or two opening braces, some white space or
emphasis, the name, some of the same again, one or two closing braces.

============  ======================================================================================
braces        ``{``, fullwidth, ``&lbrace;`` ``&lcub;`` ``&#123;`` ``&#x7b;`` (up to 8 extra zeros),
              ``\u007b``; or a pair with a backslash before each, as Markdown writes them
inside        up to 8 of white space, ``*``, ``_`` and backtick on either side of the name
name          any letter case; for each underscore an underscore, ``\_``, ``\\_``, ``\u005f`` or a
              hyphen with up to two white spaces on either side, or one or two white spaces
number        up to 8 zeros in front
link          a second number, read like the first: ``PERSON_1_2`` is the second spelling of person 1
============  ======================================================================================

``A_1_2`` may be number 2 of a type ``A_1`` or the second spelling of number 1 of ``A``: ``readings``
returns both, and a token map gives out at most one of them.

A name without braces is never a token, and every bound is small, so a candidate is short and no text
can make reading slower than linear.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

Name = tuple[str, str]
"""An entity type and a number, or a number and a link (``1_2``): digits without padding."""

MAX_ZEROS = 8
"""How many zeros may pad a number, in a token as in an HTML character reference."""

_SPACE = " \\t\\n\\r\\f\\v\u00a0\u2000-\u200b\u202f\u205f\u3000\ufeff"
_PADDING = f"[{_SPACE}*_`]{{0,8}}"
_ZEROS = f"0{{0,{MAX_ZEROS}}}"
_UNIT = rf"(?:[a-z0-9_\-{_SPACE}]|\\{{1,2}}_|\\u005f)"
_NUMBER_UNITS = 24  # a spelled-out underscore, the zeros, and more digits than are ever given out
_UNIT_BEGUN = r"(?:\\{1,2}|\\u(?:0(?:05?)?)?)"
_FLAGS = re.ASCII | re.IGNORECASE

_ESCAPED_UNDERSCORE = re.compile(r"\\{1,2}_|\\u005f|\\[\\u05]*\Z", _FLAGS)
_SEPARATOR = re.compile(f"[{_SPACE}]{{0,2}}[_\\-][{_SPACE}]{{0,2}}|[{_SPACE}]{{1,2}}")

_Spelling = tuple[str, ...]  # patterns of one character each, or of a run of zeros


def _brace(plain: str, wide: str, names: tuple[str, str], code: str, digits: str) -> list[_Spelling]:
    return [
        (plain,),
        (wide,),
        *(("&", *name, ";") for name in names),
        ("&", "#", _ZEROS, *code, ";"),
        ("&", "#", "x", _ZEROS, *digits, ";"),
        (r"\\", "u", "0", "0", *digits),
    ]


_OPENING = _brace(r"\{", "\uff5b", ("lbrace", "lcub"), "123", "7b")
_CLOSING = _brace(r"\}", "\uff5d", ("rbrace", "rcub"), "125", "7d")
_OPENING_ESCAPED: list[_Spelling] = [(r"\\", r"\\?", r"\{")]
_CLOSING_ESCAPED: list[_Spelling] = [(r"\\", r"\\?", r"\}")]


def _whole(spellings: list[_Spelling]) -> str:
    return f"(?:{'|'.join(''.join(spelling) for spelling in spellings)})"


def _begun(spellings: list[_Spelling]) -> str:
    """Return a pattern of the prefixes of the spellings, neither empty nor whole."""
    prefixes = []
    for spelling in spellings:
        if len(spelling) > 1:
            *head, last = spelling[:-1]
            prefix = last
            for atom in reversed(head):
                prefix = f"{atom}(?:{prefix})?"
            prefixes.append(prefix)
    return f"(?:{'|'.join(prefixes)})"


def _first(pattern: str) -> str:
    r"""Return the pattern where it does not follow a backslash: ``\\u007b`` is no brace in JSON."""
    return rf"(?:(?!\\)|(?<!\\)){pattern}"


_OPEN = (
    f"(?:{_first(_whole(_OPENING))}{_whole(_OPENING)}?"
    f"|{_first(_whole(_OPENING_ESCAPED))}{_whole(_OPENING_ESCAPED)})"
)
_OPEN_BEGUN = (
    f"(?:{_first(_begun(_OPENING))}|{_first(_whole(_OPENING))}{_begun(_OPENING)}"
    f"|{_first(_begun(_OPENING_ESCAPED))}|{_first(_whole(_OPENING_ESCAPED))}{_begun(_OPENING_ESCAPED)}?)"
)
_CLOSE = f"(?:{_whole(_CLOSING)}{{1,2}}|{_whole(_CLOSING_ESCAPED)}{{2}})"
_CLOSE_BEGUN = (
    f"(?:{_whole(_CLOSING)}?{_begun(_CLOSING)}?|{_whole(_CLOSING_ESCAPED)}?{_begun(_CLOSING_ESCAPED)}?)"
)

MAY_START = re.compile("[{&\\\\\uff5b]")
"""Finds the characters with which a token may start."""

MAY_END = re.compile("[};\\\\\uff5d]")
"""Finds characters of which every whole token holds one behind its name."""

MAY_CLOSE = "}&\\\uff5d"
"""The characters with which a closing brace may start."""

CLOSED = "}}"
"""A token that ends so is complete: no brace may follow."""


@dataclass(frozen=True, slots=True)
class Grammar:
    r"""The compiled language for entity types up to some length.

    ``token`` matches a whole token, greedily; its group ``body`` goes to ``readings``. ``begun``
    matches from a start to the end of the text if that stretch is a proper prefix of a token: the group
    ``stem`` holds the part of the name so far (for ``begins_name``), or ``body`` a whole name, or
    neither is set if the name has not started. ``closing`` is the ``body`` case of it alone, for a
    stretch that can be read both ways. ``longest`` is a bound on a token's length in code points.
    """

    token: re.Pattern[str]
    begun: re.Pattern[str]
    closing: re.Pattern[str]
    longest: int


@lru_cache(maxsize=8)
def grammar_for(longest_type: int) -> Grammar:
    """Return the grammar for entity types of up to ``longest_type`` characters."""
    units = 5 * longest_type + 2 * _NUMBER_UNITS
    body = f"(?P<body>[a-z]{_UNIT}{{0,{units}}}[0-9])"
    stem = f"(?P<stem>[a-z]{_UNIT}{{0,{units + 1}}}{_UNIT_BEGUN}?)"
    start = _OPEN + _PADDING
    return Grammar(
        token=re.compile(f"{start}{body}{_PADDING}{_CLOSE}", _FLAGS),
        begun=re.compile(rf"{_OPEN_BEGUN}\Z|{start}(?:\Z|{stem}\Z|{body}{_PADDING}{_CLOSE_BEGUN}\Z)", _FLAGS),
        closing=re.compile(rf"{start}{body}{_PADDING}{_CLOSE_BEGUN}\Z", _FLAGS),
        longest=6 * (units + 3) + 128,
    )


def _plain(name: str) -> str:
    if name.isidentifier():
        return name.upper()
    if "\\" in name:
        name = _ESCAPED_UNDERSCORE.sub("_", name)
    return _SEPARATOR.sub("_", name).upper()


def _number(digits: str) -> str | None:
    """Return the digits without padding, none if there are only zeros; None if they are no number."""
    number = digits.lstrip("0")
    if (digits and not digits.isdigit()) or len(digits) - len(number) > MAX_ZEROS:
        return None
    return number


def _readings(plain: str) -> list[Name]:
    """Return what a name says, or what the start of one says so far: its last number may be empty."""
    entity_type, _, tail = plain.rpartition("_")
    last = _number(tail)
    if last is None or not entity_type:
        return []
    names = [(entity_type, last)]
    entity_type, _, tail = entity_type.rpartition("_")
    number = _number(tail)
    if number and entity_type:
        names.append((entity_type, f"{number}_{last}"))
    return names


def readings(body: str) -> list[Name]:
    """Return what a token's body may spell: a type's number, and a link of another type's."""
    return [name for name in _readings(_plain(body)) if name[1] and name[1][-1] != "_"]


def linked_by(entity_type: str) -> Name | None:
    """Return whose links look like numbers of this type: those of ``A``'s 1 like numbers of ``A_1``."""
    name, _, digits = entity_type.rpartition("_")
    number = _number(digits)
    return (name, number) if name and number else None


def begins_name(stem: str, heads: set[str], numbers: set[Name]) -> bool:
    """Tell whether a body that starts with ``stem`` may spell one of some names.

    Args:
        stem: The part of the body so far, which may end inside an escaped underscore.
        heads: All prefixes of ``TYPE_`` for the types of those names.
        numbers: For each name its type with every prefix of its number, the empty one included.
    """
    plain = _plain(stem)
    return plain in heads or any(name in numbers for name in _readings(plain))
