"""Checks of US and UK personal numbers that ``python-stdnum`` alone does not settle; they never raise."""

from __future__ import annotations

import re

from stdnum import luhn

from sidecar.detection.checks.digits import digits_of

_NPI_PREFIX = "80840"  # "health applications" and "United States" in the card number that an NPI is part of
_NPI_LENGTH = 10
# Prefixes that HM Revenue & Customs does not allocate; QQ is what its own examples use.
_NINO = re.compile(r"(?!BG|GB|KN|NK|NT|TN|ZZ)(?:[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z]|QQ)\d{6}[A-D]", re.ASCII)
_SSN = re.compile(r"(?!000|666|9)\d{3}(?!00)\d{2}(?!0000)\d{4}", re.ASCII)
_DEA = re.compile(r"[A-HJ-MPRSTUX][A-Z9]\d{7}", re.ASCII)


def ssn(text: str) -> bool:
    """Tell whether the digits can be a US social security number.

    Numbers that became known from advertisements are looked at like all others.
    """
    return bool(_SSN.fullmatch(digits_of(text)))


def npi(text: str) -> bool:
    """Tell whether this is a US national provider identifier."""
    number = digits_of(text)
    return len(number) == _NPI_LENGTH and number[0] in "12" and bool(luhn.is_valid(_NPI_PREFIX + number))


def dea(text: str) -> bool:
    """Tell whether this is a registration number of the US Drug Enforcement Administration."""
    number = text.upper()
    if not _DEA.fullmatch(number):
        return False
    digits = [int(digit) for digit in number[2:]]
    return (sum(digits[0:6:2]) + 2 * sum(digits[1:6:2])) % 10 == digits[6]


def nino(text: str) -> bool:
    """Tell whether this is a UK national insurance number; it has no check digit, only forbidden prefixes."""
    return bool(_NINO.fullmatch(text.upper().replace(" ", "").replace("-", "")))
