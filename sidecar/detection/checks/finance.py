"""Checks of payment cards and bank accounts; they see only the matched string and never raise."""

from __future__ import annotations

import re

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
    | 35(?:2[89]|[3-8]\d)\d{12,15} | (?:1800|2131)\d{11}                               # JCB
    | 220[0-4]\d{12,15}                                                                # Mir
    | (?:50|5[6-9]|6[0-9])\d{14,17}                                                    # Maestro, RuPay
    """,
    re.VERBOSE | re.ASCII,
)
_DOUBLED = str.maketrans("0123456789", "0246813579")  # the digits of twice the digit, added up
_SHORTEST_IBAN = 15  # Norway
_BIC = re.compile(r"[A-Z]{4}([A-Z]{2})[A-Z2-9][A-NP-Z0-9](?:[A-Z0-9]{3})?", re.ASCII)
# Countries (ISO 3166-1, and XK) with banks in the SWIFT directory.
_COUNTRY_CODES = """
AD AE AF AG AI AL AM AO AR AS AT AU AW AZ BA BB BD BE BF BG BH BI BJ BM BN BO BR BS BT BW BY BZ CA CD
CF CG CH CI CK CL CM CN CO CR CU CV CW CY CZ DE DJ DK DM DO DZ EC EE EG ER ES ET FI FJ FK FM FO FR GA
GB GD GE GG GH GI GL GM GN GP GQ GR GT GU GW GY HK HN HR HT HU ID IE IL IM IN IQ IR IS IT JE JM JO JP
KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MG MH MK ML MM MN MO MP
MR MS MT MU MV MW MX MY MZ NA NC NE NG NI NL NO NP NR NZ OM PA PE PF PG PH PK PL PR PS PT PW PY QA RO
RS RU RW SA SB SC SD SE SG SI SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TG TH TJ TL TM TN TO TR TT TV
TW TZ UA UG US UY UZ VA VC VE VG VI VN VU WS XK YE ZA ZM ZW
"""
_COUNTRIES = frozenset(_COUNTRY_CODES.split())
_CLABE_LENGTH = 18


def card(text: str) -> bool:
    """Tell whether the digits pass Luhn and begin like a payment card of that length."""
    number = digits_of(text)
    return bool(_CARD.fullmatch(number)) and _luhn(number)


def _luhn(number: str) -> bool:
    """Tell whether the last digit is the check digit of those before it. Source: ISO/IEC 7812-1, annex B."""
    return (sum(map(int, number[-1::-2])) + sum(map(int, number[-2::-2].translate(_DOUBLED)))) % 10 == 0


def iban(text: str) -> bool:
    """Tell whether this is an international bank account number: mod 97, for countries known and unknown.

    Source: ISO 13616. Lengths by country change and are often mistyped; the check digits say enough.
    """
    number = "".join(char for char in text if char.isascii() and char.isalnum()).upper()
    return len(number) >= _SHORTEST_IBAN and bool(mod_97_10.is_valid(number[4:] + number[:4]))


def bic(text: str) -> bool:
    """Tell whether this has the form of a bank's SWIFT code and names a country. Source: ISO 9362."""
    found = _BIC.fullmatch(text.upper())
    return found is not None and found[1] in _COUNTRIES


def clabe(text: str) -> bool:
    """Tell whether this is a Mexican account number: weights 3, 7, 1 over 17 digits, then a check digit."""
    number = digits_of(text)
    if len(number) != _CLABE_LENGTH:
        return False
    total = sum(int(digit) * (3, 7, 1)[place % 3] % 10 for place, digit in enumerate(number[:-1]))
    return -total % 10 == int(number[-1])
