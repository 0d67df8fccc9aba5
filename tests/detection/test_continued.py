"""Spreading text by text comes to the same as all at once, or says that it cannot."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidecar.detection.continued import NOTHING, Reads, spread_on
from sidecar.detection.folding import folded
from sidecar.detection.overlap import resolve
from sidecar.detection.propagation import spread
from sidecar.detection.sought import Covered
from sidecar.model import Origin, Passage, Span

PARTS = (
    "John Smith",
    "john smith",
    "Smith",
    "John",
    "JANE DOE",
    "Jane Doe",
    "doe",
    "Will May",
    "will",
    "Zo\u00eb M\u00fcller",
    "zoe mueller",
    "\u212aim",
    "kim",
    "O'Neil",
    "Dr. Jane Doe",
    "Acme Corp",
    "Acme",
    "\u7530\u4e2d",
    "\u7530\u4e2d\u3055\u3093",
    "annual",
    "Ann",
    "202-555-0101",
    "2025550101",
    "202 555 0101",
    "ada@example.org",
    "ada%40example.org",
    "\u2018Jane\u2019",
    "\\u004aane",
    "x" * 210,
    "a\x00b",
    ", ",
    "a.a",
    "and",
)
Text = tuple[Passage, list[Span]]


@st.composite
def texts(draw: st.DrawFn) -> Text:
    """Draw a text in which some parts were found."""
    text, spans = "", []
    for part in draw(st.lists(st.sampled_from(PARTS), max_size=6)):
        text += draw(st.sampled_from([" ", " ", "", ", ", "\n"])) if text else ""
        if draw(st.integers(0, 2)) == 0:
            entity_type = draw(st.sampled_from(["PERSON", "PERSON", "ORG", "PHONE"]))
            origin, score = draw(st.sampled_from([*Origin])), draw(st.sampled_from([0.5, 0.9]))
            spans.append(Span(len(text), len(text) + len(part), entity_type, score, origin))
        text += part
    return Passage(text, patterns_only=draw(st.integers(0, 9)) == 0), resolve(text, spans)


@settings(max_examples=400, deadline=None)
@given(st.lists(texts(), min_size=1, max_size=5), st.lists(st.integers(0, 5), max_size=2))
def test_spreading_in_steps_comes_to_the_same_as_at_once(given_texts: list[Text], cuts: list[int]) -> None:
    passages, spans = [passage for passage, _ in given_texts], [found for _, found in given_texts]
    before, covered, done = NOTHING, list[list[Covered]](), 0
    for cut in [*sorted({min(cut, len(passages)) for cut in cuts}), len(passages)]:
        step = spread_on(before, passages[:cut], spans[done:cut])
        if step is None:
            assert done
            return
        covered += step.spans
        before, done = step.before, cut
    assert covered == spread(passages, spans)


def found(text: str, *originals: str) -> Text:
    spans = [
        Span(text.index(each), text.index(each) + len(each), "PERSON", 0.9, Origin.NER) for each in originals
    ]
    return Passage(text), spans


@pytest.mark.parametrize(
    ("before", "after", "answers"),
    [
        pytest.param(found("hi Jane Doe", "Jane Doe"), found("and jane again"), True, id="known-name"),
        pytest.param(
            found("hi Jane Doe", "Jane Doe"),
            found("Zo\u00eb Gr\u00fcn", "Zo\u00eb Gr\u00fcn"),
            True,
            id="new-name",
        ),
        pytest.param(found("the annual plan"), found("ask Ann Lee", "Ann Lee"), True, id="part-of-a-word"),
        pytest.param(
            found("ask Zoe"),
            found("hi Zo\u00eb Gr\u00fcn", "Zo\u00eb Gr\u00fcn"),
            False,
            id="without-accents",
        ),
        pytest.param(found("ask Zo\u00eb"), found("hi Zoe Green", "Zoe Green"), False, id="with-accents"),
        pytest.param(found("mail j%61ne"), found("hi Jane Doe", "Jane Doe"), False, id="escaped"),
        pytest.param(
            found("\u7530\u4e2d\u3055\u3093"), found("\u7530\u4e2d", "\u7530\u4e2d"), False, id="ideographs"
        ),
        pytest.param(found("hi Jane"), found("Jane Doe", "Jane Doe"), False, id="part-of-a-name"),
    ],
)
def test_it_answers_where_nothing_before_is_given_away(before: Text, after: Text, *, answers: bool) -> None:
    step = spread_on(NOTHING, [before[0]], [before[1]])
    assert step is not None
    assert (spread_on(step.before, [before[0], after[0]], [after[1]]) is not None) is answers


@pytest.mark.parametrize(
    ("text", "reads"),
    [
        pytest.param("plain", Reads.PLAINLY, id="ascii"),
        pytest.param("\u201cquoted\u201d \u2014 \U0001f600", Reads.PLAINLY, id="signs"),
        pytest.param("caf\u00e9", Reads.FOLDED, id="accents"),
        pytest.param("c\\u0061fe", Reads.OTHERWISE, id="escapes"),
    ],
)
def test_it_is_known_how_a_text_is_compared(text: str, reads: Reads) -> None:
    step = spread_on(NOTHING, [Passage(text)], [[]])
    assert step is not None
    assert step.before.reads == bytes([reads])


def test_all_characters_that_fold_to_a_run_are_known() -> None:
    """The law rests on it: no other character may become an ASCII letter or digit by folding."""
    for low in range(0x80, 0x110000, 0x1000):
        chars = [chr(code) for code in range(low, min(low + 0x1000, 0x110000))]
        for char, plain in zip(chars, folded("".join(chars)), strict=True):
            if plain.isascii() and plain.isalnum():
                step = spread_on(NOTHING, [Passage(char)], [[]])
                assert step is not None
                assert step.before.reads != bytes([Reads.PLAINLY])
                assert char.isalnum()
