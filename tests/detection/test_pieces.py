from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.detection.pieces import MAX_PIECE, MAX_RUN, pieces

WORDS = st.one_of(
    st.text("ab1.,!?\n\u00e9", max_size=9), st.integers(1, 3 * MAX_RUN).map(lambda size: "x" * size)
)
TEXTS = st.one_of(
    st.lists(WORDS, max_size=40).map(" ".join),
    st.tuples(st.sampled_from(["ab ", "a\n", "Ab. ", "x", " ", "\u0301", "!"]), st.integers(0, 12_000)).map(
        lambda pair: pair[0] * pair[1]
    ),
)


@given(TEXTS)
def test_every_letter_is_owned_by_exactly_one_piece(text: str) -> None:
    end = 0
    for piece in pieces(text):
        assert not any(char.isalpha() for char in text[end : piece.own_start])
        assert end <= piece.own_start < piece.own_end
        assert piece.start <= piece.own_start
        assert piece.own_end <= piece.end <= len(text)
        end = piece.own_end
    assert not any(char.isalpha() for char in text[end:])


@given(TEXTS)
def test_pieces_are_bounded_and_hold_no_long_run(text: str) -> None:
    for piece in pieces(text):
        assert piece.own_end - piece.own_start <= MAX_PIECE
        assert piece.end - piece.start <= MAX_PIECE + 2 * MAX_RUN
        assert all(len(run) <= MAX_RUN for run in text[piece.start : piece.end].split())


@pytest.mark.parametrize("separator", ["\n", ". ", " "], ids=["line", "sentence", "word"])
def test_a_long_text_is_cut_between_words_with_context_around(separator: str) -> None:
    text = ("Ada met Bob in Rome" + separator) * 2000
    cut = list(pieces(text))
    assert len(cut) > 2
    for one, other in itertools.pairwise(cut):
        assert one.own_end == other.own_start
        assert text[one.own_end - 1].isspace()
        assert one.end > one.own_end
        assert other.start < other.own_start
        assert text[other.start - 1].isspace()
        assert text[one.end].isspace()


def test_a_short_text_is_one_piece() -> None:
    (piece,) = pieces("Ada met Bob.")
    assert (piece.start, piece.own_start, piece.own_end, piece.end) == (0, 0, 12, 12)


def test_a_run_is_cut_at_punctuation_if_there_is_some() -> None:
    text = '{"name":"Ada","city":"Rome"},' * 40
    assert all(text[piece.own_end - 1] in ',:"{}' for piece in pieces(text))


@pytest.mark.parametrize("text", ["", " \n", "12 345", "!!! ???", "\u0301" * 9], ids=ascii)
def test_a_text_without_letters_has_no_pieces(text: str) -> None:
    assert list(pieces(text)) == []


@pytest.mark.parametrize("unit", ["/a", "f:", "a=b&", "1e5,", "\U0001f468", "\ud800", "\u3002"], ids=ascii)
def test_a_long_run_of_single_letters_has_no_pieces(unit: str) -> None:
    assert list(pieces(unit * MAX_RUN)) == []


@pytest.mark.parametrize("unit", ["/ab", "\u738b/", "1\uac15"], ids=ascii)
def test_a_long_run_with_room_for_a_name_is_read_whole(unit: str) -> None:
    text = unit * MAX_RUN
    assert sum(piece.own_end - piece.own_start for piece in pieces(text)) == len(text)


def test_a_name_that_a_cut_runs_through_is_read_on_both_sides() -> None:
    text = "1" * (MAX_RUN - 1) + "Ada" + "1" * MAX_RUN
    assert [(piece.own_start, piece.own_end) for piece in pieces(text)][:2] == [
        (0, MAX_RUN),
        (MAX_RUN, 2 * MAX_RUN),
    ]
