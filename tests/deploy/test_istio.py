"""The EnvoyFilter is spliced into what istiod would send a workload's proxy, and run in a real Envoy."""

from __future__ import annotations

import copy
import json
import os
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme
import yaml

from sidecar.gateway.echo_provider import EchoProvider
from sidecar.policy import STAMP
from sidecar.settings import REAL_UPSTREAMS

Document = dict[str, Any]
Kustomize = Callable[[Path], list[Document]]
RunEnvoy = Callable[[Document], AbstractContextManager[str]]
RunMesh = Callable[..., AbstractContextManager[str]]

HCM = "envoy.filters.network.http_connection_manager"
ROUTER = "envoy.filters.http.router"
UPSTREAM_TLS = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext"
PLAIN_HOST = "plain.example.com"
PROVIDERS = ["api.openai.com", "api.anthropic.com", "generativelanguage.googleapis.com"]
CHAT = json.dumps(
    {"model": "m", "messages": [{"role": "user", "content": "Mail ada@example.org and 192.0.2.7"}]}
).encode()
ORIGINALS = (b"ada@example.org", b"192.0.2.7")


@pytest.fixture(scope="module")
def documents(kustomize: Kustomize, root: Path) -> list[Document]:
    return kustomize(root / "deploy" / "istio")


def of_kind(documents: list[Document], kind: str) -> list[Document]:
    return [document for document in documents if document["kind"] == kind]


# --- what istiod makes of ServiceEntry, DestinationRule and EnvoyFilter -----------------------------


def outbound(documents: list[Document]) -> Document:
    """Build what a workload's proxy gets: listener and routes of port 80, a cluster for each host."""
    hosts = [document["spec"]["hosts"][0] for document in of_kind(documents, "ServiceEntry")]
    rules = {document["spec"]["host"]: document for document in of_kind(documents, "DestinationRule")}
    clusters = [cluster(host, rules[host]["spec"]["trafficPolicy"]["tls"]) for host in hosts]
    clusters.append(cluster(PLAIN_HOST, None))
    manager = {
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3"
        ".HttpConnectionManager",
        "stat_prefix": "outbound_0.0.0.0_80",
        "stream_idle_timeout": "0s",
        "upgrade_configs": [{"upgrade_type": "websocket"}],
        "route_config": {
            "name": "80",
            "virtual_hosts": [virtual_host(host) for host in [*hosts, PLAIN_HOST]],
        },
        "http_filters": [
            {
                "name": ROUTER,
                "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"
                },
            }
        ],
    }
    listener = {
        "name": "0.0.0.0_80",
        "address": {"socket_address": {"address": "0.0.0.0", "port_value": 80}},
        "filter_chains": [{"filters": [{"name": HCM, "typed_config": manager}]}],
    }
    return {"static_resources": {"listeners": [listener], "clusters": clusters}}


def virtual_host(host: str) -> Document:
    route = {"name": "default", "match": {"prefix": "/"}, "route": {"cluster": f"outbound|80||{host}"}}
    return {"name": f"{host}:80", "domains": [host, f"{host}:80"], "routes": [route]}


def cluster(host: str, tls: Document | None) -> Document:
    address = {"socket_address": {"address": host, "port_value": 80 if tls is None else 443}}
    name = f"outbound|80||{host}"
    made: Document = {
        "name": name,
        "type": "STRICT_DNS",
        "load_assignment": {
            "cluster_name": name,
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address}}]}],
        },
    }
    if tls is not None:
        assert (tls["mode"], tls["caCertificates"]) == ("SIMPLE", "system")
        names = [{"san_type": "DNS", "matcher": {"exact": name}} for name in tls["subjectAltNames"]]
        context = {
            "trusted_ca": {"filename": "/etc/ssl/certs/ca-certificates.crt"},
            "match_typed_subject_alt_names": names,
        }
        made["transport_socket"] = {
            "name": "tls",
            "typed_config": {
                "@type": UPSTREAM_TLS,
                "sni": tls["sni"],
                "common_tls_context": {"validation_context": context},
            },
        }
    return made


def merge(into: Document, patch: Document) -> None:
    """Merge as protobuf does: messages by field, lists by appending, ``Any`` and scalars by replacing."""
    for key, entry in patch.items():
        present = into.get(key)
        if isinstance(present, dict) and isinstance(entry, dict) and "@type" not in entry:
            merge(present, entry)
        elif isinstance(present, list) and isinstance(entry, list):
            present.extend(copy.deepcopy(entry))
        else:
            into[key] = copy.deepcopy(entry)


def splice(config: Document, envoy_filter: Document) -> Document:
    """Apply the patches of an EnvoyFilter in the context SIDECAR_OUTBOUND, as istiod does."""
    config = copy.deepcopy(config)
    for entry in envoy_filter["spec"]["configPatches"]:
        match, patch = entry["match"], entry["patch"]
        assert match["context"] == "SIDECAR_OUTBOUND"
        applied = list(targets(config, entry["applyTo"], match))
        assert applied, f"a patch of {entry['applyTo']} matches nothing"
        for target in applied:
            match patch["operation"]:
                case "ADD":
                    target.append(copy.deepcopy(patch["value"]))
                case "MERGE":
                    merge(target, patch["value"])
                case "INSERT_BEFORE":
                    sub = match["listener"]["filterChain"]["filter"]["subFilter"]["name"]
                    names = [item["name"] for item in target]
                    target.insert(names.index(sub), copy.deepcopy(patch["value"]))
                case other:
                    raise AssertionError(f"operation {other} is not known here")
    return config


def targets(config: Document, apply_to: str, match: Document) -> Iterator[Any]:
    resources = config["static_resources"]
    if apply_to == "CLUSTER":
        yield resources["clusters"]
        return
    for listener in resources["listeners"]:
        port = listener["address"]["socket_address"]["port_value"]
        if match.get("listener", {}).get("portNumber", port) != port:
            continue
        manager = listener["filter_chains"][0]["filters"][0]["typed_config"]
        if apply_to == "LISTENER":
            yield listener
        if apply_to == "HTTP_FILTER":
            assert match["listener"]["filterChain"]["filter"]["name"] == HCM
            yield manager["http_filters"]
        for host in manager["route_config"]["virtual_hosts"]:
            if match.get("routeConfiguration", {}).get("vhost", {}).get("name") == host["name"]:
                if apply_to == "VIRTUAL_HOST":
                    yield host
                if apply_to == "HTTP_ROUTE":
                    yield from host["routes"]


@pytest.fixture(scope="module")
def spliced(documents: list[Document]) -> Document:
    (envoy_filter,) = of_kind(documents, "EnvoyFilter")
    return splice(outbound(documents), envoy_filter)


# --- the manifests --------------------------------------------------------------------------------


def test_manifests_fit_their_schemas(
    documents: list[Document], check_crd: Callable[[Document], None]
) -> None:
    for document in documents:
        check_crd(document)


def test_unknown_field_is_refused(documents: list[Document], check_crd: Callable[[Document], None]) -> None:
    (document,) = of_kind(documents, "Sidecar")
    with pytest.raises(Exception, match="failOpen"):
        check_crd(document | {"spec": document["spec"] | {"failOpen": True}})


def test_every_provider_is_registered_and_only_on_the_port_that_is_inspected(
    documents: list[Document],
) -> None:
    entries = of_kind(documents, "ServiceEntry")
    real = {httpx.URL(url).host for name, url in REAL_UPSTREAMS.items() if name != "local"}
    assert {entry["spec"]["hosts"][0] for entry in entries} == real == set(PROVIDERS)
    for entry in entries:
        assert [(port["number"], port["targetPort"]) for port in entry["spec"]["ports"]] == [(80, 443)]


def test_what_is_not_registered_has_no_way_out(documents: list[Document]) -> None:
    (document,) = of_kind(documents, "Sidecar")
    assert document["spec"]["outboundTrafficPolicy"] == {"mode": "REGISTRY_ONLY"}
    assert "workloadSelector" not in document["spec"]


def test_filter_holds_for_every_workload_of_the_namespace(documents: list[Document]) -> None:
    (document,) = of_kind(documents, "EnvoyFilter")
    assert "workloadSelector" not in document["spec"]


def test_sidecar_container_is_added_to_labelled_deployments_only(
    kustomize: Kustomize, root: Path, tmp_path: Path
) -> None:
    component = os.path.relpath(root / "deploy" / "istio" / "pod", tmp_path)
    (tmp_path / "kustomization.yaml").write_text(
        yaml.safe_dump({"resources": ["app.yaml"], "components": [component]})
    )
    (tmp_path / "app.yaml").write_text(
        yaml.safe_dump_all(
            {
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                "metadata": {"name": name, "labels": {"pii-sidecar": label}},
                "spec": {"template": {"spec": {"containers": [{"name": "app", "image": "app"}]}}},
            }
            for name, label in (("with", "enabled"), ("without", "disabled"))
        )
    )
    pods = {item["metadata"]["name"]: item["spec"]["template"]["spec"] for item in kustomize(tmp_path)}
    (container,) = pods["with"]["initContainers"]
    assert container["restartPolicy"] == "Always"
    assert pods["with"]["containers"] == pods["without"]["containers"]
    assert "initContainers" not in pods["without"]


def test_container_listens_where_the_cluster_connects(documents: list[Document], root: Path) -> None:
    patch = yaml.safe_load((root / "deploy" / "istio" / "pod" / "container.yaml").read_text())
    (container,) = patch["spec"]["template"]["spec"]["initContainers"]
    (document,) = of_kind(documents, "EnvoyFilter")
    added = next(p for p in document["spec"]["configPatches"] if p["applyTo"] == "CLUSTER")["patch"]["value"]
    endpoint = added["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"]["address"]
    address = endpoint["socket_address"]
    listen = container["args"][container["args"].index("--listen") + 1]
    assert listen == f"{address['address']}:{address['port_value']}"


# --- the configuration that comes of it -----------------------------------------------------------


def test_spliced_configuration_is_valid(spliced: Document, validate_envoy: Callable[[Document], str]) -> None:
    assert validate_envoy(spliced) == ""


def test_strip_process_guard_stand_in_this_order_before_the_router(spliced: Document) -> None:
    filters = manager(spliced)["http_filters"]
    kinds = [item["typed_config"]["@type"].rsplit(".", 1)[1] for item in filters]
    assert kinds == ["HeaderMutation", "ExternalProcessor", "RBAC", "Router"]
    assert [item.get("disabled", False) for item in filters] == [True, True, True, False]


def test_filters_are_on_for_the_providers_and_off_for_all_others(spliced: Document) -> None:
    filters = {item["name"] for item in manager(spliced)["http_filters"][:-1]}
    for host in manager(spliced)["route_config"]["virtual_hosts"]:
        on = host.get("typed_per_filter_config", {})
        expected = set() if host["name"] == f"{PLAIN_HOST}:80" else filters
        assert {name for name, config in on.items() if config["disabled"] is False} == expected


def test_stamp_is_the_one_that_the_sidecar_sets(spliced: Document) -> None:
    name, text = STAMP
    strip, _, guard, _ = manager(spliced)["http_filters"]
    assert strip["typed_config"]["mutations"] == {"request_mutations": [{"remove": name}]}
    (policy,) = guard["typed_config"]["rules"]["policies"].values()
    assert policy["principals"] == [{"header": {"name": name, "string_match": {"exact": text}}}]


@pytest.fixture(scope="module")
def own_gateway(root: Path) -> Document:
    """Read the configuration that the sidecar's own gateway runs."""
    config: Document = yaml.safe_load((root / "envoy" / "envoy.yaml").read_text())
    return config


def test_processing_is_that_of_the_sidecars_own_gateway(spliced: Document, own_gateway: Document) -> None:
    ours, theirs = (
        next(item["typed_config"] for item in manager(config)["http_filters"] if is_ext_proc(item))
        for config in (spliced, own_gateway)
    )
    ours, theirs = copy.deepcopy(ours), copy.deepcopy(theirs)
    # Spelled out here, since they matter; left out there where they are the default.
    assert ours.pop("failure_mode_allow") is theirs.pop("failure_mode_allow", False) is False
    assert ours["processing_mode"].pop("response_body_mode") == "NONE"
    assert theirs["processing_mode"].pop("response_body_mode", "NONE") == "NONE"
    assert ours.pop("grpc_service") == {"envoy_grpc": {"cluster_name": "pii-sidecar"}}
    assert theirs.pop("grpc_service") == {"envoy_grpc": {"cluster_name": "sidecar"}}
    assert ours == theirs


def is_ext_proc(item: Document) -> bool:
    return str(item["typed_config"]["@type"]).endswith(".ExternalProcessor")


def test_sidecar_is_watched_as_in_the_sidecars_own_gateway(spliced: Document, own_gateway: Document) -> None:
    ours, theirs = (
        next(item for item in config["static_resources"]["clusters"] if item["name"] == name)
        for config, name in ((spliced, "pii-sidecar"), (own_gateway, "sidecar"))
    )
    apart = {"name", "load_assignment"}
    assert {key: ours[key] for key in ours.keys() - apart} == {
        key: theirs[key] for key in theirs.keys() - apart
    }


def test_buffer_is_that_of_the_sidecars_own_gateway(spliced: Document, own_gateway: Document) -> None:
    ours, theirs = (
        config["static_resources"]["listeners"][0]["per_connection_buffer_limit_bytes"]
        for config in (spliced, own_gateway)
    )
    assert ours == theirs


def manager(config: Document) -> Document:
    found: Document = config["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]
    typed: Document = found["typed_config"]
    return typed


# --- a real Envoy runs it -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def provider(authority: trustme.CA) -> Iterator[EchoProvider]:
    """Record what arrives, behind a certificate for the real providers' names."""
    with EchoProvider(tls=certificate(authority, *PROVIDERS)) as recording:
        yield recording


def certificate(authority: trustme.CA, *names: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(context)
    return context


@pytest.fixture
def run_mesh(spliced: Document, tmp_path: Path, authority: trustme.CA, run_envoy: RunEnvoy) -> RunMesh:
    """Run the spliced configuration with all endpoints on this machine and the test's CA trusted."""
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")

    def run(sidecar: int, *, upstream: int = 9) -> AbstractContextManager[str]:
        config = copy.deepcopy(spliced)
        for made in config["static_resources"]["clusters"]:
            made["type"] = "STATIC"
            endpoint = made["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"]
            port = sidecar if made["name"] == "pii-sidecar" else upstream
            endpoint["address"]["socket_address"] = {"address": "127.0.0.1", "port_value": port}
            if "transport_socket" in made:
                context = made["transport_socket"]["typed_config"]["common_tls_context"]["validation_context"]
                context["trusted_ca"]["filename"] = str(tmp_path / "ca.pem")
        return run_envoy(config)

    return run


def post(address: str, host: str, body: bytes | Iterator[bytes], **headers: str) -> httpx.Response:
    """Send a request as an application does whose proxy catches it on the way to ``host``."""
    url = f"http://{address}/v1/chat/completions"
    sent = {"host": host, "content-type": "application/json"} | headers
    return httpx.post(url, content=body, headers=sent, timeout=60)


@pytest.mark.envoy
@pytest.mark.model
@pytest.mark.parametrize("host", PROVIDERS)
def test_body_reaches_the_provider_tokenized_and_the_answer_comes_back_restored(
    host: str, provider: EchoProvider, sidecar_port: int, run_mesh: RunMesh
) -> None:
    with run_mesh(sidecar_port, upstream=provider.port) as address:
        answer = post(address, host, CHAT)
    assert answer.status_code == 200, answer.text
    assert all(original in answer.content for original in ORIGINALS)
    (request,) = provider.requests
    assert b"{{EMAIL_1}}" in request.body
    assert not any(original in provider.received for original in ORIGINALS)
    assert request.header("host") == host
    assert request.header(STAMP[0]) == ""


@pytest.mark.envoy
@pytest.mark.model
def test_body_beyond_envoys_default_buffer_is_inspected_whole(
    provider: EchoProvider, sidecar_port: int, run_mesh: RunMesh
) -> None:
    body = CHAT + b" " * (2 * 1024 * 1024)
    with run_mesh(sidecar_port, upstream=provider.port) as address:
        answer = post(address, PROVIDERS[0], body)
    assert answer.status_code == 200, answer.text[:200]
    (request,) = provider.requests
    assert len(request.body) > 2 * 1024 * 1024
    assert not any(original in provider.received for original in ORIGINALS)


@pytest.mark.envoy
@pytest.mark.parametrize("host", PROVIDERS)
def test_without_a_sidecar_nothing_leaves(
    host: str, provider: EchoProvider, free_port: Callable[[], int], run_mesh: RunMesh
) -> None:
    with run_mesh(free_port(), upstream=provider.port) as address:
        answer = post(address, host, CHAT)
    assert answer.status_code >= 500
    assert provider.received == b""


@pytest.mark.envoy
@pytest.mark.parametrize(
    "pause", [pytest.param(0.0, id="body-at-once"), pytest.param(0.3, id="body-after-the-end")]
)
def test_stream_that_closes_without_an_answer_lets_nothing_leave(
    pause: float, provider: EchoProvider, closing_processor: int, run_mesh: RunMesh
) -> None:
    def body() -> Iterator[bytes]:
        time.sleep(pause)
        yield CHAT

    with run_mesh(closing_processor, upstream=provider.port) as address:
        for _ in range(5):
            assert post(address, PROVIDERS[0], body(), **{STAMP[0]: STAMP[1]}).status_code == 403
    assert provider.received == b""


@pytest.mark.envoy
@pytest.mark.parametrize(
    ("host", "status"),
    [
        pytest.param(PROVIDERS[0], b"403", id="provider"),
        pytest.param(PLAIN_HOST, b"200", id="elsewhere-as-before"),
    ],
)
def test_websocket_upgrade_is_not_offered_to_a_provider(
    host: str, status: bytes, provider: EchoProvider, stamping_processor: int, run_mesh: RunMesh
) -> None:
    upgrade = (
        f"GET /v1/realtime HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AA==\r\n\r\n"
    )
    with EchoProvider() as plain:
        upstream = plain if host == PLAIN_HOST else provider
        with run_mesh(stamping_processor, upstream=upstream.port) as address:
            listening, _, port = address.partition(":")
            with socket.create_connection((listening, int(port)), timeout=10) as client:
                client.sendall(upgrade.encode())
                assert client.recv(4096).split()[1] == status
    assert provider.received == b""


@pytest.mark.envoy
def test_request_without_upgrade_passes_where_the_upgrade_did_not(
    provider: EchoProvider, stamping_processor: int, run_mesh: RunMesh
) -> None:
    with run_mesh(stamping_processor, upstream=provider.port) as address:
        answer = httpx.get(f"http://{address}/v1/realtime", headers={"host": PROVIDERS[0]})
    assert answer.status_code == 200
    assert provider.requests[0].path == "/v1/realtime"


@pytest.mark.envoy
@pytest.mark.model
def test_certificate_of_another_name_is_refused(
    authority: trustme.CA, sidecar_port: int, run_mesh: RunMesh
) -> None:
    with EchoProvider(tls=certificate(authority, "elsewhere.example.org")) as other:
        with run_mesh(sidecar_port, upstream=other.port) as address:
            answer = post(address, PROVIDERS[0], CHAT)
        assert answer.status_code == 503
        assert other.received == b""


@pytest.mark.envoy
def test_other_hosts_are_served_as_before(free_port: Callable[[], int], run_mesh: RunMesh) -> None:
    with EchoProvider() as other:
        with run_mesh(free_port(), upstream=other.port) as address:
            answer = post(address, PLAIN_HOST, CHAT)
        assert answer.status_code == 200
        assert all(original in other.received for original in ORIGINALS)
