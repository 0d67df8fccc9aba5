"""What pii-sidecar adds to an exchange, against Envoy alone and against the plain implementation.

    python -m benchmarks [--full] [--out FILE]

All systems run at the same time on loopback in front of one echo provider and are measured in turns, in
paired rounds, so that a ratio holds although absolute times differ from machine to machine.
"""

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.measure import CLIENTS, Series, Spread, latencies, throughputs
from benchmarks.systems import SYSTEMS, Unavailable, echo_provider
from benchmarks.workloads import WORKLOADS

BASE = "Envoy alone"
OURS, PLAIN = "pii-sidecar", "plain"
WIDTH = 110


def main() -> int:
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__.partition("\n")[0])
    parser.add_argument("--full", action="store_true", help="three times the rounds, about seven minutes")
    parser.add_argument("--out", type=Path, help="also write the figures to this file, as JSON")
    args = parser.parse_args()
    console = Console(width=WIDTH if not sys.stdout.isatty() else None)
    seconds = 420.0 if args.full else 130.0
    rounds = 60 if args.full else 20
    console.print(machine(), highlight=False)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        urls = started(stack, folder, console)
        began = time.monotonic()
        figures: dict[str, object] = {"machine": machine()}
        for at, workload in enumerate(WORKLOADS):
            deadline = began + seconds * 0.8 * (at + 1) / len(WORKLOADS)
            series = latencies(workload, urls, rounds, deadline)
            console.print(latency_table(workload.name, series))
            figures[workload.name] = {name: vars(measured) for name, measured in series.items()}
        rates = throughputs(WORKLOADS[0], urls, rounds // 4, 0.7, began + seconds)
        console.print(throughput_table(rates))
        figures["requests per second"] = rates
    if args.out:
        args.out.write_text(json.dumps(figures, indent=1), encoding="utf-8")
    return 0 if OURS in urls else 1


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


def machine() -> str:
    """Describe the machine in one line."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line for line in cpuinfo.read_text().splitlines() if line.startswith("model name")]
        model = names[0].partition(":")[2].strip() if names else model
    load = os.getloadavg()[0]
    python = platform.python_version()
    return f"{model}, {os.cpu_count()} CPUs, {platform.system()}, Python {python}, load {load:.1f} at start"


def latency_table(title: str, series: dict[str, Series]) -> Table:
    table = Table(title=f"{title}: time to the whole answer", title_justify="left", title_style="bold")
    table.add_column("system")
    for heading in ("p50 ms", "p95 ms", f"/ {BASE}", "added ms", "added, plain / this"):
        table.add_column(heading, justify="right")
    base = series.get(BASE)
    for name, measured in series.items():
        cells = [name, f"{measured.quantile(0.5) * 1e3:.2f}", f"{measured.quantile(0.95) * 1e3:.2f}"]
        if base is not None and name != BASE:
            cells.append(shown([t / b for t, b in zip(measured.rounds, base.rounds, strict=True)], "x"))
            cells.append(shown([(t - b) * 1e3 for t, b in zip(measured.rounds, base.rounds, strict=True)]))
        if base is not None and name == OURS and PLAIN in series:
            pairs = zip(measured.rounds, series[PLAIN].rounds, base.rounds, strict=True)
            cells.append(shown([(p - b) / max(t - b, 1e-6) for t, p, b in pairs], "x"))
        table.add_row(*cells)
    return table


def throughput_table(rates: dict[str, list[float]]) -> Table:
    table = Table(
        title=f"{WORKLOADS[0].name}: {CLIENTS} clients at once", title_justify="left", title_style="bold"
    )
    table.add_column("system")
    for heading in ("requests/s", f"/ {BASE}", "/ plain"):
        table.add_column(heading, justify="right")
    for name, measured in rates.items():
        cells = [name, shown(measured, digits=0)]
        for other in (BASE, PLAIN):
            known = other in rates and other != name
            pairs = zip(measured, rates.get(other, measured), strict=True)
            cells.append(shown([a / b for a, b in pairs], "x") if known else "")
        table.add_row(*cells)
    return table


def shown(figures: list[float], unit: str = "", digits: int = 2) -> str:
    spread = Spread.of(figures)
    return f"{spread.median:.{digits}f}{unit} [{spread.low:.{digits}f}-{spread.high:.{digits}f}]"


if __name__ == "__main__":
    sys.exit(main())
