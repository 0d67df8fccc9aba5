"""`pii-leak-benchmark`, an independent judge: what reaches the provider, what comes back, what is invented.

It is the client and the provider at once, and the gateway between them is a real `up`.
"""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest
from pii_leak_benchmark import cli, v2_emitter

from tests.e2e.conftest import RunUp

pytestmark = [pytest.mark.envoy, pytest.mark.model]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def openai_at(port: int) -> str:
    return f"--upstream=openai=http://127.0.0.1:{port}"


def test_the_self_check_and_the_first_profile_are_clean_and_restored(run_up: RunUp, tmp_path: Path) -> None:
    port, report = free_port(), tmp_path / "report.json"
    with run_up("--workers", "1", openai_at(port)) as gateway:
        common = ["--target-base-url", f"{gateway.url}/v1", "--capture-port", str(port)]
        assert cli.main(["selfcheck", *common, "--json-out", str(report)]) == 0
        found = json.loads(report.read_text())
        assert set(found["fixture"]["formats"]) >= {"AWS_ACCESS_KEY_ID", "GITHUB_TOKEN", "SLACK_TOKEN", "SSN"}
        assert all(check["passed"] for check in found["checks"].values())
        claim = ["--redaction-claimed", "claimed", "--redaction-claim-citation", "https://example.org/claim"]
        config = ["--redaction-enabled", "--redaction-config-reference", "defaults"]
        target = ["--target-name", "pii-sidecar", "--target-version", "0"]
        assert cli.main([*common, *target, *claim, *config, "--json-out", str(report)]) == 0
        assert json.loads(report.read_text())["outcome"] == "pass"


def test_the_second_profile_passes_where_answers_are_scanned(run_up: RunUp, tmp_path: Path) -> None:
    port = free_port()
    with run_up("--workers", "1", openai_at(port), PII_SIDECAR_RESPONSE="scan") as gateway:
        done = v2_emitter.main([
            *("--only", "pii-sidecar", "--out", str(tmp_path), "--validate"),
            *("--gateway-url", f"{gateway.url}/v1/chat/completions", "--upstream-port", str(port)),
        ])  # fmt: skip
    assert done == 0
    report = json.loads((tmp_path / "pii-sidecar.json").read_text())
    assert report["outcome"] == "pass"
    assert report["metrics"]["leak_rate"] == {"single_chunk": 0.0, "adversarial": 0.0, "overall": 0.0}
    assert report["metrics"]["fidelity_rate"] == 1.0
    assert report["metrics"]["cases_inconclusive"] == 0
    assert report["metrics"]["cases_echo_observable"] == report["metrics"]["cases_scored"] > 0
