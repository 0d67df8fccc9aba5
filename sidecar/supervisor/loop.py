"""The supervisor: one thread, one loop, no locks.

A child that dies is replaced at once, all of them at the same time if need be; one that is silent for
too long is killed first. The parent never starts a thread, so that forking stays safe.
"""

from __future__ import annotations

import contextlib
import gc
import os
import select
import signal
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import structlog

from sidecar.errors import ConfigError
from sidecar.supervisor.child import STOP_SIGNALS, WATCHED_SIGNALS, Child

DRAIN_SECONDS = 30.0
TICK_MILLISECONDS = 50
FIRST_START_ATTEMPTS = 3
LATER_START_ATTEMPTS = 30
SHORTEST_PAUSE = 0.05
LONGEST_PAUSE = 1.0

log = structlog.get_logger()


@dataclass(slots=True)
class _Slot:
    """One child: the process that runs now, and how those before it fared."""

    child: Child
    pid: int = 0  # 0: none runs
    pipe: int = -1
    started: float = 0.0
    heard: float = 0.0
    ready: bool = False
    condemned: bool = False  # killed, not yet reaped
    ever_ready: bool = False
    failed_starts: int = 0
    next_start: float = 0.0

    def start(self, unwanted: Sequence[int]) -> None:
        self.ready = self.condemned = False
        self.pid, self.pipe = self.child.spawn(unwanted)
        os.set_blocking(self.pipe, False)
        self.started = self.heard = time.monotonic()

    def read(self) -> bool:
        """Take what the pipe holds; tell whether it will hold more."""
        while self.pipe >= 0:
            try:
                chunk = os.read(self.pipe, 65536)
            except BlockingIOError:
                return True
            if not chunk:
                os.close(self.pipe)
                self.pipe = -1
                return False
            self.heard = time.monotonic()
            self.child.heard(chunk)
        return False

    def judge(self, now: float) -> None:
        """Note that it is ready, or kill it if it is overdue."""
        if not self.ready and self.child.is_ready():
            self.ready = self.ever_ready = True
            self.failed_starts = 0
            self.heard = time.monotonic()
        limit = self.child.silence_seconds if self.ready else self.child.start_seconds
        if not self.condemned and now - (self.heard if self.ready else self.started) > limit:
            self.condemned = True
            log.error("child_frozen", child=self.child.name, pid=self.pid, ready=self.ready)
            os.kill(self.pid, signal.SIGKILL)

    def exit_code(self) -> int | None:
        """Reap it if it has ended; return its exit code, or minus the signal."""
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        if pid == 0:
            return None
        self._buried()
        return os.waitstatus_to_exitcode(status)

    def kill(self) -> None:
        """End it for good and reap it."""
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        self._buried()

    def _buried(self) -> None:
        self.read()  # its last words
        if self.pipe >= 0:  # a child of the child may still hold the other end
            os.close(self.pipe)
        self.pid, self.pipe = 0, -1

    def plan_next(self, code: int) -> None:
        """Decide when its successor starts.

        Raises:
            ConfigError: It never will.
        """
        reason = self.child.reason()
        log.error("child_died", child=self.child.name, code=code, was_ready=self.ready, reason=reason)
        self.failed_starts = 0 if self.ready else self.failed_starts + 1
        attempts = LATER_START_ATTEMPTS if self.ever_ready else FIRST_START_ATTEMPTS
        if self.failed_starts >= attempts or (reason and not self.ever_ready):
            raise ConfigError(f"{self.child.name} cannot start: {reason or f'exit code {code}'}")
        pause = min(LONGEST_PAUSE, SHORTEST_PAUSE * 2**self.failed_starts) if self.failed_starts else 0.0
        self.next_start = time.monotonic() + pause


class Supervisor:
    """Runs workers and gateways until told to stop.

    Args:
        workers: Children that serve; stopped last.
        gateways: Children that bring requests to the workers; stopped first, once they are drained.
        drain_seconds: How long stopping may take, all in all.
    """

    def __init__(
        self,
        workers: Sequence[Child],
        gateways: Sequence[Child] = (),
        *,
        drain_seconds: float = DRAIN_SECONDS,
    ) -> None:
        self._workers = [_Slot(child) for child in workers]
        self._gateways = [_Slot(child) for child in gateways]
        # Gateways first: one may run already, and then the forks of workers close its pipe, too.
        self._slots = self._gateways + self._workers
        self._drain_seconds = drain_seconds
        self._inbox, self._outbox = socket.socketpair()  # signals arrive here, one byte each
        self._inbox.setblocking(False)
        self._outbox.setblocking(False)

    def run(self, on_ready: Callable[[], None] | None = None) -> None:
        """Serve until SIGTERM, SIGINT or SIGHUP, drain, and return with no child left.

        A second such signal cuts the draining short.

        Args:
            on_ready: Called once, when every child serves for the first time.

        Raises:
            ConfigError: A child cannot start.
        """
        # What is loaded by now stays in pages that all workers share. No garbage is collected before: that
        # takes time, and leaves holes in these pages for workers to write into.
        gc.freeze()
        with self._signals():
            try:
                self._serve(on_ready)
                self._drain()
            finally:
                for slot in self._slots:
                    if slot.pid:
                        slot.kill()

    def _serve(self, on_ready: Callable[[], None] | None) -> None:
        while True:
            for slot in self._slots:
                if slot.pid == 0 and time.monotonic() >= slot.next_start:
                    slot.start(self._descriptors())
            if self._stop_requested():
                return
            # Everything that was said by now has been read, so our own delays count against nobody.
            now = time.monotonic()
            for slot in self._slots:
                if slot.pid and (code := slot.exit_code()) is not None:
                    slot.plan_next(code)
                elif slot.pid:
                    slot.judge(now)
            if on_ready is not None and all(slot.ready for slot in self._slots):
                on_ready()
                on_ready = None

    def _drain(self) -> None:
        log.info("draining")
        deadline = time.monotonic() + self._drain_seconds
        for stage in (self._gateways, self._workers):
            if not self._wait_until(deadline, partial(_all_drained, stage)):
                return
            for slot in _alive(stage):
                os.kill(slot.pid, signal.SIGTERM)
            if not self._wait_until(deadline, partial(_all_gone, stage)):
                return

    def _wait_until(self, deadline: float, reached: Callable[[], bool]) -> bool:
        while not reached():
            if time.monotonic() > deadline or self._stop_requested():
                log.warning("drain_cut_short", children=len(_alive(self._slots)))
                return False
            for slot in _alive(self._slots):
                slot.exit_code()
        return True

    def _stop_requested(self) -> bool:
        """Wait a moment for pipes and signals; tell whether a stop signal came."""
        poll = select.poll()
        poll.register(self._inbox, select.POLLIN)
        talking = {slot.pipe: slot for slot in self._slots if slot.pipe >= 0}
        for pipe in talking:
            poll.register(pipe, select.POLLIN)
        for descriptor, _ in poll.poll(TICK_MILLISECONDS):
            if descriptor in talking:
                talking[descriptor].read()
        try:
            return bool(set(self._inbox.recv(4096)) & set(STOP_SIGNALS))
        except BlockingIOError:
            return False

    def _descriptors(self) -> list[int]:
        pipes = [slot.pipe for slot in self._slots if slot.pipe >= 0]
        return [*pipes, self._inbox.fileno(), self._outbox.fileno()]

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        before = {number: signal.signal(number, _noted) for number in WATCHED_SIGNALS}
        wakeup = signal.set_wakeup_fd(self._outbox.fileno(), warn_on_full_buffer=False)
        try:
            yield
        finally:
            signal.set_wakeup_fd(wakeup)
            for number, handler in before.items():
                signal.signal(number, handler)
            self._inbox.close()
            self._outbox.close()


def _alive(slots: Sequence[_Slot]) -> list[_Slot]:
    return [slot for slot in slots if slot.pid]


def _all_drained(slots: Sequence[_Slot]) -> bool:
    return all(slot.child.drained() for slot in _alive(slots))


def _all_gone(slots: Sequence[_Slot]) -> bool:
    return not _alive(slots)


def _noted(_number: int, _frame: object) -> None:
    """Do nothing: the byte on the wake-up socket is what counts."""
