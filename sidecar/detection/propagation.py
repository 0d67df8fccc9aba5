"""Covers an original wherever it stands in the request once it has been found anywhere in it.

What is covered already stays as it is; only gaps are filled. Occurrences are word-bounded and spelled the
same (numbers also with other separators). One pass over each passage, for all originals together.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

import ahocorasick

from sidecar.detection.overlap import fill_gaps
from sidecar.model import Origin, Passage, Span

_SHORTEST_NAME = 3  # letters; shorter ones are initials and chance
_SHORTEST_NUMBER = 9  # digits from which a pattern's original is looked for with other separators too
_SEPARATORS = " .-\u00a0\u2010\u2011\u2012\u2013\u2014"
_TO_DASHES = {ord(char): "-" for char in _SEPARATORS}
_TO_BLANKS = {ord(char): " " for char in _SEPARATORS}
_TO_NOTHING = {ord(char): None for char in _SEPARATORS}
# Words a model takes for names now and then, and that start half of all sentences.
_COMMON_WORDS = """
a about after all also am an and any are as ask at be been before but by can could day dear did do does
for from get go good had has have he hello help her here hey hi him his how i if in into is it its just
know let like look make may me more my need new no not now of off ok on one only or other our out over
please re said say see she should so some sure team thank thanks that the their them then there these
they this those time to today too two up us use user very want was way we well were what when where which
while who why will with work would yes yesterday tomorrow you your
"""
_COMMON = frozenset(_COMMON_WORDS.split())
# Thai to Myanmar, Khmer, kana, ideographs, Hangul (whose particles adjoin names).
_UNSPACED = re.compile(
    "[\u0e00-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3\uf900-\ufaff\U00020000-\U0003ffff]"
)


def propagate(
    passages: Sequence[Passage], spans: Sequence[Sequence[Span]], tick: Callable[[], None] = lambda: None
) -> list[list[Span]]:
    """Return the spans of each passage, disjoint and ascending, with all other occurrences added.

    Args:
        passages: All texts of a request.
        spans: For each passage its spans, disjoint and ascending.
        tick: Called after each passage and now and then within.
    """
    originals = _originals(passages, spans)
    if not originals:
        return [list(each) for each in spans]
    automaton = ahocorasick.Automaton()
    for spelling, span in originals.items():
        automaton.add_word(spelling, (len(spelling), span))
    automaton.make_automaton()
    return [
        fill_gaps(passage.text, list(found), _occurrences(automaton, passage, tick))
        for passage, found in zip(passages, spans, strict=True)
    ]


def _originals(passages: Sequence[Passage], spans: Sequence[Sequence[Span]]) -> dict[str, Span]:
    """Return, by spelling, the strongest span that each original was found as."""
    strongest: dict[str, Span] = {}
    for passage, found in zip(passages, spans, strict=True):
        for span in found:
            original = passage.text[span.start : span.end]
            if not _spreads(original, span):
                continue
            for spelling in _spellings(original, span):
                known = strongest.get(spelling)
                if known is None or _strength(span) > _strength(known):
                    strongest[spelling] = span
    return strongest


def _strength(span: Span) -> tuple[bool, float, str]:
    return span.origin is Origin.PATTERN, span.score, span.entity_type


def _spreads(original: str, span: Span) -> bool:
    """Tell whether an original is distinct enough to be covered without the detector's word for it."""
    if span.origin is Origin.PATTERN or not original.isascii():
        return len(original) > 1
    letters = sum(char.isalpha() for char in original)
    return letters >= _SHORTEST_NAME and not all(word in _COMMON for word in original.lower().split())


def _spellings(original: str, span: Span) -> set[str]:
    """Return the original, and a long number of a pattern with blanks, dashes or nothing between."""
    bare = original.translate(_TO_NOTHING)
    if span.origin is not Origin.PATTERN or not bare.isdigit() or len(bare) < _SHORTEST_NUMBER:
        return {original}
    return {original, bare, original.translate(_TO_DASHES), original.translate(_TO_BLANKS)}


def _occurrences(
    automaton: ahocorasick.Automaton, passage: Passage, tick: Callable[[], None]
) -> Iterator[Span]:
    text = passage.text
    tick()
    for count, (last, (length, span)) in enumerate(automaton.iter(text)):
        if count % 4096 == 0:
            tick()
        start, end = last + 1 - length, last + 1
        if not _is_bounded(text, start, end):
            continue
        if passage.patterns_only and span.origin is not Origin.PATTERN and " " not in text[start:end]:
            continue
        yield Span(start, end, span.entity_type, span.score, span.origin)


def _is_bounded(text: str, start: int, end: int) -> bool:
    """Tell whether no word goes on over either edge."""
    before = start > 0 and _in_word(text[start - 1]) and _in_word(text[start])
    after = end < len(text) and _in_word(text[end]) and _in_word(text[end - 1])
    return not before and not after


def _in_word(char: str) -> bool:
    """Tell whether this belongs to a word in a script that puts blanks between words."""
    return char.isalnum() and not _UNSPACED.match(char)
