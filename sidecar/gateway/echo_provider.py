"""An LLM provider on loopback that echoes what it saw, for ``demo``, tests and benchmarks.

It keeps every byte it received for whoever started it and shows it to nobody else: nothing is logged,
and no input ends the server. What it answers is in ``echo_answers``.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import ssl
import threading
from collections import deque
from typing import Self

import uvloop

from sidecar.gateway.echo_answers import Answer, Wishes, dump
from sidecar.gateway.echo_chat import answer_chat
from sidecar.gateway.echo_gemini import answer_gemini, is_gemini
from sidecar.gateway.echo_http import (
    BadHttp,
    SeenRequest,
    TappedReader,
    chunk,
    compressor,
    head,
    read_request,
)
from sidecar.gateway.echo_inputs import answer_completions, answer_embeddings
from sidecar.gateway.echo_messages import answer_messages
from sidecar.gateway.echo_ollama import PATHS as OLLAMA_PATHS
from sidecar.gateway.echo_ollama import answer_ollama
from sidecar.gateway.echo_responses import answer_responses
from sidecar.gateway.echo_uploads import answer_upload

HOST = "127.0.0.1"
START_SECONDS = 10.0


class EchoProvider:
    """The provider, served from a thread of its own between ``start`` and ``stop``.

    Args:
        delta: Code points in one streamed delta.
        delay: Seconds between streamed frames.
        keep: How many requests to remember at most; ``None``: all of them, byte for byte.
        tls: Serve HTTPS with this server context.
        port: 0 for a free one.
    """

    def __init__(
        self,
        *,
        delta: int = 8,
        delay: float = 0.0,
        keep: int | None = None,
        tls: ssl.SSLContext | None = None,
        port: int = 0,
    ) -> None:
        self._wishes = Wishes(delta=delta, delay=delay)
        self._seen: deque[SeenRequest] = deque(maxlen=keep)
        self._changed = threading.Condition()
        self._tls = tls
        self._port = port
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None
        self._ready = threading.Event()
        self._startup_error: OSError | None = None
        self._thread = threading.Thread(target=self._run, name="echo-provider", daemon=True)
        self._connections: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self._received = bytearray()
        self._tapping = keep is None
        self.faults = 0
        """Connections that ended in an error of this server's own; tests expect none."""

    @property
    def port(self) -> int:
        """The port it listens on, once started."""
        return self._port

    @property
    def url(self) -> str:
        """Its address, without a path."""
        return f"{'https' if self._tls else 'http'}://{HOST}:{self._port}"

    @property
    def requests(self) -> tuple[SeenRequest, ...]:
        """What arrived so far, oldest first, including requests that broke off."""
        with self._changed:
            return tuple(self._seen)

    @property
    def received(self) -> bytes:
        """All bytes of all connections as they came, even of requests still under way (if all are kept)."""
        return bytes(self._received)

    def clear(self) -> None:
        """Forget what arrived so far."""
        with self._changed:
            self._seen.clear()
            self._received.clear()

    def wait(self, count: int, seconds: float = 5.0) -> tuple[SeenRequest, ...]:
        """Return what arrived as soon as that is ``count`` requests, or when the time is over."""
        with self._changed:
            self._changed.wait_for(lambda: len(self._seen) >= count, seconds)
            return tuple(self._seen)

    def start(self) -> Self:
        """Listen.

        Raises:
            OSError: The address cannot be had.
        """
        self._thread.start()
        if not self._ready.wait(START_SECONDS):
            raise OSError("the echo provider did not start in time")
        if self._startup_error is not None:
            raise self._startup_error
        return self

    def stop(self) -> None:
        """Close the port and all connections."""
        if self._loop is not None and self._stopping is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(START_SECONDS)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            try:
                runner.run(self._serve())
            except OSError as exc:
                self._startup_error = exc
            finally:
                self._ready.set()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._loop.set_exception_handler(self._note_fault)
        self._stopping = asyncio.Event()
        server = await self._loop.create_server(self._accept, HOST, self._port, ssl=self._tls, backlog=512)
        async with server:
            self._port = server.sockets[0].getsockname()[1]
            self._ready.set()
            await self._stopping.wait()
            server.close()
            for writer in self._connections.values():
                writer.transport.abort()
            if self._connections:
                await asyncio.wait(self._connections, timeout=START_SECONDS / 2)

    def _note_fault(self, _loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
        # A client that does not trust the certificate, or walks away, is no fault of this server.
        self.faults += not isinstance(context.get("exception"), OSError | None)

    def _note(self, request: SeenRequest) -> None:
        with self._changed:
            self._seen.append(request)
            self._changed.notify_all()

    def _accept(self) -> asyncio.StreamReaderProtocol:
        reader = TappedReader(self._received if self._tapping else None)
        return asyncio.StreamReaderProtocol(reader, self._begin)

    def _begin(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(self._connection(reader, writer))
        self._connections[task] = writer
        task.add_done_callback(lambda done: self._connections.pop(done, None))

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection until either side is done with it; no input ends the server."""
        try:
            while await self._exchange(reader, writer):
                pass
            await writer.drain()
        except (OSError, asyncio.CancelledError):
            writer.transport.abort()
        except Exception:  # noqa: BLE001 - the loop must go on, and a traceback could show what was sent
            if not writer.transport.is_closing():  # otherwise the other side is gone, which is no fault
                self.faults += 1
            writer.transport.abort()
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Serve one request; tell whether the connection can carry another."""
        try:
            request = await read_request(reader, writer)
        except BadHttp as exc:
            if exc.seen is not None:
                self._note(exc.seen)
            if exc.answerable:
                body = dump({"error": {"message": str(exc), "type": "invalid_request_error"}})
                answer = Answer([body], status=400)
                await self._send(answer, SeenRequest("GET", "", (), b""), writer, keep=False)
            return False
        if request is None:
            return False
        self._note(request)
        keep = request.keep_alive
        return await self._send(self._answer(request), request, writer, keep=keep) and keep

    def _answer(self, request: SeenRequest) -> Answer:
        path = request.path.partition("?")[0]
        if request.method == "POST" and path.endswith("/chat/completions"):
            return answer_chat(request.body, self._wishes)
        if request.method == "POST" and path.endswith("/v1/messages"):
            return answer_messages(request.body, self._wishes)
        if request.method == "POST" and is_gemini(path):
            return answer_gemini(request.path, request.body, self._wishes)
        if request.method == "POST" and path.endswith(OLLAMA_PATHS):
            return answer_ollama(path, request.body, self._wishes)
        if request.method == "POST" and path.endswith("/responses"):
            return answer_responses(request.body, self._wishes)
        if request.method == "POST" and path.endswith("/completions"):
            return answer_completions(request.body, self._wishes)
        if request.method == "POST" and path.endswith("/embeddings"):
            return answer_embeddings(request.body, self._wishes)
        kind = request.header("content-type") or "application/octet-stream"
        if kind.startswith("multipart/form-data"):
            return answer_upload(path, kind, request.body, self._wishes)
        if request.body:
            return Answer([request.body], content_type=kind)
        return Answer([dump({"method": request.method, "path": request.path})])

    async def _send(
        self, answer: Answer, request: SeenRequest, writer: asyncio.StreamWriter, *, keep: bool
    ) -> bool:
        """Send an answer; tell whether it went out whole."""
        squeeze = compressor(answer.wishes.coding)
        bare = request.method == "HEAD"
        chunked = answer.streamed and request.version == "HTTP/1.1"
        if not answer.streamed:
            body = b"".join(squeeze(frame) for frame in answer.frames) + squeeze(None)
            writer.write(head(answer, len(body), keep=keep) + (b"" if bare else body))
            await writer.drain()
            return True
        writer.write(head(answer, None if chunked else -1, keep=keep and chunked))
        for sent, frame in enumerate(() if bare else answer.frames):
            if sent == answer.wishes.aborts:
                await writer.drain()
                writer.transport.abort()
                return False
            writer.write(chunk(squeeze(frame), chunked=chunked))
            await writer.drain()
            # Even without a delay each frame leaves on its own, as a provider's do.
            await asyncio.sleep(answer.wishes.delay)
        writer.write(chunk(squeeze(None), chunked=chunked) + (b"0\r\n\r\n" if chunked else b""))
        await writer.drain()
        return chunked


def main() -> None:
    """Serve until SIGTERM or SIGINT; print ``ready URL`` once listening."""
    parser = argparse.ArgumentParser(prog="echo_provider", description="an LLM provider that echoes")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--delta", type=int, default=8, help="code points in one streamed delta")
    parser.add_argument("--delay-ms", type=float, default=0.0, help="time between streamed frames")
    args = parser.parse_args()
    provider = EchoProvider(delta=args.delta, delay=args.delay_ms / 1000, keep=0, port=args.port)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    with provider:
        print(f"ready {provider.url}", flush=True)  # noqa: T201 - the program's one line of output
        signal.sigwait({signal.SIGTERM, signal.SIGINT})


if __name__ == "__main__":
    main()
