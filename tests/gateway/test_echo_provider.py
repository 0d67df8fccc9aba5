"""The vendors' SDKs judge the shapes of the echo provider's answers; raw sockets judge its nerves."""

import http.client
import json
import socket
import ssl
import subprocess
import sys
import zlib
from collections.abc import Iterator
from typing import Any

import anthropic
import openai
import pytest
import trustme

from sidecar.gateway.echo_answers import Wishes
from sidecar.gateway.echo_provider import EchoProvider

TEXT = 'Ask Zoë at {{EMAIL_1}}: "5 < 6", C:\\temp\nand 🦉 {{PERSON_2}}.'
OPENAI_TOOL: Any = {
    "type": "function",
    "function": {
        "name": "send_mail",
        "description": "Send a mail",
        "parameters": {
            "type": "object",
            "properties": {
                "to": {"type": "string"},
                "body": {"type": "string"},
                "copies": {"type": "integer"},
            },
        },
    },
}
ANTHROPIC_TOOL: Any = {
    "name": "send_mail",
    "description": "Send a mail",
    "input_schema": {"type": "object", "properties": {"to": {"type": "string"}}},
}


@pytest.fixture(scope="module")
def provider() -> Iterator[EchoProvider]:
    with EchoProvider() as started:
        yield started
    assert started.faults == 0


@pytest.fixture
def chat(provider: EchoProvider) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=provider.url + "/v1", api_key="none", max_retries=0) as client:
        yield client


@pytest.fixture
def messages(provider: EchoProvider) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=provider.url, api_key="none", max_retries=0) as client:
        yield client


def user(text: str) -> list[Any]:
    return [{"role": "system", "content": "Be brief."}, {"role": "user", "content": text}]


def asked(text: str) -> list[Any]:
    return [{"role": "user", "content": text}]


# --- chat completions ----------------------------------------------------------------------------


def test_a_chat_answer_is_the_last_user_message(chat: openai.OpenAI) -> None:
    answer = chat.chat.completions.create(model="any", messages=user(TEXT))
    assert answer.choices[0].message.content == TEXT
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage is not None
    assert answer.usage.total_tokens > 0


@pytest.mark.parametrize("size", [1, 2, 64])
def test_a_streamed_chat_has_deltas_of_the_size_asked_for(chat: openai.OpenAI, size: int) -> None:
    stream = chat.chat.completions.create(model=f"echo-delta-{size}", messages=user(TEXT), stream=True)
    deltas = [chunk.choices[0].delta.content for chunk in stream if chunk.choices[0].delta.content]
    assert "".join(deltas) == TEXT
    assert {len(delta) for delta in deltas[:-1]} <= {size}


def test_streamed_choices_take_turns(chat: openai.OpenAI) -> None:
    stream = chat.chat.completions.create(model="echo-delta-3", messages=user(TEXT), n=3, stream=True)
    chunks = [chunk.choices[0] for chunk in stream]
    assert [choice.index for choice in chunks[:6]] == [0, 1, 2, 0, 1, 2]
    for index in range(3):
        mine = [choice for choice in chunks if choice.index == index]
        assert mine[0].delta.role == "assistant"
        assert "".join(choice.delta.content or "" for choice in mine) == TEXT
        assert mine[-1].finish_reason == "stop"


def test_usage_is_streamed_only_when_asked_for(chat: openai.OpenAI) -> None:
    options: Any = {"include_usage": True}
    stream = chat.chat.completions.create(
        model="any", messages=user(TEXT), stream=True, stream_options=options
    )
    *most, last = list(stream)
    assert last.choices == []
    assert last.usage is not None
    assert all(chunk.usage is None for chunk in most)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(TEXT, {"to": TEXT, "body": TEXT}, id="text fills every string property"),
        pytest.param('{"to": "{{EMAIL_1}}", "n": 7}', {"to": "{{EMAIL_1}}", "n": 7}, id="an object is taken"),
    ],
)
def test_chat_tool_arguments_are_built_from_what_was_seen(
    chat: openai.OpenAI, text: str, expected: object
) -> None:
    whole = chat.chat.completions.create(model="echo-tools", messages=user(text), tools=[OPENAI_TOOL] * 2)
    calls = whole.choices[0].message.tool_calls or []
    assert [json.loads(call.function.arguments) for call in calls if call.type == "function"] == [
        expected
    ] * 2
    assert whole.choices[0].finish_reason == "tool_calls"


def test_the_stream_helper_accepts_streamed_tool_arguments(chat: openai.OpenAI) -> None:
    with chat.chat.completions.stream(
        model="echo-tools-delta-1", messages=user(TEXT), tools=[OPENAI_TOOL]
    ) as stream:
        final = stream.get_final_completion()
    calls = final.choices[0].message.tool_calls or []
    assert [call.function.name for call in calls] == ["send_mail"]
    assert json.loads(calls[0].function.arguments) == {"to": TEXT, "body": TEXT}


def test_a_forced_tool_is_called_by_any_model(chat: openai.OpenAI) -> None:
    answer = chat.chat.completions.create(
        model="any", messages=user(TEXT), tools=[OPENAI_TOOL], tool_choice="required"
    )
    assert answer.choices[0].finish_reason == "tool_calls"


def test_chat_errors_quote_the_prompt(chat: openai.OpenAI) -> None:
    with pytest.raises(openai.RateLimitError) as caught:
        chat.chat.completions.create(model="echo-error-429", messages=user(TEXT))
    assert TEXT in caught.value.message


def test_a_chat_stream_can_end_in_an_error_frame(chat: openai.OpenAI) -> None:
    stream = chat.chat.completions.create(model="echo-breaks-2", messages=user(TEXT), stream=True)
    with pytest.raises(openai.APIError):
        list(stream)


def test_the_echo_can_cover_the_whole_prompt(chat: openai.OpenAI) -> None:
    answer = chat.chat.completions.create(model="echo-all", messages=user(TEXT))
    assert answer.choices[0].message.content == f"Be brief.\n{TEXT}"


# --- messages ------------------------------------------------------------------------------------


def test_a_message_is_the_last_user_message(messages: anthropic.Anthropic) -> None:
    parts: Any = [{"role": "user", "content": [{"type": "text", "text": TEXT}]}]
    answer = messages.messages.create(model="any", max_tokens=9, messages=parts)
    assert answer.content[0].type == "text"
    assert answer.content[0].text == TEXT
    assert answer.stop_reason == "end_turn"


@pytest.mark.parametrize("size", [1, 2, 64])
def test_a_streamed_message_has_deltas_of_the_size_asked_for(
    messages: anthropic.Anthropic, size: int
) -> None:
    with messages.messages.stream(model=f"echo-delta-{size}", max_tokens=9, messages=asked(TEXT)) as stream:
        deltas = list(stream.text_stream)
        assert stream.get_final_message().stop_reason == "end_turn"
    assert "".join(deltas) == TEXT
    assert {len(delta) for delta in deltas[:-1]} <= {size}


def test_message_events_come_in_the_documented_order(provider: EchoProvider) -> None:
    body = {"model": "echo-delta-64", "messages": asked("hello"), "stream": True}
    _, answer = post(provider, "/v1/messages", json.dumps(body).encode())
    events = [line[7:] for line in answer.decode().splitlines() if line.startswith("event: ")]
    assert events == [
        "message_start",
        "content_block_start",
        "ping",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]


@pytest.mark.parametrize("streamed", [False, True], ids=["json", "stream"])
def test_tool_input_is_built_from_what_was_seen(messages: anthropic.Anthropic, streamed: bool) -> None:
    tools = [ANTHROPIC_TOOL, ANTHROPIC_TOOL]
    if streamed:
        with messages.messages.stream(
            model="echo-tools-delta-1", max_tokens=9, messages=asked(TEXT), tools=tools
        ) as stream:
            answer: anthropic.types.Message = stream.get_final_message()
    else:
        answer = messages.messages.create(model="echo-tools", max_tokens=9, messages=asked(TEXT), tools=tools)
    uses = [block for block in answer.content if block.type == "tool_use"]
    assert [use.input for use in uses] == [{"to": TEXT}] * 2
    assert answer.stop_reason == "tool_use"


def test_thinking_is_signed_and_refused_when_edited(messages: anthropic.Anthropic) -> None:
    with messages.messages.stream(
        model="echo-thinking-delta-2", max_tokens=9, messages=asked(TEXT)
    ) as stream:
        thought = stream.get_final_message().content[0]
    assert thought.type == "thinking"
    block: Any = {"type": "thinking", "thinking": thought.thinking, "signature": thought.signature}
    turns: Any = [*asked(TEXT), {"role": "assistant", "content": [block]}, *asked("Go on")]
    answer = messages.messages.create(model="any", max_tokens=9, messages=turns)
    assert answer.content[0].type == "text"
    block["thinking"] += "!"
    with pytest.raises(anthropic.BadRequestError, match="signature"):
        messages.messages.create(model="any", max_tokens=9, messages=turns)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        pytest.param(429, anthropic.RateLimitError, id="rate limit"),
        pytest.param(529, anthropic.APIStatusError, id="overloaded"),
    ],
)
def test_message_errors_quote_the_prompt(
    messages: anthropic.Anthropic, status: int, error: type[anthropic.APIStatusError]
) -> None:
    with pytest.raises(error) as caught:
        messages.messages.create(model=f"echo-error-{status}", max_tokens=9, messages=asked(TEXT))
    assert caught.value.status_code == status
    body: Any = caught.value.body
    assert body["error"]["message"].endswith(TEXT)


def test_a_message_stream_can_end_in_an_error_frame(messages: anthropic.Anthropic) -> None:
    stream = messages.messages.create(model="echo-breaks-2", max_tokens=9, messages=asked(TEXT), stream=True)
    with pytest.raises(anthropic.APIStatusError):
        list(stream)


def test_numbers_in_tool_input_keep_their_spelling(provider: EchoProvider) -> None:
    arguments = '{"a":1.10,"b":12345678901234567890123456789,"c":1e400,"input":{}}'
    body = {"model": "echo-tools", "messages": asked(arguments), "tools": [ANTHROPIC_TOOL] * 2}
    _, answer = post(provider, "/v1/messages", json.dumps(body).encode())
    assert answer.count(b'"input":' + arguments.encode()) == 2


# --- HTTP ----------------------------------------------------------------------------------------


def post(
    provider: EchoProvider, path: str, body: bytes, headers: dict[str, str] | None = None
) -> tuple[http.client.HTTPResponse, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", provider.port, timeout=10)
    try:
        connection.request("POST", path, body, {"content-type": "application/json"} | (headers or {}))
        response = connection.getresponse()
        return response, response.read()
    finally:
        connection.close()


def talk(provider: EchoProvider, sent: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", provider.port), timeout=10) as connection:
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def test_other_paths_echo_the_body_byte_for_byte(provider: EchoProvider) -> None:
    body = b'{ "a": "\\ud800", "a": 1e400, "b" :[ ] }'
    response, answer = post(provider, "/v1/anything?x=1", body)
    assert (response.status, response.getheader("content-type")) == (200, "application/json")
    assert answer == body


def test_every_request_is_kept_as_it_arrived() -> None:
    with EchoProvider() as provider:
        post(provider, "/v1/x?key=1", b'{"a": 1}', {"X-Probe": "one"})
        (seen,) = provider.wait(1)
        assert (seen.method, seen.path, seen.body) == ("POST", "/v1/x?key=1", b'{"a": 1}')
        assert seen.header("x-probe") == "one"
        assert seen.complete
        assert b'{"a": 1}' in provider.received
        provider.clear()
        assert provider.requests == ()
        assert provider.received == b""


def test_a_chunked_request_with_trailers_is_put_together() -> None:
    sent = (
        b"POST /v1/x HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
        b'3;x=y\r\n{"a\r\n5\r\n": 1}\r\n0\r\nX-After: z\r\n\r\n'
    )
    with EchoProvider() as provider:
        assert talk(provider, sent).endswith(b'{"a": 1}')
        (seen,) = provider.wait(1)
    assert (seen.body, seen.trailers) == (b'{"a": 1}', (("x-after", "z"),))


def test_several_requests_share_a_connection(provider: EchoProvider) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", provider.port, timeout=10)
    streamed = json.dumps({"messages": asked("hello"), "stream": True})
    for _ in range(3):
        connection.request("POST", "/v1/chat/completions", streamed)
        response = connection.getresponse()
        assert response.read().endswith(b"data: [DONE]\n\n")
        assert not response.will_close
    connection.close()


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        pytest.param(b"\x16\x03\x01\x00\xff\r\n\r\n", b"\x16\x03\x01\x00\xff\r\n\r\n", id="no HTTP at all"),
        pytest.param(b"POST /v1/x HT", b"POST /v1/x HT", id="breaks off in its head"),
        pytest.param(b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nabc", b"abc", id="breaks off in its body"),
        pytest.param(
            b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nab", b"ab", id="breaks off in a chunk"
        ),
        pytest.param(b"POST / HTTP/1.1\r\nContent-Length: -4\r\n\r\n", b"", id="negative length"),
        pytest.param(
            b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", b"", id="bad chunk size"
        ),
        pytest.param(b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 60000 + b"\r\n", None, id="endless head"),
        pytest.param(
            b"POST / HTTP/1.1\r\nno colon\r\n\r\n", b"POST / HTTP/1.1\r\nno colon\r\n\r\n", id="field"
        ),
    ],
)
def test_garbage_is_kept_and_harms_nobody(sent: bytes, kept: bytes | None) -> None:
    with EchoProvider() as provider:
        talk(provider, sent)
        (seen,) = provider.wait(1)
        assert not seen.complete
        assert kept is None or seen.body == kept
        assert post(provider, "/v1/x", b"{}")[1] == b"{}"
    assert provider.faults == 0


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages"])
@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\xff\xfe", id="no UTF-8"),
        pytest.param(b"[" * 100_000, id="deep"),
        pytest.param(b'{"messages": [7]}', id="no object"),
        pytest.param(b'{"messages": []}', id="none"),
    ],
)
def test_a_bad_body_gets_the_providers_400(provider: EchoProvider, path: str, body: bytes) -> None:
    response, answer = post(provider, path, body)
    assert response.status == 400
    assert json.loads(answer)["error"]["type"] == "invalid_request_error"


def test_an_odd_body_is_answered(provider: EchoProvider) -> None:
    body = b'{"model": 5, "n": null, "tools": "x", "stream": true, "messages": [{"content": {"text": [7]}}]}'
    for path in ("/v1/chat/completions", "/v1/messages"):
        assert post(provider, path, body)[0].status == 200


def test_a_lone_surrogate_comes_back(provider: EchoProvider) -> None:
    body = b'{"model": "echo-tools", "messages": [{"role": "user", "content": "{\\"a\\": \\"\\ud800\\"}"}]}'
    for path in ("/v1/chat/completions", "/v1/messages"):
        response, answer = post(provider, path, body)
        assert response.status == 200
        assert b"\\ud800" in answer


@pytest.mark.parametrize("streamed", [False, True], ids=["json", "stream"])
@pytest.mark.parametrize(("coding", "window"), [("gzip", 31), ("deflate", 15)])
def test_answers_can_be_compressed(provider: EchoProvider, coding: str, window: int, streamed: bool) -> None:
    body = json.dumps({"model": f"echo-{coding}", "messages": asked("hello"), "stream": streamed}).encode()
    response, answer = post(provider, "/v1/chat/completions", body)
    assert response.getheader("content-encoding") == coding
    assert b"hello" in zlib.decompress(answer, window)


def test_a_stream_can_be_aborted(provider: EchoProvider) -> None:
    body = json.dumps({"model": "echo-aborts-2", "messages": asked("hello"), "stream": True}).encode()
    with pytest.raises((http.client.IncompleteRead, ConnectionError)):
        post(provider, "/v1/chat/completions", body)


def test_tls_is_served_with_the_given_certificate() -> None:
    authority = trustme.CA()
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("localhost").configure_cert(server)
    authority.configure_trust(client)
    with EchoProvider(tls=server) as provider:
        connection = http.client.HTTPSConnection("localhost", provider.port, context=client, timeout=10)
        connection.request("POST", "/v1/x", b"{}")
        assert connection.getresponse().read() == b"{}"
        connection.close()
    assert provider.faults == 0


def test_a_port_in_use_is_reported(provider: EchoProvider) -> None:
    with pytest.raises(OSError, match="address already in use"):
        EchoProvider(port=provider.port).start()


def test_it_runs_as_a_program() -> None:
    command = [sys.executable, "-m", "sidecar.gateway.echo_provider", "--delta", "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        word, url = process.stdout.readline().split()
        assert word == "ready"
        with openai.OpenAI(base_url=url + "/v1", api_key="none", max_retries=0) as client:
            answer = client.chat.completions.create(model="any", messages=asked("hello"))
        assert answer.choices[0].message.content == "hello"
        process.terminate()
        assert process.wait(10) == 0


def test_a_model_that_is_no_echo_changes_nothing() -> None:
    assert Wishes(delta=5).of_model("gpt-tools-delta-9") == Wishes(delta=5)
    assert Wishes().of_model("echo-delta-0-error-9-delay-20") == Wishes(delay=0.02)
