"""Decides whether a value is what its key says, and as which entity type it counts.

Values that are no names stay: numbers, booleans, types, templates, identifiers, well-known accounts.
"""

from __future__ import annotations

import re

from sidecar.detection.names.keys import Meaning
from sidecar.detection.names.name_shape import LETTER, NOT_NAMES, is_ordinary, word_list

MAX_VALUE = 120  # code points
_NAME_PART = rf"{LETTER}(?:{LETTER}|['\u2019.\u00b7\u30fb-]){{0,30}}"
_NAME = re.compile(rf"{_NAME_PART}(?:,?[ \u3000]{_NAME_PART}){{0,5}}")
_NO_NAME_WORD = re.compile(r"[a-z][A-Z]|\.\w\w|--|\A[A-Z]{5,}_|[A-Z]{2,}[a-z]+[A-Z]")
_LOGIN = re.compile(r"(?!user[-_]?\d)[^\W\d_][\w.-]{1,31}", re.IGNORECASE)
_COMPANY = re.compile(rf"{LETTER}[\w&.,'\u2019 -]{{1,60}}")
_STREET = re.compile(r"(?=.*\d)(?=.*[^\W\d_]{2}).*\s.*|.*[\u3040-\u9fff\uac00-\ud7a3]{4}.*")
_NO_STREET = re.compile(r"://|@|0x|[{}<>$=\\]|\d+\.\d+\.\d+|localhost|::")
_DATE = r"\d{1,4}[./ -]\d{1,2}[./ -]\d{1,4}"
_WRITTEN_DATE = r"\d{1,2}\.? [^\W\d_]{3,9}\.?,? \d{4}|[^\W\d_]{3,9}\.? \d{1,2},? \d{4}"
_NUMBERS = {
    Meaning.PHONE: ("PHONE", re.compile(r"\+?[\d() ./-]{7,22}(?:\s?(?:x|ext\.?)\s?\d{1,5})?")),
    Meaning.SSN: ("SSN", re.compile(r"\d{3}[ -]?\d{2}[ -]?\d{4}")),
    Meaning.BIRTH: ("DATE_OF_BIRTH", re.compile(f"{_DATE}|{_WRITTEN_DATE}")),
}
_SMALL_WORDS = "de la le van von der den di da dos das do du del el al bin y e et und and of the for"
_GLUE = frozenset(_SMALL_WORDS.split())
_NOT_VALUES = word_list("not_values.txt")


ENTITY_TYPES = (
    "PERSON",
    "USERNAME",
    "LOCATION",
    "ORG",
    "ADDRESS",
    *sorted(name for name, _ in _NUMBERS.values()),
)
"""All types that a value can have."""


def entity_type_of(meaning: Meaning, value: str, *, strict: bool) -> str | None:
    """Return the entity type that ``value`` counts as, or None.

    Args:
        meaning: What its key says.
        value: Without quotes and blanks around it.
        strict: Whether a name must be capitalized to count, because the text may be prose or code.
    """
    if not 1 < len(value) <= MAX_VALUE or value.lower() in _NOT_VALUES:
        return None
    match meaning:
        case Meaning.NAME | Meaning.BARE_NAME | Meaning.ROLE:
            return "PERSON" if _is_person(meaning, value, strict=strict) else None
        case Meaning.LOGIN:
            return _login(value)
        case Meaning.PLACE:
            return "LOCATION" if _is_place(value, strict=strict) else None
        case Meaning.ORGANIZATION:
            return "ORG" if _is_company(value, strict=strict) else None
        case Meaning.ADDRESS:
            return "ADDRESS" if _STREET.fullmatch(value) and not _NO_STREET.search(value) else None
        case _:
            entity_type, shape = _NUMBERS[meaning]
            return entity_type if shape.fullmatch(value) else None


def is_single_name(value: str, *, strict: bool) -> bool:
    """Tell whether one word or more may be a person's name."""
    return len(value) > 1 and value.lower() not in _NOT_VALUES and _is_name(value, least=1, strict=strict)


def _is_place(value: str, *, strict: bool) -> bool:
    slug = value.islower() and "-" in value
    return len(value) > 2 and not slug and _is_name(value, least=1, strict=strict)


def _is_person(meaning: Meaning, value: str, *, strict: bool) -> bool:
    match meaning:
        case Meaning.NAME:
            return _is_name(value, least=1, strict=strict)
        case Meaning.ROLE:
            return _is_name(value, least=2, strict=strict or not value.islower())
        case _:
            return _is_name(value, least=2, strict=True)


def _is_name(value: str, *, least: int, strict: bool) -> bool:
    if not _NAME.fullmatch(value) or _NO_NAME_WORD.search(value):
        return False
    words = value.replace(",", " ").split()
    if len(words) < least and value.isascii():
        return False
    cased = [word for word in words if word.lower() != word.upper()]
    capitals = [word for word in cased if word[0].isupper()]
    if strict and (len(capitals) < min(least, len(cased)) or (cased and not cased[0][0].isupper())):
        return False
    if strict or least > 1:
        return not any(is_ordinary(word, capitals=bool(capitals)) for word in words if word not in _GLUE)
    return not all(word.lower() in NOT_NAMES for word in words) or len(words) == 1 == len(capitals)


def _login(value: str) -> str | None:
    if _is_name(value, least=2, strict=True):
        return "PERSON"
    if not _LOGIN.fullmatch(value) or value.isupper() or _NO_NAME_WORD.search(value):
        return None
    return None if value.lower() in NOT_NAMES else "USERNAME"


def _is_company(value: str, *, strict: bool) -> bool:
    if not _COMPANY.fullmatch(value) or _NO_NAME_WORD.search(value.split(maxsplit=1)[0]):
        return False
    words = value.split()
    if len(words) > 6 or (strict and not all(word in _GLUE or not word[0].islower() for word in words)):
        return False
    return not all(word.lower().strip(".,") in NOT_NAMES for word in words)
