"""Every problem is named at once, so that one run of ``check`` is enough."""

from __future__ import annotations

from pathlib import Path

import pytest

from sidecar.cli.check import check


def test_problems_of_patterns_and_of_both_lists_are_all_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "allow.txt").write_text("ok\n--\n")
    (tmp_path / "patterns.json").write_text(
        '{"include": ["gone.json"], "patterns": [{"name": "a", "type": "b", "regex": "c"}]}'
    )
    for name, file in (("ALLOW_LIST", "allow.txt"), ("DENY_LIST", "none.txt"), ("PATTERNS", "patterns.json")):
        monkeypatch.setenv(f"PII_SIDECAR_{name}", str(tmp_path / file))
    monkeypatch.setenv("PII_SIDECAR_NER", "false")
    monkeypatch.setenv("PII_SIDECAR_ENVOY_PATH", str(tmp_path / "none"))
    assert not check(None)
    said = capsys.readouterr().out
    for problem in (
        "allow.txt: line 2",
        "none.txt: cannot be read",
        "gone.json: cannot be read",
        "type must be",
    ):
        assert problem in said
