"""Checks of wallet addresses and keys; they see only the matched string and never raise."""

from __future__ import annotations

import hashlib

_BITCOIN = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_RIPPLE = "rpshnaf39wBUDNEGHJKLM4PQRST7VWXYZ2bcdeCg65jkm8oFqi1tuvAxyz"
_CHECKSUM = 4  # bytes
_LONGEST = 120  # characters; a decoded extended key has 111


def base58check(text: str) -> bool:
    """Tell whether the last four bytes are the checksum of the others, in Bitcoin's or Ripple's alphabet.

    Source: Bitcoin wiki, "Base58Check encoding"; XRPL, "base58 encodings".
    """
    return any(_sums_up(text, alphabet) for alphabet in (_BITCOIN, _RIPPLE))


def _sums_up(text: str, alphabet: str) -> bool:
    if len(text) > _LONGEST or not set(text) <= set(alphabet):
        return False
    number = 0
    for char in text:
        number = number * 58 + alphabet.index(char)
    zeros = len(text) - len(text.lstrip(alphabet[0]))
    raw = bytes(zeros) + number.to_bytes((number.bit_length() + 7) // 8, "big")
    payload, checksum = raw[:-_CHECKSUM], raw[-_CHECKSUM:]
    twice = hashlib.sha256(hashlib.sha256(payload).digest()).digest()
    return len(raw) > _CHECKSUM and twice[:_CHECKSUM] == checksum
