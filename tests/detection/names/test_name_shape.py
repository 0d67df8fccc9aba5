from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.detection.names.name_shape import MAX_NAME, NOT_CAPITALIZED_NAMES, NOT_NAMES, Shape, read

ANY = Shape(loose="anywhere")
LINE = Shape(loose="line")
CAPITALS = Shape(loose="never")


def name(text: str, shape: Shape = ANY) -> str:
    end = read(text, 0, shape)
    return text[:end] if end >= 0 else ""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Ann Lee signed", "Ann Lee"),
        ("Jan van der Berg, Oslo", "Jan van der Berg"),
        ("María de la Cruz y Vega", "María de la Cruz y Vega"),
        ("J. R. Hartley wrote", "J. R. Hartley"),
        ("J.R. Hartley wrote", "J.R. Hartley"),
        ("Ann Lee's book", "Ann Lee"),
        ("Ann's book", "Ann"),
        ("Elena\nMarkovic was", "Elena\nMarkovic"),
        ("Elena\nSubject: x", "Elena"),
        ("Elena\nMaria\nJulia", "Elena\nMaria"),
        ("Will Parker", "Will Parker"),
        ("Dr Green", ""),
        ("Ann Will help", "Ann Will"),
        ("Ann Please help", "Ann"),
        ("Please Ann", ""),
        ("ann lee signed", "ann lee"),
        ("ann brown is", "ann brown"),
        ("brown is", ""),
        ("ann keeps it", "ann"),
        ("ann_lee", ""),
        ("Ann(x)", ""),
        ("Ann.lee", ""),
        ("Ann=1", ""),
        ("Ann2 Lee", ""),
        ("A", ""),
        ("", ""),
        ("محمد علي قال", "محمد علي"),
    ],
    ids=ascii,
)
def test_a_name_ends_at_an_ordinary_word_or_at_code(text: str, expected: str) -> None:
    assert name(text) == expected


@pytest.mark.parametrize(
    ("text", "shape", "expected"),
    [
        ("ann lee", CAPITALS, ""),
        ("ann lee and Bob", LINE, ""),
        ("ann lee and bob", LINE, "ann lee"),
        ("ANN LEE AND BOB", LINE, "ANN LEE"),
        ("ann flarp glonk vorn", LINE, ""),
        ("ann flarp glonk vorn", Shape(delimited=False), "ann flarp glonk"),
        ("Ann, x", Shape(least=2), ""),
        ("Ann Bea Cis Dee", Shape(most=2), "Ann Bea"),
    ],
    ids=ascii,
)
def test_a_shape_says_where_lower_case_counts_and_how_many_words(
    text: str, shape: Shape, expected: str
) -> None:
    assert name(text, shape) == expected


def test_words_that_are_names_too_are_ordinary_only_in_lower_case() -> None:
    assert {"will", "white"} <= NOT_NAMES
    assert not {"will", "white"} & NOT_CAPITALIZED_NAMES


@given(st.text(alphabet="Aa bé\n.'-王م\u0301_(,", max_size=300), st.integers(0, 20))
def test_a_reading_is_bounded_and_ends_in_the_text(text: str, at: int) -> None:
    end = read(text, at, ANY)
    assert end == -1 or at < end <= min(len(text), at + MAX_NAME)
