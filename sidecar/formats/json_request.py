"""A JSON request body as text fields, in the order in which the provider's model reads them.

Every string, number and key of the user's is a field, unless the shape says that it is structural,
signed or media. A string that is itself a JSON document counts by the literals in it, to any depth.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence

from sidecar.errors import RequestRefused
from sidecar.formats.base64_text import Base64Text
from sidecar.formats.format import FieldKind, Passing, Replacement
from sidecar.formats.json_answer import nothing_like
from sidecar.formats.json_text import (
    Change,
    Document,
    Edits,
    JsonInvalid,
    Kind,
    Literal,
    escaped,
    read_bytes,
    spliced,
)
from sidecar.formats.media import Verdict, inspected, is_base64
from sidecar.formats.places import Place, places, places_below
from sidecar.formats.shapes import ANYTHING, MEDIA_PLACES, Shape, Treatment

MAX_FIELDS = 250_000
"""Text fields in one body; more are refused."""

UNREADABLE = (
    "a PDF, an office file or other data that cannot be looked at; send its text instead. "
    "Images, audio and video pass where their place and their declared type agree"
)

NESTED_BUDGET = 4
"""How many times its own length a body may add up to, counting each JSON string inside a JSON string."""

_KEY, _STRING = int(Kind.KEY), int(Kind.STRING)
_CONTAINERS = (int(Kind.ARRAY), int(Kind.OBJECT))
# Letters first, so no telephone, card or other number; no white space and no @, so no prose or address.
is_identifier = re.compile(r"[A-Za-z_$][A-Za-z0-9_.:/+=\-]{0,255}").fullmatch
_is_keyword = re.compile(r"[a-z][a-z0-9_.\-]{0,63}|[A-Z][A-Z0-9_]{0,63}").fullmatch
# A letter and no colon, so no card, telephone or network address.
_is_encrypted = re.compile(r"(?=[^A-Za-z]*[A-Za-z])[A-Za-z0-9_./+=\-]{16,}").fullmatch
_NUMBERS_PASS = frozenset({Treatment.STRUCTURAL, Treatment.NUMERIC, Treatment.COMPANION})
_has_space = re.compile(r"\s").search


class JsonField:
    """One text field; see ``formats.format.TextField``."""

    __slots__ = ("_holder", "hint", "kind")

    def __init__(self, kind: FieldKind, holder: Literal | Base64Text, hint: str) -> None:
        self.kind = kind
        self.hint = hint
        self._holder = holder

    @property
    def text(self) -> str:
        """The decoded text; for a number its exact spelling."""
        return self._holder.text

    @property
    def nested(self) -> bool:
        """Whether it stands in a document inside a string."""
        return isinstance(self._holder, Literal) and self._holder.document.depth > 0

    def source(self, start: int, end: int) -> str:
        """Return the JSON spelling of code points ``[start, end)`` in its own document."""
        return self._holder.source(start, end)

    def replace(self, replacements: Sequence[Replacement], edits: Edits) -> None:
        """Make the replacements; a number with one becomes a string."""
        holder = self._holder
        if self.kind is FieldKind.NUMBER and isinstance(holder, Literal):
            text = spliced(holder.text, [(each.start, each.end, each.token) for each in replacements])
            edits.put_source(holder.document, holder.start, holder.end, f'"{escaped(text)}"')
            return
        if isinstance(holder, Literal):
            edits.put_each(holder, replacements)
            return
        for each in replacements:
            holder.write(edits, each.start, each.end, each.token)


class JsonRequest:
    """A request body that has been looked through; see ``formats.format.ParsedRequest``.

    Args:
        body: One JSON document.
        shape: Its shape, or what says so once it has been read.
        order: The keys that reach the model first; by default those of the shape.
        passing: What passes although it cannot be looked at.

    Raises:
        RequestRefused: (400) It is not JSON in UTF-8. (413) It holds too many literals, or JSON nested
            in strings too often. (415) It holds a file, or (422) token ids, that cannot be looked at.
    """

    def __init__(
        self,
        body: bytes,
        shape: Shape | Callable[[Document], Shape],
        order: Sequence[str] = (),
        *,
        passing: Passing = Passing.NOTHING,
    ) -> None:
        self._body = body
        self._passing = passing
        try:
            self._document = read_bytes(body)
        except JsonInvalid as error:
            raise RequestRefused(400, f"the body is not JSON in UTF-8: {error}") from None
        self._fields: list[JsonField] = []
        self._starts: list[int] = []  # of the places that the fields stand in
        self._companions: list[Place] = []
        self._signed: list[str] = []
        self._budget = NESTED_BUDGET * len(body)
        self._at = 0
        found = shape if isinstance(shape, Shape) else shape(self._document)
        self._order = order or found.order
        for place in places(self._document, found, order):
            self._at = self._document.starts[place.entry]
            self._look(self._document, place)

    @property
    def size(self) -> int:
        """How many keys and values its document has."""
        return len(self._document.kinds)

    @property
    def fields(self) -> Sequence[JsonField]:
        """All text fields in prompt order."""
        return self._fields

    @property
    def signed(self) -> Sequence[str]:
        """Decoded text of the signed and encrypted parts."""
        return [text for text in self._signed if text]

    @property
    def lasting(self) -> int:
        """How many fields stand before the end of what conversations add to: the last of the ordered keys."""
        growing = self._document.find(self._order[-1]) if self._order else None
        if growing is None:
            return len(self._fields)
        start, end = self._document.starts[growing], self._document.ends[growing]
        behind = (
            number for number in range(len(self._starts), 0, -1) if start <= self._starts[number - 1] < end
        )
        return next(behind, len(self._fields))

    def edited(self, replacements: Sequence[Sequence[Replacement]]) -> bytes:
        """Return the body with only these stretches changed; the same object if there are none.

        What spells out a changed text piece by piece goes.
        """
        if not any(replacements):
            return self._body
        edits = Edits()
        gone = self._gone([at for at, changes in zip(self._starts, replacements, strict=True) if changes])
        for start, end, source in gone:
            edits.put_source(self._document, start, end, source)
        for field, at, changes in zip(self._fields, self._starts, replacements, strict=True):
            if changes and not _covered(gone, at):
                field.replace(changes, edits)
        return edits.apply(self._document).encode("utf-8")

    def _gone(self, changed: list[int]) -> list[Change]:
        """Return what stands for the companions of texts that change, in ascending order."""
        changed.sort()
        starts, ends = self._document.starts, self._document.ends
        gone: list[Change] = []
        for place in sorted(self._companions, key=lambda place: place.entry):
            first = bisect_left(changed, starts[place.above])
            is_inner = bool(gone) and starts[place.entry] < gone[-1][1]
            if not is_inner and first < len(changed) and changed[first] < ends[place.above]:
                like = nothing_like(self._document, place.entry)
                gone.append((starts[place.entry], ends[place.entry], like))
        return gone

    def _look(self, document: Document, place: Place) -> None:
        kind, treatment = document.kinds[place.entry], place.treatment
        if kind in _CONTAINERS:
            self._companions.append(place)
            return  # what stands in it comes by itself
        if treatment is Treatment.SIGNED:
            self._signed.append(document.decoded(place.entry))
        elif kind == _KEY:
            literal = document.literal(place.entry)
            if treatment is not Treatment.STRUCTURAL or not is_identifier(literal.text):
                self._add(FieldKind.KEY, literal, place.hint)
        elif kind == _STRING:
            self._look_at_string(document.literal(place.entry), place)
        elif treatment is Treatment.TOKEN_IDS and place.element:
            if Passing.TOKEN_IDS in self._passing:
                return
            raise self._refused(422, "token ids decode to text that cannot be looked at; send text instead")
        elif treatment not in _NUMBERS_PASS:
            for number in document.numbers(place.entry):
                self._add(FieldKind.NUMBER, number, place.hint)

    def _look_at_string(self, literal: Literal, place: Place) -> None:
        match place.treatment:
            case Treatment.NAME:
                self._add(FieldKind.KEY, literal, place.hint)
            case Treatment.STRUCTURAL if is_identifier(literal.text):
                pass
            case Treatment.STRUCTURAL if not _has_space(literal.text):
                self._add(FieldKind.KEY, literal, place.hint)
            case Treatment.KEYWORD if _is_keyword(literal.text):
                pass
            case Treatment.ENCRYPTED | Treatment.SEALED if _is_encrypted(literal.text):
                self._signed.append(literal.text)
            case treatment if treatment in MEDIA_PLACES:
                self._look_at_media(literal, place)
            case _:
                self._look_into(literal, place.hint)

    def _look_at_media(self, literal: Literal, place: Place) -> None:
        found = inspected(literal.text, place.treatment, place.siblings)
        match found.verdict:
            case Verdict.TEXT:
                self._look_into(literal, place.hint)
            case Verdict.SHORT:
                self._add(FieldKind.KEY, literal, place.hint)
            case Verdict.MEDIA:
                pass
            case Verdict.ENCODED_TEXT:
                try:
                    text = Base64Text(literal, found.start)
                except ValueError:
                    raise self._refused(415, "what is declared as text is not UTF-8 in base64") from None
                self._look_into(text, place.hint)
            case Verdict.UNREADABLE if Passing.DOCUMENTS in self._passing and is_base64(
                literal.text, found.start
            ):
                pass
            case Verdict.UNREADABLE:
                raise self._refused(415, UNREADABLE)

    def _look_into(self, holder: Literal | Base64Text, hint: str) -> None:
        """Add a text, or the literals of the document that it spells out."""
        inner = holder.inner()
        if inner is None:
            self._add(FieldKind.STRING, holder, hint)
            return
        self._budget -= len(inner.text)
        if self._budget < 0:
            raise self._refused(413, "JSON inside JSON strings is nested too often to be looked at")
        for place in places_below(inner, ANYTHING, hint=hint):
            self._look(inner, place)

    def _add(self, kind: FieldKind, holder: Literal | Base64Text, hint: str) -> None:
        if not holder.text:
            return
        if len(self._fields) == MAX_FIELDS:
            raise self._refused(413, f"more than {MAX_FIELDS} strings and numbers")
        self._fields.append(JsonField(kind, holder, hint))
        self._starts.append(self._at)

    def _refused(self, status: int, message: str) -> RequestRefused:
        offset = len(self._document.text[: self._at].encode("utf-8"))
        return RequestRefused(status, f"byte {offset} of the body: {message}")


def _covered(gone: Sequence[Change], at: int) -> bool:
    before = bisect_right(gone, at, key=lambda change: change[0])
    return before > 0 and at < gone[before - 1][1]
