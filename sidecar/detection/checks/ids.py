"""Checks of personal numbers that ``python-stdnum`` alone does not settle."""

from __future__ import annotations

from stdnum.us import itin as us_itin
from stdnum.us import ssn as us_ssn

from sidecar.detection.checks.digits import digits_of


def ssn(text: str) -> bool:
    """Tell whether the digits can be a US social security number or taxpayer number (ITIN)."""
    number = digits_of(text)
    return bool(us_ssn.is_valid(number)) or bool(us_itin.is_valid(number))
