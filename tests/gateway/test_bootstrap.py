"""What the built configuration must hold, whatever the plan; and that Envoy takes it."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from sidecar.errors import ConfigError
from sidecar.gateway import compose, names
from sidecar.gateway.bootstrap import to_dict, to_yaml
from sidecar.gateway.certificate import self_signed
from sidecar.gateway.launcher import find_envoy, validate
from sidecar.gateway.plan import ListenerTls
from sidecar.settings import REAL_UPSTREAMS

if TYPE_CHECKING:
    from sidecar.gateway.plan import GatewayPlan

ROOT = Path(__file__).parents[2]
TARGETS = [
    {"openai": "http://127.0.0.1:1"},
    {"local": "https://h.example:8443/base", "gemini": "http://[::1]:8"},
    REAL_UPSTREAMS,
]
MakePlan = Callable[..., "GatewayPlan"]


@pytest.fixture(scope="module", params=product(TARGETS, ["openai", "gemini"]), ids=str)
def config(request: pytest.FixtureRequest, make_plan: MakePlan) -> dict[str, Any]:
    targets, default = request.param
    return to_dict(make_plan(targets=targets, default_target=default))


def manager(config: dict[str, Any]) -> dict[str, Any]:
    [listener] = config["static_resources"]["listeners"]
    found: dict[str, Any] = listener["filter_chains"][0]["filters"][0]["typed_config"]
    return found


def routes(config: dict[str, Any]) -> list[dict[str, Any]]:
    [host] = manager(config)["route_config"]["virtual_hosts"]
    found: list[dict[str, Any]] = host["routes"]
    return found


def test_filters_stand_in_the_order_that_makes_it_fail_closed(config: dict[str, Any]) -> None:
    order = [names.STRIP, names.TRANSCODER, names.EXT_PROC, names.GUARD, names.ROUTER]
    assert [filter_["name"] for filter_ in manager(config)["http_filters"]] == order


def test_every_route_to_a_provider_is_inspected_and_guarded(config: dict[str, Any]) -> None:
    for route in routes(config):
        per_filter = route.get("typed_per_filter_config", {})
        inspected = route["name"] == "doctor" or "cluster" in route.get("route", {})
        if not inspected or route.get("route", {}).get("cluster") == "sidecar":
            assert names.EXT_PROC not in per_filter
        else:
            assert set(per_filter) == {names.EXT_PROC}
            assert "disabled" not in per_filter[names.EXT_PROC]


def test_the_doctors_route_leads_nowhere(config: dict[str, Any]) -> None:
    [doctor] = [route for route in routes(config) if route["name"] == "doctor"]
    assert "route" not in doctor
    assert doctor["direct_response"]["status"] == 404


def test_only_the_two_rest_routes_reach_the_sidecar_unguarded(config: dict[str, Any]) -> None:
    reach = [route["name"] for route in routes(config) if route.get("route", {}).get("cluster") == "sidecar"]
    assert reach == ["health", "profile-mask"]


def test_nothing_can_be_upgraded(config: dict[str, Any]) -> None:
    assert "upgrade_configs" not in yaml.safe_dump(config)


def test_ext_proc_never_lets_a_failure_pass(config: dict[str, Any]) -> None:
    ext_proc = manager(config)["http_filters"][2]["typed_config"]
    assert ext_proc["failure_mode_allow"] is False
    assert ext_proc["processing_mode"]["request_body_mode"] == "BUFFERED"
    assert "response_body_mode" not in ext_proc["processing_mode"]  # NONE, else no override is honored
    assert ext_proc["allow_mode_override"] is True


def test_no_worker_is_routed_to_when_none_is_healthy(config: dict[str, Any]) -> None:
    sidecar = config["static_resources"]["clusters"][-1]
    assert sidecar["name"] == "sidecar"
    assert sidecar["common_lb_config"] == {"healthy_panic_threshold": {}}  # 0 %


def test_every_endpoint_is_listed(make_plan: MakePlan) -> None:
    built = to_dict(make_plan(sidecars=("unix:/run/a", "127.0.0.1:7", "[::1]:8")))
    endpoints = built["static_resources"]["clusters"][-1]["load_assignment"]["endpoints"][0]["lb_endpoints"]
    assert [endpoint["endpoint"]["address"] for endpoint in endpoints] == [
        {"pipe": {"path": "/run/a"}},
        {"socket_address": {"address": "127.0.0.1", "port_value": 7}},
        {"socket_address": {"address": "::1", "port_value": 8}},
    ]


def test_the_same_plan_gives_the_same_text(make_plan: MakePlan) -> None:
    assert to_yaml(make_plan()) == to_yaml(make_plan())


def test_envoy_buffers_a_little_more_than_the_sidecar_accepts(make_plan: MakePlan) -> None:
    [listener] = to_dict(make_plan(body_limit=5_000_000))["static_resources"]["listeners"]
    assert listener["per_connection_buffer_limit_bytes"] == 5_000_000 + 1024 * 1024


def test_the_file_of_docker_compose_is_what_the_builder_makes() -> None:
    expected = compose.HEADER + to_yaml(compose.COMPOSE_PLAN)
    assert (ROOT / "envoy" / "envoy.yaml").read_text() == expected


@pytest.mark.envoy
@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"targets": REAL_UPSTREAMS, "default_target": "gemini"},
        {"targets": {"anthropic": "https://192.0.2.7/base"}, "host": "::", "port": 8443},
        {"sidecars": ("127.0.0.1:50051", "sidecar.example:50051"), "access_log": "/dev/stdout"},
        {"access_log": "/dev/stderr", "body_limit": 1, "message_timeout": 0.25},
    ],
    ids=["minimal", "real providers", "address and IPv6", "TCP sidecars", "small"],
)
def test_envoy_takes_it(make_plan: MakePlan, fields: dict[str, Any]) -> None:
    validate(to_yaml(make_plan(**fields)), find_envoy())


@pytest.mark.envoy
def test_envoy_takes_a_listener_with_tls(make_plan: MakePlan, tmp_path: Path) -> None:
    validate(to_yaml(make_plan(tls=self_signed(tmp_path, ["gateway.example"]))), find_envoy())


@pytest.mark.envoy
def test_envoys_reason_is_told_in_one_line(make_plan: MakePlan, tmp_path: Path) -> None:
    missing = ListenerTls(tmp_path / "missing.crt", tmp_path / "missing.key")
    with pytest.raises(ConfigError, match=r"missing\.(crt|key)") as caught:
        validate(to_yaml(make_plan(tls=missing)), find_envoy())
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


@pytest.mark.envoy
@pytest.mark.parametrize("text", ["{", "no_such_field: 1", "static_resources: [1]"])
def test_what_is_no_configuration_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=r"^Envoy configuration: .") as caught:
        validate(text, find_envoy())
    assert "\n" not in str(caught.value)
