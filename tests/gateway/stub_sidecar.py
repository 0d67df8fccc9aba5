"""A scripted ext_proc server: `python stub_sidecar.py ADDRESS`; the header `x-stub` says how to behave.

stamp (default)  answers headers and body, stamps the last answer, adds `x-inspected: yes`
close            ends the call cleanly after the first message, unanswered
close-late       answers the headers, ends the call cleanly when the body comes
refuse           an immediate 422 with a JSON body of its own
error            ends the call with a gRPC error
hang             never answers
unstamped        answers everything, stamps nothing
drop-trailers    like stamp; removes the trailer `x-trail`
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from sidecar.extproc.pb.envoy.service.ext_proc.v3 import external_processor_pb2 as ep
from sidecar.extproc.pb.pii_sidecar.v1 import masking_pb2

Call = grpc.aio.ServicerContext
OPTIONS = [
    ("grpc.max_receive_message_length", 64 * 1024 * 1024),
    ("grpc.max_send_message_length", 64 * 1024 * 1024),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_ping_interval_without_data_ms", 500),
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 500),
    ("grpc.http2.max_ping_strikes", 0),
]


def stamped(common: ep.CommonResponse) -> None:
    for name, text in [("x-pii-sidecar-stamp", b"processed"), ("x-inspected", b"yes")]:
        edit = common.header_mutation.set_headers.add()
        edit.header.key = name
        edit.header.raw_value = text
        edit.append_action = edit.OVERWRITE_IF_EXISTS_OR_ADD


def headers_of(message: ep.HttpHeaders) -> dict[str, str]:
    return {field.key: field.raw_value.decode("latin-1") for field in message.headers.headers}


def refusal() -> ep.ProcessingResponse:
    reply = ep.ProcessingResponse()
    reply.immediate_response.status.code = 422
    reply.immediate_response.body = b'{"own": "words of the sidecar"}'
    edit = reply.immediate_response.headers.set_headers.add()
    edit.header.key = "content-type"
    edit.header.raw_value = b"application/json"
    return reply


def answer(kind: str, message: ep.ProcessingRequest, behavior: str) -> ep.ProcessingResponse:
    reply = ep.ProcessingResponse()
    getattr(reply, kind).SetInParent()
    stamps = behavior not in {"unstamped", "close-late"}
    if kind == "request_headers" and message.request_headers.end_of_stream and stamps:
        stamped(reply.request_headers.response)
    if kind == "request_body" and stamps:
        stamped(reply.request_body.response)
    if kind == "request_trailers" and behavior == "drop-trailers":
        reply.request_trailers.header_mutation.remove_headers.append("x-trail")
    return reply


async def process(
    messages: AsyncIterator[ep.ProcessingRequest], context: Call
) -> AsyncIterator[ep.ProcessingResponse]:
    behavior = "stamp"
    async for message in messages:
        kind = message.WhichOneof("request") or ""
        if kind == "request_headers":
            behavior = headers_of(message.request_headers).get("x-stub", "stamp")
        if behavior == "close" or (behavior == "close-late" and kind == "request_body"):
            return
        if behavior == "error":
            await context.abort(grpc.StatusCode.INTERNAL, "told to")
        if behavior == "hang":
            await asyncio.sleep(60)
        if behavior == "refuse" and kind == "request_headers":
            yield refusal()
            return
        yield answer(kind, message, behavior)


async def profile_mask(
    request: masking_pb2.ProfileMaskRequest, context: Call
) -> masking_pb2.ProfileMaskReply:
    if not request.HasField("value"):
        await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "value is missing")
    return masking_pb2.ProfileMaskReply(replacement=f"{request.policy}:{len(request.value)}")


async def health(_request: masking_pb2.HealthRequest, _context: Call) -> masking_pb2.HealthReply:
    return masking_pb2.HealthReply(status="ok")


class Health(health_pb2_grpc.HealthServicer):  # type: ignore[misc]  # the package has no types
    async def Check(self, _request: object, _context: Call) -> object:  # noqa: N802 - the method's name on the wire
        return health_pb2.HealthCheckResponse(status=health_pb2.HealthCheckResponse.SERVING)


async def main(address: str) -> None:
    server = grpc.aio.server(options=OPTIONS)
    server.add_generic_rpc_handlers(
        [
            grpc.method_handlers_generic_handler(
                "envoy.service.ext_proc.v3.ExternalProcessor",
                {
                    "Process": grpc.stream_stream_rpc_method_handler(
                        process, ep.ProcessingRequest.FromString, ep.ProcessingResponse.SerializeToString
                    )
                },
            ),
            grpc.method_handlers_generic_handler(
                "pii_sidecar.v1.Masking",
                {
                    "ProfileMask": grpc.unary_unary_rpc_method_handler(
                        profile_mask,
                        masking_pb2.ProfileMaskRequest.FromString,
                        masking_pb2.ProfileMaskReply.SerializeToString,
                    ),
                    "Health": grpc.unary_unary_rpc_method_handler(
                        health,
                        masking_pb2.HealthRequest.FromString,
                        masking_pb2.HealthReply.SerializeToString,
                    ),
                },
            ),
        ]
    )
    health_pb2_grpc.add_HealthServicer_to_server(Health(), server)
    server.add_insecure_port(address)
    await server.start()
    await server.wait_for_termination()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
