"""The openai SDK's Responses, completions and embeddings through a real Envoy."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest

from sidecar.gateway.echo_provider import EchoProvider
from tests.e2e.harness import Gateway, Planted

pytestmark = [pytest.mark.envoy, pytest.mark.model]

NASTY = 'Zoë "Z" O\'Hara\\\nline two\t\U0001f989 <ada.lovelace@example.org>'
SEND_MAIL: Any = {
    "type": "function",
    "name": "send_mail",
    "description": "Send a mail",
    "strict": False,
    "parameters": {
        "type": "object",
        "properties": {"to": {"type": "string"}, "body": {"type": "string"}},
    },
}
SHELL: Any = {"type": "custom", "name": "shell", "description": "Run a command"}


@pytest.fixture
def client(gateway: Gateway) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{gateway.url}/v1", api_key="none", max_retries=0, timeout=30) as made:
        yield made


def seen(provider: EchoProvider) -> Any:  # noqa: ANN401 - whatever was sent
    return json.loads(provider.requests[-1].body)


def test_the_provider_sees_tokens_and_the_client_originals(
    client: openai.OpenAI, clean: EchoProvider, planted: Planted
) -> None:
    text = f"Contact {planted('John Smith')} at {planted('john.responses@example.com')}"
    answer = client.responses.create(model="echo", input=text, instructions=f"Be kind. {text}", user=text)
    assert answer.output_text == text
    assert answer.instructions == f"Be kind. {text}"
    assert seen(clean)["input"] == "Contact {{PERSON_1}} at {{EMAIL_1}}"


@pytest.mark.parametrize("size", [1, 2, 64])
def test_a_stream_gives_the_same_text_however_the_provider_cuts_it(
    client: openai.OpenAI, clean: EchoProvider, planted: Planted, size: int
) -> None:
    planted("ada.lovelace@example.org")
    text = f"{NASTY} from {planted('198.51.100.9')}; {{{{EMAIL_1}}}} and {{{{ is typed }}}}, {{{{PER"
    with client.responses.stream(model=f"echo-delta-{size}", input=text) as stream:
        events = list(stream)
        final = stream.get_final_response()
    deltas = [event.delta for event in events if event.type == "response.output_text.delta"]
    [done] = [event.text for event in events if event.type == "response.output_text.done"]
    assert "".join(deltas) == done == final.output_text == text
    numbers = [event.sequence_number for event in events]
    assert numbers == sorted(numbers)
    del clean


@pytest.mark.parametrize("size", [1, 3])
def test_streamed_calls_of_tools_stay_json_and_come_back(
    client: openai.OpenAI, clean: EchoProvider, planted: Planted, size: int
) -> None:
    planted("ada.lovelace@example.org")
    with client.responses.stream(
        model=f"echo-tools-delta-{size}", input=NASTY, tools=[SEND_MAIL, SHELL]
    ) as stream:
        events = list(stream)
        call, custom = stream.get_final_response().output
    [done] = [event for event in events if event.type == "response.function_call_arguments.done"]
    last = [event for event in events if event.type == "response.function_call_arguments.delta"][-1]
    assert call.type == "function_call"
    assert last.snapshot == done.arguments == call.arguments
    assert json.loads(call.arguments) == {"to": NASTY, "body": NASTY}
    assert custom.type == "custom_tool_call"
    assert custom.input == NASTY
    del clean


def test_a_tool_loop_with_encrypted_reasoning_goes_on_for_three_turns(
    client: openai.OpenAI, clean: EchoProvider, planted: Planted
) -> None:
    mail = planted("kofi.responses@example.org")
    history: list[Any] = [{"role": "user", "content": f"Write to {mail}"}]
    for turn in range(3):
        answer = client.responses.create(
            model="echo-thinking-tools",
            input=history,
            tools=[SEND_MAIL],
            include=["reasoning.encrypted_content"],
            store=False,
        )
        reasoning, call = answer.output
        assert reasoning.type == "reasoning"
        assert mail in reasoning.summary[0].text
        assert call.type == "function_call"
        assert json.loads(call.arguments)["to"] in (f"Write to {mail}", f"sent {turn - 1} to {mail}")
        history += [item.model_dump(exclude_none=True) for item in answer.output]
        output = f"sent {turn} to {mail}"
        history.append({"type": "function_call_output", "call_id": call.call_id, "output": output})
    sent = seen(clean)["input"]
    assert json.loads(sent[2]["arguments"])["to"] == "Write to {{EMAIL_1}}"
    before = json.loads(clean.requests[-2].body)["input"]
    assert sent[: len(before)] == before


def test_an_error_in_the_middle_of_a_stream_reaches_the_client(
    client: openai.OpenAI, clean: EchoProvider, planted: Planted
) -> None:
    text = f"Mail {planted('ravi.responses@example.org')} today"
    *_, last = client.responses.create(model="echo-breaks-5", input=text, stream=True)
    assert last.type == "error"
    assert last.message == "The server had an error."
    del clean


def test_completions_come_back_whole_and_streamed(
    client: openai.OpenAI, clean: EchoProvider, planted: Planted
) -> None:
    prompts = [f"Mail {planted('grace.legacy@example.com')}", f"call {planted('+1 212 555 0177')} today"]
    whole = client.completions.create(model="echo", prompt=prompts)
    assert [choice.text for choice in whole.choices] == prompts
    said = ["", ""]
    for chunk in client.completions.create(model="echo-delta-2", prompt=prompts, stream=True):
        for choice in chunk.choices:
            said[choice.index] += choice.text
    assert said == prompts
    assert seen(clean)["prompt"] == ["Mail {{EMAIL_1}}", "call {{PHONE_1}} today"]


def test_embeddings_are_those_of_the_tokens(
    client: openai.OpenAI, clean: EchoProvider, planted: Planted
) -> None:
    texts = [f"Mail {planted('linus.vector@example.net')}", "Mail {{EMAIL_1}}"]
    first, second = client.embeddings.create(model="echo", input=texts).data
    assert len(first.embedding) == len(second.embedding) == 8
    # The second text looks like a token, so the first original is given another number.
    assert seen(clean)["input"] == ["Mail {{EMAIL_2}}", "Mail {{EMAIL_1}}"]


def test_token_ids_are_refused(client: openai.OpenAI, clean: EchoProvider) -> None:
    with pytest.raises(openai.UnprocessableEntityError, match="token ids"):
        client.embeddings.create(model="echo", input=[[1820, 25977, 46840], [7, 8]])
    with pytest.raises(openai.UnprocessableEntityError, match="token ids"):
        client.completions.create(model="echo", prompt=[1820, 25977, 46840])
    assert clean.requests == ()


def test_azures_client_goes_through_with_its_deployment_in_the_path(
    gateway: Gateway, clean: EchoProvider, planted: Planted
) -> None:
    text = f"Mail {planted('azure.user@example.org')} today"
    with openai.AzureOpenAI(
        azure_endpoint=f"{gateway.url}/openai", api_key="none", api_version="2024-10-21", max_retries=0
    ) as client:
        answer = client.chat.completions.create(model="echo", messages=[{"role": "user", "content": text}])
    assert answer.choices[0].message.content == text
    [request] = clean.requests
    assert request.path == "/openai/deployments/echo/chat/completions?api-version=2024-10-21"
