"""A real Envoy between a recording provider and a scripted sidecar, all on loopback."""

from __future__ import annotations

import http.client
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Protocol

import pytest

from sidecar.gateway.admin import Admin, AdminError
from sidecar.gateway.launcher import find_envoy
from sidecar.gateway.plan import GatewayPlan

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # envoy-data-plane's own, on import
    from sidecar.gateway.bootstrap import to_yaml

STUB = Path(__file__).with_name("stub_sidecar.py")
PATIENCE = 20.0


@dataclass(frozen=True)
class Seen:
    """A request as the provider got it."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class QuietServer(ThreadingHTTPServer):
    """Does not complain when an Envoy is killed with a connection open."""

    def handle_error(self, request: object, client_address: object) -> None:
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]  # passed on as it came


class Provider:
    """Records what arrives and answers 200."""

    def __init__(self) -> None:
        self.seen: list[Seen] = []
        provider = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                headers = {name.lower(): text for name, text in self.headers.items()}
                provider.seen.append(Seen(self.command, self.path, headers, body))
                self.send_response(200)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            do_GET = do_POST = do_PUT = do_DELETE = do_OPTIONS = do_PATCH = answer  # noqa: N815 - http.server's names

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as in the base class
                pass

        self.server = QuietServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


@dataclass
class Running:
    """One running Envoy."""

    admin: Admin
    port: int
    log: Path
    access_log: Path
    providers: dict[str, Provider] = field(default_factory=dict)

    def ask(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.putrequest(method, path, skip_accept_encoding=True)
            for name, text in ({"content-type": "application/json"} | (headers or {})).items():
                connection.putheader(name, text)
            if body is not None:
                connection.putheader("content-length", str(len(body)))
            connection.endheaders(body)
            response = connection.getresponse()
            fields = {name.lower(): text for name, text in response.getheaders()}
            return Answer(response.status, fields, response.read())
        finally:
            connection.close()

    @property
    def seen(self) -> list[tuple[str, Seen]]:
        return [(name, seen) for name, provider in self.providers.items() for seen in provider.seen]


class Start(Protocol):
    """Starts an Envoy; waits until it sees a healthy sidecar unless told otherwise."""

    def __call__(self, plan: GatewayPlan, *, healthy: bool = True) -> AbstractContextManager[Running]: ...


@pytest.fixture(scope="session")
def folder() -> Iterator[Path]:
    """A folder with a path short enough for sockets."""
    path = Path(tempfile.mkdtemp(prefix="pii-t-", dir="/tmp"))
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="session")
def stub(folder: Path) -> Iterator[str]:
    """The address of a running scripted sidecar."""
    address = f"unix:{folder}/stub.sock"
    process = subprocess.Popen([sys.executable, str(STUB), address])
    yield address
    process.kill()
    process.wait()


@pytest.fixture(scope="session")
def make_plan(folder: Path, stub: str) -> Callable[..., GatewayPlan]:
    def make(**fields: Any) -> GatewayPlan:  # noqa: ANN401 - the plan checks them
        defaults: dict[str, Any] = {
            "targets": {"openai": "http://127.0.0.1:9"},
            "default_target": "openai",
            "sidecars": (stub,),
            "admin_socket": folder / "unused.sock",
            "port": 0,
        }
        return GatewayPlan(**(defaults | fields))

    return make


@pytest.fixture(scope="session")
def start_envoy(folder: Path) -> Start:
    binary = find_envoy()

    @contextmanager
    def start(plan: GatewayPlan, *, healthy: bool = True) -> Iterator[Running]:
        own = Path(tempfile.mkdtemp(dir=folder))
        plan = replace(
            plan, admin_socket=own / "admin.sock", access_log=plan.access_log or str(own / "access")
        )
        (own / "envoy.yaml").write_text(to_yaml(plan))
        command = [str(binary), "-c", str(own / "envoy.yaml"), "--disable-hot-restart", "-l", "warning"]
        command += ["--concurrency", "1", "--file-flush-interval-msec", "50"]
        with (own / "log").open("wb") as log:
            process = subprocess.Popen(command, stderr=log)
        try:
            admin = Admin(plan.admin_socket)
            port = wait_for(admin, own / "log")
            running = Running(admin, port, own / "log", own / "access")
            if healthy:
                wait_healthy(running)
            yield running
        finally:
            process.kill()
            process.wait()

    return start


def wait_for(admin: Admin, log: Path) -> int:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            if admin.is_live() and (port := admin.listener_port()):
                return port
        except AdminError:
            pass
        time.sleep(0.02)
    pytest.fail(f"Envoy did not start: {log.read_text()[-500:]}")


def wait_healthy(running: Running) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if any(running.admin.healthy_hosts().get("sidecar", [])):
            return
        time.sleep(0.02)
    pytest.fail("no healthy sidecar")


@pytest.fixture(scope="module")
def providers() -> Iterator[dict[str, Provider]]:
    names = ("openai", "anthropic", "gemini", "local")
    made = {name: Provider() for name in names}
    yield made
    for provider in made.values():
        provider.close()


@pytest.fixture(autouse=True)
def _forget(request: pytest.FixtureRequest) -> None:
    if "providers" in request.fixturenames:
        for provider in request.getfixturevalue("providers").values():
            provider.seen.clear()
