"""The opt-in policy ``response: scan``: what an answer invents is tokenized away, for good.

A pattern span in an answer that is no original of this request gives way to a token that is never
restored. The scan reads what the provider wrote, before anything is restored, so restored text is never
rescanned. However a text is cut into deltas, the same text comes out. Names
are not looked for: a model reads whole texts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from sidecar.errors import RequestRefused
from sidecar.formats.dialect import Frame, Framer
from sidecar.formats.format import ByteRestorer, FieldKind, Format, ParsedRequest, Replacement, TextField
from sidecar.formats.json_elements import JsonElementsDecoder
from sidecar.formats.ndjson import NdjsonDecoder
from sidecar.formats.sse import SseDecoder
from sidecar.model import Escaping, RestorerFactory, Span, TextRestorer
from sidecar.tokens.step_scanner import StepScanner
from sidecar.tokens.token_map import TokenMap

PatternsIn = Callable[[str, str], Sequence[Span]]

# The digits of a token are its own; longer ones are no token's, and its name may be anything's.
_TOKEN_NUMBER = re.compile(r"\{[\s{*_\\]{0,16}[A-Za-z][A-Za-z0-9_\\ ]*_\s*(\d{1,6})(?!\d)")
_LONG_NUMBER = re.compile(rb"[\s:\[,]-?\d{7}")


class AnswerScan:
    """Looks through the answer of one exchange.

    Args:
        token_map: The map of the exchange, whose originals may come back.
        patterns_in: Finds pattern spans in a text, given a hint.
    """

    def __init__(self, token_map: TokenMap, patterns_in: PatternsIn) -> None:
        self._map = token_map
        self._patterns_in = patterns_in
        self._own = {original.text for original, _ in token_map}

    def restorer(self, escaping: Escaping) -> TextRestorer:
        """Return what scans and restores one channel."""
        return _ScanningRestorer(StepScanner(self.invented, escaping), self._map.restorer(escaping))

    def format(self, fmt: Format) -> Format:
        """Return the format with what no text restorer sees in its whole JSON answers scanned as well."""
        return _ScanningFormat(fmt, self)

    def invented(self, text: str, hint: str = "") -> list[Replacement]:
        """Return what is to be put in the place of each span that the request did not hold."""
        tokens = [match.span(1) for match in _TOKEN_NUMBER.finditer(text)] if "{" in text else []
        return [
            Replacement(span.start, span.end, self._map.cover(text[span.start : span.end], span.entity_type))
            for span in self._patterns_in(text, hint)
            if text[span.start : span.end] not in self._own
            and not any(start < span.end and span.start < end for start, end in tokens)
        ]

    def found_by_field(self, field: TextField) -> list[Replacement]:
        """Return what is to be replaced in a field because of what it is: a number, or text under a key."""
        if field.kind is FieldKind.NUMBER:
            found = self.invented(field.text, field.hint)
            return [Replacement(0, len(field.text), found[0].token)] if found else []
        return [] if self.invented(field.text) else self.invented(field.text, field.hint)


class _ScanningRestorer:
    """Scans what the provider wrote, then restores it."""

    __slots__ = ("_restorer", "_scanner")

    settled = False
    """Any text may hold what has to be found."""

    def __init__(self, scanner: StepScanner, restorer: TextRestorer) -> None:
        self._scanner = scanner
        self._restorer = restorer

    def may_change(self, text: str) -> bool:
        """Tell whether a whole text may come out otherwise than it is: any may."""
        return bool(text)

    def feed(self, delta: str) -> str:
        """Take the next piece; return what is now certain."""
        return self._restorer.feed(self._scanner.feed(delta))

    def flush(self) -> str:
        """Return what was held back; the channel is over."""
        return self._restorer.feed(self._scanner.flush()) + self._restorer.flush()


class _ScanningFormat:
    """A format whose whole JSON answers are scanned by field before they are restored; see ``Format``."""

    def __init__(self, fmt: Format, scan: AnswerScan) -> None:
        self._format = fmt
        self._scan = scan

    @property
    def name(self) -> str:
        """The name in metrics and docs."""
        return self._format.name

    def parse_request(self, body: bytes) -> ParsedRequest:
        """Find the text fields of a request body."""
        return self._format.parse_request(body)

    def parse_answer(self, body: bytes) -> ParsedRequest:
        """Find the text fields of a whole JSON answer."""
        return self._format.parse_answer(body)

    def restore_answer(self, body: bytes, restorers: RestorerFactory) -> bytes:
        """Restore a whole JSON answer.

        Raises:
            ValueError: The body is not JSON.
        """
        try:
            parsed = self._format.parse_answer(body)
        except RequestRefused:
            pass  # it is not JSON, or holds what cannot be read; its texts are scanned all the same
        else:
            body = parsed.edited([self._scan.found_by_field(field) for field in parsed.fields])
        return self._format.restore_answer(body, restorers)

    def restore_stream(self, restorers: RestorerFactory) -> ByteRestorer:
        """Return a restorer for one server-sent-events answer."""
        return _NumbersFirst(SseDecoder(), self._without_numbers, self._format.restore_stream(restorers))

    def restore_lines(self, restorers: RestorerFactory) -> ByteRestorer:
        """Return a restorer for one answer of JSON lines."""
        return _NumbersFirst(NdjsonDecoder(), self._without_numbers, self._format.restore_lines(restorers))

    def restore_elements(self, restorers: RestorerFactory) -> ByteRestorer | None:
        """Return a restorer for an array that is sent element by element; None if it is one document."""
        restorer = self._format.restore_elements(restorers)
        return restorer and _NumbersFirst(JsonElementsDecoder(), self._without_numbers, restorer)

    def _without_numbers(self, data: bytes) -> bytes:
        """Return a frame's document without invented numbers; its texts may go on in other frames."""
        if not _LONG_NUMBER.search(data):
            return data
        try:
            parsed = self._format.parse_answer(data)
        except RequestRefused:
            return data
        found = [
            self._scan.found_by_field(field) if field.kind is FieldKind.NUMBER else []
            for field in parsed.fields
        ]
        return parsed.edited(found)


class _NumbersFirst:
    """Frames lose the numbers that they invented, which no text restorer sees, before they are restored."""

    def __init__(self, framer: Framer, edited: Callable[[bytes], bytes], restorer: ByteRestorer) -> None:
        self._framer = framer
        self._edited = edited
        self._restorer = restorer

    def feed(self, chunk: bytes) -> bytes:
        """Take the next bytes, cut anywhere; return what can be sent on now."""
        return self._restorer.feed(self._frames(self._framer.decode(chunk)))

    def flush(self) -> bytes:
        """Return the rest; the body is complete."""
        return self._restorer.feed(self._frames(self._framer.flush())) + self._restorer.flush()

    def _frames(self, frames: Sequence[Frame]) -> bytes:
        return b"".join(self._frame(frame, frame.data) for frame in frames)

    def _frame(self, frame: Frame, data: bytes | None) -> bytes:
        edited = data if data is None else self._edited(data)
        return frame.raw if edited is None or edited is data else frame.with_data(edited)
