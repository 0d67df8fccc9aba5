from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.detection.propagation import propagate
from sidecar.model import Origin, Passage, Span


def spread(
    found: str, *texts: str | Passage, kind: str = "PERSON", origin: Origin = Origin.NER
) -> list[list[str]]:
    """Return what is covered in ``texts`` once ``found`` was found in a text of its own."""
    passages = [Passage(found), *(Passage(text) if isinstance(text, str) else text for text in texts)]
    spans = [[Span(0, len(found), kind, 0.9, origin)], *([] for _ in texts)]
    result = propagate(passages, spans)
    assert result[0] == spans[0]
    assert all(span.entity_type == kind for each in result for span in each)
    return [
        [passage.text[span.start : span.end] for span in each]
        for passage, each in zip(passages[1:], result[1:], strict=True)
    ]


@pytest.mark.parametrize(
    "text",
    [
        "Ann Lee",
        "(Ann Lee)",
        "Ann Lee's",
        "_Ann Lee_",
        "1: Ann Lee\n",
        "\u8bf7\u95eeAnn Lee\u5148\u751f",
        "\ud800Ann Lee\x00",
        '"Ann Lee"',
    ],
    ids=ascii,
)
def test_what_is_found_once_is_covered_everywhere(text: str) -> None:
    assert spread("Ann Lee", text, f"{text} {text}") == [["Ann Lee"], ["Ann Lee", "Ann Lee"]]


@pytest.mark.parametrize(
    "text",
    ["Ann Leeds", "Joann Lee", "Ann Lee2", "ann lee", "Ann  Lee", "\u00e9Ann Lee", "Ann Lee\u0627", ""],
)
def test_part_of_a_word_or_another_spelling_is_not_covered(text: str) -> None:
    assert spread("Ann Lee", text) == [[]]


def test_a_shorter_original_is_covered_where_a_longer_one_does_not_fit() -> None:
    passages = [Passage("Ann Lee"), Passage("Ann"), Passage("Ann Leeds")]
    spans = [[Span(0, 7, "PERSON", 0.9, Origin.NER)], [Span(0, 3, "PERSON", 0.9, Origin.NER)], []]
    assert propagate(passages, spans)[2] == [Span(0, 3, "PERSON", 0.9, Origin.NER)]


@pytest.mark.parametrize(
    ("found", "text"),
    [("Al", "Al met Al"), ("Will", "Will you go?"), ("I", "I am"), ("Hi", "Hi there")],
    ids=["two-letters", "common-word", "one-letter", "greeting"],
)
def test_names_that_may_be_ordinary_words_do_not_spread(found: str, text: str) -> None:
    assert spread(found, text) == [[]]


def test_names_in_scripts_without_blanks_spread() -> None:
    assert spread("\u738b\u5c0f\u660e", "\u8bf7\u7ed9\u738b\u5c0f\u660e\u5199\u4fe1") == [
        ["\u738b\u5c0f\u660e"]
    ]


@pytest.mark.parametrize(
    ("found", "origin", "expected"),
    [
        ("Ann Lee", Origin.NER, ["Ann Lee"]),
        ("Springfield", Origin.NER, []),
        ("ann@example.com", Origin.PATTERN, ["ann@example.com"]),
        ("4532123456789010", Origin.PATTERN, ["4532123456789010"]),
    ],
    ids=["full-name", "one-word-name", "pattern", "number"],
)
def test_keys_and_numbers_take_patterns_and_full_names_only(
    found: str, origin: Origin, expected: list[str]
) -> None:
    assert spread(found, Passage(f"x {found} y", patterns_only=True), origin=origin) == [expected]


@pytest.mark.parametrize("text", ["4532123456789010", "4532 1234 5678 9010", "4532-1234-5678-9010"])
def test_a_long_number_is_covered_with_other_separators_too(text: str) -> None:
    assert spread("4532-1234-5678-9010", f"no {text}.", kind="CREDIT_CARD", origin=Origin.PATTERN) == [[text]]


def test_what_is_covered_already_stays_and_gaps_are_filled() -> None:
    passages = [Passage("Jane Doe"), Passage("Jane Doe Inc and Jane Doe")]
    org = Span(5, 12, "ORG", 0.7, Origin.NER)
    spans = [[Span(0, 8, "PERSON", 0.7, Origin.NER)], [org]]
    assert propagate(passages, spans)[1] == [
        Span(0, 4, "PERSON", 0.7, Origin.NER),
        org,
        Span(17, 25, "PERSON", 0.7, Origin.NER),
    ]


def test_an_original_of_two_types_spreads_as_the_surer_one() -> None:
    passages = [Passage("Jordan"), Passage("Jordan"), Passage("Jordan")]
    person, place = Span(0, 6, "PERSON", 0.9, Origin.NER), Span(0, 6, "LOCATION", 0.7, Origin.NER)
    assert propagate(passages, [[person], [place], []]) == [[person], [place], [person]]
    assert propagate(passages, [[place], [person], []])[2] == [person]


@given(st.lists(st.text("Ab1 -.", min_size=1, max_size=12), min_size=1, max_size=4), st.data())
def test_the_result_is_disjoint_ascending_and_keeps_every_span(texts: list[str], data: st.DataObject) -> None:
    spans = []
    for text in texts:
        start = data.draw(st.integers(0, len(text) - 1))
        spans.append([Span(start, data.draw(st.integers(start + 1, len(text))), "X", 0.9, Origin.PATTERN)])
    result = propagate([Passage(text) for text in texts], spans)
    for before, after in zip(spans, result, strict=True):
        assert set(before) <= set(after)
        assert all(one.end <= other.start for one, other in itertools.pairwise(after))
    assert propagate([Passage(text) for text in texts], spans) == result


def test_many_originals_in_long_texts_take_one_pass() -> None:
    words = [f"word{number}" for number in range(20_000)]
    text = " ".join(words)
    spans, at = [], 0
    for word in words:
        spans.append(Span(at, at + len(word), "X", 0.9, Origin.PATTERN))
        at += len(word) + 1
    assert len(propagate([Passage(text), Passage(text * 3)], [spans, []])[1]) == 3 * 20_000 - 4
