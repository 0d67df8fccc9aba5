"""The listener: how requests come in and which filters they pass, in which order.

The order is the fail-closed guarantee: forged stamps are stripped first, the sidecar looks at the
request, the guard refuses what the sidecar did not stamp, and only then the router may connect.
"""

from __future__ import annotations

from datetime import timedelta
from importlib.resources import files

from envoy_data_plane.envoy.config.accesslog.v3 import AccessLog
from envoy_data_plane.envoy.config.common.mutation_rules.v3 import (
    HeaderMutation as Mutation,
)
from envoy_data_plane.envoy.config.common.mutation_rules.v3 import (
    HeaderMutationRemoveOnMatch,
)
from envoy_data_plane.envoy.config.core.v3 import (
    Address,
    DataSource,
    GrpcService,
    GrpcServiceEnvoyGrpc,
    SocketAddress,
    SubstitutionFormatString,
    TransportSocket,
)
from envoy_data_plane.envoy.config.listener.v3 import Filter, FilterChain, Listener
from envoy_data_plane.envoy.config.rbac.v3 import Permission, Policy, Principal, Rbac, RbacAction
from envoy_data_plane.envoy.config.route.v3 import HeaderMatcher
from envoy_data_plane.envoy.extensions.access_loggers.file.v3 import FileAccessLog
from envoy_data_plane.envoy.extensions.access_loggers.stream.v3 import StderrAccessLog, StdoutAccessLog
from envoy_data_plane.envoy.extensions.filters.http.ext_proc.v3 import (
    ExternalProcessor,
    ExternalProcessorRouteCacheAction,
    MetadataOptions,
    MetadataOptionsMetadataNamespaces,
    ProcessingMode,
    ProcessingModeBodySendMode,
    ProcessingModeHeaderSendMode,
)
from envoy_data_plane.envoy.extensions.filters.http.grpc_json_transcoder.v3 import (
    GrpcJsonTranscoder,
    GrpcJsonTranscoderPrintOptions,
)
from envoy_data_plane.envoy.extensions.filters.http.header_mutation.v3 import HeaderMutation, Mutations
from envoy_data_plane.envoy.extensions.filters.http.rbac.v3 import Rbac as RbacFilter
from envoy_data_plane.envoy.extensions.filters.http.router.v3 import Router
from envoy_data_plane.envoy.extensions.filters.network.http_connection_manager.v3 import (
    HttpConnectionManager,
    HttpConnectionManagerPathWithEscapedSlashesAction,
    HttpConnectionManagerServerHeaderTransformation,
    HttpFilter,
)
from envoy_data_plane.envoy.extensions.transport_sockets.tls.v3 import (
    CommonTlsContext,
    DownstreamTlsContext,
    TlsCertificate,
    TlsParameters,
    TlsParametersTlsProtocol,
)
from envoy_data_plane.envoy.type.matcher.v3 import RegexMatcher, StringMatcher
from envoy_data_plane.envoy.type.v3 import HttpStatus, StatusCode
from envoy_data_plane.google.protobuf import Any, Struct, Value

from sidecar.gateway.clusters import TLS_SOCKET
from sidecar.gateway.names import EXT_PROC, GUARD, ROUTER, SIDECAR_CLUSTER, STRIP, TRANSCODER
from sidecar.gateway.plan import GatewayPlan, ListenerTls
from sidecar.gateway.replies import local_replies
from sidecar.gateway.routes import route_table
from sidecar.policy import STAMP

MASKING_SERVICE = "pii_sidecar.v1.Masking"
# The last resort against a peer that says nothing more; a model may think for minutes before it answers.
IDLE_SECONDS = 900.0
# A path or query may hold an original: neither is logged, only the name of the route.
ACCESS_LOG = {
    "time": "%START_TIME%",
    "method": "%REQ(:METHOD)%",
    "route": "%ROUTE_NAME%",
    "status": "%RESPONSE_CODE%",
    "flags": "%RESPONSE_FLAGS%",
    "details": "%RESPONSE_CODE_DETAILS%",
    "duration_ms": "%DURATION%",
    "first_byte_ms": "%RESPONSE_DURATION%",
    "bytes_in": "%BYTES_RECEIVED%",
    "bytes_out": "%BYTES_SENT%",
    "sidecar_us": "%FILTER_STATE(envoy.filters.http.ext_proc:PLAIN)%",
    "pii": "%DYNAMIC_METADATA(envoy.filters.http.ext_proc)%",
}


def listener(plan: GatewayPlan) -> Listener:
    """Return the one listener."""
    manager = Filter(
        name="envoy.filters.network.http_connection_manager", typed_config=Any.pack(_manager(plan))
    )
    chain = FilterChain(filters=[manager], transport_socket=_tls(plan.tls) if plan.tls else None)
    return Listener(
        name="gateway",
        address=Address(socket_address=SocketAddress(address=plan.host, port_value=plan.port)),
        # With SO_REUSEPORT a second instance on the same port would silently take half of the requests.
        enable_reuse_port=False,
        per_connection_buffer_limit_bytes=plan.buffer_bytes,
        filter_chains=[chain],
    )


def _manager(plan: GatewayPlan) -> HttpConnectionManager:
    # No upgrade_configs: an upgraded connection could not be inspected.
    return HttpConnectionManager(
        stat_prefix="gateway",
        route_config=route_table(plan, STAMP[0]),
        http_filters=[_strip(), _transcoder(), _ext_proc(plan), _guard(), _router()],
        normalize_path=True,
        merge_slashes=True,
        path_with_escaped_slashes_action=(
            HttpConnectionManagerPathWithEscapedSlashesAction.UNESCAPE_AND_FORWARD
        ),
        generate_request_id=False,
        use_remote_address=False,
        skip_xff_append=True,
        server_header_transformation=HttpConnectionManagerServerHeaderTransformation.PASS_THROUGH,
        stream_idle_timeout=timedelta(seconds=IDLE_SECONDS),
        request_headers_timeout=timedelta(seconds=30),
        local_reply_config=local_replies(),
        access_log=_access_log(plan.access_log) if plan.access_log else [],
    )


def _strip() -> HttpFilter:
    """Strip what only we may say, and what would let a client steer Envoy itself."""
    envoy = HeaderMutationRemoveOnMatch(key_matcher=StringMatcher(prefix="x-envoy-"))
    everything = HeaderMutationRemoveOnMatch(key_matcher=StringMatcher(safe_regex=RegexMatcher(regex=".*")))
    mutations = Mutations(
        request_mutations=[Mutation(remove=STAMP[0]), Mutation(remove_on_match=envoy)],
        # No provider needs request trailers, and the stamp comes before they would have been looked at.
        request_trailers_mutations=[Mutation(remove_on_match=everything)],
    )
    return HttpFilter(name=STRIP, typed_config=Any.pack(HeaderMutation(mutations=mutations)))


def _transcoder() -> HttpFilter:
    config = GrpcJsonTranscoder(
        proto_descriptor_bin=files("sidecar.extproc.pb").joinpath("masking.pb").read_bytes(),
        services=[MASKING_SERVICE],
        match_incoming_request_route=True,
        ignore_unknown_query_parameters=True,
        convert_grpc_status=True,
        print_options=GrpcJsonTranscoderPrintOptions(always_print_primitive_fields=True),
    )
    return HttpFilter(name=TRANSCODER, typed_config=Any.pack(config))


def _ext_proc(plan: GatewayPlan) -> HttpFilter:
    send, skip = ProcessingModeHeaderSendMode.SEND, ProcessingModeHeaderSendMode.SKIP
    config = ExternalProcessor(
        grpc_service=GrpcService(envoy_grpc=GrpcServiceEnvoyGrpc(cluster_name=SIDECAR_CLUSTER)),
        failure_mode_allow=False,
        allow_mode_override=True,
        route_cache_action=ExternalProcessorRouteCacheAction.RETAIN,
        message_timeout=timedelta(seconds=plan.message_timeout),
        status_on_error=HttpStatus(code=StatusCode.ServiceUnavailable),
        processing_mode=ProcessingMode(
            request_header_mode=send,
            request_body_mode=ProcessingModeBodySendMode.BUFFERED,
            request_trailer_mode=send,
            response_header_mode=send,
            response_body_mode=ProcessingModeBodySendMode.NONE,
            response_trailer_mode=skip,
        ),
        metadata_options=MetadataOptions(
            receiving_namespaces=MetadataOptionsMetadataNamespaces(untyped=[EXT_PROC])
        ),
    )
    return HttpFilter(name=EXT_PROC, typed_config=Any.pack(config), disabled=True)


def _guard() -> HttpFilter:
    name, text = STAMP
    stamped = Principal(header=HeaderMatcher(name=name, string_match=StringMatcher(exact=text)))
    policy = Policy(permissions=[Permission(any=True)], principals=[stamped])
    rules = Rbac(action=RbacAction.ALLOW, policies={"stamped": policy})
    return HttpFilter(name=GUARD, typed_config=Any.pack(RbacFilter(rules=rules)))


def _router() -> HttpFilter:
    return HttpFilter(name=ROUTER, typed_config=Any.pack(Router(suppress_envoy_headers=True)))


def _access_log(path: str) -> list[AccessLog]:
    fields = {name: Value(string_value=command) for name, command in ACCESS_LOG.items()}
    log_format = SubstitutionFormatString(json_format=Struct(fields=fields))
    match path:
        case "/dev/stdout":
            config = Any.pack(StdoutAccessLog(log_format=log_format))
        case "/dev/stderr":
            config = Any.pack(StderrAccessLog(log_format=log_format))
        case _:
            config = Any.pack(FileAccessLog(path=path, log_format=log_format))
    return [AccessLog(name="access", typed_config=config)]


def _tls(files: ListenerTls) -> TransportSocket:
    context = DownstreamTlsContext(
        common_tls_context=CommonTlsContext(
            tls_params=TlsParameters(tls_minimum_protocol_version=TlsParametersTlsProtocol.TLSv1_2),
            alpn_protocols=["h2", "http/1.1"],
            tls_certificates=[
                TlsCertificate(
                    certificate_chain=DataSource(filename=str(files.certificate)),
                    private_key=DataSource(filename=str(files.key)),
                )
            ],
        )
    )
    return TransportSocket(name=TLS_SOCKET, typed_config=Any.pack(context))
