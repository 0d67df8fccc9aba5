"""The stores, each against the same rules, Redis with a real server; and what the service does with them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
import uvloop

from sidecar.errors import ConfigError
from sidecar.extproc import conversation_store
from sidecar.extproc.codec import encode
from sidecar.extproc.conversation_store import (
    ConversationStore,
    MemoryStore,
    RedisStore,
    StoreUnavailable,
    open_store,
)
from sidecar.extproc.heavy_pool import HeavyPool
from sidecar.extproc.pb.envoy.service.ext_proc.v3.external_processor_pb2 import HttpHeaders, ProcessingRequest
from sidecar.extproc.rpc.server import RpcServer
from sidecar.extproc.service import SERVICE_NAME, ExternalProcessor
from sidecar.model import BodyModes, Direction, HeadersReply, Keep, Recall, Recalled, Refusal, Reply

Scripted = Callable[..., Any]
CONTINUE = HeadersReply(Direction.REQUEST)
HEADERS = ProcessingRequest(request_headers=HttpHeaders()).SerializeToString()


def run(main: Coroutine[Any, Any, None]) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(asyncio.wait_for(main, 20))


@asynccontextmanager
async def opened(where: str) -> AsyncIterator[ConversationStore]:
    store = open_store(where)
    assert store is not None
    try:
        yield store
    finally:
        await store.close()


@pytest.fixture(params=["memory", "redis"])
def where(request: pytest.FixtureRequest) -> str:
    return "memory" if request.param == "memory" else request.getfixturevalue("redis_url")


def test_what_is_kept_is_found_under_its_key_alone(where: str) -> None:
    async def main() -> None:
        async with opened(where) as store:
            await store.put([Keep(b"\x00one", b"\xff1", 60), Keep(b"two", b"2", 60)])
            await store.put([Keep(b"two", b"3", 60)])
            assert await store.get([b"two", b"three", b"\x00one"]) == (b"3", None, b"\xff1")

    run(main())


def test_what_is_kept_expires(where: str) -> None:
    async def main() -> None:
        async with opened(where) as store:
            await store.put([Keep(b"brief", b"1", 1), Keep(b"long", b"2", 60)])
            assert await store.get([b"brief"]) == (b"1",)
            await asyncio.sleep(1.2)
            assert await store.get([b"brief", b"long"]) == (None, b"2")

    run(main())


def test_keeping_again_starts_the_time_anew() -> None:
    now = [0.0]
    store = MemoryStore(clock=lambda: now[0])

    async def main() -> None:
        await store.put([Keep(b"k", b"1", 10)])
        now[0] = 9.0
        await store.put([Keep(b"k", b"1", 10)])
        now[0] = 18.0
        assert await store.get([b"k"]) == (b"1",)
        now[0] = 19.0
        assert await store.get([b"k"]) == (None,)

    run(main())


def test_memory_is_bounded_and_what_was_used_last_stays() -> None:
    store = MemoryStore(limit=100)

    async def main() -> None:
        for name in (b"a", b"b", b"c"):
            await store.put([Keep(name, bytes(30), 60)])
        await store.get([b"a"])
        await store.put([Keep(b"d", bytes(30), 60)])
        found = await store.get([b"a", b"b", b"c", b"d"])
        assert [each is not None for each in found] == [True, False, True, True]
        await store.put([Keep(b"huge", bytes(101), 60)])
        assert await store.get([b"huge"]) == (None,)

    run(main())


def test_what_has_expired_leaves_memory_though_nobody_asks_for_it() -> None:
    now = [0.0]
    store = MemoryStore(clock=lambda: now[0])

    async def main() -> None:
        await store.put([Keep(b"old", b"1", 10)])
        now[0] = 100.0
        await store.put([Keep(b"new", b"1", 10)])
        assert list(store._kept) == [b"new"]

    run(main())


def test_off_is_no_store() -> None:
    assert open_store("off") is None


def test_a_url_that_cannot_be_read_is_told_without_its_password() -> None:
    with pytest.raises(ConfigError) as caught:
        open_store("redis://:secret@h:port/0")
    assert "secret" not in str(caught.value)


def test_a_server_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    async def main() -> None:
        async with opened(f"unix://{tmp_path}/none") as store:
            with pytest.raises(StoreUnavailable):
                await store.get([b"k"])
            with pytest.raises(StoreUnavailable):
                await store.put([Keep(b"k", b"1", 60)])

    run(main())


def test_a_server_that_says_nothing_is_unavailable_in_time(
    socket_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversation_store, "ANSWER_SECONDS", 0.3)

    async def main() -> None:
        async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read()
            writer.close()

        server = await asyncio.start_unix_server(silent, socket_folder / "s")
        started = time.monotonic()
        async with opened(f"unix://{socket_folder}/s") as store:
            with pytest.raises(StoreUnavailable):
                await store.get([b"k"])
        assert time.monotonic() - started < 5
        server.close()

    run(main())


def test_valkey_is_redis_by_another_name() -> None:
    async def main() -> None:
        store = RedisStore("valkeys://valkey.example.com:7000/2")
        parameters = store._client.connection_pool.connection_kwargs
        assert (parameters["host"], parameters["port"], parameters["db"]) == ("valkey.example.com", 7000, 2)
        await store.close()

    run(main())


# --- the service -----------------------------------------------------------------------------------


class Broken:
    """A store that is never there."""

    async def get(self, keys: object) -> Any:  # noqa: ANN401 - never returns
        del keys
        raise StoreUnavailable

    async def put(self, keeps: object) -> None:
        del keeps
        raise StoreUnavailable

    async def close(self) -> None:
        pass


def exchanged(
    folder: Path, exchange: object, store: ConversationStore | None
) -> tuple[list[bytes], grpc.StatusCode]:
    """Run one stream of one message; return the answers and the final status."""
    result: list[Any] = []

    async def main() -> None:
        pool = HeavyPool(1, 10)
        processor = ExternalProcessor(lambda _: exchange, pool, store)  # type: ignore[arg-type, return-value]
        server = RpcServer(processor.handlers(), 1024 * 1024)
        await server.listen_unix(folder / "s")
        async with grpc.aio.insecure_channel(f"unix:{folder}/s") as channel:
            call = channel.stream_stream(f"/{SERVICE_NAME}/Process")()
            await call.write(HEADERS)
            await call.done_writing()
            result.extend([[answer async for answer in call], await call.code()])
        await server.stop(0)
        pool.close(1)

    run(main())
    return result[0], result[1]


def wire(*replies: Reply) -> list[bytes]:
    return [encode(reply, BodyModes()) for reply in replies]  # type: ignore[arg-type]


@pytest.mark.parametrize("heavy", [False, True], ids=["inline", "in_thread"])
def test_a_recall_is_answered_before_anything_else(
    socket_folder: Path, scripted: Scripted, heavy: bool
) -> None:
    store = MemoryStore()
    run(store.put([Keep(b"k", b"1", 60)]))
    exchange = scripted([[Recall((b"k", b"none"))], [CONTINUE]], heavy=heavy)
    assert exchanged(socket_folder, exchange, store) == (wire(CONTINUE), grpc.StatusCode.OK)
    assert exchange.events[1:] == [Recalled((b"1", None))]


def test_what_is_to_be_kept_is_kept_and_never_sent(socket_folder: Path, scripted: Scripted) -> None:
    store = MemoryStore()
    exchange = scripted([[Keep(b"k", b"1", 60), CONTINUE, Keep(b"l", b"2", 60)]])
    assert exchanged(socket_folder, exchange, store) == (wire(CONTINUE), grpc.StatusCode.OK)
    assert len(store._kept) == 2


@pytest.mark.parametrize("store", [None, Broken()], ids=["none", "broken"])
def test_a_recall_without_a_store_tells_the_exchange_so(
    socket_folder: Path, scripted: Scripted, store: ConversationStore | None
) -> None:
    refusal = Refusal(503, b"{}")
    exchange = scripted([[Recall((b"k",))], [refusal]])
    assert exchanged(socket_folder, exchange, store) == (wire(refusal), grpc.StatusCode.OK)
    assert exchange.events[1:] == [Recalled(reachable=False)]


def test_an_answer_goes_on_even_if_it_cannot_be_kept(socket_folder: Path, scripted: Scripted) -> None:
    exchange = scripted([[Keep(b"k", b"1", 60), CONTINUE]])
    assert exchanged(socket_folder, exchange, Broken()) == (wire(CONTINUE), grpc.StatusCode.OK)
