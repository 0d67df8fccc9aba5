"""Plausibility tests on what a pattern matched, one function each, looked up by name.

A check sees only the matched string and never raises, whatever the string is.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping

import phonenumbers
from stdnum import luhn
from stdnum.iso7064 import mod_97_10
from stdnum.us import itin as us_itin
from stdnum.us import ssn as us_ssn

Check = Callable[[str], bool]

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
_NANP_SHAPE = re.compile(r"1?[2-9]\d{2}[2-9]\d{6}", re.ASCII)
_DATE = re.compile(
    r"(?:19|20)\d\d[-./ ]\d{1,2}[-./ ]\d{1,2}|\d{1,2}[-./ ]\d{1,2}[-./ ](?:19|20)\d\d", re.ASCII
)
_EXTENSION = re.compile(r"[\s,;]*(?:ext|x).*", re.IGNORECASE | re.DOTALL)
_TRUNK_REGIONS = ("GB", "FR", "DE", "IT", "NL", "BE", "CH", "IE", "AU", "JP", "KR", "IN", "SE", "ZA", "TR")
_SHORTEST_IBAN = 15  # Norway
_SHORTEST_PHONE, _LONGEST_PHONE = 7, 15


def card(text: str) -> bool:
    """Tell whether the digits pass Luhn and begin like a payment card of that length."""
    number = _digits(text)
    return bool(_CARD.fullmatch(number)) and bool(luhn.is_valid(number))


def ssn(text: str) -> bool:
    """Tell whether the digits can be a US social security number or taxpayer number (ITIN)."""
    number = _digits(text)
    return bool(us_ssn.is_valid(number)) or bool(us_itin.is_valid(number))


def ip_address(text: str) -> bool:
    """Tell whether this is an address of a host, and not a netmask, loopback or likely version number."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    if address.is_loopback or address.is_unspecified:
        return False
    if isinstance(address, ipaddress.IPv6Address):
        return _host_like_ipv6(text)
    octets = address.packed
    return octets[0] != 255 and any(octet > 9 for octet in octets)


def _host_like_ipv6(text: str) -> bool:
    """Tell a real address from ``a::b`` in source code: three groups, a digit among them, or an IPv4 tail."""
    groups = [group for group in text.split(":") if group]
    return "." in text or (len(groups) > 2 and any(char.isdigit() for char in text))


def phone(text: str) -> bool:
    """Tell whether this is a possible international number (``+``; if ``00`` and digits, valid)."""
    if text.startswith("00") and text.isdigit():
        return _valid("+" + text[2:], None)
    parsed = _parsed("+" + text[2:] if text.startswith("00") else text, None)
    return parsed is not None and phonenumbers.is_possible_number(parsed)


def phone_us(text: str) -> bool:
    """Tell whether this has the shape of a North American number (NPA-NXX-XXXX)."""
    return bool(_NANP_SHAPE.fullmatch(_digits(_EXTENSION.sub("", text))))


def phone_us_valid(text: str) -> bool:
    """Tell whether this is a North American number with an area code in use."""
    return _valid(text, "US")


def phone_trunk(text: str) -> bool:
    """Tell whether this is a valid national number with a trunk prefix (``020 7946 0958``) somewhere."""
    return not _DATE.search(text) and any(_valid(text, region) for region in _TRUNK_REGIONS)


def phone_plain(text: str) -> bool:
    """Tell whether the digits are as many as a telephone number has, and are not a date."""
    return _SHORTEST_PHONE <= len(_digits(text)) <= _LONGEST_PHONE and not _DATE.search(text)


def iban(text: str) -> bool:
    """Tell whether this is an international bank account number: mod 97, for countries known and unknown.

    Source: ISO 13616. Lengths by country change and are often mistyped; the check digits say enough.
    """
    number = "".join(char for char in text if char.isascii() and char.isalnum()).upper()
    return len(number) >= _SHORTEST_IBAN and bool(mod_97_10.is_valid(number[4:] + number[:4]))


def _digits(text: str) -> str:
    return "".join(char for char in text if "0" <= char <= "9")


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


CHECKS: Mapping[str, Check] = {
    check.__name__: check
    for check in (card, ssn, ip_address, phone, phone_us, phone_us_valid, phone_trunk, phone_plain, iban)
}
