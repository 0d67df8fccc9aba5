"""Listens, hands every call to the handler of its method, and drains.

The details of a call's end are the handler's; what goes wrong outside of it is told by its type alone.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import structlog

from sidecar.extproc.failure import described
from sidecar.extproc.rpc.call import Call
from sidecar.extproc.rpc.connection import Connection
from sidecar.extproc.rpc.status import CallBroken, End, Status

CLOSE_SECONDS = 1.0  # for what was said last to reach the peers
BACKLOG = 1024
STREAMS = 4096  # on one connection; Envoy makes another one when it needs more

Handler = Callable[[Call], Coroutine[Any, Any, End]]

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


class RpcServer:
    """Serves methods by their path, ``/package.Service/Method``.

    Args:
        handlers: What serves each path. A handler returns how its call ends, and only if it does so with
            ``Status.OK`` does the call end cleanly.
        longest: The longest message that is taken, in bytes.
        streams: How many calls one connection may have at once.
        connections: How many there may be before the oldest has to go; None: any number.
    """

    def __init__(
        self,
        handlers: Mapping[str, Handler],
        longest: int,
        streams: int = STREAMS,
        connections: int | None = None,
    ) -> None:
        self._handlers = handlers
        self._longest = longest
        self._streams = streams
        self._listening: list[asyncio.AbstractServer] = []
        self._connections = _Connections(connections)

    async def listen_unix(self, path: Path) -> None:
        """Serve at a Unix domain socket.

        Raises:
            OSError: It cannot be bound.
        """
        loop = asyncio.get_running_loop()
        self._listening.append(await loop.create_unix_server(self._connection, str(path), backlog=BACKLOG))

    async def listen_tcp(self, host: str, port: int, tls: ssl.SSLContext | None = None) -> None:
        """Serve at a TCP port; ``tls`` must offer the protocol ``h2``.

        Raises:
            OSError: It cannot be bound.
        """
        loop = asyncio.get_running_loop()
        self._listening.append(
            await loop.create_server(self._connection, host, port, ssl=tls, backlog=BACKLOG)
        )

    async def stop(self, seconds: float) -> None:
        """Take no more calls, wait for those under way, and end what is not done in time."""
        for listening in self._listening:
            listening.close()
        connections = self._connections
        connections.leave()
        if await connections.gone(seconds):
            return
        ending = [task for connection in connections.all for task in connection.end_calls()]
        if ending:
            await asyncio.wait(ending, timeout=CLOSE_SECONDS)
        for connection in connections.all:
            connection.close()
        if not await connections.gone(CLOSE_SECONDS):
            for connection in connections.all:
                connection.abort()

    def _connection(self) -> Connection:
        return Connection(self._serve, self._longest, self._streams, self._connections)

    async def _serve(self, call: Call) -> End:
        handler = self._handlers.get(call.path)
        if handler is None:
            return End(Status.UNIMPLEMENTED, "no such method")
        try:
            return await handler(call)
        except CallBroken as broken:
            return broken.end
        except Exception as exc:  # noqa: BLE001 - whatever it is, the call must not end cleanly
            log.warning("call_failed", **described(exc))
            return End(Status.INTERNAL, "internal_error")


class _Connections:
    """The living connections, at most so many; knows when there are none."""

    def __init__(self, most: int | None) -> None:
        self._most = most
        self._all: dict[Connection, None] = {}  # in the order in which they came
        self._leaving = False
        self._none = asyncio.Event()
        self._none.set()

    @property
    def all(self) -> tuple[Connection, ...]:
        return tuple(self._all)

    def add(self, connection: Connection) -> None:
        self._all[connection] = None
        self._none.clear()
        if self._most is not None and len(self._all) > self._most:
            oldest = next(iter(self._all))
            del self._all[oldest]
            oldest.abort()
        if self._leaving:  # it was under way when the others were told
            connection.leave()

    def remove(self, connection: Connection) -> None:
        self._all.pop(connection, None)
        if not self._all:
            self._none.set()

    def leave(self) -> None:
        """Have every connection leave, and those to come."""
        self._leaving = True
        for connection in self.all:
            connection.leave()

    async def gone(self, seconds: float) -> bool:
        """Wait until there is none; tell whether that was so in time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._none.wait()
        return not self._all


def unary(answer: Callable[[bytes], Coroutine[Any, Any, bytes | End]]) -> Handler:
    """Return the handler of a method that takes one message and answers with one, or with how it ends."""

    async def handler(call: Call) -> End:
        message = await call.read()
        if message is None:
            return End(Status.INVALID_ARGUMENT, "a message is needed")
        answered = await answer(message)
        if isinstance(answered, End):
            return answered
        await call.write(answered)
        return End()

    return handler
