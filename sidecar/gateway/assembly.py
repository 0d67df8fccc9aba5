"""Puts Envoy's configuration together from pieces that were rendered beforehand (``pieces.json``).

For every plan it is what ``bootstrap`` builds as typed objects, without Envoy's API, which takes over a
second to load. A text that starts with ``$`` is a slot. One that stands in a list may be filled with many;
what is filled with nothing is left out, as Envoy's API leaves it out.
"""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

from sidecar.gateway import trust
from sidecar.gateway.paths import ProviderPath, paths
from sidecar.gateway.plan import Endpoint, GatewayPlan, Target

PIECES = Path(__file__).with_name("pieces.json")
STREAMS = ("/dev/stdout", "/dev/stderr")

Tree = dict[str, Any]


def assembled(plan: GatewayPlan) -> Tree:
    """Return the configuration as plain values.

    Raises:
        ConfigError: A CA file is missing or not usable.
    """
    pieces: Tree = json.loads(PIECES.read_bytes())
    whole: Tree = _filled(
        pieces["whole"],
        {
            "$admin_socket": str(plan.admin_socket),
            "$host": plan.host,
            "$port": plan.port,
            "$buffer_bytes": plan.buffer_bytes,
            "$message_timeout": duration(plan.message_timeout),
            "$tls": _tls(pieces["tls"], plan),
            "$access_log": _access_log(pieces["access_logs"], plan.access_log),
            "$routes": [_route(pieces["routes"], path) for path in paths(plan)],
            "$providers": [_provider(pieces["providers"], plan.target(name)) for name in plan.targets],
            "$sidecar_discovery": "STRICT_DNS" if plan.workers_have_names else "STATIC",
            "$workers": [_worker(pieces["workers"], endpoint) for endpoint in plan.endpoints],
            "$secrets": _secrets(pieces["secret"], plan),
        },
    )
    return whole


def route_kind(path: ProviderPath) -> str:
    """Return which piece the route is made of."""
    return "provider" if path.target else "not found"


def cluster_kind(target: Target) -> str:
    """Return which piece the provider's cluster is made of."""
    return f"{'https' if target.tls else 'http'} {'address' if target.is_ip else 'name'}"


def _route(kinds: Tree, path: ProviderPath) -> Tree:
    slots: Tree = {"$prefix": path.prefix, "$name": path.name, "$provider_path": path.provider_path}
    if path.target is not None:
        slots |= {"$cluster": path.target.name, "$authority": path.target.authority}
    return dict(_filled(kinds[route_kind(path)], slots))


def _provider(kinds: Tree, target: Target) -> Tree:
    slots = {"$name": target.name, "$host": target.host, "$port": target.port}
    return dict(_filled(kinds[cluster_kind(target)], slots))


def _worker(kinds: Tree, endpoint: Endpoint) -> Tree:
    slots = {"$path": endpoint.path, "$host": endpoint.host, "$port": endpoint.port}
    return dict(_filled(kinds["pipe" if endpoint.path else "socket"], slots))


def _tls(piece: Tree, plan: GatewayPlan) -> Tree | None:
    if plan.tls is None:
        return None
    return dict(_filled(piece, {"$certificate": str(plan.tls.certificate), "$key": str(plan.tls.key)}))


def _access_log(kinds: Tree, path: str | None) -> list[Tree]:
    if path is None:
        return []
    return [_filled(kinds[path if path in STREAMS else "/access"], {"$path": path})]


def _secrets(piece: Tree, plan: GatewayPlan) -> list[Tree]:
    if not any(plan.target(name).tls for name in plan.targets):
        return []
    field, text = trust.source(plan.system_ca, plan.upstream_ca)
    return [_filled(piece, {"$trusted_ca": {field: text}})]


def duration(seconds: float) -> str:
    """Return seconds as Envoy's types spell them: to the microsecond, with at least 3 digits if any."""
    whole, fraction = divmod(timedelta(seconds=seconds) // timedelta(microseconds=1), 1_000_000)
    digits = f"{fraction:06}".rstrip("0")
    return f"{whole}.{digits:0<3}s" if digits else f"{whole}s"


def _filled(piece: Any, slots: Tree) -> Any:  # noqa: ANN401 - JSON
    """Return a copy in which slots are filled; every slot must be known."""
    if isinstance(piece, dict):
        filled = {key: _filled(each, slots) for key, each in piece.items()}
        return {key: each for key, each in filled.items() if each is not None and each != []}
    if isinstance(piece, list):
        items: list[Any] = []
        for each in piece:
            one = _filled(each, slots)
            items += one if isinstance(one, list) else [one]
        return items
    return slots[piece] if isinstance(piece, str) and piece.startswith("$") else piece
