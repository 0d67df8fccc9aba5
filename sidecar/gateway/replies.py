"""What a client reads when Envoy itself ends an exchange: the provider's error shape, nothing internal.

Envoy's own texts name sockets, addresses and TLS failures; each is replaced by a fixed one.
"""

from __future__ import annotations

from envoy_data_plane.envoy.config.accesslog.v3 import AccessLogFilter, ExtensionFilter
from envoy_data_plane.envoy.config.core.v3 import DataSource, SubstitutionFormatString
from envoy_data_plane.envoy.extensions.access_loggers.filters.cel.v3 import ExpressionFilter
from envoy_data_plane.envoy.extensions.filters.network.http_connection_manager.v3 import (
    LocalReplyConfig,
    ResponseMapper,
)
from envoy_data_plane.google.protobuf import Any

from sidecar.policy import ErrorShape, refusal

CEL_FILTER = "envoy.access_loggers.extension_filters.cel"
# Refused by the guard: the sidecar closed the stream without an answer, which is our fault.
GUARDED = "response.code_details.startsWith('rbac_access_denied')"
# What the sidecar answers by itself carries its own body and type.
OWN = "'content-type' in response.headers && response.headers['content-type'].startsWith('application/json')"
TEXTS = {
    400: "the request is malformed",
    403: "the request is not allowed: protocol upgrades and tunnels cannot be inspected",
    404: "no such route",
    408: "the request took too long to arrive",
    413: "the request body is too large",
    426: "HTTP/1.0 is not supported",
    431: "the request headers are too large",
    500: "the exchange could not be completed",
    502: "the provider's answer is not usable",
    503: "the sidecar or the provider is not available",
    504: "the sidecar or the provider took too long",
}
# Which API the client speaks, by route and path; the path may be the client's or the provider's.
SHAPES = {
    ErrorShape.ANTHROPIC: (
        "xds.route_name in ['anthropic', 'proxy-anthropic', 'messages']"
        " && !request.path.contains('/chat/completions')"
    ),
    ErrorShape.GOOGLE: "xds.route_name == 'gemini' && !request.path.contains('/openai/')",
    ErrorShape.OPENAI: "true",
}


def local_replies() -> LocalReplyConfig:
    """Return the texts of all answers that Envoy gives by itself, by shape and status."""
    mappers = [_untouched(OWN)]
    for shape, condition in SHAPES.items():
        mappers.append(_mapper(f"{condition} && {GUARDED}", 503, shape))
        mappers += [_mapper(f"{condition} && response.code == {status}", status, shape) for status in TEXTS]
        mappers.append(_other(condition, shape))
    return LocalReplyConfig(mappers=mappers)


def _untouched(condition: str) -> ResponseMapper:
    return ResponseMapper(filter=_when(condition))


def _mapper(condition: str, status: int, shape: ErrorShape) -> ResponseMapper:
    text = refusal(status, TEXTS[status], shape).body.decode()
    return ResponseMapper(
        filter=_when(condition), status_code=status, body_format_override=_json(text.replace("%", "%%"))
    )


def _other(condition: str, shape: ErrorShape) -> ResponseMapper:
    text = refusal(0, TEXTS[500], shape).body.decode().replace('"code": 0', '"code": %RESPONSE_CODE%')
    return ResponseMapper(filter=_when(condition), body_format_override=_json(text))


def _json(text: str) -> SubstitutionFormatString:
    source = DataSource(inline_string=text)
    return SubstitutionFormatString(text_format_source=source, content_type="application/json")


def _when(condition: str) -> AccessLogFilter:
    cel = ExtensionFilter(name=CEL_FILTER, typed_config=Any.pack(ExpressionFilter(expression=condition)))
    return AccessLogFilter(extension_filter=cel)
