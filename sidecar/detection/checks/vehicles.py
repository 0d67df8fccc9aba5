"""Checks of vehicle numbers; they see only the matched string and never raise."""

from __future__ import annotations

import re

_VIN = re.compile(r"[A-HJ-NPR-Z0-9]{8}[0-9X][A-HJ-NPR-Z0-9]{8}", re.ASCII)
_WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
_VALUES = dict(
    zip(
        "ABCDEFGHJKLMNPRSTUVWXYZ",
        (1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 7, 9, 2, 3, 4, 5, 6, 7, 8, 9),
        strict=True,
    )
)
_CHECK_DIGIT = 8  # its place in the number


def vin(text: str) -> bool:
    """Tell whether this is a vehicle identification number with the check digit North America asks for."""
    number = text.upper()
    if not _VIN.fullmatch(number):
        return False
    total = sum(
        weight * (int(char) if char.isdigit() else _VALUES[char])
        for weight, char in zip(_WEIGHTS, number, strict=True)
    )
    return "0123456789X"[total % 11] == number[_CHECK_DIGIT]
