"""A JSON array that is sent element by element: frames out of bytes that are cut anywhere, and back.

The raw bytes of all frames in a row are the bytes that came in: a frame is one element with the comma and
the space before it. An element is known as soon as its last byte is there, and is never read twice.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from sidecar.errors import ResponseUnsafe
from sidecar.formats.sse import MAX_FRAME_BYTES
from sidecar.formats.stream import DONE

_find_mark = re.compile(rb'["\[\]{}]').search
_find_string_mark = re.compile(rb'["\\]').search


@dataclass(frozen=True, slots=True)
class ElementFrame:
    """One element with all that stands before it; ``[start, end)`` is the element itself.

    The bracket that closes the array is a frame too, whose data say that nothing follows.
    """

    raw: bytes
    start: int
    end: int
    data: bytes | None
    event: str = ""
    complete: bool = True

    @property
    def line_end(self) -> bytes:
        """Return the line end that stands before the element, or nothing."""
        before = self.raw[: self.start]
        return b"\r\n" if b"\r\n" in before else b"\n" if b"\n" in before else b""

    def with_data(self, data: bytes) -> bytes:
        """Return the frame with ``data`` in the place of its own; nothing else changes."""
        return self.raw[: self.start] + data + self.raw[self.end :]


class JsonElementsDecoder:
    """Cuts an array into its elements, in time linear in the bytes however small the chunks."""

    __slots__ = ("_at", "_buffer", "_depth", "_in_string", "_start")

    splits_text = False
    between_frames = False
    """An element's last byte does not end what it stands in, so each has to be seen."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._at = 0  # so much of the buffer has been looked at
        self._depth = 0
        self._in_string = False
        self._start = -1  # of the element that is under way

    def decode(self, chunk: bytes) -> list[ElementFrame]:
        """Take the next bytes; return the elements they complete, possibly none.

        Raises:
            ResponseUnsafe: An element exceeds ``MAX_FRAME_BYTES`` (16 MiB).
        """
        self._buffer += chunk
        frames: list[ElementFrame] = []
        cut = 0
        while (mark := self._next_mark()) >= 0:
            closed = self._pass(mark)
            if closed:
                frames.append(self._frame(cut, closing=self._depth == 0))
                cut, self._start = self._at, -1
        del self._buffer[:cut]
        self._at = max(self._at, len(self._buffer) + cut) - cut
        self._start -= cut if self._start >= 0 else 0
        _check_size(len(self._buffer))
        return frames

    def compose(self, data: bytes, event: str, line_end: bytes) -> bytes:  # noqa: ARG002  elements have no event
        """Return an element of our own, to follow another one."""
        return b"," + line_end + data

    def flush(self) -> list[ElementFrame]:
        """Return what is left when the stream has ended: nothing, or an element that broke off."""
        raw = bytes(self._buffer)
        self._buffer.clear()
        start = self._start if self._start >= 0 else len(raw)
        return [ElementFrame(raw, start, len(raw), raw[start:] or None, complete=False)] if raw else []

    def _next_mark(self) -> int:
        """Return where the next byte stands that may open or close something, or -1."""
        match = (_find_string_mark if self._in_string else _find_mark)(self._buffer, self._at)
        return match.start() if match else -1

    def _pass(self, mark: int) -> bool:
        """Go on behind a mark; tell whether an element or the array is complete with it."""
        byte = bytes(self._buffer[mark : mark + 1])
        self._at = mark + 1
        if byte == b"\\":
            self._at = mark + 2  # the next byte may not have come yet
            return False
        if self._depth == 1 and not self._in_string and byte != b"]":
            self._start = mark
        if byte == b'"':
            self._in_string = not self._in_string
            return self._depth == 1 and not self._in_string
        if byte in (b"[", b"{"):
            self._depth += 1
            return False
        self._depth -= 1
        return self._depth in (0, 1)

    def _frame(self, cut: int, *, closing: bool) -> ElementFrame:
        raw = bytes(self._buffer[cut : self._at])
        _check_size(len(raw))
        if closing:
            return ElementFrame(raw, len(raw), len(raw), DONE)
        start = self._start - cut
        return ElementFrame(raw, start, len(raw), raw[start:])


def _check_size(size: int) -> None:
    if size > MAX_FRAME_BYTES:
        raise ResponseUnsafe(f"an element of the answer is longer than {MAX_FRAME_BYTES} bytes")
