"""Twenty turns with tool calls and thinking: what the provider has read once it reads again, byte for byte.

Provider prompt caches keep hitting only if the tokenized history of one turn is a prefix of the next.
The client keeps the history as it got it, restored; the provider is the echo provider's answers.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from functools import cache
from itertools import pairwise
from os.path import commonprefix
from typing import Any

import pytest

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

pytestmark = pytest.mark.model

Document = dict[str, Any]
PEOPLE = ("Emma Wilson", "Liam Johnson", "Olivia Brown", "Noah Miller", "Sophia Davis", "James Taylor")
TURNS = 20
PARAMETERS = {"type": "object", "properties": {"to": {"type": "string"}, "note": {"type": "string"}}}


@cache
def core() -> Core:
    return Core(load_detection(None), HeaderPolicy(()), 10_000_000, 20.0)


def turn(path: str, document: Document, answer: Callable[[bytes, Wishes], Answer]) -> tuple[bytes, Document]:
    """Send one turn; return what the provider saw, and the answer as the client got it."""
    exchange = Exchange(core(), BodyModes(BodyMode.BUFFERED, BodyMode.NONE))
    headers = ((":method", "POST"), (":path", path), ("content-type", "application/json"))
    exchange.receive(RequestHeaders(Headers(headers)))
    body = json.dumps(document).encode()
    (reply,) = exchange.receive(Body(Direction.REQUEST, body, end_of_stream=True))
    assert isinstance(reply, BodyReply), reply
    seen = body if reply.body is None else reply.body
    said = b"".join(answer(seen, Wishes()).frames)
    exchange.receive(ResponseHeaders(Headers(((":status", "200"), ("content-type", "application/json")))))
    if exchange.owes_answer:
        pieces = exchange.receive(Body(Direction.RESPONSE, said, end_of_stream=True))
        said = b"".join(piece.chunk for piece in pieces if isinstance(piece, StreamedReply))
    return seen, json.loads(said)


def user_text(number: int) -> str:
    person = PEOPLE[number % len(PEOPLE)]
    mail = f"{person.split()[0].lower()}{number // 3}@example.org"
    return f"Please write to {person} at {mail} about item {number}, and call 202-555-01{number:02d}."


def chat_model(number: int) -> str:
    return "echo-tools" if number % 3 == 1 else "echo"


def chat_turn(messages: list[Document], number: int) -> bytes:
    messages.append({"role": "user", "content": user_text(number)})
    tool = {"type": "function", "function": {"name": "send", "parameters": PARAMETERS}}
    document = {"model": chat_model(number), "tools": [tool], "messages": messages}
    seen, got = turn("/v1/chat/completions", document, answer_chat)
    message = got["choices"][0]["message"]
    messages.append(message)
    for call in message.get("tool_calls") or []:
        note = json.dumps({"sent": json.loads(call["function"]["arguments"])})
        messages.append({"role": "tool", "tool_call_id": call["id"], "content": note})
    return seen


def messages_turn(messages: list[Document], number: int) -> bytes:
    results = [
        {"type": "tool_result", "tool_use_id": block["id"], "content": json.dumps(block["input"])}
        for block in (messages[-1]["content"] if messages else [])
        if block["type"] == "tool_use"
    ]
    messages.append({"role": "user", "content": [*results, {"type": "text", "text": user_text(number)}]})
    document = {
        "model": f"{chat_model(number)}-thinking",
        "max_tokens": 4000,
        "tools": [{"name": "send", "input_schema": PARAMETERS}],
        "messages": messages,
    }
    seen, got = turn("/v1/messages", document, answer_messages)
    messages.append({"role": "assistant", "content": got["content"]})
    return seen


@pytest.mark.parametrize("take_turn", [chat_turn, messages_turn])
def test_each_turn_begins_with_the_bytes_of_the_turn_before(
    take_turn: Callable[[list[Document], int], bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    messages: list[Document] = []
    prompts: list[bytes] = []
    for number in range(TURNS):
        seen = json.loads(take_turn(messages, number))
        prompts.append(json.dumps([seen["tools"], seen["messages"]])[:-2].encode())
    same = [len(commonprefix(pair)) for pair in pairwise(prompts)]  # noqa: RUF071 - byte by byte is meant
    share = sum(same) / sum(map(len, prompts[:-1]))
    with capsys.disabled():
        sys.stdout.write(f"\n{take_turn.__name__}: {share:.2%} of the prefix kept over {TURNS} turns\n")
    assert share == 1.0
    text = prompts[-1].decode()
    assert not [person for person in PEOPLE if person in text]
    assert "@example.org" not in text


def test_signed_thinking_survives_a_tool_loop_of_three_turns() -> None:
    messages: list[Document] = []
    for number in range(3):
        messages_turn(messages, number * 3 + 1)
    thoughts = [
        block for message in messages[1::2] for block in message["content"] if block["type"] == "thinking"
    ]
    assert len(thoughts) == 3
    # The echo provider refuses thinking that is not exactly what it signed, as the real one does.
    assert all("{{PERSON_" in block["thinking"] for block in thoughts)
