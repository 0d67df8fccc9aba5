"""How a gRPC call ends.

Source: gRPC, doc/statuscodes.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Status(IntEnum):
    """The codes that this server ends calls with."""

    OK = 0
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    RESOURCE_EXHAUSTED = 8
    ABORTED = 10
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    DATA_LOSS = 15


@dataclass(frozen=True, slots=True)
class End:
    """The end of a call; ``details`` is for people, ASCII, and holds no text of an exchange."""

    status: Status = Status.OK
    details: str = ""


class CallBroken(Exception):
    """What arrives on a call is no sequence of gRPC messages; ``end`` is how the call has to end."""

    def __init__(self, end: End) -> None:
        super().__init__(end.details)
        self.end = end
