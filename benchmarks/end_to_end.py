"""Whole exchanges on loopback: what each system adds to an exchange through Envoy, and how many it carries.

    python -m benchmarks end-to-end [--full]

All systems run at the same time in front of one echo provider and are measured in turns, in paired rounds.
"""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.goals import Goal, shown
from benchmarks.measure import CLIENTS, Series, latencies, quantile, throughputs
from benchmarks.systems import DIRECT, SYSTEMS, Unavailable, echo_provider
from benchmarks.workloads import SHORT, THROUGHPUT, WORKLOADS, Workload, chat_of

ENVOY, NOOP, OURS, PLAIN = "Envoy alone", "no-op ext_proc", "pii-sidecar", "plain"
TURNS = (1, 5, 10, 20, 40)
RESAMPLES = 200


def measure(console: Console, *, full: bool) -> tuple[list[Goal], dict[str, object]]:
    """Print the tables; return the goals and all figures.

    Raises:
        Unavailable: Our own program cannot be run here.
    """
    rounds, seconds = (60, 2.0) if full else (15, 1.0)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        urls = started(stack, folder, console)
        if OURS not in urls:
            raise Unavailable("pii-sidecar itself could not be started")
        series: dict[str, dict[str, Series]] = {}
        for workload in WORKLOADS:
            series[workload.name] = latencies(workload, urls, rounds)
            console.print(latency_table(workload.name, series[workload.name]))
        rates = throughputs(THROUGHPUT, urls, max(4, rounds // 4), seconds)
        console.print(throughput_table(THROUGHPUT.name, rates))
        by_turn = turns(urls, max(3, rounds // 4))
    figures: dict[str, object] = {
        name: {system: vars(measured) for system, measured in by_system.items()}
        for name, by_system in series.items()
    }
    return goals(series[SHORT.name], rates), {**figures, "requests per second": rates, "by turn": by_turn}


def started(stack: ExitStack, folder: Path, console: Console) -> dict[str, str]:
    """Start everything; say what cannot be measured here, and why."""
    provider = stack.enter_context(echo_provider(folder))
    urls = {}
    for system in SYSTEMS:
        try:
            urls[system.name] = stack.enter_context(system.run(provider, folder))
            console.print(f"{system.name:15s} {system.what}", highlight=False)
        except Unavailable as exc:
            console.print(f"{system.name:15s} NOT MEASURED: {exc}", highlight=False)
    return urls


def goals(short: dict[str, Series], rates: dict[str, list[float]]) -> list[Goal]:
    reached = []
    if NOOP in short:
        own, floor = short[OURS], short[NOOP]
        added = [1e3 * (t - b) for t, b in zip(own.rounds, floor.rounds, strict=True)]
        reached.append(Goal.at_most(f"{SHORT.name}, added to no-op ext_proc at p50", 1.0, added, " ms"))
        tails = resampled(own, floor, lambda one, other: quantile(one, 0.99) / quantile(other, 0.99))
        reached.append(Goal.at_most(f"{SHORT.name}, p99 against that of no-op ext_proc", 2.0, tails))
    if PLAIN in rates:
        faster = [t / b for t, b in zip(rates[OURS], rates[PLAIN], strict=True)]
        reached.append(Goal.at_least(f"{THROUGHPUT.name}, {CLIENTS} clients, against plain", 10.0, faster))
    return reached


def resampled(one: Series, other: Series, figure: Callable[[list[float], list[float]], float]) -> list[float]:
    """Return a figure of all times of two systems for many draws of rounds: one round has no tail."""
    chance = random.Random(1)
    pairs = list(zip(one.slices, other.slices, strict=True))
    draws = [chance.choices(pairs, k=len(pairs)) for _ in range(RESAMPLES)]
    return [
        figure([t for first, _ in draw for t in first], [t for _, second in draw for t in second])
        for draw in draws
    ]


def turns(urls: dict[str, str], rounds: int) -> dict[str, dict[int, list[float]]]:
    """Return the seconds of a new turn after so many others, which were sent before."""
    result: dict[str, dict[int, list[float]]] = {name: {} for name in urls if name != DIRECT}
    for count in TURNS:
        measured = latencies(Workload(f"turn {count}", chat_of(count)), urls, rounds)
        for name, by_turn in result.items():
            by_turn[count] = measured[name].rounds
    return result


def latency_table(title: str, series: dict[str, Series]) -> Table:
    table = Table(title=f"{title}: time to the whole answer", title_justify="left", title_style="bold")
    table.add_column("system")
    for heading in ("p50 ms", "p99 ms", f"/ {ENVOY}", f"added to {NOOP}, ms", "added, plain / this"):
        table.add_column(heading, justify="right")
    base, floor = series.get(ENVOY), series.get(NOOP)
    for name, measured in series.items():
        cells = [name, f"{measured.quantile(0.5) * 1e3:.2f}", f"{measured.quantile(0.99) * 1e3:.2f}"]
        of = measured.rounds
        cells.append(
            shown([t / b for t, b in zip(of, base.rounds, strict=True)], "x")
            if base not in (None, measured)
            else ""
        )
        compared = floor is not None and name in {OURS, PLAIN}
        added = [(t - f) * 1e3 for t, f in zip(of, floor.rounds, strict=True)] if compared and floor else []
        cells.append(shown(added) if added else "")
        if name == OURS and PLAIN in series and floor:
            others = zip(added, series[PLAIN].rounds, floor.rounds, strict=True)
            cells.append(shown([(p - f) * 1e3 / max(mine, 1e-3) for mine, p, f in others], "x", 1))
        table.add_row(*cells)
    return table


def throughput_table(title: str, rates: dict[str, list[float]]) -> Table:
    table = Table(title=f"{title}: {CLIENTS} clients at once", title_justify="left", title_style="bold")
    table.add_column("system")
    for heading in ("requests/s", f"/ {NOOP}", "/ plain"):
        table.add_column(heading, justify="right")
    for name, measured in rates.items():
        cells = [name, shown(measured, digits=0)]
        for other in (NOOP, PLAIN):
            known = other in rates and other != name
            pairs = zip(measured, rates.get(other, measured), strict=True)
            cells.append(shown([a / b for a, b in pairs], "x") if known else "")
        table.add_row(*cells)
    return table
