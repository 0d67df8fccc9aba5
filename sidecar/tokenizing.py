"""From text fields to spans to tokens, and the client's own bytes with only those changed.

Every look-alike in the body is reserved before the first token is given out, so no token of this
exchange can be confused with text that the client typed. Fields that the same caller has sent before, in
the same order, are gone on from (``history``); that changes no byte of the outcome.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sidecar.detection.continued import Spread
from sidecar.detection.pipeline import Detection
from sidecar.detection.propagation import propagate
from sidecar.errors import RequestRefused
from sidecar.formats.format import FieldKind, ParsedRequest, RequestReader, TextField
from sidecar.history import NO_HISTORY, History, Recollection
from sidecar.model import Budget, Passage, Span
from sidecar.numbering import Numbering, in_time
from sidecar.tokens.token_map import TokenMap

# What data frames make of a column of whole numbers with gaps.
_WHOLE_FRACTION = re.compile(r"\.0+\Z")


def tokenize_body(  # noqa: PLR0913  each is one part of the core
    body: bytes,
    reader: RequestReader,
    detection: Detection,
    token_map: TokenMap,
    budget: Budget,
    *,
    lasts: bool = False,
    scope: bytes | None = None,
) -> bytes:
    """Return the body with each original replaced by its token; the same bytes if nothing was found.

    Args:
        body: The whole body, not compressed.
        reader: Reads bodies of its type.
        detection: Finds the spans.
        token_map: The map of this exchange, filled here. What it holds already is covered as well.
        budget: The time that detection may take.
        lasts: The map outlives the exchange, so look-alikes count even where nothing was found.
        scope: Within which spans are remembered for requests to come (see ``Detection.detect``).

    Raises:
        RequestRefused: The body is not valid, cannot be inspected, cannot be finished in time, or
            holds an original where it cannot be replaced: in signed text, in a file name.
    """
    parsed = reader.parse_request(body)
    passages = [_passage(field) for field in parsed.fields]
    recollection, lasting = None, parsed.lasting
    if scope is not None and lasting is not None and not lasts and not parsed.signed and token_map.is_fresh:
        recollection = Recollection(detection, scope, parsed.fields, passages)
    history = recollection.longest() if recollection else NO_HISTORY
    if _reserve(parsed.fields[len(history) :], token_map, budget):
        history, recollection = NO_HISTORY, None  # numbers may be other ones
    search = _Search(detection, _known(token_map, detection), passages, budget, scope)
    found = search.found(history)
    if not (any(found) or history.given or search.known or lasts):
        return body
    if recollection is None:
        lasting = None
    while (spread := search.spread(history, found, lasting)) is None:
        # What is new gives away something in what comes before it.
        history, lasting = NO_HISTORY, len(passages)
        found = search.found(history)
    _refuse_fixed(parsed.fields[len(history) :], spread.spans)
    _refuse_originals_in_signed_text(parsed, search, spread.spans)
    numbering = Numbering(parsed.fields, token_map, history, budget)
    numbering.add(spread.spans, len(search.known))
    if recollection:
        recollection.keep(History(spread.before, *numbering.history(len(spread.before.reads))))
    return parsed.edited(numbering.replacements())


_Known = list[tuple[Passage, list[Span]]]


def _known(token_map: TokenMap, detection: Detection) -> _Known:
    """Return what the map holds already, each original with the span of all of it."""
    return [
        (
            Passage(original.text),
            [Span(0, len(original.text), entity_type, 1.0, detection.origin_of(entity_type))],
        )
        for original, entity_type in token_map
    ]


@dataclass(frozen=True, slots=True)
class _Search:
    """The search for originals in one request; ``known`` ones were found before all that it says."""

    detection: Detection
    known: _Known
    passages: list[Passage]
    budget: Budget
    scope: bytes | None

    def found(self, history: History) -> list[list[Span]]:
        """Return what is found in each field behind the history."""
        return self.detection.detect(self.passages[len(history) :], self.budget, self.scope)

    def spread(self, history: History, found: list[list[Span]], lasting: int | None) -> Spread | None:
        """Return all places of what was found; None if what comes later has a place in what comes before.

        Args:
            history: What the first fields have come to; nothing where something is known.
            found: What was found in the others.
            lasting: How many fields to know something about next time; None for nothing about any.
        """
        known, done, count = len(self.known), len(history), len(self.passages)
        cut = count if lasting is None else max(lasting, done)
        passages = [*(passage for passage, _ in self.known), *self.passages]
        spans = [*(spans for _, spans in self.known), *found]
        first = self.detection.spread_on(
            history.before,
            passages[: known + cut],
            spans[: known + cut - done],
            self.budget,
            ends=lasting is None,
        )
        if first is None or cut == count:
            return first and Spread(first.spans[known:], first.before)
        rest = self.detection.spread_on(first.before, passages, found[cut - done :], self.budget, ends=True)
        return rest and Spread([*first.spans, *rest.spans], first.before)


def _reserve(fields: Sequence[TextField], token_map: TokenMap, budget: Budget) -> bool:
    """Reserve what looks like a token; tell whether anything does."""
    found = [token_map.reserve(field.text) for field in in_time(fields, budget)]
    return any(found)


def _passage(field: TextField) -> Passage:
    is_number = field.kind is FieldKind.NUMBER
    text = _WHOLE_FRACTION.sub("", field.text) if is_number else field.text
    return Passage(text, field.hint, patterns_only=field.kind is not FieldKind.STRING)


def _refuse_fixed(fields: Sequence[TextField], spans: Sequence[Sequence[Span]]) -> None:
    for field, found in zip(fields, spans, strict=True):
        if found and field.kind is FieldKind.FIXED:
            raise RequestRefused(
                422,
                f"{field.hint}: {len(found)} span of {found[0].entity_type}, which cannot be replaced there; "
                "rename it",
            )


def _refuse_originals_in_signed_text(
    parsed: ParsedRequest, search: _Search, spans: Sequence[Sequence[Span]]
) -> None:
    if not parsed.signed:
        return
    signed = [Passage(text, patterns_only=True) for text in parsed.signed]
    passages = [*(passage for passage, _ in search.known), *search.passages]
    covered = [*(spans for _, spans in search.known), *spans, *([] for _ in signed)]
    for found in propagate([*passages, *signed], covered, search.budget.check)[len(passages) :]:
        if found:
            raise RequestRefused(
                422,
                f"signed text: {len(found)} span of {found[0].entity_type} that also stands elsewhere in the "
                "request; signed text cannot be edited, so start a new conversation without it",
            )
