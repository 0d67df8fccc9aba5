from __future__ import annotations

import pytest

from sidecar.detection.checks.places import coordinate, coordinates, plus_code


@pytest.mark.parametrize("text", ["48.8584, 2.2945", "-33.86 151.21", "+51.5074,-0.1278"])
def test_degrees_on_earth_are_coordinates(text: str) -> None:
    assert coordinates(text)


@pytest.mark.parametrize("text", ["0.1, 0.2", "91.5, 10.5", "10.5, 181.5", "1.5", "", "1.5, 2.5, 3.5"])
def test_other_pairs_are_none(text: str) -> None:
    assert not coordinates(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("48.8584", True), ("-74.006", True), ("0.0", False), ("181.5", False), ("x", False)],
)
def test_one_degree_counts_unless_it_is_next_to_zero(text: str, expected: bool) -> None:
    assert coordinate(text) is expected


@pytest.mark.parametrize(
    ("text", "expected"), [("849VCWC8+R9", True), ("CWC8+R9", True), ("2345+67", False), ("CWC8R9", False)]
)
def test_a_plus_code_has_a_letter(text: str, expected: bool) -> None:
    assert plus_code(text) is expected
