"""Tokens over turns and between callers: what was tokenized stays as it was, and nobody gets another's."""

from __future__ import annotations

import json
from functools import cache

from hypothesis import given, settings
from hypothesis import strategies as st

from sidecar.detection.pipeline import load_detection
from sidecar.exchange import Core, Exchange
from sidecar.model import (
    Body,
    BodyMode,
    BodyModes,
    BodyReply,
    Direction,
    Headers,
    RequestHeaders,
    ResponseHeaders,
    StreamedReply,
)
from sidecar.policy import HeaderPolicy

WORDS = (
    "hello",
    "please mail",
    "from 192.0.2.7",
    "or 192.0.2.8",
    "to ada@example.org",
    "cc grace@example.com",
    "ok",
)
TURNS = st.lists(
    st.lists(st.sampled_from(WORDS), min_size=1, max_size=4).map(" ".join), min_size=2, max_size=8
)


@cache
def core() -> Core:
    return Core(load_detection(None, ner=False), HeaderPolicy(()), 1_000_000, 20.0)


def sent(document: dict[str, object]) -> tuple[Exchange, bytes]:
    """Return an exchange whose request is answered, and what the provider saw."""
    exchange = Exchange(core(), BodyModes(BodyMode.BUFFERED, BodyMode.NONE))
    headers = ((":method", "POST"), (":path", "/v1/chat/completions"), ("content-type", "application/json"))
    exchange.receive(RequestHeaders(Headers(headers)))
    body = json.dumps(document).encode()
    (reply,) = exchange.receive(Body(Direction.REQUEST, body, end_of_stream=True))
    assert isinstance(reply, BodyReply)
    return exchange, body if reply.body is None else reply.body


def restored(exchange: Exchange, answer: bytes) -> bytes:
    exchange.receive(ResponseHeaders(Headers(((":status", "200"), ("content-type", "application/json")))))
    if not exchange.owes_answer:
        return answer
    replies = exchange.receive(Body(Direction.RESPONSE, answer, end_of_stream=True))
    return b"".join(reply.chunk for reply in replies if isinstance(reply, StreamedReply))


def messages(turns: list[str]) -> list[dict[str, str]]:
    roles = ("user", "assistant")
    return [{"role": roles[index % 2], "content": turn} for index, turn in enumerate(turns)]


@settings(max_examples=60, deadline=None)
@given(TURNS, st.sampled_from(["", "for ops@example.net", "you are 198.51.100.4"]))
def test_the_next_turn_tokenizes_the_history_to_the_same_bytes(turns: list[str], system: str) -> None:
    head = [{"role": "system", "content": system}]
    _, earlier = sent({"model": "m", "messages": [*head, *messages(turns[:-1])], "user": "me@example.org"})
    _, later = sent({"model": "m", "messages": [*head, *messages(turns)], "user": "me@example.org"})
    before, after = (json.loads(body)["messages"] for body in (earlier, later))
    assert after[: len(before)] == before


def test_numbers_follow_the_prompt_wherever_the_keys_stand() -> None:
    document = {
        "user": "last@example.org",
        "messages": [{"role": "user", "content": "second@example.org"}],
        "tools": [{"type": "function", "function": {"name": "f", "description": "first@example.org"}}],
    }
    _, body = sent(document)
    seen = json.loads(body)
    assert seen["tools"][0]["function"]["description"] == "{{EMAIL_1}}"
    assert seen["messages"][0]["content"] == "{{EMAIL_2}}"
    assert seen["user"] == "{{EMAIL_3}}"


def test_two_callers_with_the_same_token_never_get_each_others_original() -> None:
    mails = [f"caller{number}@example.org" for number in range(20)]
    exchanges = [sent({"messages": [{"role": "user", "content": mail}]})[0] for mail in mails]
    answer = b'{"a": "{{EMAIL_1}} {{EMAIL_2}} {{PHONE_1}}"}'
    for mail, exchange in zip(mails, exchanges, strict=True):
        assert restored(exchange, answer) == answer.replace(b"{{EMAIL_1}}", mail.encode())


def test_a_caller_who_sent_nothing_gets_nothing_for_a_replayed_token() -> None:
    exchange, _ = sent({"messages": [{"role": "user", "content": "say {{EMAIL_1}}"}]})
    assert restored(exchange, b'{"a": "{{EMAIL_1}}"}') == b'{"a": "{{EMAIL_1}}"}'
