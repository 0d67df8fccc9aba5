"""HTTP/1.1 as the echo provider speaks it: requests read to their last byte, answers framed.

A request that breaks off is still handed over with all that arrived of it, because what reached a
provider is exactly what a leak is.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from http import HTTPStatus
from typing import SupportsIndex

from sidecar.gateway.echo_answers import Answer

READ_LIMIT = 256 * 1024
MAX_BODY = 256 * 1024 * 1024
WINDOW = {"gzip": 31, "deflate": 15}


@dataclass(frozen=True, slots=True)
class SeenRequest:
    """One request as it arrived: names of ``headers`` in lower case, ``body`` without HTTP's framing.

    ``complete``: it arrived to its end; if not even its head was understood, ``method`` and ``path`` are
    empty and ``body`` is all that came.
    """

    method: str
    path: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    trailers: tuple[tuple[str, str], ...] = ()
    version: str = "HTTP/1.1"
    complete: bool = True

    def header(self, name: str, default: str = "") -> str:
        """Return the first value of a header (lower case), or ``default``."""
        return next((text for field, text in self.headers if field == name), default)

    @property
    def keep_alive(self) -> bool:
        """Whether the client means to send more on this connection."""
        asked = self.header("connection").lower()
        return asked != "close" and (self.version == "HTTP/1.1" or asked == "keep-alive")


class TappedReader(asyncio.StreamReader):
    """A stream reader that also keeps all it is fed, at the moment it arrives."""

    def __init__(self, tap: bytearray | None) -> None:
        super().__init__(limit=READ_LIMIT)
        self._tap = tap

    def feed_data(self, data: Iterable[SupportsIndex]) -> None:
        """Take bytes off the wire."""
        if self._tap is not None:
            self._tap.extend(data)
        super().feed_data(data)


class BadHttp(Exception):
    """What arrived is no whole HTTP request.

    Args:
        message: What is wrong with it.
        seen: What arrived, if anything did.
        answerable: Whether the client is still there to be told.
    """

    def __init__(self, message: str, seen: SeenRequest | None, *, answerable: bool = True) -> None:
        super().__init__(message)
        self.seen = seen
        self.answerable = answerable


async def read_request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> SeenRequest | None:
    """Read the next request of a connection; ``None`` if the client closed it instead.

    Raises:
        BadHttp: It is malformed, too large, or broke off.
    """
    try:
        top = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as exc:
        if not exc.partial:
            return None
        raise BadHttp("broke off", _garbage(exc.partial), answerable=False) from exc
    except asyncio.LimitOverrunError as exc:
        raise BadHttp("header fields too large", _garbage(await reader.read(exc.consumed))) from exc
    except ConnectionError:
        return None
    request = _parse_head(top)
    if request.header("expect").lower() == "100-continue":
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    body = bytearray()
    try:
        trailers = await _read_body(reader, request, body)
    except (asyncio.IncompleteReadError, ConnectionError) as exc:
        body += exc.partial if isinstance(exc, asyncio.IncompleteReadError) else b""
        raise BadHttp("broke off", _with_body(request, body), answerable=False) from exc
    except (ValueError, asyncio.LimitOverrunError) as exc:
        raise BadHttp("malformed body framing", _with_body(request, body)) from exc
    return _with_body(request, body, trailers, complete=True)


def head(answer: Answer, length: int | None, *, keep: bool) -> bytes:
    """Return the status line and header fields of an answer.

    Args:
        answer: Its status, content type and further header fields.
        length: Bytes of its body; ``None``: it comes in chunks; negative: it ends with the connection.
        keep: Whether the connection stays open.
    """
    fields = [("content-type", answer.content_type), *answer.headers]
    if answer.wishes.coding:
        fields.append(("content-encoding", answer.wishes.coding))
    if length is None:
        fields.append(("transfer-encoding", "chunked"))
    elif length >= 0:
        fields.append(("content-length", str(length)))
    if not keep:
        fields.append(("connection", "close"))
    try:
        phrase = HTTPStatus(answer.status).phrase
    except ValueError:
        phrase = "Unknown"
    lines = [f"HTTP/1.1 {answer.status} {phrase}", *(f"{name}: {text}" for name, text in fields)]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def chunk(piece: bytes, *, chunked: bool) -> bytes:
    """Frame a piece of a body; an empty one would end it, so it becomes nothing."""
    return b"%x\r\n%b\r\n" % (len(piece), piece) if chunked and piece else piece


def compressor(coding: str) -> Callable[[bytes | None], bytes]:
    """Return what compresses one frame after another, each readable at once; ``None`` ends the body."""
    if not coding:
        return lambda frame: frame or b""
    squeezer = zlib.compressobj(wbits=WINDOW[coding])
    return lambda frame: (
        squeezer.flush() if frame is None else squeezer.compress(frame) + squeezer.flush(zlib.Z_SYNC_FLUSH)
    )


def _parse_head(top: bytes) -> SeenRequest:
    first, *lines = top.decode("latin-1")[:-4].split("\r\n")
    words = first.split(" ")
    if len(words) != 3 or words[2] not in ("HTTP/1.1", "HTTP/1.0"):
        raise BadHttp("malformed request line", _garbage(top))
    return SeenRequest(words[0], words[1], _parse_fields(lines, top), b"", version=words[2])


def _parse_fields(lines: list[str], source: bytes) -> tuple[tuple[str, str], ...]:
    split = [line.partition(":") for line in lines if line]
    if any(not colon or not name or name != name.strip() for name, colon, _ in split):
        raise BadHttp("malformed header field", _garbage(source))
    return tuple((name.lower(), text.strip(" \t")) for name, _, text in split)


async def _read_body(
    reader: asyncio.StreamReader, request: SeenRequest, body: bytearray
) -> tuple[tuple[str, str], ...]:
    """Fill ``body`` as it arrives; return the trailers.

    Raises:
        ValueError: A length is no length, or too large.
    """
    coding, length = request.header("transfer-encoding").lower(), request.header("content-length")
    if not coding:
        body += await reader.readexactly(_length(length or "0", 10))
        return ()
    if coding != "chunked" or length:
        raise ValueError("transfer-encoding")
    while size := _length((await reader.readuntil(b"\r\n")).partition(b";")[0].strip().decode("latin-1"), 16):
        body += await reader.readexactly(size)
        if await reader.readexactly(2) != b"\r\n" or len(body) > MAX_BODY:
            raise ValueError("chunk")
    lines = []
    while (line := await reader.readuntil(b"\r\n")) != b"\r\n":
        lines.append(line[:-2].decode("latin-1"))
    return _parse_fields(lines, b"")


def _length(digits: str, base: int) -> int:
    if not digits.isascii() or not digits.isalnum() or int(digits, base) > MAX_BODY:
        raise ValueError("length")
    return int(digits, base)


def _garbage(source: bytes) -> SeenRequest:
    return SeenRequest("", "", (), source, complete=False)


def _with_body(
    request: SeenRequest,
    body: bytearray,
    trailers: tuple[tuple[str, str], ...] = (),
    *,
    complete: bool = False,
) -> SeenRequest:
    return SeenRequest(
        request.method, request.path, request.headers, bytes(body), trailers, request.version, complete
    )
