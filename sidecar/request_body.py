"""One request body: text fields to spans to tokens, and the client's own bytes with only those changed.

Every look-alike in the body is reserved before the first token is given out, so no token of this
exchange can be confused with text that the client typed.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence

from sidecar.detection.pipeline import Detection
from sidecar.detection.propagation import propagate
from sidecar.errors import RequestRefused
from sidecar.formats.format import FieldKind, ParsedRequest, Replacement, RequestReader, TextField
from sidecar.model import Budget, Original, Passage, Span
from sidecar.tokens.token_map import TokenMap

# What data frames make of a column of whole numbers with gaps.
_WHOLE_FRACTION = re.compile(r"\.0+\Z")


class Deadline:
    """A ``Budget`` that ends at a fixed time, or as soon as nobody waits any more."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def end_now(self) -> None:
        """Leave no time; may be called from another thread."""
        self._end = 0.0

    def remaining(self) -> float:
        """Return the seconds left, never negative."""
        return max(0.0, self._end - time.monotonic())

    def check(self) -> None:
        """Return while there is time left; otherwise raise ``RequestRefused`` (413)."""
        if self.remaining() == 0.0:
            raise RequestRefused(413, "the text is too long to be inspected in time; send less text at once")


def tokenize_body(  # noqa: PLR0913  each is one part of the core
    body: bytes,
    reader: RequestReader,
    detection: Detection,
    token_map: TokenMap,
    budget: Budget,
    *,
    lasts: bool = False,
) -> bytes:
    """Return the body with each original replaced by its token; the same bytes if nothing was found.

    Args:
        body: The whole body, not compressed.
        reader: Reads bodies of its type.
        detection: Finds the spans.
        token_map: The map of this exchange, filled here. What it holds already is covered as well.
        budget: The time that detection may take.
        lasts: The map outlives the exchange, so look-alikes count even where nothing was found.

    Raises:
        RequestRefused: The body is not valid, cannot be inspected, cannot be finished in time, or
            holds an original where it cannot be replaced: in signed text, in a file name.
    """
    parsed = reader.parse_request(body)
    passages = [_passage(field) for field in parsed.fields]
    found = detection.detect(passages, budget)
    known = [Passage(original.text) for original, _ in token_map]
    if not any(found) and not known and not lasts:
        return body
    covered = [
        [Span(0, len(original.text), entity_type, 1.0, detection.origin_of(entity_type))]
        for original, entity_type in token_map
    ]
    spans = propagate([*passages, *known], [*found, *covered], budget.check)[: len(passages)]
    _refuse_fixed(parsed.fields, spans)
    _refuse_originals_in_signed_text(parsed, [*passages, *known], [*spans, *covered])
    for field in parsed.fields:
        token_map.reserve(field.text)
    _number(parsed.fields, found, spans, token_map, budget)
    fields = zip(parsed.fields, spans, strict=True)
    return parsed.edited([_replacements(*pair, token_map, budget) for pair in fields])


def profile_mask(text: str, detection: Detection, budget: Budget) -> str:
    """Return the text with each span replaced by ``[[TYPE]]`` for good; a PERSON is shown as ``NAME``."""
    pieces, position = [], 0
    for span in detection.detect_request([Passage(text)], budget)[0]:
        shown = "NAME" if span.entity_type == "PERSON" else span.entity_type
        pieces += [text[position : span.start], f"[[{shown}]]"]
        position = span.end
    return "".join([*pieces, text[position:]])


def _passage(field: TextField) -> Passage:
    is_number = field.kind is FieldKind.NUMBER
    text = _WHOLE_FRACTION.sub("", field.text) if is_number else field.text
    return Passage(text, field.hint, patterns_only=field.kind is not FieldKind.STRING)


def _number(
    fields: Sequence[TextField],
    found: Sequence[Sequence[Span]],
    spans: Sequence[Sequence[Span]],
    token_map: TokenMap,
    budget: Budget,
) -> None:
    """Give out the tokens in the order in which originals are found, not in which they stand.

    So an original that only later text gives away renumbers nothing in the text before.
    """
    where = [{(span.start, span.end) for span in each} for each in found]
    given_away = {
        _original(field, span)
        for field, each in zip(fields, found, strict=True)
        for span in _in_time(each, budget)
    }
    for field, each, places in zip(fields, spans, where, strict=True):
        for span in _in_time(each, budget):
            if (span.start, span.end) in places or _original(field, span) not in given_away:
                _token(field, span, token_map)


def _original(field: TextField, span: Span) -> Original:
    if field.kind is FieldKind.NUMBER:
        # Half a number cannot be a token and stay JSON, so the whole literal is one original.
        return Original(field.text, is_number=True)
    return Original(field.text[span.start : span.end])


def _token(field: TextField, span: Span, token_map: TokenMap) -> str:
    spelled = field.nested and field.kind is not FieldKind.NUMBER
    source = field.source(span.start, span.end) if spelled else None
    return token_map.tokenize(_original(field, span), span.entity_type, source)


def _in_time(spans: Sequence[Span], budget: Budget) -> Iterator[Span]:
    for count, span in enumerate(spans):
        if count % 4096 == 0:
            budget.check()
        yield span


def _replacements(
    field: TextField, spans: Sequence[Span], token_map: TokenMap, budget: Budget
) -> list[Replacement]:
    if spans and field.kind is FieldKind.NUMBER:
        return [Replacement(0, len(field.text), _token(field, spans[0], token_map))]
    return [
        Replacement(span.start, span.end, _token(field, span, token_map)) for span in _in_time(spans, budget)
    ]


def _refuse_fixed(fields: Sequence[TextField], spans: Sequence[Sequence[Span]]) -> None:
    for field, found in zip(fields, spans, strict=True):
        if found and field.kind is FieldKind.FIXED:
            raise RequestRefused(
                422,
                f"{field.hint}: {len(found)} span of {found[0].entity_type}, which cannot be replaced there; "
                "rename it",
            )


def _refuse_originals_in_signed_text(
    parsed: ParsedRequest, passages: list[Passage], spans: list[list[Span]]
) -> None:
    if not parsed.signed:
        return
    signed = [Passage(text, patterns_only=True) for text in parsed.signed]
    covered = propagate([*passages, *signed], [*spans, *([] for _ in signed)])
    for found in covered[len(passages) :]:
        if found:
            raise RequestRefused(
                422,
                f"signed text: {len(found)} span of {found[0].entity_type} that also stands elsewhere in the "
                "request; signed text cannot be edited, so start a new conversation without it",
            )
