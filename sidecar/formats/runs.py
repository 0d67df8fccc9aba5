"""Which text each candidate of a stream is in the middle of, for APIs that do not say where a text ends.

A run is a row of pieces of one kind (an answer's text, a thought). It ends when a piece of another kind
comes, or when the candidate is finished, and no two runs have the same scope.
"""

from __future__ import annotations

from collections.abc import MutableSet

from sidecar.formats.dialect import Scope


class Runs:
    """The runs of one stream, each candidate's one after the other."""

    __slots__ = ("_now",)

    def __init__(self) -> None:
        self._now: dict[int, tuple[int, str]] = {}

    def kind(self, candidate: int) -> str:
        """Return the kind of the run that a candidate is in, or nothing."""
        return self._now.get(candidate, (0, ""))[1]

    def enter(self, candidate: int, kind: str, ends: MutableSet[Scope]) -> Scope:
        """Return the scope of a piece of this kind; the scope that it ends, if any, goes into ``ends``."""
        number, now = self._now.get(candidate, (0, ""))
        if now != kind:
            if now:
                ends.add((candidate, number))
            number += 1
            self._now[candidate] = number, kind
        return candidate, number

    def leave(self, candidate: int, ends: MutableSet[Scope]) -> None:
        """Note that whatever comes next begins a run of its own."""
        self.enter(candidate, "", ends)
