"""Decompressors for the content codings that are known, each a step at a time.

One step takes at most ``SLICE`` bytes and makes pieces of about ``PIECE``, so memory stays bounded
whatever the bytes say. gzip and deflate are always there; br and zstd where a library is installed.

Sources: RFC 1950, 1951, 1952 (zlib, deflate, gzip), RFC 7932 (Brotli), RFC 8878 (Zstandard).
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any, Protocol

PIECE = 256 * 1024
"""Bytes that one step may make."""

SLICE = 4 * 1024
"""Bytes that one step may take: what a finished member leaves over is copied, so this bounds the copies."""


class Broken(Exception):
    """The bytes are not what their coding says."""


class UnknownCoding(Exception):
    """There is no decoder for this coding here."""


class Decoder(Protocol):
    """Undoes one coding."""

    def decode(self, data: bytes) -> Iterator[bytes]:
        """Yield what ``data``, at most ``SLICE`` bytes, stands for, in pieces."""

    def ended(self) -> bool:
        """Tell whether the input may end here."""


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
            raise Broken
        yield from _zlib_pieces(self._stream, data)
        if self._stream.unused_data:
            raise Broken

    def ended(self) -> bool:
        return bool(self._stream.eof) if self._stream else not self._head


def _zlib_pieces(stream: Any, data: bytes) -> Iterator[bytes]:  # noqa: ANN401  zlib's type has no public name
    while True:
        try:
            piece = stream.decompress(data, PIECE)
        except zlib.error as exc:
            raise Broken from exc
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
                raise Broken
            yield self._stream.process(data, output_buffer_limit=PIECE)
            while not self._stream.can_accept_more_data():
                yield self._stream.process(b"", output_buffer_limit=PIECE)
        except self._error as exc:
            raise Broken from exc

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
                raise Broken from exc
            data = b""
            if self._frame.eof:
                data, self._frame = self._frame.unused_data, None

    def ended(self) -> bool:
        return self._frame is None


def decoder_of(coding: str) -> Decoder:
    """Return a decoder for one coding, named in lower case.

    Raises:
        UnknownCoding: There is none here.
    """
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
            raise UnknownCoding


def known_codings() -> list[str]:
    """Return the codings that can be undone here; br and zstd need a library."""
    optional = {"br": _brotli_library() is not None, "zstd": _zstd_library() is not None}
    return ["gzip", "deflate", "identity", *(name for name, found in optional.items() if found)]


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
