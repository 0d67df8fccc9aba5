"""Restores a whole JSON answer: each string through a restorer of its own, all else as it came.

A string that is itself a JSON document is restored literal by literal, so that every original is
escaped as its own document needs, however deep it stands.
"""

from __future__ import annotations

from bisect import bisect_left

from sidecar.formats.base64_text import Base64Text
from sidecar.formats.json_text import Document, Edits, JsonInvalid, Kind, Literal, read, read_bytes
from sidecar.formats.media import Verdict, inspected
from sidecar.formats.places import Place, places_below
from sidecar.formats.shapes import ANYTHING, MEDIA_PLACES, Shape, Treatment
from sidecar.model import Escaping, RestorerFactory

_KEY, _STRING, _NUMBER = int(Kind.KEY), int(Kind.STRING), int(Kind.NUMBER)
_ARRAY, _OBJECT = int(Kind.ARRAY), int(Kind.OBJECT)

_UNTOUCHED = frozenset({Treatment.SIGNED, Treatment.SEALED})
# Places of strings alone; at all others a number may have stood.
_STAYS_STRING = frozenset(
    {Treatment.TEXT, Treatment.NAME, Treatment.JSON_SOURCE, Treatment.STRUCTURAL, Treatment.NUMERIC}
)


def restored_answer(body: bytes, shape: Shape, restorers: RestorerFactory) -> bytes:
    """Return the answer restored; the same object if no string in it changes.

    Raises:
        ValueError: The body is not JSON in UTF-8.
    """
    document = read_bytes(body)
    edits = Edits()
    changed = restore_part(document, 0, shape, restorers, edits)
    return edits.apply(document).encode("utf-8") if changed else body


def restore_part(
    document: Document, entry: int, shape: Shape, restorers: RestorerFactory, edits: Edits
) -> bool:
    """Add to ``edits`` what restores the value at ``entry``; tell whether that changes anything."""
    return _Restoration(restorers, edits).restore(document, shape, entry)


def nothing_like(document: Document, entry: int) -> str:
    """Return what stands for a companion that no longer fits: an empty array for an array, else null."""
    return "[]" if document.kinds[entry] == _ARRAY else "null"


class _Restoration:
    """Collects what changes in one answer."""

    def __init__(self, restorers: RestorerFactory, edits: Edits) -> None:
        self._restorers = restorers
        self._may_change = restorers(Escaping.TEXT).may_change
        self.edits = edits

    def restore(self, document: Document, shape: Shape, start: int = 0) -> bool:
        """Restore the strings and keys of a value; tell whether any of them changed."""
        changed: list[int] = []  # where they stand, in ascending order
        companions: list[Place] = []
        for place in places_below(document, shape, start):
            if place.treatment is Treatment.COMPANION:
                companions.append(place)
            elif self._restore_if_text(document, place):
                changed.append(document.starts[place.entry])
        # Only now is it known whether what they describe has changed.
        return self._restore_companions(document, companions, changed) or bool(changed)

    def _restore_companions(self, document: Document, companions: list[Place], changed: list[int]) -> bool:
        gone, any_changed = -1, False
        for place in companions:
            at, kind = document.starts[place.entry], document.kinds[place.entry]
            if at < gone:
                continue
            if kind not in (_ARRAY, _OBJECT):
                any_changed |= self._restore_if_text(document, place)
                continue
            first = bisect_left(changed, document.starts[place.above])
            if first < len(changed) and changed[first] < document.ends[place.above]:
                gone = document.ends[place.entry]
                self.edits.put_source(document, at, gone, nothing_like(document, place.entry))
        return any_changed

    def _restore_if_text(self, document: Document, place: Place) -> bool:
        is_text = document.kinds[place.entry] in (_KEY, _STRING)
        return is_text and place.treatment not in _UNTOUCHED and self._restore(document, place)

    def _restore(self, document: Document, place: Place) -> bool:
        literal = document.literal(place.entry)
        encoded = _encoded_text(literal, place)
        if encoded is not None:
            return self._restore_encoded(encoded)
        if not self._may_change(literal.text):
            return False
        is_key = document.kinds[place.entry] == _KEY
        inner = None if is_key else literal.inner()
        if inner is not None:
            return self.restore(inner, ANYTHING)
        is_source = place.treatment is Treatment.JSON_SOURCE
        text = self._restored(literal.text, Escaping.JSON if is_source else Escaping.TEXT)
        if text == literal.text:
            return False
        if place.treatment not in _STAYS_STRING or is_key:
            source = self._restored_source(literal, text, may_be_number=not is_key)
            if source:
                self.edits.put_source(document, literal.start, literal.end, source)
                return True
        self.edits.set(literal, text)
        return True

    def _restore_encoded(self, encoded: Base64Text) -> bool:
        inner = encoded.inner()
        if inner is not None:
            return self.restore(inner, ANYTHING)
        text = self._restored(encoded.text, Escaping.TEXT)
        if text == encoded.text:
            return False
        encoded.write(self.edits, 0, len(encoded.text), text)
        return True

    def _restored_source(self, literal: Literal, text: str, *, may_be_number: bool) -> str:
        """Return the literal restored as JSON of its own, or nothing if that means something else.

        So an original stands as it was spelled, and a string that is one token alone turns back into
        the number that it was.
        """
        source = self._restored(literal.document.text[literal.start : literal.end], Escaping.JSON)
        try:
            restored = read(source)
        except JsonInvalid:
            return ""
        if restored.kinds[0] == _NUMBER and may_be_number:
            return source
        return source if restored.kinds[0] == _STRING and restored.decoded(0) == text else ""

    def _restored(self, text: str, escaping: Escaping) -> str:
        restorer = self._restorers(escaping)
        return restorer.feed(text) + restorer.flush()


def _encoded_text(literal: Literal, place: Place) -> Base64Text | None:
    """Return the text behind base64 that is declared as text or as nothing, if it is that."""
    if place.treatment not in MEDIA_PLACES:
        return None
    found = inspected(literal.text, place.treatment, place.siblings)
    if found.verdict not in (Verdict.ENCODED_TEXT, Verdict.UNREADABLE):
        return None
    try:
        return Base64Text(literal, found.start)
    except ValueError:
        return None
