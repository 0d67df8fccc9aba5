"""The vendors' own clients read what we send on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import anthropic
import openai
import pytest

from sidecar.formats.anthropic_messages_stream import messages_stream_restorer
from sidecar.formats.format import ByteRestorer
from sidecar.formats.openai_chat_stream import chat_stream_restorer
from sidecar.formats.openai_responses import OPENAI_RESPONSES
from sidecar.model import Original
from sidecar.tokens.token_map import TokenMap

NASTY = 'Ada "the\tCountess"\\ \n Löve 😀 \u2028 <b>&amp;'
TEXT = "Dear {{PERSON_1}}, {{person_1}} and {{PERSON_2}} {{PER"
ARGUMENTS = '{"to": ["{{PERSON_1}}"], "{{PERSON_1}}": "{"}'
Json = Any


def tokens() -> TokenMap:
    made = TokenMap({"PERSON"})
    made.tokenize(Original(NASTY), "PERSON")
    return made


@contextmanager
def served(body: bytes) -> Iterator[str]:
    """A provider on loopback that answers every POST with this event stream."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(200)
            self.send_header("content-type", "text/event-stream")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def restored(restorer: ByteRestorer, stream: bytes) -> bytes:
    return b"".join(restorer.feed(stream[at : at + 7]) for at in range(0, len(stream), 7)) + restorer.flush()


def cut(text: str, size: int) -> list[str]:
    return [text[at : at + size] for at in range(0, len(text), size)]


def chunk(delta: Json, index: int, finish: str | None = None) -> bytes:
    choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": finish}
    head = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}
    return b"data: " + json.dumps(head).encode() + b"\n\n"


def chat_stream(size: int) -> bytes:
    frames = [chunk({"role": "assistant", "content": ""}, index) for index in (0, 1)]
    for piece in cut(TEXT, size):
        frames += [chunk({"content": piece}, 0), chunk({"content": piece}, 1)]
    for call in (0, 1):
        function = {"name": f"f{call}", "arguments": ""}
        frames.append(
            chunk({"tool_calls": [{"index": call, "id": "x", "type": "function", "function": function}]}, 0)
        )
    for piece in cut(ARGUMENTS, size):
        frames += [
            chunk({"tool_calls": [{"index": call, "function": {"arguments": piece}}]}, 0) for call in (0, 1)
        ]
    frames += [chunk({}, 0, "tool_calls"), chunk({}, 1, "stop")]
    return b"".join(frames) + b"data: [DONE]\n\n"


def message_stream(size: int) -> bytes:
    usage = {"input_tokens": 1, "output_tokens": 1}
    head = {"id": "m", "type": "message", "role": "assistant", "model": "m", "content": [], "usage": usage}
    events: list[Json] = [
        {"type": "message_start", "message": head | {"stop_reason": None, "stop_sequence": None}},
        {"type": "ping"},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    ]
    deltas = [{"type": "text_delta", "text": piece} for piece in cut(TEXT, size)]
    events += [{"type": "content_block_delta", "index": 0, "delta": delta} for delta in deltas]
    events.append({"type": "content_block_stop", "index": 0})
    block = {"type": "tool_use", "id": "t", "name": "f", "input": {}}
    events.append({"type": "content_block_start", "index": 1, "content_block": block})
    deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in cut(ARGUMENTS, size)]
    events += [{"type": "content_block_delta", "index": 1, "delta": delta} for delta in deltas]
    events.append({"type": "content_block_stop", "index": 1})
    ended = {"stop_reason": "tool_use", "stop_sequence": None}
    events += [{"type": "message_delta", "delta": ended, "usage": usage}, {"type": "message_stop"}]
    return b"".join(b"event: %s\ndata: %s\n\n" % (e["type"].encode(), json.dumps(e).encode()) for e in events)


EXPECTED_TEXT = f"Dear {NASTY}, {NASTY} and {{{{PERSON_2}}}} {{{{PER"
EXPECTED_ARGUMENTS = {"to": [NASTY], NASTY: "{"}


@pytest.mark.parametrize("size", [1, 2, 64])
def test_the_openai_sdk_reads_interleaved_choices_and_parallel_tool_calls(size: int) -> None:
    body = restored(chat_stream_restorer(tokens().restorer), chat_stream(size))
    with served(body) as url, openai.OpenAI(base_url=url, api_key="none", max_retries=0) as client:
        message = {"role": "user", "content": "hello"}
        with client.chat.completions.stream(model="m", messages=[message], n=2) as stream:
            events = list(stream)
            completion = stream.get_final_completion()
    first, second = (choice.message for choice in completion.choices)
    assert first.content == second.content == EXPECTED_TEXT
    assert [json.loads(call.function.arguments) for call in first.tool_calls or []] == [
        EXPECTED_ARGUMENTS
    ] * 2
    assert [choice.finish_reason for choice in completion.choices] == ["tool_calls", "stop"]
    assert any(event.type == "tool_calls.function.arguments.done" for event in events)


@pytest.mark.parametrize("size", [1, 2, 64])
def test_the_anthropic_sdk_reads_text_and_tool_input(size: int) -> None:
    body = restored(messages_stream_restorer(tokens().restorer), message_stream(size))
    with served(body) as url, anthropic.Anthropic(base_url=url, api_key="none", max_retries=0) as client:
        message = {"role": "user", "content": "hello"}
        with client.messages.stream(model="m", max_tokens=9, messages=[message]) as stream:
            final = stream.get_final_message()
    text, call = final.content
    assert text.type == "text"
    assert text.text == EXPECTED_TEXT
    assert call.type == "tool_use"
    assert call.input == EXPECTED_ARGUMENTS
    assert final.stop_reason == "tool_use"


def test_the_sdks_see_the_providers_error_after_all_text() -> None:
    error = {"error": {"message": "no {{PERSON_1}}", "type": "server_error"}}
    stream = chunk({"content": "{{PER"}, 0) + b"data: " + json.dumps(error).encode() + b"\n\n"
    body = restored(chat_stream_restorer(tokens().restorer), stream)
    with served(body) as url, openai.OpenAI(base_url=url, api_key="none", max_retries=0) as client:
        message = {"role": "user", "content": "hello"}
        chunks = client.chat.completions.create(model="m", messages=[message], stream=True)
        said = [next(chunks).choices[0].delta.content for _ in range(2)]
        with pytest.raises(openai.APIError, match="Countess"):
            next(chunks)
    assert said == ["", "{{PER"]


@pytest.mark.parametrize("kind", ["PERSON", "NOBODY"], ids=["restored", "untouched"])
def test_the_openai_sdk_reads_every_event_of_a_response(kind: str) -> None:
    corpus = Path(__file__).parent / "corpus" / "openai_responses" / "stream_everything.sse"
    live = TokenMap({kind})
    live.tokenize(Original(NASTY), kind)
    body = restored(OPENAI_RESPONSES.restore_stream(live.restorer), corpus.read_bytes())
    with (
        served(body) as url,
        openai.OpenAI(base_url=url, api_key="none", max_retries=0) as client,
        client.responses.stream(model="m", input="hello") as stream,
    ):
        events = list(stream)
        final = stream.get_final_response()
    snapshots = {event.content_index: event for event in events if event.type == "response.output_text.delta"}
    message, call = final.output[1], final.output[2]
    assert message.type == "message"
    assert [snapshots[n].snapshot for n in (0, 1)] == [
        part.text for part in message.content if part.type == "output_text"
    ]
    *_, arguments = (event for event in events if event.type == "response.function_call_arguments.delta")
    assert call.type == "function_call"
    assert arguments.snapshot == call.arguments
    assert (NASTY in json.loads(call.arguments)["to"]) == (kind == "PERSON")
