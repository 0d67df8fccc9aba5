from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.detection.overlap import fill_gaps, resolve
from sidecar.model import Origin, Span

TEXT = "Ann Lee, ann@example.com (card 4111-1111) -- x."


def pattern(start: int, end: int, entity_type: str = "EMAIL", score: float = 0.9) -> Span:
    return Span(start, end, entity_type, score, Origin.PATTERN)


def name(start: int, end: int, entity_type: str = "PERSON", score: float = 0.7) -> Span:
    return Span(start, end, entity_type, score, Origin.NER)


def any_spans(text: str) -> st.SearchStrategy[list[Span]]:
    bounds = st.tuples(st.integers(0, len(text)), st.integers(0, len(text))).filter(
        lambda pair: pair[0] != pair[1]
    )
    span = st.builds(
        lambda pair, kind, score, origin, rule: Span(min(pair), max(pair), kind, score, origin, rule),
        bounds,
        st.sampled_from(["PERSON", "EMAIL", "ORG"]),
        st.sampled_from([0.5, 0.9]),
        st.sampled_from(Origin),
        st.sampled_from(["one", "other"]),
    )
    return st.lists(span, max_size=8)


def covered(spans: list[Span]) -> set[int]:
    return {at for span in spans for at in range(span.start, span.end) if TEXT[at].isalnum()}


@given(any_spans(TEXT))
def test_spans_become_disjoint_and_lose_no_letter_or_digit(spans: list[Span]) -> None:
    result = resolve(TEXT, spans)
    assert all(one.end <= other.start for one, other in itertools.pairwise(result))
    assert covered(result) == covered(spans)
    assert all(
        any(TEXT[at].isalnum() for at in range(each.start, each.end)) or each in spans for each in result
    )


@given(any_spans(TEXT).flatmap(lambda spans: st.tuples(st.just(spans), st.permutations(spans))))
def test_the_order_of_spans_does_not_matter(both: tuple[list[Span], list[Span]]) -> None:
    one, other = resolve(TEXT, both[0]), resolve(TEXT, both[1])
    assert one == other
    assert [span.rule for span in one] == [span.rule for span in other]


@given(any_spans(TEXT))
def test_resolving_twice_changes_nothing(spans: list[Span]) -> None:
    assert resolve(TEXT, resolve(TEXT, spans)) == resolve(TEXT, spans)


@given(any_spans(TEXT), any_spans(TEXT))
def test_filling_gaps_keeps_what_is_there(kept: list[Span], more: list[Span]) -> None:
    before = resolve(TEXT, kept)
    after = fill_gaps(TEXT, before, more)
    assert set(before) <= set(after)
    assert covered(after) == covered(kept) | covered(more)
    assert all(one.end <= other.start for one, other in itertools.pairwise(after))


@pytest.mark.parametrize(
    ("spans", "expected"),
    [
        ([name(0, 24), pattern(9, 24)], [name(0, 7), pattern(9, 24)]),
        ([pattern(9, 24), name(13, 20)], [pattern(9, 24)]),
        ([pattern(9, 30), pattern(25, 40, "CARD", 0.95)], [pattern(9, 24), pattern(25, 40, "CARD", 0.95)]),
        ([pattern(0, 5), pattern(0, 9, "IBAN")], [pattern(0, 9, "IBAN")]),
        ([name(0, 7), name(0, 7, "ORG", 0.8)], [name(0, 7, "ORG", 0.8)]),
        ([name(0, 7), name(4, 24)], [name(0, 3), name(4, 24)]),
        ([name(0, 24), pattern(4, 7)], [name(0, 3), pattern(4, 7), name(9, 24)]),
        ([name(0, 3), name(4, 7)], [name(0, 3), name(4, 7)]),
        ([name(0, 7), name(0, 7, "ORG")], [name(0, 7, "ORG")]),
        ([name(0, 24), name(4, 7), pattern(5, 6)], [name(0, 5), pattern(5, 6), name(6, 24)]),
    ],
    ids=[
        "pattern-trims-name",
        "name-inside-pattern",
        "better-score-trims",
        "longer-wins",
        "equal-stretch-better-score",
        "longer-name-trims",
        "loser-in-two-parts",
        "disjoint-stay",
        "equal-but-for-the-type",
        "nested",
    ],
)
def test_the_loser_keeps_what_the_winner_leaves(spans: list[Span], expected: list[Span]) -> None:
    assert resolve(TEXT, spans) == expected


def test_many_overlapping_spans_take_no_more_than_their_number_allows() -> None:
    text = "a" * 60_000
    chain = [name(at, at + 2) for at in range(0, 59_000, 1)]
    assert covered_count(resolve(text, chain)) == 59_001


def covered_count(spans: list[Span]) -> int:
    return sum(span.end - span.start for span in spans)
