"""The law of the product over the native APIs of Gemini and Ollama, in each form in which they answer."""

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
from sidecar.gateway.echo_answers import Wishes
from sidecar.gateway.echo_gemini import answer_gemini
from sidecar.gateway.echo_ollama import answer_ollama
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

ORIGINALS = ("ada@example.org", "192.0.2.7", "grace+x@mail.example.com", "2001:db8::7")
TEXTS = (
    st.lists(
        st.one_of(
            st.sampled_from([f" {original} " for original in ORIGINALS]),
            st.sampled_from(["{{EMAIL_1}}", "{{ email 1 }}", "{IP_ADDRESS_2}", "{{", "}}", "{{EMA"]),
            st.sampled_from(
                ['"', "\\", "\\n", "\n", "é", "\U0001f600", "[1, 2", '{"a": "', "&#123;", "\u2028"]
            ),
            st.text(st.characters(exclude_categories=["Cs"]), max_size=6),
        ),
        min_size=1,
        max_size=8,
    )
    .map("".join)
    .filter(lambda text: not text.lstrip().startswith('{"'))  # such a text becomes the arguments themselves
)
CUTS = st.lists(st.integers(0, 10_000), max_size=6)
PROPERTIES = {"type": "object", "properties": {"to": {"type": "string"}, "body": {"type": "string"}}}
GEMINI = "/gemini/v1beta/models/{model}:{method}"
forms = pytest.mark.parametrize(
    "path",
    [
        pytest.param(GEMINI.format(model="{model}", method="generateContent"), id="gemini"),
        pytest.param(
            GEMINI.format(model="{model}", method="streamGenerateContent?alt=sse"), id="gemini-events"
        ),
        pytest.param(GEMINI.format(model="{model}", method="streamGenerateContent"), id="gemini-array"),
        pytest.param("/local/api/chat", id="ollama"),
        pytest.param("/local/api/chat?stream", id="ollama-lines"),
    ],
)


@cache
def core() -> Core:
    return Core(load_detection(None, ner=False), HeaderPolicy(()), 1_000_000, 20.0)


def through(path: str, body: bytes, cuts: list[int]) -> tuple[bytes, bytes]:
    """Return what the provider saw and what the client got, with the answer cut at ``cuts``."""
    exchange = Exchange(core(), BodyModes(BodyMode.BUFFERED, BodyMode.NONE))
    fields = ((":method", "POST"), (":path", path), ("content-type", "application/json"))
    exchange.receive(RequestHeaders(Headers(fields)))
    (reply,) = exchange.receive(Body(Direction.REQUEST, body, end_of_stream=True))
    assert isinstance(reply, BodyReply)
    seen = body if reply.body is None else reply.body
    answered = answer_gemini if path.startswith("/gemini/") else answer_ollama
    answer = answered(path.partition("?")[0] if "?stream" in path else path, seen, Wishes(delta=3))
    assert answer.status == 200
    payload = b"".join(answer.frames)
    exchange.receive(ResponseHeaders(Headers(((":status", "200"), ("content-type", answer.content_type)))))
    if not exchange.owes_answer:
        return seen, payload
    got = b""
    for start, end in pairwise(sorted({0, len(payload), *(cut % (len(payload) + 1) for cut in cuts)})):
        event = Body(Direction.RESPONSE, payload[start:end], end_of_stream=end == len(payload))
        for piece in exchange.receive(event):
            assert isinstance(piece, StreamedReply)
            got += piece.chunk
    return seen, got


def request(path: str, model: str, text: str) -> bytes:
    if path.startswith("/gemini/"):
        declared = {"name": "send", "description": "Send", "parameters": PROPERTIES}
        body: dict[str, Any] = {
            "contents": [{"role": "user", "parts": [{"text": text}]}],
            "tools": [{"functionDeclarations": [declared]}],
        }
    else:
        function = {"name": "send", "description": "Send", "parameters": PROPERTIES}
        tools = [{"type": "function", "function": function}]
        messages = [{"role": "user", "content": text}]
        body = {"model": model, "messages": messages, "tools": tools, "stream": "?stream" in path}
    return json.dumps(body).encode()


def parts(path: str, answer: bytes) -> list[dict[str, Any]]:
    """Return the parts of all answers, or the messages of all lines."""
    if "/api/" in path:
        return [json.loads(line)["message"] for line in answer.split(b"\n") if line.strip()]
    if "alt=sse" in path:
        answers = [json.loads(line[6:]) for line in answer.split(b"\r\n") if line.startswith(b"data: ")]
    else:
        answers = json.loads(answer)
    answers = answers if isinstance(answers, list) else [answers]
    return [part for each in answers for part in each["candidates"][0]["content"]["parts"]]


def assert_clean(seen: bytes) -> None:
    document = json.dumps(json.loads(seen), ensure_ascii=False)
    for original in ORIGINALS:
        assert original not in document


@forms
@given(text=TEXTS, cuts=CUTS)
@settings(max_examples=40, deadline=None)
def test_text_and_thoughts_come_back_as_sent(path: str, text: str, cuts: list[int]) -> None:
    model = "echo-thinking"
    path = path.replace("{model}", model)
    seen, got = through(path, request(path, model, text), cuts)
    assert_clean(seen)
    said = parts(path, got)
    thoughts = [part.get("thinking", part.get("text") if part.get("thought") else "") for part in said]
    answers = [part.get("content", "" if part.get("thought") else part.get("text")) for part in said]
    assert "".join(thought or "" for thought in thoughts) == f"The user wrote: {text}"
    assert "".join(answer or "" for answer in answers) == text


@forms
@given(text=TEXTS, cuts=CUTS)
@settings(max_examples=40, deadline=None)
def test_arguments_of_calls_come_back_as_sent(path: str, text: str, cuts: list[int]) -> None:
    model = "echo-tools"
    path = path.replace("{model}", model)
    seen, got = through(path, request(path, model, text), cuts)
    assert_clean(seen)
    calls = [part["functionCall"]["args"] for part in parts(path, got) if "functionCall" in part]
    calls += [
        call["function"]["arguments"] for part in parts(path, got) for call in part.get("tool_calls") or []
    ]
    assert calls == [{"to": text, "body": text}]
