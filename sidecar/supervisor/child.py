"""What a child process is to its supervisor, and what every child does first after the fork.

No child outlives its parent, however the parent ends; none leaves its memory in a core dump.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import sys
from collections.abc import Sequence
from typing import Protocol

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
WATCHED_SIGNALS = (*STOP_SIGNALS, signal.SIGCHLD)
PR_SET_PDEATHSIG = 1
# 0 would still let a core dump into a pipe (core_pattern `|…`); 1 is too small for any, pipes included.
CORE_LIMIT = (1, 1)
# Blocks of this size and more are mapped one by one. By default the limit rises with each one that is freed:
# what lives on between the large blocks of each request then keeps them from ever being given back.
M_MMAP_THRESHOLD, LARGE_BLOCK = -3, 128 * 1024
# Looked up before the fork: the child should do as little as possible.
_LIBC = ctypes.CDLL(None, use_errno=True)
_MALLOPT = getattr(_LIBC, "mallopt", None)  # glibc's alone


class Child(Protocol):
    """One child, and whoever takes its place when it has died.

    ``start_seconds``: how long it may take from ``spawn`` until it is ready. ``silence_seconds``: how
    long it may then write nothing to its pipe before it is taken for frozen.
    """

    @property
    def name(self) -> str:
        """The name in logs."""

    @property
    def start_seconds(self) -> float:
        """See above."""

    @property
    def silence_seconds(self) -> float:
        """See above; infinite for a child that need not speak."""

    def spawn(self, unwanted: Sequence[int]) -> tuple[int, int]:
        """Start it; return its process id and the read end of its pipe.

        Args:
            unwanted: Descriptors of the parent that a fork must close.

        Raises:
            ConfigError: It can never start.
        """

    def heard(self, chunk: bytes) -> None:
        """Take what it wrote to its pipe."""

    def is_ready(self) -> bool:
        """Tell whether it serves; asked again and again until it does."""

    def drained(self) -> bool:
        """Tell whether it may get SIGTERM now; the first call asks it to take nothing new."""

    def reason(self) -> str:
        """Return why it ended, in one line that is safe to log; empty if it did not say."""


def fork() -> int:
    """Fork; in the child (result 0) everything is set up so that it cannot outlive the parent."""
    sys.stdout.flush()
    sys.stderr.flush()
    parent = os.getpid()
    # Between the fork and the reset of the handlers, a signal would reach the parent's wake-up socket.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, WATCHED_SIGNALS)
    pid = os.fork()
    if pid == 0:
        _settle(parent)
        before = before - set(WATCHED_SIGNALS)
    signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return pid


def forbid_core_dumps() -> None:
    """Keep originals out of core dumps of this process and its children."""
    with contextlib.suppress(ValueError, OSError):  # the limit is lower already
        resource.setrlimit(resource.RLIMIT_CORE, CORE_LIMIT)


def give_back_large_blocks() -> None:
    """Let this process return large blocks of memory to the system when they are freed."""
    if _MALLOPT is not None:
        _MALLOPT(M_MMAP_THRESHOLD, LARGE_BLOCK)


def _settle(parent: int) -> None:
    signal.set_wakeup_fd(-1)
    for number in WATCHED_SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    if sys.platform == "linux":
        _LIBC.prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    if os.getppid() != parent:  # it died before the line above
        os._exit(1)
    # Ctrl-C in a terminal goes to the whole process group: only the parent may decide to stop.
    os.setpgid(0, 0)
    forbid_core_dumps()
    give_back_large_blocks()
