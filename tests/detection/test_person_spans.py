from __future__ import annotations

import itertools
import re
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.detection import person_spans
from sidecar.detection.overlap import resolve
from sidecar.detection.person_spans import joined
from sidecar.model import Origin, Span


def person(start: int, end: int, score: float = 0.7, origin: Origin = Origin.NER, rule: str = "") -> Span:
    return Span(start, end, "PERSON", score, origin, rule)


def names(marked: str, origin: Origin = Origin.NER) -> list[str]:
    """Return the persons of a text in which ``<`` and ``>`` mark what was found."""
    text, spans, start = "", [], 0
    for char in marked:
        if char == "<":
            start = len(text)
        elif char == ">":
            spans.append(person(start, len(text), origin=origin))
        else:
            text += char
    return [text[span.start : span.end] for span in joined(text, spans)]


@pytest.mark.parametrize(
    ("marked", "expected"),
    [
        ("<Mr Lee> said", ["Lee"]),
        ("<Mrs. Ann Lee>", ["Ann Lee"]),
        ("<DR. LEE>", ["LEE"]),
        ("<Prof. Dr. Lee>", ["Lee"]),
        ("<Herr Lee>, <Frau Lee>", ["Lee", "Lee"]),
        ("<Se\u00f1or Garc\u00eda>", ["Garc\u00eda"]),
        ("dear <Mr> <Lee>", ["Lee"]),
        ("a <Miss>", []),
        ("<Drew Lee>", ["Drew Lee"]),
        ("<Missy Lee>", ["Missy Lee"]),
        ("<Sir Ann Lee>", ["Sir Ann Lee"]),
        ("<Pope Francis>", ["Pope Francis"]),
        ("<Ann Lee Jr.>.", ["Ann Lee Jr."]),
        ("<Ann Lee III>", ["Ann Lee III"]),
    ],
)
def test_forms_of_address_stay_outside_and_ranks_stay_where_they_are(
    marked: str, expected: list[str]
) -> None:
    assert names(marked) == expected


@pytest.mark.parametrize(
    ("marked", "expected"),
    [
        ("<Ann Lee's> car", ["Ann Lee"]),
        ("<Ann Lee\u2019s> car", ["Ann Lee"]),
        ("<James'> car", ["James"]),
        ('<"Ann Lee",> he', ["Ann Lee"]),
        ("(<Ann Lee.>)", ["Ann Lee"]),
        ("<Ann L.> left", ["Ann L."]),
        ("<Sean O'Neil>", ["Sean O'Neil"]),
        ("<Jose\u0301>", ["Jose\u0301"]),
        ("<-->", []),
    ],
)
def test_possessives_and_punctuation_stay_outside(marked: str, expected: list[str]) -> None:
    assert names(marked) == expected


@pytest.mark.parametrize(
    ("marked", "expected"),
    [
        ("<Ann> <Lee>", ["Ann Lee"]),
        ("<Ann>-<Lee>", ["Ann-Lee"]),
        ("<Ann>\u00a0<Lee>", ["Ann\u00a0Lee"]),
        ("<Ann> B. <Lee>", ["Ann B. Lee"]),
        ("<Ann> B <Lee>", ["Ann B Lee"]),
        ("<Ann> van der <Lee>", ["Ann van der Lee"]),
        ("<Ann> <Bea> <Lee>", ["Ann Bea Lee"]),
        ("I met <Ann>\n<Lee> again", ["Ann\nLee"]),
        ("<Ann>\n<Bob>\n", ["Ann", "Bob"]),
        ("names: <Ann>\n<Bob>", ["Ann", "Bob"]),
        ("<Ann Lee> <Bob Ray>", ["Ann Lee", "Bob Ray"]),
        ("<Lee>, <Ann>", ["Lee", "Ann"]),
        ("<Ann> and <Bob>", ["Ann", "Bob"]),
        ("<Ann>'s <Bob>", ["Ann", "Bob"]),
        ("<Ann>. <Bob>", ["Ann", "Bob"]),
        ("<Ann>  <Lee>", ["Ann", "Lee"]),
        ("<Ann>/<Bob>", ["Ann", "Bob"]),
        ("<Ann> Mr <Bob>", ["Ann", "Bob"]),
    ],
)
def test_parts_of_one_name_are_joined(marked: str, expected: list[str]) -> None:
    assert names(marked) == expected


def test_what_a_pattern_found_keeps_its_edges_and_may_be_joined() -> None:
    assert names("<Dr Lee's>", Origin.PATTERN) == ["Dr Lee's"]
    text = "Ann Lee"
    both = [person(0, 3, rule="model"), person(4, 7, 0.6, Origin.PATTERN, "cue")]
    (name,) = joined(text, both)
    assert (name, name.rule) == (person(0, 7, 0.6, Origin.PATTERN), "cue")


def test_other_types_are_left_alone() -> None:
    spans = [Span(0, 7, "ORG", 0.7, Origin.NER), Span(8, 15, "ORG", 0.7, Origin.NER)]
    assert joined("Dr Who, Dr Who's", spans) == spans


WORDS = [
    "Ann",
    "Lee",
    "B.",
    "Mr",
    "Dr.",
    "'s",
    "\u2019s",
    ",",
    " ",
    " ",
    "-",
    "\n",
    "and",
    "van",
    "1",
    "(",
    "Ann Lee",
]
texts = st.lists(st.sampled_from(WORDS), min_size=1, max_size=14).map("".join)


@st.composite
def spanned(draw: st.DrawFn) -> tuple[str, list[Span]]:
    text = draw(texts)
    edges = sorted(draw(st.sets(st.integers(0, len(text)), max_size=8)))
    spans = [
        Span(
            start, end, draw(st.sampled_from(["PERSON", "PERSON", "ORG"])), 0.7, draw(st.sampled_from(Origin))
        )
        for start, end in itertools.pairwise(edges)
        if draw(st.booleans())
    ]
    return text, spans


@given(spanned())
def test_spans_stay_disjoint_and_only_address_and_possessive_letters_are_uncovered(
    both: tuple[str, list[Span]],
) -> None:
    text, spans = both
    result = joined(text, spans)
    assert all(one.end <= other.start for one, other in itertools.pairwise(result))
    after = {at for span in result for at in range(span.start, span.end)}
    for span in spans:
        lost = "".join(
            text[at] for at in range(span.start, span.end) if at not in after and text[at].isalnum()
        )
        assert not lost or span.entity_type == "PERSON"
        assert not lost or span.origin is Origin.NER
        assert lost.replace("Mr", "").replace("Dr", "") in ("", "s")
    assert resolve(text, result) == result


def test_many_parts_of_one_name_are_joined_in_one_pass() -> None:
    text = "Ann " * 50_000
    spans = [person(at, at + 3) for at in range(0, len(text), 4)]
    assert joined(text, spans) == [person(0, len(text) - 1)]


def test_whatever_a_form_of_address_starts_with_is_known() -> None:
    everything = "".join(map(chr, range(sys.maxunicode + 1)))
    first = re.compile("|".join(sorted(person_spans._INITIALS)), re.IGNORECASE)
    assert frozenset(first.findall(everything)) == person_spans._ADDRESS_INITIALS
