"""Checks of telephone numbers; they see only the matched string and never raise."""

from __future__ import annotations

import re

import phonenumbers

from sidecar.detection.checks.digits import digits_of

_NANP_SHAPE = re.compile(r"1?[2-9]\d{2}[2-9]\d{6}", re.ASCII)
_DATE = re.compile(
    r"(?:19|20)\d\d[-./ ]\d{1,2}[-./ ]\d{1,2}|\A\d\d/\d\d/\d\d(?:\d\d)?\Z"
    r"|\d{1,2}[-./ ]\d{1,2}[-./ ](?:19|20)\d\d"
    r"|\A(?:0?[1-9]|1[0-2])[-./ ](?:19|20)\d\d\Z|\A(?:19|20)\d\d[- ]{1,3}(?:19|20)\d\d\Z",
    re.ASCII,
)
_DECIMAL = re.compile(r"\d{1,3}\.\d{5,}", re.ASCII)
_EXTENSION = re.compile(r"[\s,;]*(?:ext|x).*", re.IGNORECASE | re.DOTALL)
_TRUNK_REGIONS = ("GB", "FR", "DE", "IT", "NL", "BE", "CH", "IE", "AU", "JP", "KR", "IN", "SE", "ZA", "TR")
_SHORTEST_PHONE, _LONGEST_PHONE = 7, 15
_SHORTEST_LOCAL = 5


def phone(text: str) -> bool:
    """Tell whether this is a possible international number (``+``; if ``00`` and digits, valid)."""
    if text.startswith("00") and text.isdigit():
        return _valid("+" + text[2:], None)
    parsed = _parsed("+" + text[2:] if text.startswith("00") else text, None)
    return parsed is not None and phonenumbers.is_possible_number(parsed)


def phone_us(text: str) -> bool:
    """Tell whether this has the shape of a North American number (NPA-NXX-XXXX)."""
    return bool(_NANP_SHAPE.fullmatch(digits_of(_EXTENSION.sub("", text))))


def phone_us_valid(text: str) -> bool:
    """Tell whether this is a North American number with an area code in use."""
    return _valid(text, "US")


def phone_trunk(text: str) -> bool:
    """Tell whether this is a valid national number with a trunk prefix (``020 7946 0958``) somewhere."""
    if _DATE.search(text) or _DECIMAL.fullmatch(text):
        return False
    return any(_valid(text, region) for region in _TRUNK_REGIONS)


def phone_plain(text: str) -> bool:
    """Tell whether the digits are as many as a telephone number has, and are not a date."""
    if _DATE.search(text) or _DECIMAL.fullmatch(text):
        return False
    return _SHORTEST_PHONE <= len(digits_of(text)) <= _LONGEST_PHONE


def phone_local(text: str) -> bool:
    """Tell whether the digits are as many as a number within a town has, and are not a date."""
    return _SHORTEST_LOCAL <= len(digits_of(text)) < _SHORTEST_PHONE and not _DATE.search(text)


def _parsed(text: str, region: str | None) -> phonenumbers.PhoneNumber | None:
    try:
        return phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None


def _valid(text: str, region: str | None) -> bool:
    parsed = _parsed(text, region)
    if parsed is None:
        return False
    if region is None:
        return bool(phonenumbers.is_valid_number(parsed))
    return bool(phonenumbers.is_valid_number_for_region(parsed, region))
