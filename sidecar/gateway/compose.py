"""Envoy for ``docker-compose.yml``: ``python -m sidecar.gateway.compose > envoy/envoy.yaml``."""

from __future__ import annotations

import sys
from pathlib import Path

from sidecar.gateway.plan import GatewayPlan
from sidecar.settings import REAL_UPSTREAMS

COMPOSE_PLAN = GatewayPlan(
    targets=REAL_UPSTREAMS | {"local": "http://host.docker.internal:11434"},
    default_target="openai",
    sidecars=("unix:/run/pii-sidecar/worker-0.sock",),
    admin_socket=Path("/run/pii-sidecar/admin.sock"),
    host="0.0.0.0",
    port=8080,
    access_log="/dev/stdout",
    system_ca=Path("/etc/ssl/certs/ca-certificates.crt"),  # where the Envoy image keeps it
)
HEADER = """\
# Envoy in front of the sidecar, for docker-compose.yml; made by `python -m sidecar.gateway.compose`.
# Do not edit: a test holds this file equal to what sidecar/gateway/bootstrap.py builds.
#
# What makes it fail closed, all of it needed: failure_mode_allow is off; the stamp header is stripped
# from clients; the guard behind ext_proc refuses whatever the sidecar has not stamped; no upgrades.
"""


def main() -> None:
    """Write the file to stdout."""
    from sidecar.gateway.bootstrap import to_yaml  # noqa: PLC0415 - takes most of a second to load

    sys.stdout.write(HEADER + to_yaml(COMPOSE_PLAN))


if __name__ == "__main__":
    main()
