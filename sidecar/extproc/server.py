"""One worker's gRPC server: ext_proc, Masking, health and reflection on one event loop.

It serves until SIGTERM or SIGINT, then drains; the same signal again ends the process at once.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import structlog
import uvloop

from sidecar.errors import ConfigError
from sidecar.extproc import health, masking, reflecting, service
from sidecar.extproc.admission import Admission
from sidecar.extproc.conversation_store import open_store
from sidecar.extproc.failure import described
from sidecar.extproc.heavy_pool import HeavyPool
from sidecar.extproc.listen import (
    Address,
    TlsFiles,
    UnixAddress,
    check_exposure,
    claim,
    parse_address,
)
from sidecar.extproc.rpc.server import RpcServer
from sidecar.model import BodyModes

MESSAGE_SLACK = 8 * 1024 * 1024  # bytes around a body, and what Envoy buffers above its limit
PROBE_BYTES = 64 * 1024  # of one message that asks for health
PROBE_STREAMS = 100  # of strangers that ask
PROBE_CONNECTIONS = 100  # lest they take all the files that a process may open
HEARTBEAT_SECONDS = 0.5
# How soon a thread with a long text lets the event loop go on, a few times for each message.
SWITCH_SECONDS = 0.0005
THREAD_SECONDS = 1.0  # for work that was given up on to end by itself, after the drain
SERVICE_NAMES = (service.SERVICE_NAME, masking.SERVICE_NAME, health.SERVICE_NAME, reflecting.SERVICE_NAME)

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """What a worker needs to serve; sizes in bytes, times in seconds.

    ``listen``, ``health_listen``: ``unix:PATH``, ``HOST:PORT`` or ``[IPV6]:PORT``; the latter answers
    health probes only, from anywhere and without TLS. ``body_limit`` is the largest body that Envoy
    sends in one message. ``watchdog_seconds`` must exceed what detection allows itself.
    More than ``queue_requests`` at once, or what would begin later than ``queue_seconds``, is turned away.
    ``conversation_store``: ``off``, ``memory`` or the URL of a Valkey or Redis server.
    """

    listen: str
    health_listen: str | None = None
    insecure: bool = False
    tls: TlsFiles | None = None
    body_limit: int = 32 * 1024 * 1024
    heavy_threads: int = 8  # most of them wait for the one NER thread
    watchdog_seconds: float = 25.0
    queue_requests: int = 64
    queue_seconds: float = 2.0
    drain_seconds: float = 30.0
    conversation_store: str = "off"


def run_server(
    options: ServerOptions,
    new_exchange: Callable[[BodyModes], service.ExchangeLike],
    mask: masking.Mask,
    *,
    heartbeat: Callable[[], None] | None = None,
) -> None:
    """Serve until told to stop, in the main thread of a process of its own.

    Args:
        options: Where and how.
        new_exchange: Begins the exchange of one stream.
        mask: Masks a text under a policy; KeyError: no such policy.
        heartbeat: Called from the event loop every ``HEARTBEAT_SECONDS`` once the server listens, unless
            all heavy threads are stuck. If it raises, nobody watches any more: the server drains.

    Raises:
        ConfigError: The options contradict each other, or an address cannot be used.
    """
    address = parse_address(options.listen)
    check_exposure(address, options.tls, insecure=options.insecure)
    sys.setswitchinterval(SWITCH_SECONDS)
    pool = HeavyPool(options.heavy_threads, options.watchdog_seconds)
    worker = _Worker(options, address, pool, heartbeat)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(worker.run(new_exchange, mask))
    if not pool.close(THREAD_SECONDS):
        # Python would wait for the threads at exit, and one of them may never end.
        log.warning("threads_left_behind")
        os._exit(1)


class _Worker:
    """The servers, the signals and the heartbeat of one process."""

    def __init__(
        self,
        options: ServerOptions,
        address: Address,
        pool: HeavyPool,
        heartbeat: Callable[[], None] | None,
    ) -> None:
        self._options = options
        self._address = address
        self._pool = pool
        self._heartbeat = heartbeat
        self._signals: set[int] = set()

    async def run(
        self, new_exchange: Callable[[BodyModes], service.ExchangeLike], mask: masking.Mask
    ) -> None:
        """Listen, serve, drain."""
        stop = asyncio.Event()
        store = open_store(self._options.conversation_store)
        admission = Admission(self._options.queue_requests, self._options.queue_seconds)
        vital = health.Health((service.SERVICE_NAME,))
        services = (
            service.ExternalProcessor(new_exchange, self._pool, store, admission),
            masking.Masking(mask, self._pool, admission),
            reflecting.Reflection(SERVICE_NAMES, self._pool),
            vital,
        )
        handlers = {path: handler for each in services for path, handler in each.handlers().items()}
        server = RpcServer(handlers, self._options.body_limit + MESSAGE_SLACK)
        # By kubelet, which cannot reach a Unix socket.
        probed = RpcServer(vital.handlers(), PROBE_BYTES, PROBE_STREAMS, PROBE_CONNECTIONS)
        self._handle_signals(stop)
        vital.report(serving=True)
        try:
            await _listen(server, self._address, self._options.tls)
            if self._options.health_listen is not None:
                await _listen(probed, parse_address(self._options.health_listen), None)
        except ConfigError:
            await server.stop(0)
            raise
        log.info("serving")
        pulse = asyncio.create_task(self._beat(vital, stop))
        await stop.wait()
        log.info("draining", seconds=self._options.drain_seconds)
        vital.stop()
        await server.stop(self._options.drain_seconds)
        await probed.stop(0)
        if store is not None:
            await store.close()
        pulse.cancel()
        log.info("stopped")

    def _handle_signals(self, stop: asyncio.Event) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._on_signal, number, stop)

    def _on_signal(self, number: signal.Signals, stop: asyncio.Event) -> None:
        # Counted one by one: Ctrl-C reaches the whole process group, and our parent adds a SIGTERM.
        if number in self._signals:
            os._exit(128 + number)
        self._signals.add(number)
        stop.set()

    async def _beat(self, vital: health.Health, stop: asyncio.Event) -> None:
        while True:
            exhausted = self._pool.exhausted
            vital.report(serving=not exhausted)
            if exhausted:
                log.error("threads_exhausted")
            elif self._heartbeat is not None:
                try:
                    self._heartbeat()
                except Exception as exc:  # noqa: BLE001 - whatever it is, the watcher is gone
                    log.error("heartbeat_failed", **described(exc))  # noqa: TRY400 - no text of exceptions
                    stop.set()
                    return
            await asyncio.sleep(HEARTBEAT_SECONDS)


async def _listen(server: RpcServer, address: Address, tls: TlsFiles | None) -> None:
    claim(address)
    try:
        if isinstance(address, UnixAddress):
            with _owner_only():
                await server.listen_unix(address.path)
        else:
            await server.listen_tcp(address.host, address.port, tls.context() if tls else None)
    except OSError as exc:
        raise ConfigError(f"listen address {address}: cannot be bound") from exc


@contextmanager
def _owner_only() -> Iterator[None]:
    """Give a socket file mode 0600 from its first moment on."""
    previous = os.umask(0o177)
    try:
        yield
    finally:
        os.umask(previous)
