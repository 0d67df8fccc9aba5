"""The policies are turned into what Envoy Gateway would configure, and that runs in a real Envoy."""

from __future__ import annotations

import json
import os
import re
import signal
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme

from sidecar.gateway.echo_provider import EchoProvider
from sidecar.policy import STAMP

Document = dict[str, Any]
Kustomize = Callable[[Path], list[Document]]
RunEnvoy = Callable[[Document], AbstractContextManager[str]]
RunGateway = Callable[..., AbstractContextManager[str]]

FILTERS = "type.googleapis.com/envoy.extensions.filters"
BODY_MODES = {"FullDuplexStreamed": "FULL_DUPLEX_STREAMED", "Buffered": "BUFFERED", "Streamed": "STREAMED"}
PROVIDERS = ["api.openai.com", "api.anthropic.com", "generativelanguage.googleapis.com"]
CHAT = {"model": "m", "messages": [{"role": "user", "content": "Mail ada@example.org and 192.0.2.7"}]}
ORIGINALS = (b"ada@example.org", b"192.0.2.7")


@pytest.fixture(scope="module")
def documents(kustomize: Kustomize, root: Path) -> list[Document]:
    return kustomize(root / "deploy" / "envoy-gateway")


def named(documents: list[Document], kind: str) -> dict[str, Document]:
    return {item["metadata"]["name"]: item["spec"] for item in documents if item["kind"] == kind}


@pytest.fixture(scope="module")
def ext_proc(documents: list[Document]) -> Document:
    (policy,) = named(documents, "EnvoyExtensionPolicy").values()
    (processor,) = policy["extProc"]
    found: Document = processor
    return found


# --- the manifests --------------------------------------------------------------------------------


def test_manifests_fit_their_schemas(
    documents: list[Document], check_crd: Callable[[Document], None]
) -> None:
    for document in documents:
        check_crd(document)


@pytest.mark.parametrize("kind", ["EnvoyExtensionPolicy", "EnvoyProxy", "HTTPRoute", "ClientTrafficPolicy"])
def test_unknown_field_is_refused(
    kind: str, documents: list[Document], check_crd: Callable[[Document], None]
) -> None:
    document = next(item for item in documents if item["kind"] == kind)
    with pytest.raises(Exception, match="mutationRules"):
        check_crd(document | {"spec": document["spec"] | {"mutationRules": {}}})


def test_nothing_fails_open_and_bodies_are_full_duplex(ext_proc: Document) -> None:
    assert ext_proc["failOpen"] is False
    assert ext_proc["processingMode"]["request"]["body"] == "FullDuplexStreamed"


def test_guard_asks_for_the_stamp_that_the_sidecar_sets(documents: list[Document]) -> None:
    name, text = STAMP
    (guard,) = named(documents, "SecurityPolicy").values()
    authorization = guard["authorization"]
    assert authorization["defaultAction"] == "Deny"
    (rule,) = authorization["rules"]
    assert (rule["action"], rule["principal"]) == ("Allow", {"headers": [{"name": name, "values": [text]}]})


def test_guard_stands_behind_the_sidecar(documents: list[Document]) -> None:
    (proxy,) = named(documents, "EnvoyProxy").values()
    assert proxy["filterOrder"] == [
        {"name": "envoy.filters.http.rbac", "after": "envoy.filters.http.ext_proc"}
    ]


def test_stamp_of_a_client_is_removed_before_any_filter(documents: list[Document]) -> None:
    (traffic,) = named(documents, "ClientTrafficPolicy").values()
    assert traffic["headers"]["earlyRequestHeaders"]["remove"] == [STAMP[0]]


def test_response_mode_is_configured_since_an_override_would_be_ignored(ext_proc: Document) -> None:
    assert ext_proc["processingMode"]["response"]["body"] == "FullDuplexStreamed"
    assert ext_proc["processingMode"]["allowModeOverride"] is False


def test_frozen_sidecar_is_noticed_within_seconds(ext_proc: Document) -> None:
    settings = ext_proc["backendSettings"]
    keepalive = {key: seconds(text) for key, text in settings["http2"]["connectionKeepalive"].items()}
    assert keepalive["timeout"] < keepalive["interval"] <= 2  # the API refuses it the other way round
    assert settings["healthCheck"]["active"]["type"] == "GRPC"


def seconds(text: str) -> float:
    units = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
    return sum(int(number) * units[unit] for number, unit in re.findall(r"(\d+)(ms|[hms])", text))


def test_policies_hold_for_the_whole_gateway(documents: list[Document]) -> None:
    (gateway,) = named(documents, "Gateway")
    for kind in ("EnvoyExtensionPolicy", "SecurityPolicy", "ClientTrafficPolicy"):
        (policy,) = named(documents, kind).values()
        assert policy["targetRefs"] == [
            {"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": gateway}
        ]


def test_providers_are_reached_over_verified_tls(documents: list[Document]) -> None:
    tls = named(documents, "BackendTLSPolicy")
    hosts = {
        name: spec["endpoints"][0]["fqdn"]["hostname"]
        for name, spec in named(documents, "Backend").items()
        if "fqdn" in spec["endpoints"][0]
    }
    assert sorted(hosts.values()) == sorted(PROVIDERS)
    for name, host in hosts.items():
        assert tls[name]["validation"] == {"hostname": host, "wellKnownCACertificates": "System"}
        assert [ref["name"] for ref in tls[name]["targetRefs"]] == [name]


def test_container_listens_on_the_backends_socket_in_a_shared_volume(documents: list[Document]) -> None:
    (proxy,) = named(documents, "EnvoyProxy").values()
    deployment = proxy["provider"]["kubernetes"]["envoyDeployment"]
    (container,) = deployment["initContainers"]
    socket = named(documents, "Backend")["pii-sidecar"]["endpoints"][0]["unix"]["path"]
    assert container["args"][container["args"].index("--listen") + 1] == f"unix:{socket}"
    assert container["volumeMounts"] == deployment["container"]["volumeMounts"]
    uids = {c["securityContext"]["runAsUser"] for c in (container, deployment["container"])}
    assert uids == {65532}


# --- a real Envoy runs it -------------------------------------------------------------------------


def translated(
    documents: list[Document], processor: Document, sidecar: int, upstream: int, ca: Path
) -> Document:
    """Build what Envoy Gateway does of these documents, with all endpoints on this machine."""
    mode = processor["processingMode"]
    process = {
        "@type": f"{FILTERS}.http.ext_proc.v3.ExternalProcessor",
        # Envoy Gateway puts its own default on the stream; it must not end long answers.
        "grpc_service": {"envoy_grpc": {"cluster_name": "sidecar"}, "timeout": "1s"},
        "failure_mode_allow": processor["failOpen"],
        "message_timeout": processor["messageTimeout"],
        "allow_mode_override": mode["allowModeOverride"],
        "processing_mode": {
            "request_header_mode": "SEND",
            "request_body_mode": BODY_MODES[mode["request"]["body"]],
            "request_trailer_mode": "SEND",
            "response_header_mode": "SEND",
            "response_body_mode": BODY_MODES[mode["response"]["body"]],
            "response_trailer_mode": "SEND",
        },
    }
    guard = to_guard(documents)
    (traffic,) = named(documents, "ClientTrafficPolicy").values()
    early = {
        "@type": "type.googleapis.com/envoy.extensions.http.early_header_mutation.header_mutation.v3"
        ".HeaderMutation",
        "mutations": [{"remove": name} for name in traffic["headers"]["earlyRequestHeaders"]["remove"]],
    }
    (route,) = named(documents, "HTTPRoute").values()
    rules = sorted(route["rules"], key=lambda rule: -len(rule["matches"][0]["path"]["value"]))
    manager = {
        "@type": f"{FILTERS}.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "gateway",
        "normalize_path": True,
        "merge_slashes": True,
        "route_config": {
            "virtual_hosts": [
                {"name": "all", "domains": ["*"], "routes": [to_route(rule) | guard for rule in rules]}
            ]
        },
        "early_header_mutation_extensions": [{"name": "early", "typed_config": early}],
        "http_filters": [
            {"name": "envoy.filters.http.ext_proc", "typed_config": process},
            {"name": "envoy.filters.http.rbac", "typed_config": {"@type": f"{FILTERS}.http.rbac.v3.RBAC"}},
            {
                "name": "envoy.filters.http.router",
                "typed_config": {"@type": f"{FILTERS}.http.router.v3.Router"},
            },
        ],
    }
    listener = {
        "name": "http",
        "address": {"socket_address": {"address": "127.0.0.1", "port_value": 0}},
        "per_connection_buffer_limit_bytes": 1024 * 1024,
        "filter_chains": [
            {"filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]}
        ],
    }
    tls = named(documents, "BackendTLSPolicy")
    providers = [to_cluster(name, upstream, tls[name]["validation"]["hostname"], ca) for name in tls]
    asked = processor["backendSettings"]["http2"]["connectionKeepalive"]
    keepalive = {"interval": asked["interval"], "timeout": asked["timeout"]}
    keepalive["connection_idle_interval"] = asked["idleInterval"]
    processing = to_cluster("sidecar", sidecar, None, ca)
    processing["typed_extension_protocol_options"] = {
        "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
            "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
            "explicit_http_config": {"http2_protocol_options": {"connection_keepalive": keepalive}},
        }
    }
    return {"static_resources": {"listeners": [listener], "clusters": [*providers, processing]}}


def to_guard(documents: list[Document]) -> Document:
    """Build what a route carries for the SecurityPolicy; the filter itself has no rules of its own."""
    (policy,) = named(documents, "SecurityPolicy").values()
    matchers = []
    for rule in policy["authorization"]["rules"]:
        ((header, (text,)),) = ((item["name"], item["values"]) for item in rule["principal"]["headers"])
        seen = {
            "@type": "type.googleapis.com/envoy.type.matcher.v3.HttpRequestHeaderMatchInput",
            "header_name": header,
        }
        predicate = {
            "input": {"name": "http_header", "typed_config": seen},
            "value_match": {"exact": text},
        }
        matchers.append({"predicate": {"single_predicate": predicate}, "on_match": to_action(rule["action"])})
    matcher = {
        "matcher_list": {"matchers": matchers},
        "on_no_match": to_action(policy["authorization"]["defaultAction"]),
    }
    rules = {"@type": f"{FILTERS}.http.rbac.v3.RBACPerRoute", "rbac": {"matcher": matcher}}
    return {"typed_per_filter_config": {"envoy.filters.http.rbac": rules}}


def to_action(name: str) -> Document:
    action = {
        "@type": "type.googleapis.com/envoy.config.rbac.v3.Action",
        "name": name,
        "action": name.upper(),
    }
    return {"action": {"name": name, "typed_config": action}}


def to_route(rule: Document) -> Document:
    prefix = rule["matches"][0]["path"]["value"]
    rewrite, headers = (item[key] for item, key in zip(rule["filters"], FILTER_KEYS, strict=True))
    action: Document = {
        "cluster": rule["backendRefs"][0]["name"],
        "timeout": rule["timeouts"]["request"],
        "host_rewrite_literal": rewrite["hostname"],
    }
    if "path" in rewrite:
        tail = rewrite["path"]["replacePrefixMatch"].rstrip("/")
        action["regex_rewrite"] = {
            "pattern": {"regex": f"^{re.escape(prefix)}/*"},
            "substitution": f"{tail}/",
        }
    return {
        "match": {"path_separated_prefix": prefix},
        "route": action,
        "request_headers_to_remove": headers["remove"],
    }


FILTER_KEYS = ("urlRewrite", "requestHeaderModifier")


def to_cluster(name: str, port: int, host: str | None, ca: Path) -> Document:
    endpoint = {"address": {"socket_address": {"address": "127.0.0.1", "port_value": port}}}
    made: Document = {
        "name": name,
        "type": "STATIC",
        "load_assignment": {
            "cluster_name": name,
            "endpoints": [{"lb_endpoints": [{"endpoint": endpoint}]}],
        },
    }
    if host is not None:
        context = {
            "trusted_ca": {"filename": str(ca)},
            "match_typed_subject_alt_names": [{"san_type": "DNS", "matcher": {"exact": host}}],
        }
        made["transport_socket"] = {
            "name": "tls",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
                "sni": host,
                "common_tls_context": {"validation_context": context},
            },
        }
    return made


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def provider(authority: trustme.CA) -> Iterator[EchoProvider]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*PROVIDERS).configure_cert(context)
    with EchoProvider(tls=context) as recording:
        yield recording


@pytest.fixture
def run_gateway(
    documents: list[Document],
    ext_proc: Document,
    tmp_path: Path,
    authority: trustme.CA,
    run_envoy: RunEnvoy,
) -> RunGateway:
    ca = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(ca)

    def run(sidecar: int, provider: EchoProvider) -> AbstractContextManager[str]:
        return run_envoy(translated(documents, ext_proc, sidecar, provider.port, ca))

    return run


def post(address: str, path: str) -> httpx.Response:
    return httpx.post(f"http://{address}{path}", json=CHAT, timeout=60)


@pytest.mark.envoy
@pytest.mark.model
@pytest.mark.parametrize(
    ("path", "host", "arrives_at"),
    [
        ("/v1/chat/completions", "api.openai.com", "/v1/chat/completions"),
        ("/openai/v1/chat/completions", "api.openai.com", "/v1/chat/completions"),
        ("/v1/messages", "api.anthropic.com", "/v1/messages"),
        ("/anthropic/v1/messages", "api.anthropic.com", "/v1/messages"),
        ("/v1/proxy/openai/chat/completions", "api.openai.com", "/v1/chat/completions"),
        ("/v1/proxy/anthropic/messages", "api.anthropic.com", "/v1/messages"),
        (
            "/gemini/v1beta/openai/chat/completions",
            "generativelanguage.googleapis.com",
            "/v1beta/openai/chat/completions",
        ),
    ],
)
def test_body_reaches_its_provider_tokenized_and_the_answer_comes_back_restored(
    path: str, host: str, arrives_at: str, provider: EchoProvider, sidecar_port: int, run_gateway: RunGateway
) -> None:
    with run_gateway(sidecar_port, provider) as address:
        answer = post(address, path)
    assert answer.status_code == 200, answer.text
    assert all(original in answer.content for original in ORIGINALS)
    (request,) = provider.requests
    assert (request.header("host"), request.path) == (host, arrives_at)
    assert b"{{EMAIL_1}}" in request.body
    assert request.header(STAMP[0]) == ""
    assert not any(original in provider.received for original in ORIGINALS)


@pytest.mark.envoy
@pytest.mark.model
def test_answer_may_take_longer_than_the_timeout_of_the_grpc_service(
    authority: trustme.CA, sidecar_port: int, run_gateway: RunGateway
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*PROVIDERS).configure_cert(context)
    with (
        EchoProvider(tls=context, delta=4, delay=0.2) as slow,
        run_gateway(sidecar_port, slow) as address,
    ):
        answer = httpx.post(f"http://{address}/v1/chat/completions", json=CHAT | {"stream": True}, timeout=60)
    deltas = [json.loads(line[6:]) for line in answer.text.splitlines() if line.startswith("data: {")]
    text = "".join(delta["choices"][0]["delta"].get("content") or "" for delta in deltas if delta["choices"])
    assert all(original.decode() in text for original in ORIGINALS)
    assert "data: [DONE]" in answer.text


@pytest.mark.envoy
def test_without_a_sidecar_nothing_leaves(
    provider: EchoProvider, free_port: Callable[[], int], run_gateway: RunGateway
) -> None:
    with run_gateway(free_port(), provider) as address:
        answer = post(address, "/v1/chat/completions")
    assert answer.status_code >= 500
    assert provider.received == b""


@pytest.mark.envoy
@pytest.mark.parametrize(
    "pause",
    [
        pytest.param(0.0, id="body-at-once"),
        # Envoy takes a clean end for consent and lets a body pass that arrives after it, in any mode.
        pytest.param(0.3, id="body-after-the-end"),
    ],
)
def test_stream_that_closes_without_an_answer_lets_nothing_leave(
    pause: float, provider: EchoProvider, closing_processor: int, run_gateway: RunGateway
) -> None:
    def body() -> Iterator[bytes]:
        time.sleep(pause)
        yield json.dumps(CHAT).encode()

    forged = {STAMP[0]: STAMP[1], "content-type": "application/json"}
    with run_gateway(closing_processor, provider) as address:
        for _ in range(5):
            answer = httpx.post(f"http://{address}/v1/chat/completions", content=body(), headers=forged)
            assert answer.status_code == 403
    assert provider.received == b""


@pytest.mark.envoy
@pytest.mark.model
def test_frozen_sidecar_costs_an_error_and_no_hang(
    provider: EchoProvider,
    free_port: Callable[[], int],
    serve_at: Callable[[str], AbstractContextManager[int]],
    run_gateway: RunGateway,
) -> None:
    port = free_port()
    with serve_at(f"127.0.0.1:{port}") as process, run_gateway(port, provider) as address:
        assert post(address, "/v1/chat/completions").status_code == 200
        before = provider.received
        (worker,) = Path(f"/proc/{process}/task/{process}/children").read_text(encoding="ascii").split()
        os.kill(int(worker), signal.SIGSTOP)
        started = time.monotonic()
        answer = post(address, "/v1/chat/completions")
        took = time.monotonic() - started
        assert answer.status_code >= 500
        assert took < 10
        assert provider.received == before
        while post(address, "/v1/chat/completions").status_code != 200:  # its supervisor replaces it
            assert time.monotonic() - started < 15
            time.sleep(0.1)
