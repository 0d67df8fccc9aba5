"""Says when a worker has enough to do: what cannot begin soon is turned away at once.

Whatever is worked on began within ``seconds`` of its arrival, however much there is; what would have to
wait for longer is turned away while its sender can still go elsewhere.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import ceil

FIRST_RATE = 300_000.0  # bytes of text a second, until this process has measured its own
MEASURED_SECONDS = 0.25  # of work, before it says something about the rate
SMOOTHING = 0.3
LEAST_RATE = FIRST_RATE / 100  # whatever was measured: work that waits for a model has few bytes a second


class Busy(Exception):
    """There is too much to do; ``retry_seconds`` is when it is worth another try."""

    def __init__(self, retry_seconds: int) -> None:
        super().__init__(f"busy for {retry_seconds} s")
        self.retry_seconds = retry_seconds


class Admission:
    """Counts what waits or is worked on, for one thread to ask.

    Args:
        most: How many pieces of work there may be at once.
        seconds: How long one may have to wait before it begins.
        now: The time in seconds.
    """

    def __init__(
        self, most: int = 64, seconds: float = 2.0, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._most = most
        self._seconds = seconds
        self._now = now
        self._count = 0
        self._bytes = 0  # of work taken on and not done
        self._rate = FIRST_RATE
        self._done = 0  # bytes since ``_since``
        self._since = 0.0  # when there began to be work, or the rate was measured

    @property
    def wait(self) -> float:
        """Seconds until all that was taken on will be done, as far as can be told."""
        return self._bytes / self._rate

    @contextmanager
    def taken(self, size: int) -> Iterator[None]:
        """Take on work of so many bytes, for as long as the context lasts.

        Raises:
            Busy: It would have to wait for too long.
        """
        if self._count >= self._most or self.wait > self._seconds:
            raise self._busy()
        if self._count == 0:
            self._since, self._done = self._now(), 0
        self._count += 1
        self._bytes += size
        try:
            yield
        finally:
            self._leave(size)

    def begin(self, arrived: float) -> None:
        """Begin with work that arrived at that time; may be called from any thread.

        Raises:
            Busy: It has waited for too long.
        """
        if self._now() - arrived > self._seconds:
            raise self._busy()

    def _leave(self, size: int) -> None:
        self._count -= 1
        self._bytes -= size
        self._done += size
        spent = self._now() - self._since
        if spent >= MEASURED_SECONDS:
            measured = max(self._done / spent, LEAST_RATE)
            self._rate += SMOOTHING * (measured - self._rate)
            self._since, self._done = self._now(), 0

    def _busy(self) -> Busy:
        return Busy(max(1, ceil(self.wait)))
