"""One forked worker process, as its supervisor sees it.

The parent has loaded the model and patterns and shares them with all its workers; gRPC must not be
loaded before the fork, so nothing here imports it. The worker's heartbeat comes from its event loop:
a loop that hangs is as good as a process that is gone.
"""

from __future__ import annotations

import contextlib
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from sidecar.errors import SidecarError
from sidecar.supervisor.child import fork

BEAT = b"."
LAST_WORDS = b"!"  # then one line of UTF-8 up to the end of the pipe
LONGEST_REASON = 500

Heartbeat = Callable[[], None]
Start = Callable[[int, Heartbeat], None]


@dataclass(slots=True)
class Worker:
    """A child that runs ``start(index, heartbeat)`` in a fork and ends when that returns.

    Args:
        index: Its place among the workers, from 0.
        start: Serves until SIGTERM; calls ``heartbeat`` about twice a second once it serves.
            ``heartbeat`` raises BrokenPipeError when the supervisor is gone.
        start_seconds: How long it may take until the first heartbeat.
        silence_seconds: How long it may then go without one.
    """

    index: int
    start: Start
    start_seconds: float = 15.0
    silence_seconds: float = 2.5
    _said: bytearray = field(default_factory=bytearray)

    @property
    def name(self) -> str:
        """The name in logs."""
        return f"worker-{self.index}"

    def spawn(self, unwanted: Sequence[int]) -> tuple[int, int]:
        """Fork; return the child's process id and the read end of its pipe."""
        self._said.clear()
        read_end, write_end = os.pipe()
        pid = fork()
        if pid == 0:
            for descriptor in (*unwanted, read_end):
                os.close(descriptor)
            self._live(write_end)
        os.close(write_end)
        return pid, read_end

    def heard(self, chunk: bytes) -> None:
        """Take heartbeats or last words."""
        if self.is_ready() and LAST_WORDS not in chunk:
            return  # nothing new: do not collect a heartbeat every half second for ever
        self._said += chunk

    def is_ready(self) -> bool:
        """Tell whether there was a heartbeat."""
        return self._said.startswith(BEAT)

    def drained(self) -> bool:
        """Tell that it may be stopped at any time: it drains by itself on SIGTERM."""
        return True

    def reason(self) -> str:
        """Return its last words, if it left any."""
        return self._said.partition(LAST_WORDS)[2].decode("utf-8", "replace")

    def _live(self, pipe: int) -> NoReturn:
        os.set_blocking(pipe, False)

        def heartbeat() -> None:
            with contextlib.suppress(BlockingIOError):  # full: the parent is busy and will read it later
                os.write(pipe, BEAT)

        code = 1
        try:
            self.start(self.index, heartbeat)
            code = 0
        except SidecarError as exc:
            line = " ".join(str(exc).split()).encode()[:LONGEST_REASON]
            with contextlib.suppress(OSError):
                os.write(pipe, LAST_WORDS + line)
        except BaseException as exc:  # noqa: BLE001 - the last frame of this process: nobody else can say it
            _complain(exc)
        finally:
            with contextlib.suppress(OSError, ValueError):
                sys.stdout.flush()
                sys.stderr.flush()
            os._exit(code)  # no handlers that the parent registered for its own end


def _complain(exc: BaseException) -> None:
    # Names and lines only: the text of an unexpected error may hold anything.
    frames = traceback.extract_tb(exc.__traceback__)
    where = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "?"
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.write(f"worker ended by {type(exc).__name__} at {where}\n")
