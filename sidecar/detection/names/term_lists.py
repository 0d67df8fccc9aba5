"""Tells which unknown words a list has beside technical terms: ``Quarkus, Micronaut and Helidon``.

Neighbors are looked at in both directions, each span once: time is linear but for the sorting.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from sidecar.model import Span

_BETWEEN = re.compile(r",? (?:and |or |vs\.? |versus |& )?|,|/")
_SHORTEST = 4  # code points; shorter ones are states and the like


def beside_terms(
    text: str, spans: Sequence[Span], is_term: Sequence[bool], may_be: Callable[[Span], bool]
) -> list[int]:
    """Return the places of spans that a list joins to a term.

    Args:
        text: The text that they are of.
        spans: All findings, in any order; they may overlap.
        is_term: Whether each is known to be a term.
        may_be: Whether one that is not known may be one as well.
    """
    if True not in is_term:
        return []
    terms = list(is_term)
    order = sorted(range(len(spans)), key=lambda index: (spans[index].start, spans[index].end))
    for direction in (order, order[::-1]):
        last: Span | None = None
        for index in direction:
            span = spans[index]
            if terms[index]:
                last = span
            elif (
                last and span.end - span.start >= _SHORTEST and _is_beside(text, last, span) and may_be(span)
            ):
                terms[index], last = True, span
    return [index for index, known in enumerate(is_term) if terms[index] and not known]


def _is_beside(text: str, one: Span, other: Span) -> bool:
    """Tell whether nothing but a comma or a conjunction stands between two spans, or they overlap."""
    first, second = (one, other) if one.start <= other.start else (other, one)
    return first.end >= second.start or bool(_BETWEEN.fullmatch(text, first.end, second.start))
