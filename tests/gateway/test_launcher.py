"""Finding, starting, watching and stopping a real Envoy."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from sidecar.errors import ConfigError
from sidecar.gateway.launcher import NEWEST, OLDEST, Gateway, find_envoy, runtime_folder
from sidecar.gateway.plan import GatewayPlan

SCRIPT = Path(__file__).with_name("launched.py")
PATIENCE = 30.0


class SlowProvider(BaseHTTPRequestHandler):
    """Answers after a second."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        time.sleep(1.0)
        self.send_response(200)
        self.send_header("content-length", "4")
        self.end_headers()
        self.wfile.write(b"late")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as in the base class
        pass


@pytest.fixture(scope="module")
def provider() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), SlowProvider)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


class Launched:
    def __init__(self, provider: str, port: int, workers: int) -> None:
        command = [sys.executable, str(SCRIPT), provider, str(port), str(workers)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.output: list[str] = []
        self.url = ""
        self.folder = Path()

    def wait_ready(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.output.append(line)
            if line.startswith("ready "):
                _, self.url, folder = line.split()
                self.folder = Path(folder)
                return
        pytest.fail("".join(self.output[-5:]))

    def ask(self, path: str, timeout: float = 5.0) -> int:
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=timeout)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            response.read()
        except (OSError, http.client.HTTPException):
            return 0
        else:
            return response.status
        finally:
            connection.close()

    def children(self) -> dict[int, str]:
        listed = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return {int(pid): Path(f"/proc/{pid}/comm").read_text().strip() for pid in listed}

    def envoy(self) -> int:
        [pid] = [pid for pid, name in self.children().items() if name == "envoy"]
        return pid

    def workers(self) -> list[int]:
        return [pid for pid, name in self.children().items() if name != "envoy"]


@contextmanager
def launched(provider: str, port: int = 0, workers: int = 1) -> Iterator[Launched]:
    run = Launched(provider, port, workers)
    try:
        yield run
    finally:
        run.process.kill()
        run.process.communicate()


def gone(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return True
    return state == "Z"


def eventually(condition: Callable[[], bool], seconds: float = PATIENCE) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return False


@pytest.mark.envoy
def test_ready_means_serving_on_the_port_that_is_told(provider: str) -> None:
    with launched(provider, workers=2) as run:
        run.wait_ready()
        assert urlsplit(run.url).port
        assert run.ask("/health") == 200
        assert run.ask("/openai/v1/models") == 200


@pytest.mark.envoy
def test_two_instances_run_side_by_side(provider: str) -> None:
    with launched(provider) as one, launched(provider) as other:
        one.wait_ready()
        other.wait_ready()
        assert one.url != other.url
        assert one.folder != other.folder
        assert (one.ask("/health"), other.ask("/health")) == (200, 200)
        one.process.terminate()
        one.process.wait(PATIENCE)
        assert other.ask("/health") == 200


@pytest.mark.envoy
def test_the_private_folder_is_private_and_its_sockets_too(provider: str) -> None:
    with launched(provider) as run:
        run.wait_ready()
        assert stat.S_IMODE(run.folder.stat().st_mode) == 0o700
        assert stat.S_IMODE((run.folder / "admin.sock").stat().st_mode) == 0o600
        assert stat.S_IMODE((run.folder / "envoy.json").stat().st_mode) == 0o600


def gateway(folder: Path) -> Gateway:
    plan = GatewayPlan(
        targets={"openai": "http://127.0.0.1:9"},
        default_target="openai",
        sidecars=(f"unix:{folder}/worker-0.sock",),
        admin_socket=folder / "admin.sock",
        port=0,
    )
    return Gateway(plan, folder, find_envoy())


def own_children() -> set[int]:
    return {int(pid) for pid in Path("/proc/thread-self/children").read_text().split()}


@pytest.mark.envoy
def test_an_envoy_started_ahead_is_the_one_that_is_supervised() -> None:
    before = own_children()
    with runtime_folder() as folder:
        envoy = gateway(folder)
        with envoy.ahead():
            [running] = own_children() - before
            pid, pipe = envoy.spawn(())
            assert (pid, own_children() - before) == (running, {running})
        assert not gone(pid)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(pipe)


@pytest.mark.envoy
def test_an_envoy_started_ahead_does_not_outlive_what_fails_meanwhile() -> None:
    before = own_children()
    meanwhile: list[set[int]] = []

    def fail(folder: Path) -> None:
        with gateway(folder).ahead():
            meanwhile.append(own_children() - before)
            raise ConfigError("no model")

    with runtime_folder() as folder, pytest.raises(ConfigError, match="no model"):
        fail(folder)
    assert [len(pids) for pids in meanwhile] == [1]
    assert own_children() == before


@pytest.mark.envoy
def test_a_port_in_use_is_one_clear_line(provider: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with launched(provider, port) as run:
            output, _ = run.process.communicate(timeout=PATIENCE)
    assert run.process.returncode == 2
    assert f"config: cannot listen on 127.0.0.1:{port}: Address already in use\n" in output


@pytest.mark.envoy
def test_another_instances_port_is_not_shared(provider: str) -> None:
    with launched(provider) as one:
        one.wait_ready()
        with launched(provider, urlsplit(one.url).port or 0) as other:
            output, _ = other.process.communicate(timeout=PATIENCE)
        assert other.process.returncode == 2
        assert "Address already in use" in output
        assert one.ask("/health") == 200


@pytest.mark.envoy
def test_an_envoy_that_dies_is_replaced_on_the_same_port(provider: str) -> None:
    with launched(provider) as run:
        run.wait_ready()
        dead = run.envoy()
        os.kill(dead, signal.SIGKILL)
        assert eventually(lambda: run.ask("/health") == 200, 5.0)
        assert run.envoy() != dead


@pytest.mark.envoy
def test_service_is_back_within_seconds_after_all_workers_and_envoy_were_killed(provider: str) -> None:
    with launched(provider, workers=2) as run:
        run.wait_ready()
        for pid in run.children():
            os.kill(pid, signal.SIGKILL)
        assert eventually(lambda: run.ask("/openai/v1/models") == 200, 8.0)


@pytest.mark.envoy
def test_a_frozen_worker_holds_nobody_for_long(provider: str) -> None:
    with launched(provider) as run:
        run.wait_ready()
        os.kill(run.workers()[0], signal.SIGSTOP)
        started = time.monotonic()
        assert run.ask("/openai/v1/models", timeout=25.0) in {503, 504}
        assert time.monotonic() - started < 10.0
        assert eventually(lambda: run.ask("/openai/v1/models") == 200, 10.0)


@pytest.mark.envoy
def test_stopping_lets_an_exchange_finish_takes_no_new_ones_and_leaves_nothing(provider: str) -> None:
    with launched(provider) as run:
        run.wait_ready()
        children = list(run.children())
        statuses: list[int] = []
        exchange = threading.Thread(target=lambda: statuses.append(run.ask("/openai/v1/models")))
        exchange.start()
        time.sleep(0.4)
        run.process.terminate()
        assert eventually(lambda: run.ask("/health", timeout=1.0) == 0, 5.0)
        exchange.join()
        run.process.communicate(timeout=PATIENCE)
        assert statuses == [200]
        assert run.process.returncode == 0
        assert all(gone(pid) for pid in children)
        assert not run.folder.exists()


@pytest.mark.envoy
@pytest.mark.skipif(sys.platform != "linux", reason="needs PR_SET_PDEATHSIG")
def test_nothing_outlives_a_parent_that_was_killed(provider: str) -> None:
    with launched(provider) as run:
        run.wait_ready()
        children = list(run.children())
        run.process.kill()
        assert eventually(lambda: all(gone(pid) for pid in children), 5.0)


def fake_envoy(folder: Path, output: str) -> Path:
    path = folder / "envoy"
    path.write_text(f"#!/bin/sh\necho '{output}'\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize("version", ["1.36.4", "2.0.0", "1.41.0-dev"])
def test_a_version_that_is_not_supported_is_named_in_one_line(tmp_path: Path, version: str) -> None:
    path = fake_envoy(tmp_path, f"envoy  version: 0123456789abcdef/{version}/Clean/RELEASE/BoringSSL")
    with pytest.raises(ConfigError, match=rf"version {version[: version.index('.') + 2]}") as caught:
        find_envoy(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("version", [f"{OLDEST[0]}.{OLDEST[1]}.0", f"{NEWEST[0]}.{NEWEST[1]}.9-dev"])
def test_the_oldest_and_the_newest_supported_versions_are_taken(tmp_path: Path, version: str) -> None:
    path = fake_envoy(tmp_path, f"envoy  version: 0123456789abcdef/{version}/Clean/RELEASE/BoringSSL")
    assert find_envoy(path) == path


def test_what_is_no_envoy_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="does not tell its version"):
        find_envoy(fake_envoy(tmp_path, "hello"))
    with pytest.raises(ConfigError, match="cannot be run"):
        find_envoy(tmp_path / "missing")


def test_the_environment_goes_before_the_wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENVOY_PATH", str(tmp_path / "missing"))
    with pytest.raises(ConfigError, match="missing"):
        find_envoy()


def test_a_temporary_folder_with_a_long_path_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = tmp_path / ("x" * 90)
    long.mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(long))
    with runtime_folder() as folder:
        assert not folder.is_relative_to(long)
        assert len(f"{folder}/worker-999.sock") < 104
    assert not list(long.iterdir())
    assert not folder.exists()
