"""Gives out the tokens of a request, in the order in which the prompt gives the originals away.

That is where an original is found, or the first place where it stands behind what it follows from, so one
that only later text gives away renumbers nothing in the text before.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from functools import partial
from operator import itemgetter
from typing import TypeVar

from sidecar.detection.sought import Covered, Place
from sidecar.formats.format import FieldKind, Replacement, TextField
from sidecar.history import Given, History
from sidecar.model import Budget, Original
from sidecar.tokens.token_map import TokenMap

_Any = TypeVar("_Any")

_replacement = partial(tuple.__new__, Replacement)  # from three at once, several times as fast


class Numbering:
    """The tokens of one request.

    Args:
        fields: All its text fields.
        token_map: Where the tokens come from.
        history: What the first fields have come to; their tokens are given once more.
        budget: The time that is left.
    """

    def __init__(
        self, fields: Sequence[TextField], token_map: TokenMap, history: History, budget: Budget
    ) -> None:
        self._fields = fields
        self._map = token_map
        self._budget = budget
        self._given = list(history.given)
        self._spans = list(history.spans)
        self._places: dict[Original, int] = {}
        self._tokens: list[str] = []
        for given in history.given:
            original = _original(fields[given.field], given.start, given.end)
            name = given.entity_type, given.number
            token = token_map.give(original, name, self._spelled(given.source))
            self._places[original] = len(self._tokens)
            self._tokens.append(token)

    def add(self, spans: Sequence[Sequence[Covered]], known: int = 0) -> None:
        """Give out the tokens of the fields that follow.

        Args:
            spans: Their spans.
            known: How many passages come before the fields in what ``since`` counts.
        """
        first = len(self._spans)
        for place, (field, span) in self._in_order(spans, first, known):
            self._give(_original(field, span.start, span.end), place[0] - known, span)
        for number, each in enumerate(spans, first):
            self._spans.append(self._marked(number, each))

    def history(self, count: int) -> tuple[tuple[Given, ...], tuple[array[int], ...]]:
        """Return what was given for the first fields, and their spans.

        How a field behind them spells an original does not count: that field may be another one next time.
        """
        given = tuple(
            each if each.source is None or each.source[0] < count else each._replace(source=None)
            for each in self._given
            if each.field < count
        )
        return given, tuple(self._spans[:count])

    def replacements(self) -> list[list[Replacement]]:
        """Return for each field what is to be put in the place of its spans."""
        return [_replaced(spans, self._tokens) for spans in self._spans]

    def _in_order(
        self, spans: Sequence[Sequence[Covered]], first: int, known: int
    ) -> list[tuple[Place, tuple[TextField, Covered]]]:
        """Return where each new original is given away, in that order."""
        given_away: dict[Original, tuple[Place, bool, Place, TextField, Covered]] = {}
        for number, each in enumerate(spans, first):
            field = self._fields[number]
            for span in in_time(each, self._budget):
                original = _original(field, span.start, span.end)
                if original in self._places:
                    continue
                place = (number + known, span.start)
                event = (max(place, span.since), place != span.since, place, field, span)
                known_event = given_away.get(original)
                if known_event is None or event[:3] < known_event[:3]:
                    given_away[original] = event
        ordered = sorted(given_away.values(), key=itemgetter(0, 1, 2))
        return [(place, (field, span)) for _, _, place, field, span in ordered]

    def _give(self, original: Original, number: int, span: Covered) -> None:
        source = self._source(number, span)
        token = self._map.tokenize(original, span.entity_type, self._spelled(source))
        self._places[original] = len(self._tokens)
        self._tokens.append(token)
        self._given.append(Given(number, span.start, span.end, *self._map.name_of(original), source))

    def _marked(self, number: int, spans: Sequence[Covered]) -> array[int]:
        """Return start, end and place of the original for each span of a field."""
        field, marked = self._fields[number], array("i")
        is_number = field.kind is FieldKind.NUMBER
        for span in in_time(spans[:1] if is_number else spans, self._budget):
            place = self._places[_original(field, span.start, span.end)]
            marked.extend((0, len(field.text), place) if is_number else (span.start, span.end, place))
            given = self._given[place]
            if field.nested and given.source is None and (source := self._source(number, span)):
                self._given[place] = given._replace(source=source)
                original = _original(field, span.start, span.end)
                self._map.tokenize(original, given.entity_type, self._spelled(source))
        return marked

    def _source(self, number: int, span: Covered) -> tuple[int, int, int] | None:
        """Return where JSON inside JSON spells an original, if it stands in some."""
        field = self._fields[number]
        is_spelled = field.nested and field.kind is not FieldKind.NUMBER
        return (number, span.start, span.end) if is_spelled else None

    def _spelled(self, source: tuple[int, int, int] | None) -> str | None:
        if source is None:
            return None
        number, start, end = source
        return self._fields[number].source(start, end)


def _replaced(spans: array[int], tokens: Sequence[str]) -> list[Replacement]:
    numbers = iter(spans)
    triples = zip(numbers, numbers, map(tokens.__getitem__, numbers), strict=True)
    return list(map(_replacement, triples))


def in_time(each: Sequence[_Any], budget: Budget) -> Iterator[_Any]:
    """Yield each in turn while there is time.

    Raises:
        RequestRefused: (413) The time is used up.
    """
    for count, one in enumerate(each):
        if count % 4096 == 0:
            budget.check()
        yield one


def _original(field: TextField, start: int, end: int) -> Original:
    """Return the original that stands there; half a number cannot be a token, so it is the whole of one."""
    if field.kind is FieldKind.NUMBER:
        return Original(field.text, is_number=True)
    return Original(field.text[start:end])
