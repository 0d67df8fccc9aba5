"""Server-sent events: frames out of bytes that are cut anywhere, and back.

The raw bytes of all frames in a row are the bytes that came in, so frames that nobody changes go out
byte for byte; how the stream was cut decides when a frame is known, never what the stream says.

Source: WHATWG HTML, "Interpreting an event stream".
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from sidecar.errors import ResponseUnsafe

MAX_FRAME_BYTES = 16 * 1024 * 1024
"""The longest frame: above the largest pictures that providers send inline, below what hurts."""

_BOM = b"\xef\xbb\xbf"
_LF = 0x0A
_find_line_end = re.compile(rb"\r\n|\r|\n").search
_find_blank_line = re.compile(rb"(?:\r\n|\n|\r(?!\n))(?:\r\n|\r|\n)").search


@dataclass(frozen=True, slots=True)
class Frame:
    """One event block, its closing blank line included, or a line between blocks that says nothing.

    ``data`` is the text of its data lines, joined by line feeds; None if it has none. ``complete``
    is False for what a stream that breaks off leaves behind.
    """

    raw: bytes
    event: str = ""
    data: bytes | None = None
    complete: bool = True

    @property
    def line_end(self) -> bytes:
        """Return the line end that the frame uses, LF if it has none."""
        match = _find_line_end(self.raw)
        return match[0] if match else b"\n"

    def with_data(self, data: bytes) -> bytes:
        """Return the frame with ``data`` in its data lines and everything else as it came.

        More lines than there were follow the last data line; of fewer lines the last ones go.
        """
        if data == self.data:
            return self.raw
        texts = _lines(data)
        lines = self.raw.splitlines(keepends=True)
        places = [at for at, line in enumerate(lines) if _field(line)[0] == b"data"]
        for place, text in zip(places, texts, strict=False):
            lines[place] = _data_line(lines[place], text)
        for place in places[len(texts) :]:
            lines[place] = b""
        last = places[-1]
        if len(texts) > len(places) and not lines[last].endswith((b"\r", b"\n")):
            lines[last] += self.line_end
        lines[last] += b"".join(b"data: " + text + self.line_end for text in texts[len(places) :])
        return b"".join(lines)


class SseDecoder:
    """Cuts a stream into frames, in time linear in the bytes however small the chunks."""

    __slots__ = ("_after_cr", "_buffer", "_searched", "_started")

    splits_text = True

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._searched = 0  # so much of the buffer is known to end no frame
        self._started = False
        self._after_cr = False

    @property
    def between_frames(self) -> bool:
        """Whether the next byte begins a frame, and whole frames may pass by unseen."""
        return self._started and not self._buffer and not self._after_cr

    def decode(self, chunk: bytes) -> list[Frame]:
        r"""Take the next bytes; return the frames they complete, possibly none.

        A frame is complete as soon as its blank line is certain: after ``\r\n\r`` the line feed that
        may follow comes as a frame of its own, and so do the byte order mark and leading comments.

        Args:
            chunk: Any cut of the stream, even inside a code point or a line end.

        Raises:
            ResponseUnsafe: A frame exceeds ``MAX_FRAME_BYTES`` (16 MiB).

        Source: WHATWG HTML, "Interpreting an event stream"; lines end in LF, CRLF or CR.
        """
        buffer = self._buffer
        buffer += chunk
        frames: list[Frame] = []
        if not self._begin(frames):
            return frames
        start = 0
        while start < len(buffer):
            if self._after_cr:
                self._after_cr = False
                if buffer[start] == _LF:
                    frames.append(Frame(b"\n"))
                    start += 1
                    continue
            idle = buffer[start] in b":\r\n"  # a comment or an empty line before any field
            find = _find_line_end if idle else _find_blank_line
            match = find(buffer, max(start, self._searched))
            if match is None:
                self._searched = max(start, len(buffer) - 3)
                break
            raw, start = bytes(buffer[start : match.end()]), match.end()
            _check_size(len(raw))
            frames.append(Frame(raw) if idle else _parsed(raw))
            self._after_cr = raw.endswith(b"\r") and start == len(buffer)
        del buffer[:start]
        self._searched = max(0, self._searched - start)
        _check_size(len(buffer))
        return frames

    def compose(self, data: bytes, event: str, line_end: bytes) -> bytes:
        """Return a frame of our own with these data and, unless empty, this event name."""
        name = b"event: " + event.encode("utf-8", "surrogateescape") + line_end if event else b""
        lines = b"".join(b"data: " + text + line_end for text in _lines(data))
        return name + lines + line_end

    def flush(self) -> list[Frame]:
        """Return what is left when the stream has ended: nothing, or one incomplete frame."""
        raw = bytes(self._buffer)
        self._buffer.clear()
        return [_parsed(raw, complete=False)] if raw else []

    def _begin(self, frames: list[Frame]) -> bool:
        """Pass the byte order mark, if there is one; tell whether that is decided."""
        if self._started:
            return True
        head = bytes(self._buffer[: len(_BOM)])
        if len(head) < len(_BOM) and _BOM.startswith(head):
            return False
        self._started = True
        if head == _BOM:
            frames.append(Frame(_BOM))
            del self._buffer[: len(_BOM)]
        return True


def _lines(data: bytes) -> list[bytes]:
    return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")


def _parsed(raw: bytes, *, complete: bool = True) -> Frame:
    event, texts = b"", []
    for line in raw.splitlines():
        name, text = _field(line)
        if name == b"data":
            texts.append(text)
        elif name == b"event":
            event = text
    data = b"\n".join(texts) if texts else None
    return Frame(raw, event.decode("utf-8", "surrogateescape"), data, complete)


def _field(line: bytes) -> tuple[bytes, bytes]:
    name, _, text = line.rstrip(b"\r\n").partition(b":")
    return name, text.removeprefix(b" ")


def _data_line(line: bytes, text: bytes) -> bytes:
    content = line.rstrip(b"\r\n")
    colon = b"data: " if content in (b"data", b"data:") or content.startswith(b"data: ") else b"data:"
    # A space after the colon is not part of the text, so a text that begins with one needs another.
    prefix = b"data: " if text.startswith(b" ") else colon
    return prefix + text + line[len(content) :]


def _check_size(size: int) -> None:
    if size > MAX_FRAME_BYTES:
        raise ResponseUnsafe(f"a frame of the answer is longer than {MAX_FRAME_BYTES} bytes")
