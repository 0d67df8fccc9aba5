from __future__ import annotations

import pytest

from sidecar.detection.checks.vehicles import vin


@pytest.mark.parametrize("text", ["1HGCM82633A004352", "1m8gdm9axkp042788", "11111111111111111"])
def test_a_north_american_number_passes(text: str) -> None:
    assert vin(text)


@pytest.mark.parametrize(
    "text", ["1HGCM82643A004352", "WVWZZZ1JZ3W386752", "1HGCM82633A00435", "1HGCM82633A0O4352"]
)
def test_a_wrong_or_missing_check_digit_fails(text: str) -> None:
    assert not vin(text)
