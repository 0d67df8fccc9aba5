"""The ollama SDK through a real Envoy: the provider sees tokens only, the client gets every original."""

from __future__ import annotations

import json
from collections.abc import Iterator

import ollama
import pytest

from sidecar.gateway.echo_provider import EchoProvider
from tests.e2e.harness import Gateway, Planted

pytestmark = [pytest.mark.envoy, pytest.mark.model]

NASTY = 'Zoë "Z" O\'Hara\\\nline two\t\U0001f989 <ada.lovelace@example.org>'
PIXEL = b"\x89PNG\r\n\x1a\n" + bytes(range(80))


@pytest.fixture
def client(gateway: Gateway) -> Iterator[ollama.Client]:
    with ollama.Client(host=f"{gateway.url}/local", timeout=30) as made:
        yield made


def look_up(who: str) -> str:
    """Look somebody up.

    Args:
        who: The name.

    Returns:
        What is known.
    """
    return who


def test_json_and_stream_give_the_same_originals(
    client: ollama.Client, clean: EchoProvider, planted: Planted
) -> None:
    text = f"What is {planted('Jane Doe')}'s SSN {planted('123-45-6789')}?"
    messages = [{"role": "user", "content": text}]
    assert client.chat("echo", messages).message.content == text
    assert "".join(each.message.content or "" for each in client.chat("echo", messages, stream=True)) == text
    assert client.generate("echo", text).response == text
    assert "".join(each.response or "" for each in client.generate("echo", text, stream=True)) == text
    assert len(clean.requests) == 4
    for request in clean.requests:
        assert b"What is {{PERSON_1}}'s SSN {{SSN_1}}?" in request.body


@pytest.mark.parametrize("size", [1, 2, 3, 64])
def test_streams_come_back_exactly_however_the_provider_cuts_them(
    client: ollama.Client, clean: EchoProvider, planted: Planted, size: int
) -> None:
    planted("ada.lovelace@example.org")
    text = f"{NASTY} {{{{ is typed }}}}, {{{{EMAIL"
    model = f"echo-thinking-delta-{size}"
    lines = list(client.chat(model, [{"role": "user", "content": text}], stream=True, think=True))
    assert "".join(line.message.thinking or "" for line in lines) == f"The user wrote: {text}"
    assert "".join(line.message.content or "" for line in lines) == text
    assert [line.done for line in lines] == [*([False] * (len(lines) - 1)), True]
    assert "".join(line.response or "" for line in client.generate(model, text, stream=True)) == text
    del clean


@pytest.mark.parametrize("stream", [False, True])
def test_tool_calls_hold_the_originals_and_results_leave_tokenized(
    client: ollama.Client, clean: EchoProvider, planted: Planted, stream: bool
) -> None:
    mail = planted("ada.lovelace@example.org")
    messages: list[object] = [{"role": "user", "content": NASTY}]
    if stream:
        lines = list(client.chat("echo-tools-delta-2", messages, tools=[look_up], stream=True))  # type: ignore[arg-type]
        called = [line.message for line in lines if line.message.tool_calls]
    else:
        called = [client.chat("echo-tools", messages, tools=[look_up]).message]  # type: ignore[arg-type]
    [call] = called[0].tool_calls or []
    assert call.function.arguments == {"who": NASTY}

    messages += [called[0], {"role": "tool", "tool_name": "look_up", "content": f"Found {mail}"}]
    again = client.chat("echo-tools", messages, tools=[look_up])  # type: ignore[arg-type]
    assert again.message.content == f"Found {mail}"
    first, second = (json.loads(request.body)["messages"] for request in clean.requests)
    assert second[:1] == first
    assert "{{EMAIL_1}}" in second[1]["tool_calls"][0]["function"]["arguments"]["who"]
    assert second[2]["content"] == "Found {{EMAIL_1}}"


def test_what_stands_around_the_prompt_leaves_tokenized(
    client: ollama.Client, clean: EchoProvider, planted: Planted
) -> None:
    mails = [planted(f"{name}@example.org") for name in ("system", "prompt", "suffix", "stop")]
    client.generate(
        "echo",
        f"Ask {mails[1]}",
        suffix=f"Yours, {mails[2]}",
        system=f"You work for {mails[0]}",
        options={"stop": [mails[3]], "num_ctx": 2048, "temperature": 0.5},
        images=[PIXEL],
        keep_alive="5m",
    )
    body = json.loads(clean.requests[-1].body)
    assert body["system"] == "You work for {{EMAIL_1}}"
    assert body["prompt"] == "Ask {{EMAIL_2}}"
    assert body["suffix"] == "Yours, {{EMAIL_3}}"
    assert body["options"]["stop"] == ["{{EMAIL_4}}"]
    assert body["options"]["num_ctx"] == 2048


def test_what_is_embedded_leaves_tokenized(
    client: ollama.Client, clean: EchoProvider, planted: Planted
) -> None:
    text = f"Mail {planted('ines@example.org')} today"
    assert client.embed("echo", [text, "and more"]).embeddings == [[0.25, -0.5, 1.0]] * 2
    assert client.embeddings("echo", text).embedding == [0.25, -0.5, 1.0]
    assert all(b"Mail {{EMAIL_1}} today" in request.body for request in clean.requests)


def test_an_error_keeps_its_status_and_is_restored(
    client: ollama.Client, clean: EchoProvider, planted: Planted
) -> None:
    text = f"Mail {planted('noor@example.org')} today"
    with pytest.raises(ollama.ResponseError) as caught:
        client.generate("echo-error-503", text)
    assert caught.value.status_code == 503
    assert text in caught.value.error
    with pytest.raises(ollama.ResponseError, match="the model stopped"):
        list(client.generate("echo-breaks-2", text, stream=True))
    del clean


def test_a_refusal_is_an_error_the_sdk_understands(client: ollama.Client, clean: EchoProvider) -> None:
    with pytest.raises(ollama.ResponseError, match="token ids") as caught:
        client.generate("echo", "and now?", context=[9906, 1917])
    assert caught.value.status_code == 422
    assert caught.value.error.startswith("byte ")
    assert clean.requests == ()
