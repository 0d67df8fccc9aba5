"""The route table in a real Envoy: what reaches which provider, under which path, and what reaches none."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Provider, Running, Start

    from sidecar.gateway.plan import GatewayPlan

pytestmark = pytest.mark.envoy

BODY = b'{"model": "m"}'


def targets(providers: dict[str, Provider]) -> dict[str, str]:
    """Two of them have a base path, one with a final slash."""
    urls = {name: provider.url for name, provider in providers.items()}
    return urls | {"anthropic": f"{urls['anthropic']}/base", "local": f"{urls['local']}/api/"}


@pytest.fixture(scope="module", params=["openai", "anthropic", "gemini", "local"])
def by_default(
    request: pytest.FixtureRequest,
    start_envoy: Start,
    make_plan: Callable[..., GatewayPlan],
    providers: dict[str, Provider],
) -> Iterator[tuple[str, Running]]:
    with start_envoy(make_plan(targets=targets(providers), default_target=request.param)) as running:
        running.providers = providers
        yield request.param, running


@pytest.fixture(scope="module")
def running(
    start_envoy: Start, make_plan: Callable[..., GatewayPlan], providers: dict[str, Provider]
) -> Iterator[Running]:
    with start_envoy(make_plan(targets=targets(providers), default_target="gemini")) as running:
        running.providers = providers
        yield running


@pytest.fixture(scope="module")
def only_openai(
    start_envoy: Start, make_plan: Callable[..., GatewayPlan], providers: dict[str, Provider]
) -> Iterator[Running]:
    with start_envoy(make_plan(targets={"openai": providers["openai"].url})) as running:
        running.providers = providers
        yield running


@pytest.mark.parametrize(
    ("path", "name", "arrives"),
    [
        ("/openai/v1/chat/completions", "openai", "/v1/chat/completions"),
        ("/openai/v1/responses?stream=true&a=%20b", "openai", "/v1/responses?stream=true&a=%20b"),
        ("/openai/", "openai", "/"),
        ("/anthropic/v1/messages", "anthropic", "/base/v1/messages"),
        ("/gemini/v1beta/models/g-2:generateContent", "gemini", "/v1beta/models/g-2:generateContent"),
        ("/gemini/v1beta/openai/chat/completions", "gemini", "/v1beta/openai/chat/completions"),
        ("/local/v1/models", "local", "/api/v1/models"),
        ("/v1/messages", "anthropic", "/base/v1/messages"),
        ("/v1/messages?beta=true", "anthropic", "/base/v1/messages?beta=true"),
        ("/v1/messages/count_tokens", "anthropic", "/base/v1/messages/count_tokens"),
        ("/v1/proxy/openai/chat/completions", "openai", "/v1/chat/completions"),
        ("/v1/proxy/anthropic/messages", "anthropic", "/base/v1/messages"),
    ],
)
@pytest.mark.parametrize("method", ["POST", "GET"])
def test_a_prefix_is_removed_before_the_provider_sees_the_path(
    running: Running, method: str, path: str, name: str, arrives: str
) -> None:
    answer = running.ask(method, path, BODY if method == "POST" else None)
    assert answer.status == 200
    [(provider, seen)] = running.seen
    assert (provider, seen.method, seen.path) == (name, method, arrives)
    assert seen.body == (BODY if method == "POST" else b"")


@pytest.mark.parametrize("rest", ["chat/completions", "models", "embeddings?x=/v1/"])
def test_other_v1_paths_go_to_the_default_targets_own_openai_endpoint(
    by_default: tuple[str, Running], rest: str
) -> None:
    name, running = by_default
    assert running.ask("POST", f"/v1/{rest}", BODY).status == 200
    prefix = {"openai": "/v1/", "anthropic": "/base/v1/", "gemini": "/v1beta/openai/", "local": "/api/v1/"}
    [(provider, seen)] = running.seen
    assert (provider, seen.path) == (name, prefix[name] + rest)


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/v1",
        "/v2/chat/completions",
        "/openai",
        "/OpenAI/v1/models",
        "/openai;x/v1/models",
        "/claude/v1/messages",
        "/v1/proxy",
        "/v1/proxy/gemini/x",
        "/v1/proxy/local/v1/models",
        "/health/",
        "/healthz",
        "/health;/openai/v1/models",
        "/Health",
        "/api/profile-mask",
        "/api/profile-mask/",
        "/api/profile-mask/default/openai/v1",
        "/pii_sidecar.v1.Masking/ProfileMask",
        "/envoy.service.ext_proc.v3.ExternalProcessor/Process",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_anything_else_answers_404_in_json_and_reaches_nobody(
    running: Running, method: str, path: str
) -> None:
    answer = running.ask(method, path, BODY if method == "POST" else None)
    assert answer.status == 404
    assert answer.headers["content-type"] == "application/json"
    assert json.loads(answer.body)["error"]["type"] == "pii_sidecar"
    assert running.seen == []


@pytest.mark.parametrize(
    "path",
    [
        "/anthropic/v1/messages",
        "/v1/messages",
        "/v1/proxy/anthropic/messages",
        "/gemini/v1beta/models",
        "/local/v1/models",
    ],
)
def test_a_name_that_is_not_listed_answers_404(only_openai: Running, path: str) -> None:
    assert only_openai.ask("POST", path, BODY).status == 404
    assert only_openai.seen == []


def test_a_default_target_that_is_not_listed_answers_404(
    start_envoy: Start, make_plan: Callable[..., GatewayPlan], providers: dict[str, Provider]
) -> None:
    plan = make_plan(targets={"openai": providers["openai"].url}, default_target="local")
    with start_envoy(plan) as running:
        assert running.ask("POST", "/v1/chat/completions", BODY).status == 404
        assert running.ask("POST", "/openai/v1/chat/completions", BODY).status == 200


@pytest.mark.parametrize(
    "path",
    [
        "/health/../openai/v1/models",
        "/health/%2e%2e/openai/v1/models",
        "/health/.%2E/openai/v1/models",
        "/health/..%2fopenai%2Fv1/models",
        "/health%2f..%2fopenai/v1/models",
        "/health%5c..%5copenai/v1/models",
        "/health\\..\\openai\\v1\\models",
        "/health;/../openai/v1/models",
        "//openai//v1///models",
        "/./openai/./v1/models",
        "/nobody/../openai/v1/models",
        "/api/profile-mask/default/../../../openai/v1/models",
        "/api/profile-mask/x%2f..%2f..%2f..%2fopenai/v1/models",
        "/%6fpenai/v1/models",
        "/openai/%252e%252e/health",
        "/health#/../openai/v1/models",
        "/openai/v1/models#/health",
        "/openai/v1/%00",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_no_spelling_of_a_path_gets_around_the_sidecar(running: Running, method: str, path: str) -> None:
    answer = running.ask(method, path, BODY if method == "POST" else None)
    assert answer.status in {200, 400, 404}
    assert (answer.status == 200) == bool(running.seen)
    assert all(seen.headers.get("x-inspected") == "yes" for _, seen in running.seen)


@pytest.mark.parametrize(
    ("path", "arrives"),
    [
        ("/openai//v1/./models/../chat", "/v1/chat"),
        ("/openai/v1/models/org%2Fname", "/v1/models/org/name"),
        ("/openai/v1/a%20b%C3%A9", "/v1/a%20b%C3%A9"),
        ("/local/../openai/x", "/x"),
    ],
)
def test_the_provider_sees_the_path_that_was_routed(running: Running, path: str, arrives: str) -> None:
    assert running.ask("GET", path).status == 200
    [(_, seen)] = running.seen
    assert seen.path == arrives


def test_the_base_path_cannot_be_left(running: Running) -> None:
    for path in ("/local/../admin", "/local/%2e%2e/admin", "/local/..%2fadmin"):
        assert running.ask("GET", path).status == 404
    assert running.seen == []


def raw(port: int, request: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(request)
        return connection.recv(65536)


@pytest.mark.parametrize(
    ("request_line", "status"),
    [
        (b"CONNECT {provider} HTTP/1.1\r\nhost: {provider}\r\n", 403),
        (b"CONNECT /openai/v1/models HTTP/1.1\r\nhost: x\r\n", 400),
        (b"GET http://{provider}/anything HTTP/1.1\r\nhost: x\r\n", 404),
        (
            b"GET /openai/v1/realtime HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n",
            403,
        ),
        (b"GET /health HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n", 403),
        (b"GET /openai/v1/models HTTP/1.0\r\n", 426),
        (b"GET openai HTTP/1.1\r\nhost: x\r\n", 400),
        (b"NONSENSE\r\n", 400),
        (
            b"POST /openai/v1/x HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n",
            400,
        ),
        (b"GET /openai/v1/x HTTP/1.1\r\nhost: x\r\nx-much: " + b"a" * 70_000 + b"\r\n", 431),
    ],
    ids=lambda given: given[:40].decode() if isinstance(given, bytes) else str(given),
)
def test_odd_requests_are_refused_with_a_4xx_and_reach_nobody(
    running: Running, request_line: bytes, status: int
) -> None:
    provider = running.providers["openai"].url.removeprefix("http://").encode()
    answer = raw(running.port, request_line.replace(b"{provider}", provider) + b"\r\n")
    assert answer.startswith(b"HTTP/1.1 %d " % status)
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["error"]["type"] == "pii_sidecar"
    assert running.seen == []


@pytest.mark.parametrize(
    "request_head",
    [
        b"GET http://{provider}/openai/v1/models HTTP/1.1\r\nhost: x\r\n",
        b"GET /openai/v1/models HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: h2c\r\n",
    ],
    ids=["absolute form", "upgrade to h2c"],
)
def test_what_is_served_as_an_ordinary_request_is_inspected_like_one(
    running: Running, request_head: bytes
) -> None:
    provider = running.providers["openai"].url.removeprefix("http://").encode()
    answer = raw(running.port, request_head.replace(b"{provider}", provider) + b"\r\n")
    assert answer.startswith(b"HTTP/1.1 200 ")
    [(name, seen)] = running.seen
    assert (name, seen.path, seen.headers["x-inspected"]) == ("openai", "/v1/models", "yes")
    assert "upgrade" not in seen.headers
    assert seen.headers["host"].encode() == provider


def test_a_body_behind_a_get_is_not_taken_for_a_second_request(running: Running) -> None:
    hidden = b"GET /openai/v1/models HTTP/1.1\r\nhost: x\r\n\r\n"
    raw(running.port, b"GET /health HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % len(hidden) + hidden)
    assert running.seen == []


def test_the_provider_sees_the_clients_headers_and_its_own_name_and_nothing_of_envoy(
    running: Running,
) -> None:
    sent = {
        "authorization": "Bearer k",
        "x-stainless-lang": "python",
        "user-agent": "t",
        "x-request-id": "own",
    }
    odd = {"x-envoy-retry-on": "5xx", "x-envoy-original-path": "/x", "x-pii-sidecar-stamp": "processed"}
    assert running.ask("POST", "/local/v1/chat/completions", BODY, sent | odd).status == 200
    [(_, seen)] = running.seen
    assert seen.headers == sent | {
        "host": running.providers["local"].url.removeprefix("http://"),
        "content-type": "application/json",
        "content-length": str(len(BODY)),
        "x-inspected": "yes",
    }


def test_the_client_sees_the_providers_headers_and_nothing_of_envoy(running: Running) -> None:
    answer = running.ask("GET", "/openai/v1/models")
    assert set(answer.headers) == {"server", "date", "content-type", "content-length"}
    assert answer.headers["server"].startswith("BaseHTTP")
