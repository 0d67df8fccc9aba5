from __future__ import annotations

import re
import time

import pytest
import re2
from hypothesis import assume, example, given
from hypothesis import strategies as st

from sidecar.detection import linear
from sidecar.detection.linear import WINDOW, LinearPattern, TextView, re2_options
from sidecar.detection.syntax import Unsupported
from tests.detection.regexes import PATTERNS, TEXTS


def spans(pattern: str, text: str, flags: int = 0) -> list[tuple[int, int]]:
    return list(LinearPattern(pattern, flags).finditer(text))


@given(PATTERNS, TEXTS)
@example(r"(?<!\d)1{2,3}(?!\d)", "\u00e91 11 111 1111")
def test_matches_are_those_of_the_standard_library(pattern: str, text: str) -> None:
    try:
        found = spans(pattern, text)
    except Unsupported:
        assume(False)
    assert found == [match.span() for match in re.finditer(pattern, text, re.ASCII)]


@given(PATTERNS, TEXTS)
def test_case_is_ignored_for_ascii_letters_only(pattern: str, text: str) -> None:
    try:
        found = spans(pattern, text.upper(), re.IGNORECASE)
    except Unsupported:
        assume(False)
    assert found == [match.span() for match in re.finditer(pattern, text.upper(), re.ASCII | re.IGNORECASE)]


@given(st.text(st.characters(codec=None), max_size=30), st.text(st.characters(codec=None), max_size=30))
def test_offsets_are_code_points_whatever_surrounds_a_match(before: str, after: str) -> None:
    text = f"{before}<17-42>{after}"
    assert (len(before) + 1, len(before) + 6) in spans(r"17-42", text)
    assert (len(before) + 1, len(before) + 6) in spans(r"(?<=<)17-42(?=>)", text)


@pytest.mark.parametrize("odd", ["\ud800", "\udfff\ud800", "\x00", "\U0010ffff", "e\u0301"], ids=ascii)
def test_odd_characters_are_ordinary_characters(odd: str) -> None:
    text = f"{odd}1{odd}{odd}2{odd}"
    size = len(odd)
    assert spans(r"\d", text) == [(size, size + 1), (3 * size + 1, 3 * size + 2)]
    assert spans(r"[^\d]+", text)[0] == (0, size)


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        (r"(a)\1", "back-reference"),
        (r"(?P<x>a)(?P=x)", "back-reference"),
        (r"(a)?(?(1)b|c)", "conditional"),
        (r"(?>ab)c", "atomic"),
        (r"a++b", "possessive"),
        (r"(?=.*x)a", "bound its repeats"),
        (r"a+(?!b)", "bound its repeats"),
        (r"(?:a|aa){1,40}(?!b)", "backtrack"),
        (r"(?:a?){1,50}b(?!c)", "backtrack"),
        (r"a*", "empty text"),
        (r"a|", "empty text"),
        (r"\b", "empty text"),
        (r"(?<=a)", "empty text"),
        ("(", "does not compile"),
        ("[b-a]", "does not compile"),
        (r"(?<=a|bc)d", "fixed-width"),
        (r"(?<!^|bc)d", "fixed-width"),
        (r"a{1001}", "RE2"),
        (r"\ud800", "holds nothing"),
        ("(?:" * 3000 + "a" + ")" * 3000, "deep"),
    ],
    ids=lambda each: each[:20],
)
def test_what_cannot_run_in_linear_time_is_refused_with_its_reason(pattern: str, reason: str) -> None:
    with pytest.raises(Unsupported, match=reason):
        LinearPattern(pattern)


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        (r"\p{Lu}+", "a\u00c9B1", [(1, 3)]),
        (r"[[:alpha:]]+", "1ab:", [(1, 3)]),
        (r"b\z", "bab", [(2, 3)]),
    ],
    ids=["unicode-class", "posix-class", "other-anchor"],
)
def test_what_only_re2_can_read_runs_on_re2(pattern: str, text: str, expected: list[tuple[int, int]]) -> None:
    assert spans(pattern, text) == expected


@pytest.mark.parametrize(
    ("pattern", "flags", "text", "expected"),
    [
        (r"a . c", re.VERBOSE, "abc", [(0, 3)]),
        (r"^b$", re.MULTILINE, "a\nb\nc", [(2, 3)]),
        (r"(?m)^b$", 0, "a\nb\nc", [(2, 3)]),
        (r"a.b", re.DOTALL, "a\nb", [(0, 3)]),
        (r"b$", 0, "b\nb", [(2, 3)]),
        (r"(?i:k)", 0, "K\u212ak", [(0, 1), (2, 3)]),
        (r"\s", 0, "\u00a0\x0b", [(1, 2)]),
        (r"\d", 0, "\u0661", []),
    ],
    ids=["x", "m", "m-inline", "s", "dollar-is-text-end", "no-kelvin-sign", "ascii-space", "ascii-digit"],
)
def test_flags_and_classes_mean_what_re_ascii_means(
    pattern: str, flags: int, text: str, expected: list[tuple[int, int]]
) -> None:
    assert spans(pattern, text, flags) == expected


@pytest.mark.parametrize("length", [WINDOW - 1, WINDOW, 2 * WINDOW, 2 * WINDOW + 1, 9 * WINDOW], ids=str)
@pytest.mark.parametrize("before", [0, 1, WINDOW - 1, 3 * WINDOW + 7], ids=str)
def test_a_match_longer_than_a_window_is_found_whole(length: int, before: int) -> None:
    text = " " * before + "\u00e9" + "x" * length + " y"
    assert spans(r"x+", text) == [(before + 1, before + 1 + length)]
    assert spans(r"\w+", text)[0] == (before + 1, before + 1 + length)


@given(st.integers(0, 3 * WINDOW), st.integers(1, WINDOW - 10))
def test_a_match_that_fits_a_window_is_found_wherever_it_stands(before: int, length: int) -> None:
    text = "k" * before + "<" + "x" * length + ">"
    assert spans(r"<x*>", text) == [(before, before + length + 2)]


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (r"(a+)+$", "a" * 200_000 + "b"),
        (r"(a|a)*b", "a" * 200_000),
        (r"(x+x+)+y", "x" * 200_000),
        (r"a(?:.*b)?", "a" * 60_000),
        (r"a.*b|c", "ac" * 60_000),
        (r"[a-z.]+@[a-z]+\.[a-z]+", "a." * 100_000),
        (r"(?<!\d)(?:\d[ -]?){12,18}\d(?!\d)", "1" * 200_000),
        (r"(?<!\d)(?:\d[ -]?){12,18}\d(?!\d)", "1 " * 100_000),
        (r"(?:a|b|ab){1,8}(?!c)", "ab" * 100_000),
    ],
    ids=lambda each: each[:16],
)
def test_no_text_takes_more_than_linear_time(pattern: str, text: str) -> None:
    ticks = 0

    def tick() -> None:
        nonlocal ticks
        ticks += 1

    scan, began = LinearPattern(pattern).scan(TextView(text), tick), time.process_time()
    while scan.next():
        pass
    assert ticks <= len(text) + 1
    assert time.process_time() - began < 60  # quadratic time would be hours


def test_a_scan_can_go_back_to_right_behind_the_start_of_a_match() -> None:
    text = "\u00e9aaaa"
    scan, found = LinearPattern("aa").scan(TextView(text)), []
    while match := scan.next():
        found.append(match)
        scan.stand_at(match[0] + 1)
    assert found == [(1, 3), (2, 4), (3, 5)]


@given(PATTERNS, TEXTS)
def test_the_coarse_source_matches_wherever_the_pattern_does(pattern: str, text: str) -> None:
    try:
        linear = LinearPattern(pattern)
    except Unsupported:
        assume(False)
    if any(True for _ in linear.finditer(text)):
        assert any(True for _ in LinearPattern(linear.coarse).finditer(text))


def test_a_group_named_original_narrows_the_match() -> None:
    pattern = LinearPattern(r"(?i:record|mrn)[ :#]{1,3}(?P<original>\d{5,10})(?:;|$)")
    text = "MRN: 12345; record 67890;"
    assert [text[start:end] for start, end in pattern.finditer(text)] == ["12345", "67890"]


def test_what_follows_the_group_may_begin_the_next_match() -> None:
    pattern = LinearPattern(r"a(?P<original>\d)a")
    assert list(pattern.finditer("a1a2a3a")) == [(1, 2), (3, 4), (5, 6)]


@pytest.mark.parametrize(
    "regex",
    [
        pytest.param(r"a(?P<original>b)?", id="optional"),
        pytest.param(r"a|(?P<original>b)", id="one-of-two"),
        pytest.param(r"a(?=(?P<original>b))", id="in-a-lookahead"),
        pytest.param(r"(?<=(?P<original>b))a", id="in-a-lookbehind"),
        pytest.param(r"a(?P<original>\w+)", id="unbounded"),
    ],
)
def test_a_group_named_original_that_may_be_missing_or_endless_is_refused(regex: str) -> None:
    with pytest.raises(Unsupported, match="original"):
        LinearPattern(regex)


def test_a_pattern_too_large_for_the_usual_memory_gets_more() -> None:
    pattern, text = r"\pL{900}", b"1" + b"a" * 900
    with pytest.raises(re2.error):
        re2.compile(pattern, re2_options())
    assert linear._compiled(pattern)(text, 0, len(text)) == (1, 901)
