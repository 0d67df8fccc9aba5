"""The generated modules: current, wire-compatible with Envoy's own protos, and alone in no process."""

from __future__ import annotations

import dataclasses
import importlib
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.message import Message

from sidecar.extproc.pb.envoy.config.core.v3 import base_pb2
from sidecar.extproc.pb.envoy.extensions.filters.http.ext_proc.v3 import processing_mode_pb2
from sidecar.extproc.pb.envoy.service.ext_proc.v3 import external_processor_pb2
from sidecar.extproc.pb.envoy.type.v3 import http_status_pb2

ROOT = Path(__file__).parents[2]
Oracle = Callable[[str], Any]
MODULES = (base_pb2, http_status_pb2, processing_mode_pb2, external_processor_pb2)


def messages() -> Iterator[Descriptor]:
    def walk(message: Descriptor) -> Iterator[Descriptor]:
        if not message.GetOptions().map_entry:
            yield message
        for nested in message.nested_types:
            yield from walk(nested)

    for module in MODULES:
        for message in module.DESCRIPTOR.message_types_by_name.values():
            yield from walk(message)


def enums() -> Iterator[EnumDescriptor]:
    for module in MODULES:
        yield from module.DESCRIPTOR.enum_types_by_name.values()
    for message in messages():
        yield from message.enum_types


@pytest.mark.parametrize("message", list(messages()), ids=lambda message: message.full_name)
def test_every_field_has_envoys_name_and_number(message: Descriptor, oracle: Oracle) -> None:
    theirs = {
        field.metadata["betterproto"].number: field.name
        for field in dataclasses.fields(oracle(message.full_name))
    }
    for field in message.fields:
        assert theirs[field.number] == field.name


@pytest.mark.parametrize("enum", list(enums()), ids=lambda enum: enum.full_name)
def test_every_enum_member_has_envoys_name_and_number(enum: EnumDescriptor, oracle: Oracle) -> None:
    theirs = {member.value: member.name for member in oracle(enum.full_name)}
    assert {value.number: value.name for value in enum.values} == theirs


def filled(descriptor: Descriptor, variant: int) -> Message:
    """Return a message with every field set; of each oneof, field ``variant`` modulo its size."""
    message: Message = descriptor._concrete_class()
    for field in descriptor.fields:
        group = field.containing_oneof
        if group is None or list(group.fields).index(field) == variant % len(group.fields):
            fill(message, field, variant)
    return message


def fill(message: Message, field: FieldDescriptor, variant: int) -> None:
    present = getattr(message, field.name)
    if field.message_type is not None:
        if field.message_type.full_name == "google.protobuf.Struct":
            present.update({"pii_sidecar": {"EMAIL": 2, "ok": True, "list": ["a", None]}})
        elif field.message_type.GetOptions().map_entry:
            present["envoy.filters.http.ext_proc"].update({"source.port": 1024})
        elif field.message_type.full_name == "google.protobuf.Duration":
            present.FromMilliseconds(1500)
        elif field.is_repeated:
            present.extend([filled(field.message_type, variant), filled(field.message_type, variant + 1)])
        else:
            present.CopyFrom(filled(field.message_type, variant))
    elif field.enum_type is not None:
        setattr(message, field.name, field.enum_type.values[-1].number)
    elif field.is_repeated:
        present.extend(["x-first", "x-second"])
    else:
        sample = {str: "naïve", bytes: b"\x00\xff{{EMAIL_1}}", bool: True, int: 7}
        setattr(message, field.name, sample[type(present)])


VARIANTS = [
    pytest.param(message, variant, id=f"{message.full_name}-{variant}")
    for message in messages()
    for variant in range(max((len(group.fields) for group in message.oneofs), default=1))
]


@pytest.mark.parametrize(("message", "variant"), VARIANTS)
def test_what_we_encode_the_oracle_reads_and_writes_back_byte_for_byte(
    message: Descriptor, variant: int, oracle: Oracle
) -> None:
    ours = filled(message, variant)
    wire = ours.SerializeToString(deterministic=True)
    theirs = oracle(message.full_name).parse(wire)
    assert not theirs._unknown_fields
    back = bytes(theirs)
    assert type(ours).FromString(back) == ours
    if message.name not in {"ProcessingResponse", "ProcessingRequest"}:  # one writes in order of declaration
        assert back == wire
    assert sorted(back) == sorted(wire)


def test_committed_files_are_what_the_sources_generate() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "protos/generate.py", "--check"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_no_protobuf_is_allowed_that_is_older_than_the_generated_code() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    (least,) = [
        found[1] for line in project["dependencies"] if (found := re.match(r"protobuf>=([\d.]+)", line))
    ]
    generated = files("sidecar.extproc.pb").joinpath("pii_sidecar/v1/masking_pb2.py").read_text()
    found = re.search(r"^# Protobuf Python Version: ([\d.]+)$", generated, re.MULTILINE)
    assert found
    assert [int(part) for part in least.split(".")] >= [int(part) for part in found[1].split(".")]


def test_check_names_the_file_that_differs(tmp_path: Path) -> None:
    tree = tmp_path / "sidecar" / "extproc" / "pb"
    tree.mkdir(parents=True)
    for path in (ROOT / "protos").rglob("*"):
        target = tmp_path / path.relative_to(ROOT)
        if path.is_file() and "__pycache__" not in path.parts:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    command = [sys.executable, tmp_path / "protos/generate.py"]
    subprocess.run(command, check=True)
    generated = tree / "pii_sidecar/v1/masking_pb2.py"
    generated.write_text(generated.read_text() + "# edited by hand\n")
    done = subprocess.run([*command, "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.strip().endswith("pii_sidecar/v1/masking_pb2.py")
    assert len(done.stderr.splitlines()) == 1


def test_our_protos_live_beside_all_other_protos_of_the_environment() -> None:
    script = """
import envoy_data_plane.envoy.service.ext_proc.v3, envoy
import google.api.annotations_pb2, google.api.http_pb2, google.rpc.status_pb2
import grpc_health.v1.health_pb2, grpc_reflection.v1alpha.reflection_pb2
import sidecar.extproc.pb.envoy.service.ext_proc.v3.external_processor_pb2 as ours
import sidecar.extproc.pb.pii_sidecar.v1.masking_pb2
import envoy_data_plane.envoy.config.bootstrap.v3
assert envoy.__file__ and "sidecar" not in envoy.__file__
assert ours.ProcessingRequest.DESCRIPTOR.full_name == "envoy.service.ext_proc.v3.ProcessingRequest"
"""
    subprocess.run([sys.executable, "-c", script], check=True, cwd=ROOT)


def test_descriptor_set_of_masking_is_complete_and_readable_without_protobuf() -> None:
    content = files("sidecar.extproc.pb").joinpath("masking.pb").read_bytes()
    described = FileDescriptorSet.FromString(content)
    names = [file.name for file in described.file]
    assert {name for file in described.file for name in file.dependency} <= set(names)
    assert names[-1] == "pii_sidecar/v1/masking.proto"
    service = described.file[-1].service[0]
    assert (described.file[-1].package, service.name) == ("pii_sidecar.v1", "Masking")
    script = """
import sys
from importlib.resources import files
files("sidecar.extproc.pb").joinpath("masking.pb").read_bytes()
assert not any(name.startswith(("grpc", "google")) for name in sys.modules), sorted(sys.modules)
"""
    subprocess.run([sys.executable, "-c", script], check=True, cwd=ROOT)


def test_importing_the_shell_package_loads_no_grpc() -> None:
    script = (
        "import sys, sidecar.extproc; assert not any(n.startswith(('grpc', 'google')) for n in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True, cwd=ROOT)


def test_masking_is_mapped_to_its_rest_paths() -> None:
    masking = importlib.import_module("sidecar.extproc.pb.pii_sidecar.v1.masking_pb2")
    annotations = importlib.import_module("google.api.annotations_pb2")
    methods = masking.DESCRIPTOR.services_by_name["Masking"].methods_by_name
    mask = methods["ProfileMask"].GetOptions().Extensions[annotations.http]
    assert (mask.post, mask.body) == ("/api/profile-mask/{policy}", "*")
    assert methods["Health"].GetOptions().Extensions[annotations.http].get == "/health"
