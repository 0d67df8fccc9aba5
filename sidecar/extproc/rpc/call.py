"""One gRPC call, as its handler sees it: whole messages in, whole messages out.

What has arrived and was not read yet is bounded by the stream's window: room is given back only for what
was read, or is part of the message that the handler waits for.

Source: gRPC, doc/PROTOCOL-HTTP2.md: each message is one byte (0: not compressed), four of length, content.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from string import punctuation
from typing import Protocol
from urllib.parse import quote

from sidecar.extproc.rpc.frames import END_HEADERS, END_STREAM, HEADERS, frame
from sidecar.extproc.rpc.hpack import encode
from sidecar.extproc.rpc.status import CallBroken, End, Status

PREFIX_BYTES = 5
_BEGIN = encode([(b":status", b"200"), (b"content-type", b"application/grpc")])
_CLEAN_END = encode([(b"grpc-status", b"0")])
_PLAIN = " " + punctuation.replace("%", "")  # beside letters and digits
_CUT_SHORT = CallBroken(End(Status.INTERNAL, "the stream ends within a message"))
_COMPRESSED = CallBroken(End(Status.UNIMPLEMENTED, "compressed messages are not supported"))


class Wire(Protocol):
    """What a call needs of its connection."""

    def send(self, frames: bytes) -> None:
        """Send frames that flow control does not count."""

    async def send_data(self, call: Call, content: bytes, before: bytes) -> None:
        """Send content on the stream of a call, after the frames in ``before``, as soon as there is room."""

    def give_room(self, call: Call, count: int) -> None:
        """Let the peer send so many bytes more on the stream of a call."""


class Call:
    """One call of one method.

    Args:
        wire: The connection that it came by.
        stream: The number of its HTTP/2 stream.
        longest: The longest message that is taken, in bytes.
        window: Bytes that the peer may send beyond what was read.
    """

    __slots__ = (
        "_begun",
        "_broken",
        "_half_closed",
        "_held",
        "_longest",
        "_messages",
        "_partial",
        "_reader",
        "_window",
        "_wire",
        "arrival",
        "path",
        "room",
        "stream",
    )

    def __init__(self, wire: Wire, stream: int, path: bytes, longest: int, window: int) -> None:
        self._wire = wire
        self._longest = longest
        self._window = window
        self._messages: deque[bytes] = deque()
        self._partial = bytearray()
        self._held = 0  # bytes that no room was given back for
        self._reader: asyncio.Future[None] | None = None
        self._broken: CallBroken | None = None
        self._half_closed = False
        self._begun = False
        self.arrival = 0.0
        """When, by ``time.monotonic``, the first of the messages came that are not read yet."""
        self.stream = stream
        self.path = path.decode("latin-1")
        self.room = 0
        """Bytes that may be sent, above the room of every stream; below 0 when more was sent than given."""

    @property
    def held(self) -> int:
        """Bytes that arrived and that no room was given back for."""
        return self._held

    @property
    def half_closed(self) -> bool:
        """Whether the peer sends no more."""
        return self._half_closed

    async def read(self) -> bytes | None:
        """Return the next message, or None when the peer sends no more.

        Raises:
            CallBroken: What came is no message, or one above the limit.
        """
        while not self._messages:
            if self._broken is not None:
                raise self._broken
            if self._half_closed:
                return None
            self._reader = asyncio.get_running_loop().create_future()
            await self._reader
        message = self._messages.popleft()
        if not self._messages:
            self._give_back()
        return message

    def waiting(self) -> list[bytes]:
        """Return the messages that have arrived beside the last one read, perhaps none."""
        if not self._messages:
            return []
        waiting = list(self._messages)
        self._messages.clear()
        self._give_back()
        return waiting

    async def write(self, message: bytes) -> None:
        """Send one message; return as soon as the connection has taken it."""
        begin = b"" if self._begun else frame(HEADERS, END_HEADERS, self.stream, _BEGIN)
        self._begun = True
        content = b"\0" + len(message).to_bytes(4, "big") + message
        await self._wire.send_data(self, content, begin)

    def end(self, end: End) -> None:
        """Send how the call ends; nothing may be written after it."""
        if end.status is Status.OK:
            fields = _CLEAN_END
        else:
            code = str(int(end.status)).encode()
            details = quote(end.details, safe=_PLAIN).encode()
            fields = encode([(b"grpc-status", code), (b"grpc-message", details)])
        block = fields if self._begun else _BEGIN + fields
        self._wire.send(frame(HEADERS, END_HEADERS | END_STREAM, self.stream, block))

    def arrived(self, content: bytes, counted: int, *, ends: bool) -> None:
        """Take the next bytes of the stream.

        Args:
            content: Bytes of messages, cut anywhere.
            counted: How many bytes of the stream's window they took.
            ends: Whether no more will come.
        """
        self._held += counted
        if not self._messages:
            self.arrival = time.monotonic()
        if self._broken is None:
            self._take(content)
        self._half_closed |= ends
        if self._half_closed and self._partial and self._broken is None:
            self._broken = _CUT_SHORT
        if not self._messages and self._broken is None and not ends:
            self._give_back()  # the handler waits for the rest of a message
        if self._messages or self._half_closed or self._broken:
            self._wake_reader()

    def _wake_reader(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)

    def _take(self, content: bytes) -> None:
        partial = self._partial
        if not partial and self._is_whole(content):
            self._messages.append(content[PREFIX_BYTES:])
            return
        partial += content
        at = 0
        while len(partial) - at >= PREFIX_BYTES:
            size = int.from_bytes(partial[at + 1 : at + PREFIX_BYTES], "big")
            begin = at + PREFIX_BYTES
            if partial[at]:
                self._broken = _COMPRESSED
            elif size > self._longest:
                limit = f"a message of {size} bytes, over the limit of {self._longest}"
                self._broken = CallBroken(End(Status.RESOURCE_EXHAUSTED, limit))
            if self._broken is not None:
                partial.clear()
                return
            if len(partial) - begin < size:
                break
            at = begin + size
            with memoryview(partial) as view:
                self._messages.append(bytes(view[begin:at]))
        del partial[:at]

    def _is_whole(self, content: bytes) -> bool:
        """Tell whether this is one message as it should be, which is what almost all are."""
        size = len(content) - PREFIX_BYTES
        return 0 <= size <= self._longest and content[0] == 0 and int.from_bytes(content[1:5], "big") == size

    def _give_back(self) -> None:
        # Not for every message: until half of its room is used the peer waits for nothing.
        if self._held >= self._window // 2 and not self._half_closed:
            self._wire.give_room(self, self._held)
            self._held = 0
