"""What a key, a column's head or a label says of the value beside it.

The lists are data (``keys.json``). A key is compared as words, whatever joins them; the longest entry that
it ends with decides, and what may stand before a mere ``name`` is listed: a customer's, never a file's.
"""

from __future__ import annotations

import json
import re
from enum import Enum
from importlib import resources

_HUMP = re.compile(r"(?<=[a-z\d])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_SPLIT = re.compile(r"[\W_]+")
_MOST_WORDS = 4
MAX_KEY = 48  # code points


class Meaning(Enum):
    """What a value is; the values are the lists of ``keys.json``."""

    NAME = "name"
    BARE_NAME = "bare_name"
    ROLE = "role"
    LOGIN = "login"
    PLACE = "place"
    ORGANIZATION = "organization"
    ADDRESS = "address"
    PHONE = "phone"
    SSN = "ssn"
    BIRTH = "birth"


_RAW = json.loads(resources.files(__package__).joinpath("keys.json").read_text("utf-8"))
_MEANINGS = {entry: meaning for meaning in Meaning for entry in _RAW[meaning.value].split("|")}
_OWNERS = frozenset(_RAW["owners"].split())
_NOT_BEFORE = frozenset(_RAW["not_before"].split())


def meaning_of(key: str) -> Meaning | None:
    """Return what the value of ``key`` is, or None if the key does not say."""
    if len(key) > MAX_KEY:
        return None
    words = _words(key)
    for count in range(min(_MOST_WORDS, len(words)), 0, -1):
        meaning = _meaning(" ".join(words[-count:]))
        if meaning is not None:
            return _owned(meaning, words[:-count])
    return None


def _words(key: str) -> list[str]:
    spaced = key if key[1:].islower() else _HUMP.sub(" ", key)
    return [word for word in _SPLIT.split(spaced.lower()) if word and not word.isdigit()]


def _meaning(entry: str) -> Meaning | None:
    """Return what an entry, or the plural of one, means."""
    singular = entry[:-3] + "y" if entry.endswith("ies") else entry.removesuffix("s")
    return _MEANINGS.get(entry) or _MEANINGS.get(singular)


def _numbers(word: str) -> set[str]:
    """Return a word and its plurals, as ``_meaning`` reads them."""
    return {word, word + "s", word[:-1] + "ies" if word.endswith("y") else word}


def _owned(meaning: Meaning, before: list[str]) -> Meaning | None:
    """Return what a key with words before its entry means: a customer's ``name`` is surely a person's."""
    owner = before[-1] if before else ""
    if meaning is Meaning.BARE_NAME and owner:
        return Meaning.NAME if owner in _OWNERS else None
    return None if owner in _NOT_BEFORE and meaning is not Meaning.LOGIN else meaning


# In lower case, U+0130 is an i and a mark that ends the word.
LAST_WORD = "|".join(
    f"{form[:-1]}[i\u0130]" if form.endswith("i") else form
    for form in sorted({form for entry in _MEANINGS for form in _numbers(_words(entry)[-1])})
)
"""The last word of every key with a meaning, as RE2 reads it; what is no letter may follow."""
