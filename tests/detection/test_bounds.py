from __future__ import annotations

import pytest

from sidecar.detection.bounds import UNLIMITED, bounds
from sidecar.detection.syntax import parse


@pytest.mark.parametrize(
    ("pattern", "least", "most"),
    [
        ("abc", 3, 3),
        ("a|bcd", 1, 3),
        ("a{2,5}b?", 2, 6),
        ("(?:ab){0,3}c", 1, 7),
        ("a+", 1, UNLIMITED),
        ("(?:a{1,1000}){1,1000}", 1, 1_000_000),
        (r"\bx(?=yy)\Z", 1, 1),
    ],
)
def test_width_counts_what_is_matched(pattern: str, least: int, most: int) -> None:
    found = bounds(parse(pattern))
    assert (found.least, found.most) == (least, most)


def test_reach_counts_what_lookarounds_see() -> None:
    found = bounds(parse(r"(?<!ab)(?<=c)x(?=\d{1,4}(?!ee))"))
    assert (found.behind, found.ahead) == (3, 6)


@pytest.mark.parametrize(
    ("pattern", "most"),
    [
        (r"\d{3}-\d{2}-\d{4}", 1),
        (r"(?:a|b|c)d", 3),
        (r"\d(?:[ -]?\d){12,18}", 100),
        (r"[a-z]{1,64}@[a-z]{1,64}", 5000),
    ],
    ids=["fixed", "distinct-branches", "separators", "two-runs"],
)
def test_a_pattern_whose_parts_are_distinct_has_few_paths(pattern: str, most: int) -> None:
    assert bounds(parse(pattern)).leaves <= most


@pytest.mark.parametrize(
    ("pattern", "least"),
    [
        (r"(?:a|a){1,20}b", 2**20),
        (r"(?:a|aa){1,20}b", 2**20),
        (r"(?:a?){20}b", 2**20),
        (r"(?:a{1,5}){1,9}b", 2**20),
    ],
)
def test_ambiguity_multiplies(pattern: str, least: int) -> None:
    assert bounds(parse(pattern)).leaves >= least


def test_lookarounds_add_their_own_paths() -> None:
    assert bounds(parse(r"x(?!(?:a|aa){1,20}b)")).leaves >= 2**20
