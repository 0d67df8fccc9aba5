from __future__ import annotations

import pytest

from sidecar.detection.checks.registry import CHECKS


@pytest.mark.parametrize(
    ("check", "text"),
    [
        ("ssn", "536-90-4399"),
        ("ssn", "078-05-1120"),
        ("npi", "1234567893"),
        ("npi", "1245319599"),
        ("dea", "AB1234563"),
        ("dea", "a91234563"),
        ("nino", "AB 12 34 56 C"),
        ("nino", "qq-12-34-56-c"),
    ],
)
def test_a_number_that_can_have_been_issued_passes(check: str, text: str) -> None:
    assert CHECKS[check](text)


@pytest.mark.parametrize(
    ("check", "text"),
    [
        ("ssn", "912-70-1234"),
        ("ssn", "666-12-3456"),
        ("ssn", "123-00-4567"),
        ("ssn", "123-45-0000"),
        ("npi", "1234567890"),
        ("npi", "3234567893"),
        ("dea", "AB1234564"),
        ("dea", "QB1234563"),
        ("nino", "BG123456C"),
        ("nino", "AB123456E"),
        ("nino", "DA123456C"),
    ],
)
def test_a_number_that_was_never_issued_fails(check: str, text: str) -> None:
    assert not CHECKS[check](text)
