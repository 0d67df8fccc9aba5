"""Runs `pii-sidecar up`, a real Envoy included, in front of the echo provider on loopback.

Everything that a test plants is looked for in what the provider received, in every spelling that a
program might give it, and in everything that was logged.
"""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote, quote_plus

READY_SECONDS = 60.0


class Gateway:
    """One running `pii-sidecar up`."""

    def __init__(self, process: subprocess.Popen[str], log: Path) -> None:
        self.process = process
        self.log = log
        self.url = self._ready()

    def _ready(self) -> str:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line.startswith("ready http"), f"{line!r}; log: {self.log.read_text()[-3000:]}"
        return line.split()[1]

    @property
    def children(self) -> list[int]:
        """The pids of all child processes."""
        return children(self.process.pid)

    @property
    def workers(self) -> list[int]:
        """The pids of the worker processes, Envoy not among them."""
        return [pid for pid in self.children if command(pid) != "envoy"]


def children(pid: int) -> list[int]:
    """Return the pids of a process's children."""
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    return [int(child) for child in listed.split()]


def command(pid: int) -> str:
    """Return the name of a process."""
    return Path(f"/proc/{pid}/comm").read_text(encoding="ascii").strip()


class Planted:
    """Everything that tests planted; nothing of it may be seen by the provider or be logged."""

    def __init__(self) -> None:
        self.originals: set[str] = set()

    def __call__(self, original: str) -> str:
        self.originals.add(original)
        return original

    def assert_absent(self, received: bytes) -> None:
        """Fail if an original stands in these bytes in any spelling."""
        for original in self.originals:
            for spelling in spellings(original):
                assert spelling not in received, f"the provider saw {original!r}"


def spellings(text: str) -> set[bytes]:
    """Return the ways in which a program may write a text into a body, URL or header."""
    once = json.dumps(text)[1:-1]
    plain = {
        text,
        once,
        json.dumps(text, ensure_ascii=False)[1:-1],
        json.dumps(once)[1:-1],
        quote(text),
        quote_plus(text),
    }
    encoded = {text.encode("utf-16-le"), base64.b64encode(text.encode()).rstrip(b"=")[:-1]}
    return {spelling.encode() for spelling in plain} | encoded


@contextmanager
def running(folder: Path, *arguments: str, cwd: Path | None = None, **environment: str) -> Iterator[Gateway]:
    """Run `pii-sidecar up` with these arguments until the block ends; it must end well."""
    log = folder / "up.log"
    with log.open("w", encoding="utf-8") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "sidecar", "up", "--listen", "127.0.0.1:0", *arguments],
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            cwd=cwd,
            env={**os.environ, "LOG_LEVEL": "debug", **environment},
        )
    try:
        yield Gateway(process, log)
        assert process.poll() is None, "up ended by itself"
        process.send_signal(signal.SIGTERM)
        assert process.wait(40) == 0
    finally:
        process.kill()
        process.wait(10)
        if process.stdout is not None:
            process.stdout.close()
