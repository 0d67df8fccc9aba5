"""Wherever a pattern matches, one of its signs stands."""

from __future__ import annotations

import re

import pytest
from hypothesis import assume, example, given

from sidecar.detection.pattern_file import load_patterns
from sidecar.detection.sign_choice import MAX_SIGN, Sign
from sidecar.detection.signs import signs
from sidecar.detection.symbols import EDGE
from sidecar.detection.syntax import Unsupported, parse
from tests.detection.regexes import PATTERNS, TEXTS


def stands(sign: Sign, text: str) -> bool:
    """Tell whether a sign stands in a text, place by place."""
    symbols = [EDGE, *(1 << byte for byte in text.encode()), EDGE]
    places = range(len(symbols) - len(sign) + 1)
    return any(all(sets & symbols[place + at] for at, sets in enumerate(sign)) for place in places)


def shown(sign: Sign) -> list[str]:
    """Return the ASCII characters of each set, "^" for the edge, and "+" if there are bytes beyond ASCII."""
    return [
        "".join(chr(code) for code in range(128) if sets >> code & 1)
        + ("+" if (sets & ~EDGE) >> 128 else "")
        + ("^" if sets & EDGE else "")
        for sets in sign
    ]


@given(PATTERNS, TEXTS)
@example("(?:a|b|){2}-(?:\u00e9{0,2}){2}1", "-1")
@example(r"(?:\ba?){3}b", "b")
@example("(?:1{1,3}-){2,4}(?=b)", "1-11-111-b")
@example(r"(?<!\d)(?:[ab_-]{17,})(?!\w)", "ab-" * 6)
def test_a_sign_stands_in_every_text_that_matches(pattern: str, text: str) -> None:
    try:
        found = signs(parse(pattern))
    except Unsupported:
        assume(False)
    assert all(0 < len(sign) <= MAX_SIGN and all(sign) for sign in found)
    if found and re.search(pattern, text, re.ASCII):
        assert any(stands(sign, text) for sign in found)


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        pytest.param("(?i:pin)", [["Pp", "Ii", "Nn"]], id="letters-in-both-cases"),
        pytest.param(r"x+-(?:12|34)y*", [["x", "-", "1", "2"], ["x", "-", "3", "4"]], id="alternatives"),
        pytest.param(r"[a-z]{0,9}@", [["@"]], id="what-need-not-be-there-is-no-sign"),
        pytest.param("\u20ac", [["+", "+", "+"]], id="bytes-of-a-character"),
        pytest.param(r"(?<![a-\x7f])q\Z", [["".join(map(chr, range(97))) + "+^", "q", "^"]], id="neighbors"),
        pytest.param(r"q(?=7)\w", [["q", "7"]], id="a-lookahead-narrows-what-follows"),
        pytest.param(r"[a-z ]+", [["".join(" abcdefghijklmnopqrstuvwxyz")]], id="any-letter"),
        pytest.param(r"x*", [], id="nothing-is-sure"),
        pytest.param(r"(?:x|1*)y?", [], id="an-alternative-without-a-sign"),
    ],
)
def test_signs_are_what_few_other_texts_hold(pattern: str, expected: list[list[str]]) -> None:
    assert [shown(sign) for sign in signs(parse(pattern))] == expected


def test_every_shipped_pattern_has_signs() -> None:
    patterns = load_patterns(None).patterns.patterns
    assert [pattern.name for pattern in patterns if not pattern.wanted.signs] == []
