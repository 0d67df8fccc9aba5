"""Text in one spelling for comparing: one letter case, no diacritics, one blank, one dash, one apostrophe.

Every code point becomes exactly one, so that offsets stay as they are.
"""

from __future__ import annotations

import unicodedata

_TABLE_SIZE = 0x2070
_BLANKS = "\t\n\r\x0b\x0c\u00a0\u1680\u2028\u2029\u202f\u205f" + "".join(map(chr, range(0x2000, 0x200B)))
_SPECIAL = {
    **dict.fromkeys(_BLANKS, " "),
    **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015", "-"),
    **dict.fromkeys("\u2018\u2019\u02bc\u00b4`", "'"),
    "\u03c2": "\u03c3",
    **dict(
        zip(
            "\u00d8\u00f8\u0141\u0142\u0110\u0111\u00d0\u00f0\u0130\u0131\u1e9e",
            "oollddddii\u00df",
            strict=True,
        )
    ),
}
# What is written in their place where the letters are missing.
_WRITTEN_OUT = {
    ord(char): letters
    for chars, letters in (
        ("\u00c4\u00e4\u00c6\u00e6", "ae"),
        ("\u00d6\u00f6\u00d8\u00f8\u0152\u0153", "oe"),
        ("\u00dc\u00fc", "ue"),
        ("\u00c5\u00e5", "aa"),
        ("\u00df\u1e9e", "ss"),
        ("\u00de\u00fe", "th"),
    )
    for char in chars
}


def _plain(char: str) -> str:
    if char in _SPECIAL:
        return _SPECIAL[char]
    split = unicodedata.normalize("NFD", char)
    bare = split[0].lower() if len(split) > 1 and split[0].isalpha() else char.lower()
    return bare if len(bare) == 1 else char


_TABLE = "".join(_plain(chr(code)) for code in range(_TABLE_SIZE))


def folded(text: str) -> str:
    """Return the text in its one spelling, of the same length."""
    plain = text.translate(_TABLE)
    return plain if plain.isascii() else plain.lower()


def written_out(text: str) -> str:
    """Return the folded text with letters such as ö and ß as two, as where there are none of them."""
    return folded(text.translate(_WRITTEN_OUT))
