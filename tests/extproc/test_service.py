"""The service over a real channel: order, ends and aborts, and what may be logged of them."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import pytest
import structlog
import uvloop

from sidecar.errors import RequestRefused, ResponseUnsafe, StreamBroken
from sidecar.extproc.admission import Admission
from sidecar.extproc.codec import encode
from sidecar.extproc.heavy_pool import HeavyPool
from sidecar.extproc.pb.envoy.extensions.filters.http.ext_proc.v3.processing_mode_pb2 import ProcessingMode
from sidecar.extproc.pb.envoy.service.ext_proc.v3.external_processor_pb2 import (
    HttpBody,
    HttpHeaders,
    ProcessingRequest,
    ProtocolConfiguration,
)
from sidecar.extproc.rpc.frames import PREFACE, frame, settings_frame
from sidecar.extproc.rpc.hpack import encode as encode_fields
from sidecar.extproc.rpc.server import RpcServer
from sidecar.extproc.service import SERVICE_NAME, ExchangeLike, ExternalProcessor
from sidecar.model import (
    Body,
    BodyMode,
    BodyModes,
    BodyReply,
    Direction,
    HeadersReply,
    Refusal,
    Reply,
    StreamedReply,
)

Scripted = Callable[..., Any]
MIB = 1024 * 1024
MODES = BodyModes(BodyMode.BUFFERED, BodyMode.NONE)
HEADERS = ProcessingRequest(
    request_headers=HttpHeaders(),
    protocol_config=ProtocolConfiguration(request_body_mode=ProcessingMode.BUFFERED),
).SerializeToString()
CONTINUE = HeadersReply(Direction.REQUEST)
ORIGINAL = "ada@example.org"


def body(content: bytes, *, last: bool = False) -> bytes:
    return ProcessingRequest(request_body=HttpBody(body=content, end_of_stream=last)).SerializeToString()


def wire(*replies: Reply) -> list[bytes]:
    return [encode(reply, MODES) for reply in replies]


@dataclass
class Factory:
    """Hands out prepared exchanges and remembers the modes that it was asked for."""

    exchanges: list[Any]
    modes: list[BodyModes] = field(default_factory=list)

    def __call__(self, modes: BodyModes) -> ExchangeLike:
        self.modes.append(modes)
        exchange: ExchangeLike = self.exchanges.pop(0)
        return exchange


@dataclass
class Peer:
    """What stands in Envoy's place: a channel to the server."""

    channel: grpc.aio.Channel
    server: RpcServer

    def call(self) -> Any:  # noqa: ANN401 - gRPC's generic call
        return self.channel.stream_stream(f"/{SERVICE_NAME}/Process")()

    async def talk(self, *messages: bytes, half_close: bool = True) -> tuple[list[bytes], grpc.StatusCode]:
        """Send messages, half-close, and return all that came back and the final status."""
        call = self.call()
        answers: list[bytes] = []
        try:
            for message in messages:
                await call.write(message)
            if half_close:
                await call.done_writing()
            async for answer in call:
                answers.append(answer)  # noqa: PERF401 - what came before an error counts
        except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
            pass
        return answers, await call.code()


@asynccontextmanager
async def serving(
    folder: Path,
    new_exchange: Callable[[BodyModes], ExchangeLike],
    *,
    threads: int = 2,
    watchdog: float = 20.0,
    limit: int = 40 * MIB,
    admission: Admission | None = None,
) -> AsyncIterator[Peer]:
    pool = HeavyPool(threads, watchdog)
    server = RpcServer(ExternalProcessor(new_exchange, pool, admission=admission).handlers(), limit)
    await server.listen_unix(folder / "s")
    options = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
    async with grpc.aio.insecure_channel(f"unix:{folder}/s", options=options) as channel:
        yield Peer(channel, server)
    await server.stop(0)
    pool.close(5)


def run(main: Awaitable[Any]) -> Any:  # noqa: ANN401 - whatever the test returns
    async def bounded() -> Any:  # noqa: ANN401 - the same
        return await asyncio.wait_for(main, 30)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(bounded())


def exchanged(
    folder: Path,
    exchange: object,
    *messages: bytes,
    **options: Any,  # noqa: ANN401 - those of serving
) -> tuple[list[bytes], grpc.StatusCode]:
    """Run one stream against one exchange to its end."""

    async def main() -> tuple[list[bytes], grpc.StatusCode]:
        async with serving(folder, Factory([exchange]), **options) as peer:
            return await peer.talk(*messages)

    result: tuple[list[bytes], grpc.StatusCode] = run(main())
    return result


@pytest.mark.parametrize("heavy", [False, True], ids=["inline", "in_thread"])
def test_events_come_in_order_and_replies_go_out_in_order(
    socket_folder: Path, scripted: Scripted, heavy: bool
) -> None:
    pieces = [b"%d" % number for number in range(50)]
    echo = [
        lambda event: [StreamedReply(Direction.REQUEST, event.chunk), StreamedReply(Direction.REQUEST, b"-")]
    ]
    exchange = scripted([[CONTINUE], *echo * 50], heavy=heavy)
    answers, code = exchanged(socket_folder, exchange, HEADERS, *map(body, pieces))
    assert code is grpc.StatusCode.OK
    assert [event.chunk for event in exchange.events[1:]] == pieces
    expected = [reply for piece in pieces for reply in (piece, b"-")]
    assert answers == wire(CONTINUE, *(StreamedReply(Direction.REQUEST, piece) for piece in expected))
    assert all(name.startswith("heavy") == heavy for name in exchange.threads)


def test_exchange_begins_with_the_modes_of_the_first_message(socket_folder: Path, scripted: Scripted) -> None:
    factory = Factory([scripted([[CONTINUE]])])

    async def main() -> None:
        async with serving(socket_folder, factory) as peer:
            await peer.talk(HEADERS)

    run(main())
    assert factory.modes == [MODES]


def test_clean_end_only_when_envoy_closed_and_nothing_is_owed(
    socket_folder: Path, scripted: Scripted
) -> None:
    assert exchanged(socket_folder, scripted([[CONTINUE]]), HEADERS) == (wire(CONTINUE), grpc.StatusCode.OK)


def test_half_close_while_owing_is_an_abort(socket_folder: Path, scripted: Scripted) -> None:
    answers, code = exchanged(socket_folder, scripted([[CONTINUE]], owing=True), HEADERS)
    assert (answers, code) == (wire(CONTINUE), grpc.StatusCode.ABORTED)


def test_stream_without_a_single_event_is_never_ended_cleanly(
    socket_folder: Path, scripted: Scripted
) -> None:
    assert exchanged(socket_folder, scripted([])) == ([], grpc.StatusCode.ABORTED)


def test_stream_stays_open_as_long_as_envoy_keeps_it_open(socket_folder: Path, scripted: Scripted) -> None:
    async def main() -> None:
        async with serving(
            socket_folder, Factory([scripted([[CONTINUE], [BodyReply(Direction.REQUEST, None)]])])
        ) as peer:
            call = peer.call()
            await call.write(HEADERS)
            assert await call.read() == wire(CONTINUE)[0]
            await asyncio.sleep(0.3)
            assert not call.done()
            await call.write(body(b"{}", last=True))
            assert await call.read() == wire(BodyReply(Direction.REQUEST, None))[0]
            await call.done_writing()
            assert await call.read() is grpc.aio.EOF
            assert await call.code() is grpc.StatusCode.OK

    run(main())


ERRORS = [
    pytest.param(StreamBroken(f"after {ORIGINAL}"), grpc.StatusCode.INVALID_ARGUMENT, id="stream_broken"),
    pytest.param(ResponseUnsafe(f"at {ORIGINAL}"), grpc.StatusCode.DATA_LOSS, id="response_unsafe"),
    pytest.param(RequestRefused(400, ORIGINAL), grpc.StatusCode.INTERNAL, id="refusal_that_was_not_answered"),
    pytest.param(KeyError(ORIGINAL), grpc.StatusCode.INTERNAL, id="key_error"),
    pytest.param(TimeoutError(ORIGINAL), grpc.StatusCode.INTERNAL, id="a_timeout_of_its_own"),
    pytest.param(StopIteration(ORIGINAL), grpc.StatusCode.INTERNAL, id="what_asyncio_cannot_carry"),
    pytest.param(MemoryError(ORIGINAL), grpc.StatusCode.INTERNAL, id="memory_error"),
    pytest.param(RecursionError(ORIGINAL), grpc.StatusCode.INTERNAL, id="recursion_error"),
    pytest.param(
        UnicodeEncodeError("utf-8", ORIGINAL, 0, 1, ORIGINAL), grpc.StatusCode.INTERNAL, id="unicode_error"
    ),
]


@pytest.mark.parametrize("heavy", [False, True], ids=["inline", "in_thread"])
@pytest.mark.parametrize(("error", "code"), ERRORS)
def test_an_error_aborts_with_its_code_and_its_text_goes_nowhere(
    socket_folder: Path,
    scripted: Scripted,
    error: Exception,
    code: grpc.StatusCode,
    heavy: bool,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)

    async def main() -> str:
        async with serving(socket_folder, Factory([scripted([[CONTINUE], error], heavy=heavy)])) as peer:
            call = peer.call()
            await call.write(HEADERS)
            await call.write(body(ORIGINAL.encode()))
            with pytest.raises(grpc.aio.AioRpcError):
                async for _ in call:
                    pass
            assert await call.code() is code
            details: str = await call.details()
            return details

    with structlog.testing.capture_logs() as lines:
        details = run(main())
    written = "".join(capfd.readouterr())
    for text in (details, caplog.text, written, repr(lines)):
        assert ORIGINAL not in text
    (line,) = [line for line in lines if line["log_level"] == "warning"]
    name = "RuntimeError" if isinstance(error, StopIteration) else type(error).__name__
    assert (line["code"], line["error"], line["events"]) == (code.name, name, 2)
    assert line["at"].startswith("sidecar/extproc/")


@pytest.mark.parametrize(
    "garbage",
    [
        pytest.param(b"\xff" * 100, id="no_protobuf"),
        pytest.param(b"", id="no_part"),
        pytest.param(
            ProcessingRequest(request_body=HttpBody(), observability_mode=True).SerializeToString(),
            id="observability_mode",
        ),
    ],
)
@pytest.mark.parametrize("before", [[], [HEADERS]], ids=["first", "later"])
def test_garbage_aborts_the_stream(
    socket_folder: Path, scripted: Scripted, before: list[bytes], garbage: bytes
) -> None:
    exchange = scripted([[CONTINUE]])
    answers, code = exchanged(socket_folder, exchange, *before, garbage)
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert answers == wire(*[CONTINUE] * len(before))
    assert len(exchange.events) == len(before)


def test_a_reply_that_cannot_be_encoded_aborts_the_stream(socket_folder: Path, scripted: Scripted) -> None:
    answers, code = exchanged(socket_folder, scripted([[Refusal(200, b"")]]), HEADERS)
    assert (answers, code) == ([], grpc.StatusCode.INTERNAL)


def test_a_factory_that_fails_aborts_the_stream(socket_folder: Path) -> None:
    async def main() -> grpc.StatusCode:
        async with serving(socket_folder, Factory([])) as peer:
            return (await peer.talk(HEADERS))[1]

    assert run(main()) is grpc.StatusCode.INTERNAL


def test_after_a_refusal_what_was_on_its_way_is_dropped_and_the_end_is_clean(
    socket_folder: Path, scripted: Scripted
) -> None:
    refusal = Refusal(413, b"{}")
    exchange = scripted([[refusal], StreamBroken("late")], owing=True)
    answers, code = exchanged(socket_folder, exchange, HEADERS, body(b"a"), body(b"b", last=True))
    assert (answers, code) == (wire(refusal), grpc.StatusCode.OK)
    assert len(exchange.events) == 1


def test_watchdog_aborts_slow_work_and_leaves_the_loop_free(socket_folder: Path, scripted: Scripted) -> None:
    release = threading.Event()

    def stuck(_event: object) -> list[Reply]:
        release.wait(10)
        return [CONTINUE]

    async def main() -> None:
        slow = scripted([stuck], heavy=True, owing=True)
        async with serving(socket_folder, Factory([slow, scripted([[CONTINUE]])]), watchdog=0.5) as peer:
            started = time.monotonic()
            watched = asyncio.create_task(peer.talk(HEADERS, half_close=False))
            await asyncio.sleep(0.1)
            assert (await peer.talk(HEADERS))[1] is grpc.StatusCode.OK
            assert time.monotonic() - started < 0.4
            assert await watched == ([], grpc.StatusCode.DEADLINE_EXCEEDED)
            assert 0.4 < time.monotonic() - started < 5
            release.set()

    run(main())


def test_work_that_waits_for_a_thread_is_watched_too_and_never_begins_late(
    socket_folder: Path, scripted: Scripted
) -> None:
    release = threading.Event()
    first = scripted([lambda _: release.wait(10) and []], heavy=True, owing=True)
    second = scripted([[CONTINUE]], heavy=True, owing=True)

    async def main() -> list[grpc.StatusCode]:
        async with serving(socket_folder, Factory([first, second]), threads=1, watchdog=0.4) as peer:
            codes = await asyncio.gather(*(peer.talk(HEADERS, half_close=False) for _ in range(2)))
            release.set()
            return [code for _, code in codes]

    assert run(main()) == [grpc.StatusCode.DEADLINE_EXCEEDED] * 2
    assert len(first.events) + len(second.events) == 1


@pytest.mark.parametrize("heavy", [False, True], ids=["waiting_for_events", "in_thread"])
def test_a_peer_that_goes_away_is_quiet(
    socket_folder: Path, scripted: Scripted, heavy: bool, caplog: pytest.LogCaptureFixture
) -> None:
    release = threading.Event()
    caplog.set_level(logging.INFO)
    script = [lambda _: (release.wait(10) if heavy else None) or [CONTINUE]]
    exchange = scripted(script, heavy=heavy, owing=True)

    async def main() -> None:
        async with serving(socket_folder, Factory([exchange])) as peer:
            call = peer.call()
            await call.write(HEADERS)
            await asyncio.sleep(0.2)
            call.cancel()
            await asyncio.sleep(0.2)
            assert exchange.cancelled, "its thread would go on for nobody"
            release.set()
            await asyncio.sleep(0.2)

    with structlog.testing.capture_logs() as lines:
        run(main())
    assert {line["log_level"] for line in lines} == {"debug"}
    assert not caplog.records


def test_a_peer_that_goes_away_while_answers_wait_for_room_is_quiet(
    socket_folder: Path, scripted: Scripted, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    flood = [StreamedReply(Direction.REQUEST, b"x" * MIB)] * 64

    async def main() -> None:
        async with serving(socket_folder, Factory([scripted([flood], owing=True)])) as peer:
            async with grpc.aio.insecure_channel(f"unix:{socket_folder}/s") as short_lived:
                call = short_lived.stream_stream(f"/{SERVICE_NAME}/Process")()
                await call.write(HEADERS)
                await asyncio.sleep(0.3)
            await asyncio.sleep(0.3)
            assert (await peer.talk())[1] is grpc.StatusCode.ABORTED

    with structlog.testing.capture_logs() as lines:
        run(main())
    assert {line["log_level"] for line in lines} == {"debug"}
    assert "replies" in lines[0]
    assert lines[0]["replies"] < 64
    assert not caplog.records


@pytest.mark.parametrize("size", [0, 1, MIB, 32 * MIB])
def test_bodies_up_to_the_limit_cross_unchanged(socket_folder: Path, scripted: Scripted, size: int) -> None:
    content = bytes(range(256)) * (size // 256) + b"x" * (size % 256)

    def echo(event: Body) -> list[Reply]:
        return [BodyReply(Direction.REQUEST, event.chunk)]

    answers, code = exchanged(
        socket_folder, scripted([[CONTINUE], echo], heavy=True), HEADERS, body(content, last=True)
    )
    assert code is grpc.StatusCode.OK
    assert answers == wire(CONTINUE, BodyReply(Direction.REQUEST, content))


@pytest.mark.parametrize("before", [[], [HEADERS]], ids=["first", "later"])
def test_a_message_above_the_limit_never_ends_cleanly(
    socket_folder: Path, scripted: Scripted, before: list[bytes]
) -> None:
    exchange = scripted([[CONTINUE]])
    _, code = exchanged(socket_folder, exchange, *before, body(b"x" * MIB), limit=MIB // 2)
    assert code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert len(exchange.events) == len(before)


def test_two_hundred_streams_at_once_keep_to_themselves(socket_folder: Path, scripted: Scripted) -> None:
    def exchange(_modes: BodyModes) -> ExchangeLike:
        def echo(event: Body) -> list[Reply]:
            return [StreamedReply(Direction.REQUEST, event.chunk, event.end_of_stream)]

        made: ExchangeLike = scripted([[CONTINUE], *[echo] * 5], heavy=True)
        return made

    async def one(peer: Peer, number: int) -> None:
        call = peer.call()
        await call.write(HEADERS)
        assert await call.read() == wire(CONTINUE)[0]
        for turn in range(5):
            content = b"%d/%d" % (number, turn)
            await call.write(body(content))
            assert await call.read() == wire(StreamedReply(Direction.REQUEST, content))[0]
        await call.done_writing()
        assert await call.code() is grpc.StatusCode.OK

    async def main() -> None:
        async with serving(socket_folder, exchange) as peer:
            await asyncio.gather(*(one(peer, number) for number in range(200)))

    run(main())


def test_stopping_lets_open_streams_finish(socket_folder: Path, scripted: Scripted) -> None:
    async def main() -> None:
        exchange = scripted([[CONTINUE], [BodyReply(Direction.REQUEST, b"{}")]])
        async with serving(socket_folder, Factory([exchange])) as peer:
            call = peer.call()
            await call.write(HEADERS)
            await call.read()
            stopping = asyncio.create_task(peer.server.stop(20))
            await asyncio.sleep(0.2)
            await call.write(body(b"", last=True))
            assert await call.read() == wire(BodyReply(Direction.REQUEST, b"{}"))[0]
            await call.done_writing()
            assert await call.code() is grpc.StatusCode.OK
            await asyncio.wait_for(stopping, 5)

    run(main())


def test_a_request_that_cannot_be_taken_on_is_refused_at_once_and_the_next_one_is_served(
    socket_folder: Path, scripted: Scripted
) -> None:
    begun, release = threading.Event(), threading.Event()
    first = scripted([lambda _: begun.set() or (release.wait(10) and [CONTINUE])], heavy=True, size=10)
    second = scripted([[CONTINUE]], heavy=True, owing=True, size=10)
    third = scripted([[CONTINUE]], heavy=True, size=10)

    async def main() -> None:
        admission = Admission(most=1)
        async with serving(socket_folder, Factory([first, second, third]), admission=admission) as peer:
            call = peer.call()
            await call.write(HEADERS)
            assert await asyncio.to_thread(begun.wait, 10)
            refused = Refusal(503, b"busy", (("retry-after", "1"),))
            assert await peer.talk(HEADERS) == (wire(refused), grpc.StatusCode.OK)
            assert not second.events
            release.set()
            assert await call.read() == wire(CONTINUE)[0]
            assert await peer.talk(HEADERS) == (wire(CONTINUE), grpc.StatusCode.OK)

    run(main())


def test_a_request_that_waited_for_a_thread_for_too_long_does_not_begin(
    socket_folder: Path, scripted: Scripted
) -> None:
    slow = [scripted([lambda _: time.sleep(0.3) or [CONTINUE]], heavy=True, size=1) for _ in range(2)]

    async def main() -> list[list[bytes]]:
        admission = Admission(seconds=0.1)
        async with serving(socket_folder, Factory([*slow]), threads=1, admission=admission) as peer:
            return [answers for answers, _ in await asyncio.gather(peer.talk(HEADERS), peer.talk(HEADERS))]

    refused = wire(Refusal(503, b"busy", (("retry-after", "1"),)))
    assert sorted(run(main())) == sorted([wire(CONTINUE), refused])
    assert sum(len(each.events) for each in slow) == 1


def test_what_needs_no_thread_is_served_however_many_wait_for_one(
    socket_folder: Path, scripted: Scripted
) -> None:
    async def main() -> None:
        admission = Admission(most=0)
        async with serving(
            socket_folder, Factory([scripted([[CONTINUE]], size=5)]), admission=admission
        ) as peer:
            assert await peer.talk(HEADERS) == (wire(CONTINUE), grpc.StatusCode.OK)

    run(main())


def test_an_answer_is_restored_however_much_there_is_to_do(socket_folder: Path, scripted: Scripted) -> None:
    exchange = scripted([[CONTINUE]], heavy=True, size=0)

    async def main() -> None:
        admission = Admission(most=0)
        async with serving(socket_folder, Factory([exchange]), admission=admission) as peer:
            assert await peer.talk(HEADERS) == (wire(CONTINUE), grpc.StatusCode.OK)

    run(main())


def test_a_ping_is_answered_among_a_burst_of_requests_that_need_no_thread(
    socket_folder: Path, scripted: Scripted
) -> None:
    streams = range(1, 121, 2)
    block = encode_fields(
        [
            (b":method", b"POST"),
            (b":path", f"/{SERVICE_NAME}/Process".encode()),
            (b"content-type", b"application/grpc"),
        ]
    )
    content = b"\0" + len(HEADERS).to_bytes(4, "big") + HEADERS
    ping = b"8 bytes!"

    def envoy() -> bytes:
        """Return all that came until every stream had ended."""
        with socket.socket(socket.AF_UNIX) as peer:
            peer.settimeout(20)
            peer.connect(f"{socket_folder}/s")
            calls = (frame(1, 4, each, block) + frame(0, 1, each, content) for each in streams)
            peer.sendall(PREFACE + settings_frame({}) + b"".join(calls))
            received = peer.recv(1 << 16)
            peer.sendall(frame(6, 0, 0, ping))
            while received.count(b"grpc-status") < len(streams):
                received += peer.recv(1 << 16)
            return received

    def exchange(_modes: BodyModes) -> ExchangeLike:
        made: ExchangeLike = scripted([lambda _: time.sleep(0.01) or [CONTINUE]], size=1)
        return made

    async def main() -> bytes:
        async with serving(socket_folder, exchange, admission=Admission(seconds=60)):
            return await asyncio.to_thread(envoy)

    before, found, after = run(main()).partition(ping)
    assert found
    assert after.count(b"grpc-status") > before.count(b"grpc-status")
