"""Holds for all tests: laws are about results; how long one example takes depends on the machine's load.

A real Redis server is the one thing here that pip cannot install; `make test` gets it from the system.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")


@contextmanager
def _redis(folder: Path) -> Iterator[str]:
    binary = shutil.which("redis-server") or shutil.which("valkey-server")
    if binary is None:
        pytest.fail("no redis-server on this machine: apt-get install redis-server")
    socket = folder / "redis.sock"
    options = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "save": "",
        "dir": str(folder),
    }
    process = subprocess.Popen(
        [binary, *(word for name, text in options.items() for word in (f"--{name}", text))],
        stdout=subprocess.DEVNULL,
    )
    try:
        end = time.monotonic() + 10
        while not socket.exists():
            assert process.poll() is None, "redis-server ended by itself"
            assert time.monotonic() < end, "redis-server did not start in time"
            time.sleep(0.02)
        yield f"unix://{socket}"
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """Return the URL of a Redis server on a socket in a private folder, empty at first."""
    with tempfile.TemporaryDirectory(prefix="pii-redis-") as folder, _redis(Path(folder)) as url:
        yield url
