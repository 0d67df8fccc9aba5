"""TLS on both sides: providers are verified, and the listener can speak it."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import httpx
import pytest
import trustme

from sidecar.gateway.echo_provider import EchoProvider
from tests.e2e.harness import Gateway

pytestmark = [pytest.mark.envoy, pytest.mark.model]

RunUp = Callable[..., AbstractContextManager[Gateway]]
CHAT = {"model": "echo", "messages": [{"role": "user", "content": "Good morning"}]}


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def authority_file(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority.cert_pem.write_to_path(path)
    return path


def provider_for(authority: trustme.CA, host: str) -> EchoProvider:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(host).configure_cert(context)
    return EchoProvider(tls=context)


@pytest.fixture(scope="module")
def secure(authority: trustme.CA) -> Iterator[EchoProvider]:
    with provider_for(authority, "localhost") as started:
        yield started


def test_a_provider_with_a_certificate_of_the_private_ca_is_reached(
    run_up: RunUp, secure: EchoProvider, authority_file: Path
) -> None:
    secure.clear()
    upstream = f"--upstream=openai=https://localhost:{secure.port}"
    with run_up("--workers", "1", upstream, "--upstream-ca", str(authority_file)) as gateway:
        answer = httpx.post(f"{gateway.url}/v1/chat/completions", json=CHAT)
    assert answer.status_code == 200
    assert secure.requests[-1].header("host") == f"localhost:{secure.port}"


def test_a_certificate_nobody_trusts_gets_nothing(run_up: RunUp, secure: EchoProvider) -> None:
    secure.clear()
    with run_up("--workers", "1", f"--upstream=openai=https://localhost:{secure.port}") as gateway:
        answer = httpx.post(f"{gateway.url}/v1/chat/completions", json=CHAT)
    assert answer.status_code == 503
    assert answer.json()["error"]["type"] == "pii_sidecar"
    assert secure.requests == ()


def test_a_certificate_for_another_name_gets_nothing(
    run_up: RunUp, authority: trustme.CA, authority_file: Path
) -> None:
    with (
        provider_for(authority, "elsewhere.example.org") as imposter,
        run_up(
            "--workers",
            "1",
            f"--upstream=openai=https://localhost:{imposter.port}",
            "--upstream-ca",
            str(authority_file),
        ) as gateway,
    ):
        answer = httpx.post(f"{gateway.url}/v1/chat/completions", json=CHAT)
        assert answer.status_code == 503
        assert imposter.requests == ()


def test_a_self_signed_listener_speaks_tls(run_up: RunUp, provider: EchoProvider) -> None:
    with run_up("--workers", "1", f"--upstream=openai={provider.url}", "--tls-self-signed") as gateway:
        assert gateway.url.startswith("https://127.0.0.1:")
        answer = httpx.post(f"{gateway.url}/v1/chat/completions", json=CHAT, verify=False)
    assert answer.status_code == 200


def test_a_listener_takes_the_operators_certificate(
    run_up: RunUp, provider: EchoProvider, authority: trustme.CA, authority_file: Path, tmp_path: Path
) -> None:
    issued = authority.issue_cert("127.0.0.1")
    issued.private_key_pem.write_to_path(tmp_path / "key.pem")
    issued.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    files = ("--tls-cert", str(tmp_path / "cert.pem"), "--tls-key", str(tmp_path / "key.pem"))
    with run_up("--workers", "1", f"--upstream=openai={provider.url}", *files) as gateway:
        context = ssl.create_default_context(cafile=authority_file)
        answer = httpx.post(f"{gateway.url}/v1/chat/completions", json=CHAT, verify=context)
    assert answer.status_code == 200
