from __future__ import annotations

import pytest

from sidecar.detection.checks.phones import phone_local, phone_plain, phone_trunk


@pytest.mark.parametrize("text", ["08/2023", "2019 - 2023", "2024-01-15", "3.14159265"])
def test_dates_and_decimals_are_no_telephone_numbers(text: str) -> None:
    assert not phone_plain(text)
    assert not phone_trunk(text)


@pytest.mark.parametrize(
    ("text", "expected"), [("312 345", True), ("31234", True), ("911", False), ("555-0143", False)]
)
def test_a_local_number_has_five_or_six_digits(text: str, expected: bool) -> None:
    assert phone_local(text) is expected
