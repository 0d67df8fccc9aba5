"""The digits of a matched string, whatever stands between them."""

from __future__ import annotations


def digits_of(text: str) -> str:
    """Return the ASCII digits of a text."""
    return "".join(char for char in text if "0" <= char <= "9")
