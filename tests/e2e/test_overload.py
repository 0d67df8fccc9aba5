"""More than a worker can do: what is accepted is served in time, the rest is told when to come again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager

import httpx
import pytest

from sidecar.gateway.echo_provider import EchoProvider
from tests.e2e.harness import Gateway, Planted

pytestmark = [pytest.mark.envoy, pytest.mark.model]

CLIENTS = 24


@pytest.fixture(scope="module")
def provider() -> Iterator[EchoProvider]:
    with EchoProvider() as started:
        yield started


@pytest.fixture(scope="module")
def gateway(
    run_up: Callable[..., AbstractContextManager[Gateway]], provider: EchoProvider
) -> Iterator[Gateway]:
    with run_up(
        "--workers",
        "1",
        f"--upstream=openai={provider.url}",
        PII_SIDECAR_QUEUE_REQUESTS="4",
        PII_SIDECAR_CACHE_BYTES="0",
    ) as started:
        yield started


def test_too_many_long_requests_at_once_are_refused_in_part_and_served_in_part(
    gateway: Gateway, provider: EchoProvider, planted: Planted
) -> None:
    def text(number: int) -> str:
        mail = planted(f"overloaded{number}@example.org")
        return f"Please write to {mail} about the delivery of order {number} in Lower Saxony. " * 400

    def ask(number: int) -> tuple[str, httpx.Response]:
        content = text(number)
        body = {"model": "echo", "messages": [{"role": "user", "content": content}]}
        return content, httpx.post(f"{gateway.url}/v1/chat/completions", json=body, timeout=60)

    with ThreadPoolExecutor(CLIENTS) as clients:
        answers = list(clients.map(ask, range(CLIENTS)))
    served = [(content, answer) for content, answer in answers if answer.status_code == 200]
    refused = [answer for _, answer in answers if answer.status_code != 200]
    assert served
    assert refused
    for content, answer in served:
        assert answer.json()["choices"][0]["message"]["content"] == content
    for answer in refused:
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) >= 1
        assert answer.json()["error"]["type"] == "pii_sidecar"
        assert "busy" in answer.json()["error"]["message"]
    assert len(provider.requests) == len(served), "what was refused must not have left"
    planted.assert_absent(provider.received)
    assert ask(CLIENTS)[1].status_code == 200, "afterwards all is well"
