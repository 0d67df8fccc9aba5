"""Ollama's answers line by line: which strings are deltas, and what a line of our own looks like.

Thinking and answer are one channel each; one ends where the other begins, where tools are called, and with
the line that says ``done``. Tool calls come whole. ``logprobs`` spell the text as the model wrote it, so
they go from a line whose text changes.

Source: Ollama API reference, "Generate a completion", "Generate a chat completion".
"""

from __future__ import annotations

from sidecar.formats.dialect import ChannelKey, Delta, Reading, Scope, frame_string
from sidecar.formats.json_grammar import Kind
from sidecar.formats.json_text import Document, Literal
from sidecar.formats.leaves import Path, leaves
from sidecar.formats.ndjson import NdjsonDecoder
from sidecar.formats.runs import Runs
from sidecar.formats.stream import StreamRestorer
from sidecar.model import RestorerFactory

_DELTAS = (("message", "thinking"), ("thinking",), ("message", "content"), ("response",))
_CALLS = ("message", "tool_calls")
_HEADER = ("model", "created_at")
_MEDIA = frozenset({"images", "image"})

_STRING, _WORD, _ARRAY, _OBJECT = (int(k) for k in (Kind.STRING, Kind.WORD, Kind.ARRAY, Kind.OBJECT))


def ollama_lines_restorer(restorers: RestorerFactory) -> StreamRestorer:
    """Return a restorer for one stream of lines."""
    return StreamRestorer(NdjsonDecoder(), OllamaDialect(), restorers)


class OllamaDialect:
    """Reads and writes the lines of one stream, and knows which text it is in."""

    padding: frozenset[str] = frozenset({"created_at"})

    def __init__(self) -> None:
        self._runs = Runs()

    def read(self, event: str, document: Document) -> Reading:  # noqa: ARG002  lines have no event
        """Say what one line holds."""
        ends: set[Scope] = set()
        deltas = self._deltas(document, ends)
        if _has_calls(document):
            self._runs.leave(0, ends)
        wholes: list[Literal] = []
        user_data: list[Literal] = []
        known = {delta.literal.start for delta in deltas}
        for leaf in leaves(document, skip=_skipped):
            literal = document.literal(leaf.entry)
            if literal.start in known:
                continue
            in_call = leaf.path[:2] == _CALLS and "arguments" in leaf.path[3:-1] and not leaf.is_key
            (user_data if in_call else wholes).append(literal)
        return Reading(deltas, wholes, user_data, frozenset(ends), ends_all=_ends(document))

    def carry(self, key: ChannelKey, text: str, seen: Document) -> str:
        """Return a line like the last one that adds ``text`` to a thought or to the answer."""
        *above, field = key.path
        said = (
            {str(field): text}
            if field != "thinking"
            else {"content" if above else "response": "", "thinking": text}
        )
        members = ",".join(f"{frame_string(name)}:{frame_string(piece)}" for name, piece in said.items())
        if above:
            members = f'"message":{{"role":"assistant",{members}}}'
        header = "".join(
            f"{seen.source(name)}:{seen.source(value)},"
            for name, value in seen.members(0)
            if seen.decoded(name) in _HEADER
        )
        return f'{{{header}{members},"done":false}}'

    def _deltas(self, document: Document, ends: set[Scope]) -> list[Delta]:
        companion = document.find("logprobs")
        if companion is not None and document.kinds[companion] == _WORD:
            companion = None
        deltas = []
        for path in _DELTAS:
            entry = document.find(*path)
            if entry is None or document.kinds[entry] != _STRING:
                continue
            literal, kind = document.literal(entry), ".".join(path)
            # Every line has an answer, which is empty while the model thinks or when all is said.
            if literal.text or kind == self._runs.kind(0):
                scope = self._runs.enter(0, kind, ends)
                deltas.append(Delta(ChannelKey(scope, path), literal, companion=companion))
        return deltas


def _has_calls(document: Document) -> bool:
    calls = document.find(*_CALLS)
    return (
        calls is not None and document.kinds[calls] == _ARRAY and any(True for _ in document.elements(calls))
    )


def _ends(document: Document) -> bool:
    """Tell whether a line is the last one, or an error."""
    done, error = document.find("done"), document.find("error")
    failed = error is not None and document.kinds[error] != _WORD
    return failed or (done is not None and document.source(done) == "true")


def _skipped(document: Document, entry: int, path: Path) -> bool:
    if path == ("logprobs",):
        return True
    return (
        bool(path)
        and path[-1] in _MEDIA
        and path[:2] != _CALLS
        and document.kinds[entry] in (_ARRAY, _STRING)
    )
