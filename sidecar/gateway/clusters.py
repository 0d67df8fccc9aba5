"""Where Envoy connects to: the providers, over verified TLS, and the sidecar's workers.

A worker that is dead or frozen gets no exchange, and an exchange that it holds ends within seconds:
health checks take it out, HTTP/2 keepalive breaks its connections, and with no worker left nothing is
routed at all (panic threshold 0).
"""

from __future__ import annotations

from datetime import timedelta

from envoy_data_plane.envoy.config.cluster.v3 import (
    CircuitBreakers,
    CircuitBreakersThresholds,
    Cluster,
    ClusterCommonLbConfig,
    ClusterDiscoveryType,
    ClusterDnsLookupFamily,
    ClusterLbPolicy,
    UpstreamConnectionOptions,
)
from envoy_data_plane.envoy.config.core.v3 import (
    Address,
    DataSource,
    HealthCheck,
    HealthCheckGrpcHealthCheck,
    Http1ProtocolOptions,
    Http2ProtocolOptions,
    KeepaliveSettings,
    Pipe,
    SocketAddress,
    TcpKeepalive,
    TransportSocket,
)
from envoy_data_plane.envoy.config.endpoint.v3 import (
    ClusterLoadAssignment,
    Endpoint,
    LbEndpoint,
    LocalityLbEndpoints,
)
from envoy_data_plane.envoy.extensions.transport_sockets.tls.v3 import (
    CertificateValidationContext,
    CommonTlsContext,
    CommonTlsContextCombinedCertificateValidationContext,
    SdsSecretConfig,
    Secret,
    SubjectAltNameMatcher,
    SubjectAltNameMatcherSanType,
    TlsParameters,
    TlsParametersTlsProtocol,
    UpstreamTlsContext,
)
from envoy_data_plane.envoy.extensions.upstreams.http.v3 import (
    HttpProtocolOptions,
    HttpProtocolOptionsAutoHttpConfig,
    HttpProtocolOptionsExplicitHttpConfig,
)
from envoy_data_plane.envoy.type.matcher.v3 import StringMatcher
from envoy_data_plane.envoy.type.v3 import Percent
from envoy_data_plane.google.protobuf import Any

from sidecar.gateway import trust
from sidecar.gateway.names import PROVIDER_TRUST, SIDECAR_CLUSTER
from sidecar.gateway.plan import Endpoint as WorkerEndpoint
from sidecar.gateway.plan import GatewayPlan, Target

HTTP_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
TLS_SOCKET = "envoy.transport_sockets.tls"
# The worker's gRPC server must allow pings this often (see its keepalive options).
KEEPALIVE = KeepaliveSettings(
    interval=timedelta(seconds=1),
    timeout=timedelta(seconds=1),
    connection_idle_interval=timedelta(seconds=1),
)
CHECK_INTERVAL = timedelta(milliseconds=500)
RECOVERY_INTERVAL = timedelta(milliseconds=250)
START_INTERVAL = timedelta(milliseconds=100)  # Envoy may be there before the workers are


def clusters(plan: GatewayPlan) -> list[Cluster]:
    """Return one cluster for each listed provider and one for the sidecar."""
    return [*(_provider(plan.target(name)) for name in plan.targets), _sidecar(plan)]


def secrets(plan: GatewayPlan) -> list[Secret]:
    """Return what providers' certificates are verified against; empty if none is reached over TLS.

    Raises:
        ConfigError: The system's or the private CA file is not usable.
    """
    if not any(plan.target(name).tls for name in plan.targets):
        return []
    source = DataSource()
    setattr(source, *trust.source(plan.system_ca, plan.upstream_ca))
    context = CertificateValidationContext(trusted_ca=source)
    return [Secret(name=PROVIDER_TRUST, validation_context=context)]


def _provider(target: Target) -> Cluster:
    http = HttpProtocolOptions(
        auto_config=HttpProtocolOptionsAutoHttpConfig(
            http_protocol_options=Http1ProtocolOptions(), http2_protocol_options=Http2ProtocolOptions()
        )
        if target.tls
        else None,
        explicit_http_config=None
        if target.tls
        else HttpProtocolOptionsExplicitHttpConfig(http_protocol_options=Http1ProtocolOptions()),
    )
    return Cluster(
        name=target.name,
        type=ClusterDiscoveryType.STATIC if target.is_ip else ClusterDiscoveryType.LOGICAL_DNS,
        # Both families, raced: a host without working IPv6 still gets through.
        dns_lookup_family=ClusterDnsLookupFamily.ALL,
        # A name server that does not answer must not hold up the other providers or /health.
        wait_for_warm_on_init=False,
        connect_timeout=timedelta(seconds=10),
        circuit_breakers=_breakers(),
        upstream_connection_options=UpstreamConnectionOptions(tcp_keepalive=TcpKeepalive()),
        typed_extension_protocol_options={HTTP_OPTIONS: Any.pack(http)},
        transport_socket=_tls(target) if target.tls else None,
        load_assignment=_assignment(target.name, [_socket(target.host, target.port)]),
    )


def _tls(target: Target) -> TransportSocket:
    kind = SubjectAltNameMatcherSanType.IP_ADDRESS if target.is_ip else SubjectAltNameMatcherSanType.DNS
    name = SubjectAltNameMatcher(san_type=kind, matcher=StringMatcher(exact=target.host))
    context = UpstreamTlsContext(
        sni="" if target.is_ip else target.host,
        common_tls_context=CommonTlsContext(
            tls_params=TlsParameters(tls_minimum_protocol_version=TlsParametersTlsProtocol.TLSv1_2),
            combined_validation_context=CommonTlsContextCombinedCertificateValidationContext(
                default_validation_context=CertificateValidationContext(match_typed_subject_alt_names=[name]),
                validation_context_sds_secret_config=SdsSecretConfig(name=PROVIDER_TRUST),
            ),
        ),
    )
    return TransportSocket(name=TLS_SOCKET, typed_config=Any.pack(context))


def _sidecar(plan: GatewayPlan) -> Cluster:
    http = HttpProtocolOptions(
        explicit_http_config=HttpProtocolOptionsExplicitHttpConfig(
            http2_protocol_options=Http2ProtocolOptions(connection_keepalive=KEEPALIVE)
        )
    )
    return Cluster(
        name=SIDECAR_CLUSTER,
        type=ClusterDiscoveryType.STRICT_DNS if plan.workers_have_names else ClusterDiscoveryType.STATIC,
        connect_timeout=timedelta(milliseconds=500),
        lb_policy=ClusterLbPolicy.ROUND_ROBIN,
        common_lb_config=ClusterCommonLbConfig(healthy_panic_threshold=Percent(value=0.0)),
        circuit_breakers=_breakers(),
        health_checks=[_health_check()],
        typed_extension_protocol_options={HTTP_OPTIONS: Any.pack(http)},
        load_assignment=_assignment(SIDECAR_CLUSTER, [_worker(endpoint) for endpoint in plan.endpoints]),
    )


def _health_check() -> HealthCheck:
    # The intervals without traffic default to a minute; a worker that comes back must be seen at once.
    # No outlier detection beside it: a client's odd request could then take workers out.
    return HealthCheck(
        timeout=timedelta(seconds=1),
        interval=CHECK_INTERVAL,
        no_traffic_interval=START_INTERVAL,
        no_traffic_healthy_interval=CHECK_INTERVAL,
        unhealthy_interval=RECOVERY_INTERVAL,
        unhealthy_edge_interval=RECOVERY_INTERVAL,
        unhealthy_threshold=2,
        healthy_threshold=1,
        grpc_health_check=HealthCheckGrpcHealthCheck(),
    )


def _breakers() -> CircuitBreakers:
    most = 100_000
    thresholds = CircuitBreakersThresholds(
        max_connections=most, max_pending_requests=most, max_requests=most, max_retries=most
    )
    return CircuitBreakers(thresholds=[thresholds])


def _assignment(name: str, addresses: list[Address]) -> ClusterLoadAssignment:
    endpoints = [LbEndpoint(endpoint=Endpoint(address=address)) for address in addresses]
    return ClusterLoadAssignment(cluster_name=name, endpoints=[LocalityLbEndpoints(lb_endpoints=endpoints)])


def _worker(endpoint: WorkerEndpoint) -> Address:
    if endpoint.path:
        return Address(pipe=Pipe(path=endpoint.path))
    return _socket(endpoint.host, endpoint.port)


def _socket(host: str, port: int) -> Address:
    return Address(socket_address=SocketAddress(address=host, port_value=port))
