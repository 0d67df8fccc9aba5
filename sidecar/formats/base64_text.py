"""Text that stands as base64 inside a JSON string: looked at as text, written back as base64."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence

from sidecar.formats.json_text import Change, Document, Edits, JsonInvalid, Literal, escaped, read, spliced


class Base64Text:
    """The text behind the base64 from ``start`` on in a literal; the base64 stays unless the text changes.

    Raises:
        ValueError: It is no base64, or not of text in UTF-8.
    """

    __slots__ = ("_alphabet", "_start", "depth", "literal", "text")

    def __init__(self, literal: Literal, start: int) -> None:
        source = "".join(literal.text[start:].split()).rstrip("=")
        self._alphabet = b"-_" if set("-_") & set(source) else b"+/"
        try:
            decoded = base64.b64decode(source + "=" * (-len(source) % 4), self._alphabet, validate=True)
        except binascii.Error as error:
            raise ValueError("not base64") from error
        self.text = decoded.decode("utf-8")
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
