"""The anthropic SDK through a real Envoy: the provider sees tokens only, the client gets every original."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import anthropic
import pytest

from sidecar.gateway.echo_provider import EchoProvider
from tests.e2e.harness import Gateway, Planted

pytestmark = [pytest.mark.envoy, pytest.mark.model]

NASTY = 'Zoë "Z" O\'Hara\\\nline two\t\U0001f989 <ada.lovelace@example.org>'
LOOK_UP: Any = {
    "name": "look_up",
    "description": "Look somebody up",
    "input_schema": {"type": "object", "properties": {"who": {"type": "string"}}},
}


@pytest.fixture
def client(gateway: Gateway) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=gateway.url, api_key="none", max_retries=0, timeout=30) as made:
        yield made


def test_json_and_stream_give_the_same_originals(
    client: anthropic.Anthropic, clean: EchoProvider, planted: Planted
) -> None:
    text = f"What is {planted('Jane Doe')}'s SSN {planted('123-45-6789')}?"
    messages: Any = [{"role": "user", "content": text}]

    answer = client.messages.create(model="echo", max_tokens=100, messages=messages)
    assert answer.content[0].text == text  # type: ignore[union-attr]
    with client.messages.stream(model="echo", max_tokens=100, messages=messages) as stream:
        assert "".join(stream.text_stream) == text

    for request in clean.requests:
        assert json.loads(request.body)["messages"][0]["content"] == "What is {{PERSON_1}}'s SSN {{SSN_1}}?"


@pytest.mark.parametrize("size", [1, 2, 3, 64])
def test_streams_come_back_exactly_however_the_provider_cuts_them(
    client: anthropic.Anthropic, clean: EchoProvider, planted: Planted, size: int
) -> None:
    planted("ada.lovelace@example.org")
    text = f"{NASTY} {{{{ is typed }}}}, {{{{EMAIL"
    with client.messages.stream(
        model=f"echo-delta-{size}", max_tokens=100, messages=[{"role": "user", "content": text}]
    ) as stream:
        final = stream.get_final_message()
    assert final.content[0].text == text  # type: ignore[union-attr]
    assert final.stop_reason == "end_turn"
    del clean


@pytest.mark.parametrize("size", [1, 2, 64])
def test_streamed_tool_input_stays_json_with_its_originals(
    client: anthropic.Anthropic, clean: EchoProvider, planted: Planted, size: int
) -> None:
    planted("ada.lovelace@example.org")
    with client.messages.stream(
        model=f"echo-tools-delta-{size}",
        max_tokens=100,
        messages=[{"role": "user", "content": NASTY}],
        tools=[LOOK_UP],
    ) as stream:
        blocks = stream.get_final_message().content
    inputs = [block.input for block in blocks if block.type == "tool_use"]
    assert inputs == [{"who": NASTY}]
    del clean


def test_system_prompt_tools_and_results_leave_tokenized(
    client: anthropic.Anthropic, clean: EchoProvider, planted: Planted
) -> None:
    mails = [planted(f"{name}@example.org") for name in ("tool", "system", "input", "result", "meta")]
    tool = {**LOOK_UP, "description": f"Ask {mails[0]}"}
    client.messages.create(
        model="echo",
        max_tokens=100,
        system=[{"type": "text", "text": f"You work for {mails[1]}", "cache_control": {"type": "ephemeral"}}],
        tools=[tool],
        metadata={"user_id": mails[4]},
        messages=[
            {"role": "user", "content": "Look somebody up"},
            {
                "role": "assistant",
                "content": [
                    {"type": "tool_use", "id": "toolu_1", "name": "look_up", "input": {"who": mails[2]}}
                ],
            },
            {
                "role": "user",
                "content": [
                    {
                        "type": "tool_result",
                        "tool_use_id": "toolu_1",
                        "content": [{"type": "text", "text": mails[3]}],
                    }
                ],
            },
        ],
    )
    body = json.loads(clean.requests[-1].body)
    # Numbers follow the order in which the provider reads the prompt, wherever the key stands.
    assert body["tools"][0]["description"] == "Ask {{EMAIL_1}}"
    assert body["system"][0]["text"] == "You work for {{EMAIL_2}}"
    assert body["messages"][1]["content"][0]["input"] == {"who": "{{EMAIL_3}}"}
    assert body["messages"][2]["content"][0]["content"][0]["text"] == "{{EMAIL_4}}"
    assert body["metadata"] == {"user_id": "{{EMAIL_5}}"}


def test_signed_thinking_passes_both_ways_byte_for_byte(
    client: anthropic.Anthropic, clean: EchoProvider, planted: Planted
) -> None:
    text = f"Mail {planted('ines@example.org')} today"
    first = client.messages.create(
        model="echo-thinking", max_tokens=2000, messages=[{"role": "user", "content": text}]
    )
    thinking = next(block for block in first.content if block.type == "thinking")
    assert "{{EMAIL_1}}" in thinking.thinking

    again = [block.model_dump(exclude_none=True) for block in first.content]
    client.messages.create(
        model="echo",
        max_tokens=2000,
        messages=[
            {"role": "user", "content": text},
            {"role": "assistant", "content": again},  # type: ignore[typeddict-item]
            {"role": "user", "content": "And once more"},
        ],
    )
    first_sent, second_sent = (json.loads(request.body)["messages"] for request in clean.requests)
    assert second_sent[0] == first_sent[0]
    assert second_sent[1]["content"][0] == thinking.model_dump(exclude_none=True)


def test_a_refusal_is_an_error_the_sdk_understands(
    client: anthropic.Anthropic, clean: EchoProvider, planted: Planted
) -> None:
    mail = planted("pia@example.org")
    with pytest.raises(anthropic.UnprocessableEntityError) as caught:
        client.messages.create(
            model="echo",
            max_tokens=10,
            extra_query={"who": mail},
            messages=[{"role": "user", "content": "hello"}],
        )
    assert "EMAIL" in caught.value.message
    assert mail not in caught.value.message
    assert clean.requests == ()
