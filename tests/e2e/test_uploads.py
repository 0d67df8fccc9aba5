"""Uploads and batches by the vendors' SDKs through a real Envoy: the provider sees tokens only."""

from __future__ import annotations

import io
import json
import wave
from collections.abc import Iterator
from typing import Any, Literal

import anthropic
import httpx
import openai
import pytest

from sidecar.gateway.echo_provider import EchoProvider
from tests.e2e.harness import Gateway, Planted

pytestmark = [pytest.mark.envoy, pytest.mark.model]


@pytest.fixture
def client(gateway: Gateway) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{gateway.url}/v1", api_key="none", max_retries=0, timeout=30) as made:
        yield made


def wav() -> bytes:
    made = io.BytesIO()
    with wave.open(made, "wb") as writer:
        writer.setparams((1, 2, 8000, 0, "NONE", ""))
        writer.writeframes(bytes(range(256)))
    return made.getvalue()


def batch(*contents: str) -> bytes:
    lines = [
        {
            "custom_id": f"r-{number}",
            "method": "POST",
            "url": "/v1/chat/completions",
            "body": {"model": "gpt-5-mini", "messages": [{"role": "user", "content": content}]},
        }
        for number, content in enumerate(contents)
    ]
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


def part_of(body: bytes, name: str) -> bytes:
    """Return the content of one part as the provider saw it."""
    boundary = body.partition(b"\r\n")[0]
    (found,) = (part for part in body.split(boundary) if f'name="{name}"'.encode() in part)
    return found.partition(b"\r\n\r\n")[2][:-2]


def test_a_batch_file_leaves_with_tokens_line_by_line(
    client: openai.OpenAI, clean: EchoProvider, planted: Planted
) -> None:
    ada, mail = planted("Ada Lindqvist"), planted("lindqvist@example.org")
    made = client.files.create(
        file=("nightly.jsonl", batch(f"Write to {ada} at {mail}", "Good morning", f"Ask {ada} again")),
        purpose="batch",
    )
    assert made.filename == "nightly.jsonl"
    assert made.purpose == "batch"
    sent = part_of(clean.requests[-1].body, "file")
    contents = ["Write to {{PERSON_1}} at {{EMAIL_1}}", "Good morning", "Ask {{PERSON_1}} again"]
    assert sent == batch(*contents)
    assert made.bytes == len(sent)


def test_a_text_file_leaves_with_tokens(client: openai.OpenAI, clean: EchoProvider, planted: Planted) -> None:
    mail = planted("lindqvist@example.org")
    client.files.create(file=("people.csv", f"id,mail\r\n1,{mail}\r\n".encode()), purpose="user_data")
    assert part_of(clean.requests[-1].body, "file") == b"id,mail\r\n1,{{EMAIL_1}}\r\n"


@pytest.mark.parametrize("response_format", ["json", "text"])
def test_a_recording_passes_and_what_stands_beside_it_leaves_with_tokens(
    client: openai.OpenAI, clean: EchoProvider, planted: Planted, response_format: Literal["json", "text"]
) -> None:
    prompt = f"A call with {planted('Jane Doe')}, {planted('jane@example.org')}."
    answer = client.audio.transcriptions.create(
        model="whisper-1",
        file=("call.wav", wav()),
        prompt=prompt,
        language="en",
        response_format=response_format,
    )
    assert (answer if isinstance(answer, str) else answer.text) == prompt
    body = clean.requests[-1].body
    assert part_of(body, "file") == wav()
    assert part_of(body, "prompt") == b"A call with {{PERSON_1}}, {{EMAIL_1}}."
    assert part_of(body, "language") == b"en"


def test_a_streamed_transcription_comes_back_with_originals(
    client: openai.OpenAI, clean: EchoProvider, planted: Planted
) -> None:
    prompt = f"A call with {planted('Jane Doe')}, {planted('jane@example.org')}, today."
    events = list(
        client.audio.transcriptions.create(
            model="gpt-4o-transcribe", file=("call.wav", wav()), prompt=prompt, stream=True
        )
    )
    assert "".join(event.delta for event in events if event.type == "transcript.text.delta") == prompt
    assert [event.text for event in events if event.type == "transcript.text.done"] == [prompt]
    del clean


def test_a_picture_passes_and_what_is_to_be_done_with_it_leaves_with_tokens(
    client: openai.OpenAI, clean: EchoProvider, planted: Planted
) -> None:
    png = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
    prompt = f"A portrait of {planted('Jane Doe')}, for {planted('jane@example.org')}"
    client.images.edit(model="gpt-image-1", image=("a.png", png), prompt=prompt, size="1024x1024", n=2)
    body = clean.requests[-1].body
    assert part_of(body, "image") == png
    assert part_of(body, "prompt") == b"A portrait of {{PERSON_1}}, for {{EMAIL_1}}"
    assert (part_of(body, "size"), part_of(body, "n")) == (b"1024x1024", b"2")


@pytest.mark.parametrize(
    ("name", "content", "status"),
    [
        ("jane@example.org.txt", b"Good morning", 422),
        ("paper.pdf", b"%PDF-1.7\n\xe2\xe3", 415),
        ("batch.jsonl", b"Good morning", 400),
    ],
)
def test_a_refused_upload_reaches_nobody(
    client: openai.OpenAI, clean: EchoProvider, name: str, content: bytes, status: int
) -> None:
    with pytest.raises(openai.APIStatusError) as caught:
        client.files.create(file=(name, content), purpose="user_data")
    assert caught.value.status_code == status
    assert "jane" not in caught.value.message
    assert clean.requests == ()


def test_a_batch_is_made_of_ids_that_stay(
    client: openai.OpenAI, clean: EchoProvider, planted: Planted
) -> None:
    client.batches.create(
        input_file_id="file-echo",
        endpoint="/v1/chat/completions",
        completion_window="24h",
        metadata={"who": planted("jane@example.org")},
    )
    assert json.loads(clean.requests[-1].body) == {
        "input_file_id": "file-echo",
        "endpoint": "/v1/chat/completions",
        "completion_window": "24h",
        "metadata": {"who": "{{EMAIL_1}}"},
    }


def test_the_items_of_a_message_batch_leave_with_tokens(
    gateway: Gateway, clean: EchoProvider, planted: Planted
) -> None:
    ada, mail = planted("Ada Lindqvist"), planted("lindqvist@example.org")
    item: Any = {
        "model": "claude-sonnet-4-5",
        "max_tokens": 10,
        "messages": [{"role": "user", "content": f"Write to {ada}"}],
        "system": f"You work for {mail}",
    }
    with anthropic.Anthropic(base_url=gateway.url, api_key="none", max_retries=0, timeout=30) as client:
        client.messages.batches.create(
            requests=[{"custom_id": "r-1", "params": item}, {"custom_id": "r-2", "params": item}]
        )
        client.messages.count_tokens(
            model="claude-sonnet-4-5", messages=[{"role": "user", "content": f"Write to {ada}"}]
        )
    batches, counted = (json.loads(request.body) for request in clean.requests)
    assert [request.path.partition("?")[0] for request in clean.requests] == [
        "/v1/messages/batches",
        "/v1/messages/count_tokens",
    ]
    for made, custom_id in zip(batches["requests"], ("r-1", "r-2"), strict=True):
        assert made["custom_id"] == custom_id
        assert made["params"]["messages"][0]["content"] == "Write to {{PERSON_1}}"
        assert made["params"]["system"] == "You work for {{EMAIL_1}}"
    assert counted["messages"][0]["content"] == "Write to {{PERSON_1}}"


@pytest.mark.parametrize("content_type", ["application/jsonl", "application/x-ndjson", "text/plain"])
def test_lines_sent_as_they_are_leave_with_tokens(
    gateway: Gateway, clean: EchoProvider, planted: Planted, content_type: str
) -> None:
    mail = planted("jane@example.org")
    body = json.dumps({"note": mail}) + "\n" + json.dumps([f"to {mail}"]) + "\n"
    answer = httpx.post(
        f"{gateway.url}/openai/v1/lines", content=body.encode(), headers={"content-type": content_type}
    )
    assert clean.requests[-1].body == b'{"note": "{{EMAIL_1}}"}\n["to {{EMAIL_1}}"]\n'
    assert answer.text == body
