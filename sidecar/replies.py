"""The replies and header edits that an exchange puts together in more than one place."""

from __future__ import annotations

from dataclasses import replace

from sidecar.model import (
    Body,
    BodyMode,
    BodyReply,
    Direction,
    HeaderEdit,
    StreamedReply,
    Trailers,
    TrailersReply,
)
from sidecar.policy import STAMP

STREAMED_PIECE = 1024 * 1024


def stamped(edit: HeaderEdit) -> HeaderEdit:
    """Return the edit with the stamp; only for the reply that answers the last body byte."""
    return replace(edit, set=(*edit.set, STAMP))


def without(edit: HeaderEdit, *names: str) -> HeaderEdit:
    """Return the edit with more names to remove."""
    return replace(edit, remove=(*edit.remove, *names))


def dropped(event: Trailers) -> TrailersReply:
    """Return the reply that removes every trailer field."""
    return TrailersReply(event.direction, tuple(name for name, _ in event.headers.fields))


def unchanged(mode: BodyMode, event: Body) -> BodyReply | StreamedReply:
    """Return the reply that lets a chunk pass as it is."""
    if mode is BodyMode.FULL_DUPLEX_STREAMED:
        return StreamedReply(event.direction, event.chunk, event.end_of_stream)
    return BodyReply(event.direction, None)


def streamed(direction: Direction, body: bytes, *, end_of_stream: bool) -> list[StreamedReply]:
    """Return a body in pieces; an empty one still tells that the stream ends."""
    if len(body) <= STREAMED_PIECE:
        return [StreamedReply(direction, body, end_of_stream)] if body or end_of_stream else []
    starts = range(0, len(body), STREAMED_PIECE)
    return [
        StreamedReply(direction, body[start : start + STREAMED_PIECE], end_of_stream and start == starts[-1])
        for start in starts
    ]
