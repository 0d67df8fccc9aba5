"""Finds spans by patterns: one prefilter pass over a text, then only the patterns that can match.

Those that need a context word are looked at only where one stands, in text or hint.

Time is linear in the text, and offsets are code points of the text as it was given.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum

from sidecar.detection.checks.registry import Check
from sidecar.detection.context import ContextLook, ContextWords
from sidecar.detection.linear import LinearPattern, TextView
from sidecar.detection.overlap import resolve
from sidecar.detection.prefilter import Prefilter, Wanted
from sidecar.model import Origin, Passage, Span

_UNSURE = 0.6  # score of a match that fails its check, or needs no check, and stands in context


class Need(Enum):
    """What a match must show to become a span; the values are those of ``patterns.json``."""

    NOTHING = "nothing"
    CHECK = "check"
    CONTEXT = "context"
    EITHER = "either"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class Pattern:
    """One way of finding one entity type."""

    name: str
    entity_type: str
    regex: LinearPattern
    need: Need
    score: float
    check: Check | None
    context: ContextWords | None

    def find(self, view: TextView, hint: str, tick: Callable[[], None]) -> list[Span]:
        """Return the spans of this pattern alone; unsure ones may overlap sure ones.

        A match that falls short gives way to one that starts right after its first code point.
        """
        spans: list[Span] = []
        look: ContextLook | None = None
        scan, unsure_end = self.regex.scan(view, tick), 0
        while found := scan.next():
            start, end = found
            checked = self.check is not None and self.check(view.text[start:end])
            if self.context is not None and self._wants_context(checked):
                look = look or self.context.look(view, hint, tick)
                if self.bound and not look.anywhere:
                    break
                near = look.near(start, end)
                if not near and (self.need is Need.CONTEXT or checked):
                    continue
                if near and start >= unsure_end:
                    score = self.score if checked else min(self.score, _UNSURE)
                    spans.append(self._span(start, end, score))
                    unsure_end = end
                if not checked and self.check is not None:
                    scan.stand_at(start + 1)
            elif checked or self.need is Need.NOTHING:
                spans.append(self._span(start, end, self.score))
            else:
                scan.stand_at(start + 1)
        return spans

    @property
    def bound(self) -> bool:
        """Whether it finds nothing where no context word stands."""
        return self.context is not None and self.need in (Need.CONTEXT, Need.BOTH)

    @property
    def sought(self) -> LinearPattern:
        """What stands wherever it may find something: one of its words if it is bound, else its regex."""
        return self.context.pattern if self.context is not None and self.bound else self.regex

    @property
    def wanted(self) -> Wanted:
        """The same for a prefilter."""
        sought = self.sought
        return Wanted(lambda: sought.coarse, sought.signs(), words=self.bound)

    def _wants_context(self, checked: bool) -> bool:
        match self.need:
            case Need.CONTEXT:
                return True
            case Need.EITHER:
                return not checked
            case Need.BOTH:
                return checked
            case Need.NOTHING | Need.CHECK:
                return False

    def _span(self, start: int, end: int, score: float) -> Span:
        return Span(start, end, self.entity_type, score, Origin.PATTERN, self.name)


class PatternDetector:
    """All patterns together.

    Raises:
        Unsupported: The patterns together exceed the prefilter's memory.
    """

    __slots__ = ("_bound", "_prefilter", "patterns")

    def __init__(self, patterns: Sequence[Pattern]) -> None:
        self.patterns = tuple(patterns)
        self._bound = frozenset(index for index, pattern in enumerate(patterns) if pattern.bound)
        self._prefilter = Prefilter([pattern.wanted for pattern in patterns])

    def find(self, passage: Passage, tick: Callable[[], None] = lambda: None) -> list[Span]:
        """Return the disjoint spans of one passage, in ascending order."""
        view = TextView(passage.text)
        likely = self.likely(view, passage.hint, tick)
        if not likely:
            return []
        found = [span for index in likely for span in self.patterns[index].find(view, passage.hint, tick)]
        return resolve(passage.text, found)

    def likely(self, view: TextView, hint: str = "", tick: Callable[[], None] = lambda: None) -> list[int]:
        """Return the indices of all patterns that may match; the others surely do not."""
        likely = self._prefilter.matching(view.data, tick)
        if hint:
            likely |= self._bound & self._prefilter.matching(TextView(hint).data, tick)
        for index in self._bound & likely:
            if not self.patterns[index].regex.may_match(view):
                likely.remove(index)
            tick()
        return sorted(likely)
