"""What is sent on streams: in order, and nobody behind a long message of another's."""

from __future__ import annotations

import asyncio
from collections import Counter
from types import SimpleNamespace
from typing import Any

from sidecar.extproc.rpc.frames import PREFACE, Frame, FrameReader
from sidecar.extproc.rpc.outlet import DEFAULT_FRAME_BYTES, Outlet


class Pipe:
    """Takes one frame and then asks for a pause, as a socket that is not read does."""

    def __init__(self) -> None:
        self.outlet = Outlet(self.send)
        self.outlet.allow(1 << 24)
        self._frames = FrameReader()
        list(self._frames.feed(PREFACE))
        self.seen: list[Frame] = []

    def send(self, wire: bytes) -> None:
        self.seen += self._frames.feed(wire)
        self.outlet.pause()


def test_long_messages_take_turns_when_the_peer_reads_slowly() -> None:
    async def main() -> Counter[int]:
        pipe = Pipe()
        calls: list[Any] = [SimpleNamespace(stream=stream, room=1 << 20) for stream in (1, 3, 5)]
        tasks = [
            asyncio.create_task(pipe.outlet.send(call, bytes(20 * DEFAULT_FRAME_BYTES), b""))
            for call in calls
        ]
        for _ in range(12):
            for _ in range(5):
                await asyncio.sleep(0)
            pipe.outlet.resume()
        for task in tasks:
            task.cancel()
        return Counter(each.stream for each in pipe.seen)

    sent = asyncio.run(main())
    assert min(sent.values()) >= 3, sent
