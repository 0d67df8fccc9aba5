"""What Envoy is to do, as one frozen value; checked on construction, before anything is built or run.

Nothing here imports Envoy's API types, which take most of a second to load.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from sidecar.errors import ConfigError
from sidecar.settings import TARGETS

DEFAULT_PORTS = {"http": 80, "https": 443}
# Linux takes 107 bytes of path for a Unix domain socket, macOS 103.
SOCKET_PATH_LIMIT = 103
# Room for what the sidecar must still see to answer 413 by itself, in the provider's shape.
BUFFER_SLACK = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Target:
    """A provider's address, taken apart. ``base``: path before every request's own, without a final ``/``."""

    name: str
    tls: bool
    host: str
    port: int
    base: str

    @property
    def authority(self) -> str:
        """The Host header that the provider expects: without a default port, IPv6 in brackets."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORTS["https" if self.tls else "http"] else f"{host}:{self.port}"

    @property
    def is_ip(self) -> bool:
        """Whether the host is an address and not a name."""
        return is_ip(self.host)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where one worker's gRPC server listens: a socket's path, or host and port."""

    path: str = ""
    host: str = ""
    port: int = 0


@dataclass(frozen=True, slots=True)
class ListenerTls:
    """Certificate chain and private key of the listener, PEM files."""

    certificate: Path
    key: Path


@dataclass(frozen=True, slots=True)
class GatewayPlan:
    """Everything the Envoy configuration depends on.

    Args:
        targets: URL by NAME; routes of a NAME that is not listed answer 404.
        default_target: Whose OpenAI-compatible endpoint ``/v1/*`` goes to.
        sidecars: ``unix:PATH`` or ``HOST:PORT`` of every worker.
        admin_socket: Path of Envoy's admin socket, in a private folder.
        host: Address the listener binds.
        port: Its port; 0 takes a free one.
        body_limit: Largest request body in bytes that the sidecar accepts; Envoy buffers a little more.
        message_timeout: Seconds that Envoy waits for one answer of the sidecar.
        tls: Certificate of the listener; None serves plain HTTP.
        access_log: File of the access log (``/dev/stdout`` and ``/dev/stderr`` are streams); None: none.
        upstream_ca: PEM file of a private CA that is trusted beside the system's.
        system_ca: PEM bundle of the system's CAs; None looks where this system keeps it.

    Raises:
        ConfigError: A name, URL, endpoint, port or limit is not usable.
    """

    targets: Mapping[str, str]
    default_target: str
    sidecars: tuple[str, ...]
    admin_socket: Path
    host: str = "127.0.0.1"
    port: int = 8080
    body_limit: int = 32 * 1024 * 1024
    message_timeout: float = 25.0
    tls: ListenerTls | None = None
    access_log: str | None = None
    upstream_ca: Path | None = None
    system_ca: Path | None = None

    def __post_init__(self) -> None:
        """Check everything that can be checked without the network."""
        if self.default_target not in TARGETS:
            raise ConfigError(f"default target {self.default_target!r}: allowed are {', '.join(TARGETS)}")
        if not 0 <= self.port <= 65535:
            raise ConfigError(f"port {self.port}: allowed are 0..65535")
        if not self.host:
            raise ConfigError("listen: the host is empty; 0.0.0.0 or :: means every interface")
        if self.body_limit < 1 or self.message_timeout <= 0:
            raise ConfigError("body limit and message timeout must be positive")
        if not self.targets or not self.sidecars:
            raise ConfigError("at least one upstream and one sidecar endpoint are needed")
        for name in self.targets:
            self.target(name)
        for endpoint in self.sidecars:
            parse_endpoint(endpoint)
        check_socket_path(str(self.admin_socket))

    def target(self, name: str) -> Target:
        """Return one listed target, taken apart."""
        return parse_target(name, self.targets[name])

    @property
    def endpoints(self) -> list[Endpoint]:
        """Where the workers listen, taken apart."""
        return [parse_endpoint(text) for text in self.sidecars]

    @property
    def workers_have_names(self) -> bool:
        """Whether a worker's host is a name that must be resolved."""
        return any(endpoint.host and not is_ip(endpoint.host) for endpoint in self.endpoints)

    @property
    def buffer_bytes(self) -> int:
        """The largest request body that Envoy holds back; it answers 413 to a larger one by itself."""
        return self.body_limit + BUFFER_SLACK


def parse_target(name: str, url: str) -> Target:
    """Take a provider's URL apart.

    Raises:
        ConfigError: An unknown name, or no URL of the form ``http(s)://HOST[:PORT][/BASE]``.
    """
    if name not in TARGETS:
        raise ConfigError(f"upstream {name!r}: allowed names are {', '.join(TARGETS)}")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as exc:
        raise ConfigError(f"upstream {name}: not a URL: {exc}") from exc
    if problem := _url_problem(parts, port):
        raise ConfigError(f"upstream {name}: {problem}")
    return Target(
        name=name,
        tls=parts.scheme == "https",
        host=(parts.hostname or "").rstrip("."),
        port=port if port is not None else DEFAULT_PORTS[parts.scheme],
        base=parts.path.rstrip("/"),
    )


def _url_problem(parts: SplitResult, port: int | None) -> str:
    if parts.scheme not in DEFAULT_PORTS or not parts.hostname or port == 0:
        return "allowed is a URL of the form http(s)://HOST[:PORT][/BASE]"
    if parts.username is not None or parts.query or parts.fragment:
        return "the URL must not hold credentials, a query or a fragment"
    if not parts.path.isascii() or any(mark in parts.path for mark in ("//", "/.", "\\", "%", " ")):
        return "the base path must be plain and normalized"
    return ""


def parse_endpoint(text: str) -> Endpoint:
    """Take ``unix:PATH`` or ``HOST:PORT`` apart.

    Raises:
        ConfigError: It is neither, or the path is too long for a socket.
    """
    if text.startswith("unix:"):
        path = text.removeprefix("unix:")
        check_socket_path(path)
        return Endpoint(path=path)
    host, _, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not host or not port.isascii() or not port.isdecimal() or not 0 < int(port) < 65536:
        raise ConfigError(f"sidecar endpoint {text!r}: allowed are unix:PATH and HOST:PORT")
    return Endpoint(host=host, port=int(port))


def check_socket_path(path: str) -> None:
    """Refuse a path that the kernel would not take.

    Raises:
        ConfigError: It is empty, relative or longer than ``SOCKET_PATH_LIMIT`` bytes.
    """
    if not path.startswith("/"):
        raise ConfigError(f"socket path {path!r}: it must be absolute")
    if len(path.encode()) > SOCKET_PATH_LIMIT:
        raise ConfigError(f"socket path {path!r}: longer than {SOCKET_PATH_LIMIT} bytes")


def is_ip(host: str) -> bool:
    """Tell whether ``host`` is an IPv4 or IPv6 address."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
