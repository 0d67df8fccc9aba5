"""Content codings: compressed bodies to plain bytes, step by step and never beyond a limit.

What comes out is the whole of what the sender compressed, or an error: a body that breaks off, that has
bytes behind its end or whose coding is unknown is never passed on half understood.

Sources: RFC 9110 8.4 (codings, applied in the order listed), RFC 1950-1952, RFC 7932, RFC 8878.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any, Protocol

from sidecar.errors import RequestRefused, ResponseUnsafe

PIECE = 256 * 1024
"""Bytes that one step may make."""

SLICE = 4 * 1024
"""Bytes that one step may take: what a finished member leaves over is copied, so this bounds the copies."""

MAX_CODINGS = 4
"""Codings in one list; nobody means more."""


class _Broken(Exception):
    """The bytes are not what their coding says."""


class _UnknownCoding(Exception):
    """There is no decoder for this coding here."""


class _TooLarge(Exception):
    """More comes out than the limit."""


class _Decoder(Protocol):
    """Undoes one coding."""

    def decode(self, data: bytes) -> Iterator[bytes]:
        """Yield what ``data``, at most ``SLICE`` bytes, stands for, in pieces."""

    def ended(self) -> bool:
        """Tell whether the input may end here."""


class Inflater:
    """Inflates an answer's body, chunk by chunk.

    Args:
        content_encoding: The header's text, a comma list of codings in any case; empty: none.
        limit: Bytes that the whole body may have, at every layer.

    Raises:
        ResponseUnsafe: A coding is unknown.
    """

    def __init__(self, content_encoding: str, limit: int) -> None:
        try:
            self._layers = _Layers(content_encoding, limit)
        except _UnknownCoding as exc:
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
        except _Broken as exc:
            raise ResponseUnsafe("the answer's compressed body is broken or breaks off") from exc
        except _TooLarge as exc:
            raise ResponseUnsafe(f"the answer inflates to more than {self._limit} bytes") from exc


def inflate_request(body: bytes, content_encoding: str, limit: int) -> bytes:
    """Return a request's body as it was before its content codings.

    Args:
        body: The whole body.
        content_encoding: The header's text, a comma list of codings in any case; empty: none.
        limit: Bytes that may come out, at every layer.

    Raises:
        RequestRefused: (400) It is broken or breaks off; (413) more than ``limit`` bytes come out;
            (415) a coding is unknown.
    """
    try:
        layers = _Layers(content_encoding, limit)
        return layers.feed(body) + layers.flush()
    except _UnknownCoding as exc:
        raise RequestRefused(415, f"content-encoding: send {', '.join(known_codings())}") from exc
    except _TooLarge as exc:
        raise RequestRefused(413, f"body: inflates to more than {limit} bytes") from exc
    except _Broken as exc:
        raise RequestRefused(400, "body: not what its content-encoding says") from exc


def known_codings() -> list[str]:
    """Return the codings that can be undone here; br and zstd need a library."""
    optional = {"br": _brotli_library() is not None, "zstd": _zstd_library() is not None}
    return ["gzip", "deflate", "identity", *(name for name, found in optional.items() if found)]


class _Layers:
    """All codings of a body, undone in one go."""

    def __init__(self, content_encoding: str, limit: int) -> None:
        names = [name for part in content_encoding.lower().split(",") if (name := part.strip())]
        if len(names) > MAX_CODINGS:
            raise _UnknownCoding
        decoders = [_decoder(name) for name in reversed(names) if name != "identity"]
        self._layers = [_Layer(decoder, limit) for decoder in decoders] or [_Layer(_Identity(), limit)]

    def feed(self, chunk: bytes) -> bytes:
        pieces: Iterable[bytes] = (chunk,)
        for layer in self._layers:
            pieces = layer.decode(pieces)
        return b"".join(pieces)

    def flush(self) -> bytes:
        if not all(layer.ended() for layer in self._layers):
            raise _Broken
        return b""


class _Layer:
    """One coding with its count of bytes."""

    def __init__(self, decoder: _Decoder, limit: int) -> None:
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


class _Identity:
    """No coding: bytes as they are."""

    def decode(self, data: bytes) -> Iterator[bytes]:
        yield data

    def ended(self) -> bool:
        return True


class _Gzip:
    """Any number of gzip members, zero bytes between and behind them ignored, as gzip does."""

    def __init__(self) -> None:
        self._member: Any = None  # zlib has no public name for its type
        self._any = False

    def decode(self, data: bytes) -> Iterator[bytes]:
        while data := data if self._member or not self._any else data.lstrip(b"\0"):
            self._any = True
            self._member = self._member or zlib.decompressobj(zlib.MAX_WBITS | 16)
            yield from _zlib_pieces(self._member, data)
            data = self._member.unused_data
            if self._member.eof:
                self._member = None

    def ended(self) -> bool:
        return self._member is None


class _Deflate:
    """The zlib format, or bare deflate as some senders understand the name."""

    def __init__(self) -> None:
        self._head = b""
        self._stream: Any = None

    def decode(self, data: bytes) -> Iterator[bytes]:
        if self._stream is None:
            data = self._head = self._head + data
            if len(data) < 2:  # the length of zlib's header
                return
            wrapped = data[0] & 0x0F == zlib.DEFLATED and int.from_bytes(data[:2], "big") % 31 == 0
            self._stream = zlib.decompressobj(zlib.MAX_WBITS if wrapped else -zlib.MAX_WBITS)
        elif self._stream.eof and data:
            raise _Broken
        yield from _zlib_pieces(self._stream, data)
        if self._stream.unused_data:
            raise _Broken

    def ended(self) -> bool:
        return bool(self._stream.eof) if self._stream else not self._head


def _zlib_pieces(stream: Any, data: bytes) -> Iterator[bytes]:  # noqa: ANN401  zlib's type has no public name
    while True:
        try:
            piece = stream.decompress(data, PIECE)
        except zlib.error as exc:
            raise _Broken from exc
        if piece:
            yield piece
        data = stream.unconsumed_tail
        if stream.eof or not (data or len(piece) == PIECE):
            return


class _Brotli:
    """Brotli, by a library that can be told how much to make at a time (brotli 1.2 and later)."""

    def __init__(self, library: ModuleType) -> None:
        self._error = library.error
        self._stream = library.Decompressor()
        self._any = False

    def decode(self, data: bytes) -> Iterator[bytes]:
        self._any = True
        try:
            if self._stream.is_finished():
                raise _Broken
            yield self._stream.process(data, output_buffer_limit=PIECE)
            while not self._stream.can_accept_more_data():
                yield self._stream.process(b"", output_buffer_limit=PIECE)
        except self._error as exc:
            raise _Broken from exc

    def ended(self) -> bool:
        return not self._any or bool(self._stream.is_finished())


class _Zstd:
    """Any number of Zstandard frames, by Python 3.14's own library or its backport."""

    def __init__(self, library: ModuleType) -> None:
        self._library = library
        self._frame: Any = None  # the library is optional

    def decode(self, data: bytes) -> Iterator[bytes]:
        while data:
            self._frame = self._frame or self._library.ZstdDecompressor()
            try:
                yield self._frame.decompress(data, PIECE)
                while not (self._frame.eof or self._frame.needs_input):
                    yield self._frame.decompress(b"", PIECE)
            except self._library.ZstdError as exc:
                raise _Broken from exc
            data = b""
            if self._frame.eof:
                data, self._frame = self._frame.unused_data, None

    def ended(self) -> bool:
        return self._frame is None


def _decoder(coding: str) -> _Decoder:
    match coding:
        case "gzip" | "x-gzip":
            return _Gzip()
        case "deflate":
            return _Deflate()
        case "br" if brotli := _brotli_library():
            return _Brotli(brotli)
        case "zstd" if zstd := _zstd_library():
            return _Zstd(zstd)
        case _:
            raise _UnknownCoding


def _brotli_library() -> ModuleType | None:
    library = _library("brotli")
    return library if hasattr(getattr(library, "Decompressor", None), "can_accept_more_data") else None


def _zstd_library() -> ModuleType | None:
    return _library("compression.zstd") or _library("backports.zstd")


def _library(name: str) -> ModuleType | None:
    parent = name.partition(".")[0]
    if find_spec(parent) is None or find_spec(name) is None:
        return None
    return import_module(name)
