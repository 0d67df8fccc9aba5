"""The google-genai SDK through a real Envoy: the provider sees tokens, the client gets every original."""

from __future__ import annotations

import collections
import json
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import httpx
import openai
import pytest
from google import genai
from google.genai import types

from sidecar.gateway.echo_gemini import SIGNATURE
from sidecar.gateway.echo_provider import EchoProvider
from tests.e2e.conftest import RunUp
from tests.e2e.harness import Gateway, Planted

pytestmark = [pytest.mark.envoy, pytest.mark.model]

NASTY = 'Zoë "Z" O\'Hara\\\nline two\t\U0001f989 <ada.lovelace@example.org>'
ONE_CALL = types.AutomaticFunctionCallingConfig(disable=True)


def client_of(url: str) -> genai.Client:
    return genai.Client(api_key="none", http_options=types.HttpOptions(base_url=url, timeout=30_000))


@pytest.fixture
def client(gateway: Gateway) -> Iterator[genai.Client]:
    made = client_of(f"{gateway.url}/gemini")
    yield made
    made.close()


def look_up_tool(description: str = "Look somebody up") -> types.Tool:
    who = types.Schema(type=types.Type.STRING)
    parameters = types.Schema(type=types.Type.OBJECT, properties={"who": who})
    look_up = types.FunctionDeclaration(name="look_up", description=description, parameters=parameters)
    return types.Tool(function_declarations=[look_up])


def said(client: genai.Client, model: str, text: str, **config: Any) -> dict[int, tuple[str, str]]:  # noqa: ANN401 - any setting
    """Return what each candidate of a stream thought and said."""
    found: dict[int, tuple[str, str]] = {}
    for chunk in client.models.generate_content_stream(
        model=model, contents=text, config=types.GenerateContentConfig(**config)
    ):
        for candidate in chunk.candidates or []:
            thought, answer = found.get(candidate.index or 0, ("", ""))
            for part in candidate.content.parts or [] if candidate.content else []:
                if part.thought:
                    thought += part.text or ""
                else:
                    answer += part.text or ""
            found[candidate.index or 0] = thought, answer
    return found


def test_json_and_stream_give_the_same_originals(
    client: genai.Client, clean: EchoProvider, planted: Planted
) -> None:
    text = f"What is {planted('Jane Doe')}'s SSN {planted('123-45-6789')}?"
    assert client.models.generate_content(model="echo", contents=text).text == text
    assert said(client, "echo", text) == {0: ("", text)}
    for request in clean.requests:
        sent = json.loads(request.body)["contents"][0]["parts"][0]["text"]
        assert sent == "What is {{PERSON_1}}'s SSN {{SSN_1}}?"


@pytest.mark.parametrize("size", [1, 2, 3, 64])
def test_streams_come_back_exactly_however_the_provider_cuts_them(
    client: genai.Client, clean: EchoProvider, planted: Planted, size: int
) -> None:
    planted("ada.lovelace@example.org")
    text = f"{NASTY} {{{{ is typed }}}}, {{{{EMAIL"
    found = said(client, f"echo-thinking-delta-{size}", text, candidate_count=2)
    assert found == dict.fromkeys((0, 1), (f"The user wrote: {text}", text))
    del clean


@pytest.mark.parametrize("size", [1, 2, 64])
def test_an_array_is_restored_element_by_element(
    gateway: Gateway, clean: EchoProvider, planted: Planted, size: int
) -> None:
    planted("ada.lovelace@example.org")
    url = f"{gateway.url}/gemini/v1beta/models/echo-delta-{size}:streamGenerateContent"
    body = {"contents": [{"parts": [{"text": NASTY}]}]}
    answer = httpx.post(url, json=body, timeout=30)
    assert answer.headers["content-type"].startswith("application/json")
    parts = [part for each in answer.json() for part in each["candidates"][0]["content"]["parts"]]
    assert "".join(part["text"] for part in parts) == NASTY
    del clean


def test_an_array_is_not_kept_until_it_is_complete(
    gateway: Gateway, clean: EchoProvider, planted: Planted
) -> None:
    text = f"Mail {planted('ines@example.org')} and then, after a very long while, tell me so"
    # What came before the provider broke off was sent on at once, and nothing was invented after it.
    url = f"{gateway.url}/gemini/v1beta/models/echo-delta-4-delay-30-aborts-12:streamGenerateContent"
    body = {"contents": [{"parts": [{"text": text}]}]}
    chunks: list[bytes] = []
    with httpx.stream("POST", url, json=body, timeout=30) as answer, pytest.raises(httpx.TransportError):
        collections.deque(map(chunks.append, answer.iter_raw()))
    got = b"".join(chunks)
    elements = json.loads(got[: got.rindex(b"}") + 1] + b"]")
    parts = [part for each in elements for part in each["candidates"][0]["content"]["parts"]]
    assert "".join(part["text"] for part in parts).startswith("Mail ines@example.org and")
    del clean


@pytest.mark.parametrize("size", [1, 64])
def test_function_calls_hold_the_originals(
    client: genai.Client, clean: EchoProvider, planted: Planted, size: int
) -> None:
    planted("ada.lovelace@example.org")
    config = types.GenerateContentConfig(tools=[look_up_tool()], automatic_function_calling=ONE_CALL)
    model = f"echo-tools-delta-{size}"
    whole = client.models.generate_content(model=model, contents=NASTY, config=config)
    assert [call.args for call in whole.function_calls or []] == [{"who": NASTY}]
    streamed = [
        call.args
        for chunk in client.models.generate_content_stream(model=model, contents=NASTY, config=config)
        for call in chunk.function_calls or []
    ]
    assert streamed == [{"who": NASTY}]
    del clean


def test_a_chat_calls_functions_with_originals_and_keeps_its_prefix(
    client: genai.Client, clean: EchoProvider, planted: Planted
) -> None:
    mail, name = planted("kofi.mensah@example.org"), planted("Grace Hopper")
    called: list[str] = []

    def look_up(who: str) -> dict[str, str]:
        """Look somebody up."""
        called.append(who)
        return {"name": name, "mail": mail}

    chat = client.chats.create(model="echo-tools", config=types.GenerateContentConfig(tools=[look_up]))
    answer = chat.send_message(f"Who is behind {mail}?")
    assert called == [f"Who is behind {mail}?"]
    assert json.loads(answer.text or "")["result"] == {"name": name, "mail": mail}
    streamed = "".join(chunk.text or "" for chunk in chat.send_message_stream(f"And {name}?"))
    assert called[1] == f"And {name}?"
    assert json.loads(streamed)["result"] == {"name": name, "mail": mail}

    bodies = [json.loads(request.body)["contents"] for request in clean.requests]
    for earlier, later in pairwise(bodies):
        assert later[: len(earlier)] == earlier
    call = bodies[1][1]["parts"][0]
    assert call["functionCall"]["args"] == {"who": "Who is behind {{EMAIL_1}}?"}
    assert call["thoughtSignature"] == SIGNATURE
    assert bodies[1][2]["parts"][0]["functionResponse"]["response"]["result"]["mail"] == "{{EMAIL_1}}"


def test_system_instruction_tools_and_settings_leave_tokenized(
    client: genai.Client, clean: EchoProvider, planted: Planted
) -> None:
    mails = [planted(f"{name}@example.org") for name in ("tool", "system", "user", "stop")]
    client.models.generate_content(
        model="echo",
        contents=f"Ask {mails[2]}",
        config=types.GenerateContentConfig(
            system_instruction=f"You work for {mails[1]}",
            tools=[look_up_tool(f"Ask {mails[0]}")],
            stop_sequences=[mails[3]],
            temperature=0.5,
            max_output_tokens=64,
        ),
    )
    body = json.loads(clean.requests[-1].body)
    assert body["tools"][0]["functionDeclarations"][0]["description"] == "Ask {{EMAIL_1}}"
    assert body["systemInstruction"]["parts"][0]["text"] == "You work for {{EMAIL_2}}"
    assert body["contents"][0]["parts"][0]["text"] == "Ask {{EMAIL_3}}"
    settings = body["generationConfig"]
    assert settings == {"temperature": 0.5, "maxOutputTokens": 64, "stopSequences": ["{{EMAIL_4}}"]}


def test_what_is_counted_and_embedded_leaves_tokenized(
    client: genai.Client, clean: EchoProvider, planted: Planted
) -> None:
    text = f"Mail {planted('ines@example.org')} today"
    assert client.models.count_tokens(model="echo", contents=text).total_tokens == 3
    embedded = client.models.embed_content(model="echo", contents=[text, "and more"])
    assert embedded.embeddings
    assert embedded.embeddings[0].values == [0.25, -0.5, 1.0]
    assert all(b"Mail {{EMAIL_1}} today" in request.body for request in clean.requests)


def test_an_error_keeps_its_status_and_is_restored(
    client: genai.Client, clean: EchoProvider, planted: Planted
) -> None:
    text = f"Mail {planted('noor@example.org')} today"
    with pytest.raises(genai.errors.ClientError) as caught:
        client.models.generate_content(model="echo-error-429", contents=text)
    assert caught.value.code == 429
    assert text in (caught.value.message or "")
    with pytest.raises(genai.errors.ServerError):
        said(client, "echo-breaks-2", text)
    del clean


def test_a_refusal_is_an_error_the_sdk_understands(
    client: genai.Client, clean: EchoProvider, planted: Planted
) -> None:
    planted("JVBERi0xLjcKJ")
    pdf = types.Part.from_bytes(data=b"%PDF-1.7\n" + bytes(range(120)), mime_type="application/pdf")
    with pytest.raises(genai.errors.ClientError) as caught:
        client.models.generate_content(model="echo", contents=["Read this", pdf])
    assert caught.value.code == 415
    assert "PDF" in (caught.value.message or "")
    assert clean.requests == ()


def test_the_compatible_endpoint_keeps_thought_signatures(
    run_up: RunUp, provider: EchoProvider, clean: EchoProvider, planted: Planted
) -> None:
    mail = planted("mei.lin@example.org")
    call = {
        "id": "call_1",
        "type": "function",
        "function": {"name": "send_mail", "arguments": json.dumps({"to": mail})},
        "extra_content": {"google": {"thought_signature": SIGNATURE}},
    }
    messages: Any = [
        {"role": "user", "content": f"Write to {mail}"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": f"sent to {mail}"},
    ]
    with (
        run_up("--workers", "1", f"--upstream=gemini={provider.url}", DEFAULT_TARGET="gemini") as gateway,
        openai.OpenAI(base_url=f"{gateway.url}/v1", api_key="none", max_retries=0, timeout=30) as client,
    ):
        answer = client.chat.completions.create(model="echo", messages=messages)
        assert answer.choices[0].message.content == f"sent to {mail}"
        stream = client.chat.completions.create(model="echo-delta-1", messages=messages, stream=True)
        texts = [choice.delta.content or "" for chunk in stream for choice in chunk.choices]
        assert "".join(texts) == f"sent to {mail}"
    assert [request.path for request in clean.requests] == ["/v1beta/openai/chat/completions"] * 2
    sent = json.loads(clean.requests[0].body)["messages"][1]["tool_calls"][0]
    assert sent["extra_content"] == {"google": {"thought_signature": SIGNATURE}}
    assert json.loads(sent["function"]["arguments"]) == {"to": "{{EMAIL_1}}"}
