"""Finds names of people and places by lists and by how they are written, in one pass over the text.

Each word is looked up once, and what a listed word needs to be taken for a name (a capital, a neighbor)
depends on whether it is an ordinary word as well. No more than a few words around a listed one are looked
at, so the time is linear in the text. Words inside code, links and addresses are left alone.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import NamedTuple

from sidecar.detection.names.gazetteer_east import EastAsianNames, is_east_asian
from sidecar.detection.names.gazetteer_judge import (
    is_frequent,
    is_full_name,
    place_end,
    stands_alone,
    state_end,
)
from sidecar.detection.names.gazetteer_list import (
    ALONE,
    COMMON,
    EVERYDAY,
    GIVEN,
    LARGE,
    LOWER,
    PHRASE,
    PLACE,
    SURNAME,
    TOWN,
    WordList,
    fold,
)
from sidecar.detection.names.gazetteer_text import (
    INITIAL,
    LOWER_INITIAL,
    NAMED_THING,
    NEXT,
    NEXT_WORD,
    WORD,
    Shape,
    Word,
    is_code,
    shape,
    word_in,
)
from sidecar.detection.names.windows import stretches
from sidecar.model import Origin, Span

_FULL_SCORE, _GIVEN_SCORE, _PLACE_SCORE = 0.65, 0.6, 0.6  # below the model's 0.7
_NAME = GIVEN | SURNAME
_KNOWN = _NAME | PLACE | LARGE | TOWN | PHRASE
_SMALL = LOWER | LARGE | GIVEN  # what may start a name without a capital
_STATED = PLACE | TOWN  # ... if a state follows
_MOST_WORDS = 5  # of one name
_SHORTEST_EXTENSION = 4
_LONGEST_PARTICLE = 3  # letters that may be small within a capitalized place name


class _Seconds(NamedTuple):
    """The words that may follow the first one of a listed place, and the letters with which they start."""

    words: frozenset[str]
    initials: frozenset[str]

    @classmethod
    def of(cls, words: Iterable[str]) -> _Seconds:
        return cls(frozenset(words), frozenset(word[0] for word in words))


class Gazetteer:
    """The lists, loaded once; ``find`` may be called from any thread."""

    entity_types = ("LOCATION", "PERSON")

    def __init__(self, words: WordList) -> None:
        self._words = words
        self._seconds = {
            first: _Seconds.of([rest[0] for rest in rests]) for first, rests in words.phrases.items()
        }
        self._east_asian = EastAsianNames(words.east_asian)

    def find(self, text: str, taken: Sequence[tuple[int, int]] = ()) -> list[Span]:
        """Return the names in a text: disjoint, in ascending order.

        Args:
            text: Any text.
            taken: Stretches, disjoint and ascending, within which nothing is looked for any more.
        """
        spans: list[Span] = []
        done = 0
        for word in self._listed(text):
            if word.start >= done and (found := self._name_at(text, word)):
                spans.append(found)
                done = found.end
        if is_east_asian(text):
            spans = sorted([*spans, *self._east_asian.find(text)], key=lambda span: span.start)
        return [span for span in spans if not _lies_in(span, taken)] if taken else spans

    def _listed(self, text: str) -> Iterator[Word]:
        """Yield the words with which a name may start, as far as the word itself and what adjoins it tell."""
        facts_of, is_plain = self._words.facts.get, text.isascii() and "'" not in text
        for match in chain.from_iterable(WORD.finditer(text, *stretch) for stretch in stretches(text)):
            spelled = match[0]
            if is_plain or (spelled.isascii() and "'" not in spelled):
                facts, size = facts_of(spelled.lower(), 0), 0
            else:
                facts, size = self._words.look_up(spelled)
            if not facts & _KNOWN:
                continue
            start = match.start()
            size = size or len(spelled)
            end = start + size
            if spelled.islower() and not self._may_be_small(text, start, end, facts):
                continue
            written = shape(spelled[:size])
            if written is not Shape.ODD and not is_code(text, start, end):
                yield Word(start, end, facts, written, size < len(spelled))

    def _may_be_small(self, text: str, start: int, end: int, facts: int) -> bool:
        """Tell whether a listed word without capitals may start a name: most are ordinary words."""
        if facts & _SMALL or (facts & _STATED and text[end : end + 1] == ","):
            return True
        if not facts & PHRASE:
            return False
        seconds = self._seconds[fold(text[start:end])]
        behind = text[end + 1 : end + 2]
        if text[end : end + 1] == " " and behind.isascii() and behind.lower() not in seconds.initials:
            return False
        found = NEXT_WORD.match(text, end)
        return found is not None and fold(found[1]) in seconds.words

    def _name_at(self, text: str, first: Word) -> Span | None:
        if first.facts & PHRASE and (end := self._phrase_end(text, first)):
            return _span(first.start, end, "LOCATION", _PLACE_SCORE, "place")
        if first.facts & _NAME:
            words = self._chain(text, first)
            if len(words) > 1 and is_full_name(words):
                return _span(first.start, words[-1].end, "PERSON", _FULL_SCORE, "full name")
            if NAMED_THING.match(text, words[-1].end):
                return None
            if stands_alone(first):
                rule = "given" if first.facts & GIVEN else "surname"
                return _span(first.start, first.end, "PERSON", _GIVEN_SCORE, rule)
        if end := place_end(text, first):
            return _span(first.start, end, "LOCATION", _PLACE_SCORE, "place")
        return None

    def _chain(self, text: str, first: Word) -> list[Word]:
        """Return the first word and those after it that can belong to the same name."""
        words = [first]
        if first.shape is Shape.CASELESS and (first.facts & COMMON or not first.facts & GIVEN):
            return words
        most = 3 if first.shape is Shape.CASELESS else _MOST_WORDS
        while len(words) < most and not words[-1].possessive:
            if not (word := self._behind_initial(text, words) or self._behind(text, words)):
                break
            words.append(word)
        return words

    def _behind_initial(self, text: str, words: list[Word]) -> Word | None:
        """Return the surname after ``Ann B.``."""
        first, at = words[0], words[-1].end
        lower = first.shape is Shape.LOWER
        if not (match := (LOWER_INITIAL if lower else INITIAL).match(text, at)):
            return None
        word = word_in(match, self._words)
        if word.shape is not first.shape or word.facts & (COMMON if lower else EVERYDAY):
            return None
        unknown = (first.shape is Shape.TITLE and not word.facts & COMMON) or (
            lower and first.facts & LOWER and not word.facts
        )
        return (
            Word(word.start, word.end, SURNAME, word.shape, word.possessive)
            if unknown or word.facts & SURNAME
            else None
        )

    def _behind(self, text: str, words: list[Word]) -> Word | None:
        """Return the next word, with or without a particle before it, if it can go on with the name."""
        first, at = words[0], words[-1].end
        if not (match := NEXT.match(text, at)):
            return None
        word, gap, particle = word_in(match, self._words), match[1], bool(match[2])
        if word.shape is not first.shape or is_code(text, word.start, word.end, left=False):
            return None
        if "\n" in gap and (not word.facts & SURNAME or word.facts & COMMON):
            return None
        if word.facts & _NAME:
            if not word.facts & (COMMON if first.shape in (Shape.LOWER, Shape.CASELESS) else EVERYDAY):
                return None if gap == "-" and first.shape is Shape.LOWER else word
            return word if is_frequent(first, word) else None
        return word if self._may_be_unknown(words, word, gap, particle) else None

    @staticmethod
    def _may_be_unknown(words: list[Word], word: Word, gap: str, particle: bool) -> bool:
        """Tell whether an unlisted word is the rest of a name whose first word is beyond doubt."""
        first = words[0]
        if first.shape is Shape.TITLE:
            complete = len(words) > 1 and not words[-1].facts & GIVEN
            return (
                not word.facts & (COMMON | PLACE | LARGE)
                and (particle or bool(first.facts & ALONE))
                and not complete
            )
        if first.shape is Shape.UPPER:
            return bool(first.facts & LOWER) and not word.facts and gap == " " and len(words) == 1
        return (
            first.shape is Shape.LOWER
            and bool(first.facts & LOWER)
            and gap == " "
            and all(each.facts for each in words)
            and not word.facts
            and not word.possessive
            and word.end - word.start >= _SHORTEST_EXTENSION
        )

    def _phrase_end(self, text: str, first: Word) -> int | None:
        """Return the end of the longest listed place name of several words, with the state if one follows."""
        rests = self._words.phrases[fold(text[first.start : first.end])]
        most, at, found = max(map(len, rests)), first.end, 0
        parts: tuple[str, ...] = ()
        while len(parts) < most and (match := NEXT_WORD.match(text, at)):
            part = fold(match[1])
            if first.shape is not Shape.LOWER and len(part) > _LONGEST_PARTICLE and match[1].islower():
                break
            parts, at = (*parts, part), match.end()
            found = at if parts in rests else found
        if not found or is_code(text, first.start, found):
            return None
        return state_end(text, found) or found


def _span(start: int, end: int, entity_type: str, score: float, rule: str) -> Span:
    return Span(start, end, entity_type, score, Origin.NER, f"gazetteer:{rule}")


def _lies_in(span: Span, taken: Sequence[tuple[int, int]]) -> bool:
    at = bisect_right(taken, span.start, key=lambda stretch: stretch[0]) - 1
    return at >= 0 and span.end <= taken[at][1]
