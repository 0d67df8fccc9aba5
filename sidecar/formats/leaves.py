"""Walks the strings of a document that has been read, and says where each of them stands.

No recursion, so any document that could be read can be walked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from sidecar.formats.json_grammar import Kind
from sidecar.formats.json_text import Document

Path = tuple[str | int, ...]

_STRING, _NUMBER, _ARRAY, _OBJECT = (int(k) for k in (Kind.STRING, Kind.NUMBER, Kind.ARRAY, Kind.OBJECT))


class Leaf(NamedTuple):
    """A string or a key: its entry, the path to it, and whether it is a key."""

    entry: int
    path: Path
    is_key: bool = False


def leaves(
    document: Document,
    entry: int = 0,
    path: Path = (),
    *,
    skip: Callable[[Document, int, Path], bool] = lambda _document, _entry, _path: False,
) -> Iterator[Leaf]:
    """Yield all strings and keys below ``entry`` in source order.

    A step of a path is a key, or in an array the element's own ``index`` member, else its position.

    Args:
        document: A document that has been read.
        entry: Where to begin.
        path: What stands before every path.
        skip: Asked of each value; a True leaves it out with all that it holds.
    """
    waiting = [Leaf(entry, path)]
    while waiting:
        leaf = waiting.pop()
        at, where, is_key = leaf
        kind = document.kinds[at]
        if is_key:
            yield leaf
        elif skip(document, at, where):
            continue
        elif kind == _STRING:
            yield leaf
        elif kind == _OBJECT:
            below: list[Leaf] = []
            for key, member in document.members(at):
                step = (*where, document.decoded(key))
                below += (Leaf(key, step, is_key=True), Leaf(member, step))
            waiting += reversed(below)
        elif kind == _ARRAY:
            steps = enumerate(document.elements(at))
            waiting += reversed([Leaf(item, (*where, index_of(document, item, n))) for n, item in steps])


def index_of(document: Document, entry: int, default: int) -> int:
    """Return the ``index`` member of the object at ``entry``, or ``default`` if it has none."""
    found = document.find("index", start=entry)
    if found is None or document.kinds[found] != _NUMBER:
        return default
    source = document.source(found)
    return int(source) if source.isdigit() and len(source) < 10 else default


def text_at(document: Document, *path: str | int, start: int = 0) -> str:
    """Return the text of the string at ``path``, or nothing if there is none."""
    found = document.find(*path, start=start)
    return document.decoded(found) if found is not None and document.kinds[found] == _STRING else ""
