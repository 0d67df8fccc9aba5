"""A client that costs next to nothing: one kept-alive socket, requests sent whole, answers counted out."""

import json
import socket
import time
from urllib.parse import urlsplit

TIMEOUT_SECONDS = 60.0


class Client:
    """One connection to a chat completions endpoint."""

    def __init__(self, url: str) -> None:
        address = urlsplit(url)
        self._host = f"{address.hostname}:{address.port}"
        self._socket = socket.create_connection((address.hostname, address.port), timeout=TIMEOUT_SECONDS)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._file = self._socket.makefile("rb")

    def close(self) -> None:
        self._file.close()
        self._socket.close()

    def exchange(self, body: bytes) -> tuple[float, bytes]:
        """Send one request; return the seconds until its answer was whole, and the answer's body.

        Raises:
            RuntimeError: The status is not 200.
        """
        head = (
            f"POST /v1/chat/completions HTTP/1.1\r\nHost: {self._host}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        request = head.encode() + body
        began = time.perf_counter()
        self._socket.sendall(request)
        answer = self._read()
        return time.perf_counter() - began, answer

    def _read(self) -> bytes:
        status = self._file.readline()
        length, chunked = 0, False
        while (line := self._file.readline().lower()) not in (b"\r\n", b""):
            if line.startswith(b"content-length:"):
                length = int(line[15:])
            chunked |= line.startswith(b"transfer-encoding:")
        body = b"".join(self._chunks()) if chunked else self._file.read(length)
        if not status.startswith(b"HTTP/1.1 200 "):
            raise RuntimeError(f"{status.decode().strip()}: {body[:300]!r}")
        return body

    def _chunks(self) -> list[bytes]:
        chunks = []
        while size := int(self._file.readline(), 16):
            chunks.append(self._file.read(size))
            self._file.read(2)
        self._file.readline()
        return chunks


def answer_text(body: bytes) -> str:
    """Return what an answer says, whole or streamed."""
    if not body.startswith(b"data:"):
        return str(json.loads(body)["choices"][0]["message"]["content"])
    events = [line[5:] for line in body.split(b"\n") if line.startswith(b"data:") and b"[DONE]" not in line]
    return "".join(json.loads(event)["choices"][0]["delta"].get("content") or "" for event in events)
