"""What Envoy writes while it runs: access log entries, warnings, and why it would not start."""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Sequence

import structlog

LONGEST_LINE = 300
KEPT_LINES = 20
ORDINARY_END = "caught ENVOY_SIGTERM"  # our own doing, and no reason to warn

log = structlog.get_logger()


class EnvoyLog:
    """Makes one log event of each line; keeps the last lines for the reason of an early end."""

    def __init__(self) -> None:
        self._rest = b""
        self._last: deque[str] = deque(maxlen=KEPT_LINES)

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes, cut anywhere."""
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        for line in lines:
            if line.startswith(b"{"):
                log.info("access", **_entry(line))
                continue
            text = line.decode("utf-8", "replace")[:LONGEST_LINE]
            self._last.append(text)
            if not text.endswith(ORDINARY_END):
                log.warning("envoy", line=text)

    def reason(self) -> str:
        """Return why Envoy ended, in one line; empty if it did not say."""
        return one_line_reason(self._last)


def one_line_reason(lines: Sequence[str]) -> str:
    """Return Envoy's reason for refusing a configuration, without the configuration that it quotes."""
    for line in reversed(lines):
        if "error" in line:
            text = re.sub(r"^.*?error initializing config(uration)? '[^']*':", "", line)
            return " ".join(text.partition("{")[0].split())[:LONGEST_LINE] or "not valid"
    return ""


def _entry(line: bytes) -> dict[str, object]:
    try:
        entry = json.loads(line)
    except ValueError:
        return {"unreadable_bytes": len(line)}
    return {name: entry[name] for name in sorted(entry) if name != "event"}
