"""Which request bodies can be looked into, by their declared type, and by what.

==========================================  ==============================================================
declared type                               read as
==========================================  ==============================================================
none, ``application/json``, ``…+json``      one JSON document, by the format of the path
``application/x-ndjson``, ``…/jsonl`` …     JSON lines, each by what it says it is
``multipart/form-data``                     its parts, each by its own type
``text/…`` but for event streams            JSON where it is that, else text
all else                                    nothing: it is refused
==========================================  ==============================================================
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from sidecar.formats.file_types import is_json_lines
from sidecar.formats.form_data import FormData
from sidecar.formats.format import Format, ParsedRequest, Passing, RequestReader
from sidecar.formats.generic_json import GENERIC_JSON
from sidecar.formats.json_format import JsonFormat
from sidecar.formats.json_lines import DocumentShapes, JsonLines
from sidecar.formats.json_request import JsonRequest
from sidecar.formats.media import is_utf8
from sidecar.formats.multipart import parameters
from sidecar.formats.openai_chat import OPENAI_CHAT
from sidecar.formats.registry import format_for_path
from sidecar.formats.text_body import Claim, TextBody

UNREADABLE_TYPE = (
    "content-type: a body of this type cannot be inspected; JSON, JSON lines, text and multipart/form-data "
    "can, all in UTF-8"
)
_SHAPES = DocumentShapes(format_for_path, OPENAI_CHAT, GENERIC_JSON)


def reader_for(
    path: str,
    content_type: str,
    *,
    passing: Passing = Passing.NOTHING,
    tick: Callable[[], None] = lambda: None,
) -> RequestReader | None:
    """Return what reads a request body, or None if nothing can.

    Args:
        path: The request's path, with or without a query.
        content_type: The header's text, parameters included.
        passing: What passes instead of being refused.
        tick: Called now and then while a body is read; refuses it when the time is used up.

    Raises:
        RequestRefused: (400) It is multipart/form-data, and its parameters are not valid.
    """
    media_type = content_type.partition(";")[0].strip().lower()
    if not is_utf8(content_type):
        return None
    document = _Document(format_for_path(path), passing)
    lines = JsonLines(_SHAPES, passing=passing, tick=tick)
    if media_type in ("application/json", "text/json") or media_type.endswith("+json"):
        return document
    if is_json_lines(media_type):
        return lines
    if media_type == "multipart/form-data":
        boundary = parameters(content_type)[1].get("boundary", "")
        file = partial(JsonRequest, shape=_SHAPES, passing=passing)
        return FormData(boundary, file, lines, passing=passing)
    if media_type.startswith("text/") and media_type != "text/event-stream":
        return TextBody(Claim.TEXT, document.parse_request, lines)
    return None


class _Document:
    """Reads one JSON document by a format."""

    def __init__(self, fmt: Format, passing: Passing) -> None:
        self._format = fmt
        self._passing = passing

    @property
    def name(self) -> str:
        """The name of the format."""
        return self._format.name

    def parse_request(self, body: bytes) -> ParsedRequest:
        """Find the text fields; see ``formats.format.Format``."""
        if self._passing and isinstance(self._format, JsonFormat):
            return self._format.parse_request(body, self._passing)
        return self._format.parse_request(body)
