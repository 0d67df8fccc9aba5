"""Follows JSON source piece by piece: is this place inside a string, a key, or outside of both?

The answer depends on the text alone, never on where it was cut. Once the text cannot be the start of
one JSON document, ``broken`` is set for good; unless strict, following goes on as well as it can.
"""

from __future__ import annotations

import re
from enum import Enum, auto

_IN_STRING = re.compile('["\\\\\x00-\x1f]')
_NOT_SPACE = re.compile(r"[^ \t\n\r]")
_HEX = frozenset("0123456789abcdefABCDEF")
_DIGITS = frozenset("0123456789")


def _literal_steps() -> dict[tuple[str, str], str]:
    """Return the transitions of a recognizer for numbers, ``true``, ``false`` and ``null``."""
    steps = {("", "-"): "-", ("0", "."): ".", ("1", "."): ".", ("e", "-"): "e-", ("e", "+"): "e-"}
    for digit in _DIGITS:
        steps["", digit] = steps["-", digit] = "0" if digit == "0" else "1"
        steps["1", digit] = "1"
        steps[".", digit] = steps[".1", digit] = ".1"
        steps["e", digit] = steps["e-", digit] = steps["e1", digit] = "e1"
    for mark in "eE":
        steps["0", mark] = steps["1", mark] = steps[".1", mark] = "e"
    for word in ("true", "false", "null"):
        # The mark at the end keeps the "e" of a number apart from words.
        for length, letter in enumerate(word):
            steps[f"{word[:length]}~" if length else "", letter] = f"{word[: length + 1]}~"
    return steps


_STEPS = _literal_steps()
_WHOLE_LITERALS = frozenset({"0", "1", ".1", "e1", "true~", "false~", "null~"})


class _Expect(Enum):
    KEY_OR_END = auto()
    KEY = auto()
    COLON = auto()
    VALUE_OR_END = auto()
    VALUE = auto()
    COMMA_OR_END = auto()
    NOTHING = auto()


_KEYS = (_Expect.KEY, _Expect.KEY_OR_END)
_VALUES = (_Expect.VALUE, _Expect.VALUE_OR_END)
_ENDS = {
    "}": ("{", (_Expect.KEY_OR_END, _Expect.COMMA_OR_END)),
    "]": ("[", (_Expect.VALUE_OR_END, _Expect.COMMA_OR_END)),
}


class JsonContext:
    """Where in a JSON document a growing text stands.

    Args:
        strict: The document must be an object or an array, as a structured output is, and nothing is
            followed any more once the text is broken.
    """

    __slots__ = (
        "_escape",
        "_expect",
        "_literal",
        "_stack",
        "_strict",
        "broken",
        "fresh",
        "in_string",
    )

    def __init__(self, *, strict: bool) -> None:
        self.broken = False
        self.in_string = False
        self.fresh = False
        """The text ends in the quote that opens a string which is a value, not a key."""
        self._strict = strict
        self._expect = _Expect.VALUE
        self._stack: list[str] = []
        self._escape = 0  # characters that an escape still lacks: 5 after a backslash, 4..1 after \u
        self._literal = ""

    @property
    def begun(self) -> bool:
        """Whether an object or array has been opened."""
        return bool(self._stack) or self._expect is _Expect.NOTHING

    @property
    def settled(self) -> bool:
        """Whether it is inside a string, which nothing but a quote, an escape or a control character ends."""
        return self.in_string and not self.fresh and not self._escape

    @property
    def key_expected(self) -> bool:
        """Whether a key must stand here."""
        return self._expect in _KEYS

    def feed(self, text: str) -> None:
        """Take the next piece of the text."""
        at = 0
        while at < len(text) and not (self.broken and self._strict):
            at = self._feed_string(text, at) if self.in_string else self._feed_outside(text, at)

    def pass_original(self) -> None:
        """Note that an escaped original, and not the text that was fed, goes on with this string."""
        self.fresh = False
        if self._escape:
            self.broken = True
            self._escape = 0

    def replace_string(self) -> None:
        """Note that the string which has just been opened became a bare number."""
        self.fresh = self.in_string = False
        self._end_value()

    def _feed_string(self, text: str, at: int) -> int:
        self.fresh = False
        if self._escape:
            self._feed_escape(text[at])
            return at + 1
        special = _IN_STRING.search(text, at)
        if special is None:
            return len(text)
        match special[0]:
            case '"':
                self.in_string = False
                if self._expect is not _Expect.COLON:
                    self._end_value()
            case "\\":
                self._escape = 5
            case _:
                self.broken = True
        return special.end()

    def _feed_escape(self, char: str) -> None:
        if self._escape == 5:
            self._escape = 4 if char == "u" else 0
            self.broken = self.broken or char not in '"\\/bfnrtu'
        elif char in _HEX:
            self._escape -= 1
        else:
            self.broken = True
            self._escape = 0
            self._feed_string(char, 0)  # it may be the quote that ends the string

    def _feed_outside(self, text: str, at: int) -> int:
        char = text[at]
        if self._literal:
            step = _STEPS.get((self._literal, char))
            if step:
                self._literal = step
                return at + 1
            self.broken = self.broken or self._literal not in _WHOLE_LITERALS
            self._literal = ""
            self._end_value()
        if char in " \t\n\r":
            word = _NOT_SPACE.search(text, at)
            return word.start() if word else len(text)
        self._feed_mark(char)
        return at + 1

    def _feed_mark(self, char: str) -> None:
        if self._strict and not self.begun and char not in "{[":
            self.broken = True
        match char:
            case '"':
                self._open_string()
            case "{" | "[":
                self._require(*_VALUES)
                self._stack.append(char)
                self._expect = _Expect.KEY_OR_END if char == "{" else _Expect.VALUE_OR_END
            case "}" | "]":
                self._close(char)
            case ",":
                self._require(_Expect.COMMA_OR_END)
                in_object = bool(self._stack) and self._stack[-1] == "{"
                self._expect = _Expect.KEY if in_object else _Expect.VALUE
            case ":":
                self._require(_Expect.COLON)
                self._expect = _Expect.VALUE
            case _:
                self._require(*_VALUES)
                self._literal = _STEPS.get(("", char), "") if self._expect in _VALUES else ""
                self.broken = self.broken or not self._literal

    def _open_string(self) -> None:
        self._require(*_KEYS, *_VALUES)
        self.in_string = True
        if self._expect in _KEYS:
            self._expect = _Expect.COLON
        else:
            self._expect = _Expect.VALUE
            self.fresh = True

    def _close(self, char: str) -> None:
        opening, expected = _ENDS[char]
        self._require(*expected)
        if not self._stack or self._stack.pop() != opening:
            self.broken = True
        self._end_value()

    def _end_value(self) -> None:
        self._expect = _Expect.COMMA_OR_END if self._stack else _Expect.NOTHING

    def _require(self, *expected: _Expect) -> None:
        if self._expect not in expected:
            self.broken = True
