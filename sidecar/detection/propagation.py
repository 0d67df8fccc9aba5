"""Covers what was found anywhere in a request wherever else it stands, however it is written there.

What is covered already stays as it is; only gaps are filled. Occurrences are word-bounded: the same
spelling, or another one that ``name_parts`` allows, or a number with other separators. One pass over
each passage, for all originals together.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import cast

import ahocorasick

from sidecar.detection.folding import folded
from sidecar.detection.name_parts import Manner, fits, spellings, with_neighbors
from sidecar.detection.overlap import fill_gaps
from sidecar.detection.person_spans import joined
from sidecar.detection.view.normalized import NormalizedText, normalized
from sidecar.model import Origin, Passage, Span

Place = tuple[int, int]
"""The number of a passage and a place in its text; they ascend in prompt order."""

_SHORTEST_NAME = 3  # letters; shorter ones are initials and chance
_SHORTEST_NUMBER = 9  # digits from which a pattern's original is looked for with other separators too
_LONGEST = 200  # code points up to which an original is looked for in other spellings, and at once
_LONGEST_AT_ALL = 8192  # code points up to which it is looked for
_MOST_ALIKE = 32  # originals longer than ``_LONGEST`` that start alike
_BETWEEN_TICKS = 4096  # originals, or places where one may stand
_NAMES = frozenset({"PERSON", "ORG", "LOCATION"})
_ESCAPE = re.compile(r"[\\%&]")
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


@dataclass(frozen=True, slots=True)
class Covered(Span):
    """A span, and the place from which on the request gives it away: its own, unless that comes earlier."""

    since: Place = (0, 0)


def propagate(
    passages: Sequence[Passage],
    spans: Sequence[Sequence[Span]],
    tick: Callable[[], None] = lambda: None,
) -> list[list[Span]]:
    """Return the spans of each passage, disjoint and ascending, with all other occurrences added.

    Persons' spans get their edges on the way (``person_spans``), for what is found and for what is added.

    Args:
        passages: All texts of a request.
        spans: For each passage its spans, disjoint and ascending.
        tick: Called after each passage and now and then within.
    """
    covered = spread(passages, spans, tick)
    return [[_plain(span) for span in each] for each in covered]


def spread(
    passages: Sequence[Passage],
    spans: Sequence[Sequence[Span]],
    tick: Callable[[], None] = lambda: None,
) -> list[list[Covered]]:
    """Do what ``propagate`` does, and tell of each span since when the request gives it away."""
    kept = [
        _whole(passage, [_covered(span, (number, span.start)) for span in found])
        for number, (passage, found) in enumerate(zip(passages, spans, strict=True))
    ]
    automaton = _automaton(passages, kept, tick)
    if automaton is None:
        return kept
    return [
        _filled(passage, found, _occurrences(automaton, passage, found, tick))
        for passage, found in zip(passages, kept, strict=True)
    ]


def _covered(span: Span, since: Place) -> Covered:
    return Covered(span.start, span.end, span.entity_type, span.score, span.origin, span.rule, since)


def _plain(span: Covered) -> Span:
    return Span(span.start, span.end, span.entity_type, span.score, span.origin, span.rule)


@dataclass(slots=True)
class _Sought:
    """What one folded spelling stands for: originals spelled just so, and others by manner of writing.

    Of each only what the request gives away first, so that later text changes nothing for the text before.
    """

    spelling: str
    exact: dict[str, Covered] = field(default_factory=dict)
    loose: dict[Manner, Covered] = field(default_factory=dict)

    def add_exact(self, spelling: str, span: Covered) -> None:
        known = self.exact.get(spelling)
        if known is None:
            self.exact[spelling] = span
        elif _strength(span) > _strength(known):
            self.exact[spelling] = _covered(span, known.since)

    def meant_by(self, text: str, start: int, end: int) -> Covered | None:
        meant = self.exact.get(text[start:end])
        for manner, span in self.loose.items():
            if (meant is None or span.since < meant.since) and fits(manner, text, start, end):
                meant = span
        return meant


def _automaton(
    passages: Sequence[Passage], spans: Sequence[Sequence[Covered]], tick: Callable[[], None]
) -> ahocorasick.Automaton | None:
    """Return what finds every spelling of every original; None without any."""
    sought: dict[str, dict[str, _Sought]] = {}
    known: set[tuple[str, str, Origin, float]] = set()

    for passage, found in zip(passages, spans, strict=True):
        for span in found:
            original = passage.text[span.start : span.end]
            key = original, span.entity_type, span.origin, span.score
            if key in known or not _spreads(original, span):
                continue
            known.add(key)
            if len(known) % _BETWEEN_TICKS == 0:
                tick()
            for spelling in _spellings(original, span):
                _entry(sought, folded(spelling)).add_exact(spelling, span)
            if len(original) <= _LONGEST:
                for spelling, manner in _manners(original, span):
                    _entry(sought, spelling).loose.setdefault(manner, span)
    if not sought:
        return None
    automaton = ahocorasick.Automaton()
    for head, alike in sought.items():
        automaton.add_word(head, (len(head), tuple(alike.values())))
    tick()
    automaton.make_automaton()
    tick()
    return automaton


def _entry(sought: dict[str, dict[str, _Sought]], spelling: str) -> _Sought:
    alike = sought.setdefault(spelling[:_LONGEST], {})
    if spelling in alike or len(alike) < _MOST_ALIKE:
        return alike.setdefault(spelling, _Sought(spelling))
    return _Sought(spelling)  # covered where it was found


def _strength(span: Span) -> tuple[bool, float, str]:
    return span.origin is Origin.PATTERN, span.score, span.entity_type


def _spreads(original: str, span: Span) -> bool:
    """Tell whether an original is distinct enough to be covered without the detector's word for it."""
    if len(original) > _LONGEST_AT_ALL:
        return False
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


def _manners(original: str, span: Span) -> Iterator[tuple[str, Manner]]:
    """Yield the folded spellings by which an original may go as well, and how they must be written."""
    read = _read(original)
    for text in dict.fromkeys([original, read.text] if read else [original]):
        if span.entity_type in _NAMES:
            yield from spellings(text, span.entity_type).items()
        elif span.origin is Origin.PATTERN and any(char.isdigit() or char == "@" for char in text):
            yield from ((folded(spelling), Manner.ANY) for spelling in _spellings(text, span))


def _read(text: str, tick: Callable[[], None] = lambda: None) -> NormalizedText | None:
    """Return a text as detectors read it, where that may be another."""
    if text.isascii() and not _ESCAPE.search(text):
        return None
    read = normalized(text, tick)
    return None if read.text is text else read


def _occurrences(
    automaton: ahocorasick.Automaton, passage: Passage, kept: Sequence[Span], tick: Callable[[], None]
) -> list[Covered]:
    """Return what else stands in a passage."""
    tick()
    found = {(span.start, span.end) for span in kept}
    more: list[Covered] = []
    for start, end, span in _all_matches(automaton, passage.text, tick):
        if (start, end) in found or (
            passage.patterns_only and not _is_for_patterns(passage.text, start, end, span)
        ):
            continue
        found.add((start, end))
        more.append(replace(span, start=start, end=end))
    return more


def _all_matches(
    automaton: ahocorasick.Automaton, text: str, tick: Callable[[], None]
) -> Iterator[tuple[int, int, Covered]]:
    """Yield start, end and meaning of all that stands in a text, as it is and as detectors read it."""
    yield from _matches(automaton, text, tick)
    if read := _read(text, tick):
        for start, end, span in _matches(automaton, read.text, tick):
            yield *read.original_stretch(start, end), span


def _is_for_patterns(text: str, start: int, end: int, span: Span) -> bool:
    """Tell whether an occurrence counts in a key or a number: a pattern's, or a name of several words."""
    return span.origin is Origin.PATTERN or " " in text[start:end]


def _matches(
    automaton: ahocorasick.Automaton, text: str, tick: Callable[[], None]
) -> Iterator[tuple[int, int, Covered]]:
    plain, done = folded(text), 0
    for count, (last, (size, alike)) in enumerate(automaton.iter(plain)):
        if count % _BETWEEN_TICKS == 0:
            tick()
        start = last + 1 - size
        for sought in alike:
            end = start + len(sought.spelling)
            if end > last + 1:
                # Long ones count one after the other, so that a text which repeats itself takes no longer.
                if start < done or not plain.startswith(sought.spelling, start):
                    continue
                done = end
            if _is_bounded(text, start, end) and (meant := sought.meant_by(text, start, end)):
                yield start, end, meant


def _filled(passage: Passage, kept: list[Covered], more: list[Covered]) -> list[Covered]:
    if not more:
        return kept
    return _whole(passage, cast("list[Covered]", fill_gaps(passage.text, cast("list[Span]", kept), more)))


def _whole(passage: Passage, spans: list[Covered]) -> list[Covered]:
    """Return the spans with those of persons as whole names."""
    whole = joined(passage.text, spans)
    return whole if passage.patterns_only else joined(passage.text, _completed(passage.text, whole))


def _completed(text: str, spans: list[Covered]) -> list[Covered]:
    """Return the spans, those of single words of persons' names with the uncovered rest of the name."""
    out: list[Covered] = []
    for number, span in enumerate(spans):
        if span.entity_type == "PERSON":
            low = out[-1].end if out else 0
            high = spans[number + 1].start if number + 1 < len(spans) else len(text)
            start, end = with_neighbors(text, span.start, span.end)
            if low <= start and end <= high and (start, end) != (span.start, span.end):
                out.append(replace(span, start=start, end=end))
                continue
        out.append(span)
    return out


def _is_bounded(text: str, start: int, end: int) -> bool:
    """Tell whether no word goes on over either edge."""
    before = start > 0 and _in_word(text[start - 1]) and _in_word(text[start])
    after = end < len(text) and _in_word(text[end]) and _in_word(text[end - 1])
    return not before and not after


def _in_word(char: str) -> bool:
    """Tell whether this belongs to a word in a script that puts blanks between words."""
    return char.isalnum() and not _UNSPACED.match(char)
