"""Newline-delimited JSON: one document a line, out of bytes that are cut anywhere, and back.

The raw bytes of all frames in a row are the bytes that came in. The last line needs no line end, so what
is left when the stream ends is a whole frame.
"""

from __future__ import annotations

from dataclasses import dataclass

from sidecar.errors import ResponseUnsafe
from sidecar.formats.sse import MAX_FRAME_BYTES

_RECORD_MARK = b"\x1e"  # stands before each record of an RFC 7464 sequence


@dataclass(frozen=True, slots=True)
class LineFrame:
    """One line with its line end; ``data`` is None if it is empty."""

    raw: bytes
    data: bytes | None
    event: str = ""
    complete: bool = True

    @property
    def line_end(self) -> bytes:
        """Return the line end that the frame uses, LF if it has none."""
        return b"\r\n" if self.raw.endswith(b"\r\n") else b"\n"

    def with_data(self, data: bytes) -> bytes:
        """Return the frame with ``data`` in the place of its own; nothing else changes."""
        start = len(self.raw) - len(self.raw.lstrip(_RECORD_MARK))
        return self.raw[:start] + data + self.raw[len(self.raw.rstrip(b"\r\n")) :]


class NdjsonDecoder:
    """Cuts a stream into lines, in time linear in the bytes however small the chunks."""

    __slots__ = ("_buffer", "_searched")

    splits_text = False

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._searched = 0

    @property
    def between_frames(self) -> bool:
        """Whether the next byte begins a frame, and whole frames may pass by unseen."""
        return not self._buffer

    def decode(self, chunk: bytes) -> list[LineFrame]:
        """Take the next bytes; return the lines they complete, possibly none.

        Raises:
            ResponseUnsafe: A line exceeds ``MAX_FRAME_BYTES`` (16 MiB).
        """
        buffer = self._buffer
        buffer += chunk
        frames: list[LineFrame] = []
        start = 0
        while (end := buffer.find(b"\n", max(start, self._searched)) + 1) > 0:
            _check_size(end - start)
            frames.append(_parsed(bytes(buffer[start:end])))
            start = end
        del buffer[:start]
        self._searched = len(buffer)
        _check_size(len(buffer))
        return frames

    def compose(self, data: bytes, event: str, line_end: bytes) -> bytes:  # noqa: ARG002  lines have no event
        """Return a frame of our own with these data."""
        return data + line_end

    def flush(self) -> list[LineFrame]:
        """Return the last line if it has no line end; the stream is complete."""
        raw = bytes(self._buffer)
        self._buffer.clear()
        return [_parsed(raw, complete=False)] if raw else []


def _parsed(raw: bytes, *, complete: bool = True) -> LineFrame:
    return LineFrame(raw, raw.lstrip(_RECORD_MARK).rstrip(b"\r\n") or None, complete=complete)


def _check_size(size: int) -> None:
    if size > MAX_FRAME_BYTES:
        raise ResponseUnsafe(f"a line of the answer is longer than {MAX_FRAME_BYTES} bytes")
