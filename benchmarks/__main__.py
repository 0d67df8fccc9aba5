"""All measurements against the goals of speed, or some of them.

    python -m benchmarks [PART ...] [--full] [--out FOLDER]

What is compared is measured in turns within one run, so that a ratio holds although absolute times differ
from machine to machine. With ``--out`` the figures go to ``figures.json`` and their plots beside it.
"""

# ruff: noqa: E402 - one thread must be asked for before numpy is imported

import argparse
import json
import os
import platform
import sys
from collections.abc import Callable
from pathlib import Path

for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS"):
    os.environ[variable] = "1"

from rich.console import Console

from benchmarks import cold_start, conversation, detection, end_to_end, memory, ner_kernel, streams
from benchmarks.goals import Goal, goals_table

Figures = dict[str, object]
Measure = Callable[..., tuple[list[Goal], Figures]]

PARTS: dict[str, Measure] = {
    "detection": detection.measure,
    "kernel": ner_kernel.measure,
    "conversation": conversation.measure,
    "end-to-end": end_to_end.measure,
    "streams": streams.measure,
    "cold-start": cold_start.measure,
    "memory": memory.measure,
}
WIDTH = 120


def main() -> int:
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__.partition("\n")[0])
    parser.add_argument("parts", nargs="*", choices=[[], *PARTS], help="all of them, if none is named")
    parser.add_argument("--full", action="store_true", help="more rounds, longer texts: about half an hour")
    parser.add_argument("--out", type=Path, help="also write the figures and plots to this folder")
    args = parser.parse_args()
    console = Console(width=WIDTH if not sys.stdout.isatty() else None)
    console.print(machine(), highlight=False)
    goals: list[Goal] = []
    figures: Figures = {"machine": machine()}
    for name in args.parts or PARTS:
        console.rule(name)
        reached, figures[name] = PARTS[name](console, full=args.full)
        goals += reached
    console.print(goals_table(goals))
    if args.out:
        figures["goals"] = [goal.as_json() for goal in goals]
        write(args.out, figures)
    return 0


def write(folder: Path, figures: Figures) -> None:
    from benchmarks.plots import plot  # noqa: PLC0415 - matplotlib

    folder.mkdir(parents=True, exist_ok=True)
    (folder / "figures.json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    plot(figures, folder)


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


if __name__ == "__main__":
    sys.exit(main())
