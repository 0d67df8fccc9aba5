"""One request body, from its first byte to what the provider may see."""

from __future__ import annotations

import time

from sidecar.detection.pipeline import Detection
from sidecar.errors import RequestRefused
from sidecar.formats.content_coding import inflate_request
from sidecar.formats.format import Passing
from sidecar.formats.request_types import UNREADABLE_TYPE, reader_for
from sidecar.model import Budget, Headers, Passage
from sidecar.policy import check_body
from sidecar.tokenizing import tokenize_body
from sidecar.tokens.token_map import TokenMap

__all__ = ["Deadline", "RequestBody", "tokenize_body"]


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

    @property
    def size(self) -> int:
        """Bytes taken so far."""
        return len(self._taken)

    @property
    def is_compressed(self) -> bool:
        """Whether there may be more in it than its size says."""
        return self._coding != ""

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


def profile_mask(text: str, detection: Detection, budget: Budget) -> str:
    """Return the text with each span replaced by ``[[TYPE]]`` for good; a PERSON is shown as ``NAME``."""
    pieces, position = [], 0
    for span in detection.detect_request([Passage(text)], budget)[0]:
        shown = "NAME" if span.entity_type == "PERSON" else span.entity_type
        pieces += [text[position : span.start], f"[[{shown}]]"]
        position = span.end
    return "".join([*pieces, text[position:]])
