"""Rounds of the event loop: however many requests are ready at once, it looks at its sockets in between.

Each round of the loop runs all that was ready when it began. Were a burst of requests looked at in one
round, nobody's ping would be answered before the last of them, and Envoy would take the worker for frozen.
"""

from __future__ import annotations

import asyncio
import time

ROUND_SECONDS = 0.02  # of work in one round, after which the rest waits for the next


class Rounds:
    """Lets work go on as long as the loop's round is young. Who waits comes first, in order, in the next."""

    def __init__(self, seconds: float = ROUND_SECONDS) -> None:
        self._seconds = seconds
        self._until: float | None = None  # when this round has had enough; None before its first work

    async def room(self) -> None:
        """Wait until it is worth beginning; work that follows must not let go of the loop."""
        while True:
            now = time.monotonic()
            if self._until is None:
                self._until = now + self._seconds
                asyncio.get_running_loop().call_soon(self._end_round)
            if now < self._until:
                return
            await asyncio.sleep(0)

    def _end_round(self) -> None:
        self._until = None
