"""What happens when workers vanish or freeze, in every phase, behind a real Envoy.

Never does a byte of a body that was not answered reach the provider, never does a client wait for ever,
and within five seconds the gateway serves again.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from sidecar.gateway.echo_provider import EchoProvider
from tests.e2e.harness import Gateway, Planted

pytestmark = [pytest.mark.envoy, pytest.mark.model]

SERVING_AGAIN = 5.0
NEVER_LONGER = 30.0
CUT = (httpx.TransportError, http.client.HTTPException, OSError)


@pytest.fixture(scope="module")
def provider() -> Iterator[EchoProvider]:
    with EchoProvider() as started:
        yield started


@pytest.fixture(scope="module")
def gateway(
    run_up: Callable[..., AbstractContextManager[Gateway]], provider: EchoProvider
) -> Iterator[Gateway]:
    with run_up("--workers", "2", f"--upstream=openai={provider.url}") as started:
        yield started


@pytest.fixture(params=[signal.SIGKILL, signal.SIGSTOP], ids=["killed", "frozen"])
def blow(request: pytest.FixtureRequest, gateway: Gateway) -> Callable[[], None]:
    """Return what hits all workers at once."""

    def strike() -> None:
        for pid in gateway.workers:
            os.kill(pid, request.param)

    return strike


@pytest.fixture(autouse=True)
def serving(gateway: Gateway) -> None:
    wait_until_serving(gateway, 20)


def chat(text: str, model: str = "echo", *, stream: bool = False) -> bytes:
    body = {"model": model, "messages": [{"role": "user", "content": text}], "stream": stream}
    return json.dumps(body).encode()


def post(gateway: Gateway, body: bytes) -> httpx.Response:
    headers = {"content-type": "application/json"}
    return httpx.post(
        f"{gateway.url}/v1/chat/completions", content=body, headers=headers, timeout=NEVER_LONGER
    )


def wait_until_serving(gateway: Gateway, seconds: float) -> None:
    """Return once three requests in a row succeed."""
    deadline = time.monotonic() + seconds
    successes = 0
    while successes < 3:
        assert time.monotonic() < deadline, "not serving again in time"
        try:
            good = post(gateway, chat("Good morning")).status_code == 200
        except CUT:
            good = False
        successes = successes + 1 if good else 0
        if not good:
            time.sleep(0.05)


def read_stream(gateway: Gateway, body: bytes, received: bytearray, at_first: Callable[[], None]) -> None:
    """Read a streamed answer to its end; do ``at_first`` when its first bytes are there."""
    url, headers = f"{gateway.url}/v1/chat/completions", {"content-type": "application/json"}
    with httpx.stream("POST", url, content=body, headers=headers, timeout=NEVER_LONGER) as answer:
        for piece in answer.iter_raw():
            if not received:
                at_first()
            received += piece


def answer_status(raw: socket.socket) -> int:
    """Return the status of an answer; 0 if the connection was cut."""
    raw.settimeout(NEVER_LONGER)
    try:
        answer = http.client.HTTPResponse(raw)
        answer.begin()
    except TimeoutError:
        pytest.fail("the client hangs")
    except (http.client.HTTPException, OSError):
        return 0
    return answer.status


def test_workers_that_are_gone_leave_nothing_upstream_and_are_replaced(
    gateway: Gateway, provider: EchoProvider, planted: Planted, blow: Callable[[], None]
) -> None:
    mail = planted("kim.park@example.org")
    provider.clear()
    blow()
    began = time.monotonic()
    statuses: list[int] = []
    while time.monotonic() - began < 1.0:
        with contextlib.suppress(*CUT):
            statuses.append(post(gateway, chat(f"Mail {mail}")).status_code)
    wait_until_serving(gateway, SERVING_AGAIN - (time.monotonic() - began))
    assert set(statuses) <= {200, 500, 503, 504}
    assert mail.encode() not in provider.received


def test_a_blow_between_headers_and_body(
    gateway: Gateway, provider: EchoProvider, planted: Planted, blow: Callable[[], None]
) -> None:
    mail = planted("lena.berg@example.org")
    body = chat(f"Mail {mail}")
    address = urlsplit(gateway.url)
    provider.clear()
    with socket.create_connection((address.hostname, address.port)) as raw:
        raw.sendall(
            b"POST /v1/chat/completions HTTP/1.1\r\nhost: gateway\r\ncontent-type: application/json\r\n"
            b"content-length: " + str(len(body)).encode() + b"\r\n\r\n" + body[:10]
        )
        time.sleep(0.3)  # the headers are answered by now, the body cannot be
        blow()
        with contextlib.suppress(OSError):
            raw.sendall(body[10:])
        began = time.monotonic()
        status = answer_status(raw)
    assert status == 0 or status >= 500
    assert time.monotonic() - began < NEVER_LONGER
    assert mail.encode() not in provider.received
    assert provider.requests == ()


def test_a_blow_while_the_body_is_looked_at(
    gateway: Gateway, provider: EchoProvider, planted: Planted, blow: Callable[[], None]
) -> None:
    mail = planted("omar.haddad@example.org")
    body = chat(f"Mail {mail}. " + "The quick brown fox jumps over the lazy dog near London. " * 8000)
    address = urlsplit(gateway.url)
    provider.clear()
    with socket.create_connection((address.hostname, address.port)) as raw:
        raw.sendall(
            b"POST /v1/chat/completions HTTP/1.1\r\nhost: gateway\r\ncontent-type: application/json\r\n"
            b"content-length: " + str(len(body)).encode() + b"\r\n\r\n" + body
        )
        time.sleep(0.5)
        blow()
        status = answer_status(raw)
    assert status == 0 or status >= 500
    assert mail.encode() not in provider.received


def test_a_blow_in_the_middle_of_a_streamed_answer_aborts_it(
    gateway: Gateway, provider: EchoProvider, planted: Planted, blow: Callable[[], None]
) -> None:
    mail = planted("pavel.novak@example.org")
    provider.clear()
    body = chat(f"Mail {mail}. " + "and so on " * 400, "echo-delay-20-delta-4", stream=True)
    received = bytearray()
    began = time.monotonic()
    with pytest.raises(CUT):
        read_stream(gateway, body, received, blow)
    assert time.monotonic() - began < NEVER_LONGER
    assert b"[DONE]" not in received
    assert mail.encode() not in provider.received


def test_envoy_is_replaced_as_well(gateway: Gateway, provider: EchoProvider) -> None:
    (envoy,) = set(gateway.children) - set(gateway.workers)
    os.kill(envoy, signal.SIGKILL)
    wait_until_serving(gateway, SERVING_AGAIN)
    assert provider.faults == 0


def test_health_tells_whether_a_worker_serves(gateway: Gateway) -> None:
    healthy = httpx.get(f"{gateway.url}/health")
    assert (healthy.status_code, healthy.json()) == (200, {"status": "ok"})
    for pid in gateway.workers:
        os.kill(pid, signal.SIGSTOP)
    deadline = time.monotonic() + 10
    statuses = set()
    while time.monotonic() < deadline and 503 not in statuses:
        with contextlib.suppress(httpx.TransportError):
            statuses.add(httpx.get(f"{gateway.url}/health", timeout=5).status_code)
    assert statuses - {200, 504} == {503}


def test_two_instances_run_side_by_side_from_one_folder(
    run_up: Callable[..., AbstractContextManager[Gateway]], gateway: Gateway, provider: EchoProvider
) -> None:
    with run_up("--workers", "1", f"--upstream=openai={provider.url}") as second:
        assert second.url != gateway.url
        for each in (gateway, second):
            assert post(each, chat("Good morning")).status_code == 200
    assert post(gateway, chat("Good morning")).status_code == 200


def test_no_child_outlives_up_even_when_it_is_killed(
    run_up: Callable[..., AbstractContextManager[Gateway]], provider: EchoProvider
) -> None:
    doomed = run_up("--workers", "2", f"--upstream=openai={provider.url}")
    started = doomed.__enter__()
    family = started.children
    started.process.kill()
    deadline = time.monotonic() + 5
    while any(alive(pid) for pid in family):
        assert time.monotonic() < deadline, "a child is still there"
        time.sleep(0.05)
    assert len(family) == 3
    with pytest.raises(AssertionError, match="ended by itself"):
        doomed.__exit__(None, None, None)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
