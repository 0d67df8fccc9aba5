"""Envoy's whole configuration, built as typed objects of its own API and written as YAML.

Loading Envoy's API and building with it takes over a second. A gateway that starts puts the same together
from pieces (``assembly``); a change here needs them rendered anew (``pieces``).
"""

from __future__ import annotations

from typing import Any

import yaml
from betterproto2 import Casing
from envoy_data_plane.envoy.config.bootstrap.v3 import Admin, Bootstrap, BootstrapStaticResources
from envoy_data_plane.envoy.config.core.v3 import Address, Pipe
from envoy_data_plane.envoy.config.overload.v3 import OverloadManager, ResourceMonitor
from envoy_data_plane.envoy.extensions.resource_monitors.downstream_connections.v3 import (
    DownstreamConnectionsConfig,
)
from envoy_data_plane.google.protobuf import Any as Packed

from sidecar.gateway.clusters import clusters, secrets
from sidecar.gateway.listener import listener
from sidecar.gateway.names import EXT_PROC
from sidecar.gateway.plan import GatewayPlan

CONNECTIONS_MONITOR = "envoy.resource_monitors.global_downstream_max_connections"
MOST_CONNECTIONS = 50_000


def to_dict(plan: GatewayPlan) -> dict[str, Any]:
    """Return the configuration as plain values, in the spelling of Envoy's own documentation.

    Raises:
        ConfigError: A CA file is missing or not usable.
    """
    config: dict[str, Any] = bootstrap(plan).to_dict(casing=Casing.SNAKE)
    for item in config["static_resources"]["listeners"][0]["filter_chains"][0]["filters"]:
        for http_filter in item["typed_config"]["http_filters"]:
            if http_filter["name"] == EXT_PROC:
                # It is the default, which the types leave out; a reader should not have to know that.
                http_filter["typed_config"]["failure_mode_allow"] = False
    return config


def to_yaml(plan: GatewayPlan) -> str:
    """Return the configuration as YAML.

    Raises:
        ConfigError: A CA file is missing or not usable.
    """
    return yaml.safe_dump(to_dict(plan), sort_keys=False, width=110)


def bootstrap(plan: GatewayPlan) -> Bootstrap:
    """Return the configuration as typed objects."""
    return Bootstrap(
        admin=Admin(address=Address(pipe=Pipe(path=str(plan.admin_socket), mode=0o600))),
        overload_manager=_overload(),
        static_resources=BootstrapStaticResources(
            listeners=[listener(plan)], clusters=clusters(plan), secrets=secrets(plan)
        ),
    )


def _overload() -> OverloadManager:
    limit = DownstreamConnectionsConfig(max_active_downstream_connections=MOST_CONNECTIONS)
    monitor = ResourceMonitor(name=CONNECTIONS_MONITOR, typed_config=Packed.pack(limit))
    return OverloadManager(resource_monitors=[monitor])
