"""Restores a stream of frames: each delta through the restorer of its channel, all else as it came.

A frame whose text does not change goes out byte for byte. No frame is dropped, and none is made but to
carry text that was held back when its channel ends. However the bytes are cut, the same bytes go out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sidecar.formats.dialect import ChannelKey, Delta, Dialect, Frame, Framer, Scope, frame_string, line_safe
from sidecar.formats.json_answer import nothing_like, restore_part
from sidecar.formats.json_grammar import NUMBER, JsonInvalid
from sidecar.formats.json_text import Document, Edits, Literal, read_bytes
from sidecar.formats.known_frames import KnownFrames, around
from sidecar.formats.raw_text import restored_raw
from sidecar.formats.template import Found, Template, decoded
from sidecar.model import Escaping, RestorerFactory, TextRestorer

DONE = b"[DONE]"
"""Data that are no JSON and say that nothing follows."""

_RAW: Scope = "data that are no JSON"

_MEMO_TEXTS, _MEMO_LENGTH = 1024, 64
_LOOKS = 8  # that are known at a time, one for each channel that is under way
_READS = 64  # frames in a row that may be learned for nothing
_SEEN_AT_ONCE = 1024 * 1024  # bytes of the longest chunk in which no framer need measure the frames

_is_number = re.compile(NUMBER).fullmatch


class _Channel:
    """A channel that has begun: as which of them, its restorer, and the frame that it was seen in last.

    Frames in which a settled restorer passed plain text are not counted: it holds nothing of them back.
    """

    __slots__ = ("frame", "number", "restorer")

    def __init__(self, number: int, restorer: TextRestorer, frame: Frame | bytes) -> None:
        self.number = number
        self.restorer = restorer
        self.frame = frame


class _Known(NamedTuple):
    """A look that many frames share: one delta and nothing else that may change or end."""

    event: str
    template: Template
    key: ChannelKey
    escaping: Escaping
    frames: KnownFrames | None


class StreamRestorer:
    """Restores one streamed answer."""

    def __init__(self, framer: Framer, dialect: Dialect, restorers: RestorerFactory) -> None:
        self._framer = framer
        self._dialect = dialect
        self._restorers = restorers
        self._channels: dict[ChannelKey, _Channel] = {}
        self._keys: dict[Scope, set[ChannelKey]] = {}  # of the channels, so that an end need not look at all
        self._begun = 0
        self._memo: dict[tuple[str, Escaping], str] = {}
        self._known: list[_Known] = []
        self._reads_left = _READS

    def feed(self, chunk: bytes) -> bytes:
        """Take the next bytes, cut anywhere; return what can be sent on now.

        Raises:
            ResponseUnsafe: A frame is longer than can be kept.
        """
        out: list[bytes] = []
        known = self._restore_known(chunk, out) if self._known and self._framer.between_frames else 0
        if known < len(chunk):
            rest = self._framer.decode(chunk[known:] if known else chunk)
            out += map(self._restored, rest)
        return b"".join(out) if len(out) != 1 else out[0]

    def flush(self) -> bytes:
        """Return the rest: the text held back, each in a frame, and never an end that did not come."""
        return b"".join([*map(self._restored, self._framer.flush()), self._flushed(self._channels)])

    def _restore_known(self, chunk: bytes, out: list[bytes]) -> int:
        """Restore the frames of known looks that a chunk starts with; return where they end."""
        at = done = 0
        while at < len(chunk) <= _SEEN_AT_ONCE:
            for known in reversed(self._known):
                sighting = known.frames.find(chunk, at) if known.frames else None
                if sighting:
                    break
            else:
                break
            start, stop, end, is_plain = sighting
            channel = self._channels.get(known.key)
            if not (is_plain and channel and channel.restorer.settled):
                text = decoded(chunk[start:stop])
                if text is None:
                    break
                restored = self._channel(known.key, known.escaping, chunk[at:end]).restorer.feed(text)
                if restored != text:
                    out += chunk[done : start - 1], frame_string(restored).encode()
                    done = stop + 1
            at = end
        if at:
            self._reads_left = _READS
            out.append(chunk[done:at])
        return at

    def _restored(self, frame: Frame) -> bytes:
        if frame.data is None:
            return frame.raw if frame.complete else self._restored_raw(frame)
        for known in self._known if frame.complete else ():
            if known.event == frame.event and (found := known.template.find(frame.data)):
                return self._restored_delta(frame, frame.data, known, found)
        if frame.data.strip() == DONE:
            return self._flushed(self._channels) + frame.raw
        try:
            document = read_bytes(frame.data)
        except JsonInvalid:
            return self._restored_raw(frame)
        return self._restored_json(frame, document)

    def _restored_delta(self, frame: Frame, data: bytes, known: _Known, found: Found) -> bytes:
        self._reads_left = _READS
        text = self._channel(known.key, known.escaping, frame).restorer.feed(found.text)
        if text == found.text:
            return frame.raw
        return frame.with_data(data[: found.start] + frame_string(text).encode() + data[found.end :])

    def _restored_raw(self, frame: Frame) -> bytes:
        if not frame.complete:  # what follows it would become part of it, so all goes before
            return self._flushed(self._channels) + restored_raw(frame.raw, self._restorers)
        if not self._framer.splits_text:
            return frame.with_data(restored_raw(frame.data or b"", self._restorers))
        before = self._flushed(self._channels) if frame.event == "error" else b""
        key = ChannelKey(_RAW, (frame.event,))
        restorer = self._channel(key, Escaping.RAW, frame).restorer
        text = (frame.data or b"").decode("utf-8", "surrogateescape")
        return before + frame.with_data(restorer.feed(text).encode("utf-8", "surrogateescape"))

    def _restored_json(self, frame: Frame, document: Document) -> bytes:
        reading = self._dialect.read(frame.event, document)
        last = {delta.key: at for at, delta in enumerate(reading.deltas)}
        ends_all = reading.ends_all or not frame.complete
        ended = self._ended(reading.ends, ends_all=ends_all)
        before = self._flushed([key for key in ended if key not in last])
        edits = Edits()
        changed = False
        companions: set[int] = set()
        for at, delta in enumerate(reading.deltas):
            text = self._channel(delta.key, delta.escaping, frame).restorer.feed(delta.literal.text)
            if at == last[delta.key] and (delta.last or ends_all or delta.key.scope in reading.ends):
                text += self._taken(delta.key).restorer.flush()
            if text != delta.literal.text:
                changed = True
                _write(edits, delta.literal, frame_string(text))
                companions |= set() if delta.companion is None else {delta.companion}
        for entry in companions:
            edits.put_source(
                document, document.starts[entry], document.ends[entry], nothing_like(document, entry)
            )
        wholes_changed = False
        for part in reading.parts:
            wholes_changed |= restore_part(document, part.entry, part.shape, self._restorers, edits)
        for literal in reading.wholes:
            wholes_changed |= self._restore_whole(literal, edits)
        for literal in reading.user_data:
            wholes_changed |= self._restore_number(literal, edits) or self._restore_whole(literal, edits)
        changed |= wholes_changed
        if not (wholes_changed or ends_all or reading.ends or reading.user_data or reading.parts):
            self._learn(frame, document, reading.deltas)
        if not changed:
            return before + frame.raw
        source = edits.apply(document)
        return before + frame.with_data((line_safe(source) if reading.parts else source).encode())

    def _learn(self, frame: Frame, document: Document, deltas: Sequence[Delta]) -> None:
        """Know frames like this again, unless learning has not paid off for long."""
        if len(deltas) != 1 or deltas[0].last or deltas[0].companion is not None or self._reads_left == 0:
            return
        [delta] = deltas
        self._reads_left -= 1
        template = Template(document, delta.literal, self._dialect.padding)
        place = around(frame.raw, frame.data) if frame.data else None
        frames = KnownFrames(template, place) if place else None
        known = _Known(frame.event, template, delta.key, delta.escaping, frames)
        self._known = [*self._known[1 - _LOOKS :], known]

    def _channel(self, key: ChannelKey, escaping: Escaping, frame: Frame | bytes) -> _Channel:
        channel = self._channels.get(key)
        if channel is None:
            self._begun += 1
            channel = self._channels[key] = _Channel(self._begun, self._restorers(escaping), frame)
            self._keys.setdefault(key.scope, set()).add(key)
        channel.frame = frame
        return channel

    def _taken(self, key: ChannelKey) -> _Channel:
        """Forget a channel; return it."""
        keys = self._keys[key.scope]
        keys.remove(key)
        if not keys:
            del self._keys[key.scope]
        return self._channels.pop(key)

    def _ended(self, scopes: frozenset[Scope], *, ends_all: bool) -> list[ChannelKey]:
        """Return the channels that end, oldest first; no frame goes on with them, whatever it looks like."""
        if scopes:
            self._known = [known for known in self._known if known.key.scope not in scopes]
        if ends_all:
            return list(self._channels)
        ended = [key for scope in scopes for key in self._keys.get(scope, ())]
        return sorted(ended, key=lambda key: self._channels[key].number)

    def _flushed(self, keys: Iterable[ChannelKey]) -> bytes:
        """End these channels; return frames with what they held back."""
        frames = []
        for key in list(keys):
            channel = self._taken(key)
            if text := channel.restorer.flush():
                frame = self._frame(channel.frame)
                seen = None if key.scope is _RAW else read_bytes(frame.data or b"")
                data = self._dialect.carry(key, text, seen) if seen else text
                encoded = data.encode("utf-8", "surrogateescape")
                frames.append(self._framer.compose(encoded, frame.event, frame.line_end))
        return b"".join(frames)

    def _frame(self, frame: Frame | bytes) -> Frame:
        """Return a frame that may not have been cut out yet."""
        if isinstance(frame, bytes):
            [frame] = type(self._framer)().decode(frame)
        return frame

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


def _write(edits: Edits, literal: Literal, source: str) -> None:
    edits.put_source(literal.document, literal.start, literal.end, source)
