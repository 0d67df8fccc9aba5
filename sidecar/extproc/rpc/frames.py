"""HTTP/2 frames: the stream of bytes cut into them, and their bytes.

Source: RFC 9113, sections 4.1, 6 and 7.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from struct import Struct
from typing import Final, NamedTuple

PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
HEAD_BYTES: Final = 9
# What a peer may put into one frame; every frame is held whole before it is looked at.
MAX_FRAME_BYTES: Final = 64 * 1024

DATA: Final = 0
HEADERS: Final = 1
PRIORITY: Final = 2
RST_STREAM: Final = 3
SETTINGS: Final = 4
PUSH_PROMISE: Final = 5
PING: Final = 6
GOAWAY: Final = 7
WINDOW_UPDATE: Final = 8
CONTINUATION: Final = 9

ACK: Final = 0x1
END_STREAM: Final = 0x1
END_HEADERS: Final = 0x4
PADDED: Final = 0x8
PRIORITIZED: Final = 0x20

MAX_CONCURRENT_STREAMS: Final = 3
INITIAL_WINDOW_SIZE: Final = 4
MAX_FRAME_SIZE: Final = 5
MAX_HEADER_LIST_SIZE: Final = 6

NO_ERROR: Final = 0
PROTOCOL_ERROR: Final = 1
INTERNAL_ERROR: Final = 2
FLOW_CONTROL_ERROR: Final = 3
STREAM_CLOSED: Final = 5
FRAME_SIZE_ERROR: Final = 6
REFUSED_STREAM: Final = 7
COMPRESSION_ERROR: Final = 9
ENHANCE_YOUR_CALM: Final = 11

MAX_STREAM: Final = 0x7FFF_FFFF
MAX_WINDOW: Final = 0x7FFF_FFFF

_HEAD: Final = Struct(">HBBBL")  # payload bytes (16 + 8 bits), kind, flags, stream
_SETTING: Final = Struct(">HL")
_SIZES: Final = {PRIORITY: 5, RST_STREAM: 4, PING: 8, WINDOW_UPDATE: 4}
_OF_STREAMS: Final = frozenset((DATA, HEADERS, PRIORITY, RST_STREAM, CONTINUATION))
_OF_CONNECTIONS: Final = frozenset((SETTINGS, PING, GOAWAY))


class ConnectionBroken(Exception):
    """The peer broke the protocol; ``code`` is what it is told before the connection closes."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code


class Frame(NamedTuple):
    """One frame; ``stream`` 0 is the connection as a whole."""

    kind: int
    flags: int
    stream: int
    payload: bytes


class FrameReader:
    """Cuts what arrives into frames, for every way of cutting it."""

    def __init__(self) -> None:
        self._rest = b""
        self._begun = False

    def feed(self, arrived: bytes) -> Iterator[Frame]:
        """Take the next bytes; yield the frames that they complete, all of which must be taken.

        Raises:
            ConnectionBroken: It is no HTTP/2, or a frame is larger than allowed.
        """
        arrived = self._rest + arrived if self._rest else arrived
        at, end = 0, len(arrived)
        if not self._begun:
            self._begun = arrived.startswith(PREFACE)
            if not self._begun and not PREFACE.startswith(arrived):
                raise ConnectionBroken(PROTOCOL_ERROR, "the connection does not begin as HTTP/2")
            at = len(PREFACE) if self._begun else end
        while end - at >= HEAD_BYTES:
            high, low, kind, flags, stream = _HEAD.unpack_from(arrived, at)
            size = high << 8 | low
            if size > MAX_FRAME_BYTES:
                raise ConnectionBroken(FRAME_SIZE_ERROR, "a frame is too large")
            begin = at + HEAD_BYTES
            if end - begin < size:
                break
            at = begin + size
            yield Frame(kind, flags, stream & MAX_STREAM, arrived[begin:at])
        self._rest = arrived[at:] if self._begun else arrived


def frame(kind: int, flags: int = 0, stream: int = 0, payload: bytes = b"") -> bytes:
    """Return the bytes of one frame."""
    size = len(payload)
    return _HEAD.pack(size >> 8, size & 0xFF, kind, flags, stream) + payload


def settings_frame(settings: Mapping[int, int]) -> bytes:
    """Return the frame that tells a peer what it has to keep to."""
    return frame(SETTINGS, 0, 0, b"".join(_SETTING.pack(*each) for each in settings.items()))


def check(each: Frame) -> None:
    """Make sure that a frame has the size of its kind, and is on a stream only if it may be on one.

    Raises:
        ConnectionBroken: It is not so.
    """
    if each.kind == DATA and each.stream:
        return  # what comes most often, and has any size
    if (_OF_CONNECTIONS if each.stream else _OF_STREAMS) & {each.kind}:
        raise ConnectionBroken(PROTOCOL_ERROR, "a frame where its kind may not be")
    size = len(each.payload)
    if size != _SIZES.get(each.kind, size) or (each.kind == SETTINGS and each.flags & ACK and size):
        raise ConnectionBroken(FRAME_SIZE_ERROR, "a frame has not the size of its kind")


def read_settings(payload: bytes) -> Iterator[tuple[int, int]]:
    """Yield number and value of each setting.

    Raises:
        ConnectionBroken: The payload is none of a SETTINGS frame.
    """
    if len(payload) % _SETTING.size:
        raise ConnectionBroken(FRAME_SIZE_ERROR, "a SETTINGS frame of odd size")
    yield from _SETTING.iter_unpack(payload)


def read_number(payload: bytes) -> int:
    """Return the one number of 31 bits that a frame consists of."""
    return int.from_bytes(payload, "big") & MAX_WINDOW


def unpadded(each: Frame) -> bytes:
    """Return the payload of a DATA or HEADERS frame without padding and priority.

    Raises:
        ConnectionBroken: There is more padding than payload.
    """
    payload = each.payload
    if not each.flags & (PADDED | PRIORITIZED):
        return payload
    begin, end = 0, len(payload)
    if each.flags & PADDED:
        begin, end = 1, end - (payload[0] if payload else 0)
    if each.kind == HEADERS and each.flags & PRIORITIZED:
        begin += 5
    if begin > end:
        raise ConnectionBroken(PROTOCOL_ERROR, "a frame is shorter than its padding")
    return payload[begin:end]
