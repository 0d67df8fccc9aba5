"""Streamed answers: how late each chunk is, from the provider's write to the client's read.

    python -m benchmarks streams [--full]

All systems run at the same time in front of one paced provider and are measured in turns, in paired rounds.
Client, provider, Envoy and workers share the machine, so the lateness at many streams is that of all of them.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

import uvloop
from rich.console import Console
from rich.table import Table

from benchmarks.goals import Goal, shown
from benchmarks.measure import quantile
from benchmarks.systems import child, envoy_alone, envoy_noop_streamed, sidecar
from benchmarks.workloads import chat, text

ENVOY, NOOP, OURS, CLEAN = "Envoy alone", "no-op ext_proc", "pii-sidecar", "pii-sidecar, no PII"
WITHOUT_PII = "There is nothing to see here, just plain words about the weather of the week. "
FEW, MANY = 4, 100  # streams
COUNTS = (1, 10, 25, 50, MANY, 150)
GAP_MILLISECONDS = 20
WORDS = 120
RAMP_SECONDS = 1.0  # over which streams begin, as users do
MARK = b'"finish_reason":null'  # once in every chunk


@dataclass
class Lateness:
    """Milliseconds by which the chunks of one round were late."""

    chunks: list[float] = field(default_factory=list)

    @property
    def mean(self) -> float:
        return statistics.fmean(self.chunks)

    def at(self, share: float) -> float:
        return quantile(self.chunks, share)


Rounds = dict[str, list[Lateness]]


def measure(console: Console, *, full: bool) -> tuple[list[Goal], dict[str, object]]:
    """Print the tables; return the goals and all figures."""
    rounds, chunks = (9, 150) if full else (3, 60)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        provider = stack.enter_context(
            child([sys.executable, "-m", "benchmarks.paced_provider"], folder / "provider.log")
        )
        urls = {
            ENVOY: stack.enter_context(envoy_alone(provider, folder)),
            NOOP: stack.enter_context(envoy_noop_streamed(provider, folder)),
            OURS: stack.enter_context(sidecar(provider, folder)),
        }
        urls[CLEAN] = urls[OURS]
        runner = stack.enter_context(asyncio.Runner(loop_factory=uvloop.new_event_loop))
        names = itertools.count()

        def rounds_of(streams: int, count: int, systems: Sequence[str] = tuple(urls)) -> Rounds:
            result: Rounds = {name: [] for name in systems}
            order = list(systems)
            for number in range(-1, count):  # the first round warms up
                order.append(order.pop(0))
                for name in order:
                    plan = Load(urls[name], provider, streams, chunks, name == CLEAN, number)
                    late = runner.run(plan.run(names))
                    if number >= 0:
                        result[name].append(late)
            return result

        few = rounds_of(FEW, rounds)
        by_count = {count: rounds_of(count, max(2, rounds // 3)) for count in COUNTS}
    console.print(table(f"{FEW} streams, a chunk every {GAP_MILLISECONDS} ms", few))
    for count, late in by_count.items():
        console.print(table(f"{count} streams, a chunk every {GAP_MILLISECONDS} ms", late))
    p99 = {
        name: {count: [each.at(0.99) / 1e3 for each in late[name]] for count, late in by_count.items()}
        for name in urls
    }
    return goals(few, by_count[MANY]), {
        "lateness p99": p99,
        "few": {n: [vars(e) for e in v] for n, v in few.items()},
    }


def goals(few: Rounds, many: Rounds) -> list[Goal]:
    added = [
        (own.at(0.5) - base.at(0.5)) / (floor.at(0.5) - base.at(0.5))
        for own, floor, base in zip(few[OURS], few[NOOP], few[ENVOY], strict=True)
    ]
    clean = [own.at(0.5) / base.at(0.5) for own, base in zip(few[CLEAN], few[ENVOY], strict=True)]
    return [
        Goal.at_most("SSE with tokens, added lag of a chunk at p50, against no-op ext_proc", 1.3, added),
        Goal.at_most("SSE without PII, lag of a chunk at p50, against Envoy alone", 1.05, clean),
        Goal.at_most(
            f"{MANY} streams x 50 chunks/s, lateness at p99",
            100.0,
            [each.at(0.99) for each in many[OURS]],
            " ms",
        ),
    ]


@dataclass(frozen=True)
class Load:
    """Streams that run at once through one system; ``seed`` makes their texts."""

    url: str
    provider: str
    streams: int
    chunks: int
    clean: bool
    seed: int

    async def run(self, names: itertools.count[int]) -> Lateness:
        """Return how late all chunks were.

        Raises:
            RuntimeError: A stream failed, or a chunk is missing.
        """
        chance = random.Random(self.seed)
        asked = [(f"s{next(names)}", self._text(chance)) for _ in range(self.streams)]
        arrived = await asyncio.gather(
            *(
                self._stream(name, prompt, number * RAMP_SECONDS / self.streams)
                for number, (name, prompt) in enumerate(asked)
            )
        )
        late = Lateness()
        for (name, _), arrivals in zip(asked, arrived, strict=True):
            sent = await times(self.provider, name)
            if len(sent) != len(arrivals):
                raise RuntimeError(f"{len(sent)} chunks were sent and {len(arrivals)} arrived")
            late.chunks += [(there - here) / 1e6 for here, there in zip(sent, arrivals, strict=True)]
        return late

    def _text(self, chance: random.Random) -> str:
        if self.clean:
            return " ".join((WITHOUT_PII * WORDS).split()[:WORDS])
        return text(chance, WORDS)

    async def _stream(self, name: str, prompt: str, delay: float) -> list[int]:
        await asyncio.sleep(delay)
        model = f"paced:{name}:{self.chunks}:{GAP_MILLISECONDS}"
        body = chat([{"role": "user", "content": prompt}], model=model, stream=True)
        head = (
            "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        loop = asyncio.get_running_loop()
        done: asyncio.Future[list[int]] = loop.create_future()
        address = urlsplit(self.url)
        transport, _ = await loop.create_connection(
            lambda: Reader(head.encode() + body, done), address.hostname, address.port
        )
        try:
            return await done
        finally:
            transport.close()


class Reader(asyncio.Protocol):
    """Sends one request and notes when each chunk of its answer arrives, in nanoseconds."""

    def __init__(self, request: bytes, done: asyncio.Future[list[int]]) -> None:
        self._request = request
        self._done = done
        self._arrivals: list[int] = []
        self._seen = b""
        self._status = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        cast("asyncio.Transport", transport).write(self._request)

    def data_received(self, data: bytes) -> None:
        now = time.monotonic_ns()
        self._status = self._status or data[:12]
        seen = self._seen + data
        self._arrivals += [now] * seen.count(MARK)
        # What is kept may hold the beginning of a mark, but no whole one.
        self._seen = (
            seen[seen.rfind(MARK) + len(MARK) :][-len(MARK) + 1 :] if MARK in seen else seen[-len(MARK) + 1 :]
        )
        if b"0\r\n\r\n" in data[-64:] and not self._done.done():
            self._end()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._done.done():
            self._done.set_exception(exc or RuntimeError("a stream was cut"))

    def _end(self) -> None:
        if self._status.endswith(b" 200"):
            self._done.set_result(self._arrivals)
        else:
            self._done.set_exception(RuntimeError(self._status.decode()))


async def times(provider: str, name: str) -> list[int]:
    """Return when the provider wrote each chunk of a stream, in nanoseconds."""
    address = urlsplit(provider)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    writer.write(f"GET /times/{name} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = int(head.partition(b"content-length:")[2].split(b"\r\n")[0])
    told: list[int] = json.loads(await reader.readexactly(length))
    writer.close()
    return told


def table(title: str, late: Rounds) -> Table:
    result = Table(title=f"{title}: milliseconds a chunk is late", title_justify="left", title_style="bold")
    result.add_column("system")
    for heading in ("mean", "p50", "p99", "most"):
        result.add_column(heading, justify="right")
    for name, rounds in late.items():
        result.add_row(
            name,
            shown([each.mean for each in rounds], digits=3),
            shown([each.at(0.5) for each in rounds], digits=3),
            shown([each.at(0.99) for each in rounds], digits=2),
            f"{max(each.at(1.0) for each in rounds):.1f}",
        )
    return result
