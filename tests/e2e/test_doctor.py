"""`pii-sidecar doctor` against a real gateway: it sees what would leave, and the provider sees nothing."""

from __future__ import annotations

import json
import socket
import subprocess
import sys

import httpx
import pytest

from sidecar.cli import doctor
from sidecar.cli.doctor_probes import probes
from sidecar.errors import ConfigError
from sidecar.gateway.echo_provider import EchoProvider
from tests.e2e.conftest import RunUp
from tests.e2e.harness import Gateway

pytestmark = [pytest.mark.envoy, pytest.mark.model]


def examined(url: str, *skipped: str, insecure: bool = False) -> bool:
    return doctor.doctor(url, headers={"x-trace": "1"}, insecure=insecure, skipped=frozenset(skipped))


def test_every_plant_stands_in_its_request_once() -> None:
    for probe in probes():
        body = json.dumps(probe.body)
        assert probe.plants
        assert all(body.count(plant.original) == 1 for plant in probe.plants)


def test_a_gateway_that_works_is_well_and_its_provider_hears_nothing(
    gateway: Gateway, clean: EchoProvider
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "sidecar", "doctor", gateway.url],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "nothing that was planted would have left" in done.stdout
    assert "tokenized; EMAIL=" in done.stdout
    assert clean.received == b""


def test_what_would_leave_is_named_with_its_place_and_fails(
    run_up: RunUp, provider: EchoProvider, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ("--workers", "1", f"--upstream=openai={provider.url}", "--tls-self-signed")
    with run_up(*arguments, PII_SIDECAR_NER="false") as gateway:
        with pytest.raises(ConfigError, match="cannot be asked"):
            examined(gateway.url)
        assert not examined(gateway.url, insecure=True)
        assert "PERSON in message" in capsys.readouterr().out
        assert examined(gateway.url, "PERSON", insecure=True)


def test_the_report_header_reaches_the_client_and_not_the_provider(
    gateway: Gateway, clean: EchoProvider
) -> None:
    body = {
        "model": "m",
        "messages": [{"role": "user", "content": "a@example.org, b@example.org, 203.0.113.4"}],
    }
    answer = httpx.post(f"{gateway.url}/v1/chat/completions", json=body)
    assert answer.headers["x-pii-sidecar"] == "tokenized; EMAIL=2, IP_ADDRESS=1"
    assert httpx.get(f"{gateway.url}/v1/models").headers["x-pii-sidecar"] == "clean"
    refused = httpx.post(f"{gateway.url}/v1/chat/completions", content=b"{")
    assert (refused.status_code, refused.headers["x-pii-sidecar"]) == (400, "refused")
    assert b"x-pii-sidecar" not in clean.received.lower()


@pytest.mark.parametrize("path", ["/doctor/v1/models", "/doctor", "/x/../doctor/", "//doctor//v1/x"])
def test_the_doctors_route_leads_nowhere_however_it_is_spelled(
    gateway: Gateway, clean: EchoProvider, path: str
) -> None:
    assert httpx.get(gateway.url + path).status_code in {400, 404}
    assert httpx.post(gateway.url + path, json={"a": "b"}).status_code in {200, 404}
    assert clean.received == b""


def test_what_is_no_gateway_is_said_in_one_line(provider: EchoProvider) -> None:
    with pytest.raises(ConfigError, match="another answer"):
        examined(provider.url)
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        with pytest.raises(ConfigError, match="cannot be asked"):
            examined(f"http://127.0.0.1:{bound.getsockname()[1]}")
    with pytest.raises(ConfigError, match="expected http"):
        examined("127.0.0.1:8080")


@pytest.mark.parametrize(("given", "headers"), [(["A: b:c", "d:"], {"A": "b:c", "d": ""}), ([], {})])
def test_headers_are_split_at_the_first_colon(given: list[str], headers: dict[str, str]) -> None:
    assert doctor.split_headers(given) == headers


def test_a_header_without_a_colon_is_refused_without_its_text() -> None:
    with pytest.raises(ConfigError) as caught:
        doctor.split_headers(["Bearer-sk"])
    assert "sk" not in str(caught.value)
