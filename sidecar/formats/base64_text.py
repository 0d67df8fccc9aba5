"""Text that stands as base64 inside a JSON string: looked at as text, written back as base64."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence

from sidecar.formats.json_text import Change, Document, Edits, JsonInvalid, Literal, escaped, read, spliced
from sidecar.formats.plain_text import is_binary


class Base64Text:
    """The text behind the base64 from ``start`` on in a literal; the base64 stays unless the text changes.

    Raises:
        ValueError: It is no base64, or not of text in UTF-8.
    """

    __slots__ = ("_alphabet", "_start", "depth", "literal", "text")

    def __init__(self, literal: Literal, start: int) -> None:
        source = literal.text[start:]
        self._alphabet = _alphabet(source)
        self.text = decoded_text(source)
        self.depth = literal.document.depth + 1
        self.literal = literal
        self._start = start

    @property
    def document(self) -> Base64Text:
        """The text that edits are made in: this one."""
        return self

    def source(self, start: int, end: int) -> str:
        """Return code points ``[start, end)`` as JSON would spell them."""
        return escaped(self.text[start:end])

    def write(self, edits: Edits, start: int, end: int, text: str) -> None:
        """Write ``text`` over code points ``[start, end)``."""
        edits.put_source(self, start, end, text)

    def lift(self, edits: Edits, changes: Sequence[Change]) -> None:
        """Encode the changed text anew."""
        text = spliced(self.text, changes).encode("utf-8", "surrogatepass")
        encoded = base64.b64encode(text, self._alphabet).decode("ascii")
        self.literal.write(edits, self._start, len(self.literal.text), encoded)

    def inner(self) -> Document | None:
        """Return the array or object that the text spells out, if the whole of it is one."""
        if self.text.strip(" \t\n\r")[:1] not in ("{", "["):
            return None
        try:
            return read(self.text, outer=self)
        except JsonInvalid:
            return None


def decoded_text(source: str) -> str:
    """Return the text that base64 stands for, with or without padding, in either alphabet.

    Raises:
        ValueError: It is no base64, or not of text in UTF-8. Control characters are a sign of UTF-16.
    """
    bare = "".join(source.split()).rstrip("=")
    try:
        decoded = base64.b64decode(bare + "=" * (-len(bare) % 4), _alphabet(bare), validate=True)
    except binascii.Error as error:
        raise ValueError("not base64") from error
    if is_binary(decoded):
        raise ValueError("base64 of no text")
    return decoded.decode("utf-8")


def _alphabet(source: str) -> bytes:
    return b"-_" if set("-_") & set(source) else b"+/"
