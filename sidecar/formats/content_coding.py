"""Content codings: compressed bodies to plain bytes, step by step and never beyond a limit.

What comes out is the whole of what the sender compressed, or an error: a body that breaks off, that has
bytes behind its end or whose coding is unknown is never passed on half understood.

Source: RFC 9110 8.4; codings are listed in the order in which they were applied.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from sidecar.errors import RequestRefused, ResponseUnsafe
from sidecar.formats.decompressors import (
    SLICE,
    Broken,
    Decoder,
    UnknownCoding,
    decoder_of,
    known_codings,
)

MAX_CODINGS = 4
"""Codings in one list; nobody means more."""


class _TooLarge(Exception):
    """More comes out than the limit."""


class Inflater:
    """Inflates an answer's body, chunk by chunk.

    Args:
        content_encoding: The header's text, a comma list of codings in any case; empty: none.
        limit: Bytes that may come out of each coding; a body without codings has no limit here.

    Raises:
        ResponseUnsafe: A coding is unknown.
    """

    def __init__(self, content_encoding: str, limit: int) -> None:
        try:
            self._layers = _Layers(content_encoding, limit)
        except UnknownCoding as exc:
            raise ResponseUnsafe("the answer's content-encoding is none that can be inflated") from exc
        self._limit = limit

    def feed(self, chunk: bytes) -> bytes:
        """Take the next bytes; return what they stand for so far.

        Raises:
            ResponseUnsafe: The body is broken, or more than ``limit`` bytes long.
        """
        return self._checked(lambda: self._layers.feed(chunk))

    def flush(self) -> bytes:
        """Return the rest; the body is complete.

        Raises:
            ResponseUnsafe: It breaks off.
        """
        return self._checked(self._layers.flush)

    def _checked(self, work: Callable[[], bytes]) -> bytes:
        try:
            return work()
        except Broken as exc:
            raise ResponseUnsafe("the answer's compressed body is broken or breaks off") from exc
        except _TooLarge as exc:
            raise ResponseUnsafe(f"the answer inflates to more than {self._limit} bytes") from exc


def inflate_request(body: bytes, content_encoding: str, limit: int) -> bytes:
    """Return a request's body as it was before its content codings.

    Args:
        body: The whole body.
        content_encoding: The header's text, a comma list of codings in any case; empty: none.
        limit: Bytes that may come out of each coding, and of none.

    Raises:
        RequestRefused: (400) It is broken or breaks off; (413) more than ``limit`` bytes come out;
            (415) a coding is unknown.
    """
    try:
        layers = _Layers(content_encoding, limit)
        plain = layers.feed(body) + layers.flush()
    except UnknownCoding as exc:
        raise RequestRefused(415, f"content-encoding: send {', '.join(known_codings())}") from exc
    except _TooLarge as exc:
        raise RequestRefused(413, f"body: inflates to more than {limit} bytes") from exc
    except Broken as exc:
        raise RequestRefused(400, "body: not what its content-encoding says") from exc
    if len(plain) > limit:
        raise RequestRefused(413, f"body: longer than {limit} bytes")
    return plain


class _Layers:
    """All codings of a body, undone in one go."""

    def __init__(self, content_encoding: str, limit: int) -> None:
        names = [name for part in content_encoding.lower().split(",") if (name := part.strip())]
        if len(names) > MAX_CODINGS:
            raise UnknownCoding
        decoders = [decoder_of(name) for name in reversed(names) if name != "identity"]
        self._layers = [_Layer(decoder, limit) for decoder in decoders]

    def feed(self, chunk: bytes) -> bytes:
        pieces: Iterable[bytes] = (chunk,)
        for layer in self._layers:
            pieces = layer.decode(pieces)
        return b"".join(pieces)

    def flush(self) -> bytes:
        if not all(layer.ended() for layer in self._layers):
            raise Broken
        return b""


class _Layer:
    """One coding with its count of bytes."""

    def __init__(self, decoder: Decoder, limit: int) -> None:
        self._decoder = decoder
        self._room = limit

    def decode(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        for data in pieces:
            for start in range(0, len(data), SLICE):
                for piece in self._decoder.decode(data[start : start + SLICE]):
                    self._room -= len(piece)
                    if self._room < 0:
                        raise _TooLarge
                    yield piece

    def ended(self) -> bool:
        return self._decoder.ended()
