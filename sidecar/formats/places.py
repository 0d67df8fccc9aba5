"""The walk over a document that says of each literal how its shape treats it.

No recursion, and one lookup for each key, whatever the shape.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from sidecar.formats.json_text import Document, Kind
from sidecar.formats.shapes import NO_SIBLINGS, TRUE, Shape, Siblings, Treatment

_WORD, _ARRAY, _OBJECT, _STRING = (int(kind) for kind in (Kind.WORD, Kind.ARRAY, Kind.OBJECT, Kind.STRING))
_ENOUGH = 2


class Place(NamedTuple):
    """One string, number, run of numbers or key of the user's, and how it is treated.

    ``hint`` is the nearest key above; ``siblings`` are the texts beside it that may decide; ``element``
    says that it stands in an array. Objects and arrays are places only if they are a companion of the text
    beside them; ``above`` is the entry of what they stand in.
    """

    entry: int
    treatment: Treatment
    hint: str
    siblings: Siblings = NO_SIBLINGS
    element: bool = False
    above: int = 0


class _Opened(NamedTuple):
    entry: int
    stop: int
    shape: Shape
    hint: str
    is_object: bool
    siblings: Siblings


def places(document: Document, shape: Shape, order: Sequence[str] = ()) -> Iterator[Place]:
    """Yield the places of a document, leftmost first, but what stands under the keys of ``order`` before.

    Words (``true``, ``false``, ``null``) and keys that the shape names are no places.
    """
    if order and document.kinds[0] == _OBJECT:
        yield from _ordered(document, 0, shape, order, "")
    else:
        yield from places_below(document, shape)


def places_below(
    document: Document, shape: Shape, start: int = 0, hint: str = "", siblings: Siblings = NO_SIBLINGS
) -> Iterator[Place]:
    """Yield the places in the value at ``start``, leftmost first."""
    kinds, afters = document.kinds, document.afters
    end = afters[start]
    opened = [_Opened(start, end, shape, hint, is_object=False, siblings=siblings)]
    entry, element = start, False
    while entry < end:
        while entry == opened[-1].stop:
            opened.pop()
        parent, _, above, hint, is_object, beside = opened[-1]
        if is_object:
            key = document.decoded(entry)
            named = above.member(key, beside)
            if named is None:
                yield Place(entry, _treatment_of_keys(above), hint)
            shape, hint, element = named or above.below, key, False
            entry += 1
        elif len(opened) > 1:
            shape, element = above.element, True
        kind = kinds[entry]
        if kind == _OBJECT and shape.order:
            yield from _ordered(document, entry, shape, shape.order, hint)
            entry = afters[entry]
            continue
        if kind in (_OBJECT, _ARRAY):
            is_object = kind == _OBJECT
            if shape.treatment is Treatment.COMPANION:
                yield Place(entry, shape.treatment, hint, above=parent)
            asked = _siblings(document, entry, shape) if is_object else beside
            opened.append(_Opened(entry, afters[entry], shape, hint, is_object, asked))
        elif kind != _WORD:
            yield Place(entry, shape.treatment, hint, beside, element)
        entry += 1


def _ordered(
    document: Document, entry: int, shape: Shape, order: Sequence[str], hint: str
) -> Iterator[Place]:
    """Yield the places in the object at ``entry``, those under the keys of ``order`` first."""
    ranks = {key: rank for rank, key in enumerate(order)}
    siblings = _siblings(document, entry, shape)
    members = [(document.decoded(key), key, value) for key, value in document.members(entry)]
    for name, key, value in sorted(members, key=lambda member: ranks.get(member[0], len(ranks))):
        named = shape.member(name, siblings)
        if named is None:
            yield Place(key, _treatment_of_keys(shape), hint)
        yield from places_below(document, named or shape.below, value, name, siblings)


def _treatment_of_keys(shape: Shape) -> Treatment:
    """Return how keys are treated that the shape does not name: as names, unless all below is special."""
    return shape.treatment if shape.treatment in (Treatment.STRUCTURAL, Treatment.SIGNED) else Treatment.NAME


def _siblings(document: Document, entry: int, shape: Shape) -> Siblings:
    """Return the texts of the members that the shape asks for; what is no string and not ``true`` is empty.

    Of a key that stands there often a few different texts are enough to tell that they differ.
    """
    if not shape.asked:
        return NO_SIBLINGS
    found: dict[str, set[str]] = {}
    for key, value in document.members(entry):
        name = document.decoded(key)
        if name in shape.asked:
            text = _sibling(document, value)
            texts = found.setdefault(name, set())
            if len(texts) < _ENOUGH or not text:
                texts.add(text)
    return found


def _sibling(document: Document, value: int) -> str:
    if document.kinds[value] == _STRING:
        return document.decoded(value)
    return TRUE if document.source(value) == "true" else ""
