"""JSON lines as request bodies and in uploaded files: each line a document of its own, in order.

A line that is itself a request, as in a batch, is read in the shape of the endpoint that it names, in
the order in which that endpoint's model reads it.

Source: OpenAI API reference, "The request input object"; Mistral's batches leave out ``url``.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterator
from itertools import islice

from sidecar.errors import RequestRefused
from sidecar.formats.format import Format, Passing
from sidecar.formats.json_format import JsonFormat
from sidecar.formats.json_grammar import MAX_ENTRIES
from sidecar.formats.json_request import JsonRequest
from sidecar.formats.json_text import Document, JsonInvalid, Kind, read_bytes
from sidecar.formats.sections import Section, Sections
from sidecar.formats.shapes import NAME, STRUCTURAL, Shape, Shapes, compiled

MAX_LINES = 100_000
"""Lines that are not blank in one body; the largest batch of any provider."""

# From the first character that is no space; a line ends in LF.
_lines = re.compile(rb"[^ \t\r\n][^\n]*+").finditer
_ITEM = {"custom_id": NAME, "method": STRUCTURAL, "url": STRUCTURAL}
_OBJECT, _STRING = int(Kind.OBJECT), int(Kind.STRING)


class DocumentShapes:
    """Says in which shape a document of a file is read, by what the document itself says.

    Args:
        format_for_path: The format of an endpoint.
        chat: The format of documents that hold ``messages`` (fine-tuning).
        anything: The format of all others.
    """

    def __init__(
        self, format_for_path: Callable[[str], Format], chat: JsonFormat, anything: JsonFormat
    ) -> None:
        self._format_for_path = format_for_path
        self._chat = chat
        self._anything = anything
        self._around: dict[str, Shape] = {}

    def __call__(self, document: Document) -> Shape:
        """Return the shape of one document."""
        if document.kinds[0] != _OBJECT:
            return self._anything.request
        names = [document.decoded(key) for key, _ in document.members(0)]
        if "body" in names:
            return self._batch_item(document)
        return self._chat.request if "messages" in names else self._anything.request

    def _batch_item(self, document: Document) -> Shape:
        members = [(document.decoded(key), value) for key, value in document.members(0)]
        urls = {
            document.decoded(value)
            for name, value in members
            if name == "url" and document.kinds[value] == _STRING
        }
        if len(urls) > 1:  # equal keys may be read either way
            return self._anything.request
        body = next(value for name, value in members if name == "body")
        chat = not urls and document.find("messages", start=body) is not None
        fmt = self._chat if chat else self._format_for_path("".join(urls))
        known = fmt if isinstance(fmt, JsonFormat) else self._anything
        if known.name not in self._around:
            shapes: Shapes = {"item": {**_ITEM, "body": known.request}}
            self._around[known.name] = compiled(shapes, "item")
        return self._around[known.name]


class JsonLines:
    """Reads bodies of JSON lines; see ``formats.format.RequestReader``.

    Args:
        shapes: Says in which shape a line is read.
        passing: What passes although it cannot be looked at.
        tick: Called now and then; refuses the request when the time is used up.
    """

    name = "json_lines"

    def __init__(
        self,
        shapes: DocumentShapes,
        *,
        passing: Passing = Passing.NOTHING,
        tick: Callable[[], None] = lambda: None,
    ) -> None:
        self._shapes = shapes
        self._passing = passing
        self._tick = tick

    def parse_request(self, body: bytes) -> Sections:
        """Find the text fields of all lines; blank lines stay as they are.

        Raises:
            RequestRefused: (400) A line is not JSON in UTF-8. (413) There are more than ``MAX_LINES``
                lines, or too many values or text fields. (415, 422) A line holds what cannot be inspected.
        """
        if next(islice(lines(body), MAX_LINES, None), None) is not None:
            raise RequestRefused(413, f"more than {MAX_LINES} lines")
        sections: list[Section] = []
        size = 0
        for line in lines(body):
            self._tick()
            try:
                parsed = JsonRequest(line[0], self._shapes, passing=self._passing)
            except RequestRefused as refused:
                number = body.count(b"\n", 0, line.start()) + 1
                raise RequestRefused(refused.status, f"line {number}: {refused.message}") from None
            size += parsed.size
            if size > MAX_ENTRIES:
                raise RequestRefused(413, f"more than {MAX_ENTRIES} keys and values")
            sections.append(Section(line.start(), line.end(), parsed))
        return Sections(body, sections)


def lines(body: bytes) -> Iterator[re.Match[bytes]]:
    """Yield the lines that are not blank, without leading space, behind a byte order mark."""
    return _lines(body, len(codecs.BOM_UTF8) if body.startswith(codecs.BOM_UTF8) else 0)


def starts_with_document(body: bytes) -> bool:
    """Tell whether the first line is an object or an array of its own."""
    line = next(lines(body), None)
    if line is None or line[0][:1] not in (b"{", b"["):
        return False
    try:
        read_bytes(line[0])
    except JsonInvalid:
        return False
    return True
