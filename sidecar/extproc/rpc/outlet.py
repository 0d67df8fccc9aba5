"""Sends the content of calls, never more than the peer has room for.

Source: RFC 9113, section 5.2: content is counted by stream and by connection, and nothing else is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from sidecar.extproc.rpc.call import Call
from sidecar.extproc.rpc.frames import DATA, frame

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
        while at < size:
            room = min(size - at, self._room_for(call))
            if room <= 0:
                await self._change()
                continue
            self._spend(call, room)
            self._send(frame(DATA, 0, call.stream, content[at : at + room]))
            at += room

    def pause(self) -> None:
        """Hold content back."""
        self.paused = True

    def resume(self) -> None:
        """Go on sending."""
        self.paused = False
        self.changed()

    def allow(self, more: int) -> None:
        """Take note of more room on the connection."""
        self._room += more
        self.changed()

    def limit(self, most: int) -> None:
        """Take note of how much the peer takes in one frame."""
        self._most = most

    def changed(self) -> None:
        """Let calls that wait for room look again."""
        changed, self._changed = self._changed, None
        if changed is not None:
            changed.set_result(None)

    def _room_for(self, call: Call) -> int:
        return 0 if self.paused else min(self._most, self._room, call.room)

    def _spend(self, call: Call, count: int) -> None:
        call.room -= count
        self._room -= count

    async def _change(self) -> None:
        if self._changed is None:
            self._changed = asyncio.get_running_loop().create_future()
        # Several calls may wait for it, and one that is canceled must not take it from the others.
        await asyncio.shield(self._changed)
