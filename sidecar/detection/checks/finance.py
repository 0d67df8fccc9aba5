"""Checks of payment cards and bank accounts; they see only the matched string and never raise."""

from __future__ import annotations

import re

from stdnum import luhn
from stdnum.iso7064 import mod_97_10

from sidecar.detection.checks.digits import digits_of

# Issuer ranges, as first digits and allowed lengths. Source: ISO/IEC 7812 and the networks' BIN tables.
_CARD = re.compile(
    r"""
    4(?:\d{12}|\d{15}|\d{18})                                                          # Visa
    | (?:5[1-5]\d\d|222[1-9]|22[3-9]\d|2[3-6]\d\d|27[01]\d|2720)\d{12}                  # Mastercard
    | 3[47]\d{13}                                                                      # American Express
    | 3(?:0[0-59]|[689]\d)\d{11,16}                                                    # Diners Club
    | (?:6011|64[4-9]\d|65\d\d)\d{12,15}                                               # Discover
    | (?:62|81)\d{14,17}                                                               # UnionPay
    | 35(?:2[89]|[3-8]\d)\d{12,15}                                                     # JCB
    | 220[0-4]\d{12,15}                                                                # Mir
    | (?:50|5[6-9]|6[0-9])\d{10,17}                                                    # Maestro, RuPay
    """,
    re.VERBOSE | re.ASCII,
)
_SHORTEST_IBAN = 15  # Norway


def card(text: str) -> bool:
    """Tell whether the digits pass Luhn and begin like a payment card of that length."""
    number = digits_of(text)
    return bool(_CARD.fullmatch(number)) and bool(luhn.is_valid(number))


def iban(text: str) -> bool:
    """Tell whether this is an international bank account number: mod 97, for countries known and unknown.

    Source: ISO 13616. Lengths by country change and are often mistyped; the check digits say enough.
    """
    number = "".join(char for char in text if char.isascii() and char.isalnum()).upper()
    return len(number) >= _SHORTEST_IBAN and bool(mod_97_10.is_valid(number[4:] + number[:4]))
