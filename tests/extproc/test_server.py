"""One worker's server, as a real process: sockets, TLS, health, reflection, heartbeat, signals."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
import trustme
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from sidecar.errors import ConfigError
from sidecar.extproc import masking, service
from sidecar.extproc.codec import encode
from sidecar.extproc.pb.envoy.service.ext_proc.v3.external_processor_pb2 import (
    HttpBody,
    HttpHeaders,
    ProcessingRequest,
)
from sidecar.extproc.pb.pii_sidecar.v1.masking_pb2 import HealthReply, HealthRequest
from sidecar.extproc.server import MESSAGE_SLACK, ServerOptions, run_server
from sidecar.model import BodyModes, BodyReply, Direction, HeadersReply

ROOT = Path(__file__).parents[2]
SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
MIB = 1024 * 1024

# A worker: echoes bodies, owes an answer until the last byte, and beats on standard output.
WORKER = """
import json, os, sys, time
from pathlib import Path
import structlog
structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
from sidecar.errors import ConfigError
from sidecar.extproc.listen import TlsFiles
from sidecar.extproc.server import ServerOptions, run_server
from sidecar.model import Body, BodyReply, Direction, HeadersReply

class Echo:
    owes_answer = True
    joins_chunks = False
    def __init__(self, modes): pass
    def is_heavy(self, event): return isinstance(event, Body)
    def work(self, event): return 0
    def cancel(self): pass
    def receive(self, event):
        if not isinstance(event, Body):
            return [HeadersReply(Direction.REQUEST)]
        if event.chunk == b"sleep":
            time.sleep(60)
        self.owes_answer = not event.end_of_stream
        return [BodyReply(Direction.REQUEST, event.chunk)]

options = json.loads(sys.argv[1])
fault = options.pop("fault", None)
tls = options.pop("tls", None)
beats = 0
def heartbeat():
    global beats
    beats += 1
    if fault == "heartbeat" and beats > 1:
        raise BrokenPipeError("ada@example.org")
    if fault == "block" and beats == 2:
        time.sleep(60)
    os.write(1, b".")

try:
    run_server(
        ServerOptions(tls=TlsFiles(*map(Path, tls)) if tls else None, **options),
        Echo, lambda policy, text: text, heartbeat=heartbeat,
    )
except ConfigError as exc:
    sys.exit(f"config: {exc}")
"""


class Worker:
    """A running worker process and what it has said."""

    def __init__(self, environment: dict[str, str] | None = None, **options: Any) -> None:  # noqa: ANN401 - ServerOptions as JSON
        self.process = subprocess.Popen(
            [sys.executable, "-c", WORKER, json.dumps(options)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=ROOT,
            env=os.environ | (environment or {}),
        )

    def beat(self) -> bool:
        """Wait for the next heartbeat; False: there will be none."""
        assert self.process.stdout
        return self.process.stdout.read(1) == b"."

    def ended(self, seconds: float = 15) -> tuple[int, str]:
        """Wait for its end; return exit code and standard error."""
        _, said = self.process.communicate(timeout=seconds)
        return self.process.returncode, said.decode()


@contextmanager
def worker(**options: Any) -> Iterator[Worker]:  # noqa: ANN401 - the same
    running = Worker(**options)
    try:
        yield running
    finally:
        if running.process.poll() is None:
            running.process.kill()
            running.process.communicate()
        for pipe in (running.process.stdout, running.process.stderr):
            if pipe:
                pipe.close()


@contextmanager
def channel(target: str) -> Iterator[grpc.Channel]:
    options = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
    with grpc.insecure_channel(target, options=options) as opened:
        yield opened


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def health(opened: grpc.Channel, name: str = "") -> int:
    stub = health_pb2_grpc.HealthStub(opened)
    status: int = stub.Check(health_pb2.HealthCheckRequest(service=name), timeout=5).status
    return status


HEADERS = ProcessingRequest(request_headers=HttpHeaders()).SerializeToString()
ANSWER = encode(HeadersReply(Direction.REQUEST), BodyModes())


def body(content: bytes) -> bytes:
    return ProcessingRequest(request_body=HttpBody(body=content, end_of_stream=True)).SerializeToString()


def echoed(content: bytes) -> bytes:
    return encode(BodyReply(Direction.REQUEST, content), BodyModes())


class Exchange:
    """An open stream, driven message by message."""

    def __init__(self, opened: grpc.Channel) -> None:
        self._messages: list[bytes] = []
        self._more = threading.Condition()
        self.call = opened.stream_stream(f"/{service.SERVICE_NAME}/Process")(self._outgoing())

    def _outgoing(self) -> Iterator[bytes]:
        while True:
            with self._more:
                self._more.wait_for(lambda: self._messages, 30)
                message = self._messages.pop(0) if self._messages else b""
            if not message:
                return
            yield message

    def send(self, message: bytes) -> None:
        """Send a message; an empty one half-closes."""
        with self._more:
            self._messages.append(message)
            self._more.notify()


def test_socket_is_open_to_its_owner_alone_and_serves(socket_folder: Path) -> None:
    path = socket_folder / "s"
    os.umask(os.umask(0o022))
    with worker(listen=f"unix:{path}") as running:
        assert running.beat()
        mode = path.stat().st_mode
        assert stat.S_ISSOCK(mode)
        assert stat.S_IMODE(mode) == 0o600
        with channel(f"unix:{path}") as opened:
            exchange = Exchange(opened)
            exchange.send(HEADERS)
            assert next(exchange.call) == ANSWER
            exchange.send(body(b"{}"))
            assert next(exchange.call) == echoed(b"{}")
            exchange.send(b"")
            assert exchange.call.code() is grpc.StatusCode.OK


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_loopback_port_serves(host: str) -> None:
    port = free_port()
    with worker(listen=f"{host}:{port}") as running:
        assert running.beat()
        with channel(f"{host}:{port}") as opened:
            assert health(opened) == SERVING


def test_socket_of_a_killed_worker_is_taken_over(socket_folder: Path) -> None:
    path = socket_folder / "s"
    with worker(listen=f"unix:{path}") as first:
        assert first.beat()
        first.process.kill()
        first.process.wait()
    assert path.is_socket()
    with worker(listen=f"unix:{path}") as second:
        assert second.beat()
        with channel(f"unix:{path}") as opened:
            assert health(opened) == SERVING


def test_socket_of_a_living_worker_is_not_stolen(socket_folder: Path) -> None:
    path = socket_folder / "s"
    with worker(listen=f"unix:{path}") as first:
        assert first.beat()
        with worker(listen=f"unix:{path}") as second:
            code, said = second.ended()
        assert (code, len(said.splitlines())) == (1, 1)
        assert "another server is listening" in said
        with channel(f"unix:{path}") as opened:
            assert health(opened) == SERVING


def test_used_port_is_one_clear_line() -> None:
    port = free_port()
    with worker(listen=f"127.0.0.1:{port}") as first:
        assert first.beat()
        with worker(listen=f"127.0.0.1:{port}") as second:
            code, said = second.ended()
    assert code == 1
    assert said.splitlines() == [f"config: listen address 127.0.0.1:{port}: the port is in use"]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"listen": "0.0.0.0:50051"}, "mutual TLS"),
        ({"listen": "unix:/nowhere/at/all/s"}, "does not exist"),
        ({"listen": "nonsense"}, "is needed"),
        ({"listen": "127.0.0.1:50051", "health_listen": "nonsense"}, "is needed"),
    ],
)
def test_bad_addresses_are_refused_before_anything_is_served(options: dict[str, str], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        run_server(ServerOptions(**options), lambda _: pytest.fail("no stream"), lambda *_: "")  # type: ignore[arg-type]


def test_health_port_answers_probes_and_nothing_else(socket_folder: Path) -> None:
    path, port = socket_folder / "s", free_port()
    with worker(listen=f"unix:{path}", health_listen=f"0.0.0.0:{port}") as running:
        assert running.beat()
        with channel(f"127.0.0.1:{port}") as opened:
            assert health(opened) == SERVING
            exchange = Exchange(opened)
            exchange.send(HEADERS)
            with pytest.raises(grpc.RpcError):
                next(exchange.call)
            assert exchange.call.code() is grpc.StatusCode.UNIMPLEMENTED


def test_health_reflection_and_masking_answer(socket_folder: Path) -> None:
    path = socket_folder / "s"
    with worker(listen=f"unix:{path}") as running, channel(f"unix:{path}") as opened:
        assert running.beat()
        assert [health(opened, name) for name in ("", service.SERVICE_NAME)] == [SERVING, SERVING]
        with pytest.raises(grpc.RpcError) as unknown:
            health(opened, "no.such.Service")
        assert unknown.value.code() is grpc.StatusCode.NOT_FOUND
        call = opened.unary_unary(f"/{masking.SERVICE_NAME}/Health")
        assert HealthReply.FromString(call(HealthRequest().SerializeToString(), timeout=5)).status == "ok"
        stub = reflection_pb2_grpc.ServerReflectionStub(opened)
        asked = reflection_pb2.ServerReflectionRequest
        (listed, described) = stub.ServerReflectionInfo(
            iter([asked(list_services=""), asked(file_containing_symbol=masking.SERVICE_NAME)]), timeout=5
        )
        names = {entry.name for entry in listed.list_services_response.service}
        assert {service.SERVICE_NAME, masking.SERVICE_NAME, "grpc.health.v1.Health"} <= names
        assert b"profile-mask" in b"".join(described.file_descriptor_response.file_descriptor_proto)


@pytest.mark.parametrize("known", [True, False], ids=["signed_by_the_ca", "unknown_to_the_ca"])
def test_mutual_tls_lets_in_only_clients_of_the_ca(tmp_path: Path, known: bool) -> None:
    authority, stranger = trustme.CA(), trustme.CA()
    server = authority.issue_cert("localhost", "127.0.0.1")
    client = (authority if known else stranger).issue_cert("client.example.org")
    cert, key, ca = tmp_path / "cert", tmp_path / "key", tmp_path / "ca"
    server.cert_chain_pems[0].write_to_path(cert)
    server.private_key_pem.write_to_path(key)
    authority.cert_pem.write_to_path(ca)
    port = free_port()
    with worker(listen=f"0.0.0.0:{port}", tls=[str(cert), str(key), str(ca)]) as running:
        assert running.beat()
        credentials = grpc.ssl_channel_credentials(
            authority.cert_pem.bytes(), client.private_key_pem.bytes(), client.cert_chain_pems[0].bytes()
        )
        with grpc.secure_channel(f"localhost:{port}", credentials) as opened:
            if known:
                assert health(opened) == SERVING
            else:
                with pytest.raises(grpc.RpcError) as refused:
                    health(opened)
                assert refused.value.code() is grpc.StatusCode.UNAVAILABLE


def test_a_body_at_the_limit_crosses_and_one_far_above_is_refused(socket_folder: Path) -> None:
    path = socket_folder / "s"
    with worker(listen=f"unix:{path}", body_limit=2 * MIB) as running, channel(f"unix:{path}") as opened:
        assert running.beat()
        exchange = Exchange(opened)
        exchange.send(HEADERS)
        assert next(exchange.call) == ANSWER
        exchange.send(body(b"x" * (2 * MIB + MESSAGE_SLACK // 2)))
        assert len(next(exchange.call)) > 2 * MIB
        exchange.send(body(b"x" * (2 * MIB + MESSAGE_SLACK + 1)))
        with pytest.raises(grpc.RpcError):
            next(exchange.call)
        assert exchange.call.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


def test_envoys_pings_are_answered_and_never_taken_for_abuse(socket_folder: Path) -> None:
    ping, goaway, ack = 6, 7, 1
    path = socket_folder / "s"
    with worker(listen=f"unix:{path}") as running, socket.socket(socket.AF_UNIX) as envoy:
        assert running.beat()
        envoy.settimeout(5)
        envoy.connect(str(path))
        envoy.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4))
        answered = 0
        with envoy.makefile("rb") as received:
            for number in range(40):
                envoy.sendall(frame(ping, number.to_bytes(8)))
                while True:
                    head = received.read(9)
                    content = received.read(int.from_bytes(head[:3]))
                    assert head[3] != goaway
                    if (head[3], head[4]) == (ping, ack):
                        break
                answered += content == number.to_bytes(8)
                time.sleep(0.02)
        assert answered == 40


def frame(kind: int, content: bytes = b"") -> bytes:
    """Return an HTTP/2 frame of the connection as a whole (RFC 9113, section 4.1)."""
    return len(content).to_bytes(3) + bytes([kind, 0, 0, 0, 0, 0]) + content


def test_tracing_that_prints_bodies_cannot_be_switched_on(socket_folder: Path) -> None:
    path = socket_folder / "s"
    loud = {"GRPC_VERBOSITY": "DEBUG", "GRPC_TRACE": "all", "PYTHONASYNCIODEBUG": "1"}
    with worker(listen=f"unix:{path}", environment=loud) as running, channel(f"unix:{path}") as opened:
        assert running.beat()
        exchange = Exchange(opened)
        exchange.send(HEADERS)
        assert next(exchange.call) == ANSWER
        exchange.send(body(b"ada@example.org"))
        assert next(exchange.call) == echoed(b"ada@example.org")
        exchange.send(b"")
        assert exchange.call.code() is grpc.StatusCode.OK
        running.process.send_signal(signal.SIGTERM)
        code, said = running.ended()
    assert code == 0
    assert "example" not in said
    assert "stream_done" in said


def test_heart_beats_twice_a_second_from_the_event_loop(socket_folder: Path) -> None:
    with worker(listen=f"unix:{socket_folder}/s") as running:
        assert running.beat()
        started = time.monotonic()
        assert all(running.beat() for _ in range(4))
        assert 1.5 < time.monotonic() - started < 4


def test_a_heartbeat_that_nobody_hears_ends_the_server(socket_folder: Path) -> None:
    with worker(listen=f"unix:{socket_folder}/s", fault="heartbeat") as running:
        assert running.beat()
        code, said = running.ended()
    assert code == 0
    assert "heartbeat_failed" in said
    assert "ada@example.org" not in said


def test_heart_stops_and_health_fails_when_all_threads_are_stuck(socket_folder: Path) -> None:
    path = socket_folder / "s"
    options = {"heavy_threads": 1, "watchdog_seconds": 0.3}
    with worker(listen=f"unix:{path}", **options) as running, channel(f"unix:{path}") as opened:
        assert running.beat()
        exchange = Exchange(opened)
        exchange.send(HEADERS)
        exchange.send(body(b"sleep"))
        with pytest.raises(grpc.RpcError):
            list(exchange.call)
        assert exchange.call.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        deadline = time.monotonic() + 5
        while health(opened) != NOT_SERVING:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        running.process.send_signal(signal.SIGTERM)
        assert running.ended(10)[0] == 1  # not even a stuck thread keeps it from ending


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_drains_open_streams_and_turns_new_ones_away(socket_folder: Path, number: int) -> None:
    path, port = socket_folder / "s", free_port()
    options = {"listen": f"unix:{path}", "health_listen": f"127.0.0.1:{port}", "drain_seconds": 20}
    with (
        worker(**options) as running,
        channel(f"unix:{path}") as opened,
        channel(f"127.0.0.1:{port}") as probe,
    ):
        assert running.beat()
        watch = health_pb2_grpc.HealthStub(opened).Watch(health_pb2.HealthCheckRequest())
        assert next(watch).status == SERVING
        exchange = Exchange(opened)
        exchange.send(HEADERS)
        assert next(exchange.call) == ANSWER
        running.process.send_signal(number)
        assert next(watch).status == NOT_SERVING
        with pytest.raises(grpc.RpcError):
            next(watch)  # a watcher does not hold up the drain
        assert health(probe) == NOT_SERVING
        with channel(f"unix:{path}") as late, pytest.raises(grpc.RpcError):
            health(late)
        time.sleep(0.5)
        exchange.send(body(b"{}"))
        assert next(exchange.call) == echoed(b"{}")
        exchange.send(b"")
        assert exchange.call.code() is grpc.StatusCode.OK
        started = time.monotonic()
        assert running.ended()[0] == 0
        assert time.monotonic() - started < 3


def test_drain_ends_in_time_and_leaves_the_stream_without_a_clean_end(socket_folder: Path) -> None:
    path = socket_folder / "s"
    with worker(listen=f"unix:{path}", drain_seconds=0.5) as running, channel(f"unix:{path}") as opened:
        assert running.beat()
        exchange = Exchange(opened)
        exchange.send(HEADERS)
        assert next(exchange.call) == ANSWER
        running.process.send_signal(signal.SIGTERM)
        with pytest.raises(grpc.RpcError):
            next(exchange.call)
        assert exchange.call.code() is not grpc.StatusCode.OK
        assert running.ended(5)[0] == 0


def test_second_signal_of_a_kind_ends_the_process_at_once(socket_folder: Path) -> None:
    path = socket_folder / "s"
    with worker(listen=f"unix:{path}", drain_seconds=30) as running, channel(f"unix:{path}") as opened:
        assert running.beat()
        exchange = Exchange(opened)
        exchange.send(HEADERS)
        assert next(exchange.call) == ANSWER
        running.process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        running.process.send_signal(signal.SIGINT)
        time.sleep(0.3)
        assert running.process.poll() is None, "another signal is not a second one"
        running.process.send_signal(signal.SIGTERM)
        assert running.ended(3)[0] == 128 + signal.SIGTERM
