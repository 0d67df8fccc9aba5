"""Cuts a text into pieces that a statistical model can take one by one.

Every code point is owned by at most one piece, and what no piece owns holds no letter, or none beside another
in a long run without white space. Pieces are bounded
in length, cut at line ends, sentence ends or white space, and overlap by a few words of context. Runs
without white space are cut hard: tokenizers take super-linear time on them. Time is linear.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

MAX_PIECE = 6000  # code points that a piece owns at most
MAX_RUN = 240  # code points without white space that a piece may hold in a row
_CONTEXT = 80  # code points of context on each side of a cut
_WORD_RUN = re.compile(r"\S+")
_LETTER = re.compile(r"[^\W\d_]")
# A name has two letters side by side, or one that stands for a syllable or a word.
_NAME_IN_RUN = re.compile(r"[^\W\d_](?:[^\W\d_]|(?<=[\u2e80-\ud7ff\uf900-\ufaff\U00020000-\U0003ffff]))")
_SOFT = re.compile(r"[\s,;:|&?={}\[\]()<>\"'\u3001\u3002\uff01\uff0c\uff1a\uff1b\uff1f]")
_CUTS = (re.compile(r"\n\s*"), re.compile(r"[.!?][\"')\]]*\s+"), re.compile(r"\s+"))


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a text for the model to read.

    ``start`` and ``end``: what is read; ``own_start`` and ``own_end``: where entities of this piece start.
    """

    start: int
    end: int
    own_start: int
    own_end: int


def pieces(text: str) -> Iterator[Piece]:
    """Yield the pieces of a text in ascending order, without those that hold no letter."""
    for start, end, is_run in _segments(text):
        for piece in _run_pieces(text, start, end) if is_run else _prose_pieces(text, start, end):
            if _may_hold_a_name(text, piece, is_run=is_run):
                yield piece


def _may_hold_a_name(text: str, piece: Piece, *, is_run: bool) -> bool:
    """Tell whether a piece holds a letter; a piece of a run, one that is beside another, cut off or not."""
    if is_run:
        return _NAME_IN_RUN.search(text, max(0, piece.own_start - 1), piece.own_end + 1) is not None
    return _LETTER.search(text, piece.own_start, piece.own_end) is not None


def _segments(text: str) -> Iterator[tuple[int, int, bool]]:
    """Yield stretches of ordinary text and, flagged, overlong runs without white space."""
    if len(text) <= MAX_RUN:
        if text:
            yield 0, len(text), False
        return
    done = 0
    for run in _WORD_RUN.finditer(text):
        if run.end() - run.start() > MAX_RUN:
            if run.start() > done:
                yield done, run.start(), False
            yield run.start(), run.end(), True
            done = run.end()
    if done < len(text):
        yield done, len(text), False


def _run_pieces(text: str, start: int, end: int) -> Iterator[Piece]:
    """Cut a run at punctuation in the last half of each piece, or else hard."""
    while start < end:
        cut = min(start + MAX_RUN, end)
        if cut < end:
            soft = _last_end(_SOFT, text, start + MAX_RUN // 2, cut)
            cut = soft or cut
        yield Piece(start, cut, start, cut)
        start = cut


def _prose_pieces(text: str, first: int, last: int) -> Iterator[Piece]:
    start = first
    while start < last:
        end = last if last - start <= MAX_PIECE else _cut(text, start + MAX_PIECE // 2, start + MAX_PIECE)
        yield Piece(_before(text, first, start), _after(text, end, last), start, end)
        start = end


def _cut(text: str, low: int, high: int) -> int:
    """Return the best place to cut in ``[low, high]``: after the last line, else sentence, else word."""
    for kind in _CUTS:
        if place := _last_end(kind, text, low, high):
            return place
    return high


def _last_end(kind: re.Pattern[str], text: str, low: int, high: int) -> int:
    end = 0
    for found in kind.finditer(text, low, high):
        end = found.end()
    return end


def _before(text: str, first: int, start: int) -> int:
    """Return where context before ``start`` begins: at a word, not before ``first``."""
    low = max(first, start - _CONTEXT)
    if low == first:
        return first
    while low < start and not text[low - 1].isspace():
        low += 1
    return low


def _after(text: str, end: int, last: int) -> int:
    """Return where context after ``end`` stops: after a word, not behind ``last``."""
    high = min(last, end + _CONTEXT)
    if high == last:
        return last
    while high > end and not text[high].isspace():
        high -= 1
    return high
