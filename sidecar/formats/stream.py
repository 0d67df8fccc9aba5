"""Restores a stream of frames: each delta through the restorer of its channel, all else as it came.

A frame whose text does not change goes out byte for byte. No frame is dropped, and none is made but to
carry text that was held back when its channel ends. However the bytes are cut, the same bytes go out.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from sidecar.formats.json_grammar import NUMBER, JsonInvalid
from sidecar.formats.json_text import Document, Edits, Literal, escaped, read_bytes
from sidecar.formats.raw_text import restored_raw
from sidecar.model import Escaping, RestorerFactory, TextRestorer

Scope = Hashable
"""What ends together: a choice, a content block."""

DONE = b"[DONE]"
"""Data that are no JSON and say that nothing follows."""

_RAW: Scope = "data that are no JSON"

_MEMO_TEXTS, _MEMO_LENGTH = 1024, 64

_is_number = re.compile(NUMBER).fullmatch
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
    piece by piece (``logprobs``) and becomes null when the text changes.
    """

    key: ChannelKey
    literal: Literal
    escaping: Escaping = Escaping.TEXT
    last: bool = False
    companion: int | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """What one frame says: its deltas, its complete strings, and which scopes end with it.

    ``user_data`` are complete strings too, but one that is a lone token may turn back into a number.
    """

    deltas: Sequence[Delta] = ()
    wholes: Sequence[Literal] = ()
    user_data: Sequence[Literal] = ()
    ends: frozenset[Scope] = frozenset()
    ends_all: bool = False


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

    def decode(self, chunk: bytes) -> Sequence[Frame]:
        """Take the next bytes; return the frames they complete."""

    def compose(self, data: bytes, event: str, line_end: bytes) -> bytes:
        """Return a frame of our own."""

    def flush(self) -> Sequence[Frame]:
        """Return what is left when the stream has ended."""


class Dialect(Protocol):
    """How one provider's frames are read and written."""

    def read(self, event: str, document: Document) -> Reading:
        """Say what one frame holds."""

    def carry(self, key: ChannelKey, text: str) -> str:
        """Return the data of a frame that adds ``text`` to a channel and says nothing else."""


class _Channel:
    """A channel that has begun: its restorer, and the look of the frame that came last."""

    __slots__ = ("event", "line_end", "restorer")

    def __init__(self, restorer: TextRestorer) -> None:
        self.restorer = restorer
        self.event = ""
        self.line_end = b"\n"


class StreamRestorer:
    """Restores one streamed answer."""

    def __init__(self, framer: Framer, dialect: Dialect, restorers: RestorerFactory) -> None:
        self._framer = framer
        self._dialect = dialect
        self._restorers = restorers
        self._channels: dict[ChannelKey, _Channel] = {}
        self._memo: dict[tuple[str, Escaping], str] = {}

    def feed(self, chunk: bytes) -> bytes:
        """Take the next bytes, cut anywhere; return what can be sent on now.

        Raises:
            ResponseUnsafe: A frame is longer than can be kept.
        """
        return b"".join([self._restored(frame) for frame in self._framer.decode(chunk)])

    def flush(self) -> bytes:
        """Return the rest: the text held back, each in a frame, and never an end that did not come."""
        return b"".join([*map(self._restored, self._framer.flush()), self._flushed(self._channels)])

    def _restored(self, frame: Frame) -> bytes:
        if frame.data is None:
            return frame.raw if frame.complete else self._restored_raw(frame)
        if frame.data.strip() == DONE:
            return self._flushed(self._channels) + frame.raw
        try:
            document = read_bytes(frame.data)
        except JsonInvalid:
            return self._restored_raw(frame)
        return self._restored_json(frame, document)

    def _restored_raw(self, frame: Frame) -> bytes:
        if not frame.complete:  # what follows it would become part of it, so all goes before
            return self._flushed(self._channels) + restored_raw(frame.raw, self._restorers)
        before = self._flushed(self._channels) if frame.event == "error" else b""
        key = ChannelKey(_RAW, (frame.event,))
        restorer = self._channel(key, Escaping.RAW, frame).restorer
        text = (frame.data or b"").decode("utf-8", "surrogateescape")
        return before + frame.with_data(restorer.feed(text).encode("utf-8", "surrogateescape"))

    def _restored_json(self, frame: Frame, document: Document) -> bytes:
        reading = self._dialect.read(frame.event, document)
        last = {delta.key: at for at, delta in enumerate(reading.deltas)}
        ends_all = reading.ends_all or not frame.complete
        ended = [key for key in self._channels if ends_all or key.scope in reading.ends]
        before = self._flushed([key for key in ended if key not in last])
        edits = Edits()
        changed = False
        companions: set[int] = set()
        for at, delta in enumerate(reading.deltas):
            text = self._channel(delta.key, delta.escaping, frame).restorer.feed(delta.literal.text)
            if at == last[delta.key] and (delta.last or ends_all or delta.key.scope in reading.ends):
                text += self._channels.pop(delta.key).restorer.flush()
            if text != delta.literal.text:
                changed = True
                _write(edits, delta.literal, frame_string(text))
                companions |= set() if delta.companion is None else {delta.companion}
        for entry in companions:
            edits.put_source(document, document.starts[entry], document.ends[entry], "null")
        for literal in reading.wholes:
            changed |= self._restore_whole(literal, edits)
        for literal in reading.user_data:
            changed |= self._restore_number(literal, edits) or self._restore_whole(literal, edits)
        return before + (frame.with_data(edits.apply(document).encode()) if changed else frame.raw)

    def _channel(self, key: ChannelKey, escaping: Escaping, frame: Frame) -> _Channel:
        channel = self._channels.get(key)
        if channel is None:
            channel = self._channels[key] = _Channel(self._restorers(escaping))
        channel.event, channel.line_end = frame.event, frame.line_end
        return channel

    def _flushed(self, keys: Iterable[ChannelKey]) -> bytes:
        """End these channels; return frames with what they held back."""
        frames = []
        for key in list(keys):
            channel = self._channels.pop(key)
            if text := channel.restorer.flush():
                raw = key.scope is _RAW
                data = text if raw else self._dialect.carry(key, text)
                encoded = data.encode("utf-8", "surrogateescape")
                frames.append(self._framer.compose(encoded, channel.event, channel.line_end))
        return b"".join(frames)

    def _restore_whole(self, literal: Literal, edits: Edits) -> bool:
        text = self._whole(literal.text, Escaping.TEXT)
        if text != literal.text:
            _write(edits, literal, frame_string(text))
        return text != literal.text

    def _restore_number(self, literal: Literal, edits: Edits) -> bool:
        """Read the string as a JSON document of its own, in which the token of a number becomes one."""
        number = self._whole(literal.document.text[literal.start : literal.end], Escaping.JSON)
        if _is_number(number) is None:
            return False
        _write(edits, literal, number)
        return True

    def _whole(self, text: str, escaping: Escaping) -> str:
        """Return a complete string restored; short ones come again in every frame."""
        known = self._memo.get((text, escaping))
        if known is not None:
            return known
        restorer = self._restorers(escaping)
        restored = restorer.feed(text) + restorer.flush()
        if len(text) <= _MEMO_LENGTH and len(self._memo) < _MEMO_TEXTS:
            self._memo[text, escaping] = restored
        return restored


def frame_string(text: str) -> str:
    """Return ``text`` as a JSON string that no line reader breaks."""
    return '"' + _line_breaks(lambda match: f"\\u{ord(match[0]):04x}", escaped(text)) + '"'


def _write(edits: Edits, literal: Literal, source: str) -> None:
    edits.put_source(literal.document, literal.start, literal.end, source)
