"""The route table as Envoy reads it.

A route that reaches a provider never switches a filter off; only routes that end at the sidecar itself
or here in Envoy do. So there is no way to a provider around ext_proc and the guard behind it.
"""

from __future__ import annotations

from datetime import timedelta

from envoy_data_plane.envoy.config.common.mutation_rules.v3 import HeaderMutation as Mutation
from envoy_data_plane.envoy.config.core.v3 import DataSource
from envoy_data_plane.envoy.config.route.v3 import (
    DirectResponseAction,
    HeaderMatcher,
    Route,
    RouteAction,
    RouteConfiguration,
    RouteMatch,
    RouteMatchConnectMatcher,
    VirtualHost,
)
from envoy_data_plane.envoy.extensions.filters.http.ext_proc.v3 import ExtProcOverrides, ExtProcPerRoute
from envoy_data_plane.envoy.extensions.filters.http.header_mutation.v3 import (
    HeaderMutationPerRoute,
    Mutations,
)
from envoy_data_plane.envoy.extensions.filters.http.rbac.v3 import RbacPerRoute
from envoy_data_plane.envoy.type.matcher.v3 import RegexMatcher, StringMatcher
from envoy_data_plane.google.protobuf import Any

from sidecar.gateway.names import EXT_PROC, GUARD, SIDECAR_CLUSTER, STRIP
from sidecar.gateway.paths import ProviderPath, paths
from sidecar.gateway.plan import GatewayPlan, Target
from sidecar.policy import DOCTOR_PREFIX

NOT_FOUND = "not-found"
DOCTOR = "doctor"
# Envoy adds this one by itself, and a stamp is between the sidecar and the guard alone.
NEVER_SENT = ("x-forwarded-proto",)


def route_table(plan: GatewayPlan, stamp_name: str) -> RouteConfiguration:
    """Return the whole table; everything that is not listed answers 404 without leaving Envoy."""
    routes = [_health(), _profile_mask(), _doctor()]
    for path in paths(plan):
        if path.target is not None:
            routes.append(_to_provider(path, path.target))
        else:
            routes.append(_not_found(path.prefix))
    routes.append(_not_found("/"))
    routes.append(_no_tunnel())
    host = VirtualHost(
        name="all",
        domains=["*"],
        routes=routes,
        request_headers_to_remove=[stamp_name, *NEVER_SENT],
    )
    return RouteConfiguration(name="routes", virtual_hosts=[host])


def _to_provider(path: ProviderPath, target: Target) -> Route:
    return Route(
        name=path.name,
        match=RouteMatch(prefix=path.prefix),
        route=RouteAction(
            cluster=target.name,
            prefix_rewrite=path.provider_path,
            host_rewrite_literal=target.authority,
            timeout=timedelta(0),  # the default of 15 s would cut a stream of tokens
        ),
        typed_per_filter_config={EXT_PROC: Any.pack(ExtProcPerRoute(overrides=ExtProcOverrides()))},
    )


def _health() -> Route:
    return _to_sidecar("health", RouteMatch(path="/health"), "GET")


def _profile_mask() -> Route:
    pattern = RegexMatcher(regex="/api/profile-mask/[^/]+")
    return _to_sidecar("profile-mask", RouteMatch(safe_regex=pattern), "POST")


def _to_sidecar(name: str, match: RouteMatch, method: str) -> Route:
    # The transcoder leaves requests alone that say they are gRPC already; they have no business here.
    grpc = HeaderMatcher(
        name="content-type",
        string_match=StringMatcher(prefix="application/grpc"),
        treat_missing_header_as_empty=True,
        invert_match=True,
    )
    match.headers = [HeaderMatcher(name=":method", string_match=StringMatcher(exact=method)), grpc]
    return Route(
        name=name,
        match=match,
        route=RouteAction(cluster=SIDECAR_CLUSTER, timeout=timedelta(seconds=30)),
        typed_per_filter_config={**_uninspected(), STRIP: Any.pack(_without_grpc_headers())},
    )


def _without_grpc_headers() -> HeaderMutationPerRoute:
    names = ("grpc-status", "grpc-message", "grpc-accept-encoding", "grpc-encoding")
    mutations = Mutations(response_mutations=[Mutation(remove=name) for name in names])
    return HeaderMutationPerRoute(mutations=mutations)


def _not_found(prefix: str) -> Route:
    return Route(
        name=NOT_FOUND,
        match=RouteMatch(prefix=prefix),
        direct_response=DirectResponseAction(status=404, body=DataSource(inline_string="not found")),
        typed_per_filter_config=_uninspected(),
    )


def _doctor() -> Route:
    """Return the route whose requests the sidecar answers itself: it leads nowhere."""
    return Route(
        name=DOCTOR,
        match=RouteMatch(prefix=DOCTOR_PREFIX),
        direct_response=DirectResponseAction(status=404, body=DataSource(inline_string="not found")),
        typed_per_filter_config={EXT_PROC: Any.pack(ExtProcPerRoute(overrides=ExtProcOverrides()))},
    )


def _no_tunnel() -> Route:
    return Route(
        name="tunnel",
        match=RouteMatch(connect_matcher=RouteMatchConnectMatcher()),
        direct_response=DirectResponseAction(status=403),
        typed_per_filter_config=_uninspected(),
    )


def _uninspected() -> dict[str, Any]:
    return {GUARD: Any.pack(RbacPerRoute())}
