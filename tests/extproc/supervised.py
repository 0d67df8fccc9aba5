"""Runs a supervisor over scripted workers: `python supervised.py FOLDER COUNT BEHAVIOR`.

Every worker appends its process id to `FOLDER/worker-N` and then behaves: `serve` beats until SIGTERM,
`drain` takes half a second to end after it, `stubborn` ignores it, `frozen-start` never beats, `crash`
and `config` fail at the start, `flaky` fails at the first start only.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from sidecar.errors import ConfigError
from sidecar.extproc.workers import Worker
from sidecar.supervisor.loop import Supervisor


def start(folder: Path, behavior: str, index: int, heartbeat: Callable[[], None]) -> None:
    with (folder / f"worker-{index}").open("a") as file:
        file.write(f"{os.getpid()}\n")
    starts = len((folder / f"worker-{index}").read_text().split())
    if behavior == "crash" or (behavior == "flaky" and starts == 1):
        raise RuntimeError("this text must not be shown")
    if behavior == "config":
        raise ConfigError("patterns.json: not\nusable")
    if behavior == "frozen-start":
        time.sleep(60)
    stopped: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _frame: stopped.append(number))
    while not stopped or behavior == "stubborn":
        heartbeat()
        time.sleep(0.05)
    if behavior == "drain":
        time.sleep(0.5)
        (folder / f"drained-{index}").touch()


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> int:
    folder, count, behavior = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    workers = [
        Worker(index, partial(start, folder, behavior), start_seconds=1.0, silence_seconds=0.5)
        for index in range(count)
    ]
    try:
        Supervisor(workers, drain_seconds=1.5).run(partial(say, "ready"))
    except ConfigError as exc:
        say(f"config: {exc}")
        return 2
    return 0


if __name__ == "__main__":
    assert "grpc" not in sys.modules
    sys.exit(main())
