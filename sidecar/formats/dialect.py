"""What a stream says, frame by frame: the values and interfaces between framing, dialects and restoring.

A framer cuts bytes into frames, a dialect says what one provider's frame holds, and the stream restorer
does the rest; each knows the others only by what stands here.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from sidecar.formats.json_text import Document, Literal, escaped
from sidecar.formats.shapes import Shape
from sidecar.model import Escaping

Scope = Hashable
"""What ends together: a choice, a content block."""

# JSON may hold these bare, but line readers such as ``str.splitlines`` break the frame there.
_line_breaks = re.compile("[\x85\u2028\u2029]").sub


@dataclass(frozen=True, slots=True)
class ChannelKey:
    """Names one channel: the scope it ends with, and where in a frame its deltas stand."""

    scope: Scope
    path: tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Delta:
    """One piece of a channel: a string literal in a frame.

    ``last``: the channel ends with it. ``companion`` is the entry of a value that describes the text
    piece by piece (``logprobs``) and becomes null or an empty array when the text changes.
    """

    key: ChannelKey
    literal: Literal
    escaping: Escaping = Escaping.TEXT
    last: bool = False
    companion: int | None = None


class Part(NamedTuple):
    """A whole value in a frame, such as the answer so far, and the shape of it."""

    entry: int
    shape: Shape


@dataclass(frozen=True, slots=True)
class Reading:
    """What one frame says: its deltas, its complete strings, and which scopes end with it.

    ``user_data`` are complete strings too, but one that is a lone token may turn back into a number.
    ``parts`` are whole values, restored as they would be in a JSON answer.
    """

    deltas: Sequence[Delta] = ()
    wholes: Sequence[Literal] = ()
    user_data: Sequence[Literal] = ()
    ends: frozenset[Scope] = frozenset()
    ends_all: bool = False
    parts: Sequence[Part] = ()


class Frame(Protocol):
    """One frame of a stream; see ``sse.Frame``."""

    @property
    def raw(self) -> bytes:
        """All its bytes."""

    @property
    def event(self) -> str:
        """Its event name, or nothing."""

    @property
    def data(self) -> bytes | None:
        """The document in it, if there is any."""

    @property
    def complete(self) -> bool:
        """Whether the stream went on after it."""

    @property
    def line_end(self) -> bytes:
        """How its lines end."""

    def with_data(self, data: bytes) -> bytes:
        """Return its bytes with other data."""


class Framer(Protocol):
    """Cuts a stream into frames and makes new ones."""

    @property
    def splits_text(self) -> bool:
        """Whether data that are no JSON may be a piece of a text that goes on in the next frame."""

    @property
    def between_frames(self) -> bool:
        """Whether the next byte begins a frame, and whole frames may pass by this framer unseen."""

    def decode(self, chunk: bytes) -> Sequence[Frame]:
        """Take the next bytes; return the frames they complete."""

    def compose(self, data: bytes, event: str, line_end: bytes) -> bytes:
        """Return a frame of our own."""

    def flush(self) -> Sequence[Frame]:
        """Return what is left when the stream has ended."""


class Dialect(Protocol):
    """How one provider's frames are read and written."""

    @property
    def padding(self) -> frozenset[str]:
        """The top-level keys whose strings, numbers and counts mean nothing and are never the same."""

    def read(self, event: str, document: Document) -> Reading:
        """Say what one frame holds."""

    def carry(self, key: ChannelKey, text: str, seen: Document) -> str:
        """Return the data of a frame that adds ``text`` to a channel and says nothing else.

        Args:
            key: The channel.
            text: What its restorer held back.
            seen: The last frame that had a delta of this channel.
        """


def frame_string(text: str) -> str:
    """Return ``text`` as a JSON string that no line reader breaks."""
    return '"' + line_safe(escaped(text)) + '"'


def line_safe(source: str) -> str:
    """Return JSON source with everything escaped at which a line reader breaks a frame."""
    return _line_breaks(lambda match: f"\\u{ord(match[0]):04x}", source)
