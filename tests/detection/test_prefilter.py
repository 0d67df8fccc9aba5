"""The prefilter leaves out no pattern that matches, with the native kernel and without it."""

from __future__ import annotations

import re
from array import array

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidecar.detection.linear import LinearPattern
from sidecar.detection.native import Kernel, kernel
from sidecar.detection.prefilter import _STRETCH, Prefilter, Wanted, _packed
from sidecar.detection.sign_choice import Sign
from sidecar.detection.symbols import ANY, EDGE, SET_BYTES
from sidecar.detection.syntax import Unsupported
from tests.detection.regexes import PATTERNS, TEXTS
from tests.detection.test_signs import stands

needs_kernel = pytest.mark.skipif(kernel is None, reason="this installation has no native kernel")
CHARACTERS = "aAbB1- \u00e9"
SETS = st.one_of(
    st.sampled_from(CHARACTERS[:-1]).map(lambda char: 1 << ord(char)),
    st.sampled_from([EDGE, ANY, 1 << ord("a") | 1 << ord("A"), EDGE | 1 << ord(" "), 0xFF << 0x80]),
    st.binary(min_size=32, max_size=32).map(lambda bits: int.from_bytes(bits) | 1 << ord("b")),
)
SIGNS = st.lists(SETS, min_size=1, max_size=16).map(tuple)
GROUPS = st.lists(st.lists(SIGNS, min_size=1, max_size=4), min_size=1, max_size=5)


def native() -> Kernel:
    assert kernel is not None
    return kernel


def packed(groups: list[list[Sign]]) -> object:
    parts = _packed(groups)
    assert parts is not None
    return native().signs_pack(*parts)


def found(groups: list[list[Sign]], text: str) -> list[int]:
    return native().signs_find(packed(groups), text.encode())


def wanted(pattern: str) -> Wanted:
    regex = LinearPattern(pattern)
    return Wanted(lambda: regex.coarse, regex.signs())


@needs_kernel
@settings(deadline=None)
@given(GROUPS, st.text(st.sampled_from(CHARACTERS), max_size=24))
def test_the_kernel_finds_the_groups_of_which_a_sign_stands(groups: list[list[Sign]], text: str) -> None:
    expected = [number for number, signs in enumerate(groups) if any(stands(sign, text) for sign in signs)]
    assert found(groups, text) == expected


@needs_kernel
@pytest.mark.parametrize("before", [0, 1, 2, 3, 4095, 4096, 70_001], ids=str)
@pytest.mark.parametrize("word", ["a1b", "Ab1-", "a1ba1ba1ba1ba1b-", "1"], ids=len)
def test_a_sign_is_found_wherever_it_stands(word: str, before: int) -> None:
    signs = [tuple(1 << ord(char) for char in word), (*(1 << ord(char) for char in word[:14]), EDGE)]
    text = "x" * before + word
    assert found([[sign] for sign in signs], text) == [
        number for number in (0, 1) if stands(signs[number], text)
    ]
    assert found([[sign] for sign in signs], text + "x") == [0]


@needs_kernel
def test_more_signs_than_one_bucket_takes_are_all_found() -> None:
    words = [f"word{number:04}" for number in range(2000)]
    groups = [[tuple(1 << ord(char) for char in word)] for word in words]
    assert found(groups, " ".join(words)) == list(range(2000))
    assert found(groups, "word0007 word199") == [7]


@needs_kernel
@pytest.mark.parametrize(
    "parts",
    [
        pytest.param((bytes(SET_BYTES + 1), array("H", [0]), b"\1", array("H", [0, 0]), 1), id="half-a-set"),
        pytest.param((bytes(SET_BYTES), array("H", [1]), b"\1", array("H", [0, 0]), 1), id="no-such-set"),
        pytest.param(
            (bytes(SET_BYTES), array("H", [0]), b"\2", array("H", [0, 0]), 1), id="too-few-elements"
        ),
        pytest.param((bytes(SET_BYTES), array("H", [0, 0]), b"\1", array("H", [0, 0]), 1), id="too-many"),
        pytest.param((bytes(SET_BYTES), array("H"), b"\0", array("H", [0, 0]), 1), id="an-empty-sign"),
        pytest.param(
            (bytes(SET_BYTES), array("H", [0] * 17), b"\x11", array("H", [0, 0]), 1), id="a-long-sign"
        ),
        pytest.param((bytes(SET_BYTES), array("H", [0]), b"\1", array("H", [0, 1]), 1), id="no-such-group"),
        pytest.param((bytes(SET_BYTES), array("H", [0]), b"\1", array("H", [1, 0]), 1), id="no-such-sign"),
        pytest.param(
            (bytes(SET_BYTES), array("H", [0]), b"\1", array("H", [0, 0]), -1), id="fewer-than-none"
        ),
        pytest.param(
            (bytes(SET_BYTES), array("H", [0]), b"\1", array("H", [0, 0]), 70_000), id="many-groups"
        ),
    ],
)
def test_numbers_out_of_bounds_are_refused(parts: tuple[bytes, array[int], bytes, array[int], int]) -> None:
    with pytest.raises(ValueError, match="signs"):
        native().signs_pack(*parts)


@needs_kernel
@pytest.mark.parametrize("ahead", [0, 1, 8, 15, 16, 17], ids=str)
def test_a_long_text_is_read_in_stretches_and_the_clock_looked_at_between_them(ahead: int) -> None:
    sought = [wanted("a1b2c3d4e5f6g7h8"), wanted(r"q[0-9]z"), wanted(r"8z\Z"), wanted("[0-9]{3}")]
    text = b"x" * (_STRETCH - ahead) + b"a1b2c3d4e5f6g7h8q1z" + b"x" * _STRETCH + b"8z"
    times: list[None] = []
    assert Prefilter(sought).matching(text, lambda: times.append(None)) == {0, 1, 2}
    assert len(times) >= len(text) // _STRETCH


@settings(deadline=None)
@pytest.mark.parametrize("using", [pytest.param(kernel, id="native"), pytest.param(None, id="RE2")])
@given(st.lists(PATTERNS, min_size=1, max_size=12), TEXTS)
def test_no_pattern_that_matches_is_left_out(using: Kernel | None, patterns: list[str], text: str) -> None:
    usable = [pattern for pattern in patterns if _usable(pattern)]
    likely = Prefilter([wanted(pattern) for pattern in usable], using).matching(text.encode())
    assert {at for at, pattern in enumerate(usable) if re.search(pattern, text, re.ASCII)} <= likely


def _usable(pattern: str) -> bool:
    try:
        LinearPattern(pattern)
    except Unsupported:
        return False
    return True


@pytest.mark.parametrize("using", [pytest.param(kernel, id="native"), pytest.param(None, id="RE2")])
def test_what_has_no_signs_is_told_by_re2(using: Kernel | None) -> None:
    sought = [Wanted(lambda: "a*b"), wanted("cd"), Wanted(lambda: "word", words=True), wanted("[0-9]{3}")]
    assert Prefilter(sought, using).matching(b"ab word 12") == {0, 2}
    assert Prefilter(sought, using).matching(b"abcd 123") == {0, 1, 3}
    assert Prefilter([], using).matching(b"abcd") == set()
