"""OpenAI chat completion chunks: which strings are deltas, and what a chunk of our own looks like.

Every string in a choice's delta is a channel of that choice, named by its path, but for what names,
types and identifies. A choice ends with the chunk that has its ``finish_reason``; an error ends all.
Its ``logprobs`` spell the text that the model wrote, tokens included, so they become null in a chunk whose
text changes. ``obfuscation`` is padding and stays. Reasoning whose signature may come later stays.

Source: OpenAI API reference, "The chat completion chunk object".
"""

from __future__ import annotations

from sidecar.formats.dialect import ChannelKey, Delta, Reading, Scope, frame_string
from sidecar.formats.json_grammar import Kind
from sidecar.formats.json_text import Document, Literal
from sidecar.formats.leaves import Path, index_of, leaves, text_at
from sidecar.formats.sse import SseDecoder
from sidecar.formats.stream import StreamRestorer
from sidecar.model import Escaping, RestorerFactory

_HEADER = ("id", "object", "created", "model", "system_fingerprint", "service_tier")
_NAMES = frozenset({"role", "id", "type", "name"})
_OPAQUE = frozenset(
    {"signature", "thought_signature", "encrypted_content", "reasoning_details", "thinking_blocks"},
)
_JSON_SOURCE = frozenset({"arguments"})

_WORD, _OBJECT, _ARRAY = int(Kind.WORD), int(Kind.OBJECT), int(Kind.ARRAY)


def chat_stream_restorer(restorers: RestorerFactory) -> StreamRestorer:
    """Return a restorer for one stream of chat completion chunks."""
    return StreamRestorer(SseDecoder(), OpenAiChatDialect(), restorers)


class OpenAiChatDialect:
    """Reads and writes the chunks of one stream."""

    padding: frozenset[str] = frozenset({"obfuscation"})

    def read(self, event: str, document: Document) -> Reading:
        """Say what one chunk holds."""
        deltas: list[Delta] = []
        wholes: list[Literal] = []
        user_data: list[Literal] = []
        ends: set[Scope] = set()
        failed = event == "error"
        for key, value in document.members(0) if document.kinds[0] == _OBJECT else ():
            name = document.decoded(key)
            if name == "choices" and document.kinds[value] == _ARRAY:
                for at, choice in enumerate(document.elements(value)):
                    said = _read_choice(document, choice, index_of(document, choice, at))
                    deltas += said.deltas
                    wholes += said.wholes
                    user_data += said.user_data
                    ends |= said.ends
                continue
            if name == "error" and document.kinds[value] != _WORD:
                failed = True
            wholes += _strings(document, value)
        if document.kinds[0] != _OBJECT:
            wholes += _strings(document, 0)
        return Reading(deltas, wholes, user_data, frozenset(ends), ends_all=failed)

    def carry(self, key: ChannelKey, text: str, seen: Document) -> str:
        """Return a chunk like the last one, with one choice and in it only ``text`` at its place."""
        members = [f'"index":{key.scope}', _nested(key.path, text), '"finish_reason":null']
        header = [
            f"{seen.source(name)}:{seen.source(value)}"
            for name, value in seen.members(0)
            if seen.decoded(name) in _HEADER
        ]
        return "{" + ",".join([*header, f'"choices":[{{{",".join(members)}}}]']) + "}"


def _read_choice(document: Document, choice: int, index: int) -> Reading:
    """Sort the strings of one choice."""
    deltas: list[Delta] = []
    wholes: list[Literal] = []
    user_data: list[Literal] = []
    logprobs = document.find("logprobs", start=choice)
    companion = None if logprobs is None or document.kinds[logprobs] == _WORD else logprobs
    single = _calls_without_index(document, choice)
    for leaf in leaves(document, choice, skip=_skipped):
        literal = document.literal(leaf.entry)
        if not leaf.is_key and _JSON_SOURCE.intersection(leaf.path[:-1]):
            user_data.append(literal)  # arguments as an object, which comes in one piece
            continue
        if leaf.is_key or not _is_delta(leaf.path):
            wholes.append(literal)
            continue
        escaping = Escaping.JSON if leaf.path[-1] in _JSON_SOURCE else Escaping.TEXT
        last = leaf.path[:3] in single
        deltas.append(Delta(ChannelKey(index, leaf.path), literal, escaping, last, companion))
    finished = text_at(document, "finish_reason", start=choice) != ""
    return Reading(deltas, wholes, user_data, frozenset({index} if finished else ()))


def _skipped(_document: Document, _entry: int, path: Path) -> bool:
    """Tell whether a value in a choice is opaque, unless it is part of a tool's arguments."""
    if not path or _JSON_SOURCE.intersection(path):
        return False
    return path[0] == "logprobs" or path[-1] in _OPAQUE or path[-2:] == ("audio", "data")


def _is_delta(path: Path) -> bool:
    """Tell a piece of text from what names, types or identifies, and from a choice's other strings."""
    if path[:1] == ("delta",):
        return path[-1] not in _NAMES
    return path == ("text",)  # the older completions put their deltas here


def _calls_without_index(document: Document, choice: int) -> frozenset[Path]:
    """Return the paths of tool calls that no later chunk can go on with: they have no ``index``."""
    calls = document.find("delta", "tool_calls", start=choice)
    if calls is None or document.kinds[calls] != _ARRAY:
        return frozenset()
    steps = enumerate(document.elements(calls))
    return frozenset(("delta", "tool_calls", n) for n, call in steps if index_of(document, call, -1) < 0)


def _nested(path: Path, text: str) -> str:
    """Return ``text`` as the member of a choice that stands at ``path``."""
    source = frame_string(text)
    for step in reversed(path):
        if isinstance(step, str):
            source = f"{{{frame_string(step)}:{source}}}"
        else:
            source = f'[{{"index":{step},{source[1:]}]' if source.startswith("{") else f"[{source}]"
    return source[1:-1]


def _strings(document: Document, entry: int) -> list[Literal]:
    return [document.literal(leaf.entry) for leaf in leaves(document, entry)]
