"""The law of the product: for random conversations and every cut of the answer, what comes back is what
was sent, and the provider saw no original. The provider's answers are the echo provider's, JSON and
streamed; detection is the real one without the model, whose findings change nothing about the law.
"""

from __future__ import annotations

import json
from functools import cache
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidecar.detection.pipeline import load_detection
from sidecar.exchange import Core, Exchange
from sidecar.gateway.echo_answers import Answer, Wishes
from sidecar.gateway.echo_chat import answer_chat
from sidecar.gateway.echo_messages import answer_messages
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

ORIGINALS = ("ada@example.org", "4111 1111 1111 1111", "192.0.2.7", "grace+x@mail.example.com", "2001:db8::7")
FRAGMENTS = st.one_of(
    st.sampled_from([f" {original} " for original in ORIGINALS]),
    st.sampled_from(
        [
            *(
                "{{EMAIL_1}}",
                "{{ email 1 }}",
                "{EMAIL_2}",
                "{{IP_ADDRESS_01}}",
                "{{PERSON_1}}",
                "{{",
                "}}",
                "{{EMA",
            ),
            *(
                '"',
                "\\",
                "\\n",
                "\n",
                "\t",
                "é",
                "\U0001f600",
                "</p>",
                "[1, 2",
                '{"a": "',
                "&#123;",
                "**",
                "\u2028",
            ),
        ]
    ),
    st.text(max_size=6),
)
TEXTS = st.lists(FRAGMENTS, min_size=1, max_size=8).map("".join)
SEND: dict[str, Any] = {
    "type": "object",
    "properties": {"to": {"type": "string"}, "body": {"type": "string"}},
}


@cache
def core() -> Core:
    return Core(load_detection(None, ner=False), HeaderPolicy(()), 1_000_000, 20.0)


def through(path: str, body: bytes, cuts: list[int]) -> tuple[bytes, bytes]:
    """Return what the provider saw and what the client got, with the answer cut at ``cuts``."""
    exchange = Exchange(core(), BodyModes(BodyMode.BUFFERED, BodyMode.NONE))
    exchange.receive(
        RequestHeaders(Headers(((":method", "POST"), (":path", path), ("content-type", "application/json"))))
    )
    (reply,) = exchange.receive(Body(Direction.REQUEST, body, end_of_stream=True))
    assert isinstance(reply, BodyReply)
    seen = body if reply.body is None else reply.body
    answer: Answer = (answer_messages if path == "/v1/messages" else answer_chat)(seen, Wishes(delta=3))
    payload = b"".join(answer.frames)
    (headers,) = exchange.receive(
        ResponseHeaders(Headers(((":status", str(answer.status)), ("content-type", answer.content_type))))
    )
    if not exchange.owes_answer:
        assert headers.response_mode is None  # type: ignore[union-attr]
        return seen, payload
    got = b""
    edges = sorted({0, len(payload), *(cut % (len(payload) + 1) for cut in cuts)})
    for start, end in pairwise(edges):
        event = Body(Direction.RESPONSE, payload[start:end], end_of_stream=end == len(payload))
        for piece in exchange.receive(event):
            assert isinstance(piece, StreamedReply)
            got += piece.chunk
    return seen, got


def events(stream: bytes) -> list[dict[str, Any]]:
    """Return the JSON of a stream's frames."""
    frames = [line[6:] for line in stream.decode().split("\n") if line.startswith("data: {")]
    return [json.loads(frame) for frame in frames]


def assert_clean(seen: bytes) -> None:
    document = json.dumps(json.loads(seen), ensure_ascii=False)
    for original in ORIGINALS:
        assert original not in document


def chat(text: str, *, tools: bool, stream: bool, escape: bool) -> bytes:
    tool = {"type": "function", "function": {"name": "send", "description": "Send", "parameters": SEND}}
    messages = [{"role": "system", "content": "Be kind"}, {"role": "user", "content": text}]
    document = {"model": "echo-tools" if tools else "echo", "messages": messages, "stream": stream, "n": 2}
    return json.dumps(document | ({"tools": [tool]} if tools else {}), ensure_ascii=escape).encode()


def messages(text: str, *, tools: bool, stream: bool, escape: bool) -> bytes:
    tool = {"name": "send", "description": "Send", "input_schema": SEND}
    document = {
        "model": "echo-tools" if tools else "echo",
        "max_tokens": 9,
        "messages": [{"role": "user", "content": [{"type": "text", "text": text}]}],
        "stream": stream,
    }
    return json.dumps(document | ({"tools": [tool]} if tools else {}), ensure_ascii=escape).encode()


def encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


CUTS = st.lists(st.integers(0, 100_000), max_size=40)


@settings(max_examples=150, deadline=None)
@given(TEXTS.filter(encodable), CUTS, st.booleans(), st.booleans())
def test_chat_completions_come_back_as_they_were_sent(
    text: str, cuts: list[int], stream: bool, escape: bool
) -> None:
    seen, got = through("/v1/chat/completions", chat(text, tools=False, stream=stream, escape=escape), cuts)
    assert_clean(seen)
    said: dict[int, str] = {}
    for document in events(got) if stream else [json.loads(got)]:
        for choice in document["choices"]:
            part = choice["delta" if stream else "message"]
            said[choice["index"]] = said.get(choice["index"], "") + (part.get("content") or "")
    assert said == {0: text, 1: text}


@settings(max_examples=150, deadline=None)
@given(TEXTS.filter(encodable), CUTS, st.booleans(), st.booleans())
def test_tool_arguments_come_back_as_json_with_what_was_sent(
    text: str, cuts: list[int], stream: bool, escape: bool
) -> None:
    seen, got = through("/v1/chat/completions", chat(text, tools=True, stream=stream, escape=escape), cuts)
    assert_clean(seen)
    arguments: dict[int, str] = {}
    for document in events(got) if stream else [json.loads(got)]:
        for choice in document["choices"]:
            for call in choice["delta" if stream else "message"].get("tool_calls") or []:
                piece = call["function"].get("arguments") or ""
                arguments[choice["index"]] = arguments.get(choice["index"], "") + piece
    assert {text} <= set(json.loads(arguments[0]).values())
    assert arguments[0] == arguments[1]


@settings(max_examples=150, deadline=None)
@given(TEXTS.filter(encodable), CUTS, st.booleans(), st.booleans())
def test_messages_come_back_as_they_were_sent(text: str, cuts: list[int], stream: bool, escape: bool) -> None:
    seen, got = through("/v1/messages", messages(text, tools=False, stream=stream, escape=escape), cuts)
    assert_clean(seen)
    if stream:
        deltas = [event["delta"] for event in events(got) if event["type"] == "content_block_delta"]
        assert "".join(delta["text"] for delta in deltas) == text
    else:
        assert json.loads(got)["content"][0]["text"] == text


@settings(max_examples=150, deadline=None)
@given(TEXTS.filter(encodable), CUTS, st.booleans(), st.booleans())
def test_tool_input_comes_back_as_json_with_what_was_sent(
    text: str, cuts: list[int], stream: bool, escape: bool
) -> None:
    seen, got = through("/v1/messages", messages(text, tools=True, stream=stream, escape=escape), cuts)
    assert_clean(seen)
    if stream:
        deltas = [event["delta"] for event in events(got) if event["type"] == "content_block_delta"]
        source = "".join(delta["partial_json"] for delta in deltas if "partial_json" in delta)
        assert text in json.loads(source).values()
    else:
        calls = [block["input"] for block in json.loads(got)["content"] if block["type"] == "tool_use"]
        assert text in calls[0].values()


@pytest.mark.parametrize("stream", [True, False])
def test_every_single_cut_of_an_answer_gives_the_same(stream: bool) -> None:
    body = chat(
        f'{{{{EMAIL_1}}}} "{ORIGINALS[0]}" \\ {ORIGINALS[2]}', tools=False, stream=stream, escape=True
    )
    _, whole = through("/v1/chat/completions", body, [])
    for cut in range(len(whole)):
        _, got = through("/v1/chat/completions", body, [cut])
        assert strip_clock(got) == strip_clock(whole)


def strip_clock(answer: bytes) -> list[Any]:
    documents = events(answer) or [json.loads(answer)]
    return [document | {"created": 0} for document in documents]
