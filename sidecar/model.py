"""The frozen values that pass between layers: passages, spans, originals, headers, events, replies.

Nothing here does work; every value is checked once, on construction, and never changes after.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Protocol

# --- detection -----------------------------------------------------------------------------------


class Origin(Enum):
    """Which kind of detector found a span; patterns win over NER where they overlap."""

    PATTERN = auto()
    NER = auto()


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch ``[start, end)`` of one text, in code points, that holds one original.

    ``rule`` names what found it (a pattern's name, a model, a cue), for people; it decides nothing.

    Raises:
        ValueError: The stretch is empty or negative, or the score lies outside 0..1.
    """

    start: int
    end: int
    entity_type: str
    score: float
    origin: Origin
    rule: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        """Check the bounds."""
        if not 0 <= self.start < self.end:
            raise ValueError(f"span [{self.start}, {self.end}) is empty or negative")
        if not 0.0 <= self.score <= 1.0:
            raise ValueError(f"score {self.score} is outside 0..1")


@dataclass(frozen=True, slots=True)
class Passage:
    """One text to look at.

    ``hint`` is text that stands beside it and counts as context only (the JSON key it is the value
    of); spans never lie in it. ``patterns_only`` asks that NER leave it alone (keys, numbers, URLs).
    """

    text: str
    hint: str = ""
    patterns_only: bool = False


class Budget(Protocol):
    """How much time detection may still take."""

    def check(self) -> None:
        """Return while there is time left.

        Raises:
            RequestRefused: (413) The time is used up.
        """

    def remaining(self) -> float:
        """Return the seconds left, never negative."""


class Detector(Protocol):
    """Finds spans."""

    def detect(self, passages: Sequence[Passage], budget: Budget) -> list[list[Span]]:
        """Return, for each passage in turn, its spans: disjoint and in ascending order.

        The result for one passage depends on that passage alone, never on its neighbors.

        Raises:
            RequestRefused: (413) The texts cannot be finished within the budget.
        """


# --- tokens --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Original:
    """A sensitive string as the client wrote it, decoded from JSON.

    ``is_number``: it was a JSON number literal, and ``text`` is its exact spelling. A number and a
    string are different originals even when spelled alike.
    """

    text: str
    is_number: bool = False


class Escaping(Enum):
    """How a channel's text reads, which decides how an original is written into it."""

    TEXT = auto()  # prose; if it turns out to be one JSON document, strings in it are escaped as JSON
    JSON = auto()  # JSON source, such as tool-call arguments
    RAW = auto()  # bytes of an answer that is no JSON at all: originals as they are, nothing escaped


SPECIAL = '{&\uff5b"\\'
"""The characters, beside control characters, at which a text restorer has to look; all others are plain."""


class TextRestorer(Protocol):
    """Restores one channel, piece by piece."""

    @property
    def settled(self) -> bool:
        """Whether pieces without ``SPECIAL`` or control characters come out as they are, and leave it so."""

    def may_change(self, text: str) -> bool:
        """Tell whether a whole text may come out otherwise than it is, if nothing was fed before."""

    def feed(self, delta: str) -> str:
        """Take the next piece; return what is now certain."""

    def flush(self) -> str:
        """Return what was held back; the channel is over."""


RestorerFactory = Callable[[Escaping], TextRestorer]


# --- HTTP as Envoy hands it over -----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Headers:
    """Header fields in wire order: lower-case names (pseudo-headers included), Latin-1 text values."""

    fields: tuple[tuple[str, str], ...] = ()

    def get(self, name: str, default: str = "") -> str:
        """Return the first value of ``name`` (lower case), or ``default``."""
        for own, text in self.fields:
            if own == name:
                return text
        return default

    def get_all(self, name: str) -> Iterable[str]:
        """Return all values of ``name`` (lower case)."""
        return [text for own, text in self.fields if own == name]

    def __contains__(self, name: object) -> bool:
        """Tell whether a field of that name (lower case) is there."""
        return any(own == name for own, _ in self.fields)


class BodyMode(Enum):
    """How Envoy hands a body over; the names are those of ``ProcessingMode.BodySendMode``."""

    NONE = auto()
    STREAMED = auto()
    BUFFERED = auto()
    BUFFERED_PARTIAL = auto()
    FULL_DUPLEX_STREAMED = auto()
    UNKNOWN = auto()  # an Envoy too old to say; taken as one answer for each message


class Direction(Enum):
    """Which half of the exchange a reply belongs to."""

    REQUEST = auto()
    RESPONSE = auto()


@dataclass(frozen=True, slots=True)
class BodyModes:
    """The body modes in force, from the first message of the stream (``protocol_config``)."""

    request: BodyMode = BodyMode.UNKNOWN
    response: BodyMode = BodyMode.UNKNOWN


# --- events: what Envoy tells us -----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RequestHeaders:
    """The request's header fields; ``end_of_stream``: there is no body."""

    headers: Headers
    end_of_stream: bool = False


@dataclass(frozen=True, slots=True)
class ResponseHeaders:
    """The response's header fields; ``end_of_stream``: there is no body."""

    headers: Headers
    end_of_stream: bool = False


@dataclass(frozen=True, slots=True)
class Body:
    """The next chunk of a body, cut anywhere."""

    direction: Direction
    chunk: bytes
    end_of_stream: bool = False


@dataclass(frozen=True, slots=True)
class Trailers:
    """The trailer fields; the body before them is complete."""

    direction: Direction
    headers: Headers


@dataclass(frozen=True, slots=True)
class Recalled:
    """Answers a ``Recall``: what was kept under each key in turn, None where there is nothing.

    ``reachable`` is False if the store could not be asked; then ``sealed`` is empty.
    """

    sealed: tuple[bytes | None, ...] = ()
    reachable: bool = True


Event = RequestHeaders | ResponseHeaders | Body | Trailers | Recalled


# --- replies: what Envoy is to do ----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class HeaderEdit:
    """Header fields to set (replacing all of that name) and names to remove; lower case."""

    set: tuple[tuple[str, str], ...] = ()
    remove: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class HeadersReply:
    """Answers a headers event. ``response_mode`` asks Envoy for another response body mode."""

    direction: Direction
    edit: HeaderEdit = HeaderEdit()
    response_mode: BodyMode | None = None


@dataclass(frozen=True, slots=True)
class BodyReply:
    """Answers one body event in BUFFERED and STREAMED mode; ``body`` None leaves the chunk as it is."""

    direction: Direction
    body: bytes | None
    edit: HeaderEdit = HeaderEdit()


@dataclass(frozen=True, slots=True)
class StreamedReply:
    """The next bytes of a body in FULL_DUPLEX_STREAMED mode, which need not answer one event each."""

    direction: Direction
    chunk: bytes
    end_of_stream: bool = False


@dataclass(frozen=True, slots=True)
class TrailersReply:
    """Answers a trailers event; ``remove`` names the fields to drop."""

    direction: Direction
    remove: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Refusal:
    """Ends the exchange with an answer of our own; nothing (more) goes to the provider."""

    status: int
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Echo:
    """Ends the exchange with what would have left (``pii-sidecar doctor``); nothing goes to the provider."""

    body: bytes
    headers: tuple[tuple[str, str], ...] = ()
    status: int = 200


EnvoyReply = HeadersReply | BodyReply | StreamedReply | TrailersReply | Refusal | Echo

# --- replies: what the conversation store is to do -----------------------------------------------


@dataclass(frozen=True, slots=True)
class Recall:
    """Look these keys up and answer with ``Recalled``, before any other event."""

    keys: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Keep:
    """Keep what is sealed under a key for so many seconds, before the replies that follow go out."""

    key: bytes
    sealed: bytes
    seconds: int


StoreReply = Recall | Keep
Reply = EnvoyReply | StoreReply
