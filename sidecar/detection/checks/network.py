"""Checks of network addresses; they see only the matched string and never raise."""

from __future__ import annotations

import ipaddress
import re

_NUMBERS = re.compile(r"\d+", re.ASCII)
_PLAIN = re.compile(r"[\d.]+", re.ASCII)
_IN_USE = re.compile(r"(?:2[0-9a-f]{3}|f[cd][0-9a-f]{2}|fe[89ab][0-9a-f]):", re.IGNORECASE)


def ip_address(text: str) -> bool:
    """Tell whether this is an address of a host, and not a netmask, loopback or likely version number.

    The size of its network may follow: ``198.51.100.0/24``.
    """
    text = text.partition("/")[0]
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


def ip_defanged(text: str) -> bool:
    """Tell whether this is an IPv4 address of a host with brackets, blanks or words for its dots."""
    octets = _NUMBERS.findall(text)
    return not _PLAIN.fullmatch(text) and ip_address(".".join(octets))


def mac(text: str) -> bool:
    """Tell whether this is the address of one network card: not all the same, and no plain number."""
    digits = [char for char in text.lower() if char.isalnum()]
    return len(set(digits)) > 2 and (any(char.isalpha() for char in digits) or ":" in text or "-" in text)


def _host_like_ipv6(text: str) -> bool:
    """Tell a real address from ``a::b`` in source code.

    It has three groups and a digit among them, or an IPv4 tail, or begins as addresses that are in use do.
    """
    groups = [group for group in text.partition("%")[0].split(":") if group]
    return (
        "." in text
        or (len(groups) > 2 and any(char.isdigit() for char in text))
        or (len(groups) == 2 and bool(_IN_USE.match(text)))
        or ("::" in text and text.endswith("::") and bool(_IN_USE.match(text)))
    )
