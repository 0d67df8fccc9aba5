from __future__ import annotations

import re
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.detection.names import text_kind
from sidecar.detection.names.name_shape import ENGLISH
from sidecar.detection.names.needs import OTHER_CASES
from sidecar.detection.names.rules import Gates
from sidecar.detection.names.text_kind import FOREIGN, NEEDS, NO_LETTERS, TECHNICAL, TextKind

GATES = Gates(NEEDS)


def kind(text: str) -> TextKind:
    return TextKind(text, GATES.open(text))


@pytest.mark.parametrize(
    ("text", "is_request", "asks"),
    [
        pytest.param("Write a poem about spring.", True, True, id="request"),
        pytest.param("# What is the weather like?", True, True, id="question-in-a-heading"),
        pytest.param("The compiler is slow today.", False, True, id="technical"),
        pytest.param("The therapist is capital.", False, False, id="technical-letters-within-words"),
        pytest.param("We walked along the river.", False, False, id="story"),
    ],
)
def test_a_text_asks_for_something_or_is_technical(text: str, is_request: bool, asks: bool) -> None:
    assert (kind(text).is_request, kind(text).asks) == (is_request, asks)


@pytest.mark.parametrize(
    ("text", "is_abroad", "is_german"),
    [
        pytest.param("Wie ist das mit der Liste?", True, True, id="german"),
        pytest.param("Que dois-je faire avec la fi\u00e8vre ?", True, False, id="french"),
        pytest.param("We walked along the river \u2014 and back.", False, False, id="english"),
        pytest.param("One \u00e9t\u00e9 is not enough for them.", False, False, id="one-foreign-word"),
    ],
)
def test_a_text_is_foreign_by_its_small_words(text: str, is_abroad: bool, is_german: bool) -> None:
    assert (kind(text).is_abroad, kind(text).is_german) == (is_abroad, is_german)


WORDS = st.one_of(
    st.sampled_from(sorted(text_kind._ABROAD)),
    st.sampled_from(sorted(ENGLISH)),
    st.sampled_from(sorted(text_kind.TECHNICAL_WORDS.split("|"))),
    st.sampled_from(["Zorbik", "\u00e9t\u00e9", "\u017fql", "\u212aernel", "L\u0130NUX", "7", "_"]),
)
JOINTS = st.sampled_from([" ", "\n", "'", "-", "_", "2", "\u2019", "\u00e9", ""])


@given(st.lists(st.tuples(WORDS, st.sampled_from([str.lower, str.title, str.upper]), JOINTS), max_size=8))
def test_what_a_text_does_not_need_to_be_searched_for_is_not_in_it(
    pieces: list[tuple[str, object, str]],
) -> None:
    text = "".join(spelled(word) + joint for word, spelled, joint in pieces)  # type: ignore[operator]
    met = GATES.open(text)
    assert TECHNICAL in met or not text_kind._TECHNICAL.search(text)
    assert TextKind(text, met).is_abroad is TextKind(text, [FOREIGN]).is_abroad


def test_signs_that_are_taken_for_no_letters_are_none() -> None:
    escaped = re.sub(r"\\x\{(\w+)\}", lambda sign: f"\\U{int(sign[1], 16):08x}", NO_LETTERS)
    signs = re.compile(f"[{escaped}]").findall("".join(map(chr, range(sys.maxunicode + 1))))
    assert len(signs) > len("some")
    assert [sign for sign in signs if re.match(r"[^\W\d_]", sign)] == []


def test_no_other_signs_count_as_ascii_letters() -> None:
    everything = "".join(map(chr, range(0x80, sys.maxunicode + 1)))
    others = "".join(sorted(set(re.findall("[a-z]", everything, re.IGNORECASE))))
    assert others.encode("ascii", "backslashreplace").decode() == r"\u0130\u0131\u017f\u212a"
    assert OTHER_CASES == r"\x{130}\x{131}\x{17f}\x{212a}"
