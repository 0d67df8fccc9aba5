"""Addresses that the server may listen on, checked before the server tries them.

Bodies in the clear stay on this machine: a socket only its owner can open, a loopback address, or mutual
TLS; anything else is the operator's explicit choice. Each way to fail is one ``ConfigError`` line.
"""

from __future__ import annotations

import errno
import ipaddress
import os
import socket
import ssl
import stat
from dataclasses import dataclass
from pathlib import Path

from sidecar.errors import ConfigError

MAX_SOCKET_PATH = 107  # bytes; sun_path of unix(7) without its final NUL
PROBE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class UnixAddress:
    """A Unix domain socket."""

    path: Path

    def __str__(self) -> str:
        """Return the address as an operator writes it."""
        return f"unix:{self.path}"


@dataclass(frozen=True, slots=True)
class TcpAddress:
    """A TCP host, by name or number, and port."""

    host: str
    port: int

    def __str__(self) -> str:
        """Return the address as an operator writes it."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def loopback(self) -> bool:
        """Whether it is reached from this machine only."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


Address = UnixAddress | TcpAddress


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """PEM files: our certificate and key, and the CA that clients must be signed by, if any."""

    cert: Path
    key: Path
    client_ca: Path | None = None

    def context(self) -> ssl.SSLContext:
        """Return what a server of HTTP/2 needs.

        Raises:
            ConfigError: A file cannot be read, holds no PEM, or key and certificate do not match.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["h2"])
        try:
            context.load_cert_chain(self.cert, self.key, password=lambda: "")  # never ask on a terminal
        except (OSError, ValueError) as exc:
            raise ConfigError(
                f"TLS: {self.cert} and {self.key} are not a PEM certificate and its key"
            ) from exc
        try:
            if self.client_ca:
                context.load_verify_locations(self.client_ca)
                context.verify_mode = ssl.CERT_REQUIRED
        except (OSError, ValueError) as exc:
            raise ConfigError(f"TLS: {self.client_ca} is not a PEM file of CA certificates") from exc
        return context


def parse_address(text: str) -> Address:
    """Read ``unix:PATH``, ``HOST:PORT`` or ``[IPV6]:PORT``.

    Raises:
        ConfigError: It is none of these, or the port is not 1..65535.
    """
    if text.startswith("unix:"):
        path = text.removeprefix("unix:")
        path = path.removeprefix("//") if path.startswith("///") else path
        if not path or "\0" in path:
            raise ConfigError(f"listen address {text!r}: a path must follow unix:")
        return UnixAddress(Path(path))
    host, colon, port = text.rpartition(":")
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    if not colon or not bare or (":" in bare and bare == host) or not port.isascii() or not port.isdigit():
        raise ConfigError(f"listen address {text!r}: unix:PATH, HOST:PORT or [IPV6]:PORT is needed")
    if not 1 <= int(port) <= 65535:
        raise ConfigError(f"listen address {text!r}: the port must be 1..65535")
    return TcpAddress(bare, int(port))


def check_exposure(address: Address, tls: TlsFiles | None, *, insecure: bool) -> None:
    """Refuse an address that lets strangers talk to us.

    Raises:
        ConfigError: A TCP address beyond loopback has neither mutual TLS nor the explicit ``insecure``.
    """
    if isinstance(address, UnixAddress) or address.loopback or insecure:
        return
    if tls is None or tls.client_ca is None:
        raise ConfigError(
            f"listen address {address}: beyond loopback, mutual TLS (certificate, key and client CA) "
            "or an explicit insecure is needed"
        )


def claim(address: Address) -> None:
    """Make sure that the address can be bound; remove the socket file of a dead server.

    Raises:
        ConfigError: It is in use, or cannot be used; the message says which and why.
    """
    if isinstance(address, UnixAddress):
        _claim_path(address.path)
    else:
        _claim_port(address)


def _claim_path(path: Path) -> None:
    if len(os.fsencode(path)) > MAX_SOCKET_PATH:
        raise ConfigError(f"socket {path}: the path is longer than {MAX_SOCKET_PATH} bytes")
    if not path.parent.is_dir():
        raise ConfigError(f"socket {path}: the folder {path.parent} does not exist")
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    except OSError as exc:
        raise ConfigError(f"socket {path}: {exc.strerror}") from exc
    if not stat.S_ISSOCK(mode):
        raise ConfigError(f"socket {path}: a file that is no socket is in the way")
    if _is_served(path):
        raise ConfigError(f"socket {path}: another server is listening on it")
    try:
        path.unlink(missing_ok=True)
    except OSError as exc:
        raise ConfigError(f"socket {path}: cannot remove the stale file: {exc.strerror}") from exc


def _is_served(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(PROBE_SECONDS)
        try:
            probe.connect(os.fspath(path))
        except (ConnectionRefusedError, FileNotFoundError):
            return False
        except TimeoutError:
            return True  # a full backlog
        except OSError as exc:
            if exc.errno == errno.EAGAIN:
                return True  # the same, said at once
            raise ConfigError(f"socket {path}: {exc.strerror}") from exc
    return True


def _claim_port(address: TcpAddress) -> None:
    try:
        found = socket.getaddrinfo(
            address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except OSError as exc:
        raise ConfigError(f"listen address {address}: the host name does not resolve") from exc
    failures = [failure for family, *_, target in found if (failure := _bind_failure(family, target))]
    used = [failure for failure in failures if failure.errno == errno.EADDRINUSE]
    if used:
        raise ConfigError(f"listen address {address}: the port is in use")
    if len(failures) == len(found):
        raise ConfigError(f"listen address {address}: {failures[0].strerror}")


def _bind_failure(family: int, target: object) -> OSError | None:
    try:
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            probe.bind(target)  # type: ignore[arg-type]  # getaddrinfo fits it to the family
    except OSError as exc:
        return exc
    return None
