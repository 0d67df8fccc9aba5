"""Streams of unknown shape: every string is a piece of the channel that its path names.

The ``index`` members around a string belong to its path, so that parallel answers do not mix. A channel
ends with the frame in which an object around it says so (``finish_reason``, ``done`` …), with an error, or
with the stream. Text held back beyond that goes out in a copy of the channel's last frame.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sidecar.formats.anthropic_messages_stream import signed
from sidecar.formats.dialect import ChannelKey, Delta, Reading, frame_string
from sidecar.formats.json_grammar import Kind
from sidecar.formats.json_text import Document, Edits
from sidecar.formats.leaves import Path, leaves, text_at
from sidecar.formats.ndjson import NdjsonDecoder
from sidecar.formats.sse import SseDecoder
from sidecar.formats.stream import StreamRestorer
from sidecar.model import Escaping, RestorerFactory

_ENDS = frozenset({"finish_reason", "finishReason", "stop_reason", "done", "is_finished"})
_NO_END = frozenset({"null", "false", '""'})
# These tell parallel texts apart.
_ONE_OF_MANY = frozenset(
    {"index", "output_index", "content_index", "summary_index", "choice_index", "candidateIndex", "item_id"},
)
_CALL_DATA = frozenset({"arguments", "args", "input", "parameters"})  # objects below these come in one piece
_JSON_SOURCE = frozenset({"arguments", "partial_json", "parameters"})
_TEXTS = frozenset({"text", "content", "delta", "thinking", "reasoning", "response", "completion", "refusal"})

# Strings that name, type or identify are complete in each frame.
_NAMES = frozenset({"type", "event", "event_type", "object", "model", "role", "status", "name", "id"})
_NAME_ENDS = (
    "_id",
    "Id",
    "_at",
    "_reason",
    "Reason",
    "_version",
    "Version",
    "_fingerprint",
    "_tier",
    "_type",
)

_STRING, _NUMBER, _WORD = int(Kind.STRING), int(Kind.NUMBER), int(Kind.WORD)
_ARRAY, _OBJECT = int(Kind.ARRAY), int(Kind.OBJECT)


def generic_stream_restorer(restorers: RestorerFactory) -> StreamRestorer:
    """Return a restorer for one stream of server-sent events of any shape."""
    return StreamRestorer(SseDecoder(), GenericDialect(), restorers)


def ndjson_restorer(restorers: RestorerFactory) -> StreamRestorer:
    """Return a restorer for one stream of JSON lines of any shape."""
    return StreamRestorer(NdjsonDecoder(), GenericDialect(), restorers)


class _Paths:
    """Paths that share what they begin with, so that those below one of them are found without the others."""

    __slots__ = ("below",)

    def __init__(self) -> None:
        self.below: dict[str | int, _Paths] = {}

    def add(self, path: Path) -> None:
        """Add a path."""
        node = self
        for step in path:
            below = node.below.get(step)
            if below is None:
                below = node.below[step] = _Paths()
            node = below

    def taken(self, path: Path) -> Iterator[Path]:
        """Forget a path and all below it; yield them."""
        node = self
        for step in path[:-1]:
            if step not in node.below:
                return
            node = node.below[step]
        waiting = [(path, found)] if (found := node.below.pop(path[-1], None)) else []
        while waiting:
            path, node = waiting.pop()
            yield path
            waiting += [((*path, step), below) for step, below in node.below.items()]


class GenericDialect:
    """Reads frames of any shape, and knows the channels that there have been."""

    padding: frozenset[str] = frozenset({"obfuscation"})

    def __init__(self) -> None:
        self._paths = _Paths()

    def read(self, event: str, document: Document) -> Reading:
        """Say what one frame holds."""
        error = document.find("error")
        if _kind(event, document) == "error" or (error is not None and document.kinds[error] != _WORD):
            found = leaves(document, skip=signed)
            return Reading(wholes=[document.literal(leaf.entry) for leaf in found], ends_all=True)
        strings, keys, ended = _strings(document, (_kind(event, document),))
        user_data = [document.literal(at) for path, at in strings if _CALL_DATA.intersection(path[:-1])]
        said = [(path, at) for path, at in strings if not _CALL_DATA.intersection(path[:-1])]
        deltas = [(path, at) for path, at in said if not _is_name(path)]
        names = [document.literal(at) for path, at in said if _is_name(path)]
        for path, _ in deltas:
            self._paths.add(path)
        ends = frozenset(path for end in ended for path in self._paths.taken(end))
        return Reading(
            [Delta(ChannelKey(path, path), document.literal(at), _escaping(path)) for path, at in deltas],
            [*(document.literal(key) for key in keys), *names],
            user_data,
            ends,
        )

    def carry(self, key: ChannelKey, text: str, seen: Document) -> str:
        """Return the channel's last frame with ``text`` in the place of its delta, and no other text."""
        edits = Edits()
        for path, at in _strings(seen, key.path[:1])[0]:
            if path == key.path or path[-1] in _TEXTS:
                source = frame_string(text if path == key.path else "")
                edits.put_source(seen, seen.starts[at], seen.ends[at], source)
        return edits.apply(seen)


def _kind(event: str, document: Document) -> str:
    return text_at(document, "type") or event


def _is_name(path: Path) -> bool:
    return len(path) > 1 and (path[-1] in _NAMES or str(path[-1]).endswith(_NAME_ENDS))


def _escaping(path: Path) -> Escaping:
    return Escaping.JSON if path[-1] in _JSON_SOURCE else Escaping.TEXT


def _strings(document: Document, path: Path) -> tuple[list[tuple[Path, int]], list[int], list[Path]]:
    """Return the strings with their paths, the keys, and the paths of objects that end."""
    strings: list[tuple[Path, int]] = []
    keys: list[int] = []
    ended: list[Path] = []
    waiting = [(0, path)]
    while waiting:
        entry, path = waiting.pop()
        if signed(document, entry, path):
            continue
        if document.kinds[entry] == _STRING:
            strings.append((path, entry))
        elif document.kinds[entry] == _ARRAY:
            items = [(item, (*path, at)) for at, item in enumerate(document.elements(entry))]
            waiting += reversed(items)
        elif document.kinds[entry] == _OBJECT:
            members = [(document.decoded(key), value) for key, value in document.members(entry)]
            path = _marked(document, path, members)
            if any(name in _ENDS and document.source(value) not in _NO_END for name, value in members):
                ended.append(path)
            keys += [key for key, _ in document.members(entry)]
            waiting += reversed([(value, (*path, name)) for name, value in members])
    return strings, keys, ended


def _marked(document: Document, path: Path, members: Sequence[tuple[str, int]]) -> Path:
    """Add what tells an object apart to its path; an ``index`` stands for its place in an array."""
    marks = {
        name: document.source(value)
        for name, value in members
        if name in _ONE_OF_MANY and document.kinds[value] in (_STRING, _NUMBER)
    }
    place = path[:-1] if "index" in marks and isinstance(path[-1], int) else path
    return (*place, *(f"{name}={source}" for name, source in marks.items()))
