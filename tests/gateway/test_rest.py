"""`/health` and `/api/profile-mask/{policy}`: gRPC made REST by Envoy, and never a way to a provider."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Provider, Running, Start

    from sidecar.gateway.plan import GatewayPlan

pytestmark = pytest.mark.envoy


@pytest.fixture(scope="module")
def running(
    start_envoy: Start, make_plan: Callable[..., GatewayPlan], providers: dict[str, Provider]
) -> Iterator[Running]:
    with start_envoy(make_plan(targets={"openai": providers["openai"].url})) as running:
        running.providers = providers
        yield running


@pytest.mark.parametrize("path", ["/health", "/health?verbose=1&x=y", "//health", "/x/../health"])
def test_health_is_ok_while_a_worker_serves(running: Running, path: str) -> None:
    answer = running.ask("GET", path)
    assert (answer.status, json.loads(answer.body)) == (200, {"status": "ok"})
    assert not {name for name in answer.headers if name.startswith("grpc")}


@pytest.mark.parametrize(
    ("body", "replacement"),
    [
        (b'{"value": "four"}', "default:4"),
        (b'{"value": ""}', "default:0"),
        (b' {"value": "\\u00e9", "other": [1]} ', "default:1"),
        ('{"value": "ü"}'.encode(), "default:1"),
    ],
    ids=["plain", "empty", "an unknown field", "not ASCII"],
)
def test_a_text_is_masked(running: Running, body: bytes, replacement: str) -> None:
    answer = running.ask("POST", "/api/profile-mask/default", body)
    assert (answer.status, json.loads(answer.body)) == (200, {"replacement": replacement})
    assert answer.headers["content-type"] == "application/json"


def test_the_policy_comes_from_the_path(running: Running) -> None:
    answer = running.ask("POST", "/api/profile-mask/strict", b'{"value": "x"}')
    assert json.loads(answer.body) == {"replacement": "strict:1"}


def test_a_long_text_is_masked(running: Running) -> None:
    answer = running.ask("POST", "/api/profile-mask/default", b'{"value": "%s"}' % (b"x" * 3_000_000))
    assert json.loads(answer.body) == {"replacement": "default:3000000"}


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b'{"value": null}',
        b'{"valu": "x"}',
        b'{"value": "x',
        b"",
        b"x",
        b"[]",
        b'{"value": ["x"]}',
        b"\xff",
    ],
)
def test_bad_json_or_no_value_is_a_400_in_json(running: Running, body: bytes) -> None:
    answer = running.ask("POST", "/api/profile-mask/default", body)
    assert answer.status == 400
    assert answer.headers["content-type"] == "application/json"
    json.loads(answer.body)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_other_methods_answer_404(running: Running, method: str) -> None:
    assert running.ask(method, "/api/profile-mask/default").status == 404
    assert method == "GET" or running.ask(method, "/health").status == 404


@pytest.mark.parametrize("kind", ["application/grpc", "application/grpc+proto", "application/grpc-web"])
def test_grpc_is_not_passed_on_as_such(running: Running, kind: str) -> None:
    answer = running.ask("POST", "/api/profile-mask/default", b"\0\0\0\0\0", {"content-type": kind})
    assert answer.status == 404 or answer.headers["grpc-status"] == "12"
    assert running.ask("GET", "/health").status == 200, "such a request must not take the worker out"
