"""Checks of places on Earth; they see only the matched string and never raise."""

from __future__ import annotations

import re

_DECIMAL = re.compile(r"[+-]?\d{1,4}\.\d+", re.ASCII)
_FULL_CODE = 10


def coordinates(text: str) -> bool:
    """Tell whether this is a latitude and a longitude in degrees, not both of them next to zero."""
    numbers = [float(each) for each in _DECIMAL.findall(text)]
    if len(numbers) != 2:
        return False
    latitude, longitude = map(abs, numbers)
    return latitude <= 90 and longitude <= 180 and max(latitude, longitude) >= 2


def coordinate(text: str) -> bool:
    """Tell whether this is one latitude or longitude in degrees, and not next to zero."""
    number = _DECIMAL.fullmatch(text)
    return number is not None and 0.01 <= abs(float(text)) <= 180


def plus_code(text: str) -> bool:
    """Tell whether this is an Open Location Code with a letter in it, so that it is no sum of numbers."""
    code = text.replace("+", "")
    return "+" in text and any(char.isalpha() for char in code) and len(code) >= _FULL_CODE - 4
