"""The codec against an independent implementation of Envoy's messages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.errors import StreamBroken
from sidecar.extproc.codec import REFUSAL_DETAILS, decode, decode_first, encode
from sidecar.extproc.pb.envoy.service.ext_proc.v3.external_processor_pb2 import (
    ProcessingRequest,
    ProcessingResponse,
)
from sidecar.model import (
    Body,
    BodyMode,
    BodyModes,
    BodyReply,
    Direction,
    Event,
    HeaderEdit,
    Headers,
    HeadersReply,
    Refusal,
    Reply,
    RequestHeaders,
    ResponseHeaders,
    StreamedReply,
    Trailers,
    TrailersReply,
)

Oracle = Callable[[str], Any]
EXT_PROC = "envoy.service.ext_proc.v3."
CORE = "envoy.config.core.v3."
MODES = "envoy.extensions.filters.http.ext_proc.v3.ProcessingMode"
BUFFERED_NONE = BodyModes(BodyMode.BUFFERED, BodyMode.NONE)
REQUEST, RESPONSE = Direction.REQUEST, Direction.RESPONSE

EVENTS = {
    "request_headers": RequestHeaders(Headers(((":path", "/v1/chat"), ("x-name", "Zo\xeb")))),
    "request_headers_without_body": RequestHeaders(Headers(((":method", "GET"),)), end_of_stream=True),
    "response_headers": ResponseHeaders(
        Headers(((":status", "200"), ("set-cookie", "a"), ("set-cookie", "b")))
    ),
    "response_headers_without_body": ResponseHeaders(Headers(((":status", "204"),)), end_of_stream=True),
    "request_body": Body(REQUEST, b'{"model": "\xff"', end_of_stream=False),
    "request_body_last": Body(REQUEST, b"}", end_of_stream=True),
    "request_body_empty_last": Body(REQUEST, b"", end_of_stream=True),
    "response_body": Body(RESPONSE, b"data: {}\n\n"),
    "response_body_last": Body(RESPONSE, b"data: [DONE]\n\n", end_of_stream=True),
    "request_trailers": Trailers(REQUEST, Headers((("x-checksum", "abc"),))),
    "response_trailers": Trailers(RESPONSE, Headers((("grpc-status", "0"),))),
}


def as_envoy_says(event: Event, oracle: Oracle) -> Any:  # noqa: ANN401 - a class of another library
    def header_map(headers: Headers) -> Any:  # noqa: ANN401 - the same
        value = oracle(CORE + "HeaderValue")
        fields = [value(key=name, raw_value=text.encode("latin-1")) for name, text in headers.fields]
        return oracle(CORE + "HeaderMap")(headers=fields)

    request = oracle(EXT_PROC + "ProcessingRequest")
    match event:
        case RequestHeaders(headers, end) | ResponseHeaders(headers, end):
            part = oracle(EXT_PROC + "HttpHeaders")(headers=header_map(headers), end_of_stream=end)
            name = "request_headers" if isinstance(event, RequestHeaders) else "response_headers"
        case Body(direction, chunk, end):
            part = oracle(EXT_PROC + "HttpBody")(body=chunk, end_of_stream=end)
            name = f"{direction.name.lower()}_body"
        case Trailers(direction, headers):
            part = oracle(EXT_PROC + "HttpTrailers")(trailers=header_map(headers))
            name = f"{direction.name.lower()}_trailers"
    return request(**{name: part})


@pytest.mark.parametrize("event", EVENTS.values(), ids=EVENTS)
def test_what_envoy_says_becomes_the_event(event: Event, oracle: Oracle) -> None:
    wire = bytes(as_envoy_says(event, oracle))
    assert decode(wire) == event
    assert ProcessingRequest.FromString(wire).SerializeToString(deterministic=True) == wire


@pytest.mark.parametrize("mode", [mode for mode in BodyMode if mode is not BodyMode.UNKNOWN])
def test_body_modes_are_those_of_the_first_message(mode: BodyMode, oracle: Oracle) -> None:
    message = as_envoy_says(EVENTS["request_headers"], oracle)
    wire_mode = oracle(MODES + "BodySendMode")
    message.protocol_config = oracle(EXT_PROC + "ProtocolConfiguration")(
        request_body_mode=wire_mode[mode.name], response_body_mode=wire_mode.STREAMED
    )
    assert decode_first(bytes(message)) == (BodyModes(mode, BodyMode.STREAMED), EVENTS["request_headers"])


def test_an_envoy_that_does_not_say_its_modes_leaves_them_unknown(oracle: Oracle) -> None:
    wire = bytes(as_envoy_says(EVENTS["response_headers"], oracle))
    assert decode_first(wire) == (BodyModes(BodyMode.UNKNOWN, BodyMode.UNKNOWN), EVENTS["response_headers"])


def test_a_body_mode_that_is_not_known_breaks_the_stream(oracle: Oracle) -> None:
    message = as_envoy_says(EVENTS["request_headers"], oracle)
    message.protocol_config = oracle(EXT_PROC + "ProtocolConfiguration")(
        request_body_mode=oracle(MODES + "BodySendMode").GRPC
    )
    with pytest.raises(StreamBroken, match="5 and 0"):
        decode_first(bytes(message))


def test_header_text_of_the_older_field_reads_the_same(oracle: Oracle) -> None:
    value = oracle(CORE + "HeaderValue")
    fields = [
        value(key="X-Name", value="Zoë"),
        value(key="x-raw", raw_value="Zoë".encode()),
        value(key="x-none"),
    ]
    part = oracle(EXT_PROC + "HttpHeaders")(headers=oracle(CORE + "HeaderMap")(headers=fields))
    event = decode(bytes(oracle(EXT_PROC + "ProcessingRequest")(request_headers=part)))
    utf8_as_latin1 = "Zoë".encode().decode("latin-1")
    assert event == RequestHeaders(
        Headers((("x-name", utf8_as_latin1), ("x-raw", utf8_as_latin1), ("x-none", "")))
    )


@pytest.mark.parametrize(
    "wire",
    [
        pytest.param(b"", id="no_part_at_all"),
        pytest.param(ProcessingRequest(attributes={"a": {}}).SerializeToString(), id="attributes_alone"),
        pytest.param(b"\xff\xff\xff", id="no_protobuf"),
        pytest.param(b'{"request_headers": {}}', id="json"),
        pytest.param(b"\x22\x10\x0a", id="cut_off"),
        pytest.param(b"\xa2\x06\x00", id="a_part_of_the_future"),
        pytest.param(b"\x12\x07\x0a\x05\x0a\x03\x0a\x01\xff", id="header_name_that_is_not_utf8"),
    ],
)
def test_garbage_breaks_the_stream(wire: bytes) -> None:
    with pytest.raises(StreamBroken):
        decode(wire)
    with pytest.raises(StreamBroken):
        decode_first(wire)


@pytest.mark.parametrize("name", EVENTS)
def test_observability_mode_is_refused_since_envoy_would_not_wait(name: str, oracle: Oracle) -> None:
    message = as_envoy_says(EVENTS[name], oracle)
    message.observability_mode = True
    with pytest.raises(StreamBroken, match="observability_mode"):
        decode(bytes(message))


@given(st.binary(max_size=200))
def test_any_bytes_are_an_event_or_a_broken_stream(wire: bytes) -> None:
    try:
        decode_first(wire)
    except StreamBroken:
        return


REPLIES: dict[str, tuple[Reply, dict[str, Any]]] = {
    "headers": (
        HeadersReply(REQUEST, HeaderEdit(set=(("x-stamp", "v1"), ("x-name", "Zo\xeb")), remove=("cookie",))),
        {
            "requestHeaders": {
                "response": {
                    "headerMutation": {
                        "setHeaders": [
                            {
                                "header": {"key": "x-stamp", "rawValue": "djE="},
                                "appendAction": "OVERWRITE_IF_EXISTS_OR_ADD",
                            },
                            {
                                "header": {"key": "x-name", "rawValue": "Wm/r"},
                                "appendAction": "OVERWRITE_IF_EXISTS_OR_ADD",
                            },
                        ],
                        "removeHeaders": ["cookie"],
                    }
                }
            }
        },
    ),
    "headers_unchanged": (HeadersReply(RESPONSE), {"responseHeaders": {"response": {}}}),
    "headers_two_of_a_name": (
        HeadersReply(RESPONSE, HeaderEdit(set=(("set-cookie", "a"), ("set-cookie", "b")))),
        {
            "responseHeaders": {
                "response": {
                    "headerMutation": {
                        "setHeaders": [
                            {
                                "header": {"key": "set-cookie", "rawValue": "YQ=="},
                                "appendAction": "OVERWRITE_IF_EXISTS_OR_ADD",
                            },
                            {"header": {"key": "set-cookie", "rawValue": "Yg=="}},
                        ]
                    }
                }
            }
        },
    ),
    "headers_empty_text": (
        HeadersReply(REQUEST, HeaderEdit(set=(("x-empty", ""),))),
        {
            "requestHeaders": {
                "response": {
                    "headerMutation": {
                        "setHeaders": [
                            {
                                "header": {"key": "x-empty"},
                                "appendAction": "OVERWRITE_IF_EXISTS_OR_ADD",
                                "keepEmptyValue": True,
                            }
                        ]
                    }
                }
            }
        },
    ),
    "headers_ask_for_duplex": (
        HeadersReply(RESPONSE, HeaderEdit(remove=("content-length",)), BodyMode.FULL_DUPLEX_STREAMED),
        {
            "responseHeaders": {"response": {"headerMutation": {"removeHeaders": ["content-length"]}}},
            "modeOverride": {
                "requestBodyMode": "BUFFERED",
                "responseBodyMode": "FULL_DUPLEX_STREAMED",
                "responseTrailerMode": "SEND",
            },
        },
    ),
    "headers_ask_for_none": (
        HeadersReply(RESPONSE, response_mode=BodyMode.NONE),
        {"responseHeaders": {"response": {}}, "modeOverride": {"requestBodyMode": "BUFFERED"}},
    ),
    "headers_ask_for_buffered": (
        HeadersReply(RESPONSE, response_mode=BodyMode.BUFFERED),
        {
            "responseHeaders": {"response": {}},
            "modeOverride": {"requestBodyMode": "BUFFERED", "responseBodyMode": "BUFFERED"},
        },
    ),
    "body_unchanged": (BodyReply(REQUEST, None), {"requestBody": {"response": {}}}),
    "body_replaced": (
        BodyReply(REQUEST, b"\xff{}", HeaderEdit(set=(("content-length", "3"),))),
        {
            "requestBody": {
                "response": {
                    "headerMutation": {
                        "setHeaders": [
                            {
                                "header": {"key": "content-length", "rawValue": "Mw=="},
                                "appendAction": "OVERWRITE_IF_EXISTS_OR_ADD",
                            }
                        ]
                    },
                    "bodyMutation": {"body": "/3t9"},
                }
            }
        },
    ),
    "body_cleared": (
        BodyReply(RESPONSE, b""),
        {"responseBody": {"response": {"bodyMutation": {"clearBody": True}}}},
    ),
    "streamed": (
        StreamedReply(RESPONSE, b"data"),
        {"responseBody": {"response": {"bodyMutation": {"streamedResponse": {"body": "ZGF0YQ=="}}}}},
    ),
    "streamed_last": (
        StreamedReply(REQUEST, b"", end_of_stream=True),
        {"requestBody": {"response": {"bodyMutation": {"streamedResponse": {"endOfStream": True}}}}},
    ),
    "streamed_nothing": (
        StreamedReply(REQUEST, b""),
        {"requestBody": {"response": {"bodyMutation": {"streamedResponse": {}}}}},
    ),
    "trailers": (
        TrailersReply(REQUEST, remove=("x-name", "x-other")),
        {"requestTrailers": {"headerMutation": {"removeHeaders": ["x-name", "x-other"]}}},
    ),
    "trailers_unchanged": (TrailersReply(RESPONSE), {"responseTrailers": {}}),
    "refusal": (
        Refusal(413, b'{"error": {}}', (("content-type", "application/json"),)),
        {
            "immediateResponse": {
                "status": {"code": "PayloadTooLarge"},
                "headers": {
                    "setHeaders": [
                        {
                            "header": {"key": "content-type", "rawValue": "YXBwbGljYXRpb24vanNvbg=="},
                            "appendAction": "OVERWRITE_IF_EXISTS_OR_ADD",
                        }
                    ]
                },
                "body": "eyJlcnJvciI6IHt9fQ==",
                "details": REFUSAL_DETAILS,
            }
        },
    ),
}


@pytest.mark.parametrize(("reply", "meaning"), REPLIES.values(), ids=REPLIES)
def test_envoy_reads_a_reply_as_it_is_meant(reply: Reply, meaning: dict[str, Any], oracle: Oracle) -> None:
    wire = encode(reply, BUFFERED_NONE)
    theirs = oracle(EXT_PROC + "ProcessingResponse").parse(wire)
    assert theirs.to_dict() == meaning
    assert ProcessingResponse.FromString(bytes(theirs)) == ProcessingResponse.FromString(wire)


@pytest.mark.parametrize(
    ("known", "sent"),
    [
        (BodyMode.STREAMED, "STREAMED"),
        (BodyMode.NONE, "NONE"),
        (BodyMode.FULL_DUPLEX_STREAMED, "FULL_DUPLEX_STREAMED"),
        pytest.param(BodyMode.UNKNOWN, "BUFFERED", id="unknown_is_taken_as_configured"),
    ],
)
def test_a_mode_override_keeps_the_request_body_mode(known: BodyMode, sent: str, oracle: Oracle) -> None:
    reply = HeadersReply(RESPONSE, response_mode=BodyMode.STREAMED)
    override = oracle(EXT_PROC + "ProcessingResponse").parse(encode(reply, BodyModes(known))).mode_override
    assert override.request_body_mode.name == sent
    assert override.response_body_mode.name == "STREAMED"


def test_text_in_headers_goes_out_raw_since_envoy_ignores_the_older_field(oracle: Oracle) -> None:
    wire = encode(HeadersReply(REQUEST, HeaderEdit(set=(("x-a", "b"),))), BUFFERED_NONE)
    message = oracle(EXT_PROC + "ProcessingResponse").parse(wire)
    header = message.request_headers.response.header_mutation.set_headers[0].header
    assert (header.raw_value, header.value) == (b"b", "")


@pytest.mark.parametrize("status", [0, 100, 200, 302, 399, 600])
def test_a_refusal_that_envoy_would_turn_into_success_is_never_sent(status: int) -> None:
    with pytest.raises(ValueError, match=str(status)):
        encode(Refusal(status, b""), BUFFERED_NONE)


def test_a_refusal_may_have_a_status_that_envoy_has_no_name_for() -> None:
    wire = encode(Refusal(451, b""), BUFFERED_NONE)
    assert int(ProcessingResponse.FromString(wire).immediate_response.status.code) == 451


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(HeadersReply(RESPONSE, response_mode=BodyMode.UNKNOWN), id="mode_without_name"),
        pytest.param(HeadersReply(REQUEST, HeaderEdit(set=(("x", "\u0142"),))), id="text_beyond_latin1"),
    ],
)
def test_what_cannot_be_said_to_envoy_is_an_error(reply: Reply) -> None:
    with pytest.raises(ValueError, match=r"UNKNOWN|latin-1"):
        encode(reply, BUFFERED_NONE)


@given(
    direction=st.sampled_from(Direction),
    chunk=st.binary(),
    end=st.booleans(),
    fields=st.lists(st.tuples(st.from_regex(r"[a-z-]{1,9}", fullmatch=True), st.text("\x20~\xe9\xff"))),
)
def test_bytes_and_header_text_cross_the_wire_unchanged(
    direction: Direction, chunk: bytes, end: bool, fields: list[tuple[str, str]]
) -> None:
    event = Body(direction, chunk, end)
    part = {"body": chunk, "end_of_stream": end}
    name = f"{direction.name.lower()}_body"
    assert decode(ProcessingRequest(**{name: part}).SerializeToString()) == event
    reply = BodyReply(direction, chunk, HeaderEdit(set=tuple(fields)))
    response = getattr(ProcessingResponse.FromString(encode(reply, BUFFERED_NONE)), name).response
    assert response.body_mutation.body == chunk
    back = [
        (o.header.key, o.header.raw_value.decode("latin-1")) for o in response.header_mutation.set_headers
    ]
    assert back == fields
