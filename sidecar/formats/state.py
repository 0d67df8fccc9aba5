"""Which requests refer to state that a provider keeps, and under which ids an answer's state is found later.

Data first: one row for each kind of resource. A request refers to state by an id in its path or in its
body; one without such an id is none of this module's business, whatever it asks the provider to store.

Source: the API references of OpenAI, Anthropic, Google, Mistral and Cohere.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import unquote

from sidecar.errors import RequestRefused
from sidecar.formats.sse import SseDecoder

MAX_IDS = 64
"""Ids of one answer; what a longer one names after these is not found later."""

TOO_DEEP = "the body is nested too deeply to tell which earlier state it refers to"

MAX_BATCHED = 100_000
"""Requests in one upload; the largest batch of any provider has half of it."""

TOO_MANY_LINES = f"the upload holds more than {MAX_BATCHED} requests; send fewer at once"

MAX_WATCHED = 64 * 1024 * 1024
"""Bytes of a JSON answer; a longer one is not looked into."""


@dataclass(frozen=True, slots=True)
class Resource:
    """One kind of state.

    Places are keys joined by dots, ``*`` for every element of an array; a place that does not lead to a
    string says nothing.

    Args:
        path: How a path ends; ``{id}`` names earlier state, a final ``*`` stands for anything below.
        refers: Places in a request's body that name earlier state.
        grows: The same, where this request adds to that state.
        helps: Places of ids that need not be known, since what they name may never have come by here.
        names: Places in an answer, or in a frame of one, of ids to find its state by.
        stored: What a request without ``store`` means; None if there is no such parameter.
        lines: An answer without a telling type is text, line by line.
        batched: A line of the request's body may be a request of its own, which names its endpoint.
    """

    path: str
    refers: tuple[str, ...] = ()
    grows: tuple[str, ...] = ()
    helps: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    stored: bool | None = None
    lines: bool = False
    batched: bool = False


_RESPONSE_REFERS = ("previous_response_id", "input.*.item_reference")
_CONVERSATION = ("conversation", "conversation.id")
_CONTAINER = ("container", "container.id", "tools.*.container")
_RESPONSE_NAMES = (
    *("id", "conversation.id", "output.*.id", "output.*.container_id"),
    *("response.id", "response.conversation.id", "response.output.*.id"),
    *("item.id", "item.container_id"),
)
_RUN_NAMES = ("id", "thread_id")
_BATCH_NAMES = ("id", "output_file_id", "error_file_id", "output_file", "error_file")
_GEMINI = ("cachedContent", "cached_content")
_BATCHED_GEMINI = ("request.cachedContent", "request.cached_content")
_FILES = ("input.*.content.*.file_id", "messages.*.content.*.file.file_id")

# The first row that fits decides.
RESOURCES = (
    # OpenAI responses and conversations
    Resource(
        "responses",
        refers=_RESPONSE_REFERS,
        grows=(*_CONVERSATION, *_CONTAINER),
        helps=_FILES,
        names=_RESPONSE_NAMES,
        stored=True,
    ),
    Resource("responses/input_tokens", refers=(*_RESPONSE_REFERS, *_CONVERSATION)),
    Resource("responses/compact", refers=_RESPONSE_REFERS, names=_RESPONSE_NAMES),
    Resource("responses/{id}*", names=_RESPONSE_NAMES),
    Resource("conversations", names=("id", "conversation_id")),
    Resource("conversations/{id}*", names=("id", "conversation_id", "data.*.id")),
    Resource("containers", names=("id",)),
    Resource("containers/{id}*"),
    # OpenAI chat completions that were stored or deferred
    Resource("chat/completions", names=("id",), helps=_FILES, stored=False),
    Resource("chat/completions/{id}*"),
    Resource("chat/deferred-completion/{id}"),
    # OpenAI assistants
    Resource("assistants", names=("id",)),
    Resource("assistants/{id}", names=("id",)),
    Resource("threads", names=("id",)),
    Resource("threads/runs", helps=("assistant_id",), names=_RUN_NAMES),
    Resource("threads/{id}*", helps=("assistant_id",), names=("thread_id",)),
    # Anthropic
    Resource(
        "messages", grows=_CONTAINER, names=("container.id", "delta.container.id", "message.container.id")
    ),
    Resource(
        "messages/batches",
        refers=("requests.*.params.container", "requests.*.params.container.id"),
        names=("id",),
    ),
    Resource("messages/batches/{id}/results", lines=True),
    Resource("messages/batches/{id}*", names=("id",)),
    # batches and files
    Resource("batches", helps=("input_file_id",), names=_BATCH_NAMES),
    Resource("batches/{id}*", names=_BATCH_NAMES),
    Resource("batch/jobs", helps=("input_files.*",), names=_BATCH_NAMES),
    Resource("batch/jobs/{id}*", names=_BATCH_NAMES),
    Resource("files", names=("id", "file.name"), batched=True),
    Resource("files/{id}/content", lines=True),
    Resource("files/{id}:download", lines=True),
    # Gemini
    Resource(
        "*:batchGenerateContent",
        refers=tuple(
            f"batch.{config}.requests.requests.*.{place}"
            for config in ("inputConfig", "input_config")
            for place in _BATCHED_GEMINI
        ),
        helps=("batch.inputConfig.fileName", "batch.input_config.file_name"),
        names=("name",),
    ),
    Resource("*:asyncBatchEmbedContent", names=("name",)),
    Resource("*:generateContent", refers=_GEMINI),
    Resource("*:streamGenerateContent", refers=_GEMINI),
    Resource("*:countTokens", refers=(*_GEMINI, "generateContentRequest.cachedContent")),
    Resource("cachedContents", names=("name",)),
    Resource("cachedContents/{id}", names=("name",)),
    Resource("operations/{id}", names=("name",)),
    Resource(
        "interactions", refers=("previous_interaction_id",), names=("id", "interaction.id"), stored=True
    ),
    Resource("interactions/{id}*", names=("id",)),
    # Cohere
    Resource("v1/chat", refers=("conversation_id",)),
)


@dataclass(frozen=True, slots=True)
class Reference:
    """An id of earlier state, and where the request names it. Not ``needed``: it need not be known."""

    id: str
    place: str
    needed: bool = True
    grows: bool = False


@dataclass(frozen=True, slots=True)
class StateUse:
    """What one request has to do with state: the row that fits its path, and the id in its path.

    ``whole``: the path ends with the id, so that what it names is all that the request is about.
    """

    resource: Resource
    path_id: str = ""
    whole: bool = False

    def references(self, body: bytes) -> list[Reference]:
        """Return what the path and the body refer to; a body that is no JSON names nothing.

        Raises:
            RequestRefused: (400, 413) The body is nested too deeply, or has too many lines, to tell.
        """
        found = [Reference(self.path_id, "the path", grows=True)] if self.path_id else []
        row = self.resource
        try:
            if body and (row.refers or row.grows or row.helps):
                found += _references(row, _read(body))
            if row.batched:
                found += _references_of_lines(body)
        except RecursionError:
            raise RequestRefused(400, TOO_DEEP) from None
        return found

    def stores(self, body: bytes) -> bool:
        """Tell whether the provider keeps what this request and its answer say."""
        row = self.resource
        if row.stored is None:
            return bool(self.path_id or row.names)
        said = [value for key, value in _members(_read(body)) if key == "store"]
        return said[-1] is True if said and said[-1] is not None else row.stored


def _references(row: Resource, document: object) -> Iterator[Reference]:
    for place in row.refers:
        yield from (Reference(name, _shown(place)) for name in _texts(document, place))
    for place in row.grows:
        yield from (Reference(name, _shown(place), grows=True) for name in _texts(document, place))
    for place in row.helps:
        yield from (Reference(name, _shown(place), needed=False) for name in _texts(document, place))


def _references_of_lines(body: bytes) -> Iterator[Reference]:
    for count, line in enumerate(_requests(body)):
        if count == MAX_BATCHED:
            raise RequestRefused(413, TOO_MANY_LINES)
        yield from _references_of_line(_read(line[1]))


def _references_of_line(document: object) -> Iterator[Reference]:
    """Yield what one request of a batch refers to; what it adds to is not this exchange's to keep."""
    for place in _BATCHED_GEMINI:
        yield from (Reference(name, _shown(place)) for name in _texts(document, place))
    bodies = [member for key, member in _members(document) if key == "body"]
    for use in filter(None, map(use_of, _at(document, ["url"]))):
        for body in bodies:
            yield from (replace(each, grows=False) for each in _references(use.resource, body))


def use_of(path: str) -> StateUse | None:
    """Return what a request with this ``:path`` has to do with state; None: nothing."""
    bare = unquote(path.partition("?")[0].partition("#")[0])
    bare = "/".join(step for step in bare.split("/") if step)
    for pattern, row in _COMPILED:
        if match := pattern.search(bare):
            if "id" not in match.groupdict():
                return StateUse(row)
            return StateUse(row, match["id"], whole=match.end("id") == len(bare))
    return None


def last_step(name: str) -> str:
    """Return an id without the collection before it, as in ``cachedContents/abc``."""
    return name.rpartition("/")[2]


@dataclass(slots=True)
class AnswerIds:
    """Finds the ids in one answer, given in chunks that are cut anywhere; each id is told once."""

    places: tuple[str, ...]
    streamed: bool
    _seen: set[str] = field(default_factory=set)
    _frames: SseDecoder = field(default_factory=SseDecoder)
    _body: bytearray = field(default_factory=bytearray)
    _marks: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        """Prepare the quick look that most frames of a stream get."""
        keys = sorted({place.partition(".")[0] for place in self.places})
        self._marks = tuple(f'"{key}"'.encode() for key in keys)

    def feed(self, chunk: bytes) -> list[str]:
        """Take the next bytes; return the ids that are new."""
        if self.streamed:
            frames = self._frames.decode(chunk)
            return [name for frame in frames if frame.data for name in self._new(frame.data)]
        if len(self._body) <= MAX_WATCHED:
            self._body += chunk
        return []

    def flush(self) -> list[str]:
        """Return the ids that are known only now that the answer is complete."""
        body, self._body = bytes(self._body), bytearray()
        return [] if self.streamed or len(body) > MAX_WATCHED else list(self._new(body))

    def _new(self, source: bytes) -> Iterator[str]:
        try:
            document = _read(source) if any(mark in source for mark in self._marks) else None
        except RecursionError:
            return
        for place in self.places:
            for text in _texts(document, place):
                if text not in self._seen and len(self._seen) < MAX_IDS:
                    self._seen.add(text)
                    yield text


class _Members(tuple[tuple[str, object], ...]):
    """The members of an object, as they stand: of equal keys a provider may take either."""

    __slots__ = ()


def _read(source: bytes) -> object:
    # Whoever needs it to be JSON says so elsewhere; numbers keep out of Python's own limits. Nesting does
    # not: RecursionError.
    try:
        return json.loads(source, object_pairs_hook=_Members, parse_int=str, parse_float=str)
    except ValueError:
        return None


def _members(document: object) -> Sequence[tuple[str, object]]:
    return document if isinstance(document, _Members) else ()


def _texts(document: object, place: str) -> Iterator[str]:
    """Yield the ids at a place, without their collections."""
    return (last_step(text) for text in _at(document, place.split(".")) if last_step(text))


def _at(value: object, steps: Sequence[str]) -> Iterator[str]:
    match steps:
        case []:
            if isinstance(value, str):
                yield value
        case ["item_reference"]:
            members = dict(_members(value))
            if members.get("type") == "item_reference" or not members.keys() - {"id", "type"}:
                yield from _at(members.get("id"), ())
        case ["*", *below]:
            for element in value if isinstance(value, list) else ():
                yield from _at(element, below)
        case [key, *below]:
            for name, member in _members(value):
                if name == key:
                    yield from _at(member, below)


def _shown(place: str) -> str:
    return place.replace(".*", "[]").removesuffix(".item_reference")


def _pattern(path: str) -> re.Pattern[str]:
    source = re.escape(path).replace(re.escape("{id}"), "(?P<id>[^/:]+)")
    if source.endswith(re.escape("*")):
        source = source.removesuffix(re.escape("*")) + "(?:[/:].*)?"
    return re.compile(f"(?s)(?:^|/){source.replace(re.escape('*'), '[^/:]+')}\\Z")


# Lines of a file, or of the part of an upload that holds it, that may be requests.
_requests = re.compile(
    rb"^(?:\xef\xbb\xbf)?[ \t\r]*+(\{[^\n]*?" + rb'(?:"body"|"request"|\\u)[^\n]*)', re.MULTILINE
).finditer
_COMPILED = tuple((_pattern(row.path), row) for row in RESOURCES)
