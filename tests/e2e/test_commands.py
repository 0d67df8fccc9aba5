"""The commands as a user types them: one clear line for each mistake, and what programs rely on."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from sidecar.gateway.echo_provider import EchoProvider

pytestmark = pytest.mark.model

PROSE = "Contact John Smith at john@example.com"


def run(*arguments: str, stdin: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "sidecar", *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
        env={**os.environ, **environment},
    )


def broken_patterns(folder: Path) -> str:
    path = folder / "patterns.json"
    entry = {"name": "a", "type": "A", "regex": r"\d+", "match": ["no digits"]}
    twice = {"name": "b", "type": "B", "regex": r"(a)\1"}
    path.write_text(json.dumps({"patterns": [entry, twice], "ner": {}}))
    return str(path)


@pytest.mark.envoy
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(["--upstream", "openai"], "expected NAME=URL", id="no-url"),
        pytest.param(["--upstream", "openai=ftp://example.org"], "openai", id="bad-url"),
        pytest.param(["--upstream", "bard=http://127.0.0.1:1"], "bard", id="unknown-name"),
        pytest.param(["--listen", "8080"], "expected HOST:PORT", id="bad-listen"),
        pytest.param(["--config", "nowhere.toml"], "no such file", id="no-config"),
        pytest.param(["--tls-cert", "a.pem"], "tls_cert and tls_key", id="half-a-pair"),
        pytest.param(["--upstream-ca", "nowhere.pem"], "nowhere.pem", id="no-ca"),
    ],
)
def test_up_says_in_one_line_what_is_wrong(arguments: list[str], words: str) -> None:
    ended = run("up", *arguments)
    assert ended.returncode == 1
    assert ended.stdout == ""
    (line,) = ended.stderr.splitlines()
    assert line.startswith("pii-sidecar: ")
    assert words in line


@pytest.mark.envoy
def test_a_used_port_is_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = run("up", "--listen", f"127.0.0.1:{port}", LOG_LEVEL="error")
    assert ended.returncode == 1
    assert f"pii-sidecar: cannot listen on 127.0.0.1:{port}" in ended.stderr


@pytest.mark.envoy
@pytest.mark.parametrize("command", ["up", "check"])
def test_broken_patterns_are_named(command: str, tmp_path: Path) -> None:
    ended = run(command, PII_SIDECAR_PATTERNS=broken_patterns(tmp_path))
    assert ended.returncode == 1
    said = ended.stderr + ended.stdout
    assert "Traceback" not in said
    assert "patterns.json" in said
    assert "patterns[0] a: match[0]" in said
    assert "patterns[1] b: regex" in said


@pytest.mark.envoy
@pytest.mark.parametrize(
    ("script", "words"),
    [
        pytest.param(None, "cannot be run", id="missing"),
        pytest.param(
            "#!/bin/sh\necho 'envoy version: abc/1.12.0/Clean/RELEASE/BoringSSL'\n", "1.12", id="too-old"
        ),
        pytest.param("#!/bin/sh\necho hello\n", "does not tell its version", id="no-envoy"),
    ],
)
def test_a_missing_or_wrong_envoy_is_one_line(script: str | None, words: str, tmp_path: Path) -> None:
    binary = tmp_path / "envoy"
    if script is not None:
        binary.write_text(script)
        binary.chmod(0o755)
    ended = run("up", PII_SIDECAR_ENVOY_PATH=str(binary))
    assert ended.returncode == 1
    (line,) = ended.stderr.splitlines()
    assert words in line


@pytest.mark.envoy
def test_check_passes_what_ships() -> None:
    ended = run("check")
    assert ended.returncode == 0
    assert [line.split()[0] for line in ended.stdout.splitlines()] == ["ok"] * 5


@pytest.mark.envoy
@pytest.mark.parametrize("command", ["up", "check"])
def test_a_store_that_cannot_be_opened_is_named_without_its_password(command: str) -> None:
    ended = run(
        command,
        PII_SIDECAR_NER="false",
        PII_SIDECAR_STORE_KEY="A" * 43 + "=",
        PII_SIDECAR_CONVERSATION_STORE="redis://u:hunter2@h:99999/0",
    )
    said = ended.stderr + ended.stdout
    assert ended.returncode == 1
    assert "conversation_store: the URL cannot be read" in said
    assert "hunter2" not in said
    assert "AAAA" not in said


def test_envoy_config_prints_what_up_would_run() -> None:
    ended = run("envoy-config", PORT="9123", DEFAULT_TARGET="claude")
    assert ended.returncode == 0
    listener = yaml.safe_load(ended.stdout)["static_resources"]["listeners"][0]
    assert listener["address"]["socket_address"]["port_value"] == 9123


def test_scan_reads_a_file_or_standard_input(tmp_path: Path) -> None:
    path = tmp_path / "prose.txt"
    path.write_text(PROSE)
    from_file, from_stdin = run("scan", str(path)), run("scan", stdin=PROSE)
    assert from_file.returncode == 0
    assert from_file.stdout == from_stdin.stdout
    assert "PERSON" in from_file.stdout
    assert "EMAIL" in from_file.stdout


def test_scan_jsonl_gives_spans_in_code_points() -> None:
    lines = [{"id": "a", "text": "\U0001f600! " + PROSE}, {"id": 7, "text": "Good morning"}]
    ended = run("scan", "--jsonl", stdin="".join(json.dumps(line) + "\n" for line in lines))
    assert ended.returncode == 0
    first, second = (json.loads(line) for line in ended.stdout.splitlines())
    found = {(lines[0]["text"][span["start"] : span["end"]], span["type"]) for span in first["spans"]}  # type: ignore[index]
    assert first["id"] == "a"
    assert found == {("John Smith", "PERSON"), ("john@example.com", "EMAIL")}
    assert second == {"id": 7, "spans": []}
    assert all(0 < span["score"] <= 1 for span in first["spans"])


@pytest.mark.parametrize(
    "stdin",
    [
        pytest.param("{", id="not-json"),
        pytest.param('{"id": 1}', id="no-text"),
        pytest.param('{"id": null, "text": "x"}', id="no-id"),
        pytest.param("[]", id="no-object"),
    ],
)
def test_scan_jsonl_refuses_bad_lines_with_2(stdin: str) -> None:
    ended = run("scan", "--jsonl", stdin=stdin)
    assert ended.returncode == 2
    assert ended.stderr.startswith("pii-sidecar: line 1: ")


def test_scan_explains_what_was_taken(tmp_path: Path) -> None:
    path = tmp_path / "prose.txt"
    path.write_text(PROSE)
    ended = run("scan", "--explain", str(path))
    assert ended.returncode == 0
    assert any(line.startswith("taken") and "pattern: email" in line for line in ended.stdout.splitlines())


def test_scan_writes_a_page_of_several_texts(tmp_path: Path) -> None:
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text(PROSE)
    page = tmp_path / "page.html"
    ended = run("scan", str(tmp_path / "a.txt"), str(tmp_path / "b.txt"), "--html", str(page))
    assert ended.returncode == 0
    assert page.read_text("utf-8").count("john@example.com<small>EMAIL</small>") == 2


def test_scan_of_lines_takes_one_file_and_shows_nothing_else() -> None:
    assert run("scan", "--jsonl", "--explain", stdin="").returncode == 2


def test_scan_of_a_missing_file_is_2() -> None:
    assert run("scan", "nowhere.txt").returncode == 2


@pytest.mark.envoy
def test_demo_shows_the_product_and_succeeds(tmp_path: Path) -> None:
    ended = run("demo", TMPDIR=str(tmp_path))
    assert ended.returncode == 0
    assert "{{PERSON_1}}" in ended.stdout
    assert max(map(len, ended.stdout.splitlines())) <= 100
    assert list(tmp_path.iterdir()) == []


def test_the_echo_provider_is_no_part_of_what_serves() -> None:
    code = "import sys, sidecar.cli.up; sys.exit('sidecar.gateway.echo_provider' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    assert EchoProvider.__module__ == "sidecar.gateway.echo_provider"
