"""What is put together from rendered pieces is what Envoy's own types build, for every plan."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from envoy_data_plane.envoy.config.core.v3 import HealthCheck
from hypothesis import given, settings
from hypothesis import strategies as st

from sidecar.errors import ConfigError
from sidecar.gateway import assembly, pieces
from sidecar.gateway.assembly import assembled
from sidecar.gateway.bootstrap import to_dict
from sidecar.gateway.certificate import self_signed
from sidecar.gateway.plan import GatewayPlan, ListenerTls
from sidecar.settings import REAL_UPSTREAMS, TARGETS

BUNDLE = Path(__file__)  # the pieces only name it
URLS = st.sampled_from(
    [
        "https://provider.example",
        "http://provider.example:8080/base/path/",
        "https://192.0.2.7:8443",
        "http://[2001:db8::1]/base",
    ]
)
HOSTS = st.sampled_from(["127.0.0.1", "::", "0.0.0.0", "gateway.example", "$port"])
WORKERS = st.sampled_from(["unix:/run/w.sock", "127.0.0.1:7", "[::1]:8", "worker.example:9"])
PLANS = st.builds(
    GatewayPlan,
    targets=st.dictionaries(st.sampled_from(TARGETS), URLS, min_size=1),
    default_target=st.sampled_from(TARGETS),
    sidecars=st.lists(WORKERS, min_size=1, max_size=3).map(tuple),
    admin_socket=st.just(Path("/run/admin.sock")),
    host=HOSTS,
    port=st.integers(0, 65535),
    body_limit=st.integers(1, 2**30),
    message_timeout=st.one_of(st.floats(0.001, 100.0), st.integers(1, 100), st.just(25.0)),
    tls=st.none() | st.just(ListenerTls(Path("/tls.crt"), Path("/tls.key"))),
    access_log=st.none() | st.sampled_from(["/dev/stdout", "/dev/stderr", "/var/log/access", "$path"]),
    system_ca=st.just(BUNDLE),
)


def plan(**fields: Any) -> GatewayPlan:  # noqa: ANN401 - the plan checks them
    defaults: dict[str, Any] = {
        "targets": REAL_UPSTREAMS,
        "default_target": "openai",
        "sidecars": ("unix:/run/worker-0.sock",),
        "admin_socket": Path("/run/admin.sock"),
        "system_ca": BUNDLE,
    }
    return GatewayPlan(**(defaults | fields))


def differences(one: Any, other: Any, place: str = "") -> list[str]:  # noqa: ANN401 - JSON
    """Return the places at which two configurations differ: pytest takes minutes to find them."""
    if isinstance(one, dict) and isinstance(other, dict):
        pairs = {key: (one.get(key), other.get(key)) for key in {**one, **other}}
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        pairs = dict(enumerate(zip(one, other, strict=True)))
    else:
        return [] if one == other and type(one) is type(other) else [place]
    return [odd for key, pair in pairs.items() for odd in differences(*pair, f"{place}/{key}")]


@settings(max_examples=12, deadline=None)
@given(PLANS)
def test_pieces_give_what_the_types_build(plan: GatewayPlan) -> None:
    assert differences(assembled(plan), to_dict(plan)) == []


def test_every_kind_of_provider_is_covered() -> None:
    kinds = {assembly.cluster_kind(pieces.MARKED.target(name)) for name in pieces.MARKED.targets}
    assert kinds == {"https name", "https address", "http name", "http address"}


@pytest.mark.parametrize(
    "seconds", [1e-7, 0.00125, 0.001, 0.0125, 0.1, 1 / 3, 5.0, 25, 25.0000001, 25.0000009, 99999.25]
)
def test_a_duration_is_spelled_as_the_types_spell_it(seconds: float) -> None:
    config = HealthCheck(timeout=timedelta(seconds=seconds)).to_dict()
    assert assembly.duration(seconds) == config.get("timeout", "0s")


def test_a_private_authority_stands_beside_those_of_the_system(tmp_path: Path) -> None:
    private = self_signed(tmp_path, ["ca.example"]).certificate
    one = plan(upstream_ca=private)
    assert differences(assembled(one), to_dict(one)) == []
    assert private.read_text() in str(assembled(one)["static_resources"]["secrets"]).replace("\\n", "\n")


@pytest.mark.parametrize("build", [assembled, to_dict])
def test_an_authority_that_cannot_be_read_is_named(build: Any, tmp_path: Path) -> None:  # noqa: ANN401
    with pytest.raises(ConfigError, match=r"missing\.pem"):
        build(plan(upstream_ca=tmp_path / "missing.pem"))


def test_the_pieces_are_what_the_types_render() -> None:
    if assembly.PIECES.read_text() != pieces.rendered():
        pytest.fail("run: python -m sidecar.gateway.pieces > pieces.json; mv pieces.json sidecar/gateway/")


def test_no_slot_stays_empty() -> None:
    assert "$" not in str(assembled(plan(tls=ListenerTls(Path("/c"), Path("/k")), access_log="/log")))


def test_the_api_of_envoy_is_not_loaded() -> None:
    code = "import sys, sidecar.gateway.assembly; sys.exit('envoy_data_plane' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
