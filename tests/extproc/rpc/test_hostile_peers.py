"""Peers that keep to the letter of HTTP/2 and mean harm: what they can make a server hold is bounded."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trustme
import uvloop

from sidecar.extproc.rpc.call import Call
from sidecar.extproc.rpc.connection import MAX_UNREAD_BYTES
from sidecar.extproc.rpc.frames import (
    DATA,
    END_HEADERS,
    END_STREAM,
    GOAWAY,
    HEADERS,
    PING,
    PREFACE,
    REFUSED_STREAM,
    RST_STREAM,
    SETTINGS,
    Frame,
    FrameReader,
    frame,
    settings_frame,
)
from sidecar.extproc.rpc.hpack import Field, FieldDecoder, encode
from sidecar.extproc.rpc.server import Handler, RpcServer
from sidecar.extproc.rpc.status import End, Status

METHOD = b"/test.Service/Method"
GRPC = (b"content-type", b"application/grpc")
STREAMS = 10


def run(main: Awaitable[Any]) -> Any:  # noqa: ANN401 - whatever the test returns
    async def bounded() -> Any:  # noqa: ANN401 - the same
        return await asyncio.wait_for(main, 20)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(bounded())


def opened(stream: int, flags: int = 0, method: bytes = b"POST", *fields: Field) -> bytes:
    """Return the frame that opens a stream."""
    block = encode([(b":method", method), (b":path", METHOD), *(fields or (GRPC,))])
    return frame(HEADERS, END_HEADERS | flags, stream, block)


def message(content: bytes) -> bytes:
    return b"\0" + len(content).to_bytes(4, "big") + content


class Peer:
    """A client of frames, without any rules."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self.writer = reader, writer
        # It reads what a client reads: the same frames, but no preface.
        self._frames = FrameReader()
        list(self._frames.feed(PREFACE))
        self._decoder = FieldDecoder()
        self.seen: list[Frame] = []
        self.fields: dict[int, dict[bytes, bytes]] = {}

    async def send(self, wire: bytes) -> None:
        self.writer.write(wire)
        await self.writer.drain()

    async def until_answered(self) -> None:
        """Take all that the server, and its handlers, have to say to what was sent so far."""
        for _ in range(5):  # the loop goes round at least once for each of them
            await self._round_trip()

    async def _round_trip(self) -> None:
        mark = b"%8d" % len(self.seen)
        await self.send(frame(PING, payload=mark))
        while not any(each.kind == PING and each.payload == mark for each in self.seen):
            arrived = await self._reader.read(1 << 16)
            assert arrived, "the server closed"
            for each in self._frames.feed(arrived):
                self.seen.append(each)
                if each.kind == HEADERS:
                    self.fields.setdefault(each.stream, {}).update(self._decoder.decode(each.payload))

    def resets(self) -> dict[int, int]:
        """Return the code of each stream that the server reset."""
        return {
            each.stream: int.from_bytes(each.payload, "big") for each in self.seen if each.kind == RST_STREAM
        }


@asynccontextmanager
async def serving(folder: Path, handler: Handler) -> AsyncIterator[tuple[Peer, RpcServer]]:
    server = RpcServer({METHOD.decode(): handler}, 1024, streams=STREAMS)
    await server.listen_unix(folder / "s")
    reader, writer = await asyncio.open_unix_connection(str(folder / "s"))
    await Peer(reader, writer).send(PREFACE + settings_frame({}))
    try:
        yield Peer(reader, writer), server
    finally:
        writer.close()
        await server.stop(0)


async def echo(call: Call) -> End:
    while (content := await call.read()) is not None:
        await call.write(content)
    return End()


def test_no_more_streams_than_allowed_and_others_are_refused_unprocessed(socket_folder: Path) -> None:
    async def main() -> None:
        async with serving(socket_folder, echo) as (peer, _):
            await peer.send(b"".join(opened(stream) for stream in range(1, 2 * STREAMS + 4, 2)))
            await peer.until_answered()
            assert peer.resets() == {2 * STREAMS + 1: REFUSED_STREAM, 2 * STREAMS + 3: REFUSED_STREAM}
            await peer.send(frame(DATA, END_STREAM, 1))
            await peer.until_answered()
            await peer.send(opened(99, END_STREAM))
            await peer.until_answered()
            assert peer.fields[99][b"grpc-status"] == b"0", "an ended one makes room"

    run(main())


def test_streams_reset_at_once_count_until_their_handlers_are_done(socket_folder: Path) -> None:
    begun = 0
    go_on = asyncio.Event

    async def main() -> None:
        released = go_on()

        async def lingers(_call: Call) -> End:
            nonlocal begun
            begun += 1
            try:
                await asyncio.sleep(60)
            finally:
                await released.wait()
            return End()

        async with serving(socket_folder, lingers) as (peer, _):
            for stream in range(1, 200, 2):
                await peer.send(opened(stream))
                await peer.until_answered()
                await peer.send(frame(RST_STREAM, 0, stream, bytes(4)))
            assert begun == STREAMS
            assert set(peer.resets().values()) == {REFUSED_STREAM}
            released.set()
            await asyncio.sleep(0.05)
            await peer.send(opened(201))
            await peer.until_answered()
            assert begun == STREAMS + 1

    run(main())


@pytest.mark.parametrize(
    "asked",
    [
        pytest.param(lambda _: frame(PING, payload=bytes(8)), id="pings"),
        pytest.param(lambda _: settings_frame({}), id="settings"),
        pytest.param(lambda at: opened(2 * at + 1, END_STREAM), id="calls"),
        pytest.param(lambda at: opened(2 * at + 1, 0, b"GET"), id="what_is_no_call"),
    ],
)
def test_a_peer_that_asks_and_never_reads_loses_the_connection(socket_folder: Path, asked: Any) -> None:  # noqa: ANN401 - a function
    async def main() -> None:
        async with serving(socket_folder, echo) as (peer, _):

            async def ask() -> None:
                for at in range(0, 40 * MAX_UNREAD_BYTES // 17, 500):
                    await peer.send(b"".join(map(asked, range(at, at + 500))))

            with pytest.raises(ConnectionError):
                await ask()

    run(main())


def test_trailers_end_a_stream(socket_folder: Path) -> None:
    async def main() -> None:
        async with serving(socket_folder, echo) as (peer, _):
            await peer.send(opened(1) + frame(HEADERS, END_HEADERS | END_STREAM, 1, encode([(b"a", b"b")])))
            await peer.until_answered()
            assert peer.fields[1][b"grpc-status"] == b"0"

    run(main())


@pytest.mark.parametrize(
    "wire",
    [
        pytest.param(opened(1, END_STREAM, b"GET"), id="a_GET"),
        pytest.param(opened(1, 0, b"POST", (b"content-type", b"application/json")), id="json"),
        pytest.param(opened(1, 0, b"POST", (b"accept", b"*/*")), id="no_content_type"),
    ],
)
def test_what_is_no_grpc_is_answered_by_http_and_reaches_no_handler(socket_folder: Path, wire: bytes) -> None:
    async def fails(_call: Call) -> End:
        raise AssertionError

    async def main() -> None:
        async with serving(socket_folder, fails) as (peer, _):
            await peer.send(wire)
            await peer.until_answered()
            assert peer.fields[1][b":status"] == b"415"
            assert b"grpc-status" not in peer.fields[1]

    run(main())


def test_details_of_an_end_are_percent_encoded(socket_folder: Path) -> None:
    async def refuses(_call: Call) -> End:
        return End(Status.INVALID_ARGUMENT, "50 % of\n\u00e9")

    async def main() -> None:
        async with serving(socket_folder, refuses) as (peer, _):
            await peer.send(opened(1))
            await peer.until_answered()
            assert peer.fields[1][b"grpc-message"] == b"50 %25 of%0A%C3%A9"

    run(main())


def test_connections_beyond_the_most_make_the_oldest_go(socket_folder: Path) -> None:
    async def main() -> None:
        server = RpcServer({METHOD.decode(): echo}, 1024, connections=3)
        await server.listen_unix(socket_folder / "s")
        peers = []
        for _ in range(5):
            reader, writer = await asyncio.open_unix_connection(str(socket_folder / "s"))
            peers.append(Peer(reader, writer))
            await peers[-1].send(PREFACE + settings_frame({}))
            await peers[-1].until_answered()
        for gone in peers[:2]:
            with pytest.raises((AssertionError, ConnectionError)):
                await gone.until_answered()
        for kept in peers[2:]:
            await kept.until_answered()
        for peer in peers:
            peer.writer.close()
        await server.stop(1)

    run(main())


def test_settings_may_change_windows_of_open_streams_to_less_than_nothing(socket_folder: Path) -> None:
    async def main() -> None:
        async with serving(socket_folder, echo) as (peer, _):
            await peer.send(settings_frame({4: 40}) + opened(1) + frame(DATA, 0, 1, message(b"x" * 60)))
            await peer.until_answered()
            await peer.send(settings_frame({4: 10}) + frame(8, 0, 1, (40).to_bytes(4, "big")))
            await peer.until_answered()
            sent = [len(each.payload) for each in peer.seen if each.kind == DATA]
            assert sum(sent) == 50, "40 of the first window; then 30 were owed, and 10 of 40 are left"

    run(main())


def test_who_is_still_connecting_while_the_server_stops_is_told_as_well(socket_folder: Path) -> None:
    authority = trustme.CA()
    ours, theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authority.issue_cert("localhost").configure_cert(ours)
    authority.configure_trust(theirs)

    async def main() -> None:
        async with serving(socket_folder, echo) as (peer, server):
            await peer.send(opened(1))
            await peer.until_answered()
            await server.listen_tcp("127.0.0.1", 0, ours)
            with socket.create_connection(server._listening[-1].sockets[0].getsockname()) as begun:
                await asyncio.sleep(0.05)
                stopping = asyncio.create_task(server.stop(10))
                await asyncio.sleep(0.05)
                late, writer = await asyncio.open_connection(
                    sock=begun, ssl=theirs, server_hostname="localhost"
                )
                heard = FrameReader()
                list(heard.feed(PREFACE))
                frames = list(heard.feed(await late.read(1 << 16)))
                assert [frames[0].kind, GOAWAY in {each.kind for each in frames}] == [SETTINGS, True]
                writer.close()
            peer.writer.close()
            await asyncio.wait_for(asyncio.shield(stopping), 5)

    run(main())
