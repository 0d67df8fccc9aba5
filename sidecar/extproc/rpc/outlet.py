"""Sends the content of calls, never more than the peer has room for.

Source: RFC 9113, section 5.2: content is counted by stream and by connection, and nothing else is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from sidecar.extproc.rpc.call import Call
from sidecar.extproc.rpc.frames import (
    DATA,
    FLOW_CONTROL_ERROR,
    MAX_WINDOW,
    PROTOCOL_ERROR,
    ConnectionBroken,
    frame,
)

DEFAULT_WINDOW = 65_535
DEFAULT_FRAME_BYTES = 16_384


class Outlet:
    """What one connection sends on its streams.

    Args:
        send: Sends frames.
    """

    def __init__(self, send: Callable[[bytes], None]) -> None:
        self._send = send
        self._room = DEFAULT_WINDOW
        self._stream_room = DEFAULT_WINDOW  # of every stream, beside what was given and taken on it
        self._most = DEFAULT_FRAME_BYTES
        self._changed: asyncio.Future[None] | None = None  # done when there may be more room
        self.paused = False
        """Whether the peer does not read what it has room for."""

    async def send(self, call: Call, content: bytes, before: bytes) -> None:
        """Send content on the stream of a call, after the frames in ``before``, as soon as there is room."""
        size = len(content)
        if size <= self._room_for(call):
            self._spend(call, size)
            self._send(before + frame(DATA, 0, call.stream, content))
            return
        self._send(before)
        at = 0
        waits_next = True
        while at < size:
            room = min(size - at, self._room_for(call))
            if room <= 0:
                # Who has just sent lets all others line up for the next room before it does so itself.
                await (self._change() if waits_next else asyncio.sleep(0))
                waits_next = True
                continue
            waits_next = False
            self._spend(call, room)
            self._send(frame(DATA, 0, call.stream, content[at : at + room]))
            at += room

    def pause(self) -> None:
        """Hold content back."""
        self.paused = True

    def resume(self) -> None:
        """Go on sending."""
        self.paused = False
        self._change_came()

    def allow(self, more: int, call: Call | None = None) -> None:
        """Take note of more room on the stream of a call, or on the connection.

        Raises:
            ConnectionBroken: It is nothing, or more than a window may hold.
        """
        if more == 0:
            raise ConnectionBroken(PROTOCOL_ERROR, "a window is made larger by nothing")
        if call is None:
            self._room += more
            room = self._room
        else:
            call.room += more
            room = self._stream_room + call.room
        if room > MAX_WINDOW:
            raise ConnectionBroken(FLOW_CONTROL_ERROR, "a window is too large")
        self._change_came()

    def set_stream_room(self, room: int) -> None:
        """Take note of the room that every stream begins with, which holds for open ones as well.

        Raises:
            ConnectionBroken: It is more than a window may hold.
        """
        if room > MAX_WINDOW:
            raise ConnectionBroken(FLOW_CONTROL_ERROR, "a window is too large")
        self._stream_room = room
        self._change_came()

    def set_frame_bytes(self, most: int) -> None:
        """Take note of how much the peer takes in one frame.

        Raises:
            ConnectionBroken: It is not what one may take.
        """
        if not DEFAULT_FRAME_BYTES <= most < 1 << 24:
            raise ConnectionBroken(PROTOCOL_ERROR, "a frame size that is not allowed")
        self._most = most

    def _change_came(self) -> None:
        changed, self._changed = self._changed, None
        if changed is not None:
            changed.set_result(None)

    def _room_for(self, call: Call) -> int:
        return 0 if self.paused else min(self._most, self._room, self._stream_room + call.room)

    def _spend(self, call: Call, count: int) -> None:
        call.room -= count
        self._room -= count

    async def _change(self) -> None:
        if self._changed is None:
            self._changed = asyncio.get_running_loop().create_future()
        # Several calls may wait for it, and one that is canceled must not take it from the others.
        await asyncio.shield(self._changed)
