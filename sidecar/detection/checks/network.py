"""Checks of network addresses; they see only the matched string and never raise."""

from __future__ import annotations

import ipaddress


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
