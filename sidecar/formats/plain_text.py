"""Text that is no JSON: one text field, edited where it stands."""

from __future__ import annotations

import codecs
import re
from collections.abc import Sequence
from dataclasses import dataclass

from sidecar.errors import RequestRefused
from sidecar.formats.format import FieldKind, Replacement
from sidecar.formats.json_text import spliced

# What text never holds; tabs, line ends, form feeds, backspaces and terminal escapes occur.
_binary = re.compile(rb"[\x00-\x07\x0e-\x1a\x1c-\x1f]").search


def is_binary(body: bytes) -> bool:
    """Tell whether the bytes hold what no text holds; UTF-8 is not checked."""
    return _binary(body) is not None


@dataclass(frozen=True, slots=True)
class TextRun:
    """One text; see ``formats.format.TextField``."""

    text: str
    hint: str = ""
    kind: FieldKind = FieldKind.STRING
    nested: bool = False

    def source(self, start: int, end: int) -> str:
        """Return code points ``[start, end)`` of the text, which is spelled as it reads."""
        return self.text[start:end]


class PlainText:
    """A stretch of text in UTF-8; see ``formats.format.ParsedRequest``.

    Args:
        body: The bytes. A byte order mark is kept and is no part of the text.
        hint: What stands beside it and says what it is.
        kind: How it is looked at.

    Raises:
        RequestRefused: (415) It is not UTF-8.
    """

    signed: Sequence[str] = ()
    lasting: int | None = None

    def __init__(self, body: bytes, hint: str = "", kind: FieldKind = FieldKind.STRING) -> None:
        self._body = body
        self._mark = codecs.BOM_UTF8 if body.startswith(codecs.BOM_UTF8) else b""
        try:
            text = body[len(self._mark) :].decode("utf-8")
        except UnicodeDecodeError as error:
            raise RequestRefused(415, f"byte {error.start} of the text is not UTF-8") from None
        self.fields: Sequence[TextRun] = (TextRun(text, hint, kind),) if text else ()

    def edited(self, replacements: Sequence[Sequence[Replacement]]) -> bytes:
        """Return the text with only these stretches changed; the same object if there are none."""
        if not any(replacements):
            return self._body
        changes = [(each.start, each.end, each.token) for each in replacements[0]]
        return self._mark + spliced(self.fields[0].text, changes).encode("utf-8")


class Untouched:
    """Bytes that nobody looks into: media, and documents where they are set to pass."""

    fields: Sequence[TextRun] = ()
    signed: Sequence[str] = ()
    lasting: int | None = None

    def __init__(self, body: bytes) -> None:
        self._body = body

    def edited(self, replacements: Sequence[Sequence[Replacement]]) -> bytes:
        """Return the bytes as they are; there is nothing to replace."""
        del replacements
        return self._body
