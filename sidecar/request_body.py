"""One request body: text fields to spans to tokens, and the client's own bytes with only those changed.

Every look-alike in the body is reserved before the first token is given out, so no token of this
exchange can be confused with text that the client typed.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from operator import itemgetter
from typing import TypeVar

from sidecar.detection.pipeline import Detection
from sidecar.detection.propagation import propagate
from sidecar.detection.sought import Covered, Place
from sidecar.errors import RequestRefused
from sidecar.formats.content_coding import inflate_request
from sidecar.formats.format import FieldKind, ParsedRequest, Passing, Replacement, RequestReader, TextField
from sidecar.formats.request_types import UNREADABLE_TYPE, reader_for
from sidecar.model import Budget, Headers, Original, Passage, Span
from sidecar.policy import check_body
from sidecar.tokens.token_map import TokenMap

_Any = TypeVar("_Any")

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
        if time.monotonic() >= self._end:
            raise RequestRefused(413, "the text is too long to be inspected in time; send less text at once")


class RequestBody:
    """The body of one request, from its first byte to what the provider may see.

    Args:
        headers: The request's header fields.
        limit: The largest body in bytes, as it comes and inflated.
        seconds: How long detection may take.
        passing: What passes instead of being refused.

    Raises:
        RequestRefused: (400, 413, 415) No body that they announce could be looked into.
    """

    def __init__(self, headers: Headers, limit: int, seconds: float, passing: Passing) -> None:
        check_body(headers, limit)
        content_type = headers.get("content-type", "application/json")
        reader = reader_for(headers.get(":path"), content_type, passing=passing, tick=self._tick)
        if reader is None:
            raise RequestRefused(415, UNREADABLE_TYPE)
        self._reader = reader
        self._coding = headers.get("content-encoding")
        self._limit = limit
        self._seconds = seconds
        self._deadline: Deadline | None = None
        self._taken = bytearray()
        self._text = b""
        self.changed = False
        """Whether what leaves is not, byte for byte, what came."""

    def take(self, chunk: bytes) -> None:
        """Take the next bytes.

        Raises:
            RequestRefused: (413) The body is over the limit.
        """
        self._taken += chunk
        if len(self._taken) > self._limit:
            raise RequestRefused(413, f"body: over the limit of {self._limit} bytes")

    def complete(self) -> bytes:
        """Return the whole body, inflated; no more will come.

        Raises:
            RequestRefused: (400, 413, 415) It cannot be inflated.
        """
        sent, self._taken = bytes(self._taken), bytearray()
        self._text = inflate_request(sent, self._coding, self._limit)
        self.changed = self._text is not sent
        return self._text

    def tokenized(
        self, detection: Detection, token_map: TokenMap, *, lasts: bool, scope: bytes | None = None
    ) -> bytes:
        """Return what the provider may see; see ``tokenize_body``."""
        body, self._text = self._text, b""
        if not body:
            return body
        self._deadline = Deadline(self._seconds)
        tokenized = tokenize_body(
            body, self._reader, detection, token_map, self._deadline, lasts=lasts, scope=scope
        )
        self.changed |= tokenized is not body
        return tokenized

    def cancel(self) -> None:
        """End detection that is under way in another thread."""
        if self._deadline is not None:
            self._deadline.end_now()

    def _tick(self) -> None:
        if self._deadline is not None:
            self._deadline.check()


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
    found = detection.detect(passages, budget, scope)
    known = [Passage(original.text) for original, _ in token_map]
    if not any(found) and not known and not lasts:
        return body
    covered = [
        [Span(0, len(original.text), entity_type, 1.0, detection.origin_of(entity_type))]
        for original, entity_type in token_map
    ]
    # What is known already was found before all that this request says.
    spans = detection.spread([*known, *passages], [*covered, *found], budget)[len(known) :]
    _refuse_fixed(parsed.fields, spans)
    _refuse_originals_in_signed_text(parsed, [*known, *passages], [*covered, *spans], budget)
    for field in _in_time(parsed.fields, budget):
        token_map.reserve(field.text)
    _number(parsed.fields, spans, len(known), token_map, budget)
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
    spans: Sequence[Sequence[Covered]],
    known: int,
    token_map: TokenMap,
    budget: Budget,
) -> None:
    """Give out the tokens in the order in which the prompt gives the originals away.

    That is where an original is found, or the first place where it stands behind what it follows from,
    so one that only later text gives away renumbers nothing in the text before.

    Args:
        fields: The text fields, in prompt order.
        spans: Their spans.
        known: How many passages come before the fields in what ``since`` counts.
        token_map: Where the tokens come from.
        budget: The time that is left.
    """
    given_away: dict[Original, tuple[Place, bool, Place, TextField, Covered]] = {}
    for number, (field, each) in enumerate(zip(fields, spans, strict=True), known):
        for span in _in_time(each, budget):
            place = (number, span.start)
            event = (max(place, span.since), place != span.since, place, field, span)
            original = _original(field, span)
            if original not in given_away or event[:3] < given_away[original][:3]:
                given_away[original] = event
    for *_, field, span in sorted(given_away.values(), key=itemgetter(0, 1, 2)):
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


def _in_time(each: Sequence[_Any], budget: Budget) -> Iterator[_Any]:
    for count, one in enumerate(each):
        if count % 4096 == 0:
            budget.check()
        yield one


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
    parsed: ParsedRequest, passages: list[Passage], spans: Sequence[Sequence[Span]], budget: Budget
) -> None:
    if not parsed.signed:
        return
    signed = [Passage(text, patterns_only=True) for text in parsed.signed]
    covered = propagate([*passages, *signed], [*spans, *([] for _ in signed)], budget.check)
    for found in covered[len(passages) :]:
        if found:
            raise RequestRefused(
                422,
                f"signed text: {len(found)} span of {found[0].entity_type} that also stands elsewhere in the "
                "request; signed text cannot be edited, so start a new conversation without it",
            )
