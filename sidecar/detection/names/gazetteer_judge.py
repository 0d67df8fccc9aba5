"""Judges whether listed words are a name as they stand, by how they are written and what supports them."""

from __future__ import annotations

import re

from sidecar.detection.names.gazetteer_list import (
    ALONE,
    COMMON,
    EVERYDAY,
    FREQUENT,
    GIVEN,
    LARGE,
    LOWER,
    PLACE,
    PLAIN,
    SURNAME,
    TOWN,
)
from sidecar.detection.names.gazetteer_text import Shape, Word

_NAME = GIVEN | SURNAME
_SHORTEST_UPPER = 5  # letters; shorter words in capitals are acronyms
_STATE_NAMES = """
AL AK AZ AR CA CO CT DE FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ NM NY NC ND OH OK
OR PA RI SC SD TN TX UT VT VA WA WV WI WY DC ON BC QC AB
"""
_STATES = frozenset(_STATE_NAMES.split())
_STATE_WORDS = frozenset(("al", "co", "de", "hi", "id", "in", "la", "ma", "me", "oh", "ok", "on", "or", "pa"))
_STATE = re.compile(r", ?([A-Za-z]{2})(?![A-Za-z'\u2019])( \d{5}\b)?")


def is_full_name(words: list[Word]) -> bool:
    """Tell whether the words together leave no doubt."""
    first, rest = words[0], words[1:]
    if first.facts & COMMON and rest[0].facts & ALONE and (len(rest) > 1 or not rest[0].facts & SURNAME):
        return False  # an ordinary word before a name: the name starts behind it
    certain = [word for word in words if word.facts & _NAME and not word.facts & COMMON]
    surname_behind = any(word.facts & SURNAME and not word.facts & COMMON for word in rest)
    match first.shape:
        case Shape.TITLE:
            listed = all(word.facts & _NAME for word in words) and any(word.facts & GIVEN for word in words)
            if listed and len(certain) >= min(len(words), 2):
                return True
            if first.facts & GIVEN:
                return bool(first.facts & ALONE) or surname_behind
            return not first.facts & COMMON and any(word.facts & ALONE for word in rest)
        case Shape.UPPER:
            given_behind = any(word.facts & LOWER for word in rest)
            return bool(certain) and (bool(first.facts & GIVEN) or given_behind)
        case Shape.LOWER:
            return bool(first.facts & LOWER) or (
                bool(first.facts & GIVEN) and surname_behind and len(certain) > 1
            )
        case _:
            return len(certain) == len(words)


def is_frequent(first: Word, word: Word) -> bool:
    """Tell whether an ordinary word is the family name of so many that it goes with a sure given name."""
    if not word.facts & FREQUENT:
        return False
    if first.shape is Shape.TITLE:
        return bool(first.facts & ALONE)
    return first.shape is Shape.LOWER and bool(first.facts & LOWER) and not word.facts & EVERYDAY


def stands_alone(word: Word) -> bool:
    """Tell whether a single word is a name without anything beside it."""
    match word.shape:
        case Shape.TITLE:
            return bool(word.facts & (ALONE | PLAIN))
        case Shape.UPPER:
            return bool(word.facts & LOWER) and word.end - word.start >= _SHORTEST_UPPER
        case Shape.LOWER:
            return bool(word.facts & LOWER)
        case _:
            return False


def place_end(text: str, word: Word) -> int | None:
    """Return where a place name of one word ends, with the state if one follows."""
    size = word.end - word.start
    if word.facts & (PLACE | LARGE | TOWN) and (end := state_end(text, word.end)):
        return end
    match word.shape:
        case Shape.TITLE:
            return word.end if word.facts & PLACE else None
        case Shape.UPPER:
            return word.end if word.facts & PLACE and size >= _SHORTEST_UPPER else None
        case Shape.LOWER:
            return word.end if word.facts & LARGE else None
        case _:
            return None


def state_end(text: str, at: int) -> int | None:
    """Return the end of ``, IL`` or ``, il 62701``; states that are words need capitals or the number."""
    if not (match := _STATE.match(text, at)):
        return None
    state = match[1]
    if state.upper() not in _STATES or (state in _STATE_WORDS and not match[2]):
        return None
    return match.end(1) if state.isupper() or state.islower() else None
