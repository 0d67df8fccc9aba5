"""Says of every span that a detector proposed whether it was taken, and if not, why."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sidecar.model import Span


@dataclass(frozen=True, slots=True)
class Dropped:
    """A span that was judged to be nothing sensitive."""

    span: Span
    reason: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one span."""

    span: Span
    taken: bool
    reason: str


def verdicts(
    proposed: Iterable[Span], dropped: Iterable[Dropped], kept: Sequence[Span], final: Sequence[Span]
) -> list[Verdict]:
    """Return a verdict on every span, in ascending order.

    Args:
        proposed: What detectors found, dropped spans included.
        dropped: Which of them were left out before overlaps were resolved.
        kept: Disjoint spans made of the others.
        final: The same with what was found elsewhere in the request.
    """
    out = [Verdict(each.span, taken=False, reason=each.reason) for each in dropped]
    gone = {_key(each.span) for each in dropped}
    out += [_judged(span, kept) for span in proposed if _key(span) not in gone]
    known = {(span.start, span.end) for span in kept}
    out += [
        Verdict(span, taken=True, reason="stands elsewhere in the request too")
        for span in final
        if (span.start, span.end) not in known
    ]
    return sorted(out, key=lambda each: (each.span.start, -each.span.end, not each.taken, each.span.rule))


def _key(span: Span) -> tuple[int, int, str, str]:
    return span.start, span.end, span.entity_type, span.rule


def _judged(span: Span, kept: Sequence[Span]) -> Verdict:
    over = [other for other in kept if other.start < span.end and span.start < other.end]
    for other in over:
        if (other.start, other.end, other.entity_type) == (span.start, span.end, span.entity_type):
            same = other.rule == span.rule
            return Verdict(span, taken=same, reason="" if same else f"the same as {_name(other)}")
    if any(other.start == span.start and other.end == span.end for other in over):
        return Verdict(span, taken=False, reason=f"{_name(over[0])} is stronger")
    if not over:
        return Verdict(span, taken=False, reason="nothing of it is left")
    if any(other.rule == span.rule and other.entity_type == span.entity_type for other in over):
        return Verdict(span, taken=True, reason="trimmed or joined: " + ", ".join(map(_place, over)))
    return Verdict(span, taken=False, reason="covered by " + ", ".join(map(_name, over)))


def _name(span: Span) -> str:
    return f"{span.entity_type} of {span.rule or span.origin.name.lower()}"


def _place(span: Span) -> str:
    return f"[{span.start}, {span.end})"
