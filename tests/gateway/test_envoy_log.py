from __future__ import annotations

from typing import Any

import pytest
from structlog.testing import capture_logs

from sidecar.gateway.envoy_log import LONGEST_LINE, EnvoyLog, one_line_reason


def events(chunks: list[bytes]) -> list[dict[str, Any]]:
    with capture_logs() as captured:
        envoy_log = EnvoyLog()
        for chunk in chunks:
            envoy_log.feed(chunk)
    return [dict(entry) for entry in captured]


WHOLE = b'{"status": 200, "route": "openai"}\nwarning main something\n'


@pytest.mark.parametrize("cut", range(1, len(WHOLE)))
def test_lines_are_the_same_however_they_are_cut(cut: int) -> None:
    assert events([WHOLE[:cut], WHOLE[cut:]]) == [
        {"event": "access", "log_level": "info", "route": "openai", "status": 200},
        {"event": "envoy", "log_level": "warning", "line": "warning main something"},
    ]


def test_a_line_is_bounded_and_need_not_be_utf8() -> None:
    [entry] = events([b"\xff" * 1000 + b"\n"])
    assert len(entry["line"]) == LONGEST_LINE


def test_being_told_to_end_is_no_warning() -> None:
    assert events([b"warning main caught ENVOY_SIGTERM\n"]) == []


def test_an_access_entry_that_is_no_json_is_counted_not_shown() -> None:
    [entry] = events([b'{"name": "Ada\n'])
    assert entry == {"event": "access", "log_level": "info", "unreadable_bytes": 13}


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ([], ""),
        (["warning main nothing special"], ""),
        (["critical main error initializing config '  /tmp/x.yaml': the port is taken"], "the port is taken"),
        (["critical main error initializing configuration '/x': no: {\"admin\": 1}"], "no:"),
        (["critical main error: first", "warning later"], "critical main error: first"),
    ],
)
def test_the_reason_is_one_line_without_the_configuration(lines: list[str], reason: str) -> None:
    assert one_line_reason(lines) == reason
