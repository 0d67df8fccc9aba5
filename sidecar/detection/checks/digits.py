"""The digits of a matched string, whatever stands between them."""

from __future__ import annotations

import re

_OTHER = re.compile(r"[^0-9]+")


def digits_of(text: str) -> str:
    """Return the ASCII digits of a text."""
    return _OTHER.sub("", text)
