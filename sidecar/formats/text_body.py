"""Text of any kind: JSON and JSON lines are read as what they are, all other text as one text field.

What a text says it is may be wrong, and a reader behind us may go by its bytes alone. So everything that
reads as JSON is looked at as JSON, where escapes cannot hide anything.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import Enum, auto

from sidecar.errors import RequestRefused
from sidecar.formats.format import ParsedRequest, RequestReader
from sidecar.formats.json_lines import starts_with_document
from sidecar.formats.plain_text import PlainText, is_binary

_looks_like_json = re.compile(rb"(?:\xef\xbb\xbf)?[ \t\r\n]*+[{\[\"]").match


class Claim(Enum):
    """What a text is declared to be."""

    JSON = auto()
    LINES = auto()
    TEXT = auto()


class TextBody:
    """Reads text; see ``formats.format.RequestReader``.

    Args:
        claim: What the text is declared to be; what is declared as JSON must be JSON.
        document: Reads one JSON document.
        lines: Reads JSON lines.
    """

    name = "text"

    def __init__(
        self, claim: Claim, document: Callable[[bytes], ParsedRequest], lines: RequestReader, hint: str = ""
    ) -> None:
        self._claim = claim
        self._document = document
        self._lines = lines
        self._hint = hint

    def parse_request(self, body: bytes) -> ParsedRequest:
        """Find the text fields.

        Raises:
            RequestRefused: (400) It is declared as JSON and is none. (413) It holds too much. (415, 422)
                It is not text in UTF-8, or holds what cannot be inspected.
        """
        match self._claim:
            case Claim.LINES:
                return self._lines.parse_request(body)
            case Claim.JSON:
                return self._document(body)
            case Claim.TEXT:
                return self._as_json(body) or self._as_text(body)

    def _as_json(self, body: bytes) -> ParsedRequest | None:
        if not _looks_like_json(body):
            return None
        if starts_with_document(body):
            parsed = _unless_invalid(self._lines.parse_request, body)
            if parsed is not None:
                return parsed
        return _unless_invalid(self._document, body)

    def _as_text(self, body: bytes) -> ParsedRequest:
        if is_binary(body):
            raise RequestRefused(415, "the text holds control characters, so it cannot be inspected")
        return PlainText(body, self._hint)


def _unless_invalid(read: Callable[[bytes], ParsedRequest], body: bytes) -> ParsedRequest | None:
    try:
        return read(body)
    except RequestRefused as refused:
        if refused.status != 400:
            raise
        return None
