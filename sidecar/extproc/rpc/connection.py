"""One HTTP/2 connection: frames to calls and back, within the windows that both sides allow.

A peer that breaks the protocol is told so and loses the connection; with it all of its calls are canceled.

Source: RFC 9113.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Protocol, cast

import structlog

from sidecar.extproc.rpc import frames
from sidecar.extproc.rpc.call import Call
from sidecar.extproc.rpc.frames import ConnectionBroken, Frame, FrameReader, frame, unpadded
from sidecar.extproc.rpc.hpack import Field, FieldDecoder, HpackBroken, encode
from sidecar.extproc.rpc.outlet import DEFAULT_WINDOW, Outlet
from sidecar.extproc.rpc.status import End, Status

CONNECTION_WINDOW = 1 << 30  # streams are what is bounded, and their number
STREAM_WINDOW = 1024 * 1024  # bytes that a peer may send on one stream beyond what was read
MAX_BLOCK_BYTES = 64 * 1024
MAX_UNREAD_BYTES = 1024 * 1024  # of what is sent to a peer that asks and does not listen
IDLE_SECONDS = 30.0  # of silence before a peer is asked whether it is there
PING_SECONDS = 10.0  # that it has to answer
_THERE = b"there?  "
_LEAVING = b"leaving "
_NO_GRPC = encode([(b":status", b"415")])

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)
Serve = Callable[[Call], Coroutine[Any, Any, End]]


class Connections(Protocol):
    """Where the living connections of a server are known."""

    def add(self, connection: Connection) -> None:
        """Take a connection that was made."""

    def remove(self, connection: Connection) -> None:
        """Forget one that is lost."""


class Connection(asyncio.Protocol):
    """The server's end of one connection.

    Args:
        serve: Serves one call to its end.
        longest: The longest message that is taken, in bytes.
        streams: How many calls there may be at once.
        connections: All of the server's; this one is among them as long as it lives.
    """

    def __init__(self, serve: Serve, longest: int, streams: int, connections: Connections) -> None:
        self._serve = serve
        self._longest = longest
        self._window = max(DEFAULT_WINDOW, min(STREAM_WINDOW, longest))
        self._streams = streams
        self._connections = connections
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._reader = FrameReader()
        self._decoder = FieldDecoder()
        self._calls: dict[int, tuple[Call, asyncio.Task[None]]] = {}
        self._canceled: set[asyncio.Task[None]] = set()  # of calls that were reset and are not done
        self._last = 0  # the highest number of a stream that the peer opened
        self._block: tuple[Frame, bytearray] | None = None  # a header block that is not complete
        self._outlet = Outlet(self.send)
        self._taken = 0  # bytes that arrived since the connection's window was last refilled
        self._unread = 0  # bytes sent since the peer stopped reading
        self._closing = False
        self._heard = True  # from the peer since the timer last rang
        self._asked = False
        self._known_to_leave = False
        self._timer: asyncio.TimerHandle | None = None

    # --- what asyncio tells ----------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin: say what we allow."""
        self._transport = cast("asyncio.Transport", transport)
        allowed = {
            frames.MAX_CONCURRENT_STREAMS: self._streams,
            frames.INITIAL_WINDOW_SIZE: self._window,
            frames.MAX_FRAME_SIZE: frames.MAX_FRAME_BYTES,
            frames.MAX_HEADER_LIST_SIZE: MAX_BLOCK_BYTES,
        }
        more = (CONNECTION_WINDOW - DEFAULT_WINDOW).to_bytes(4, "big")
        self.send(frames.settings_frame(allowed) + frame(frames.WINDOW_UPDATE, payload=more))
        self._timer = self._loop.call_later(IDLE_SECONDS, self._listen)
        self._connections.add(self)

    def data_received(self, data: bytes) -> None:
        """Take what arrived."""
        if self._closing:
            return  # what TLS still held
        self._heard = True
        try:
            for each in self._reader.feed(data):
                self._receive(each)
        except HpackBroken:
            self._break(frames.COMPRESSION_ERROR)
        except ConnectionBroken as broken:
            self._break(broken.code)

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancel all calls: nobody is left to answer."""
        del exc
        self._transport = None
        if self._timer is not None:
            self._timer.cancel()
        calls, self._calls = self._calls, {}
        for _, task in calls.values():
            task.cancel()
        self._connections.remove(self)

    def pause_writing(self) -> None:
        """Hold data back: the peer does not read."""
        self._outlet.pause()

    def resume_writing(self) -> None:
        """Go on sending."""
        self._unread = 0
        self._outlet.resume()

    # --- what the server wants -------------------------------------------------------------------

    def leave(self) -> None:
        """Take no new calls but those that are on their way, and close after the last one."""
        never = frames.MAX_STREAM.to_bytes(4, "big") + frames.NO_ERROR.to_bytes(4, "big")
        self.send(frame(frames.GOAWAY, payload=never) + frame(frames.PING, payload=_LEAVING))

    def end_calls(self) -> list[asyncio.Task[None]]:
        """Have all calls end without having been answered; return the tasks in which they do."""
        self._known_to_leave = True
        tasks = [task for _, task in self._calls.values()]
        for task in tasks:
            task.cancel()
        return tasks

    def close(self, code: int = frames.NO_ERROR) -> None:
        """Send what is to be sent, say up to which call we went, and close."""
        said = self._last.to_bytes(4, "big") + code.to_bytes(4, "big")
        self.send(frame(frames.GOAWAY, payload=said))
        self._closing = True
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Close at once."""
        self._closing = True
        if self._transport is not None:
            self._transport.abort()

    # --- what calls want -------------------------------------------------------------------------

    def send(self, content: bytes) -> None:
        """Send frames that flow control does not count."""
        if self._transport is None or self._closing:
            return
        if self._outlet.paused:
            self._unread += len(content)
            if self._unread > MAX_UNREAD_BYTES:
                log.warning("connection_broken", code=frames.ENHANCE_YOUR_CALM)
                self.abort()
                return
        self._transport.write(content)

    async def send_data(self, call: Call, content: bytes, before: bytes) -> None:
        """Send content on the stream of a call, after the frames in ``before``, as soon as there is room."""
        await self._outlet.send(call, content, before)

    def give_room(self, call: Call, count: int) -> None:
        """Let the peer send so many bytes more on the stream of a call."""
        self.send(frame(frames.WINDOW_UPDATE, 0, call.stream, count.to_bytes(4, "big")))

    # --- frames ----------------------------------------------------------------------------------

    def _receive(self, each: Frame) -> None:
        if self._block is not None and each.kind != frames.CONTINUATION:
            raise ConnectionBroken(frames.PROTOCOL_ERROR, "a header block is interrupted")
        frames.check(each)
        match each.kind:
            case frames.DATA:
                self._data(each)
            case frames.HEADERS:
                self._headers(each, bytearray(unpadded(each)))
            case frames.CONTINUATION:
                self._continuation(each)
            case frames.WINDOW_UPDATE:
                self._window_update(each)
            case frames.RST_STREAM:
                self._opened(each)
                self._reset(each.stream)
            case frames.SETTINGS if not each.flags & frames.ACK:
                self._settings(each)
            case frames.PING:
                self._ping(each)
            case frames.PUSH_PROMISE:
                raise ConnectionBroken(frames.PROTOCOL_ERROR, "a client cannot push")

    def _opened(self, each: Frame) -> Call | None:
        """Return the call that a frame is for, None if it has ended."""
        if each.stream > self._last:
            raise ConnectionBroken(frames.PROTOCOL_ERROR, "a frame on a stream that was not opened")
        call, _ = self._calls.get(each.stream, (None, None))
        return call

    def _unended(self, each: Frame) -> Call | None:
        """Return the call that more has come for, None if it has ended."""
        call = self._opened(each)
        if call is not None and call.half_closed:
            raise ConnectionBroken(frames.STREAM_CLOSED, "more after the end of a stream")
        return call

    def _data(self, each: Frame) -> None:
        counted = len(each.payload)
        self._taken += counted
        if self._taken > CONNECTION_WINDOW // 2:
            self.send(frame(frames.WINDOW_UPDATE, payload=self._taken.to_bytes(4, "big")))
            self._taken = 0
        call = self._unended(each)
        if call is not None:  # otherwise on its way when the call ended
            call.arrived(unpadded(each), counted, ends=bool(each.flags & frames.END_STREAM))
            if call.held > self._window:
                raise ConnectionBroken(frames.FLOW_CONTROL_ERROR, "more data than a stream's window holds")

    def _headers(self, each: Frame, block: bytearray) -> None:
        if not each.flags & frames.END_HEADERS:
            self._block = each, block
            return
        fields = self._decoder.decode(bytes(block))
        ends = bool(each.flags & frames.END_STREAM)
        if each.stream > self._last:
            self._open(each.stream, fields, ends=ends)
        elif (call := self._unended(each)) is not None:
            if not ends:
                raise ConnectionBroken(frames.PROTOCOL_ERROR, "headers within a stream")
            call.arrived(b"", 0, ends=True)  # trailers, which say nothing to us

    def _continuation(self, each: Frame) -> None:
        if self._block is None or self._block[0].stream != each.stream:
            raise ConnectionBroken(frames.PROTOCOL_ERROR, "a continuation of nothing")
        (begun, block), self._block = self._block, None
        block += each.payload
        if len(block) > MAX_BLOCK_BYTES or not (each.payload or each.flags & frames.END_HEADERS):
            raise ConnectionBroken(frames.ENHANCE_YOUR_CALM, "a header block has no end")
        self._headers(begun._replace(flags=begun.flags | each.flags & frames.END_HEADERS), block)

    def _open(self, stream: int, fields: list[Field], *, ends: bool) -> None:
        if stream % 2 == 0:
            raise ConnectionBroken(frames.PROTOCOL_ERROR, "a client's streams have odd numbers")
        self._last = stream
        # Calls that were reset count until their handlers are done: their peer opens the next ones at once.
        if len(self._calls) >= self._streams or len(self._canceled) >= self._streams:
            self._reject(stream, frames.REFUSED_STREAM)
            return
        said = dict(fields)
        kind = said.get(b"content-type", b"")
        if said.get(b":method") != b"POST" or not kind.startswith(b"application/grpc"):
            self.send(frame(frames.HEADERS, frames.END_HEADERS | frames.END_STREAM, stream, _NO_GRPC))
            if not ends:
                self._reject(stream, frames.NO_ERROR)
            return
        call = Call(self, stream, said.get(b":path", b""), self._longest, self._window)
        if ends:
            call.arrived(b"", 0, ends=True)
        self._calls[stream] = call, self._loop.create_task(self._run(call))

    def _reject(self, stream: int, code: int) -> None:
        self.send(frame(frames.RST_STREAM, 0, stream, code.to_bytes(4, "big")))

    async def _run(self, call: Call) -> None:
        try:
            end = await self._serve(call)
        except asyncio.CancelledError:
            end = End(Status.UNAVAILABLE, "server is stopping")
        if self._calls.pop(call.stream, None) is None:
            return  # reset, or the connection is lost: nobody waits for its end
        call.end(end)
        if not call.half_closed:
            self._reject(call.stream, frames.NO_ERROR)
        self._close_if_idle()

    def _reset(self, stream: int) -> None:
        known = self._calls.pop(stream, None)
        if known is not None:
            _, task = known
            self._canceled.add(task)
            task.add_done_callback(self._canceled.discard)
            task.cancel()
            self._close_if_idle()

    def _settings(self, each: Frame) -> None:
        for number, value in frames.read_settings(each.payload):
            if number == frames.INITIAL_WINDOW_SIZE:
                self._outlet.set_stream_room(value)
            elif number == frames.MAX_FRAME_SIZE:
                self._outlet.set_frame_bytes(value)
        self.send(frame(frames.SETTINGS, frames.ACK))

    def _ping(self, each: Frame) -> None:
        if not each.flags & frames.ACK:
            self.send(frame(frames.PING, frames.ACK, 0, each.payload))
        elif each.payload == _LEAVING:
            # All calls that the peer made before it heard that we leave have arrived.
            self._known_to_leave = True
            self._close_if_idle()

    def _window_update(self, each: Frame) -> None:
        more = frames.read_number(each.payload)
        if each.stream == 0:
            self._outlet.allow(more)
        elif (call := self._opened(each)) is not None:
            self._outlet.allow(more, call)

    # --- ends ------------------------------------------------------------------------------------

    def _close_if_idle(self) -> None:
        if self._known_to_leave and not self._calls:
            self.close()

    def _break(self, code: int) -> None:
        log.warning("connection_broken", code=code)
        self.close(code)

    def _listen(self) -> None:
        """Ask a silent peer whether it is there, and then give it up."""
        if self._asked and not self._heard:
            self.abort()
            return
        self._asked = not self._heard
        if self._asked:
            self.send(frame(frames.PING, payload=_THERE))
        self._heard = False
        self._timer = self._loop.call_later(PING_SECONDS if self._asked else IDLE_SECONDS, self._listen)
