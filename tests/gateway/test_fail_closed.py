"""What a real Envoy does when the sidecar fails in some way: nothing goes to the provider, and quickly."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Provider, Running, Start

    from sidecar.gateway.plan import GatewayPlan

pytestmark = pytest.mark.envoy

BODY = b'{"text": "ada@example.org"}'
OPENAI, ANTHROPIC, GOOGLE = "/openai/v1/responses", "/v1/messages", "/gemini/v1beta/models/g:generateContent"
LIMIT = 256 * 1024
SLACK = 1024 * 1024


@pytest.fixture(scope="module")
def running(
    start_envoy: Start, make_plan: Callable[..., GatewayPlan], providers: dict[str, Provider]
) -> Iterator[Running]:
    targets = {name: provider.url for name, provider in providers.items()} | {"local": "http://127.0.0.1:9"}
    with start_envoy(make_plan(targets=targets, message_timeout=1.0, body_limit=LIMIT)) as running:
        running.providers = providers
        yield running


def message_in(path: str, body: bytes, status: int) -> str:
    """Check that the error has the shape of the API that was asked, and return its message."""
    parsed = json.loads(body)
    error = parsed["error"]
    assert error["type"] == "pii_sidecar"
    if path == ANTHROPIC:
        assert parsed["type"] == "error"
    else:
        assert error["code"] == status
    assert ("status" in error) == (path == GOOGLE)
    return str(error["message"])


@pytest.mark.parametrize("path", [OPENAI, ANTHROPIC, GOOGLE], ids=["openai", "anthropic", "google"])
@pytest.mark.parametrize(
    ("behavior", "status"),
    [
        ("close", 503),
        ("close-late", 503),
        ("unstamped", 503),
        ("error", 503),
        ("hang", 504),
    ],
)
def test_a_sidecar_that_does_not_answer_for_the_whole_request_lets_nothing_through(
    running: Running, behavior: str, status: int, path: str
) -> None:
    forged = {"x-stub": behavior, "x-pii-sidecar-stamp": "processed"}
    started = time.monotonic()
    answer = running.ask("POST", path, BODY, forged)
    assert time.monotonic() - started < 5.0
    assert answer.status == status
    assert answer.headers["content-type"] == "application/json"
    assert message_in(path, answer.body, status)
    assert running.seen == []


@pytest.mark.parametrize("behavior", ["close", "unstamped", "error"])
def test_a_request_without_body_is_guarded_as_well(running: Running, behavior: str) -> None:
    answer = running.ask("GET", OPENAI, None, {"x-stub": behavior, "x-pii-sidecar-stamp": "processed"})
    assert answer.status == 503
    assert running.seen == []


@pytest.mark.parametrize(
    "stamp", ["processed", "processed, processed", "PROCESSED"], ids=["same", "twice", "other case"]
)
@pytest.mark.parametrize("name", ["x-pii-sidecar-stamp", "X-PII-Sidecar-Stamp"])
def test_a_forged_stamp_is_worth_nothing(running: Running, name: str, stamp: str) -> None:
    assert running.ask("POST", OPENAI, BODY, {"x-stub": "unstamped", name: stamp}).status == 503
    assert running.seen == []


def test_a_forged_stamp_does_not_keep_a_good_request_from_the_provider(running: Running) -> None:
    assert running.ask("POST", OPENAI, BODY, {"x-pii-sidecar-stamp": "forged"}).status == 200
    [(_, seen)] = running.seen
    assert "x-pii-sidecar-stamp" not in seen.headers


def test_the_sidecars_own_answer_is_not_overwritten(running: Running) -> None:
    answer = running.ask("POST", ANTHROPIC, BODY, {"x-stub": "refuse"})
    assert (answer.status, answer.body) == (422, b'{"own": "words of the sidecar"}')
    assert answer.headers["content-type"] == "application/json"
    assert running.seen == []


def test_a_provider_that_cannot_be_reached_is_named_by_nothing_internal(running: Running) -> None:
    answer = running.ask("POST", "/local/v1/chat/completions", BODY)
    assert answer.status == 503
    text = answer.body.decode().lower()
    for word in ("upstream", "127.0.0.1", "envoy", "reset", "connection refused", "delayed connect"):
        assert word not in text


def test_a_body_over_the_buffer_limit_is_refused_in_the_providers_shape(running: Running) -> None:
    answer = running.ask("POST", ANTHROPIC, b"x" * (LIMIT + SLACK + 100_000))
    assert answer.status == 413
    assert message_in(ANTHROPIC, answer.body, 413) == "the request body is too large"
    assert running.seen == []


def test_a_body_between_the_limit_and_the_slack_is_left_to_the_sidecar(running: Running) -> None:
    assert running.ask("POST", OPENAI, b"x" * (LIMIT + 1)).status == 200
    [(_, seen)] = running.seen
    assert len(seen.body) == LIMIT + 1


def test_without_any_sidecar_nothing_goes_through(
    start_envoy: Start, make_plan: Callable[..., GatewayPlan], providers: dict[str, Provider], folder: Path
) -> None:
    targets = {name: provider.url for name, provider in providers.items()}
    plan = make_plan(targets=targets, sidecars=(f"unix:{folder}/nobody.sock", "127.0.0.1:9"))
    with start_envoy(plan, healthy=False) as running:
        for method, path, body in [
            ("POST", OPENAI, BODY),
            ("POST", ANTHROPIC, BODY),
            ("GET", OPENAI, None),
            ("GET", "/health", None),
            ("POST", "/api/profile-mask/default", b'{"value": "x"}'),
        ]:
            answer = running.ask(method, path, body)
            assert answer.status == 503, path
            assert message_in(path, answer.body, 503)
    assert all(not provider.seen for provider in providers.values())


def test_neither_the_access_log_nor_envoys_own_log_holds_anything_of_path_query_or_body(
    start_envoy: Start, make_plan: Callable[..., GatewayPlan], providers: dict[str, Provider]
) -> None:
    targets = {name: provider.url for name, provider in providers.items()}
    with start_envoy(make_plan(targets=targets, message_timeout=0.5)) as running:
        for behavior in ("stamp", "close", "error", "hang", "refuse"):
            running.ask("POST", "/openai/v1/marker1?q=marker2", b'{"t": "marker3"}', {"x-stub": behavior})
        running.ask("POST", "/marker1", b"marker3")
        running.ask("POST", "/api/profile-mask/marker1?marker2", b'{"value": "marker3')
        running.ask("GET", "/openai/v1/marker1#marker2")
        time.sleep(0.5)
        log, access = running.log.read_text(), running.access_log.read_text()
    assert "marker" not in log + access
    entries = [json.loads(line) for line in access.splitlines()]
    assert [entry["route"] for entry in entries[:6]] == ["openai"] * 5 + ["not-found"]
    assert entries[0]["status"] == 200
    assert "ext_proc" in entries[2]["details"]
