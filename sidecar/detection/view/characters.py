"""Folds single characters: what looks or counts the same as a plain character becomes that character.

Most folds replace one code point by one, so that offsets stay; the others are edits. Not folded: what
has a sense of its own as it is (superscript and subscript digits but in runs, fractions, units, the
ordinal signs, apostrophes), and marks on scripts that are written with marks.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import cache

from sidecar.detection.charset import CharSet
from sidecar.detection.stretches import matches
from sidecar.detection.view.offsets import Edit

_FULLWIDTH = range(0xFF01, 0xFF5F)
_SCANNED = (range(0x80, 0x3400), range(0xA000, 0xAC00), range(0xF900, 0x20000))  # no ideographs, no Hangul
_TAGS = range(0xE0000, 0xE0FFF + 1)
_INVISIBLE = "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u3164\uffa0"
_SELECTORS = range(0xFE00, 0xFE10)
_SHOWN_FORMATS = "\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u08e2\U000110bd\U000110cd"
_BLANKS = "\u2800"
_DASHES = "\u2043\u2212"
_KEPT = "\u00aa\u00ba\u2122\u2120\u2116"
_RAISED = "\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079"
_LOWERED = "".join(map(chr, range(0x2080, 0x208A)))
_SMALL_CAPITAL = "LATIN LETTER SMALL CAPITAL "
_MARKED = r"!-~\u00a1-\u02af\u0370-\u0482\u048a-\u052f\u1e00-\u1fff"  # takes no marks beyond what composes
_KANA_MARKS = "\u3099\u309a"
_MAX_MARKS = 8  # that may compose with a letter; normalizing takes quadratic time in their number
_MAX_EXPANSION = 4


class Characters:
    """The tables, made once from the Unicode data that Python comes with."""

    __slots__ = ("_expand", "_marks", "_odd", "_signs", "_unmarked", "all", "invisible", "one_to_one")

    def __init__(self) -> None:
        """Look at every character that may fold."""
        scanned = [chr(code) for block in _SCANNED for code in block]
        self.invisible = frozenset(filter(_is_invisible, scanned)) | {chr(code) for code in _TAGS}
        folds = {char: fold for char in scanned if char not in self.invisible and (fold := _fold(char))}
        self.one_to_one = {ord(char): fold for char, fold in folds.items() if len(fold) == 1}
        self._expand = {char: fold for char, fold in folds.items() if len(fold) > 1}
        self._marks = marks = frozenset(filter(_is_mark, scanned)) - self.invisible
        jamo = frozenset(map(chr, range(0x1100, 0x1200))) - self.invisible
        self.all = self.invisible | folds.keys() | marks | jamo | frozenset(_RAISED + _LOWERED)
        self._odd = self.all - {chr(code) for code in self.one_to_one} - self.invisible
        marked, *others = _signs(marks, self.invisible, self._expand)
        self._signs = re.compile("|".join([marked, *others]))
        self._unmarked = re.compile("|".join(others))

    def edits(self, text: str, present: frozenset[str]) -> Iterator[Edit]:
        """Yield the edits of a text whose single characters are folded already, ascending.

        Args:
            text: Its one-to-one folds are done.
            present: All members of ``all`` in it.
        """
        if self.invisible.isdisjoint(present) and self._odd.isdisjoint(present):
            return
        signs = self._unmarked if self._marks.isdisjoint(present) else self._signs
        for found in matches(signs, text):
            if (outcome := self._outcome(found)) != found[0]:
                yield *found.span(), outcome

    def _outcome(self, found: re.Match[str]) -> str:
        match found.lastgroup:
            case "invisible":
                return ""
            case "expand":
                wide = self._expand[found[0][0]]
                return wide[:-1] + self._bare(wide[-1] + found[0][1:])
            case "raised":
                return "".join(str(unicodedata.digit(char)) for char in found[0])
            case "composed":
                return unicodedata.normalize("NFC", found[0])
            case _:
                return self._bare(found[0])

    def _bare(self, cluster: str) -> str:
        """Return a letter with the marks that compose with it, and without the others."""
        visible = cluster[0] + "".join(char for char in cluster[1:] if char not in self.invisible)
        return unicodedata.normalize("NFC", visible[: _MAX_MARKS + 1])[0]


@cache
def characters() -> Characters:
    """Return the tables; the first call takes some hundredths of a second."""
    return Characters()


def _fold(char: str) -> str | None:
    """Return what a character becomes, or None."""
    if char in _BLANKS:
        return " "
    category = unicodedata.category(char)
    if category == "Pd" or char in _DASHES:
        return "-"
    if category == "Nd":
        return str(unicodedata.decimal(char))
    if category == "Zs":
        return " "
    if unicodedata.name(char, "").startswith(_SMALL_CAPITAL):
        letter = unicodedata.name(char).removeprefix(_SMALL_CAPITAL)
        return letter.lower() if len(letter) == 1 else None
    code = ord(char)
    if 0x1F150 <= code < 0x1F16A or 0x1F170 <= code < 0x1F18A:
        return chr(ord("A") + (code - 0x1F150) % 0x20)
    return _compatible(char, category)


def _compatible(char: str, category: str) -> str | None:
    plain = unicodedata.normalize("NFKC", char)
    if plain == char or char in _KEPT + _RAISED + _LOWERED:
        return None
    if len(plain) == 1:
        if ord(char) not in _FULLWIDTH and category[0] not in "LNP" and category != "So":
            return None
        return "-" if unicodedata.category(plain) == "Pd" else plain
    ascii_word = plain.isascii() and plain.isalnum() and len(plain) <= _MAX_EXPANSION
    return plain if ascii_word and category in {"Ll", "Lt", "Lu", "Nl", "No"} else None


def _is_invisible(char: str) -> bool:
    if unicodedata.category(char) == "Cf":
        return char not in _SHOWN_FORMATS
    return char in _INVISIBLE or ord(char) in _SELECTORS


def _is_mark(char: str) -> bool:
    return unicodedata.category(char) in {"Mn", "Me"}


def _signs(marks: Iterable[str], invisible: Iterable[str], expand: Iterable[str]) -> tuple[str, ...]:
    """Return the alternatives of which edits are made, letters with marks first; each is a plain run."""
    unseen, wide = _set(invisible), _set(expand)
    marked = f"(?:[{unseen}]*+[{_set(marks)}]++)"
    return (
        rf"(?P<cluster>[{_MARKED}]{marked}++)",
        rf"(?P<invisible>[{unseen}]++)",
        rf"(?P<expand>[{wide}]{marked}*+)",
        rf"(?P<raised>[{_RAISED}]{{3,}}+|[{_LOWERED}]{{3,}}+)",
        rf"(?P<composed>[\u3041-\u30fe][{_KANA_MARKS}]|[\u1100-\u1112][\u1161-\u1175](?:[\u11a8-\u11c2])?)",
    )


def _set(chars: Iterable[str]) -> str:
    """Return the inside of a character class."""
    ranges = CharSet.of((ord(char), ord(char)) for char in chars).ranges
    return "".join(f"\\U{low:08x}-\\U{high:08x}" for low, high in ranges)
