"""Events of Cohere's chat, second version: which strings are deltas, and which events end them.

One channel for each string that a ``…-delta`` event carries, by the ``index`` of its block; it ends with
the ``…-end`` event of that block, with ``message-end``, or with the stream. Text held back goes out in a
copy of the channel's last delta event.

Source: Cohere API reference, "Chat with streaming".
"""

from __future__ import annotations

from collections.abc import Sequence

from sidecar.formats.dialect import ChannelKey, Delta, Reading, Scope, frame_string
from sidecar.formats.json_grammar import Kind
from sidecar.formats.json_text import Document, Edits, Literal
from sidecar.formats.leaves import Leaf, Path, index_of, leaves, text_at
from sidecar.formats.sse import SseDecoder
from sidecar.formats.stream import StreamRestorer
from sidecar.model import Escaping, RestorerFactory

_NAMES = frozenset({"type", "id", "name", "role"})
_NO_INDEX = -1
_PLAN: Scope = ("tool-plan", _NO_INDEX)  # has no end of its own; calls or content follow it
_WORD, _OBJECT = int(Kind.WORD), int(Kind.OBJECT)


def cohere_stream_restorer(restorers: RestorerFactory) -> StreamRestorer:
    """Return a restorer for one stream of chat events."""
    return StreamRestorer(SseDecoder(), CohereChatDialect(), restorers)


class CohereChatDialect:
    """Reads and writes the events of one stream."""

    padding: frozenset[str] = frozenset()

    def read(self, event: str, document: Document) -> Reading:
        """Say what one event holds."""
        kind, _, step = (text_at(document, "type") or event).rpartition("-")
        index = index_of(document, 0, _NO_INDEX)
        found = list(leaves(document))
        if step == "delta" and document.kinds[0] == _OBJECT:
            return _read_delta(document, (kind, index), found)
        ends: frozenset[Scope] = frozenset(
            {(kind, index)} if step == "end" else {_PLAN} if step == "start" else ()
        )
        ends_all = (kind, step) == ("message", "end") or event == "error" or kind + step == "error"
        return Reading(wholes=[document.literal(leaf.entry) for leaf in found], ends=ends, ends_all=ends_all)

    def carry(self, key: ChannelKey, text: str, seen: Document) -> str:
        """Return the channel's last event with ``text`` in the place of its delta, and no other text."""
        edits = Edits()
        if (logprobs := _logprobs(seen)) is not None:
            edits.put_source(seen, seen.starts[logprobs], seen.ends[logprobs], "null")
        for leaf in leaves(seen):
            if not leaf.is_key and _moves(leaf.path):
                source = frame_string(text if leaf.path == key.path else "")
                edits.put_source(seen, seen.starts[leaf.entry], seen.ends[leaf.entry], source)
        return edits.apply(seen)


def _read_delta(document: Document, scope: Scope, found: Sequence[Leaf]) -> Reading:
    companion = _logprobs(document)
    deltas: list[Delta] = []
    wholes: list[Literal] = []
    for leaf in found:
        literal = document.literal(leaf.entry)
        if not leaf.is_key and _moves(leaf.path):
            key = ChannelKey(scope, leaf.path)
            deltas.append(Delta(key, literal, _escaping(leaf.path), companion=companion))
        elif leaf.path[0] != "logprobs":
            wholes.append(literal)
    return Reading(deltas, wholes)


def _moves(path: Path) -> bool:
    return path[0] == "delta" and path[-1] not in _NAMES


def _logprobs(document: Document) -> int | None:
    found = document.find("logprobs")
    return None if found is None or document.kinds[found] == _WORD else found


def _escaping(path: Path) -> Escaping:
    return Escaping.JSON if path[-1] == "arguments" else Escaping.TEXT
