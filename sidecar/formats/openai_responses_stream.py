"""OpenAI Responses events: which strings are deltas, which events end a channel, what our own look like.

One channel for each kind of delta and place (output item, content or summary part). It ends with its own
``done`` event, with the part or item that it stands in, with the end of the response, or with an error. A
``done`` event repeats the channel's whole text and is restored in the same way, so the two agree; items,
parts and whole responses in events are restored as in a JSON answer.

The provider's ``sequence_number``s stay, since clients resume by them. An event of our own repeats the
number of the event before it, so they never go down, and whoever resumes after it misses nothing.

Source: OpenAI API reference, "Responses", "Streaming events".
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain
from typing import NamedTuple

from sidecar.formats.dialect import ChannelKey, Delta, Part, Reading, Scope, frame_string
from sidecar.formats.json_grammar import Kind
from sidecar.formats.json_text import Document, Edits, Literal
from sidecar.formats.leaves import leaves, text_at
from sidecar.formats.shapes import Shape
from sidecar.formats.sse import SseDecoder
from sidecar.formats.stream import StreamRestorer
from sidecar.model import Escaping, RestorerFactory

_LAST_EVENTS = frozenset({"response.completed", "response.failed", "response.incomplete", "error"})
_ENDS_OF_PARTS = frozenset({"response.content_part", "response.reasoning_summary_part"})
_END_OF_ITEM = "response.output_item"
_INDICES = ("content_index", "summary_index", "command_index")
_WHOLE_TEXTS = frozenset(
    {"text", "refusal", "arguments", "input", "code", "command", "transcript", "output_text"}
)
_UNTOUCHED = frozenset({"partial_image_b64", "obfuscation", "logprobs"})

_LONGEST_NUMBER = 16
_STRING, _WORD = int(Kind.STRING), int(Kind.WORD)
_OBJECT, _ARRAY = int(Kind.OBJECT), int(Kind.ARRAY)


class _Place(NamedTuple):
    """Where a channel stands: its kind, its output item, and the part in it; as the provider spells them."""

    kind: str
    item: str
    part: tuple[str, ...]


def responses_stream_restorer(shapes: Mapping[str, Shape], restorers: RestorerFactory) -> StreamRestorer:
    """Return a restorer for one stream of response events; see ``ResponsesDialect`` for ``shapes``."""
    return StreamRestorer(SseDecoder(), ResponsesDialect(shapes), restorers)


class ResponsesDialect:
    """Reads and writes the events of one stream.

    Args:
        shapes: The shapes of the values that events hold whole, by the member they stand in.
    """

    padding: frozenset[str] = frozenset({"obfuscation", "sequence_number"})

    def __init__(self, shapes: Mapping[str, Shape]) -> None:
        self._shapes = shapes
        self._begun: dict[str, dict[tuple[str, ...], set[_Place]]] = {}  # by their items, by their parts
        self._number_before = -1

    def read(self, event: str, document: Document) -> Reading:
        """Say what one event holds."""
        if document.kinds[0] != _OBJECT:
            return Reading(wholes=_strings(document, 0))
        event = text_at(document, "type") or event
        kind, _, step = event.rpartition(".")
        place = _place(document, kind)
        self._count(document)
        deltas: list[Delta] = []
        wholes: list[Literal] = []
        parts: list[Part] = []
        failed = event in _LAST_EVENTS
        for key, value in document.members(0):
            name = document.decoded(key)
            if name == "delta" and step == "delta":
                deltas += self._deltas(document, value, place)
            elif name in self._shapes and document.kinds[value] in (_OBJECT, _ARRAY):
                parts.append(Part(value, self._shapes[name]))
            elif step == "done" and name in _WHOLE_TEXTS and document.kinds[value] == _STRING:
                own = ChannelKey(place._replace(kind=f"{kind} {name}"), (name,))
                deltas.append(_delta(document, own, value, kind, last=True))
            elif name not in _UNTOUCHED:
                failed |= name == "error" and document.kinds[value] != _WORD
                wholes += _strings(document, value)
        ends = self._ended(kind, place) if step == "done" else frozenset()
        return Reading(deltas, wholes, ends=ends, ends_all=failed, parts=parts)

    def carry(self, key: ChannelKey, text: str, seen: Document) -> str:
        """Return the channel's last delta event with ``text`` for its delta, and no other text."""
        edits = Edits()
        for name, value in seen.members(0):
            match seen.decoded(name):
                case "delta":
                    for leaf in leaves(seen, value, ("delta",)):
                        if not leaf.is_key:
                            _put(edits, seen, leaf.entry, frame_string(text if leaf.path == key.path else ""))
                case "logprobs" if seen.kinds[value] == _ARRAY:
                    _put(edits, seen, value, "[]")
                case "obfuscation":
                    _put(edits, seen, value, '""')
                case "sequence_number" if _number(seen, value) < self._number_before:
                    _put(edits, seen, value, str(self._number_before))
        return edits.apply(seen)

    def _deltas(self, document: Document, value: int, place: _Place) -> list[Delta]:
        self._begun.setdefault(place.item, {}).setdefault(place.part, set()).add(place)
        return [
            _delta(document, ChannelKey(place, leaf.path), leaf.entry, place.kind)
            for leaf in leaves(document, value, ("delta",))
            if not leaf.is_key
        ]

    def _ended(self, kind: str, end: _Place) -> frozenset[Scope]:
        """Return the places that end with a ``done`` event of this kind."""
        if kind == _END_OF_ITEM:
            return frozenset(chain.from_iterable(self._begun.pop(end.item, {}).values()))
        if kind in _ENDS_OF_PARTS:
            return frozenset(self._begun.get(end.item, {}).pop(end.part, ()))
        return frozenset({end})

    def _count(self, document: Document) -> None:
        number = document.find("sequence_number")
        self._number_before = -1 if number is None else _number(document, number) - 1


def _place(document: Document, kind: str) -> _Place:
    """Return where an event's channel stands; some servers leave out one of the two names of its item."""
    item = document.find("output_index")
    item = document.find("item_id") if item is None else item
    found = [document.find(name) for name in _INDICES]
    part = tuple("" if entry is None else document.source(entry) for entry in found)
    return _Place(kind, "" if item is None else document.source(item), part)


def _delta(document: Document, key: ChannelKey, entry: int, kind: str, *, last: bool = False) -> Delta:
    logprobs = document.find("logprobs")
    # There is nothing to take away from an empty array.
    says_nothing = logprobs is None or document.afters[logprobs] == logprobs + 1
    companion = None if says_nothing else logprobs
    escaping = Escaping.JSON if kind.endswith("_arguments") else Escaping.TEXT
    return Delta(key, document.literal(entry), escaping, last, companion)


def _number(document: Document, entry: int) -> int:
    source = document.source(entry)
    return int(source) if source.isdecimal() and len(source) < _LONGEST_NUMBER else -1


def _put(edits: Edits, document: Document, entry: int, source: str) -> None:
    edits.put_source(document, document.starts[entry], document.ends[entry], source)


def _strings(document: Document, entry: int) -> list[Literal]:
    return [document.literal(leaf.entry) for leaf in leaves(document, entry)]
