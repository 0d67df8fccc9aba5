from __future__ import annotations

import pytest

from sidecar.detection.checks.registry import CHECKS


@pytest.mark.parametrize(
    ("check", "text"),
    [
        ("card", "4111 1111 1111 1111"),
        ("card", "180012345678905"),
        ("card", "213112345678904"),
        ("card", "5018000000000009"),
        ("iban", "GB82 WEST 1234 5698 7654 32"),
        ("iban", "NO93 8601 1117 947"),
        ("bic", "DEUTDEFF"),
        ("bic", "nwbkgb2lxxx"),
        ("clabe", "032 180 00011835971 9"),
    ],
)
def test_a_sound_number_passes(check: str, text: str) -> None:
    assert CHECKS[check](text)


@pytest.mark.parametrize(
    ("check", "text"),
    [
        ("card", "4111 1111 1111 1112"),
        ("card", "5901234123457"),
        ("iban", "GB82 WEST 1234 5698 7654 33"),
        ("iban", "NO93"),
        ("bic", "STANDARD"),
        ("bic", "DEUTDEF"),
        ("clabe", "032180000118359718"),
        ("clabe", "03218000011835971"),
    ],
)
def test_a_number_that_is_not_sound_fails(check: str, text: str) -> None:
    assert not CHECKS[check](text)
