"""TLS on both sides of a real Envoy: a provider's certificate is verified, the listener's is usable."""

from __future__ import annotations

import http.client
import ssl
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import trustme

from sidecar.errors import ConfigError
from sidecar.gateway import trust
from sidecar.gateway.bootstrap import to_dict
from sidecar.gateway.certificate import self_signed

if TYPE_CHECKING:
    from conftest import Start

    from sidecar.gateway.plan import GatewayPlan

MakePlan = Callable[..., "GatewayPlan"]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-length", "2")
        self.send_header("x-sni", str(getattr(self.server, "sni", None)))
        self.send_header("x-host", self.headers["host"])
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as in the base class
        pass


class QuietServer(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        pass  # a refused handshake is the point of some tests


@contextmanager
def https_provider(authority: trustme.CA, *names: str) -> Iterator[int]:
    """An HTTPS server with a certificate for ``names``; tells in `x-sni` what the client asked for."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(context)
    server = QuietServer(("127.0.0.1", 0), Handler)
    context.sni_callback = lambda _socket, name, _context: setattr(server, "sni", name)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def ca_file(authority: trustme.CA, folder: Path) -> Path:
    path = folder / "ca.pem"
    authority.cert_pem.write_to_path(path)
    return path


@pytest.mark.envoy
@pytest.mark.parametrize(
    ("host", "certified", "status"),
    [
        ("localhost", "localhost", 200),
        ("127.0.0.1", "127.0.0.1", 200),
        ("a.localhost", "*.localhost", 200),
        ("localhost", "other.example", 503),
        ("127.0.0.1", "localhost", 503),
        ("127.0.0.1", "127.0.0.2", 503),
    ],
    ids=["name", "address", "wildcard", "another name", "name instead of address", "another address"],
)
def test_a_providers_certificate_must_be_for_the_host_that_was_named(
    start_envoy: Start,
    make_plan: MakePlan,
    authority: trustme.CA,
    ca_file: Path,
    host: str,
    certified: str,
    status: int,
) -> None:
    with https_provider(authority, certified) as port:
        plan = make_plan(targets={"openai": f"https://{host}:{port}"}, upstream_ca=ca_file)
        with start_envoy(plan) as running:
            answer = running.ask("GET", "/openai/v1/models")
    assert answer.status == status
    if status == 200:
        assert answer.headers["x-host"] == f"{host}:{port}"
        assert answer.headers["x-sni"] == ("None" if host == "127.0.0.1" else host)


@pytest.mark.envoy
def test_a_ca_that_the_system_does_not_know_is_not_trusted_by_itself(
    start_envoy: Start, make_plan: MakePlan, authority: trustme.CA
) -> None:
    with https_provider(authority, "localhost") as port:
        plan = make_plan(targets={"openai": f"https://localhost:{port}"})
        with start_envoy(plan) as running:
            assert running.ask("GET", "/openai/v1/models").status == 503


@pytest.mark.envoy
@pytest.mark.parametrize("offered", [["h2", "http/1.1"], ["http/1.1"], []], ids=["h2", "h1", "no ALPN"])
def test_the_listener_speaks_tls_with_a_certificate_for_its_names(
    start_envoy: Start, make_plan: MakePlan, tmp_path: Path, offered: list[str]
) -> None:
    files = self_signed(tmp_path, ["gateway.example", "0.0.0.0"])
    with start_envoy(make_plan(tls=files)) as running:
        for name in ("gateway.example", "localhost", "127.0.0.1", "::1"):
            context = ssl.create_default_context(cafile=str(files.certificate))
            context.verify_flags |= ssl.VERIFY_X509_STRICT
            if offered:
                context.set_alpn_protocols(offered)
            raw = http.client.HTTPConnection("127.0.0.1", running.port)
            raw.connect()
            with context.wrap_socket(raw.sock, server_hostname=name) as connection:
                assert connection.selected_alpn_protocol() == (offered[0] if offered else None)


def test_the_key_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    files = self_signed(tmp_path, [])
    assert {stat.S_IMODE(path.stat().st_mode) for path in (files.certificate, files.key)} == {0o600}


def test_a_private_ca_is_trusted_beside_the_systems_not_instead(make_plan: MakePlan, ca_file: Path) -> None:
    plan = make_plan(targets={"openai": "https://h.example"}, upstream_ca=ca_file)
    [secret] = to_dict(plan)["static_resources"]["secrets"]
    pem = secret["validation_context"]["trusted_ca"]["inline_string"]
    assert pem.endswith(ca_file.read_text())
    assert pem.startswith(trust.system_bundle().read_text().rstrip())


def test_no_ca_is_needed_when_no_provider_uses_tls(make_plan: MakePlan, tmp_path: Path) -> None:
    built = to_dict(make_plan(system_ca=tmp_path / "missing.pem"))
    assert "secrets" not in built["static_resources"]


@pytest.mark.parametrize(
    "content", [None, "", "no certificate", "\xff"], ids=["missing", "empty", "text", "binary"]
)
def test_a_private_ca_that_is_none_is_refused_in_one_line(
    make_plan: MakePlan, tmp_path: Path, content: str | None
) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ConfigError, match=r"ca\.pem") as caught:
        to_dict(make_plan(targets={"openai": "https://h.example"}, upstream_ca=path))
    assert "\n" not in str(caught.value)


def test_the_operators_own_bundle_goes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = tmp_path / "bundle.pem"
    bundle.touch()
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    assert trust.system_bundle() == bundle
    bundle.unlink()
    with pytest.raises(ConfigError, match="SSL_CERT_FILE"):
        trust.system_bundle()


def test_without_any_bundle_the_operator_is_told_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    monkeypatch.setattr(trust, "BUNDLES", ())
    with pytest.raises(ConfigError, match="SSL_CERT_FILE"):
        trust.system_bundle()
