"""Gemini answers piece by piece: which strings are deltas, and what a frame of our own looks like.

Every frame is a whole answer of its own, as a server-sent event or as an element of a JSON array. The text
of a candidate's parts is one channel until a part of another kind comes or the candidate finishes; so are its
thoughts. A thought that carries a signature is left byte for byte. ``logprobsResult`` spells the text as
the model wrote it, so it becomes null in a frame whose text changes.

Source: Gemini API reference, "Generating content", ``GenerateContentResponse``; Vertex AI, "Streaming
function call arguments".
"""

from __future__ import annotations

from collections.abc import Mapping

from sidecar.formats.dialect import ChannelKey, Delta, Part, Reading, Scope, frame_string
from sidecar.formats.json_elements import JsonElementsDecoder
from sidecar.formats.json_grammar import Kind
from sidecar.formats.json_text import Document, Literal
from sidecar.formats.leaves import Path, index_of, leaves, text_at
from sidecar.formats.runs import Runs
from sidecar.formats.shapes import FILE, MEDIA, STRUCTURAL, TEXT, Treatment, compiled
from sidecar.formats.sse import SseDecoder
from sidecar.formats.stream import StreamRestorer
from sidecar.model import RestorerFactory

_HEADER = frozenset({"modelVersion", "responseId", "createTime"})
_SIGNATURES = ("thoughtSignature", "thought_signature")
_CALLS = ("functionCall", "function_call")
_PIECES = ("partialArgs", "partial_args")
_LOGPROBS = frozenset({"logprobsResult", "logprobs_result"})
_USER_DATA = frozenset({"args", "response"})
_INLINE = ("inlineData", "inline_data")

BLOB: Mapping[str, Treatment | str] = {
    "mimeType": STRUCTURAL,
    "mime_type": STRUCTURAL,
    "displayName": TEXT,
    "display_name": TEXT,
    "data": FILE,
    "data if mimeType": MEDIA,
    "data if mime_type": MEDIA,
}
"""Inline media, which come in one piece."""

_BLOB = compiled({"blob": BLOB}, "blob")
_STRING, _WORD, _ARRAY, _OBJECT = (int(k) for k in (Kind.STRING, Kind.WORD, Kind.ARRAY, Kind.OBJECT))


def gemini_stream_restorer(restorers: RestorerFactory) -> StreamRestorer:
    """Return a restorer for one stream of server-sent events (``alt=sse``)."""
    return StreamRestorer(SseDecoder(), GeminiDialect(), restorers)


def gemini_elements_restorer(restorers: RestorerFactory) -> StreamRestorer:
    """Return a restorer for one stream in the form of a JSON array."""
    return StreamRestorer(JsonElementsDecoder(), GeminiDialect(), restorers)


class GeminiDialect:
    """Reads and writes the frames of one stream, and knows which text each candidate is in."""

    padding: frozenset[str] = frozenset({"usageMetadata", "usage_metadata"})

    def __init__(self) -> None:
        self._runs = Runs()

    def read(self, event: str, document: Document) -> Reading:
        """Say what one frame holds."""
        said = _Said(document)
        failed = event == "error"
        if document.kinds[0] != _OBJECT:
            said.add_wholes(0)
        for key, value in document.members(0) if document.kinds[0] == _OBJECT else ():
            name = document.decoded(key)
            if name == "candidates" and document.kinds[value] == _ARRAY:
                for at, candidate in enumerate(document.elements(value)):
                    self._read_candidate(said, candidate, at)
                continue
            failed = failed or (name == "error" and document.kinds[value] != _WORD)
            said.add_wholes(value)
        return Reading(
            said.deltas, said.wholes, said.user_data, frozenset(said.ends), ends_all=failed, parts=said.parts
        )

    def carry(self, key: ChannelKey, text: str, seen: Document) -> str:
        """Return a frame with one part, which adds ``text`` to a candidate's text, thought or arguments."""
        kind, where, index = key.path
        source = frame_string(text)
        match kind:
            case "thought":
                part = f'{{"text":{source},"thought":true}}'
            case "call":
                named = f'"jsonPath":{frame_string(str(where))},"stringValue":{source}'
                piece = f'{{{named},"willContinue":true}}'
                part = f'{{"functionCall":{{"partialArgs":[{piece}],"willContinue":true}}}}'
            case _:
                part = f'{{"text":{source}}}'
        header = "".join(
            f",{seen.source(name)}:{seen.source(value)}"
            for name, value in seen.members(0)
            if seen.decoded(name) in _HEADER
        )
        candidate = f'{{"content":{{"parts":[{part}],"role":"model"}},"index":{index}}}'
        return f'{{"candidates":[{candidate}]{header}}}'

    def _read_candidate(self, said: _Said, candidate: int, at: int) -> None:
        document = said.document
        index = index_of(document, candidate, at)
        said.companion = None
        finished = False
        parts: list[int] = []
        if document.kinds[candidate] != _OBJECT:
            said.add_wholes(candidate)
            return
        for key, value in document.members(candidate):
            name, kind = document.decoded(key), document.kinds[value]
            if name == "content" and kind == _OBJECT:
                parts += _parts(said, value)
            elif name in _LOGPROBS and kind != _WORD:
                said.companion = value
            else:
                finished = finished or (name in ("finishReason", "finish_reason") and kind == _STRING)
                said.add_wholes(value)
        for part in parts:
            self._read_part(said, part, index)
        if finished:
            self._runs.leave(index, said.ends)

    def _read_part(self, said: _Said, part: int, index: int) -> None:
        document = said.document
        kind = _kind_of(document, part)
        scope = self._runs.enter(index, kind, said.ends)
        if kind == "signed":
            return
        for leaf in leaves(document, part, skip=_skipped):
            literal = document.literal(leaf.entry)
            if leaf.path == ("text",) and not leaf.is_key:
                key = ChannelKey(scope, (kind, "", index))
                said.deltas.append(Delta(key, literal, companion=said.companion))
            elif not leaf.is_key and len(leaf.path) > 2 and leaf.path[1] in _USER_DATA:
                said.user_data.append(literal)
            else:
                said.wholes.append(literal)
        inline = _either(document, part, *_INLINE)
        if inline is not None:
            said.parts.append(Part(inline, _BLOB))
        for piece in _argument_pieces(document, part):
            said.add_argument(scope, index, piece)


class _Said:
    """What a frame holds, while it is read."""

    __slots__ = ("companion", "deltas", "document", "ends", "parts", "user_data", "wholes")

    def __init__(self, document: Document) -> None:
        self.document = document
        self.companion: int | None = None
        self.deltas: list[Delta] = []
        self.wholes: list[Literal] = []
        self.user_data: list[Literal] = []
        self.ends: set[Scope] = set()
        self.parts: list[Part] = []

    def add_wholes(self, entry: int) -> None:
        self.wholes += [self.document.literal(leaf.entry) for leaf in leaves(self.document, entry)]

    def add_argument(self, scope: Scope, index: int, piece: int) -> None:
        """Add a piece of a streamed argument; what is not to go on ends with it."""
        document = self.document
        where = _either(document, piece, "jsonPath", "json_path")
        text = _either(document, piece, "stringValue", "string_value")
        if text is None or document.kinds[text] != _STRING:
            return
        goes_on = _is_true(document, _either(document, piece, "willContinue", "will_continue"))
        path = ("call", "" if where is None else document.decoded(where), index)
        self.deltas.append(Delta(ChannelKey(scope, path), document.literal(text), last=not goes_on))


def _parts(said: _Said, content: int) -> list[int]:
    """Return the parts of a content; its other strings are complete."""
    document = said.document
    parts: list[int] = []
    for key, value in document.members(content):
        if document.decoded(key) == "parts" and document.kinds[value] == _ARRAY:
            parts += document.elements(value)
        else:
            said.add_wholes(value)
    return parts


def _kind_of(document: Document, part: int) -> str:
    if document.kinds[part] != _OBJECT:
        return "other"
    if _is_true(document, document.find("thought", start=part)):
        signed = any(text_at(document, name, start=part) for name in _SIGNATURES)
        return "signed" if signed else "thought"
    if document.find("text", start=part) is not None:
        return "text"
    return "other" if _either(document, part, *_CALLS) is None else "call"


def _argument_pieces(document: Document, part: int) -> list[int]:
    call = _either(document, part, *_CALLS) if document.kinds[part] == _OBJECT else None
    if call is None or document.kinds[call] != _OBJECT:
        return []
    pieces = _either(document, call, *_PIECES)
    if pieces is None or document.kinds[pieces] != _ARRAY:
        return []
    return [piece for piece in document.elements(pieces) if document.kinds[piece] == _OBJECT]


def _skipped(_document: Document, _entry: int, path: Path) -> bool:
    """Tell whether a value in a part is signed or media, or a piece of text that is a delta."""
    if not path or (len(path) > 1 and path[1] in _USER_DATA):
        return False
    return path[-1] in _SIGNATURES or path[-1] in _PIECES or path[-1] in _INLINE


def _either(document: Document, start: int, *names: str) -> int | None:
    """Return the member of an object that has one of these names."""
    found = (document.find(name, start=start) for name in names)
    return next((entry for entry in found if entry is not None), None)


def _is_true(document: Document, entry: int | None) -> bool:
    return entry is not None and document.source(entry) == "true"
