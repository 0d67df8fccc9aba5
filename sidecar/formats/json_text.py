"""JSON as text: every literal with the stretch that it takes up, and edits that change only stretches.

A document that is edited nowhere is its own source, and what lies between two edits stays as it was
typed. A document is a ``str``: bytes that are UTF-8 decode and encode to themselves, and a document
inside a JSON string is read by the same code as the one around it.

::

    document = read_bytes(frame)
    entry = document.find("choices", 0, "delta", "content")
    edits = Edits()
    edits.set(document.literal(entry), "new text")
    edits.apply(document).encode()
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from json import JSONDecoder, JSONEncoder
from typing import Protocol

from sidecar.formats.json_grammar import NUMBER, JsonInvalid, Kind, scan
from sidecar.formats.source_map import SourceMap, each_at

__all__ = [
    "Document",
    "Edits",
    "JsonInvalid",
    "Kind",
    "Literal",
    "Outer",
    "Source",
    "escaped",
    "read",
    "read_bytes",
    "spliced",
]

_ARRAY, _OBJECT = int(Kind.ARRAY), int(Kind.OBJECT)

_numbers = re.compile(NUMBER).finditer
_replace_surrogates = re.compile("[\ud800-\udfff]").sub
_is_plain = re.compile(r"[ !#-\[\]-~]*").fullmatch
_decode = JSONDecoder().raw_decode
_encode = JSONEncoder(ensure_ascii=False).encode


class Source(Protocol):
    """A text that edits are made in, and that may stand inside another one."""

    @property
    def text(self) -> str:
        """The text before any edit."""

    @property
    def depth(self) -> int:
        """How many texts there are around it."""

    def lift(self, edits: Edits, changes: Sequence[Change]) -> None:
        """Add to ``edits`` what these changes mean for the text around it."""


class Outer(Protocol):
    """What a document stands in."""

    @property
    def document(self) -> Source:
        """The text around the document."""

    def write(self, edits: Edits, start: int, end: int, text: str) -> None:
        """Write ``text`` over code points ``[start, end)`` of the document."""


Change = tuple[int, int, str]
"""Put the third in the place of ``[first, second)``, in code points of a source."""


class Document:
    """One JSON document: its source and its entries (see ``Entries``), which are numbered from 0.

    ``outer`` is what it stands in, such as the string literal whose text it is, if there is any.
    """

    __slots__ = ("_texts", "afters", "depth", "ends", "kinds", "outer", "starts", "text")

    def __init__(self, text: str, start: int = 0, outer: Outer | None = None) -> None:
        self.text = text
        self.outer = outer
        self.depth: int = outer.document.depth + 1 if outer else 0
        entries = scan(text, start)
        self.kinds = entries.kinds
        self.starts = entries.starts
        self.ends = entries.ends
        self.afters = entries.afters
        self._texts = entries.texts

    def literal(self, entry: int) -> Literal:
        """Return the string, key, number or word at ``entry``."""
        return Literal(self, self.starts[entry], self.ends[entry], self.decoded(entry))

    def source(self, entry: int) -> str:
        """Return the value at ``entry`` exactly as it is spelled."""
        return self.text[self.starts[entry] : self.ends[entry]]

    def decoded(self, entry: int) -> str:
        """Return the text of the string or key at ``entry``; any other value as it is spelled."""
        text = self._texts.get(entry)
        if text is not None:
            return text
        source, start = self.text[self.starts[entry] : self.ends[entry]], self.starts[entry]
        if source[0] != '"':
            return source
        return str(_decode(self.text, start)[0]) if "\\" in source else source[1:-1]

    def numbers(self, entry: int) -> Iterator[Literal]:
        """Yield the numbers of a NUMBER or NUMBERS entry."""
        for match in _numbers(self.text, self.starts[entry], self.ends[entry]):
            yield Literal(self, match.start(), match.end(), match[0])

    def members(self, entry: int) -> Iterator[tuple[int, int]]:
        """Yield the (key entry, value entry) pairs of the object at ``entry``, as they stand."""
        key, stop = entry + 1, self.afters[entry]
        while key < stop:
            yield key, key + 1
            key = self.afters[key + 1]

    def elements(self, entry: int) -> Iterator[int]:
        """Yield the entries of the array at ``entry``; a run of numbers is one entry."""
        element, stop = entry + 1, self.afters[entry]
        while element < stop:
            yield element
            element = self.afters[element]

    def find(self, *path: str | int, start: int = 0) -> int | None:
        """Return the entry at ``path`` below ``start``; of equal keys the last, as parsers do."""
        entry = start
        for step in path:
            found = self._step(entry, step)
            if found is None:
                return None
            entry = found
        return entry

    def lift(self, edits: Edits, changes: Sequence[Change]) -> None:
        """Make these changes in what the document stands in, escaped as that needs."""
        if self.outer is None:
            return
        for start, end, source in changes:
            self.outer.write(edits, start, end, source)

    def _step(self, entry: int, step: str | int) -> int | None:
        if isinstance(step, str):
            if self.kinds[entry] != _OBJECT:
                return None
            found = [value for key, value in self.members(entry) if self.decoded(key) == step]
            return found[-1] if found else None
        if self.kinds[entry] != _ARRAY:
            return None
        return next((item for at, item in enumerate(self.elements(entry)) if at == step), None)


class Literal:
    """One literal of a document: its text, and where in the source each code point of it stands."""

    __slots__ = ("_map", "document", "end", "start", "text")

    def __init__(self, document: Document, start: int, end: int, text: str) -> None:
        self.document = document
        self.start = start
        self.end = end
        self.text = text
        self._map: SourceMap | None = None

    @property
    def is_string(self) -> bool:
        """Whether it stands in quotes: a string or a key."""
        return self.document.text[self.start] == '"'

    def at(self, offset: int) -> int:
        """Return where code point ``offset`` of ``text`` begins in the document; never in an escape."""
        if not self.is_string:
            return self.start + offset
        first = self.start + 1
        if len(self.text) == self.end - self.start - 2:
            return first + offset
        if self._map is None:
            self._map = SourceMap(self.document.text, first, self.end - 1)
        return self._map.at(offset)

    def each_at(self, offsets: Sequence[int]) -> Iterable[int]:
        """Return where each of these code points begins in the document, as ``at`` does; they ascend."""
        first = self.start + 1
        if not self.is_string or len(self.text) == self.end - first - 1:
            shift = first if self.is_string else self.start
            return [shift + offset for offset in offsets]
        return each_at(self.document.text, first, self.end - 1, offsets)

    def source(self, start: int, end: int) -> str:
        """Return how the document spells code points ``[start, end)`` of ``text``."""
        return self.document.text[self.at(start) : self.at(end)]

    def write(self, edits: Edits, start: int, end: int, text: str) -> None:
        """Write ``text`` over code points ``[start, end)`` of a string's text."""
        edits.put(self, start, end, text)

    def inner(self) -> Document | None:
        """Return the array or object that ``text`` spells out, if the whole of it is one."""
        text = self.text.strip(" \t\n\r")
        if not self.is_string or text[:1] + text[-1:] not in ("{}", "[]"):
            return None
        try:
            return read(self.text, outer=self)
        except JsonInvalid:
            return None


class Edits:
    """Stretches to change, in a document and in the documents inside its strings."""

    __slots__ = ("_changes",)

    def __init__(self) -> None:
        self._changes: dict[Source, list[Change]] = {}

    def put(self, literal: Literal, start: int, end: int, text: str) -> None:
        """Write ``text`` over code points ``[start, end)`` of a string; edits must be disjoint."""
        self.put_source(literal.document, literal.at(start), literal.at(end), escaped(text))

    def put_each(self, literal: Literal, changes: Sequence[Change]) -> None:
        """Write each text over code points ``[start, end)`` of a string; the stretches ascend."""
        offsets = iter(literal.each_at([offset for start, end, _ in changes for offset in (start, end)]))
        texts = (escaped(text) for _, _, text in changes)
        self._changes.setdefault(literal.document, []).extend(zip(offsets, offsets, texts, strict=True))

    def set(self, literal: Literal, text: str) -> None:
        """Write ``text`` over the whole text of a string."""
        self.put(literal, 0, len(literal.text), text)

    def put_source(self, document: Source, start: int, end: int, source: str) -> None:
        """Write source over ``[start, end)`` of a document's own text."""
        self._changes.setdefault(document, []).append((start, end, source))

    def apply(self, document: Document) -> str:
        """Return the text of the outermost ``document`` with all edits made."""
        for depth in range(max((inner.depth for inner in self._changes), default=0), 0, -1):
            for inner in [inner for inner in self._changes if inner.depth == depth]:
                inner.lift(self, self._changes.pop(inner))
        return spliced(document.text, self._changes.get(document, ()))


def read(text: str, start: int = 0, *, outer: Outer | None = None) -> Document:
    """Read one JSON document from ``start`` to the end of ``text``.

    Raises:
        JsonInvalid: It breaks RFC 8259, is deeper than ``MAX_DEPTH`` or has more than ``MAX_ENTRIES``.
    """
    return Document(text, start, outer)


def read_bytes(body: bytes) -> Document:
    """Read one JSON document in UTF-8; a byte order mark is skipped and stays in ``text``.

    Raises:
        JsonInvalid: It is not UTF-8, or not JSON.
    """
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise JsonInvalid(" " * error.start, error.start, "UTF-8") from None
    return read(text, 1 if text.startswith("\ufeff") else 0)


def escaped(text: str) -> str:
    """Return ``text`` as it is written between the quotes of a JSON string, lone surrogates escaped."""
    if _is_plain(text):
        return text
    source = _encode(text)[1:-1]
    return source if source.isascii() else _replace_surrogates(_surrogate_escape, source)


def spliced(text: str, edits: Iterable[Change]) -> str:
    """Return ``text`` with each ``[start, end)`` replaced; the stretches are disjoint, in any order."""
    pieces: list[str] = []
    position = 0
    for start, end, new in sorted(edits):
        pieces += (text[position:start], new)
        position = end
    return "".join([*pieces, text[position:]])


def _surrogate_escape(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"
