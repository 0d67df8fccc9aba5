"""Restores a whole JSON answer: each string through a restorer of its own, all else as it came."""

from __future__ import annotations

import re

from sidecar.formats.json_grammar import NUMBER
from sidecar.formats.json_text import Edits, Kind, Literal, read_bytes
from sidecar.formats.places import places
from sidecar.formats.shapes import Shape, Treatment
from sidecar.model import Escaping, RestorerFactory

_TEXTS = (int(Kind.STRING), int(Kind.KEY))
_is_number = re.compile(NUMBER).fullmatch


def restored_answer(body: bytes, shape: Shape, restorers: RestorerFactory) -> bytes:
    """Return the answer restored; the same object if no string in it changes.

    Raises:
        ValueError: The body is not JSON in UTF-8.
    """
    document = read_bytes(body)
    edits = Edits()
    changed = False
    for place in places(document, shape):
        if document.kinds[place.entry] in _TEXTS and place.treatment is not Treatment.SIGNED:
            changed |= _restore(document.literal(place.entry), place.treatment, restorers, edits)
    return edits.apply(document).encode("utf-8") if changed else body


def _restore(literal: Literal, treatment: Treatment, restorers: RestorerFactory, edits: Edits) -> bool:
    escaping = Escaping.JSON if treatment is Treatment.JSON_SOURCE else Escaping.TEXT
    text = _restored(literal.text, escaping, restorers)
    if text == literal.text:
        return False
    if treatment in _MAY_BE_NUMBERS:
        # Read as a document of its own, a string that is one token turns back into the number it was.
        source = literal.document.text[literal.start : literal.end]
        number = _restored(source, Escaping.JSON, restorers)
        if _is_number(number):
            edits.put_source(literal.document, literal.start, literal.end, number)
            return True
    edits.set(literal, text)
    return True


_MAY_BE_NUMBERS = frozenset({Treatment.USER_DATA, Treatment.NUMERIC})


def _restored(text: str, escaping: Escaping, restorers: RestorerFactory) -> str:
    restorer = restorers(escaping)
    return restorer.feed(text) + restorer.flush()
