"""Where the server may listen, and the one line that says why not."""

from __future__ import annotations

import re
import socket
import ssl
from pathlib import Path

import pytest
import trustme

from sidecar.errors import ConfigError
from sidecar.extproc.listen import (
    Address,
    TcpAddress,
    TlsFiles,
    UnixAddress,
    check_exposure,
    claim,
    parse_address,
)


@pytest.mark.parametrize(
    ("text", "address", "for_grpc"),
    [
        ("unix:run/worker-0.sock", UnixAddress(Path("run/worker-0.sock")), "unix:run/worker-0.sock"),
        ("unix:/run/pii/s", UnixAddress(Path("/run/pii/s")), "unix:/run/pii/s"),
        ("unix:///run/pii/s", UnixAddress(Path("/run/pii/s")), "unix:/run/pii/s"),
        ("127.0.0.1:8443", TcpAddress("127.0.0.1", 8443), "127.0.0.1:8443"),
        ("sidecar.example.org:1", TcpAddress("sidecar.example.org", 1), "sidecar.example.org:1"),
        ("[::1]:65535", TcpAddress("::1", 65535), "[::1]:65535"),
    ],
)
def test_addresses_are_read_and_said_as_grpc_wants_them(text: str, address: Address, for_grpc: str) -> None:
    assert parse_address(text) == address
    assert str(address) == for_grpc


@pytest.mark.parametrize(
    "text",
    [
        *("", "unix:", "unix:a\0b", "8080", ":8080", "host", "host:", "host:http", "::1:80", "[]:80"),
        *("127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:²"),
    ],
)
def test_what_is_no_address_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(ConfigError) as refused:
        parse_address(text)
    assert len(str(refused.value).splitlines()) == 1
    assert repr(text) in str(refused.value)


TLS = TlsFiles(Path("cert"), Path("key"))
MUTUAL = TlsFiles(Path("cert"), Path("key"), Path("ca"))


@pytest.mark.parametrize("address", ["unix:s", "127.0.0.1:1", "127.8.9.10:1", "[::1]:1", "localhost:1"])
def test_this_machine_needs_no_more(address: str) -> None:
    check_exposure(parse_address(address), None, insecure=False)


@pytest.mark.parametrize(
    "address", ["0.0.0.0:1", "[::]:1", "192.0.2.7:1", "sidecar.example.org:1", "[2001:db8::1]:1"]
)
@pytest.mark.parametrize("tls", [None, TLS], ids=["plain", "tls_that_lets_anybody_in"])
def test_beyond_this_machine_clients_must_be_known(address: str, tls: TlsFiles | None) -> None:
    with pytest.raises(ConfigError, match="mutual TLS"):
        check_exposure(parse_address(address), tls, insecure=False)
    check_exposure(parse_address(address), MUTUAL, insecure=False)
    check_exposure(parse_address(address), tls, insecure=True)


def test_socket_file_of_a_dead_server_is_removed(socket_folder: Path) -> None:
    path = socket_folder / "s"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
    assert path.exists()
    claim(UnixAddress(path))
    assert not path.exists()


@pytest.mark.parametrize("backlog", [0, 8], ids=["full_backlog", "room_left"])
def test_socket_of_a_living_server_is_left_alone(socket_folder: Path, backlog: int) -> None:
    path = socket_folder / "s"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen(backlog)
        waiting = [socket.socket(socket.AF_UNIX) for _ in range(2 if backlog == 0 else 0)]
        for client in waiting:
            client.setblocking(False)
            client.connect_ex(str(path))
        with pytest.raises(ConfigError, match="another server"):
            claim(UnixAddress(path))
        for client in waiting:
            client.close()
    assert path.is_socket()


def test_a_file_that_is_no_socket_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "s"
    path.write_text("precious")
    with pytest.raises(ConfigError, match="no socket"):
        claim(UnixAddress(path))
    assert path.read_text() == "precious"


def test_folder_of_the_socket_must_exist(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=re.escape(str(tmp_path / "none"))):
        claim(UnixAddress(tmp_path / "none" / "s"))


def test_a_path_longer_than_the_kernel_takes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="107 bytes"):
        claim(UnixAddress(tmp_path / ("é" * 60)))


@pytest.mark.parametrize("reuse", [False, True], ids=["plain", "shared_by_its_owner"])
def test_a_used_port_is_refused(reuse: bool) -> None:
    with socket.socket() as server:
        if reuse:
            server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]
        with pytest.raises(ConfigError, match=f"{port}: the port is in use"):
            claim(TcpAddress("127.0.0.1", port))
    claim(TcpAddress("127.0.0.1", port))


@pytest.mark.parametrize(
    ("host", "why"),
    [("192.0.2.7", "assign"), ("sidecar.invalid", "resolve")],
    ids=["not_ours", "no_such_name"],
)
def test_a_host_that_is_not_this_one_is_refused(host: str, why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        claim(TcpAddress(host, 50051))


def test_tls_files_are_checked_before_they_are_used(tmp_path: Path) -> None:
    authority = trustme.CA()
    issued, other = authority.issue_cert("sidecar.example.org"), authority.issue_cert("sidecar.example.org")
    cert, key, other_key, ca = (tmp_path / name for name in ("cert", "key", "other", "ca"))
    issued.cert_chain_pems[0].write_to_path(cert)
    issued.private_key_pem.write_to_path(key)
    other.private_key_pem.write_to_path(other_key)
    authority.cert_pem.write_to_path(ca)
    assert TlsFiles(cert, key).context().verify_mode is ssl.CERT_NONE
    assert TlsFiles(cert, key, ca).context().verify_mode is ssl.CERT_REQUIRED
    (tmp_path / "junk").write_text("no PEM")
    for broken in (
        TlsFiles(cert, other_key),
        TlsFiles(key, cert),
        TlsFiles(tmp_path / "none", key),
        TlsFiles(cert, key, tmp_path / "junk"),
        TlsFiles(cert, key, tmp_path / "none"),
    ):
        with pytest.raises(ConfigError, match="TLS: ") as refused:
            broken.context()
        assert len(str(refused.value).splitlines()) == 1
