"""Whatever frames come: they are answered, or the connection closes; nothing else goes wrong."""

from __future__ import annotations

import asyncio
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from sidecar.extproc.rpc.call import Call
from sidecar.extproc.rpc.connection import Connection
from sidecar.extproc.rpc.frames import END_HEADERS, HEADERS, PREFACE, FrameReader, frame
from sidecar.extproc.rpc.hpack import encode
from sidecar.extproc.rpc.status import End

BEGIN = encode([(b":method", b"POST"), (b":path", b"/a"), (b"content-type", b"application/grpc")])


class Transport(asyncio.Transport):
    """Keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.closed = False

    def write(self, data: Any) -> None:  # noqa: ANN401 - any buffer
        assert not self.closed
        self.written += data

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.closed = True


class Connections:
    """Knows none."""

    def add(self, connection: Connection) -> None:
        """Take no note of it."""

    def remove(self, connection: Connection) -> None:
        """Forget nothing."""


async def echo(call: Call) -> End:
    while (message := await call.read()) is not None:
        await call.write(message)
    return End()


# Mostly what gets somewhere: few streams, known kinds, payloads of the size of their kind.
PAYLOADS = st.one_of(
    st.just(BEGIN),
    st.binary(max_size=12),
    st.sampled_from([4, 8, 5, 6]).flatmap(lambda size: st.binary(min_size=size, max_size=size)),
    st.integers(0, 300).map(lambda size: b"\0" + size.to_bytes(4, "big") + bytes(size)),
)
FRAMES = st.builds(
    frame,
    st.one_of(st.sampled_from([0, 0, 1, 8]), st.integers(0, 11)),
    st.sampled_from([0, 0, 1, 4, 5, 8, 12, 32, 255]),
    st.sampled_from([1, 1, 3, 0, 2, 5]),
    PAYLOADS,
)


@settings(max_examples=300, deadline=None)
@given(st.lists(FRAMES, max_size=8), st.integers(1, 400))
def test_any_frames_cut_anywhere_are_answered_or_close_the_connection(wires: list[bytes], cut: int) -> None:
    async def main() -> bytes:
        connection, transport = Connection(echo, 200, 3, Connections()), Transport()
        connection.connection_made(transport)
        wire = PREFACE + frame(4) + frame(HEADERS, END_HEADERS, 1, BEGIN) + b"".join(wires)
        for at in range(0, len(wire), cut):
            connection.data_received(wire[at : at + cut])
            await asyncio.sleep(0)
        if not transport.closed:
            for _ in range(5):
                await asyncio.sleep(0)
        connection.connection_lost(None)
        for _ in range(5):
            await asyncio.sleep(0)
        assert len(asyncio.all_tasks()) == 1, "all calls are over with their connection"
        return transport.written

    said = FrameReader()
    list(said.feed(PREFACE))
    for each in said.feed(asyncio.run(main())):
        assert len(each.payload) < 1000
