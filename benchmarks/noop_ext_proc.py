"""An ext_proc server that says CONTINUE to everything: what the hop alone costs, without our work.

A response body in a streamed mode is handed back as it came.
"""

import argparse
import asyncio
from collections.abc import AsyncIterator

import grpc
import uvloop

from sidecar.extproc.pb.envoy.service.ext_proc.v3 import external_processor_pb2 as pb

HEADERS, BODY, TRAILERS = pb.HeadersResponse(), pb.BodyResponse(), pb.TrailersResponse()
ANSWERS = {
    "request_headers": pb.ProcessingResponse(request_headers=HEADERS).SerializeToString(),
    "request_body": pb.ProcessingResponse(request_body=BODY).SerializeToString(),
    "request_trailers": pb.ProcessingResponse(request_trailers=TRAILERS).SerializeToString(),
    "response_headers": pb.ProcessingResponse(response_headers=HEADERS).SerializeToString(),
    "response_trailers": pb.ProcessingResponse(response_trailers=TRAILERS).SerializeToString(),
}


def answered(request: pb.ProcessingRequest) -> bytes:
    phase = request.WhichOneof("request") or "request_headers"
    if phase != "response_body":
        return ANSWERS[phase]
    body = request.response_body
    streamed = pb.StreamedBodyResponse(body=body.body, end_of_stream=body.end_of_stream)
    common = pb.CommonResponse(body_mutation=pb.BodyMutation(streamed_response=streamed))
    return pb.ProcessingResponse(response_body=pb.BodyResponse(response=common)).SerializeToString()


async def process(requests: AsyncIterator[pb.ProcessingRequest], _context: object) -> AsyncIterator[bytes]:
    async for request in requests:
        yield answered(request)


async def serve(address: str) -> None:
    server = grpc.aio.server()
    method = grpc.stream_stream_rpc_method_handler(process, pb.ProcessingRequest.FromString)
    service = "envoy.service.ext_proc.v3.ExternalProcessor"
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(service, {"Process": method})])
    server.add_insecure_port(address)
    await server.start()
    print(f"ready {address}", flush=True)
    await server.wait_for_termination()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--listen", required=True)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(parser.parse_args().listen))
