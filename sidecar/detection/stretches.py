"""Long texts in stretches: no single call on one of them holds the interpreter for more than milliseconds.

The other threads of a process wait for as long: a health check must not. What comes of a text is the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

STRETCH = 1 << 17  # code points; expressions read some twenty million of them a second
_BLANK = re.compile(r"[ \t\n\r\f\v]")


def matches(pattern: re.Pattern[str], text: str, apart: re.Pattern[str] = _BLANK) -> Iterator[re.Match[str]]:
    """Yield the matches of a pattern in a text, in ascending order.

    Args:
        pattern: No match holds a character of ``apart``, and lookaheads take one for the end of the text.
        text: Where it has no such character for long, the interpreter is held for as long.
        apart: One character.
    """
    start = 0
    while start < len(text):
        end = _next(apart, text, start + STRETCH)
        yield from pattern.finditer(text, start, end)
        start = end


def _next(apart: re.Pattern[str], text: str, start: int) -> int:
    """Return where the next character stands between which and the one before it no match is."""
    while start < len(text):
        if found := apart.search(text, start, start + STRETCH):
            return found.start()
        start += STRETCH
    return len(text)


def in_slices(text: str, change: Callable[[str], str]) -> str:
    """Return a text each of whose code points was changed for itself."""
    return change(text) if len(text) <= STRETCH else "".join(map(change, slices(text)))


def holds(text: str, char: re.Pattern[str]) -> bool:
    """Tell whether a text holds a character that matches."""
    return any(map(char.search, slices(text))) if len(text) > STRETCH else char.search(text) is not None


def encoded(text: str) -> bytes:
    """Return a text without lone surrogates in UTF-8."""
    return text.encode() if len(text) <= STRETCH else b"".join(part.encode() for part in slices(text))


def slices(text: str) -> Iterator[str]:
    """Yield a text in pieces."""
    return (text[start : start + STRETCH] for start in range(0, len(text), STRETCH))
