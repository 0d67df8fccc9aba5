"""Reads digits that are spelled as words: "five five five, 867-5309" as 555-867-5309.

Only a run of words for single digits, and groups of digits between them, that holds at least three such
words and 7 to 19 digits in all. Each word and each gap is one edit, so offsets are exact.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from sidecar.detection.linear import LinearPattern, TextView
from sidecar.detection.view.offsets import Edit

_LANGUAGES = (
    "zero|oh|o one two three four five six seven eight nine",
    "null eins zwei|zwo drei vier fünf|fuenf sechs sieben acht neun",
    "cero uno dos tres cuatro cinco seis siete ocho nueve",
    "zéro|zero un deux trois quatre cinq six sept huit neuf",
    "zero uno due tre quattro cinque sei sette otto nove",
    "zero um dois três quatro cinco seis|meia sete oito nove",
)
_DIGITS = {
    word: str(digit)
    for language in _LANGUAGES
    for digit, words in enumerate(language.split())
    for word in words.split("|")
}
_TIMES = {"double": 2, "triple": 3}
_WORDS = "|".join(sorted(_DIGITS, key=len, reverse=True))
_WORD = rf"(?:(?:{'|'.join(_TIMES)})[ -])?(?:{_WORDS})"
_TOKEN = rf"(?:{_WORD}|[0-9]{{1,12}})"
_GAP = r"(?:[ \t]{0,2}[,.\-][ \t]{0,2}|[ \t]{1,3})"
_RUN = re.compile(rf"(?<!\w){_TOKEN}(?:{_GAP}{_TOKEN}(?!\w)){{2,}}+", re.IGNORECASE)
_PART = re.compile(rf"(?:({'|'.join(_TIMES)})[ -])?({_WORDS})(?!\w)|([0-9]{{1,12}})", re.IGNORECASE)
DIGITS = LinearPattern(rf"(?:[0-9]{{1,12}}{_GAP}){{0,3}}{_WORD}{_GAP}{_TOKEN}{_GAP}{_TOKEN}", re.IGNORECASE)
"""Matches in every text that has digits to edit."""

_LEAST_WORDS = 3
_SIZES = range(7, 20)
_COUNTING = "01234567890"
_SAID_OF_NUMBERS = ("o", "oh")  # by nobody who counts
_NATIONAL = 10  # digits of a North American number; one more with the country's 1 before it
_CUTS = {_NATIONAL: (3, 6), _NATIONAL + 1: (1, 4, 7)}  # digits before each dash


def digit_edits(view: TextView) -> Iterator[Edit]:
    """Yield an edit for each spelled digit and each gap of the runs, ascending."""
    scan = DIGITS.scan(view)
    while candidate := scan.next():
        run = _RUN.match(view.text, candidate[0])
        if run is not None:
            yield from _edits(view.text, list(_PART.finditer(view.text, *run.span())))
        scan.stand_at(run.end() if run else candidate[0] + 1)


def _edits(text: str, parts: Sequence[re.Match[str]]) -> Iterator[Edit]:
    while parts and parts[0][3] and "," in text[parts[0].end() : parts[1].start() if parts[1:] else None]:
        parts = parts[1:]  # a number before the run
    digits = [_digits(part) for part in parts]
    size = sum(map(len, digits))
    spelled = sum(len(each) for each, part in zip(digits, parts, strict=True) if part[3] is None)
    if spelled < _LEAST_WORDS or size not in _SIZES or _counted(parts[0][0], "".join(digits)):
        return
    cuts = _CUTS.get(size, ()) if size == _NATIONAL or digits[0].startswith("1") else ()
    written = 0
    for at, part in enumerate(parts):
        if part[3] is None:
            yield *part.span(), digits[at]
        written += len(digits[at])
        if at + 1 < len(parts):
            gap = (part.end(), parts[at + 1].start())
            both_words = part[3] is None and parts[at + 1][3] is None
            yield *gap, "" if both_words and written not in cuts else "-"


def _digits(part: re.Match[str]) -> str:
    if part[3]:
        return part[3]
    return _DIGITS[part[2].lower()] * _TIMES.get((part[1] or "").lower(), 1)


def _counted(first: str, digits: str) -> bool:
    """Tell whether somebody counts up or down."""
    return first.lower() not in _SAID_OF_NUMBERS and (digits in _COUNTING or digits[::-1] in _COUNTING)
