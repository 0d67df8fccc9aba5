"""Which path leads to which provider, and under which path it arrives there, as plain values."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sidecar.gateway.plan import GatewayPlan, Target

# Where a provider keeps its OpenAI-compatible endpoint: what `/v1/` turns into.
OPENAI_COMPATIBLE = {
    "openai": "/v1/",
    "local": "/v1/",
    "anthropic": "/v1/",
    "gemini": "/v1beta/openai/",
}
# Prefix on the listener -> (route's name, NAME, prefix at the provider). The first match wins.
FIXED_PREFIXES = (
    ("/v1/proxy/openai/", "proxy-openai", "openai", "/v1/"),
    ("/v1/proxy/anthropic/", "proxy-anthropic", "anthropic", "/v1/"),
    ("/v1/proxy", "", "", ""),  # nobody's: must not fall through to the default target
    ("/v1/messages", "messages", "anthropic", "/v1/messages"),
)


@dataclass(frozen=True, slots=True)
class ProviderPath:
    """All requests whose path starts with ``prefix``.

    ``name``: of the route; ``target``: the provider, None if it is not listed; ``provider_path``: what
    replaces the prefix there.
    """

    prefix: str
    name: str
    target: Target | None
    provider_path: str


def paths(plan: GatewayPlan) -> Iterator[ProviderPath]:
    """Yield all paths that are or could be a provider's; the first match wins."""
    for prefix, name, target_name, provider_prefix in _prefixes(plan):
        if target_name in plan.targets:
            target = plan.target(target_name)
            yield ProviderPath(prefix, name, target, target.base + provider_prefix)
        else:
            yield ProviderPath(prefix, name, None, "")


def _prefixes(plan: GatewayPlan) -> Iterator[tuple[str, str, str, str]]:
    yield from FIXED_PREFIXES
    yield "/v1/", "default", plan.default_target, OPENAI_COMPATIBLE[plan.default_target]
    for name in plan.targets:
        yield f"/{name}/", name, name, "/"
