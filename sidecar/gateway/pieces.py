"""Renders the pieces of Envoy's configuration: ``python -m sidecar.gateway.pieces > pieces.json``.

Envoy's API takes over a second to load and to build with, each time the gateway starts. So it builds one
configuration of every kind beforehand; what depends on the plan becomes a slot (``"$port"``), which
``assembly`` fills at start. A test holds the file equal to what this module renders.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from sidecar.gateway.assembly import cluster_kind, route_kind
from sidecar.gateway.bootstrap import to_dict
from sidecar.gateway.paths import paths
from sidecar.gateway.plan import GatewayPlan, ListenerTls

Tree = dict[str, Any]
Slots = dict[str | int, str]

# Every value stands for one slot and occurs nowhere else.
MARKED = GatewayPlan(
    targets={
        "openai": "https://provider.example:1111/base",
        "anthropic": "https://192.0.2.1:1111/base",
        "gemini": "http://provider.example:1111/base",
        "local": "http://192.0.2.1:1111/base",
    },
    default_target="openai",
    sidecars=("worker.example:2222", "unix:/worker"),
    admin_socket=Path("/admin"),
    host="listener.example",
    port=3333,
    body_limit=4444,
    message_timeout=5555.0,
    tls=ListenerTls(Path("/certificate"), Path("/key")),
    access_log="/access",
    system_ca=Path("/ca"),
)
LISTENER_SLOTS: Slots = {
    "/admin": "$admin_socket",
    "listener.example": "$host",
    3333: "$port",
    MARKED.buffer_bytes: "$buffer_bytes",
    "5555s": "$message_timeout",
}
TLS_SLOTS: Slots = {"/certificate": "$certificate", "/key": "$key"}
WORKER_SLOTS: Slots = {"worker.example": "$host", 2222: "$port", "/worker": "$path"}
PROVIDER_SLOTS: Slots = {"provider.example": "$host", "192.0.2.1": "$host", 1111: "$port"}


def pieces() -> Tree:
    """Return the pieces by kind; ``whole`` is what all others belong into."""
    whole = _slotted(to_dict(MARKED), LISTENER_SLOTS)
    static = whole["static_resources"]
    [chain] = static["listeners"][0]["filter_chains"]
    manager = chain["filters"][0]["typed_config"]
    [host] = manager["route_config"]["virtual_hosts"]
    manager["access_log"] = "$access_log"
    *providers, sidecar = static["clusters"]
    static["clusters"] = ["$providers", sidecar]
    [locality] = sidecar["load_assignment"]["endpoints"]
    workers = _slotted(_cut(locality, "lb_endpoints", "$workers"), WORKER_SLOTS)
    sidecar["type"] = "$sidecar_discovery"
    [secret] = _cut(static, "secrets", "$secrets")
    secret["validation_context"]["trusted_ca"] = "$trusted_ca"
    return {
        "routes": _routes(host),
        "tls": _slotted(_cut(chain, "transport_socket", "$tls"), TLS_SLOTS),
        "secret": secret,
        "workers": dict(zip(("socket", "pipe"), workers, strict=True)),
        "providers": {
            cluster_kind(MARKED.target(each["name"])): _slotted(
                each, {**PROVIDER_SLOTS, each["name"]: "$name"}
            )
            for each in providers
        },
        "access_logs": {name: _access_log(name) for name in ("/access", "/dev/stdout", "/dev/stderr")},
        "whole": whole,
    }


def rendered() -> str:
    """Return the text of the file."""
    return json.dumps(pieces(), indent=1) + "\n"


def _routes(host: Tree) -> Tree:
    """Take the routes that depend on the plan out of the table; return one of each kind."""
    listed = list(paths(MARKED))
    (first,) = (index for index, route in enumerate(host["routes"]) if route["name"] == listed[0].name)
    own = host["routes"][first : first + len(listed)]
    host["routes"][first : first + len(listed)] = ["$routes"]
    kinds: Tree = {}
    for path, route in zip(listed, own, strict=True):
        slots: Slots = {path.prefix: "$prefix"}
        if path.target is not None:
            slots |= {path.name: "$name", path.target.name: "$cluster"}
            slots |= {path.provider_path: "$provider_path", path.target.authority: "$authority"}
        kinds.setdefault(route_kind(path), _slotted(route, slots))
    return kinds


def _access_log(path: str) -> Tree:
    config = to_dict(replace(MARKED, access_log=path))
    [chain] = config["static_resources"]["listeners"][0]["filter_chains"]
    [log] = _slotted(chain["filters"][0]["typed_config"]["access_log"], {"/access": "$path"})
    return dict(log)


def _cut(tree: Tree, key: str, slot: str) -> Any:  # noqa: ANN401 - JSON
    piece, tree[key] = tree[key], slot
    return piece


def _slotted(tree: Any, slots: Slots) -> Any:  # noqa: ANN401 - JSON
    """Return a copy in which values are replaced by slots."""
    if isinstance(tree, dict):
        return {key: _slotted(each, slots) for key, each in tree.items()}
    if isinstance(tree, list):
        return [_slotted(each, slots) for each in tree]
    return tree if isinstance(tree, bool) else slots.get(tree, tree)


def main() -> None:
    """Write the file to stdout."""
    sys.stdout.write(rendered())


if __name__ == "__main__":
    main()
