"""Whether a worker's own memory stays where it is: all-different requests, and the slope of what they leave.

    python -m benchmarks.memory [--requests 20000] [--served]

One worker is forked from a process that has loaded the product, as the supervisor does it. It is given small
chats, each with words that nobody has ever written and with originals of its own, and answers that echo the
tokens. What counts is the worker's private memory (``Private_*`` of ``smaps_rollup``): what it does not share
with the process that loaded the model.

The slope comes after the first fifth, in which caches fill: a line through the means of equal stretches, with
Student's 95 % interval. ``--served`` sends the requests to ``pii-sidecar serve`` over gRPC instead.
"""

# ruff: noqa: E402 - one thread must be asked for before numpy is imported

from __future__ import annotations

import argparse
import gc
import json
import math
import os
import random
import re
import statistics
import string
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS"):
    os.environ[variable] = "1"

import grpc
from rich.console import Console
from rich.table import Table

from benchmarks.goals import Goal
from benchmarks.systems import PII_SIDECAR, START_SECONDS, end
from benchmarks.workloads import text
from sidecar.cli.core import Product, build
from sidecar.extproc.pb.envoy.config.core.v3.base_pb2 import HeaderMap, HeaderValue
from sidecar.extproc.pb.envoy.extensions.filters.http.ext_proc.v3.processing_mode_pb2 import ProcessingMode
from sidecar.extproc.pb.envoy.service.ext_proc.v3.external_processor_pb2 import (
    HttpBody,
    HttpHeaders,
    ProcessingRequest,
    ProcessingResponse,
    ProtocolConfiguration,
)
from sidecar.extproc.service import SERVICE_NAME
from sidecar.model import (
    Body,
    BodyMode,
    BodyModes,
    BodyReply,
    Direction,
    Headers,
    RequestHeaders,
    ResponseHeaders,
)
from sidecar.settings import Settings
from sidecar.supervisor.child import give_back_large_blocks

MODES = BodyModes(BodyMode.BUFFERED, BodyMode.NONE)
JSON = ("content-type", "application/json")
PATH = (":path", "/v1/chat/completions")
SAMPLES = 200
WARM_SHARE = 0.2
CACHE_BYTES = 1 << 20  # of the server's, so that it is full before the line begins
FLAT = 10.0  # bytes a request: 10 MB in a million
BLOCKS = 16
T_95 = 2.145  # Student's t for BLOCKS - 2 degrees of freedom, both sides
_PRIVATE = re.compile(r"^Private_\w+:\s+(\d+) kB$", re.MULTILINE)

Send = Callable[[bytes], None]


@dataclass(frozen=True)
class Sample:
    """After so many requests: the worker's private memory in bytes."""

    requests: int
    private: int


@dataclass(frozen=True)
class Slope:
    """Bytes that a request leaves, and half the width of the 95 % interval."""

    bytes_per_request: float
    margin: float

    @classmethod
    def of(cls, samples: Sequence[Sample]) -> Slope:
        """Fit a line through the means of blocks: neighboring samples depend on each other, blocks hardly."""
        size = len(samples) // BLOCKS
        blocks = [samples[index * size : (index + 1) * size] for index in range(BLOCKS)]
        x = [statistics.fmean(sample.requests for sample in block) for block in blocks]
        y = [statistics.fmean(sample.private for sample in block) for block in blocks]
        line = statistics.linear_regression(x, y)
        rest = sum((b - line.intercept - line.slope * a) ** 2 for a, b in zip(x, y, strict=True))
        spread = sum((a - statistics.fmean(x)) ** 2 for a in x)
        return cls(line.slope, T_95 * math.sqrt(rest / (BLOCKS - 2) / spread))


def main() -> int:
    parser = argparse.ArgumentParser(prog="benchmarks.memory", description=__doc__.partition("\n")[0])
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--served", action="store_true", help="over gRPC, by `pii-sidecar serve`")
    args = parser.parse_args()
    run = served if args.served else in_process
    samples: list[Sample] = []
    for sample in run(args.requests):
        samples.append(sample)
        if len(samples) % 20 == 1:
            print(f"{sample.requests:>9} requests  {sample.private / 2**20:7.2f} MiB private", flush=True)
    report(samples, Console())
    return 0


def measure(console: Console, *, full: bool) -> tuple[list[Goal], dict[str, object]]:
    """Print the table; return the goals and all figures."""
    samples = list(served(40_000 if full else 4000))
    slope = report(samples, console)
    most = [each.private / 2**20 for each in samples if each.requests >= WARM_SHARE * samples[-1].requests]
    interval = [slope.bytes_per_request + share * slope.margin for share in (-1.0, 0.0, 1.0)]
    return [
        Goal.at_most("private memory of a worker beyond the shared model", 60.0, most, " MiB"),
        Goal.at_most("what a request leaves of it", FLAT, interval, " bytes"),
    ], {"samples": [(each.requests, each.private) for each in samples]}


def report(samples: Sequence[Sample], console: Console) -> Slope:
    table = Table(title="Private memory of one worker", title_justify="left")
    table.add_column("after requests", justify="right")
    table.add_column("MiB", justify="right")
    shown = sorted({0, 1, len(samples) // 5, len(samples) // 2, len(samples) - 1})
    for sample in (samples[index] for index in shown):
        table.add_row(str(sample.requests), f"{sample.private / 2**20:.2f}")
    console.print(table)
    slope = Slope.of([each for each in samples if each.requests >= WARM_SHARE * samples[-1].requests])
    said = f"slope {slope.bytes_per_request:.2f} ± {slope.margin:.2f} bytes a request (95 %)"
    console.print(said, highlight=False)
    return slope


def in_process(requests: int) -> Iterator[Sample]:
    """Fork a worker that runs exchanges and says how much memory it has."""
    product = build(Settings())
    gc.freeze()
    read_end, write_end = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(read_end)
        give_back_large_blocks()
        with os.fdopen(write_end, "w") as out:
            for sample in sampled(requests, os.getpid(), lambda body: exchange(product, body)):
                print(sample.requests, sample.private, file=out, flush=True)
        os._exit(0)
    os.close(write_end)
    with os.fdopen(read_end) as lines:
        for line in lines:
            yield Sample(*map(int, line.split()))
    os.waitpid(pid, 0)


def served(requests: int) -> Iterator[Sample]:
    """Start ``serve``, and send it the messages that Envoy would send."""
    with serving() as (address, worker), grpc.insecure_channel(address) as channel:
        yield from sampled(requests, worker, lambda body: call(channel, body))


def sampled(requests: int, worker: int, send: Send) -> Iterator[Sample]:
    """Send so many requests; look at the worker ``SAMPLES`` times, and once before the first."""
    every = max(1, requests // SAMPLES)
    yield Sample(0, private_bytes(worker))
    for count, body in zip(range(1, requests + 1), bodies(), strict=False):
        send(body)
        if count % every == 0:
            yield Sample(count, private_bytes(worker))


def private_bytes(pid: int) -> int:
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return 1024 * sum(map(int, _PRIVATE.findall(rollup)))


def bodies() -> Iterator[bytes]:
    """Yield chats of some 25 words, a fifth of which were never written before."""
    chance = random.Random(5)
    letters = string.ascii_letters + string.digits
    while True:
        unseen = " ".join("".join(chance.choices(letters, k=chance.randrange(3, 14))) for _ in range(5))
        said = f"{unseen} {text(chance, 20)}"
        yield json.dumps({"model": "m", "messages": [{"role": "user", "content": said}]}).encode()


def exchange(product: Product, body: bytes) -> None:
    """Run one exchange, whose answer is what the provider was sent."""
    one = product.new_exchange(MODES)
    list(one.receive(RequestHeaders(Headers(((":method", "POST"), PATH, JSON)))))
    asked = body
    for reply in one.receive(Body(Direction.REQUEST, body, end_of_stream=True)):
        if isinstance(reply, BodyReply) and reply.body is not None:
            asked = reply.body
    list(one.receive(ResponseHeaders(Headers(((":status", "200"), JSON)))))
    list(one.receive(Body(Direction.RESPONSE, answer(asked), end_of_stream=True)))


def answer(asked: bytes) -> bytes:
    said = json.loads(asked)["messages"][0]["content"]
    message = {"role": "assistant", "content": said}
    return json.dumps({"choices": [{"index": 0, "message": message}]}).encode()


def call(channel: grpc.Channel, body: bytes) -> None:
    """Do what Envoy does for one exchange: one stream, one message after the other."""
    queue: SimpleQueue[ProcessingRequest | None] = SimpleQueue()
    process = channel.stream_stream(
        f"/{SERVICE_NAME}/Process",
        request_serializer=ProcessingRequest.SerializeToString,
        response_deserializer=ProcessingResponse.FromString,
    )
    replies = process(iter(queue.get, None))

    def say(**message: HttpHeaders | HttpBody | ProtocolConfiguration) -> ProcessingResponse:
        queue.put(ProcessingRequest(**message))
        reply: ProcessingResponse = next(replies)
        return reply

    modes = ProtocolConfiguration(request_body_mode=ProcessingMode.BodySendMode.BUFFERED)
    say(request_headers=headers((":method", "POST"), PATH, JSON), protocol_config=modes)
    asked = say(request_body=HttpBody(body=body, end_of_stream=True)).request_body.response.body_mutation.body
    say(response_headers=headers((":status", "200"), JSON))
    say(response_body=HttpBody(body=answer(asked or body), end_of_stream=True))
    queue.put(None)
    for _ in replies:
        pass


def headers(*fields: tuple[str, str]) -> HttpHeaders:
    values = [HeaderValue(key=name, raw_value=value.encode()) for name, value in fields]
    return HttpHeaders(headers=HeaderMap(headers=values))


@contextmanager
def serving() -> Iterator[tuple[str, int]]:
    """Run ``serve``; give its address and the process id of its worker."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        address = f"unix:{folder}/serve.sock"
        process = subprocess.Popen(
            [str(PII_SIDECAR), "serve", "--listen", address],
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PII_SIDECAR_CACHE_BYTES": str(CACHE_BYTES)},
        )
        try:
            with grpc.insecure_channel(address) as channel:
                grpc.channel_ready_future(channel).result(START_SECONDS)
            listed = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
            [worker] = map(int, listed.split())
            yield address, worker
        finally:
            end(process)


if __name__ == "__main__":
    sys.exit(main())
