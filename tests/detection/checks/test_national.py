from __future__ import annotations

import pytest

from sidecar.detection.checks.registry import CHECKS


@pytest.mark.parametrize(
    ("check", "text"),
    [
        ("nric_sg", "S1234567D"),
        ("nric_sg", "g1234567x"),
        ("nric_sg", "M5398242L"),
        ("hkid", "A123456(3)"),
        ("hkid", "AB987654(3)"),
        ("hkid", "G123456(A)"),
        ("national_id_tw", "A123456789"),
        ("snils", "112-233-445 95"),
        ("rvnr_de", "15 070649 C 103"),
        ("ci_uy", "1.234.567-2"),
        ("luhn_digits", "784-1980-1234567-8"),
    ],
)
def test_a_number_with_its_right_check_digit_passes(check: str, text: str) -> None:
    assert CHECKS[check](text)


@pytest.mark.parametrize(
    ("check", "text"),
    [
        ("nric_sg", "S1234567A"),
        ("nric_sg", "A1234567D"),
        ("hkid", "A123456(4)"),
        ("hkid", "ABC123456(3)"),
        ("national_id_tw", "A123456788"),
        ("national_id_tw", "A323456789"),
        ("snils", "112-233-445 96"),
        ("snils", "112-233-445"),
        ("rvnr_de", "15 070649 C 104"),
        ("rvnr_de", "15 073649 C 103"),
        ("ci_uy", "1.234.567-3"),
        ("ci_uy", "11.234.567-2"),
        ("luhn_digits", "784-1980-1234567-9"),
        ("luhn_digits", "0"),
    ],
)
def test_a_wrong_check_digit_or_form_fails(check: str, text: str) -> None:
    assert not CHECKS[check](text)
