"""Paired rounds: every round measures every system on the same bodies, one system after another.

The machine's mood changes from second to second, so figures are compared within a round only; what is
reported is the median and the spread of the rounds' ratios.
"""

import itertools
import statistics
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from benchmarks.client import Client, answer_text
from benchmarks.systems import DIRECT
from benchmarks.workloads import Workload

SLICE_SECONDS = 0.2
MOST_IN_SLICE = 40
CLIENTS = 16


@dataclass
class Series:
    """All measured times of one system under one workload, in seconds.

    ``slices``: those of each round; ``rounds``: their medians.
    """

    slices: list[list[float]] = field(default_factory=list)
    rounds: list[float] = field(default_factory=list)

    def add(self, taken: list[float]) -> None:
        self.slices.append(taken)
        self.rounds.append(statistics.median(taken))

    def quantile(self, share: float) -> float:
        return quantile([each for taken in self.slices for each in taken], share)


@dataclass(frozen=True)
class Spread:
    """The median of the rounds' figures, and between which two 80 % of them lie."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, figures: Sequence[float]) -> "Spread":
        return cls(statistics.median(figures), quantile(figures, 0.1), quantile(figures, 0.9))


def quantile(figures: Sequence[float], share: float) -> float:
    ordered = sorted(figures)
    return ordered[min(len(ordered) - 1, round(share * (len(ordered) - 1)))]


def latencies(workload: Workload, urls: dict[str, str], rounds: int) -> dict[str, Series]:
    """Measure one workload, one request at a time."""
    series = {name: Series() for name in urls}
    clients = {name: Client(url) for name, url in urls.items()}
    order = list(urls)
    for name, client in clients.items():
        for body in itertools.islice(workload.bodies(-1), 3):
            expect_answer(name, body, client.exchange(body)[1], clients[DIRECT])
    for round_number in range(rounds):
        order.append(order.pop(0))  # nobody always comes first
        for name in order:
            series[name].add(slice_of_times(workload, clients[name], round_number))
    for client in clients.values():
        client.close()
    return series


def expect_answer(name: str, body: bytes, answer: bytes, direct: Client) -> None:
    """Speed of a wrong answer is worth nothing: it must say what the provider would have said."""
    if answer_text(answer) != answer_text(direct.exchange(body)[1]):
        raise SystemExit(f"benchmarks: {name} does not bring the original text back")


def slice_of_times(workload: Workload, client: Client, seed: int) -> list[float]:
    taken: list[float] = []
    began = time.perf_counter()
    for body in itertools.islice(workload.bodies(seed), MOST_IN_SLICE):
        taken.append(client.exchange(body)[0])
        if time.perf_counter() - began > SLICE_SECONDS:
            break
    return taken


def throughputs(
    workload: Workload, urls: dict[str, str], rounds: int, seconds: float
) -> dict[str, list[float]]:
    """Measure requests per second of all clients at once, a figure for each round."""
    figures: dict[str, list[float]] = {name: [] for name in urls}
    order = list(urls)
    bodies = list(itertools.islice(workload.bodies(7), 4000))
    for _ in range(rounds):
        order.append(order.pop(0))
        for name in order:
            figures[name].append(throughput(urls[name], bodies, seconds))
    return figures


def throughput(url: str, bodies: list[bytes], seconds: float) -> float:
    supply, counts, failures = iter(itertools.cycle(bodies)), [0] * CLIENTS, []
    barrier = threading.Barrier(CLIENTS + 1)
    end = threading.Event()

    def work(at: int) -> None:
        client = Client(url)
        barrier.wait()
        try:
            while not end.is_set():
                client.exchange(next(supply))
                counts[at] += not end.is_set()
        except (OSError, RuntimeError, ValueError) as exc:
            failures.append(exc)
        finally:
            client.close()

    threads = [threading.Thread(target=work, args=(at,)) for at in range(CLIENTS)]
    for thread in threads:
        thread.start()
    barrier.wait()
    began = time.perf_counter()
    end.wait(seconds)
    end.set()
    took = time.perf_counter() - began
    total = max(1, sum(counts))  # a system that finishes none in a slice is held to have finished one
    for thread in threads:
        thread.join()
    if failures:
        raise SystemExit(f"benchmarks: a client failed: {failures[0]}")
    return total / took
