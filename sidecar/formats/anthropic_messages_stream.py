"""Anthropic message events: which strings are deltas, and what an event of our own looks like.

One channel for each text of a content block; it ends with ``content_block_stop``, or with an error or
``message_stop``. Thinking, whose signature may come later, is left byte for byte, and so is everything signed
or encrypted.

Source: Anthropic API reference, "Streaming messages", events and content block delta types.
"""

from __future__ import annotations

from collections.abc import Iterable

from sidecar.formats.dialect import ChannelKey, Delta, Reading, frame_string
from sidecar.formats.json_grammar import Kind
from sidecar.formats.json_text import Document, Literal
from sidecar.formats.leaves import Leaf, Path, index_of, leaves, text_at
from sidecar.formats.sse import SseDecoder
from sidecar.formats.stream import StreamRestorer
from sidecar.model import Escaping, RestorerFactory

_NAMES = frozenset({"type", "id", "tool_use_id"})
_SIGNED = frozenset({"thinking", "redacted_thinking", "thinking_delta", "signature_delta"})
_TOOL_INPUT = frozenset({"input", "arguments", "args"})
_OBJECT = int(Kind.OBJECT)


def messages_stream_restorer(restorers: RestorerFactory) -> StreamRestorer:
    """Return a restorer for one stream of message events."""
    return StreamRestorer(SseDecoder(), AnthropicMessagesDialect(), restorers)


class AnthropicMessagesDialect:
    """Reads and writes the events of one stream."""

    padding: frozenset[str] = frozenset()

    def read(self, event: str, document: Document) -> Reading:
        """Say what one event holds."""
        if document.kinds[0] != _OBJECT:
            return Reading(wholes=_wholes(document, leaves(document)))
        scope = index_of(document, 0, 0)
        match text_at(document, "type") or event:
            case "content_block_start":
                return _block_start(document, scope)
            case "content_block_delta":
                return _block_delta(document, scope)
            case "content_block_stop":
                return Reading(ends=frozenset({scope}))
            case "message_stop":
                return Reading(ends_all=True)
            case "error":
                return Reading(wholes=_wholes(document, leaves(document)), ends_all=True)
            case _:
                return Reading(wholes=_wholes(document, leaves(document, skip=signed)))

    def carry(self, key: ChannelKey, text: str, seen: Document) -> str:  # noqa: ARG002  the key says it all
        """Return a delta event that adds ``text`` to a content block."""
        kind, field = key.path
        delta = f'{{"type":{frame_string(str(kind))},{frame_string(str(field))}:{frame_string(text)}}}'
        return f'{{"type":"content_block_delta","index":{key.scope},"delta":{delta}}}'


def signed(document: Document, entry: int, path: Path) -> bool:
    """Tell whether a value is encrypted, or holds text that a signature is for, come or to come."""
    if _TOOL_INPUT.intersection(path):
        return False  # a tool's input is the user's own, whatever its keys are
    if path and str(path[-1]).startswith("encrypted_"):
        return True
    return document.kinds[entry] == _OBJECT and text_at(document, "type", start=entry) in _SIGNED


def _block_start(document: Document, scope: int) -> Reading:
    """The block's first text goes on in its deltas; all other strings are complete."""
    block = document.find("content_block")
    if block is None or signed(document, block, ()):
        return Reading()
    deltas, wholes, user_data = [], [], []
    for leaf in leaves(document, block, skip=signed):
        if leaf.path == ("text",) and not leaf.is_key:
            deltas.append(Delta(ChannelKey(scope, ("text_delta", "text")), document.literal(leaf.entry)))
        elif leaf.path[0] == "input" and not leaf.is_key:
            user_data.append(document.literal(leaf.entry))
        else:
            wholes.append(leaf)
    return Reading(deltas, _wholes(document, wholes), user_data)


def _block_delta(document: Document, scope: int) -> Reading:
    delta = document.find("delta")
    if delta is None or signed(document, delta, ()):
        return Reading()
    kind = text_at(document, "type", start=delta)
    found = list(leaves(document, delta, skip=signed))
    if kind == "citations_delta":
        return Reading(wholes=_wholes(document, found))
    deltas = [
        Delta(
            ChannelKey(scope, (kind, leaf.path[0])),
            document.literal(leaf.entry),
            Escaping.JSON if leaf.path[0] == "partial_json" else Escaping.TEXT,
        )
        for leaf in found
        if len(leaf.path) == 1 and not leaf.is_key and leaf.path[0] not in _NAMES
    ]
    return Reading(deltas, _wholes(document, [leaf for leaf in found if len(leaf.path) > 1]))


def _wholes(document: Document, found: Iterable[Leaf]) -> list[Literal]:
    return [document.literal(leaf.entry) for leaf in found if not _NAMES.intersection(leaf.path[-1:])]
