"""``docker-compose.yml``: valid, hardened, and what it runs is what there is. No daemon is needed."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from compose_spec import PyCompose

from sidecar.settings import ENV_PREFIX, Settings

Document = dict[str, Any]
INTERPOLATION = re.compile(r"\$\{(?P<name>\w+):-(?P<default>[^}]*)\}")


@pytest.fixture(scope="module")
def text(root: Path) -> str:
    return (root / "docker-compose.yml").read_text()


@pytest.fixture(scope="module")
def services(text: str) -> Document:
    loaded: Document = yaml.safe_load(text)["services"]
    return loaded


def test_file_is_a_compose_file_with_an_empty_environment(text: str) -> None:
    plain = INTERPOLATION.sub(lambda found: found["default"], text)
    plain = plain.replace(":host-gateway", ":192.0.2.1")  # Docker's own word, which this parser lacks
    compose = PyCompose.from_yaml(plain)
    assert sorted(compose.service_names()) == ["envoy", "sidecar"]


def test_no_field_is_unknown(text: str, schema_of: Callable[[str], Document]) -> None:
    schema = schema_of("compose-spec.json")
    document = yaml.safe_load(text)
    validator = jsonschema.Draft7Validator(schema)
    validator.validate(document)
    document["services"]["envoy"]["priviledged"] = True
    with pytest.raises(jsonschema.ValidationError, match="priviledged"):
        validator.validate(document)


@pytest.mark.parametrize("name", ["envoy", "sidecar"])
def test_service_can_do_no_more_than_it_must(name: str, services: Document) -> None:
    service = services[name]
    assert service["user"] == "65532:65532"  # of both: the socket has mode 0600
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["ulimits"] == {"core": 0}
    assert not {"privileged", "cap_add", "devices", "pid", "ipc"} & service.keys()


def test_sidecar_has_no_network(services: Document) -> None:
    assert services["sidecar"]["network_mode"] == "none"
    assert "ports" not in services["sidecar"]


def test_gateway_is_published_on_loopback_only(services: Document) -> None:
    assert services["envoy"]["ports"] == ["127.0.0.1:${PORT:-8080}:8080"]


def test_images_have_class_tags_and_no_invented_digests(services: Document) -> None:
    assert services["envoy"]["image"] == "envoyproxy/envoy:v1.40-latest"
    assert services["sidecar"]["image"] == "pii-sidecar:0.1.0"


def test_envoy_waits_for_a_healthy_sidecar(services: Document) -> None:
    assert services["envoy"]["depends_on"] == {"sidecar": {"condition": "service_healthy"}}


def test_both_use_the_socket_that_envoys_configuration_names(services: Document, root: Path) -> None:
    config = yaml.safe_load((root / "envoy" / "envoy.yaml").read_text())
    cluster = next(item for item in config["static_resources"]["clusters"] if item["name"] == "sidecar")
    path = cluster["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"]["address"]["pipe"][
        "path"
    ]
    assert services["sidecar"]["command"] == ["serve", "--listen", f"unix:{path}"]
    for service in services.values():
        assert f"run:{Path(path).parent}" in service["volumes"]


def test_socket_folder_is_in_memory_and_belongs_to_the_services(text: str) -> None:
    options = yaml.safe_load(text)["volumes"]["run"]["driver_opts"]
    assert options["type"] == "tmpfs"
    assert options["o"].startswith("uid=65532,gid=65532,mode=0700")


def test_every_mounted_file_is_there(services: Document, root: Path) -> None:
    mounts = [mount for service in services.values() for mount in service["volumes"] if mount != RUN]
    sources = [INTERPOLATION.sub(lambda found: found["default"], mount["source"]) for mount in mounts]
    assert sorted(sources) == ["./envoy/envoy.yaml", "./patterns", "./patterns.json"]
    for mount, source in zip(mounts, sources, strict=True):
        assert (root / source).exists()
        assert mount["bind"] == {"create_host_path": False}  # a missing file is an error, no empty folder
        assert mount["read_only"] is True


RUN = "run:/run/pii-sidecar"


def test_every_variable_is_a_setting_of_the_sidecar(services: Document) -> None:
    known = {"LOG_LEVEL"} | {ENV_PREFIX + name.upper() for name in Settings.model_fields}
    assert services["sidecar"]["environment"].keys() <= known


def test_configuration_made_as_the_file_says_fits_it(text: str, root: Path) -> None:
    (line,) = re.findall(r"^#   (PORT=.*) \\\n#       pii-sidecar envoy-config > ", text, flags=re.MULTILINE)
    given = dict(part.split("=") for part in line.split())
    done = subprocess.run(
        [Path(sys.executable).with_name("pii-sidecar"), "envoy-config"],
        env=given,
        cwd=root / "tests",
        stdout=subprocess.PIPE,
        check=True,
    )
    made, standard = (
        yaml.safe_load(source) for source in (done.stdout, (root / "envoy" / "envoy.yaml").read_text())
    )
    assert made["admin"] == standard["admin"]
    ours, theirs = (config["static_resources"] for config in (made, standard))
    assert ours["listeners"][0]["address"] == theirs["listeners"][0]["address"]
    assert ours["clusters"][-1] == theirs["clusters"][-1]
    assert given["DEFAULT_TARGET"] == "claude"
    assert default_cluster(made) == "anthropic"
    assert default_cluster(standard) == "openai"


def default_cluster(config: Document) -> str:
    manager = config["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"]
    routes = manager["route_config"]["virtual_hosts"][0]["routes"]
    found: str = next(route for route in routes if route["name"] == "default")["route"]["cluster"]
    return found


def test_default_target_that_would_be_ignored_is_refused(services: Document) -> None:
    (refusal,) = services["envoy"]["labels"].values()
    assert refusal.startswith("${DEFAULT_TARGET:+${ENVOY_CONFIG:?")


@pytest.mark.parametrize(
    ("status", "healthy"),
    [pytest.param(200, True, id="serves"), pytest.param(503, False, id="no-worker")],
)
def test_health_check_of_envoy_follows_the_status(status: int, healthy: bool, services: Document) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with subprocess.Popen(health_command(services, port)) as check:
            client, _ = server.accept()
            with client, client.makefile("rb") as lines:
                assert lines.readline() == b"GET /health HTTP/1.1\r\n"
                while lines.readline() != b"\r\n":
                    pass
                client.sendall(b"HTTP/1.1 %d Any\r\ncontent-length: 0\r\n\r\n" % status)
            assert (check.wait(10) == 0) is healthy


def test_health_check_fails_where_nothing_listens(services: Document, free_port: Callable[[], int]) -> None:
    done = subprocess.run(health_command(services, free_port()), check=False, capture_output=True, timeout=10)
    assert done.returncode != 0


@pytest.mark.envoy
@pytest.mark.model
def test_health_check_of_envoy_passes_over_the_very_socket(
    services: Document,
    root: Path,
    tmp_path_factory: pytest.TempPathFactory,
    serve_at: Callable[[str], AbstractContextManager[int]],
    envoy_beside: Callable[[Document, Path], AbstractContextManager[str]],
) -> None:
    folder = tmp_path_factory.mktemp("run")
    text = (root / "envoy" / "envoy.yaml").read_text().replace(RUN.partition(":")[2], str(folder))
    listen = services["sidecar"]["command"][-1].replace(RUN.partition(":")[2], str(folder))
    with envoy_beside(yaml.safe_load(text), folder / "admin.sock") as address:
        command = health_command(services, int(address.rpartition(":")[2]))
        assert subprocess.run(command, check=False, timeout=10).returncode != 0
        with serve_at(listen):
            deadline = time.monotonic() + 10
            while subprocess.run(command, check=False, timeout=10).returncode != 0:
                assert time.monotonic() < deadline
                time.sleep(0.1)


def health_command(services: Document, port: int) -> list[str]:
    kind, *command = services["envoy"]["healthcheck"]["test"]
    assert kind == "CMD"
    return [part.replace("$$", "$").replace("/8080", f"/{port}") for part in command]
