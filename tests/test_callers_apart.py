"""What detection remembers of one caller's texts is of no use to another, unless that is wanted."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache

import pytest

from sidecar.conversation import caller_of
from sidecar.detection.cache import SpanCache
from sidecar.detection.pipeline import Detection, load_detection
from sidecar.exchange import Core, Exchange
from sidecar.model import Body, BodyMode, BodyModes, BodyReply, Direction, Headers, RequestHeaders
from sidecar.policy import HeaderPolicy

PATH = "/v1/chat/completions"
BODY = json.dumps({"model": "m", "messages": [{"role": "user", "content": "I am ada@example.org"}]}).encode()
ADA, BOB = {"authorization": "Bearer ada"}, {"authorization": "Bearer bob"}


@cache
def plain() -> Detection:
    return load_detection(None, ner=False)


def core(memory: SpanCache | None) -> Core:
    return Core(Detection(plain()._parts, memory), HeaderPolicy(()), 100_000, 5.0)


def send(to: Core, credential: dict[str, str], path: str = PATH) -> bytes:
    """Send the request; return what the provider sees."""
    exchange = Exchange(to, BodyModes(BodyMode.BUFFERED, BodyMode.NONE))
    fields = ((":method", "POST"), (":path", path), ("content-type", "application/json"))
    exchange.receive(RequestHeaders(Headers((*fields, *credential.items()))))
    (reply,) = exchange.receive(Body(Direction.REQUEST, BODY, end_of_stream=True))
    assert isinstance(reply, BodyReply), reply
    assert reply.body is not None
    return reply.body


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        pytest.param(ADA, ADA, True, id="same-credential"),
        pytest.param(ADA, BOB, False, id="another-credential"),
        pytest.param(ADA, {}, False, id="none-is-nobody's-credential"),
        pytest.param({}, {}, True, id="all-without-one-are-one-caller"),
        pytest.param({}, {"authorization": "Bearer "}, True, id="a-scheme-alone-is-no-credential"),
        pytest.param({"x-api-key": "k"}, {"x-goog-api-key": "k"}, False, id="same-text-in-another-header"),
        pytest.param({"x-target-api-key": "ada"}, {"x-target-api-key": "bob"}, False, id="target-credential"),
        pytest.param(ADA, {**ADA, "x-api-key": "k"}, False, id="one-more-credential"),
        pytest.param(ADA, {**ADA, "user-agent": "other"}, True, id="other-headers-do-not-count"),
    ],
)
def test_a_caller_hits_just_what_its_own_credential_sent(
    first: dict[str, str], second: dict[str, str], *, same: bool
) -> None:
    memory = SpanCache(1 << 20)
    remembering = core(memory)
    seen = send(remembering, first)
    assert send(remembering, second) == seen == send(core(None), first)
    assert (memory.stats.hits > 0) is same
    assert memory.stats.hits in {0, memory.stats.misses}


def test_with_the_scope_of_the_process_all_callers_are_one() -> None:
    memory = SpanCache(1 << 20)
    shared = replace(core(memory), callers_apart=False)
    assert send(shared, ADA) == send(shared, BOB)
    assert memory.stats.hits == memory.stats.misses > 0


def test_a_credential_in_the_query_tells_callers_apart() -> None:
    ada, bob, none = (
        caller_of(Headers(((":path", f"/gemini/v1beta/models/m:generateContent{query}"),)))
        for query in ("?key=ada", "?alt=sse&key=bob", "?alt=sse")
    )
    assert len({ada, bob, none}) == 3
    assert none == caller_of(Headers())
