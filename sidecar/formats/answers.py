"""Chooses how an answer's body is restored, by its declared type.

A body that is not valid for its type is restored as raw text, never dropped; media, archives and other
binary types are not touched.

================================================  ===================================================
declared type                                     restored as
================================================  ===================================================
``text/event-stream``                             frames, by the format
``application/json``, ``…+json``                  one JSON document, by the format, once it is complete; an
                                                  array element by element where the API streams that way
``application/x-ndjson`` and its other names      lines, by the format
other ``text/…``, XML, JavaScript, forms …        raw text, as it arrives
none                                              JSON if it starts like an object or array, or raw text
all else                                          not at all
================================================  ===================================================
"""

from __future__ import annotations

from sidecar.errors import ResponseUnsafe
from sidecar.formats.format import ByteRestorer, Format
from sidecar.formats.raw_text import RawTextRestorer, restored_raw
from sidecar.model import RestorerFactory

MAX_ANSWER_BYTES = 64 * 1024 * 1024
"""The longest JSON answer, which must be kept whole: twice the largest request."""

_NDJSON = frozenset(
    {
        "application/x-ndjson",
        "application/ndjson",
        "application/jsonl",
        "application/x-jsonl",
        "application/jsonlines",
        "application/x-jsonlines",
        "application/json-lines",
        "application/stream+json",
        "application/json-seq",
        "text/x-ndjson",
        "text/ndjson",
        "text/jsonl",
    },
)
_TEXT = frozenset(
    {
        "application/xml",
        "application/javascript",
        "application/x-javascript",
        "application/ecmascript",
        "application/x-www-form-urlencoded",
        "application/yaml",
        "application/x-yaml",
        "application/toml",
        "application/graphql",
        "application/sql",
        "application/rtf",
        "application/x-sh",
        "application/x-subrip",
        "application/http",
        "message/http",
    },
)
_TEXT_SUFFIXES = ("+xml", "+yaml", "+json-seq")
_JSON_STARTS = b"{["
_JSON_SPACE = b" \t\r\n"
_LOOKED_AT = 1024  # bytes in which a body of no declared type must begin
_BOM = b"\xef\xbb\xbf"


def restorer_for(fmt: Format, content_type: str, restorers: RestorerFactory) -> ByteRestorer | None:
    """Return a restorer for an answer's body, or None if the body passes as it is.

    Args:
        fmt: The format of the exchange.
        content_type: The header's text, parameters included, in any case; empty if there is none.
        restorers: Makes the restorer of one channel.
    """
    media_type, _, parameters = content_type.lower().partition(";")
    media_type = media_type.strip()
    charset = _charset(parameters)
    if media_type == "text/event-stream":
        return fmt.restore_stream(restorers)
    if media_type in _NDJSON:
        return fmt.restore_lines(restorers)
    if media_type == "application/json" or media_type.endswith("+json") or media_type == "text/json":
        return _JsonBody(fmt, restorers, charset)
    if media_type.startswith("text/") or media_type in _TEXT or media_type.endswith(_TEXT_SUFFIXES):
        return RawTextRestorer(restorers, charset)
    return None if media_type else _UndeclaredBody(fmt, restorers)


def _charset(parameters: str) -> str:
    for parameter in parameters.split(";"):
        name, _, text = parameter.partition("=")
        if name.strip() == "charset":
            return text.strip(" \t\"'")
    return ""


class Untouched:
    """Restores nothing: an answer that is only looked at."""

    def feed(self, chunk: bytes) -> bytes:
        """Return the bytes."""
        return chunk

    def flush(self) -> bytes:
        """Return nothing."""
        return b""


class _JsonBody:
    """Keeps a JSON answer until it is complete, unless it is an array that the format takes in pieces."""

    def __init__(self, fmt: Format, restorers: RestorerFactory, charset: str = "") -> None:
        self._format = fmt
        self._restorers = restorers
        self._charset = charset
        self._body = bytearray()
        self._elements: ByteRestorer | None = None
        self._begun = False

    def feed(self, chunk: bytes) -> bytes:
        """Take the next bytes; return what can be sent on now, which is nothing of a single document.

        Raises:
            ResponseUnsafe: The answer is longer than ``MAX_ANSWER_BYTES`` (64 MiB).
        """
        if self._elements is not None:
            return self._elements.feed(chunk)
        self._body += chunk
        if not self._begun and self._begins_array():
            self._elements = self._format.restore_elements(self._restorers)
            if self._elements is not None:
                return self._elements.feed(bytes(self._body))
        if len(self._body) > MAX_ANSWER_BYTES:
            raise ResponseUnsafe(f"a JSON answer is longer than {MAX_ANSWER_BYTES} bytes")
        return b""

    def flush(self) -> bytes:
        """Return the restored answer, or the rest of it."""
        if self._elements is not None:
            return self._elements.flush()
        body = bytes(self._body)
        self._body.clear()
        try:
            return self._format.restore_answer(body, self._restorers)
        except ValueError:
            return restored_raw(body, self._restorers, self._charset)

    def _begins_array(self) -> bool:
        start = bytes(self._body).removeprefix(_BOM).lstrip(_JSON_SPACE)[:1]
        self._begun = start not in (b"", _BOM[:1])
        return start == b"["


class _UndeclaredBody:
    """An answer that does not say what it is; its first byte that is no space decides."""

    def __init__(self, fmt: Format, restorers: RestorerFactory) -> None:
        self._format = fmt
        self._restorers = restorers
        self._head = b""
        self._chosen: ByteRestorer | None = None

    def feed(self, chunk: bytes) -> bytes:
        """Take the next bytes, cut anywhere; return what can be sent on now."""
        if self._chosen is None:
            self._head += chunk
            looked_at = self._head[:_LOOKED_AT]
            start = looked_at.removeprefix(_BOM).lstrip(_JSON_SPACE)[:1]
            undecided = not start or _BOM.startswith(looked_at)
            if undecided and len(looked_at) < _LOOKED_AT:
                return b""
            as_json = start != b"" and start in _JSON_STARTS
            self._chosen = (
                _JsonBody(self._format, self._restorers) if as_json else RawTextRestorer(self._restorers)
            )
            chunk, self._head = self._head, b""
        return self._chosen.feed(chunk)

    def flush(self) -> bytes:
        """Return the rest; the body is complete."""
        return self._head if self._chosen is None else self._chosen.flush()
