"""``pii-sidecar demo``: the whole product offline, against a provider that echoes what it saw."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from sidecar.errors import ConfigError
from sidecar.gateway.demo import run_demo
from sidecar.gateway.echo_provider import EchoProvider

STOP_SECONDS = 40


def demo() -> int:
    """Show what was sent, seen and got; return 0 only if nothing leaked and everything came back.

    Raises:
        ConfigError: The gateway does not start.
    """
    with EchoProvider() as provider, _gateway(provider) as url:
        return run_demo(url, provider)


@contextmanager
def _gateway(provider: EchoProvider) -> Iterator[str]:
    # A process of its own, since the provider has a thread here and ``up`` forks.
    arguments = [f"--upstream={name}={provider.url}" for name in ("openai", "anthropic")]
    process = subprocess.Popen(  # noqa: S603 - this very program
        [sys.executable, "-m", "sidecar", "up", "--listen", "127.0.0.1:0", "--workers", "1", *arguments],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        line = process.stdout.readline() if process.stdout else ""
        if not line.startswith("ready "):
            raise ConfigError("demo: the gateway did not start; its own line above says why")
        yield line.split()[1]
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
