"""The kustomization: valid, hardened, and its ports, sockets and commands fit each other."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from sidecar.settings import Settings

Document = dict[str, Any]
Kustomize = Callable[[Path], list[Document]]
FOLDERS = ["deploy/kubernetes", "deploy/kubernetes/clients"]


@pytest.fixture(scope="module")
def documents(kustomize: Kustomize, root: Path) -> list[Document]:
    return kustomize(root / "deploy" / "kubernetes")


def one(documents: list[Document], kind: str) -> Document:
    (found,) = (document for document in documents if document["kind"] == kind)
    return found


@pytest.fixture(scope="module")
def pod(documents: list[Document]) -> Document:
    spec: Document = one(documents, "Deployment")["spec"]["template"]["spec"]
    return spec


@pytest.fixture(scope="module")
def sidecar(pod: Document) -> Document:
    (container,) = pod["initContainers"]
    found: Document = container
    return found


@pytest.fixture(scope="module")
def envoy(pod: Document) -> Document:
    (container,) = pod["containers"]
    found: Document = container
    return found


@pytest.mark.parametrize("folder", FOLDERS)
@pytest.mark.parametrize("version", ["1.30", "1.37"])
def test_manifests_are_valid_without_unknown_fields(
    folder: str, version: str, kustomize: Kustomize, root: Path, tool: Callable[[str], Path], tmp_path: Path
) -> None:
    file = tmp_path / "rendered.yaml"
    file.write_text(yaml.safe_dump_all(kustomize(root / folder)))
    assert validate(tool, file, version) == 0


def test_unknown_field_is_refused(
    documents: list[Document], tool: Callable[[str], Path], tmp_path: Path
) -> None:
    service = one(documents, "Service")
    file = tmp_path / "wrong.yaml"
    file.write_text(yaml.safe_dump(service | {"spec": service["spec"] | {"sessionAffinitty": "None"}}))
    assert validate(tool, file, "1.37") != 0


def validate(tool: Callable[[str], Path], file: Path, version: str) -> int:
    done = subprocess.run(
        [tool("kubernetes-validate"), "--strict", "--quiet", "--kubernetes-version", version, file],
        capture_output=True,
        check=False,
    )
    return done.returncode


def test_sidecar_is_native_and_so_outlives_envoy(sidecar: Document) -> None:
    assert sidecar["restartPolicy"] == "Always"


@pytest.mark.parametrize("name", ["sidecar", "envoy"])
def test_container_can_do_no_more_than_it_must(name: str, request: pytest.FixtureRequest) -> None:
    context = request.getfixturevalue(name)["securityContext"]
    assert context["allowPrivilegeEscalation"] is False
    assert context["readOnlyRootFilesystem"] is True
    assert context["capabilities"] == {"drop": ["ALL"]}


def test_pod_has_one_uid_no_credentials_and_a_seccomp_profile(pod: Document) -> None:
    context = pod["securityContext"]
    assert {context["runAsUser"], context["runAsGroup"], context["fsGroup"]} == {65532}
    assert context["runAsNonRoot"] is True
    assert context["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False
    assert not {"hostNetwork", "hostPID", "hostIPC"} & pod.keys()


def test_socket_is_in_memory_and_where_envoys_configuration_looks(
    pod: Document, sidecar: Document, envoy: Document, documents: list[Document]
) -> None:
    config = yaml.safe_load(one(documents, "ConfigMap")["data"]["envoy.yaml"])
    cluster = next(item for item in config["static_resources"]["clusters"] if item["name"] == "sidecar")
    path = cluster["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"]["address"]["pipe"][
        "path"
    ]
    assert argument(sidecar, "--listen") == f"unix:{path}"
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    assert volumes["run"]["emptyDir"]["medium"] == "Memory"
    for container in (sidecar, envoy):
        assert {"name": "run", "mountPath": str(Path(path).parent)} in container["volumeMounts"]


def argument(container: Document, flag: str) -> str:
    args = container["args"]
    found: str = args[args.index(flag) + 1]
    return found


def test_probes_ask_over_tcp_where_the_containers_listen(sidecar: Document, envoy: Document) -> None:
    port = int(argument(sidecar, "--health-listen").rpartition(":")[2])
    assert argument(sidecar, "--health-listen").startswith("0.0.0.0:")  # kubelet does not reach loopback
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert sidecar[probe]["grpc"]["port"] == port
        assert envoy[probe]["httpGet"] == {"path": "/ready", "port": "ops"}


def test_frozen_sidecar_is_killed_and_not_asked_to_end(sidecar: Document) -> None:
    assert sidecar["livenessProbe"]["terminationGracePeriodSeconds"] == 1


def test_streams_have_time_to_finish(pod: Document, envoy: Document) -> None:
    before = envoy["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert pod["terminationGracePeriodSeconds"] >= before + Settings().drain_seconds


def test_configuration_comes_from_the_files_that_compose_mounts(
    documents: list[Document], envoy: Document, root: Path
) -> None:
    made = one(documents, "ConfigMap")
    assert made["data"] == {name: (root / "envoy" / name).read_text() for name in ("envoy.yaml", "ops.yaml")}
    # The hash in the name rolls the pods when the configuration changes.
    name = made["metadata"]["name"]
    assert envoy["env"][0]["valueFrom"]["configMapKeyRef"]["name"] == name != "pii-sidecar-envoy"


def test_images_are_ours_and_envoys_class_tag(sidecar: Document, envoy: Document) -> None:
    assert (sidecar["image"], envoy["image"]) == ("pii-sidecar:0.1.0", "envoyproxy/envoy:v1.40-latest")


def test_selectors_find_the_pods(documents: list[Document]) -> None:
    labels = one(documents, "Deployment")["spec"]["template"]["metadata"]["labels"].items()
    assert one(documents, "Service")["spec"]["selector"].items() <= labels
    for kind in ("PodDisruptionBudget", "Deployment"):
        selector = one(documents, kind)["spec"]["selector"]["matchLabels"]
        assert selector
        assert selector.items() <= labels
    policy = one(documents, "NetworkPolicy")["spec"]["podSelector"]["matchLabels"]
    assert policy
    assert policy.items() <= labels


def test_service_reaches_envoys_listener(documents: list[Document], envoy: Document) -> None:
    config = yaml.safe_load(one(documents, "ConfigMap")["data"]["envoy.yaml"])
    listens = config["static_resources"]["listeners"][0]["address"]["socket_address"]
    ports = {port["name"]: port["containerPort"] for port in envoy["ports"]}
    (port,) = one(documents, "Service")["spec"]["ports"]
    assert listens == {"address": "0.0.0.0", "port_value": ports[port["targetPort"]]}


def test_autoscaler_follows_the_sidecars_own_cpu(documents: list[Document], sidecar: Document) -> None:
    (metric,) = one(documents, "HorizontalPodAutoscaler")["spec"]["metrics"]
    assert metric["containerResource"]["container"] == sidecar["name"]
    assert "cpu" in sidecar["resources"]["requests"]  # a share of nothing cannot be told


def test_gateway_may_go_to_providers_and_name_servers_only(documents: list[Document]) -> None:
    policy = one(documents, "NetworkPolicy")["spec"]
    assert sorted(policy["policyTypes"]) == ["Egress", "Ingress"]
    ports = [sorted(port["port"] for port in rule["ports"]) for rule in policy["egress"]]
    assert ports == [[53, 53], [443]]
    assert all(rule["from"] for rule in policy["ingress"])


def test_clients_reach_the_gateway_and_no_provider(
    documents: list[Document], kustomize: Kustomize, root: Path
) -> None:
    policy = one(kustomize(root / "deploy" / "kubernetes" / "clients"), "NetworkPolicy")["spec"]
    dns, gateway = policy["egress"]
    assert [port["port"] for port in dns["ports"]] == [53, 53]
    (target,) = gateway["to"]
    labels = one(documents, "Deployment")["spec"]["template"]["metadata"]["labels"].items()
    assert target["podSelector"]["matchLabels"].items() <= labels
    namespace = target["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"]
    assert namespace == one(documents, "Deployment")["metadata"]["namespace"]
    assert gateway["ports"] == [{"port": 8080}]
    allowed = one(documents, "NetworkPolicy")["spec"]["ingress"][0]["from"][0]["podSelector"]
    assert policy["podSelector"] == allowed


def test_container_command_is_valid_for_envoy(
    envoy: Document, documents: list[Document], tmp_path: Path, run_command: Callable[[list[str]], str]
) -> None:
    command = started(envoy, documents, tmp_path)
    assert run_command([*command, "--mode", "validate"]) == ""


def started(envoy: Document, documents: list[Document], folder: Path) -> list[str]:
    """Give the container's command, its files and variables resolved as kubelet does."""
    data = one(documents, "ConfigMap")["data"]
    (folder / "envoy.yaml").write_text(data["envoy.yaml"])
    (variable,) = envoy["env"]
    value = data[variable["valueFrom"]["configMapKeyRef"]["key"]]
    args = [arg.replace(f"$({variable['name']})", value) for arg in envoy["args"]]
    return [*envoy["command"], *(arg.replace("/etc/envoy", str(folder)) for arg in args)]


@pytest.mark.envoy
@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/ready", 200),
        ("GET", "/stats/prometheus", 200),
        ("GET", "/config_dump", 404),
        ("GET", "/", 404),
        ("GET", "/ready/../config_dump", 404),
        ("GET", "//config_dump", 404),
        ("GET", "/stats/prometheus/../../quitquitquit", 404),
        ("POST", "/quitquitquit", 404),
        ("POST", "/ready", 404),
    ],
)
def test_ops_listener_shows_two_paths_and_changes_nothing(
    method: str, path: str, status: int, ops: str
) -> None:
    url = httpx.URL(scheme="http", host=ops.partition(":")[0], port=int(ops.partition(":")[2]))
    url = url.copy_with(raw_path=path.encode())
    assert httpx.request(method, url).status_code == status


@pytest.fixture(scope="module")
def ops(
    root: Path,
    tmp_path_factory: pytest.TempPathFactory,
    envoy_beside: Callable[..., AbstractContextManager[str]],
) -> Any:  # noqa: ANN401 - a generator
    """Run the ops listener; Envoy's own admin interface listens at the socket that it names."""
    text = (root / "envoy" / "ops.yaml").read_text()
    admin = tmp_path_factory.mktemp("ops") / "admin.sock"
    admin.write_bytes(b"")  # what an Envoy that was killed leaves behind is no obstacle
    config = yaml.safe_load(text.replace("/run/pii-sidecar/admin.sock", str(admin)))
    with envoy_beside(config, admin) as address:
        yield address
