"""The README: each of its commands is run, here or by CI itself, and each of its links leads somewhere."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
BY_CI = {"make test", "make check"}  # .ci/run is nothing but these two
ENDLESS = {"make install && .venv/bin/pii-sidecar up"}  # tests/e2e runs `up` in every way
MINUTES = {"make bench", "make accuracy"}


def commands() -> list[str]:
    blocks = re.findall(r"```console\n(.*?)```", README, re.DOTALL)
    return [
        line.partition("  #")[0].strip() for block in blocks for line in block.splitlines() if line.strip()
    ]


RUN_HERE = [command for command in commands() if command not in BY_CI | ENDLESS | MINUTES]


@pytest.mark.envoy
@pytest.mark.model
@pytest.mark.parametrize("command", RUN_HERE)
def test_a_command_of_the_readme_succeeds(command: str) -> None:
    ended = subprocess.run(
        command, shell=True, cwd=ROOT, capture_output=True, text=True, timeout=110, check=False
    )
    assert ended.returncode == 0, ended.stderr[-2000:]


def test_every_kind_of_command_is_still_there() -> None:
    assert set(commands()) >= BY_CI | ENDLESS
    assert len(RUN_HERE) >= 4


def test_ci_runs_exactly_what_the_readme_says() -> None:
    lines = (ROOT / ".ci/run").read_text(encoding="utf-8").splitlines()
    assert {line for line in lines if line.startswith("make ")} == BY_CI


@pytest.mark.parametrize("page", ["README.md", "SECURITY.md", "CHANGELOG.md", "deploy/README.md"])
def test_every_link_inside_the_repository_leads_somewhere(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", text)
    missing = [target for target in targets if not (ROOT / page).parent.joinpath(target).exists()]
    assert missing == []


def test_every_test_that_the_readme_names_exists() -> None:
    files = list((ROOT / "tests").rglob("test_*.py"))
    known = {path.stem for path in files}
    for path in files:
        known |= set(re.findall(r"^def (test_\w+)", path.read_text(encoding="utf-8"), re.MULTILINE))
    named = set(re.findall(r"`(test_\w+)(?:\.py)?`", README))
    assert named
    assert named <= known
