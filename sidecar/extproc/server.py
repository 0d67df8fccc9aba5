"""One worker's gRPC server: ext_proc, Masking, health and reflection on one event loop.

Import it only after the fork: it loads gRPC. It serves until SIGTERM or SIGINT, then drains; the same
signal again ends the process at once.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import grpc
import structlog
import uvloop
from grpc_reflection.v1alpha import reflection

from sidecar.errors import ConfigError
from sidecar.extproc import masking, service
from sidecar.extproc.conversation_store import open_store
from sidecar.extproc.failure import described
from sidecar.extproc.health import Health
from sidecar.extproc.heavy_pool import HeavyPool
from sidecar.extproc.listen import (
    Address,
    TlsFiles,
    UnixAddress,
    check_exposure,
    claim,
    parse_address,
)
from sidecar.model import BodyModes

MESSAGE_SLACK = 8 * 1024 * 1024  # bytes around a body, and what Envoy buffers above its limit
HEARTBEAT_SECONDS = 0.5
THREAD_SECONDS = 1.0  # for work that was given up on to end by itself, after the drain

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """What a worker needs to serve; sizes in bytes, times in seconds.

    ``listen``, ``health_listen``: ``unix:PATH``, ``HOST:PORT`` or ``[IPV6]:PORT``; the latter answers
    health probes only, from anywhere and without TLS. ``body_limit`` is the largest body that Envoy
    sends in one message. ``watchdog_seconds`` must exceed what detection allows itself.
    ``conversation_store``: ``off``, ``memory`` or the URL of a Valkey or Redis server.
    """

    listen: str
    health_listen: str | None = None
    insecure: bool = False
    tls: TlsFiles | None = None
    body_limit: int = 32 * 1024 * 1024
    heavy_threads: int = 8  # most of them wait for the one NER thread
    watchdog_seconds: float = 25.0
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
        health = Health((service.SERVICE_NAME,))
        server = grpc.aio.server(options=_channel_options(self._options.body_limit))
        store = open_store(self._options.conversation_store)
        handlers = (
            service.ExternalProcessor(new_exchange, self._pool, store).handler(),
            masking.Masking(mask, self._pool).handler(),
        )
        server.add_generic_rpc_handlers(handlers)
        health.add_to(server)
        reflection.enable_server_reflection(_service_names(), server)
        _bind(server, self._address, self._options.tls)
        servers = [server, *_health_only(self._options.health_listen, health)]
        self._handle_signals(stop)
        await health.report(serving=True)
        for each in servers:
            await each.start()
        log.info("serving")
        pulse = asyncio.create_task(self._beat(health, stop))
        await stop.wait()
        log.info("draining", seconds=self._options.drain_seconds)
        await health.stop()
        await server.stop(self._options.drain_seconds)
        for each in servers[1:]:
            await each.stop(None)
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

    async def _beat(self, health: Health, stop: asyncio.Event) -> None:
        while True:
            exhausted = self._pool.exhausted
            await health.report(serving=not exhausted)
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


def _service_names() -> tuple[str, ...]:
    return (
        service.SERVICE_NAME,
        masking.SERVICE_NAME,
        "grpc.health.v1.Health",
        reflection.SERVICE_NAME,
    )


def _channel_options(body_limit: int) -> list[tuple[str, int]]:
    return [
        ("grpc.max_receive_message_length", body_limit + MESSAGE_SLACK),
        ("grpc.max_send_message_length", -1),  # tokens may be longer than what they stand for
        ("grpc.max_concurrent_streams", 1_000_000),
        ("grpc.so_reuseport", 0),  # two servers on one port would share it silently
        # Envoy pings every second to notice a frozen worker; the defaults would call that abuse.
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.min_recv_ping_interval_without_data_ms", 100),
        ("grpc.http2.max_ping_strikes", 0),
        # A peer that vanished must not keep exchanges, and the originals in them, alive.
        ("grpc.keepalive_time_ms", 30_000),
        ("grpc.keepalive_timeout_ms", 10_000),
        ("grpc.http2.max_pings_without_data", 0),
    ]


def _health_only(listen: str | None, health: Health) -> list[grpc.aio.Server]:
    """Return the server that answers kubelet, which cannot reach a Unix socket; or none."""
    if listen is None:
        return []
    server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    health.add_to(server)
    _bind(server, parse_address(listen), None)
    return [server]


def _bind(server: grpc.aio.Server, address: Address, tls: TlsFiles | None) -> None:
    claim(address)
    with _owner_only(address):
        try:
            if tls is None:
                server.add_insecure_port(str(address))
            else:
                server.add_secure_port(str(address), _credentials(tls))
        except RuntimeError as exc:
            raise ConfigError(f"listen address {address}: cannot be bound") from exc


@contextmanager
def _owner_only(address: Address) -> Iterator[None]:
    """Give a socket file mode 0600 from its first moment on."""
    if not isinstance(address, UnixAddress):
        yield
        return
    previous = os.umask(0o177)
    try:
        yield
    finally:
        os.umask(previous)


def _credentials(tls: TlsFiles) -> grpc.ServerCredentials:
    cert, key, client_ca = tls.read()
    return grpc.ssl_server_credentials(
        [(key, cert)], root_certificates=client_ca, require_client_auth=client_ca is not None
    )
