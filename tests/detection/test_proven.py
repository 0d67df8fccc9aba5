from __future__ import annotations

import json
import shutil
from importlib import resources
from pathlib import Path

import pytest

from sidecar.detection import proven
from sidecar.detection.pattern_file import load_patterns
from sidecar.detection.pattern_source import shipped_file
from sidecar.detection.proven import proven_files, record


def test_every_shipped_file_is_recorded_as_it_is() -> None:
    recorded = json.loads(resources.files("sidecar.detection").joinpath("proven.json").read_text("utf-8"))
    assert recorded == record(), "after a change: python -m sidecar.detection.proven"
    assert {file.name for file in proven_files()} == set(recorded)


def test_the_shipped_files_prove_themselves_without_the_record() -> None:
    assert load_patterns(None, prove=True).warnings == ()


def test_one_changed_byte_makes_a_file_unproven(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index = shipped_file()
    shutil.copytree(index.parent / "patterns", tmp_path / "patterns")
    shutil.copy(index, tmp_path)
    monkeypatch.setattr(proven, "shipped_file", lambda: tmp_path / index.name)
    before = {file.name for file in proven_files()}
    changed = tmp_path / "patterns" / "network.json"
    changed.write_bytes(changed.read_bytes() + b"\n")
    assert before - {file.name for file in proven_files()} == {"network.json"}
