"""Turns ext_proc messages into events, and replies into ext_proc messages.

What Envoy says is taken literally or refused: a message that this code does not know, or whose answer
Envoy would not wait for, raises ``StreamBroken``. Header text is Latin-1, so any byte survives.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import assert_never

from google.protobuf.message import DecodeError

from sidecar.errors import StreamBroken
from sidecar.extproc.pb.envoy.config.core.v3.base_pb2 import HeaderMap, HeaderValue, HeaderValueOption
from sidecar.extproc.pb.envoy.extensions.filters.http.ext_proc.v3.processing_mode_pb2 import ProcessingMode
from sidecar.extproc.pb.envoy.service.ext_proc.v3.external_processor_pb2 import (
    BodyMutation,
    CommonResponse,
    HeaderMutation,
    HttpBody,
    ImmediateResponse,
    ProcessingRequest,
    ProcessingResponse,
    ProtocolConfiguration,
    TrailersResponse,
)
from sidecar.model import (
    Body,
    BodyMode,
    BodyModes,
    BodyReply,
    Direction,
    Echo,
    EnvoyReply,
    Event,
    HeaderEdit,
    Headers,
    HeadersReply,
    Refusal,
    RequestHeaders,
    ResponseHeaders,
    StreamedReply,
    Trailers,
    TrailersReply,
)

# %RESPONSE_CODE_DETAILS% of a refusal, which tells it from Envoy's own local replies.
REFUSAL_DETAILS = "pii_sidecar_refusal"
ECHO_DETAILS = "pii_sidecar_echo"

_MODES = {
    ProcessingMode.NONE: BodyMode.NONE,
    ProcessingMode.STREAMED: BodyMode.STREAMED,
    ProcessingMode.BUFFERED: BodyMode.BUFFERED,
    ProcessingMode.BUFFERED_PARTIAL: BodyMode.BUFFERED_PARTIAL,
    ProcessingMode.FULL_DUPLEX_STREAMED: BodyMode.FULL_DUPLEX_STREAMED,
}
_APPEND = HeaderValueOption.APPEND_IF_EXISTS_OR_ADD
_OVERWRITE = HeaderValueOption.OVERWRITE_IF_EXISTS_OR_ADD
_WIRE_MODES = {mode: wire for wire, mode in _MODES.items()}


def decode_first(message: bytes) -> tuple[BodyModes, Event]:
    """Return the body modes in force and the event of a stream's first message.

    Raises:
        StreamBroken: As ``decode``; or a body mode is not one that this code knows.
    """
    request = _parse(message)
    if not request.HasField("protocol_config"):
        return BodyModes(), _event(request)
    return _body_modes(request.protocol_config), _event(request)


def decode(message: bytes) -> Event:
    """Return the event that a message carries.

    Raises:
        StreamBroken: The bytes are no ``ProcessingRequest``, its kind is unknown, or it comes from a
            filter in observability mode, which waits for no answer.
    """
    return _event(_parse(message))


def encode(reply: EnvoyReply, modes: BodyModes) -> bytes:
    """Return the message that a reply becomes.

    Args:
        reply: What Envoy is to do.
        modes: The body modes of the stream's first message.

    Raises:
        ValueError: A refusal's status is not 400..599 (Envoy would make it 200), header text is not
            Latin-1, or ``response_mode`` names no mode.
    """
    response = ProcessingResponse()
    _fill(response, reply, modes)
    return response.SerializeToString()


# --- from Envoy ----------------------------------------------------------------------------------


def _parse(message: bytes) -> ProcessingRequest:
    try:
        request = ProcessingRequest.FromString(message)
    except DecodeError as exc:
        raise StreamBroken("message is not a ProcessingRequest") from exc
    if request.observability_mode:
        raise StreamBroken("observability_mode is on: Envoy would not wait for the answers")
    return request


def _event(request: ProcessingRequest) -> Event:
    match request.WhichOneof("request"):
        case "request_body":
            return _body(Direction.REQUEST, request.request_body)
        case "response_body":
            return _body(Direction.RESPONSE, request.response_body)
        case "request_headers":
            part = request.request_headers
            return RequestHeaders(_headers(part.headers), part.end_of_stream)
        case "response_headers":
            part = request.response_headers
            return ResponseHeaders(_headers(part.headers), part.end_of_stream)
        case "request_trailers":
            return Trailers(Direction.REQUEST, _headers(request.request_trailers.trailers))
        case "response_trailers":
            return Trailers(Direction.RESPONSE, _headers(request.response_trailers.trailers))
        case _:
            raise StreamBroken("message holds no part of an exchange that is known here")


def _body(direction: Direction, part: HttpBody) -> Body:
    return Body(direction, part.body, part.end_of_stream)


def _headers(wire: HeaderMap) -> Headers:
    return Headers(tuple((field.key.lower(), _header_text(field)) for field in wire.headers))


def _header_text(field: HeaderValue) -> str:
    # Envoy sends raw_value unless a runtime flag asks for the older value, which then holds UTF-8.
    return (field.raw_value or field.value.encode()).decode("latin-1")


def _body_modes(config: ProtocolConfiguration) -> BodyModes:
    try:
        return BodyModes(_MODES[config.request_body_mode], _MODES[config.response_body_mode])
    except KeyError as exc:
        numbers = f"{config.request_body_mode} and {config.response_body_mode}"
        raise StreamBroken(f"body modes {numbers}: only NONE to FULL_DUPLEX_STREAMED are known") from exc


# --- to Envoy ------------------------------------------------------------------------------------


# Messages are filled in place: building them from parts copies every part.


def _fill(response: ProcessingResponse, reply: EnvoyReply, modes: BodyModes) -> None:
    match reply:
        case StreamedReply(direction, chunk, end_of_stream):
            streamed = _body_part(response, direction).body_mutation.streamed_response
            streamed.body = chunk
            streamed.end_of_stream = end_of_stream
        case BodyReply(direction, body, edit):
            part = _body_part(response, direction)
            _fill_edit(part, edit)
            if body is not None:
                _fill_body(part.body_mutation, body)
        case HeadersReply(direction, edit, response_mode):
            request = direction is Direction.REQUEST
            part = (response.request_headers if request else response.response_headers).response
            part.SetInParent()
            _fill_edit(part, edit)
            if response_mode is not None:
                response.mode_override.CopyFrom(mode_override(modes.request, response_mode))
        case TrailersReply(direction, remove):
            request = direction is Direction.REQUEST
            trailers = response.request_trailers if request else response.response_trailers
            trailers.SetInParent()
            _fill_edit(trailers, HeaderEdit(remove=remove))
        case Refusal():
            if not 400 <= reply.status <= 599:
                raise ValueError(f"status {reply.status} is no refusal; 400..599 is allowed")
            _fill_immediate(response.immediate_response, reply, REFUSAL_DETAILS)
        case Echo():
            _fill_immediate(response.immediate_response, reply, ECHO_DETAILS)
        case _:
            assert_never(reply)


def _body_part(response: ProcessingResponse, direction: Direction) -> CommonResponse:
    request = direction is Direction.REQUEST
    part = (response.request_body if request else response.response_body).response
    part.SetInParent()
    return part


def _fill_body(mutation: BodyMutation, body: bytes) -> None:
    if body:
        mutation.body = body
    else:
        mutation.clear_body = True


def _fill_edit(part: CommonResponse | TrailersResponse, edit: HeaderEdit) -> None:
    if edit.set:
        _fill_headers(part.header_mutation, edit.set)
    if edit.remove:
        part.header_mutation.remove_headers.extend(edit.remove)


def _fill_headers(mutation: HeaderMutation, fields: Iterable[tuple[str, str]]) -> None:
    seen: set[str] = set()
    for name, text in fields:
        option = mutation.set_headers.add()
        option.header.key = name
        option.header.raw_value = text.encode("latin-1")
        # The first of a name replaces what is there; were the second to do so too, the first were lost.
        option.append_action = _APPEND if name in seen else _OVERWRITE
        option.keep_empty_value = not text
        seen.add(name)


def _fill_immediate(immediate: ImmediateResponse, answer: Refusal | Echo, details: str) -> None:
    immediate.status.code = answer.status  # type: ignore[assignment]  # an open enum: any code is fine
    _fill_headers(immediate.headers, answer.headers)
    immediate.body = answer.body
    immediate.details = details


def mode_override(request: BodyMode, response: BodyMode) -> ProcessingMode:
    """Return the processing mode that changes the response body's mode and nothing else.

    Envoy replaces both body modes at once, so the request's is repeated; one too old to have said it
    is taken to be BUFFERED, as configured. DEFAULT leaves the header and trailer modes as configured,
    but FULL_DUPLEX_STREAMED needs the trailers.

    Raises:
        ValueError: ``response`` is UNKNOWN.
    """
    if response not in _WIRE_MODES:
        raise ValueError(f"{response} cannot be asked for")
    duplex = response is BodyMode.FULL_DUPLEX_STREAMED
    return ProcessingMode(
        request_body_mode=_WIRE_MODES.get(request, ProcessingMode.BUFFERED),
        response_body_mode=_WIRE_MODES[response],
        response_trailer_mode=ProcessingMode.SEND if duplex else ProcessingMode.DEFAULT,
    )


def _streamed_response(reply: StreamedReply) -> ProcessingResponse:
    # Filled in place: built from the inside out, each level would copy what is below it.
    response = ProcessingResponse()
    part = response.request_body if reply.direction is Direction.REQUEST else response.response_body
    streamed = part.response.body_mutation.streamed_response
    streamed.body = reply.chunk
    streamed.end_of_stream = reply.end_of_stream
    return response
