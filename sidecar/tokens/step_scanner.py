"""Replaces what was invented in one run of text that arrives in arbitrary pieces, within bounds.

A stream is looked at in steps of ``STEP`` code points. Each is decided once ``AHEAD`` more are known, and
the end of the word that these end in, so an original of at most ``AHEAD`` code points (or of ``LONGEST_WORD``
without white space) is found wherever it was cut.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Protocol

from sidecar.model import Escaping
from sidecar.tokens.json_context import JsonContext

STEP = 32
AHEAD = 64
BEHIND = 64
LONGEST_WORD = 1024

# What an original without blanks is made of; anything else ends a word.
_BREAK = re.compile(r"[^A-Za-z0-9_.@%+=/:~'\u2019\u00c0-\u1fff-]")
_ESCAPE = re.compile(r'\\(?:u([0-9A-Fa-f]{4})|["\\/bfnrt])')
_READ = {'"': '"', "\\": "\\", "/": "/"}  # of the escapes of one letter; the others are white space
_NUMBER_PART = frozenset("+-.0123456789eE")


class Cover(Protocol):
    """A stretch ``[start, end)`` of a text, and the token that takes its place."""

    @property
    def start(self) -> int:
        """Where it starts."""

    @property
    def end(self) -> int:
        """Where it ends."""

    @property
    def token(self) -> str:
        """The token."""


class StepScanner:
    """Replaces what was invented in one run of text; ``feed`` and ``flush`` as a restorer's.

    Args:
        invented: Returns the covers of one text, disjoint and ascending.
        escaping: How the text reads: in JSON source, a token that stands for a bare number gets quotes.
    """

    def __init__(self, invented: Callable[[str], Sequence[Cover]], escaping: Escaping) -> None:
        self._invented = invented
        self._escaping = escaping
        self._behind = ""  # the end of what has been decided
        self._text = ""
        self._json = None if escaping is Escaping.RAW else JsonContext(strict=escaping is Escaping.TEXT)

    def feed(self, delta: str) -> str:
        """Take the next piece; return what is now certain."""
        self._text += delta
        return self._decided(final=False)

    def flush(self) -> str:
        """Return what was held back; the channel is over."""
        return self._decided(final=True)

    def _decided(self, *, final: bool) -> str:
        out = []
        while self._text and (end := self._known_end(final=final)):
            out.append(self._step(end))
        return "".join(out)

    def _known_end(self, *, final: bool) -> int:
        """Return the end of the text that decides about the next step, or 0 if not all of it is there."""
        least, most = STEP + AHEAD, STEP + AHEAD + LONGEST_WORD
        if len(self._text) > least and (found := _BREAK.search(self._text, least, most)):
            return found.end()
        if len(self._text) >= most:
            return most
        return len(self._text) if final else 0

    def _step(self, end: int) -> str:
        """Decide about the next ``STEP`` code points, and about what starts in them."""
        before = len(self._behind)
        readable, places = unescaped(self._behind + self._text[:end])
        out, done = [], 0
        for found in self._invented(readable):
            start, stop = places[found.start] - before, places[found.end] - before
            if not done <= start < STEP:
                continue
            self._follow(self._text[done:start])
            first, last, token = self._written(start, stop, done, found.token)
            out += [self._text[done:first], token]
            self._follow(self._text[start:last])
            done = last
        upto = max(done, min(STEP, len(self._text)))
        if done < upto - 1 and self._text[upto - 1] == "-":
            upto -= 1  # it may be the sign of a number that has to go as a whole
        self._follow(self._text[done:upto])
        out.append(self._text[done:upto])
        self._leave(upto)
        return "".join(out)

    def _leave(self, upto: int) -> None:
        behind = self._behind + self._text[:upto]
        self._text = self._text[upto:]
        cut = max(0, len(behind) - BEHIND)
        # A word that is cut in two could look like another.
        start = _BREAK.search(behind, cut - 1) if cut else None
        self._behind = behind[start.end() if start else cut :]

    def _written(self, start: int, stop: int, done: int, token: str) -> tuple[int, int, str]:
        """Return the stretch to replace and its replacement: a number in JSON goes as a whole, in quotes."""
        outside = self._json is not None and not self._json.in_string
        if self._json is None or not outside or not self._reads_as_json(self._json):
            return start, stop, token
        while start > done and self._text[start - 1] in _NUMBER_PART:
            start -= 1
        while stop < len(self._text) and self._text[stop] in _NUMBER_PART:
            stop += 1
        return start, stop, f'"{token}"'

    def _reads_as_json(self, context: JsonContext) -> bool:
        return self._escaping is Escaping.JSON or (context.begun and not context.broken)

    def _follow(self, text: str) -> None:
        if self._json is not None:
            self._json.feed(text)


def unescaped(source: str) -> tuple[str, Sequence[int]]:
    """Return a text with JSON's escapes read, and for each place in it (and its end) that in the source."""
    if "\\" not in source:
        return source, range(len(source) + 1)
    out: list[str] = []
    places: list[int] = []
    done = 0
    for escape in _ESCAPE.finditer(source):
        out.append(source[done : escape.start()])
        places += range(done, escape.start() + 1)
        out.append(chr(int(escape[1], 16)) if escape[1] else _READ.get(escape[0][1], " "))
        done = escape.end()
    out.append(source[done:])
    places += range(done, len(source) + 1)
    return "".join(out), places
