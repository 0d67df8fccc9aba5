"""The demo must not be able to succeed when it should not."""

import io
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from sidecar.gateway.demo import ORIGINALS, Row, _losses, run_demo
from sidecar.gateway.echo_provider import EchoProvider

PII_SIDECAR = Path(sys.executable).with_name("pii-sidecar")


def shown(gateway_url: str, provider: EchoProvider) -> tuple[int, str]:
    output = io.StringIO()
    status = run_demo(gateway_url, provider, Console(file=output))
    return status, output.getvalue()


def test_it_fails_and_names_every_original_that_leaked() -> None:
    with EchoProvider() as provider:
        status, output = shown(provider.url, provider)  # nothing stands between the two
    assert status == 1
    for original in ORIGINALS:
        assert f"the provider saw {original}\n" in output.replace("  ", "")


def test_it_fails_without_a_gateway() -> None:
    with socket.socket() as unused, EchoProvider() as provider:
        unused.bind(("127.0.0.1", 0))
        status, output = shown(f"http://127.0.0.1:{unused.getsockname()[1]}", provider)
    assert status == 1
    assert output.count("no answer") == 2


def test_it_fails_when_the_answer_is_not_what_the_provider_was_asked() -> None:
    with EchoProvider() as asked, EchoProvider() as provider:
        status, output = shown(asked.url, provider)
    assert status == 1
    assert output.count("the provider saw 0 requests") == 2


@pytest.mark.parametrize(
    "got",
    [
        pytest.param(("To {{EMAIL_1}}",), id="not restored"),
        pytest.param(("To john@exam", "ple.org"), id="altered"),
        pytest.param((), id="lost"),
    ],
)
def test_a_text_that_does_not_come_back_exactly_is_a_failure(got: tuple[str, ...]) -> None:
    sent = "To john@example.com"
    assert _losses("any", [Row("user", sent, "To {{EMAIL_1}}", got, sent)]) != []
    assert _losses("any", [Row("user", sent, "To {{EMAIL_1}}", ("To john@", "example.com"), sent)]) == []


def test_it_fits_a_hundred_columns_when_piped() -> None:
    with EchoProvider() as provider:
        _, output = shown(provider.url, provider)
    assert max(map(len, output.splitlines())) <= 100
    assert "\x1b" not in output


@pytest.mark.envoy
@pytest.mark.model
def test_it_succeeds_through_a_real_envoy_and_needs_nothing_else() -> None:
    done = subprocess.run([PII_SIDECAR, "demo"], capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "OK  no original reached the provider" in done.stdout
    assert "FAILED" not in done.stdout
    for token in ("{{PERSON_1}}", "{{EMAIL_1}}", "{{CREDIT_CARD_1}}", "{{SSN_1}}", "{{PHONE_1}}"):
        assert token in done.stdout
    assert not any(original in done.stderr for original in ORIGINALS)
