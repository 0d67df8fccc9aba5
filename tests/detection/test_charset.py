from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sidecar.detection.charset import ANY, EMPTY, LAST, CharSet

PAIRS = st.tuples(st.integers(0, LAST), st.integers(0, LAST)).map(lambda pair: (min(pair), max(pair)))
SETS = st.lists(PAIRS, max_size=5).map(CharSet.of)
POINTS = st.integers(0, LAST).filter(lambda point: not 0xD800 <= point <= 0xDFFF)


def holds(chars: CharSet, point: int) -> bool:
    return chars.meets(CharSet.of([(point, point)]))


@given(SETS, POINTS)
def test_a_point_is_in_a_set_or_in_its_inverse(chars: CharSet, point: int) -> None:
    assert holds(chars, point) != holds(chars.inverted(), point)
    assert chars.inverted().inverted() == chars


@given(SETS, SETS, POINTS)
def test_a_union_holds_what_either_holds(one: CharSet, other: CharSet, point: int) -> None:
    assert holds(one | other, point) == (holds(one, point) or holds(other, point))


@given(SETS, st.sampled_from("azAZ\u00e9\u017f\u212a"))
def test_only_ascii_letters_have_two_cases(chars: CharSet, letter: str) -> None:
    both = [letter.lower(), letter.upper()] if letter.isascii() else [letter]
    assert holds(chars.caseless(), ord(letter)) == any(holds(chars, ord(each)) for each in both)


def test_surrogates_are_in_no_set() -> None:
    assert CharSet.of([(0xD800, 0xDFFF)]) == EMPTY
    assert EMPTY.inverted() == ANY
    assert not EMPTY
