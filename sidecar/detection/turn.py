"""The turn to use what one thread at a time may use: a lock that the composition root hands in.

Detection itself starts no threads and makes no locks.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

Turn = AbstractContextManager[object]

NO_TURN: Turn = nullcontext()
"""Where there is never another thread."""
