"""What may be said about an exception: its type and the place in our own code, never its text.

The text of an exception may quote a body, and so may its arguments and its causes.
"""

from __future__ import annotations

import traceback
from pathlib import Path

_OWN_CODE = Path(__file__).resolve().parents[1]


def described(exc: BaseException) -> dict[str, str]:
    """Return the fields of a log line about an exception."""
    return {"error": type(exc).__name__, "at": location(exc)}


def location(exc: BaseException) -> str:
    """Return ``file:line`` of the innermost frame of our own code, or ``unknown``."""
    frames = [frame for frame, _ in traceback.walk_tb(exc.__traceback__)]
    lines = [line for _, line in traceback.walk_tb(exc.__traceback__)]
    for frame, line in zip(reversed(frames), reversed(lines), strict=True):
        path = Path(frame.f_code.co_filename)
        if path.is_relative_to(_OWN_CODE):
            return f"{path.relative_to(_OWN_CODE.parent).as_posix()}:{line}"
    return "unknown"
