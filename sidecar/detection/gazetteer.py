"""stub"""
from __future__ import annotations
import unicodedata
_SPECIAL = str.maketrans({"ß":"ss","ø":"o","đ":"d","ð":"d","ł":"l","æ":"ae","œ":"oe","ı":"i","þ":"th","ħ":"h","'":"","’":""})
def fold(word: str) -> str:
    if word.isascii():
        return word.lower().replace("'", "")
    d = unicodedata.normalize("NFD", word.casefold())
    return unicodedata.normalize("NFC","".join(c for c in d if not ("\u0300"<=c<="\u036f"))).translate(_SPECIAL)
