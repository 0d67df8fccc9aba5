"""Joining chunks: the same body, the same ends, everything else in its place."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.extproc.joining import JOINED_BYTES, joined
from sidecar.model import Body, Direction, Event, Headers, ResponseHeaders, Trailers

ANSWER, REQUEST = Direction.RESPONSE, Direction.REQUEST
TRAILERS = Trailers(ANSWER, Headers())


def chunk(content: bytes, *, ends: bool = False) -> Body:
    return Body(ANSWER, content, ends)


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        pytest.param([], [], id="nothing"),
        pytest.param([chunk(b"a")], [chunk(b"a")], id="one chunk"),
        pytest.param([chunk(b"a"), chunk(b"b")], [chunk(b"ab")], id="neighbors"),
        pytest.param(
            [chunk(b"a"), chunk(b"", ends=True)], [chunk(b"a", ends=True)], id="the end is folded in"
        ),
        pytest.param(
            [chunk(b"a", ends=True), chunk(b"", ends=True)],
            [chunk(b"a", ends=True), chunk(b"", ends=True)],
            id="an end that is told twice stays two",
        ),
        pytest.param([chunk(b"a"), TRAILERS], [chunk(b"a"), TRAILERS], id="trailers come after the body"),
        pytest.param(
            [ResponseHeaders(Headers()), chunk(b"a"), chunk(b"b")],
            [ResponseHeaders(Headers()), chunk(b"ab")],
            id="headers come before",
        ),
        pytest.param(
            [Body(REQUEST, b"a"), Body(REQUEST, b"b")],
            [Body(REQUEST, b"a"), Body(REQUEST, b"b")],
            id="a request is not joined",
        ),
        pytest.param(
            [chunk(b"a" * JOINED_BYTES), chunk(b"b"), chunk(b"c")],
            [chunk(b"a" * JOINED_BYTES), chunk(b"bc")],
            id="no longer than the event loop should bear",
        ),
    ],
)
def test_chunks_of_an_answer_are_joined(events: list[Event], expected: list[Event]) -> None:
    assert list(joined(events)) == expected


@given(st.lists(st.binary(max_size=JOINED_BYTES // 2), max_size=9), st.booleans())
def test_joining_changes_no_byte_and_no_end(pieces: list[bytes], ends: bool) -> None:
    events: list[Event] = [chunk(piece) for piece in pieces]
    events += [chunk(b"", ends=True)] if ends else [TRAILERS]
    bodies = [event for event in joined(events) if isinstance(event, Body)]
    assert b"".join(body.chunk for body in bodies) == b"".join(pieces)
    assert [body.end_of_stream for body in bodies] == [False] * (len(bodies) - ends) + [True] * ends
    assert all(len(body.chunk) <= JOINED_BYTES for body in bodies)


def test_an_event_is_taken_only_when_all_before_it_have_been_given() -> None:
    taken: list[Event] = []

    def events() -> list[Event]:
        return [chunk(b"a"), TRAILERS, chunk(b"b")]

    giving = joined(taken.append(event) or event for event in events())  # type: ignore[func-returns-value]
    assert next(giving) == chunk(b"a")
    assert next(giving) == TRAILERS
    assert len(taken) == 2
