from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sidecar.errors import ConfigError
from sidecar.gateway.plan import Endpoint, GatewayPlan, Target, parse_endpoint, parse_target
from sidecar.settings import REAL_UPSTREAMS


def plan(**fields: Any) -> GatewayPlan:  # noqa: ANN401 - the plan checks them
    defaults: dict[str, Any] = {
        "targets": REAL_UPSTREAMS,
        "default_target": "openai",
        "sidecars": ("unix:/run/x.sock",),
        "admin_socket": Path("/run/admin.sock"),
    }
    return GatewayPlan(**(defaults | fields))


@pytest.mark.parametrize(
    ("url", "target", "authority"),
    [
        ("https://api.example.com", Target("openai", True, "api.example.com", 443, ""), "api.example.com"),
        (
            "https://api.example.com:443/",
            Target("openai", True, "api.example.com", 443, ""),
            "api.example.com",
        ),
        ("http://h.example:443", Target("openai", False, "h.example", 443, ""), "h.example:443"),
        ("http://h.example/api/", Target("openai", False, "h.example", 80, "/api"), "h.example"),
        ("http://H.Example:81/a/b", Target("openai", False, "h.example", 81, "/a/b"), "h.example:81"),
        ("http://[::1]:8", Target("openai", False, "::1", 8, ""), "[::1]:8"),
        ("https://192.0.2.1", Target("openai", True, "192.0.2.1", 443, ""), "192.0.2.1"),
    ],
)
def test_a_url_is_taken_apart(url: str, target: Target, authority: str) -> None:
    assert parse_target("openai", url) == target
    assert target.authority == authority


@pytest.mark.parametrize(
    "url",
    [
        "",
        "api.example.com",
        "ftp://h.example",
        "http://",
        "http://h.example:0",
        "http://h.example:99999",
        "http://h.example:x",
        "http://user@h.example",
        "http://h.example?q",
        "http://h.example#f",
        "http://h.example/a//b",
        "http://h.example/a/../b",
        "http://h.example/%2e",
        "http://h.example/a b",
        "http://[::1",
    ],
)
def test_what_is_no_plain_url_is_refused_in_one_line_that_names_it(url: str) -> None:
    with pytest.raises(ConfigError, match=r"^upstream openai: ") as caught:
        plan(targets={"openai": url})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "endpoint"),
    [
        ("unix:/run/a.sock", Endpoint(path="/run/a.sock")),
        ("127.0.0.1:50051", Endpoint(host="127.0.0.1", port=50051)),
        ("[::1]:50051", Endpoint(host="::1", port=50051)),
        ("sidecar:1", Endpoint(host="sidecar", port=1)),
    ],
)
def test_an_endpoint_is_a_socket_or_an_address(text: str, endpoint: Endpoint) -> None:
    assert parse_endpoint(text) == endpoint


@pytest.mark.parametrize(
    "fields",
    [
        {"targets": {}},
        {"targets": {"mistral": "http://h.example"}},
        {"default_target": "claude"},
        {"sidecars": ()},
        {"sidecars": ("unix:relative.sock",)},
        {"sidecars": ("unix:/" + "x" * 110,)},
        {"sidecars": ("host",)},
        {"sidecars": ("host:0",)},
        {"sidecars": (":1",)},
        {"admin_socket": Path("admin.sock")},
        {"port": -1},
        {"port": 65536},
        {"host": ""},
        {"body_limit": 0},
        {"message_timeout": 0.0},
    ],
    ids=str,
)
def test_a_plan_that_cannot_work_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        plan(**fields)
