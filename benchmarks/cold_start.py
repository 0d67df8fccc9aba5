"""From the command to the first answer that it can give: wall time and CPU time of `serve`, `up` and `scan`.

    python -m benchmarks cold-start [--full]

Every round starts each of them as a process of its own; the first round, which reads files from the disk,
does not count.
"""

from __future__ import annotations

import resource
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from rich.console import Console
from rich.table import Table

from benchmarks.goals import Goal, shown
from benchmarks.systems import PII_SIDECAR, START_SECONDS, Unavailable, end, free_port

GOAL_SECONDS = 2.0
# A client that waited longer after each failure would find the server ready long after it is.
OFTEN = [(f"grpc.{name}_reconnect_backoff_ms", 20) for name in ("initial", "min", "max")]


def measure(console: Console, *, full: bool) -> tuple[list[Goal], dict[str, object]]:
    """Print the table; return the goals and all figures.

    Raises:
        Unavailable: The program is not installed here, or does not start.
    """
    rounds = 9 if full else 3
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        text = folder / "text.txt"
        text.write_text("Please ask John Smith of Boston to write to sales@example.org.\n")
        starts: dict[str, Callable[[], float]] = {
            "serve": lambda: until_serving(f"unix:{folder / 'serve.sock'}", folder / "log"),
            "up": lambda: until_ready(folder / "log"),
            "scan": lambda: until_done(["scan", str(text)]),
        }
        wall: dict[str, list[float]] = {each: [] for each in starts}
        cpu: dict[str, list[float]] = {each: [] for each in starts}
        for number in range(-1, rounds):
            for each, start in starts.items():
                before = children_cpu()
                seconds = start()
                if number >= 0:
                    wall[each].append(seconds)
                    cpu[each].append(children_cpu() - before)
    table = Table(title="Cold start", title_justify="left", title_style="bold")
    for heading in ("command", "to ready, s", "CPU to the end, s"):
        table.add_column(heading)
    for each in starts:
        table.add_row(each, shown(wall[each]), shown(cpu[each]))
    console.print(table)
    goals = [
        Goal.at_most(f"cold start of `{each}` to ready", GOAL_SECONDS, wall[each], " s")
        for each in ("serve", "up")
    ]
    return goals, {"wall": wall, "cpu": cpu}


def until_serving(address: str, log: Path) -> float:
    """Start ``serve``, ask until it says that it serves, end it; return the seconds that took."""
    with (
        started(["serve", "--listen", address], log) as (process, began),
        grpc.insecure_channel(address, OFTEN) as channel,
    ):
        stub = health_pb2_grpc.HealthStub(channel)
        while process.poll() is None and time.perf_counter() - began < START_SECONDS:
            try:
                answer = stub.Check(health_pb2.HealthCheckRequest(), timeout=1.0, wait_for_ready=True)
            except grpc.RpcError:
                continue
            if answer.status == health_pb2.HealthCheckResponse.SERVING:
                return time.perf_counter() - began
    raise Unavailable(f"serve did not start: {' '.join(log.read_text().splitlines()[-1:])}")


def until_ready(log: Path) -> float:
    """Start ``up``, wait for the line that says it is ready, end it; return the seconds that took."""
    arguments = ["up", "--listen", f"127.0.0.1:{free_port()}", "--upstream", "openai=http://127.0.0.1:9"]
    with started(arguments, log) as (process, began):
        for line in process.stdout or ():
            if line.startswith("ready "):
                return time.perf_counter() - began
    raise Unavailable(f"up did not start: {' '.join(log.read_text().splitlines()[-1:])}")


@contextmanager
def started(arguments: list[str], log: Path) -> Iterator[tuple[subprocess.Popen[str], float]]:
    began = time.perf_counter()
    with log.open("wb") as errors:
        process = subprocess.Popen(
            [str(PII_SIDECAR), *arguments], stdout=subprocess.PIPE, stderr=errors, text=True
        )
    try:
        yield process, began
    finally:
        end(process)
        if process.stdout:
            process.stdout.close()


def until_done(arguments: list[str]) -> float:
    began = time.perf_counter()
    subprocess.run([str(PII_SIDECAR), *arguments], stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - began


def children_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
