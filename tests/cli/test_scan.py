"""What ``scan --jsonl`` reads and refuses; what it finds is tested end to end."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sidecar.cli.scan import BadInput, scan_jsonl
from sidecar.settings import load


def written(tmp_path: Path, *lines: str) -> Path:
    file = tmp_path / "texts.jsonl"
    file.write_text("\n".join(lines), encoding="utf-8")
    return file


@pytest.mark.parametrize("name", ["NaN", "Infinity", "-Infinity", "1e400", "-1e400", "true", "null", "[1]"])
def test_an_id_that_json_could_not_echo_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadInput, match="line 2"):
        scan_jsonl(
            load(ner=False), written(tmp_path, '{"id": 1, "text": ""}', f'{{"id": {name}, "text": ""}}')
        )


@pytest.mark.parametrize("name", ["a", "\ud800", 7, -1.5, 10**28])
def test_an_id_is_echoed_as_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str | float
) -> None:
    record = json.dumps({"id": name, "text": "\U0001f600 ann@example.org"})
    scan_jsonl(load(ner=False), written(tmp_path, record))
    answer = json.loads(capsys.readouterr().out)
    assert answer["id"] == name
    assert [(span["start"], span["end"], span["type"]) for span in answer["spans"]] == [(2, 17, "EMAIL")]
