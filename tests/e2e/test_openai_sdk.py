"""The openai SDK through a real Envoy: the provider sees tokens only, the client gets every original."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import openai
import pytest

from sidecar.gateway.echo_provider import EchoProvider
from tests.e2e.harness import Gateway, Planted

pytestmark = [pytest.mark.envoy, pytest.mark.model]

NASTY = 'Zoë "Z" O\'Hara\\\nline two\t\U0001f989 <ada.lovelace@example.org>'
SEND_MAIL: Any = {
    "type": "function",
    "function": {
        "name": "send_mail",
        "description": "Send a mail",
        "parameters": {
            "type": "object",
            "properties": {"to": {"type": "string"}, "body": {"type": "string"}},
        },
    },
}


@pytest.fixture
def client(gateway: Gateway) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{gateway.url}/v1", api_key="none", max_retries=0, timeout=30) as made:
        yield made


def ask(client: openai.OpenAI, text: str, model: str = "echo", **more: Any) -> str:  # noqa: ANN401 - any parameter of the API
    answer = client.chat.completions.create(model=model, messages=[{"role": "user", "content": text}], **more)
    content = answer.choices[0].message.content
    assert content is not None
    return content


def ask_streaming(client: openai.OpenAI, text: str, model: str = "echo", **more: Any) -> dict[int, str]:  # noqa: ANN401 - same
    said: dict[int, str] = {}
    stream = client.chat.completions.create(
        model=model, messages=[{"role": "user", "content": text}], stream=True, **more
    )
    for chunk in stream:
        for choice in chunk.choices:
            said[choice.index] = said.get(choice.index, "") + (choice.delta.content or "")
    return said


@pytest.mark.parametrize(
    ("text", "originals", "tokens"),
    [
        pytest.param(
            "Contact John Smith at john@example.com",
            ["John Smith", "john@example.com"],
            ["{{PERSON_1}}", "{{EMAIL_1}}"],
            id="person-and-mail",
        ),
        pytest.param(
            "What is Jane Doe's SSN 123-45-6789?",
            ["Jane Doe", "123-45-6789"],
            ["{{PERSON_1}}'s", "{{SSN_1}}"],
            id="person-and-ssn",
        ),
        pytest.param(
            "My card 4532-1234-5678-9010, call +1 212 555 0123 from 192.0.2.44",
            ["4532-1234-5678-9010", "212 555 0123", "192.0.2.44"],
            ["{{CREDIT_CARD_1}}", "{{PHONE_1}}", "{{IP_ADDRESS_1}}"],
            id="card-phone-address",
        ),
    ],
)
def test_the_provider_sees_tokens_and_the_client_originals(
    client: openai.OpenAI,
    clean: EchoProvider,
    planted: Planted,
    text: str,
    originals: list[str],
    tokens: list[str],
) -> None:
    for original in originals:
        planted(original)

    assert ask(client, text) == text
    assert ask_streaming(client, text) == {0: text}

    for request in clean.requests:
        for token in tokens:
            assert token in json.loads(request.body)["messages"][0]["content"]


def test_one_card_in_two_messages_is_one_token(
    client: openai.OpenAI, clean: EchoProvider, planted: Planted
) -> None:
    card = planted("4532-1234-5678-9010")
    client.chat.completions.create(
        model="echo",
        messages=[
            {"role": "user", "content": f"My card is {card}"},
            {"role": "assistant", "content": "Thanks."},
            {"role": "user", "content": f"Now charge {card} please"},
        ],
    )
    seen = [message["content"] for message in json.loads(clean.requests[-1].body)["messages"]]
    assert seen == ["My card is {{CREDIT_CARD_1}}", "Thanks.", "Now charge {{CREDIT_CARD_1}} please"]


@pytest.mark.parametrize("size", [1, 2, 3, 64])
def test_streams_come_back_exactly_however_the_provider_cuts_them(
    client: openai.OpenAI, clean: EchoProvider, planted: Planted, size: int
) -> None:
    planted("ada.lovelace@example.org")
    planted("198.51.100.7")
    text = f"{NASTY} logged in from 198.51.100.7; {{{{EMAIL_1}}}} and {{{{ is typed }}}}, {{{{PER"
    assert ask_streaming(client, text, model=f"echo-delta-{size}") == {0: text}
    del clean


@pytest.mark.parametrize("size", [1, 2, 64])
def test_two_interleaved_choices_do_not_mix(
    client: openai.OpenAI, clean: EchoProvider, planted: Planted, size: int
) -> None:
    text = f"Mail {planted('grace@example.com')} and {planted('linus@example.net')}"
    assert ask_streaming(client, text, model=f"echo-delta-{size}", n=2) == {0: text, 1: text}
    del clean


@pytest.mark.parametrize("size", [1, 2, 64])
def test_streamed_tool_arguments_stay_json_with_their_originals(
    client: openai.OpenAI, clean: EchoProvider, planted: Planted, size: int
) -> None:
    planted("ada.lovelace@example.org")
    stream = client.chat.completions.create(
        model=f"echo-tools-delta-{size}",
        messages=[{"role": "user", "content": NASTY}],
        tools=[SEND_MAIL],
        stream=True,
    )
    arguments = "".join(
        call.function.arguments or ""
        for chunk in stream
        for choice in chunk.choices
        for call in choice.delta.tool_calls or []
        if call.function
    )
    assert NASTY in json.loads(arguments).values()
    del clean


def test_tool_calls_in_history_leave_tokenized_and_come_back(
    client: openai.OpenAI, clean: EchoProvider, planted: Planted
) -> None:
    mail = planted("kofi.mensah@example.org")
    name = planted("José Ángel Peña")
    arguments = json.dumps({"to": mail, "body": f'Dear {name},\n"hello" \\o/'})
    client.chat.completions.create(
        model="echo",
        messages=[
            {"role": "user", "content": f"Write to my friend {name}"},
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [
                    {
                        "id": "call_1",
                        "type": "function",
                        "function": {"name": "send_mail", "arguments": arguments},
                    }
                ],
            },
            {"role": "tool", "tool_call_id": "call_1", "content": json.dumps({"sent_to": mail})},
        ],
        tools=[SEND_MAIL],
    )
    sent = json.loads(clean.requests[-1].body)["messages"]
    called = json.loads(sent[1]["tool_calls"][0]["function"]["arguments"])
    assert called["to"] == "{{EMAIL_1}}"
    assert json.loads(sent[2]["content"]) == {"sent_to": "{{EMAIL_1}}"}


def test_reasoning_without_a_signature_is_restored(
    client: openai.OpenAI, clean: EchoProvider, planted: Planted
) -> None:
    text = f"Mail {planted('mei.lin@example.org')} today"
    answer = client.chat.completions.create(
        model="echo-thinking", messages=[{"role": "user", "content": text}]
    )
    assert text in answer.choices[0].message.reasoning_content  # type: ignore[attr-defined]
    del clean


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_an_answer_compressed_unasked_is_restored(
    client: openai.OpenAI, clean: EchoProvider, planted: Planted, coding: str
) -> None:
    text = f"Mail {planted('ines@example.org')} today"
    assert ask(client, text, model=f"echo-{coding}") == text
    assert ask_streaming(client, text, model=f"echo-{coding}") == {0: text}
    assert all("accept-encoding" not in dict(request.headers) for request in clean.requests)


@pytest.mark.parametrize(
    ("status", "error"), [(429, openai.RateLimitError), (500, openai.InternalServerError)]
)
def test_a_providers_error_keeps_its_status_and_is_restored(
    client: openai.OpenAI,
    clean: EchoProvider,
    planted: Planted,
    status: int,
    error: type[openai.APIStatusError],
) -> None:
    text = f"Mail {planted('noor@example.org')} today"
    with pytest.raises(error) as caught:
        ask(client, text, model=f"echo-error-{status}")
    assert text in caught.value.message
    del clean


def test_an_error_in_the_middle_of_a_stream_reaches_the_client(
    client: openai.OpenAI, clean: EchoProvider, planted: Planted
) -> None:
    text = f"Mail {planted('ravi@example.org')} today"
    with pytest.raises(openai.APIError, match="The server had an error"):
        ask_streaming(client, text, model="echo-breaks-3")
    del clean


def test_a_stream_the_provider_cuts_does_not_end_well_for_the_client(
    client: openai.OpenAI, clean: EchoProvider, planted: Planted
) -> None:
    text = f"Mail {planted('olga@example.org')} today, and tomorrow again"
    with pytest.raises((openai.APIError, httpx.TransportError)):
        ask_streaming(client, text, model="echo-aborts-3")
    del clean


def test_what_a_user_typed_that_looks_like_a_token_comes_back_as_typed(
    client: openai.OpenAI, clean: EchoProvider, planted: Planted
) -> None:
    text = f"{{{{EMAIL_1}}}}, {{{{ email 2 }}}} and {planted('sven@example.org')}"
    assert ask(client, text) == text
    assert json.loads(clean.requests[-1].body)["messages"][0]["content"].endswith("{{EMAIL_3}}")
