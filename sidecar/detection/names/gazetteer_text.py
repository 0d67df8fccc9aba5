"""How the gazetteer reads a text: what a word is, how it is written, what stands beside it, what is code.

Every function looks at a bounded number of words beside the one it is asked about.
"""

from __future__ import annotations

import re
from enum import Enum, auto
from typing import NamedTuple

from sidecar.detection.names.gazetteer_list import WordList

# Scripts that put blanks between words, with their combining marks.
_LETTER = (
    "A-Za-z\u00aa\u00b5\u00ba\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u02af\u0370-\u0373\u0376-\u037d\u0386\u0388-\u052f"
    "\u0531-\u0556\u0561-\u0587\u05d0-\u05ea\u0620-\u065f\u066e-\u06d3\u0900-\u0963\u0971-\u0dff\u10a0-\u10ff\u1e00-\u1fff"
)
_A_WORD = f"[{_LETTER}][{_LETTER}\u0300-\u036f]*(?:['\u2019][{_LETTER}][{_LETTER}\u0300-\u036f]*)?"
WORD = re.compile(_A_WORD)
_PARTICLES = (
    "de la|de las|de los|de|da|do|dos|das|di|del|della|du|la|le|van der|van den|van de|van|von der|von|zu"
    "|bin|ibn|al|el|De La|De|Da|Di|Del|La|Le|Van|Von|Der|Al|El|N\u00ed|O"
    "|VAN DER|VAN DEN|VAN DE|VAN|VON DER|VON|DE LA|DEL|DI"
)
NEXT = re.compile(rf"([ \u00a0-]|\r?\n[ \t]{{0,4}})((?:{_PARTICLES})[ -])?({_A_WORD})")
NEXT_WORD = re.compile(rf"(?:[ \u00a0-]|\r?\n[ \t]{{0,4}})({_A_WORD})")
INITIAL = re.compile(rf" (?:[A-Z]\.? ){{1,2}}({_A_WORD})")
LOWER_INITIAL = re.compile(rf" [b-hj-z]\.? ({_A_WORD})")
# What is named after people: the name is that of a thing.
NAMED_THING = re.compile(
    "(?:['\u2019]s)? (?:algorithm|blur|chain|coefficient|conjecture|constant|correlation|counter|disease"
    "|distance|distribution|effect|equation|filter|formula|inequality|integral|law|lemma|paradox|polynomial"
    "|scale|series|space|syndrome|theorem|transform)s?\\b"
)
_CODE_BEFORE = frozenset("_@/\\#$%&=+~<`^0123456789")
_CODE_AFTER = frozenset("_@/\\(=`0123456789")
_JOINTS = frozenset(".:-_)]")
_KEY_ENDS = frozenset(('":', "':"))
_CAMEL_PREFIXES = ("Mc", "Mac", "De", "Di", "La", "Le", "Van", "Du", "Fitz")


class Shape(Enum):
    """How a word is written."""

    TITLE = auto()
    UPPER = auto()
    LOWER = auto()
    CASELESS = auto()
    ODD = auto()  # camelCase, a single capital


class Word(NamedTuple):
    """A word of the text, without its possessive; nothing follows a possessive within a name."""

    start: int
    end: int
    facts: int
    shape: Shape
    possessive: bool


def word_in(match: re.Match[str], words: WordList) -> Word:
    """Return the word in the last group of a match."""
    text = match[match.re.groups]
    facts, size = words.look_up(text)
    start = match.start(match.re.groups)
    return Word(start, start + size, facts, shape(text[:size]), size < len(text))


def is_code(text: str, start: int, end: int, *, left: bool = True) -> bool:
    """Tell whether a word is part of an identifier, path, link, address or number."""
    if left and start:
        before = text[start - 1]
        if before == " " and text.endswith("import ", 0, start):
            return True
        if before in _CODE_BEFORE or before.isalpha():
            return True
        if before in ".:-" and start > 1 and (text[start - 2].isalnum() or text[start - 2] in _JOINTS):
            return True
    after = text[end : end + 3]
    if not after:
        return False
    if after[0] in _CODE_AFTER or after == " = " or after[:2] in _KEY_ENDS:
        return True
    if after[0] in ".:":
        return after[1:2].isalnum() or after[1:2] in ("_", ":")
    return after[0] == "-" and after[1:2].islower()


def shape(word: str) -> Shape:
    """Return how a word is written; ``O'Neill`` and ``McDonald`` count as titles."""
    if word.islower():
        return Shape.LOWER
    if not word[0].isupper():
        cut = max(word.find("'"), word.find("\u2019"))
        if word[0].islower():
            return Shape.TITLE if cut > 0 and word[cut + 1 :].istitle() else Shape.ODD
        return Shape.CASELESS
    rest = word[1:]
    if not rest:
        return Shape.ODD
    if rest.islower() or word.istitle():
        return Shape.TITLE
    if word.isupper():
        return Shape.UPPER
    capitals = sum(map(str.isupper, word))
    return Shape.TITLE if capitals == 2 and word.startswith(_CAMEL_PREFIXES) else Shape.ODD
