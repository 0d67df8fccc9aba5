"""Runs long computations in a bounded pool of threads, so that the event loop stays free.

Python cannot stop a thread: work that outlives the watchdog is given up on and keeps its thread until
it ends. When all threads are held so, the pool says that it is exhausted, and the worker must go.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


class Overdue(Exception):
    """Work was not done when the watchdog rang."""


class HeavyPool:
    """A bounded thread pool with a watchdog. ``watchdog_seconds`` counts from when work is handed in."""

    def __init__(self, threads: int, watchdog_seconds: float) -> None:
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="heavy")
        self._threads = threads
        self._watchdog_seconds = watchdog_seconds
        self._started: dict[object, float] = {}

    async def run(self, work: Callable[[], T]) -> T:
        """Run ``work`` in a thread and return what it returns or raise what it raises.

        Raises:
            Overdue: It was not done in time; work that had not begun never will.
        """
        loop = asyncio.get_running_loop()
        # The executor keeps what was canceled until a thread comes by; the body it was for may be large.
        handed_in = [work]
        del work
        try:
            async with asyncio.timeout(self._watchdog_seconds) as watchdog:
                return await loop.run_in_executor(self._executor, self._timed, handed_in)
        except TimeoutError:
            if not watchdog.expired():
                raise  # the work's own
        except asyncio.CancelledError:
            # The one that was caught stays with the executor, and all frames that it goes through with it.
            raise asyncio.CancelledError from None
        finally:
            handed_in.clear()
        raise Overdue

    def _timed(self, handed_in: list[Callable[[], T]]) -> T:
        work = handed_in.pop()
        key = object()
        self._started[key] = time.monotonic()
        try:
            return work()
        except StopIteration as exc:
            raise RuntimeError from exc  # a future cannot carry it and would never be done
        finally:
            del self._started[key]

    @property
    def exhausted(self) -> bool:
        """Whether every thread has been busy with one piece of work for longer than the watchdog allows."""
        latest = time.monotonic() - self._watchdog_seconds
        stuck = sum(started < latest for started in list(self._started.values()))
        return stuck >= self._threads

    def close(self, wait_seconds: float) -> bool:
        """Take no more work and drop what has not begun; tell whether all threads came free in time."""
        self._executor.shutdown(wait=False, cancel_futures=True)
        end = time.monotonic() + wait_seconds
        while self._started and time.monotonic() < end:
            time.sleep(0.02)
        return not self._started
