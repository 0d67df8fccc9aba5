"""Joins chunks of an answer that arrived together, so that one reply can cover them all.

Joining changes neither the bytes of a body nor where it ends, and keeps every other event in its place.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sidecar.model import Body, Direction, Event

JOINED_BYTES = 16 * 1024
"""The longest chunk that is made of others: short enough for the event loop."""


def joined(events: Iterable[Event]) -> Iterator[Event]:
    """Yield the events, neighboring chunks of the answer as one; each event is taken when it is needed."""
    chunks: list[bytes] = []
    size = 0
    for event in events:
        chunk = event.chunk if isinstance(event, Body) and event.direction is Direction.RESPONSE else None
        if chunks and (chunk is None or size + len(chunk) > JOINED_BYTES):
            yield Body(Direction.RESPONSE, b"".join(chunks))
            chunks, size = [], 0
        if chunk is None:
            yield event
            continue
        chunks.append(chunk)
        size += len(chunk)
        if isinstance(event, Body) and event.end_of_stream:
            yield Body(Direction.RESPONSE, b"".join(chunks), end_of_stream=True)
            chunks, size = [], 0
    if chunks:
        yield Body(Direction.RESPONSE, b"".join(chunks))
