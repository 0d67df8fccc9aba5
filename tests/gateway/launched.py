"""Runs a supervisor over scripted sidecars and a real Envoy: `python launched.py PROVIDER PORT WORKERS`.

Prints `ready URL FOLDER`; exits 2 with `config: …` if it cannot start.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path

from sidecar.errors import ConfigError
from sidecar.extproc.workers import Worker
from sidecar.gateway.launcher import Gateway, find_envoy, runtime_folder
from sidecar.gateway.plan import GatewayPlan
from sidecar.supervisor.loop import Supervisor


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def starter(folder: Path) -> Callable[[int, Callable[[], None]], None]:
    def start(index: int, heartbeat: Callable[[], None]) -> None:
        sys.path.insert(0, str(Path(__file__).parent))
        import stub_sidecar  # type: ignore[import-not-found]  # noqa: PLC0415 - loads gRPC: after the fork

        async def beat() -> None:
            while True:
                await asyncio.sleep(0.3)
                heartbeat()

        async def main() -> None:
            async with asyncio.TaskGroup() as group:
                group.create_task(beat())
                group.create_task(stub_sidecar.main(f"unix:{folder}/worker-{index}.sock"))

        asyncio.run(main())

    return start


def main() -> int:
    provider, port, workers = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    try:
        with runtime_folder() as folder:
            plan = GatewayPlan(
                targets={"openai": provider},
                default_target="openai",
                sidecars=tuple(f"unix:{folder}/worker-{index}.sock" for index in range(workers)),
                admin_socket=folder / "admin.sock",
                port=port,
                message_timeout=5.0,
            )
            gateway = Gateway(plan, folder, find_envoy(), concurrency=1)
            children = [Worker(index, starter(folder)) for index in range(workers)]
            with gateway.ahead():
                Supervisor(children, [gateway]).run(lambda: say(f"ready {gateway.url} {folder}"))
    except ConfigError as exc:
        say(f"config: {exc}")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
