"""Where sealed token maps are kept between exchanges: in this process's memory, or in Valkey or Redis.

What it is given is encrypted already, under keys that say nothing. A store that does not answer in time
counts as unreachable; none of its errors is told with their text, which may quote what was kept.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol, TypeVar

from sidecar.errors import ConfigError
from sidecar.model import Keep

T = TypeVar("T")

ANSWER_SECONDS = 3.0
SWEEP_SECONDS = 60.0
MEMORY_BYTES = 64 * 1024 * 1024
PREFIX = b"pii-sidecar:"


class StoreUnavailable(Exception):
    """The store cannot be asked now."""


class ConversationStore(Protocol):
    """Keeps bytes under keys for some time."""

    async def get(self, keys: Sequence[bytes]) -> tuple[bytes | None, ...]:
        """Return what is kept under each key; None: nothing, or no longer.

        Raises:
            StoreUnavailable: The store does not answer.
        """

    async def put(self, keeps: Sequence[Keep]) -> None:
        """Keep all of these; each replaces what its key had.

        Raises:
            StoreUnavailable: The store does not answer.
        """

    async def close(self) -> None:
        """Give back what it holds; it is not used again."""


def open_store(where: str) -> ConversationStore | None:
    """Return the store that the setting ``conversation_store`` names; connecting comes later.

    Raises:
        ConfigError: The URL cannot be read.
    """
    if where == "off":
        return None
    return MemoryStore() if where == "memory" else RedisStore(where)


class MemoryStore:
    """Keeps what was used last, up to ``limit`` bytes, and nothing beyond its time."""

    def __init__(self, limit: int = MEMORY_BYTES, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit = limit
        self._clock = clock
        self._kept: OrderedDict[bytes, tuple[float, bytes]] = OrderedDict()
        self._size = 0
        self._next_sweep = clock() + SWEEP_SECONDS

    async def get(self, keys: Sequence[bytes]) -> tuple[bytes | None, ...]:
        """Return what is kept under each key."""
        return tuple(map(self._get, keys))

    async def put(self, keeps: Sequence[Keep]) -> None:
        """Keep all of these; what was not used for longest goes first."""
        for keep in keeps:
            self._drop(keep.key)
            self._kept[keep.key] = (self._clock() + keep.seconds, keep.sealed)
            self._size += len(keep.key) + len(keep.sealed)
        if self._clock() >= self._next_sweep:
            self._sweep()
        while self._size > self._limit:
            self._drop(next(iter(self._kept)))

    async def close(self) -> None:
        """Forget everything."""
        self._kept.clear()
        self._size = 0

    def _get(self, key: bytes) -> bytes | None:
        end, sealed = self._kept.get(key, (0.0, b""))
        if key in self._kept and end <= self._clock():
            self._drop(key)
        if key not in self._kept:
            return None
        self._kept.move_to_end(key)
        return sealed

    def _sweep(self) -> None:
        now = self._clock()
        self._next_sweep = now + SWEEP_SECONDS
        for key in [key for key, (end, _) in self._kept.items() if end <= now]:
            self._drop(key)

    def _drop(self, key: bytes) -> None:
        if key in self._kept:
            _, sealed = self._kept.pop(key)
            self._size -= len(key) + len(sealed)


class RedisStore:
    """Keeps everything in a Valkey or Redis server, which all workers and machines may share.

    Raises:
        ConfigError: The URL cannot be read.
    """

    def __init__(self, url: str) -> None:
        import redis.asyncio as redis_client  # noqa: PLC0415 - an extra that few installations have
        from redis.asyncio.retry import Retry  # noqa: PLC0415 - same
        from redis.backoff import NoBackoff  # noqa: PLC0415 - same
        from redis.exceptions import RedisError  # noqa: PLC0415 - same

        self._errors: tuple[type[Exception], ...] = (RedisError, OSError, TimeoutError)
        try:
            self._client: Any = redis_client.Redis.from_url(
                url.replace("valkey", "redis", 1) if url.startswith("valkey") else url,
                socket_timeout=ANSWER_SECONDS,
                socket_connect_timeout=ANSWER_SECONDS,
                retry=Retry(NoBackoff(), 1),  # once, for a connection that went stale
            )
        except (ValueError, RedisError):
            raise ConfigError("conversation_store: the URL cannot be read") from None

    async def get(self, keys: Sequence[bytes]) -> tuple[bytes | None, ...]:
        """Return what is kept under each key."""
        return tuple(await self._answer(self._client.mget([PREFIX + key for key in keys])))

    async def put(self, keeps: Sequence[Keep]) -> None:
        """Keep all of these."""
        pipeline = self._client.pipeline(transaction=False)
        for keep in keeps:
            pipeline.set(PREFIX + keep.key, keep.sealed, ex=keep.seconds)
        await self._answer(pipeline.execute())

    async def close(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    async def _answer(self, asked: Awaitable[T]) -> T:
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                return await asked
        except self._errors as exc:
            raise StoreUnavailable from exc
