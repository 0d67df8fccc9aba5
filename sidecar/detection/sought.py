"""Originals in all the spellings by which they may go, ready to be found in other texts.

The same spelling, or another one that ``name_parts`` allows, or a number with other separators. Of what
several originals stand for, only what the request gives away first counts, so that later text changes
nothing for the text before. One pass over each text, for all originals together.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import ahocorasick

from sidecar.detection.folding import folded
from sidecar.detection.name_parts import Manner, fits, spellings
from sidecar.detection.view.normalized import NormalizedText, normalized
from sidecar.model import Origin, Span

Place = tuple[int, int]
"""The number of a passage and a place in its text; they ascend in prompt order."""

LONGEST = 200  # code points up to which an original is looked for in other spellings, and at once
_SHORTEST_NAME = 3  # letters; shorter ones are initials and chance
_SHORTEST_NUMBER = 9  # digits from which a pattern's original is looked for with other separators too
_LONGEST_AT_ALL = 8192  # code points up to which it is looked for
_MOST_ALIKE = 32  # originals longer than ``LONGEST`` that start alike
_BETWEEN_TICKS = 4096  # originals, or places where one may stand
_FEW = 32  # spellings that are found faster one by one
NAMES = frozenset({"PERSON", "ORG", "LOCATION"})
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


class Entry:
    """What one folded spelling stands for: originals spelled just so, and others by manner of writing."""

    __slots__ = ("exact", "loose", "spelling")

    def __init__(self, spelling: str) -> None:
        self.spelling = spelling
        self.exact: dict[str, Covered] = {}
        self.loose: dict[Manner, Covered] = {}

    def copy(self) -> Entry:
        """Return what it stands for now."""
        other = Entry(self.spelling)
        other.exact, other.loose = {**self.exact}, {**self.loose}
        return other

    def would_change(self, spelling: str, span: Covered) -> bool:
        """Tell whether it matters that it stands for an original that is spelled so."""
        known = self.exact.get(spelling)
        return known is None or _strength(span) > _strength(known)

    def add_exact(self, spelling: str, span: Covered) -> None:
        """Let it stand for an original that is spelled so; of the same spelling the strongest span counts."""
        known = self.exact.get(spelling)
        if known is None:
            self.exact[spelling] = span
        elif _strength(span) > _strength(known):
            self.exact[spelling] = Covered(
                span.start, span.end, span.entity_type, span.score, span.origin, span.rule, known.since
            )

    def meant_by(self, text: str, start: int, end: int) -> Covered | None:
        """Return what is meant where it stands in a text; None if a word goes on over either edge."""
        if not _is_bounded(text, start, end):
            return None
        meant = self.exact.get(text[start:end])
        for manner, span in self.loose.items():
            if (meant is None or span.since < meant.since) and fits(manner, text, start, end):
                meant = span
        return meant


class Sought:
    """Originals to look for.

    Args:
        tick: Called now and then.
    """

    def __init__(self, tick: Callable[[], None]) -> None:
        self._tick = tick
        self._known: set[tuple[str, str, Origin, float]] = set()
        self._heads: dict[str, dict[str, Entry]] = {}
        self._is_long = False
        self._watched: dict[str, Entry] | None = None
        self._automaton: ahocorasick.Automaton | None = None

    def __bool__(self) -> bool:
        """Tell whether there is anything to look for."""
        return bool(self._heads)

    def add(self, original: str, span: Covered) -> bool:
        """Look for an original too; tell whether it is a new one that is distinct enough.

        Args:
            original: Its text.
            span: Where it was found; the places of all spans that are added ascend.
        """
        if not self.is_new(original, span):
            return False
        self._automaton = None
        by_form = span.entity_type not in NAMES and span.origin is Origin.PATTERN and _has_form(original)
        for spelling in _spellings(original, span):
            entry = self._entry(folded(spelling))
            if entry.would_change(spelling, span):
                self._note(entry)
                entry.add_exact(spelling, span)
            if by_form and len(original) <= LONGEST:
                self._add_loose(entry, Manner.ANY, span)
        if len(original) <= LONGEST:
            for spelling, manner in _manners(original, span):
                self._add_loose(self._entry(spelling), manner, span)
        return True

    def is_new(self, original: str, span: Covered) -> bool:
        """Tell whether an original is distinct enough to be looked for, and is met for the first time."""
        key = original, span.entity_type, span.origin, span.score
        if key in self._known or not _spreads(original, span):
            return False
        self._known.add(key)
        if len(self._known) % _BETWEEN_TICKS == 0:
            self._tick()
        return True

    @property
    def is_long(self) -> bool:
        """Whether something long is among it, which counts or not by what stands before it."""
        return self._is_long

    def watch(self) -> None:
        """From now on note which spellings change what they stand for."""
        self._watched = {}

    def changed(self) -> tuple[Sought, dict[str, Entry]]:
        """Return the spellings that have changed since ``watch``, and what each stood for before."""
        was = self._watched or {}
        now = Sought(self._tick)
        now._heads = {head: self._heads[head] for head in {spelling[:LONGEST] for spelling in was}}
        now._is_long = self._is_long
        return now, was

    def hits(self, text: str) -> Iterator[tuple[int, int, Entry]]:
        """Yield where folded spellings stand in a text, whatever stands around them."""
        plain, done = folded(text), 0
        for count, (start, size, alike) in enumerate(self._starts(plain)):
            if count % _BETWEEN_TICKS == 0:
                self._tick()
            for entry in alike.values():
                end = start + len(entry.spelling)
                if end > start + size:
                    # Long ones count one after the other: a text which repeats itself takes no longer.
                    if start < done or not plain.startswith(entry.spelling, start):
                        continue
                    done = end
                yield start, end, entry

    def _add_loose(self, entry: Entry, manner: Manner, span: Covered) -> None:
        if manner not in entry.loose:
            self._note(entry)
            entry.loose[manner] = span

    def _note(self, entry: Entry) -> None:
        if self._watched is not None and entry.spelling not in self._watched:
            self._watched[entry.spelling] = entry.copy()

    def _entry(self, spelling: str) -> Entry:
        alike = self._heads.setdefault(spelling[:LONGEST], {})
        self._is_long |= len(spelling) >= LONGEST
        known = alike.get(spelling)
        if known is None:
            known = Entry(spelling)
            if len(alike) < _MOST_ALIKE:  # others are covered where they were found
                alike[spelling] = known
        return known

    def _starts(self, plain: str) -> Iterator[tuple[int, int, dict[str, Entry]]]:
        """Yield where each head stands in a folded text, with its length and what starts so."""
        if len(self._heads) <= _FEW and not self._is_long:
            for head, alike in self._heads.items():
                start = plain.find(head)
                while start >= 0:
                    yield start, len(head), alike
                    start = plain.find(head, start + 1)
            return
        if self._automaton is None:
            self._automaton = self._made_automaton()
        for last, (size, alike) in self._automaton.iter(plain):
            yield last + 1 - size, size, alike

    def _made_automaton(self) -> ahocorasick.Automaton:
        automaton = ahocorasick.Automaton()
        for head, alike in self._heads.items():
            automaton.add_word(head, (len(head), alike))
        self._tick()
        automaton.make_automaton()
        self._tick()
        return automaton


def is_read_as_it_is(text: str) -> bool:
    """Tell whether detectors surely read a text as it is."""
    return text.isascii() and not _ESCAPE.search(text)


def read_otherwise(text: str, tick: Callable[[], None] = lambda: None) -> NormalizedText | None:
    """Return a text as detectors read it, where that may be another."""
    if is_read_as_it_is(text):
        return None
    read = normalized(text, tick)
    return None if read.text is text else read


def _strength(span: Span) -> tuple[bool, float, str]:
    return span.origin is Origin.PATTERN, span.score, span.entity_type


def _spreads(original: str, span: Span) -> bool:
    """Tell whether an original is distinct enough to be covered without the detector's word for it."""
    if len(original) > _LONGEST_AT_ALL:
        return False
    if span.origin is Origin.PATTERN or not original.isascii():
        return len(original) > 1
    letters = len(original) if original.isalpha() else sum(map(str.isalpha, original))
    return letters >= _SHORTEST_NAME and not all(word in _COMMON for word in original.lower().split())


def _spellings(original: str, span: Span) -> set[str]:
    """Return the original, and a long number of a pattern with blanks, dashes or nothing between."""
    if span.origin is not Origin.PATTERN or original[-1].isalpha():
        return {original}
    bare = original.translate(_TO_NOTHING)
    if not bare.isdigit() or len(bare) < _SHORTEST_NUMBER:
        return {original}
    return {original, bare, original.translate(_TO_DASHES), original.translate(_TO_BLANKS)}


def _has_form(text: str) -> bool:
    """Tell whether an original of a pattern is known by its characters, however they are written."""
    return "@" in text or any(map(str.isdigit, text))


def _manners(original: str, span: Span) -> Iterator[tuple[str, Manner]]:
    """Yield the folded spellings by which an original may go as well, and how they must be written."""
    read = read_otherwise(original)
    if span.entity_type in NAMES:
        for text in dict.fromkeys([original, read.text] if read else [original]):
            yield from spellings(text, span.entity_type).items()
    elif read and span.origin is Origin.PATTERN and _has_form(read.text):
        yield from ((folded(spelling), Manner.ANY) for spelling in _spellings(read.text, span))


def _is_bounded(text: str, start: int, end: int) -> bool:
    """Tell whether no word goes on over either edge."""
    before = start > 0 and _in_word(text[start - 1]) and _in_word(text[start])
    after = end < len(text) and _in_word(text[end]) and _in_word(text[end - 1])
    return not before and not after


def _in_word(char: str) -> bool:
    """Tell whether this belongs to a word in a script that puts blanks between words."""
    return char.isalnum() and (char.isascii() or not _UNSPACED.match(char))
