"""Detection alone, without any HTTP: ours against the plain implementation, Presidio and bare spaCy NER.

    python -m benchmarks detection [--full]

All run in this process, pinned to one core, on the same fresh text in every round, one after the other in
changing order. Times are of the process's CPU, so that a neighbor on the machine costs nobody anything.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.detectors import Detect, ner_only, ours, plain, presidio
from benchmarks.goals import Goal, shown
from benchmarks.texts import never_seen, prose
from sidecar.cli.core import build
from sidecar.model import Passage
from sidecar.request_body import Deadline
from sidecar.settings import Settings

OURS, PLAIN, PRESIDIO, NER_ONLY = "pii-sidecar", "plain", "Presidio", "spaCy ner-only"
PEERS: dict[str, Callable[[], Detect]] = {PLAIN: plain, PRESIDIO: presidio, NER_ONLY: ner_only}
LENGTHS = (50, 200, 500, 2000, 5000, 20_000)
UNSEEN_LENGTHS = (50, 500, 5000)
WORDS_A_ROUND = 4000  # short texts come several to a round: one alone is mostly noise
GOALS = {PLAIN: 20.0, PRESIDIO: 22.0, NER_ONLY: 9.0}
UNSEEN_GOAL = 15.0
LONG = 20_000
SECONDS = 3600.0

Make = Callable[[int, int], str]


@dataclass
class Paired:
    """Seconds a word of each system in each round, by words in a text."""

    seconds: dict[int, dict[str, list[float]]] = field(default_factory=dict)

    def ratios(self, peer: str, words: int) -> list[float]:
        of_words = self.seconds[words]
        return [theirs / own for theirs, own in zip(of_words[peer], of_words[OURS], strict=True)]


def measure(console: Console, *, full: bool) -> tuple[list[Goal], dict[str, object]]:
    """Print the tables; return the goals and all figures."""
    with one_core():
        detectors = {OURS: ours(), **{name: load() for name, load in PEERS.items()}}
        cold = paired(detectors, prose, LENGTHS, rounds=9 if full else 3)
        some = {name: detectors[name] for name in (OURS, PLAIN)}
        unseen = paired(some, never_seen, UNSEEN_LENGTHS, rounds=9 if full else 3)
    console.print(table("Detection, all-new prose, one core", cold, detectors))
    console.print(table("Detection, words never seen (ids, hashes), one core", unseen, some))
    goals = [
        Goal.at_least(f"detection, {words} words, against {peer}", bound, cold.ratios(peer, words))
        for peer, bound in GOALS.items()
        for words in LENGTHS
    ]
    goals += [
        Goal.at_least(f"detection, {words} unseen words", UNSEEN_GOAL, unseen.ratios(PLAIN, words))
        for words in UNSEEN_LENGTHS
    ]
    faster = two_cores(rounds=9 if full else 3)
    goals.append(Goal.at_least("20 000 words, all cores against one, wall time", 1.6, faster))
    return goals, {"prose": cold.seconds, "never seen": unseen.seconds, "two cores": faster}


def two_cores(rounds: int) -> list[float]:
    """Return how many times as fast a worker reads one long text with all the cores that there are."""
    detection = build(Settings(cache_bytes=0)).core.detection
    ratios = []
    for seed in range(-1, rounds):
        passage = [Passage(prose(LONG, seed))]
        with one_core():
            alone = wall(lambda: detection.detect(passage, Deadline(SECONDS)))  # noqa: B023 - called at once
        together = wall(lambda: detection.detect(passage, Deadline(SECONDS)))  # noqa: B023 - same
        if seed >= 0:
            ratios.append(alone / together)
    return ratios


def wall(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def paired(detectors: dict[str, Detect], make: Make, lengths: Sequence[int], rounds: int) -> Paired:
    result = Paired()
    order = list(detectors)
    for words in lengths:
        of_words: dict[str, list[float]] = {name: [] for name in detectors}
        count = max(1, WORDS_A_ROUND // words)
        for seed in range(-1, rounds):  # the first round warms up
            texts = [make(words, seed * 1000 + number) for number in range(count)]
            order.append(order.pop(0))
            for name in order:
                seconds = cpu(detectors[name], texts) / (count * words)
                if seed >= 0:
                    of_words[name].append(seconds)
        result.seconds[words] = of_words
    return result


def cpu(detect: Detect, texts: Sequence[str]) -> float:
    began = time.process_time()
    for text in texts:
        detect(text)
    return time.process_time() - began


@contextmanager
def one_core() -> Iterator[None]:
    """Keep all threads of this process on one core for a while, where the system can."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    pin({min(before)})
    try:
        yield
    finally:
        pin(before)


def pin(cores: set[int]) -> None:
    for thread in Path("/proc/self/task").iterdir():
        os.sched_setaffinity(int(thread.name), cores)


def table(title: str, measured: Paired, systems: dict[str, Detect]) -> Table:
    result = Table(title=f"{title}: µs a word, and times as long as ours", title_justify="left")
    result.add_column("words", justify="right")
    for name in systems:
        result.add_column(name, justify="right")
    for words, of_words in measured.seconds.items():
        cells = [shown([1e6 * each for each in of_words[OURS]], digits=1)]
        for name in systems:
            if name != OURS:
                microseconds = shown([1e6 * each for each in of_words[name]], digits=0)
                cells.append(f"{microseconds}\n{shown(measured.ratios(name, words), 'x', 1)}")
        result.add_row(str(words), *cells)
    return result
