"""What a format is: a provider's wire shape, read and edited without changing anything else.

A format finds the text fields of a request body, edits exactly those stretches that it is told to,
and restores an answer, whole or streamed. It knows nothing of detectors or token maps.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum, Flag, auto
from typing import NamedTuple, Protocol

from sidecar.model import RestorerFactory


class FieldKind(Enum):
    """What kind of JSON literal a text field is."""

    STRING = auto()
    NUMBER = auto()
    KEY = auto()  # a key of user data (tool input, nested JSON, metadata), never one of the format's own
    FIXED = auto()  # text that cannot be edited where it stands (a file name): a span in it refuses


class Passing(Flag):
    """What may leave although nobody can look into it: nothing, unless a setting says so."""

    NOTHING = 0
    DOCUMENTS = auto()  # PDF, office and other files
    TOKEN_IDS = auto()  # arrays of integers that decode to text


class TextField(Protocol):
    """One string, number or key of user data in a body that may hold text."""

    @property
    def kind(self) -> FieldKind:
        """The kind of text."""

    @property
    def text(self) -> str:
        """The decoded text; for a number its exact spelling. Lone surrogates stay as they are."""

    @property
    def hint(self) -> str:
        """The nearest key above it, as context for checks; empty if there is none."""

    @property
    def nested(self) -> bool:
        """Whether it stands in JSON that is itself inside a JSON string (tool-call arguments)."""

    def source(self, start: int, end: int) -> str:
        """Return the JSON spelling of code points ``[start, end)`` of ``text`` in its own document."""


class Replacement(NamedTuple):
    """Put ``token`` in the place of code points ``[start, end)`` of one field's text."""

    start: int
    end: int
    token: str


class ParsedRequest(Protocol):
    """A request body that has been looked through once."""

    @property
    def fields(self) -> Sequence[TextField]:
        """All text fields in provider prompt order (tools, system, messages, the rest), leftmost first."""

    @property
    def signed(self) -> Sequence[str]:
        """Decoded text of signed or encrypted parts, which are passed byte for byte."""

    @property
    def lasting(self) -> int | None:
        """How many first fields the next request repeats before its own; None: it is no conversation."""

    def edited(self, replacements: Sequence[Sequence[Replacement]]) -> bytes:
        """Return the client's own bytes with only these stretches changed.

        Args:
            replacements: For each field in turn its replacements, disjoint and ascending. A number
                with a replacement becomes a JSON string that holds the token.
        """


class ByteRestorer(Protocol):
    """Restores an answer's body, chunk by chunk, in whatever way its type asks for."""

    def feed(self, chunk: bytes) -> bytes:
        """Take the next bytes, cut anywhere; return what can be sent on now."""

    def flush(self) -> bytes:
        """Return the rest; the body is complete."""


class RequestReader(Protocol):
    """Reads request bodies of one type."""

    @property
    def name(self) -> str:
        """The name in metrics and docs, such as ``openai_chat``."""

    def parse_request(self, body: bytes) -> ParsedRequest:
        """Find the text fields of a request body.

        Raises:
            RequestRefused: (400) The body is not valid for its type; (413) it holds too much; (415, 422)
                it holds something that cannot be inspected.
        """


class Format(RequestReader, Protocol):
    """A provider's wire shape."""

    def parse_answer(self, body: bytes) -> ParsedRequest:
        """Find the text fields of a whole JSON answer; see ``parse_request`` for what is refused."""

    def restore_answer(self, body: bytes, restorers: RestorerFactory) -> bytes:
        """Restore a whole JSON answer; a body without live tokens comes back unchanged.

        Raises:
            ValueError: The body is not JSON.
        """

    def restore_stream(self, restorers: RestorerFactory) -> ByteRestorer:
        """Return a restorer for one server-sent-events answer."""

    def restore_lines(self, restorers: RestorerFactory) -> ByteRestorer:
        """Return a restorer for one answer of JSON lines."""

    def restore_elements(self, restorers: RestorerFactory) -> ByteRestorer | None:
        """Return a restorer for an array that is sent element by element; None if it is one document."""
