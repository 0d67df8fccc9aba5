"""The server against an independent HTTP/2: order, windows, and what breaks a connection."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import h2.config
import h2.connection
import h2.events
import h2.settings
import pytest
import uvloop
from hyperframe.frame import GoAwayFrame

from sidecar.extproc.rpc.call import Call
from sidecar.extproc.rpc.connection import STREAM_WINDOW
from sidecar.extproc.rpc.frames import PREFACE, frame, settings_frame
from sidecar.extproc.rpc.hpack import encode
from sidecar.extproc.rpc.server import Handler, RpcServer, unary
from sidecar.extproc.rpc.status import End, Status

LIMIT = 8 * 1024 * 1024
METHOD = "/test.Service/Method"


def run(main: Awaitable[Any]) -> Any:  # noqa: ANN401 - whatever the test returns
    async def bounded() -> Any:  # noqa: ANN401 - the same
        return await asyncio.wait_for(main, 20)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(bounded())


class Peer:
    """A client that does what it is told, frame by frame."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self.http = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
        # It takes a GOAWAY that lets streams go on (RFC 9113, section 6.8) for the end of them all.
        self.http._frame_dispatch_table[GoAwayFrame] = lambda _frame: ([], [])
        self.ends: dict[int, dict[str, str]] = {}
        self.content: dict[int, bytes] = {}
        self.events: list[Any] = []
        self.refills = True

    async def flush(self) -> None:
        self._writer.write(self.http.data_to_send())
        await self._writer.drain()

    async def send_raw(self, wire: bytes) -> None:
        await self.flush()
        self._writer.write(wire)
        await self._writer.drain()

    def open(self, stream: int, path: str = METHOD) -> None:
        fields = [(":method", "POST"), (":scheme", "http"), (":path", path), (":authority", "sidecar")]
        self.http.send_headers(stream, [*fields, ("te", "trailers"), ("content-type", "application/grpc")])

    async def until(self, done: Callable[[], bool]) -> None:
        """Take what comes until ``done``, or until the server closes."""
        await self.flush()
        while not done() and (arrived := await self._reader.read(1 << 16)):
            for event in self.http.receive_data(arrived):
                self._take(event)
            await self.flush()

    def _take(self, event: Any) -> None:  # noqa: ANN401 - one of many
        self.events.append(event)
        if isinstance(event, h2.events.DataReceived):
            self.content[event.stream_id] = self.content.get(event.stream_id, b"") + event.data
            if self.refills:
                self.http.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, h2.events.TrailersReceived | h2.events.ResponseReceived):
            fields = dict(event.headers)
            if "grpc-status" in fields:
                self.ends[event.stream_id] = fields

    def saw(self, kind: type) -> bool:
        return any(isinstance(event, kind) for event in self.events)


@asynccontextmanager
async def serving(folder: Path, handler: Handler) -> AsyncIterator[tuple[Peer, RpcServer]]:
    server = RpcServer({METHOD: handler}, LIMIT)
    await server.listen_unix(folder / "s")
    reader, writer = await asyncio.open_unix_connection(str(folder / "s"))
    peer = Peer(reader, writer)
    peer.http.initiate_connection()
    try:
        yield peer, server
    finally:
        writer.close()
        await server.stop(0)


async def echo(call: Call) -> End:
    while (message := await call.read()) is not None:
        await call.write(message)
    return End()


def message(content: bytes) -> bytes:
    return b"\0" + len(content).to_bytes(4, "big") + content


@pytest.mark.parametrize("size", [1, 3, 7, 1000], ids=lambda size: f"pieces_of_{size}")
def test_messages_come_back_however_they_are_cut(socket_folder: Path, size: int) -> None:
    wire = b"".join(map(message, [b"", b"a", b"b" * 500, b"", b"c" * 20]))

    async def main() -> None:
        async with serving(socket_folder, echo) as (peer, _):
            peer.open(1)
            for at in range(0, len(wire), size):
                peer.http.send_data(1, wire[at : at + size])
                await peer.flush()
                await asyncio.sleep(0)
            peer.http.end_stream(1)
            await peer.until(lambda: 1 in peer.ends)
            assert (peer.content[1], peer.ends[1]["grpc-status"]) == (wire, "0")

    run(main())


def test_a_body_larger_than_any_window_crosses_both_ways(socket_folder: Path) -> None:
    content = bytes(range(256)) * (5 * STREAM_WINDOW // 256)

    async def main() -> None:
        async with serving(socket_folder, echo) as (peer, _):
            peer.open(1)
            wire = message(content)
            while wire:
                await peer.until(lambda: peer.http.local_flow_control_window(1) > 0)
                room = min(peer.http.local_flow_control_window(1), peer.http.max_outbound_frame_size)
                peer.http.send_data(1, wire[:room])
                wire = wire[room:]
            peer.http.end_stream(1)
            await peer.until(lambda: 1 in peer.ends)
            assert peer.content[1] == message(content)

    run(main())


def test_nothing_is_sent_beyond_the_peers_window_and_one_stream_does_not_stop_another(
    socket_folder: Path,
) -> None:
    async def main() -> None:
        async with serving(socket_folder, echo) as (peer, _):
            peer.http.update_settings({h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: 100})
            peer.refills = False
            for stream, size in ((1, 300), (3, 50)):
                peer.open(stream)
                peer.http.send_data(stream, message(b"x" * size), end_stream=True)
            await peer.until(lambda: 3 in peer.ends)
            assert (len(peer.content[1]), len(peer.content[3])) == (100, 55)
            assert 1 not in peer.ends
            peer.http.increment_flow_control_window(205, 1)
            await peer.until(lambda: 1 in peer.ends)
            assert peer.content[1] == message(b"x" * 300)

    run(main())


def test_a_peer_gets_no_more_room_for_messages_that_nobody_reads(socket_folder: Path) -> None:
    read = asyncio.Event

    async def main() -> None:
        go_on = read()

        async def slow(call: Call) -> End:
            await go_on.wait()
            return await echo(call)

        async with serving(socket_folder, slow) as (peer, _):
            peer.open(1)
            await peer.until(lambda: peer.saw(h2.events.RemoteSettingsChanged))
            sent = 0
            while (room := min(peer.http.local_flow_control_window(1), 1000)) > 5:
                peer.http.send_data(1, message(b"x" * (room - 5)))
                sent += room
            assert sent >= STREAM_WINDOW - 5
            await peer.flush()
            await asyncio.sleep(0.05)
            assert not peer.saw(h2.events.WindowUpdated) or peer.http.local_flow_control_window(1) <= 5
            go_on.set()
            await peer.until(lambda: len(peer.content.get(1, b"")) == sent)

    run(main())


def test_small_messages_are_read_without_a_word_about_room(socket_folder: Path) -> None:
    async def main() -> None:
        async with serving(socket_folder, echo) as (peer, _):
            peer.open(1)
            for count in range(1, 50):
                peer.http.send_data(1, message(b"x" * 100))
                await peer.until(lambda count=count: len(peer.content.get(1, b"")) == 105 * count)
            updates = [event for event in peer.events if isinstance(event, h2.events.WindowUpdated)]
            assert [event.stream_id for event in updates] == [0]

    run(main())


@pytest.mark.parametrize(
    ("path", "sent", "status"),
    [
        pytest.param("/no.such/Method", message(b""), Status.UNIMPLEMENTED, id="unknown_method"),
        pytest.param(METHOD, b"\1" + message(b"")[1:], Status.UNIMPLEMENTED, id="compressed"),
        pytest.param(METHOD, message(b"abc")[:-1], Status.INTERNAL, id="cut_short"),
        pytest.param(METHOD, b"\0\0", Status.INTERNAL, id="cut_within_the_prefix"),
        pytest.param(METHOD, b"\0\xff\xff\xff\xff", Status.RESOURCE_EXHAUSTED, id="above_the_limit"),
        pytest.param(METHOD, b"", Status.INVALID_ARGUMENT, id="no_message_at_all"),
    ],
)
def test_a_call_that_cannot_be_served_says_why(
    socket_folder: Path, path: str, sent: bytes, status: Status
) -> None:
    async def answer(content: bytes) -> bytes:
        return content

    async def main() -> None:
        async with serving(socket_folder, unary(answer)) as (peer, _):
            peer.open(1, path)
            peer.http.send_data(1, sent, end_stream=True)
            await peer.until(lambda: 1 in peer.ends)
            assert peer.ends[1]["grpc-status"] == str(int(status))
            assert peer.ends[1]["grpc-message"]

    run(main())


def test_an_error_of_a_handler_is_no_clean_end_and_is_not_quoted(socket_folder: Path) -> None:
    async def fails(_call: Call) -> End:
        raise ValueError("ada@example.org")

    async def main() -> None:
        async with serving(socket_folder, fails) as (peer, _):
            peer.open(1)
            await peer.until(lambda: 1 in peer.ends)
            assert peer.ends[1]["grpc-status"] == str(int(Status.INTERNAL))
            assert "ada" not in repr(peer.ends)

    run(main())


def test_a_call_ended_early_asks_the_peer_to_stop_and_what_was_on_its_way_is_dropped(
    socket_folder: Path,
) -> None:
    async def refuses(_call: Call) -> End:
        return End(Status.ABORTED, "enough")

    async def main() -> None:
        async with serving(socket_folder, refuses) as (peer, _):
            peer.open(1)
            await peer.until(lambda: peer.saw(h2.events.StreamReset))
            await peer.send_raw(frame(0, 0, 1, b"late"))
            peer.open(3)
            await peer.until(lambda: 3 in peer.ends)
            assert {end["grpc-status"] for end in peer.ends.values()} == {str(int(Status.ABORTED))}

    run(main())


def test_a_reset_cancels_the_handler_and_others_go_on(socket_folder: Path) -> None:
    async def main() -> None:
        canceled = asyncio.Event()

        async def waits(call: Call) -> End:
            try:
                return await echo(call)
            except asyncio.CancelledError:
                canceled.set()
                raise

        async with serving(socket_folder, waits) as (peer, _):
            peer.open(1)
            peer.open(3)
            peer.http.send_data(1, message(b"a"))
            await peer.until(lambda: 1 in peer.content)
            peer.http.reset_stream(1)
            await peer.flush()
            await asyncio.wait_for(canceled.wait(), 5)
            peer.http.send_data(3, message(b"a"), end_stream=True)
            await peer.until(lambda: 3 in peer.ends)
            assert peer.content[3] == message(b"a")

    run(main())


HEADERS, CONTINUATION, PUSH, DATA, WINDOW_UPDATE, RST_STREAM, SETTINGS, PING = 1, 9, 5, 0, 8, 3, 4, 6
BEGIN = encode(
    [(b":method", b"POST"), (b":path", METHOD.encode()), (b"content-type", b"application/grpc+proto")]
)


@pytest.mark.parametrize(
    "wire",
    [
        pytest.param(frame(DATA, 0, 7, b"a"), id="data_on_a_stream_that_was_not_opened"),
        pytest.param(frame(HEADERS, 4, 2, b"\x82"), id="an_even_stream"),
        pytest.param(frame(HEADERS, 4, 1, b"\x80"), id="a_header_block_that_cannot_be_read"),
        pytest.param(frame(HEADERS, 0, 1, b"") + frame(DATA, 0, 1, b""), id="an_interrupted_header_block"),
        pytest.param(frame(CONTINUATION, 4, 1, b""), id="a_continuation_of_nothing"),
        pytest.param(
            frame(HEADERS, 0, 1, b"") + frame(CONTINUATION, 0, 1, b"x" * 60_000) * 2, id="headers_without_end"
        ),
        pytest.param(frame(PUSH, 4, 1, b""), id="a_push"),
        pytest.param(frame(WINDOW_UPDATE, 0, 0, b"abc"), id="a_window_update_of_odd_size"),
        pytest.param(settings_frame({4: 1 << 31}), id="a_window_too_large"),
        pytest.param(frame(WINDOW_UPDATE, 0, 0, bytes(4)), id="a_window_update_of_nothing"),
        pytest.param(
            frame(WINDOW_UPDATE, 0, 0, b"\x7f\xff\xff\xff") * 2, id="a_window_that_grows_beyond_its_largest"
        ),
        pytest.param(
            frame(WINDOW_UPDATE, 0, 7, bytes((0, 0, 0, 1))), id="room_on_a_stream_that_was_not_opened"
        ),
        pytest.param(frame(RST_STREAM, 0, 7, bytes(4)), id="a_reset_of_a_stream_that_was_not_opened"),
        pytest.param(frame(RST_STREAM, 0, 0, bytes(4)), id="a_reset_of_the_connection"),
        pytest.param(frame(HEADERS, 4, 1, BEGIN) + frame(RST_STREAM, 0, 1, b"abc"), id="a_reset_of_odd_size"),
        pytest.param(
            frame(HEADERS, 5, 1, BEGIN) + frame(DATA, 0, 1, b""), id="data_after_the_end_of_a_stream"
        ),
        pytest.param(frame(HEADERS, 5, 1, BEGIN) * 2, id="headers_after_the_end_of_a_stream"),
        pytest.param(frame(HEADERS, 4, 1, BEGIN) * 2, id="headers_within_a_stream"),
        pytest.param(frame(PING, 0, 0, b"short"), id="a_ping_of_odd_size"),
        pytest.param(frame(PING, 0, 1, bytes(8)), id="a_ping_on_a_stream"),
        pytest.param(frame(SETTINGS, 0, 1), id="settings_of_a_stream"),
        pytest.param(frame(SETTINGS, 1, 0, bytes(6)), id="an_acknowledgment_that_says_more"),
        pytest.param(frame(DATA, 0, 0, b"a"), id="data_on_the_connection"),
        pytest.param(frame(HEADERS, 4, 0, BEGIN), id="headers_on_the_connection"),
        pytest.param(
            frame(HEADERS, 0, 1, BEGIN) + frame(CONTINUATION, 0, 1) * 2, id="continuations_of_nothing_more"
        ),
        pytest.param(settings_frame({5: 0}), id="frames_too_small"),
        pytest.param(
            frame(HEADERS, 4, 1, BEGIN) + frame(DATA, 0, 1, b"\0\0\0\0\1a" * 10_000) * 18,
            id="more_than_the_window_holds",
        ),
    ],
)
def test_a_peer_that_breaks_the_protocol_is_told_and_loses_the_connection_alone(
    socket_folder: Path, wire: bytes
) -> None:
    async def waits(_call: Call) -> End:
        await asyncio.sleep(60)
        return End()

    async def main() -> None:
        async with serving(socket_folder, waits) as (_, _server):
            reader, writer = await asyncio.open_unix_connection(str(socket_folder / "s"))
            writer.write(PREFACE + settings_frame({}) + wire)
            received = await reader.read()
            writer.close()
            assert received[-17:-13] == b"\0\0\x08\x07", "the last frame says that we go away"
            assert int.from_bytes(received[-4:], "big") != 0

    run(main())


def test_stopping_serves_what_was_on_its_way_and_then_closes(socket_folder: Path) -> None:
    async def main() -> None:
        async with serving(socket_folder, echo) as (peer, server):
            peer.open(1)
            await peer.until(lambda: peer.saw(h2.events.RemoteSettingsChanged))
            stopping = asyncio.create_task(server.stop(10))
            await asyncio.sleep(0.05)
            peer.http.send_data(1, message(b"late"), end_stream=True)
            await peer.until(lambda: False)
            assert (peer.content[1], peer.ends[1]["grpc-status"]) == (message(b"late"), "0")
            await stopping
            with pytest.raises(ConnectionRefusedError):
                await asyncio.open_unix_connection(str(socket_folder / "s"))

    run(main())


def test_what_is_not_done_in_time_does_not_end_cleanly(socket_folder: Path) -> None:
    async def main() -> None:
        async with serving(socket_folder, echo) as (peer, server):
            peer.open(1)
            await peer.until(lambda: peer.saw(h2.events.RemoteSettingsChanged))
            stopping = asyncio.create_task(server.stop(0.05))
            await peer.until(lambda: False)
            assert peer.ends[1]["grpc-status"] == str(int(Status.UNAVAILABLE))
            await stopping

    run(main())


def test_a_silent_peer_is_asked_and_then_given_up(
    socket_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sidecar.extproc.rpc.connection.IDLE_SECONDS", 0.05)
    monkeypatch.setattr("sidecar.extproc.rpc.connection.PING_SECONDS", 0.05)

    async def main() -> None:
        async with serving(socket_folder, echo) as (peer, _):
            answering = asyncio.create_task(peer.until(lambda: False))
            reader, writer = await asyncio.open_unix_connection(str(socket_folder / "s"))
            writer.write(PREFACE + settings_frame({}))
            await asyncio.wait_for(reader.read(), 5)
            writer.close()
            assert not answering.done(), "who answers stays"
            answering.cancel()

    run(main())
