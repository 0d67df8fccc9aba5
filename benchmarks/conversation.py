"""What a growing conversation costs: a new turn after a history that was sent before, in CPU time.

    python -m benchmarks.conversation [--messages N] [--words N] [--rounds N]

Every round has a history of its own, in varied prose with fresh originals, and measures the same requests
in turn: everything looked at anew (cold), the history alone (fill), the history and a new turn (warm), and
the new turn without any history. Ratios are medians of the rounds' ratios, with the range of 80 % of them.
"""

# ruff: noqa: E402 - one thread must be asked for before numpy is imported

import argparse
import itertools
import os
import random
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS"):
    os.environ[variable] = "1"

from rich.console import Console
from rich.table import Table

from benchmarks import workloads
from benchmarks.goals import Goal
from benchmarks.measure import Spread
from benchmarks.plain_proxy import Plain
from benchmarks.texts import PARAGRAPHS
from sidecar.detection.cache import SpanCache
from sidecar.detection.pipeline import Detection, load_detection
from sidecar.formats.format import RequestReader
from sidecar.formats.request_types import reader_for
from sidecar.model import Passage
from sidecar.request_body import Deadline, tokenize_body
from sidecar.tokens.token_map import TokenMap

MESSAGES, WORDS, NEW_WORDS = 100, 200, 50
SECONDS = 3600.0
CALLER = b"benchmark"
CACHE_BYTES = 16 * 1024 * 1024


@dataclass
class Times:
    """Milliseconds of each round, by what was done."""

    by_work: dict[str, list[float]] = field(default_factory=dict)

    def measure(self, work: str, call: Callable[[], object]) -> None:
        began = time.process_time()
        call()
        self.by_work.setdefault(work, []).append(1e3 * (time.process_time() - began))

    def ratios(self, above: str, below: str) -> list[float]:
        return [a / b for a, b in zip(self.by_work[above], self.by_work[below], strict=True)]

    def ratio(self, above: str, below: str) -> str:
        spread = Spread.of(self.ratios(above, below))
        return f"{spread.median:.1f} ({spread.low:.1f} to {spread.high:.1f})"


def main() -> int:
    parser = argparse.ArgumentParser(prog="benchmarks.conversation", description=__doc__.partition("\n")[0])
    parser.add_argument("--messages", type=int, default=MESSAGES)
    parser.add_argument("--words", type=int, default=WORDS)
    parser.add_argument("--rounds", type=int, default=7)
    args = parser.parse_args()
    console = Console(width=None if sys.stdout.isatty() else 100)
    run(console, args.messages, args.words, args.rounds)
    return 0


def measure(console: Console, *, full: bool) -> tuple[list[Goal], dict[str, object]]:
    """Print the tables; return the goals and all figures."""
    detect, tokenize = run(console, MESSAGES, WORDS, 7 if full else 3, naive=Plain("http://127.0.0.1").detect)
    goals = []
    for part, times in (("detection", detect), ("from body to body", tokenize)):
        work = f"{NEW_WORDS}-word turn after {MESSAGES} x {WORDS} words, {part}, against"
        goals += [
            Goal.at_most(f"{work} the turn alone", 2.0, times.ratios("warm", "turn alone")),
            Goal.at_least(f"{work} the plain scan of all", 2000.0, times.ratios("plain", "warm")),
        ]
    return goals, {"detect, ms": detect.by_work, "tokenize_body, ms": tokenize.by_work}


def run(
    console: Console,
    messages: int,
    words: int,
    rounds: int,
    naive: Callable[[str], object] | None = None,
) -> tuple[Times, Times]:
    """Measure and print; return the times of detection and of whole requests, with those of ``naive``."""
    plain = load_detection()
    cache = SpanCache(CACHE_BYTES)
    remembering = Detection(plain._parts, cache)  # noqa: SLF001 - the same parts, once with and once without
    reader = reader_for("/v1/chat/completions", "application/json")
    if reader is None:
        raise SystemExit("benchmarks: no reader for chats")
    detect, edit, tokenize = Times(), Times(), Times()
    for number in range(-1, rounds):  # the first round warms up the models
        history = [message(f"{number}:{turn}", words) for turn in range(messages)]
        kept = (Times(), Times(), Times()) if number < 0 else (detect, edit, tokenize)
        measure_detect(kept[0], plain, remembering, history, f"{number}")
        measure_edit(kept[1], plain, remembering, history)
        measure_tokenize(kept[2], plain, remembering, reader, history)
        if naive is not None:
            kept[0].measure("plain", lambda: [naive(text) for text in history])  # noqa: B023 - called at once
            kept[2].by_work["plain"] = kept[0].by_work["plain"]
    console.print(f"{messages} messages of {words} words, then {NEW_WORDS} new words", highlight=False)
    for title, times in (
        ("Detection.detect", detect),
        ("Detection.detect, all messages in one text, then its end edited", edit),
        ("tokenize_body", tokenize),
    ):
        console.print(shown(title, times))
    stats = cache.stats
    console.print(
        f"{stats.entries} texts, pieces of long ones and histories remembered in {stats.bytes} bytes",
        highlight=False,
    )
    return detect, tokenize


def measure_detect(
    times: Times, plain: Detection, remembering: Detection, history: Sequence[str], seed: str
) -> None:
    before = [Passage(text, "content") for text in history]
    turn = Passage(message(f"{seed}:detect", NEW_WORDS), "content")
    budget = Deadline(SECONDS)
    times.measure("cold", lambda: plain.detect([*before, turn], budget))
    times.measure("fill", lambda: remembering.detect(before, budget, CALLER))
    times.measure("warm", lambda: remembering.detect([*before, turn], budget, CALLER))
    times.measure("again", lambda: remembering.detect([*before, turn], budget, CALLER))
    times.measure("turn alone", lambda: plain.detect([turn], budget))


def measure_edit(times: Times, plain: Detection, remembering: Detection, history: Sequence[str]) -> None:
    text, turn = "\n".join(history), message(history[0], NEW_WORDS)
    edited, budget = [Passage(f"{text}\n{turn}")], Deadline(SECONDS)
    times.measure("cold", lambda: plain.detect(edited, budget))
    times.measure("fill", lambda: remembering.detect([Passage(text)], budget, CALLER))
    times.measure("warm", lambda: remembering.detect(edited, budget, CALLER))
    times.measure("turn alone", lambda: plain.detect([Passage(turn)], budget))


def measure_tokenize(
    times: Times, plain: Detection, remembering: Detection, reader: RequestReader, history: Sequence[str]
) -> None:
    said = [{"role": "user", "content": text} for text in history]
    asked = {"role": "user", "content": message(history[0], NEW_WORDS)}

    def tokenized(detection: Detection, messages: Sequence[dict[str, str]]) -> bytes:
        body = workloads.chat([*messages])
        return tokenize_body(
            body, reader, detection, TokenMap(detection.entity_types), Deadline(SECONDS), scope=CALLER
        )

    def both(work: str, messages: Sequence[dict[str, str]]) -> None:
        seen: list[bytes] = []
        times.measure(work, lambda: seen.append(tokenized(remembering, messages)))
        if seen != [tokenized(plain, messages)]:
            raise SystemExit("benchmarks: what is remembered and what is found anew differ")

    times.measure("cold", lambda: tokenized(plain, [*said, asked]))
    both("fill", said)
    both("warm", [*said, asked])
    both("again", [*said, asked])
    both("first message dropped", [*said[1:], asked])
    times.measure("turn alone", lambda: tokenized(plain, [asked]))


def message(seed: str, words: int) -> str:
    """Return prose that was never sent before: half of it documentation, half with originals."""
    chance = random.Random(seed)
    prose = itertools.chain.from_iterable(chance.choice(PARAGRAPHS).split() for _ in itertools.count())
    half = " ".join(itertools.islice(prose, words // 2))
    return f"{workloads.text(chance, words - words // 2)} {half}"


def shown(title: str, times: Times) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column("work")
    table.add_column("ms", justify="right")
    table.add_column("cold takes times as long", justify="right")
    table.add_column("takes so many times the turn alone", justify="right")
    for work, figures in times.by_work.items():
        median = Spread.of(figures).median
        table.add_row(work, f"{median:.2f}", times.ratio("cold", work), times.ratio(work, "turn alone"))
    return table


if __name__ == "__main__":
    sys.exit(main())
