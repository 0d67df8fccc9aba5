"""Checks of national numbers that ``python-stdnum`` does not know; they see the match only, never raise."""

from __future__ import annotations

import re

from stdnum import luhn

from sidecar.detection.checks.digits import digits_of

_LETTERS_AND_DIGITS = re.compile(r"[^A-Z0-9]")
_NRIC = re.compile(r"[STFGM]\d{7}[A-Z]", re.ASCII)
_NRIC_WEIGHTS = (2, 7, 6, 5, 4, 3, 2)
_NRIC_LETTERS = {
    "S": (0, "JZIHGFEDCBA"),
    "T": (4, "JZIHGFEDCBA"),
    "F": (0, "XWUTRQPNMLK"),
    "G": (4, "XWUTRQPNMLK"),
    "M": (3, "XWUTRQPNJLK"),
}
_HKID = re.compile(r"[A-Z]{1,2}\d{6}[0-9A]", re.ASCII)
_TAIWAN = re.compile(r"[A-Z][1289]\d{8}", re.ASCII)
_TAIWAN_LETTERS = "ABCDEFGHJKLMNPQRSTUVXYWZIO"  # A is 10, O is 35
_RVNR = re.compile(r"\d{4}[01]\d{3}[A-Z]\d{3}", re.ASCII)
_RVNR_WEIGHTS = (2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1)
_SNILS_LENGTH, _CI_LENGTH, _LUHN_LENGTHS = 11, 8, range(8, 20)
_CI_WEIGHTS = (2, 9, 8, 7, 6, 3, 4)


def nric_sg(text: str) -> bool:
    """Tell whether this is a Singapore identity or foreigner's number."""
    number = _plain(text)
    if not _NRIC.fullmatch(number):
        return False
    offset, letters = _NRIC_LETTERS[number[0]]
    total = offset + sum(
        weight * int(digit) for weight, digit in zip(_NRIC_WEIGHTS, number[1:8], strict=True)
    )
    return letters[total % 11] == number[8]


def hkid(text: str) -> bool:
    """Tell whether this is a Hong Kong identity card number: mod 11, one or two letters in front."""
    number = _plain(text)
    if not _HKID.fullmatch(number):
        return False
    body = number[:-1].rjust(8)
    points = [36 if char == " " else int(char, 36) for char in body]
    total = sum(weight * point for weight, point in zip(range(9, 1, -1), points, strict=True))
    return (total + int(number[-1], 16)) % 11 == 0


def national_id_tw(text: str) -> bool:
    """Tell whether this is a Taiwanese identity number or resident's number of the form since 2021."""
    number = _plain(text)
    if not _TAIWAN.fullmatch(number):
        return False
    region = 10 + _TAIWAN_LETTERS.index(number[0])
    digits = [region // 10, region % 10, *map(int, number[1:])]
    return (
        sum(weight * digit for weight, digit in zip((1, 9, 8, 7, 6, 5, 4, 3, 2, 1, 1), digits, strict=True))
        % 10
        == 0
    )


def snils(text: str) -> bool:
    """Tell whether this is a Russian pension insurance number: two check digits."""
    number = digits_of(text)
    if len(number) != _SNILS_LENGTH:
        return False
    total = sum(weight * int(digit) for weight, digit in zip(range(9, 0, -1), number[:9], strict=True))
    return total % 101 % 100 == int(number[9:])


def rvnr_de(text: str) -> bool:
    """Tell whether this is a German pension insurance number: region, birth date, initial, check digit."""
    number = _plain(text)
    if not _RVNR.fullmatch(number):
        return False
    letter = f"{ord(number[8]) - ord('A') + 1:02d}"
    digits = number[:8] + letter + number[9:11]
    products = [weight * int(digit) for weight, digit in zip(_RVNR_WEIGHTS, digits, strict=True)]
    return sum(product // 10 + product % 10 for product in products) % 10 == int(number[11])


def ci_uy(text: str) -> bool:
    """Tell whether this is an Uruguayan identity card number."""
    number = digits_of(text).zfill(_CI_LENGTH)
    if len(number) != _CI_LENGTH:
        return False
    total = sum(weight * int(digit) for weight, digit in zip(_CI_WEIGHTS, number, strict=False))
    return -total % 10 == int(number[-1])


def luhn_digits(text: str) -> bool:
    """Tell whether the digits, 8 to 19, pass the Luhn test (Emirates, Israel, South Africa, Saudi Arabia)."""
    number = digits_of(text)
    return len(number) in _LUHN_LENGTHS and bool(luhn.is_valid(number))


def _plain(text: str) -> str:
    """Return capital letters and digits alone."""
    return _LETTERS_AND_DIGITS.sub("", text.upper())
