"""A request body that is put together from others: the lines of a file, the parts of an upload.

What lies between the sections, and every section without a change, stays byte for byte.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import NamedTuple

from sidecar.errors import RequestRefused
from sidecar.formats.format import ParsedRequest, Replacement, TextField
from sidecar.formats.json_request import MAX_FIELDS


class Section(NamedTuple):
    """The stretch ``[start, end)`` of a body, in bytes, and what was found in it."""

    start: int
    end: int
    parsed: ParsedRequest


class Sections:
    """A body of several sections; see ``formats.format.ParsedRequest``.

    Args:
        body: The whole body.
        sections: Disjoint and ascending.

    Raises:
        RequestRefused: (413) Together they hold more than ``MAX_FIELDS`` text fields.
    """

    def __init__(self, body: bytes, sections: Sequence[Section]) -> None:
        if sum(len(each.parsed.fields) for each in sections) > MAX_FIELDS:
            raise RequestRefused(413, f"the body: more than {MAX_FIELDS} strings and numbers")
        self._body = body
        self._sections = sections
        self._fields = tuple(chain.from_iterable(each.parsed.fields for each in sections))

    @property
    def fields(self) -> Sequence[TextField]:
        """All text fields, section by section."""
        return self._fields

    lasting: int | None = None

    @property
    def signed(self) -> Sequence[str]:
        """The signed and encrypted texts of all sections."""
        return [text for each in self._sections for text in each.parsed.signed]

    def edited(self, replacements: Sequence[Sequence[Replacement]]) -> bytes:
        """Return the body with only these stretches changed; the same object if there are none."""
        if len(replacements) != len(self._fields):
            raise ValueError(f"{len(replacements)} lists of replacements for {len(self._fields)} fields")
        if not any(replacements):
            return self._body
        pieces: list[bytes] = []
        position = first = 0
        for start, end, parsed in self._sections:
            changes = replacements[first : first + len(parsed.fields)]
            first += len(parsed.fields)
            if any(changes):
                pieces += (self._body[position:start], parsed.edited(changes))
                position = end
        return b"".join([*pieces, self._body[position:]])
