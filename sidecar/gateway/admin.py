"""Asks a running Envoy through its admin socket; every answer is bounded in time."""

from __future__ import annotations

import http.client
import json
import socket
from pathlib import Path
from typing import Any

TIMEOUT_SECONDS = 0.5


class AdminError(Exception):
    """Envoy did not answer (yet, or any more)."""


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("admin", timeout=TIMEOUT_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


class Admin:
    """The admin interface of one Envoy."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def is_live(self) -> bool:
        """Tell whether Envoy has finished its start."""
        try:
            return self._ask("GET", "/ready").strip() == b"LIVE"
        except AdminError:
            return False

    def listener_port(self) -> int:
        """Return the port that the listener is bound to; 0 if it is not."""
        statuses = self._json("/listeners?format=json").get("listener_statuses", [])
        ports = [status["local_address"]["socket_address"]["port_value"] for status in statuses]
        return int(ports[0]) if ports else 0

    def healthy_hosts(self) -> dict[str, list[bool]]:
        """Return, for each cluster, whether each of its known hosts gets requests."""
        clusters = self._json("/clusters?format=json").get("cluster_statuses", [])
        return {
            cluster["name"]: [_is_healthy(host) for host in cluster.get("host_statuses", [])]
            for cluster in clusters
        }

    def stop_listening(self) -> None:
        """Take no new connections; end each open one after its current answer."""
        self._ask("POST", "/healthcheck/fail")
        self._ask("POST", "/drain_listeners")

    def active_requests(self) -> int:
        """Return how many exchanges are under way."""
        text = self._ask("GET", "/stats?filter=^http.gateway.downstream_rq_active$").decode()
        return int(text.rpartition(":")[2] or 0)

    def _json(self, path: str) -> dict[str, Any]:
        parsed: dict[str, Any] = json.loads(self._ask("GET", path))
        return parsed

    def _ask(self, method: str, path: str) -> bytes:
        connection = _UnixConnection(self._path)
        try:
            connection.request(method, path)
            return connection.getresponse().read()
        except (OSError, http.client.HTTPException) as exc:
            raise AdminError(type(exc).__name__) from exc
        finally:
            connection.close()


def _is_healthy(host: dict[str, Any]) -> bool:
    health = host.get("health_status", {})
    failed = {name for name, state in health.items() if name.startswith("failed_") and state}
    return not failed and health.get("eds_health_status") == "HEALTHY"
