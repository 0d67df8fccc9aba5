from __future__ import annotations

import json
from typing import Any

import pytest

from sidecar.gateway.echo_answers import Answer, Wishes
from sidecar.gateway.echo_inputs import answer_completions, answer_embeddings
from sidecar.gateway.echo_responses import answer_responses

Json = Any


def ask(**request: Json) -> Answer:
    return answer_responses(json.dumps(request).encode(), Wishes())


def document(answer: Answer) -> Json:
    return json.loads(b"".join(answer.frames))


def events(answer: Answer) -> list[Json]:
    return [json.loads(frame.split(b"data: ")[1]) for frame in answer.frames]


@pytest.mark.parametrize(
    ("given", "echoed"),
    [
        pytest.param("Ada", "Ada", id="text"),
        pytest.param(
            [{"role": "user", "content": [{"type": "input_text", "text": "Ada"}]}], "Ada", id="part"
        ),
        pytest.param(
            [{"role": "user", "content": "Ada"}, {"type": "function_call_output", "output": "Bo"}],
            "Bo",
            id="the output of a tool",
        ),
    ],
)
def test_the_answer_is_what_was_asked(given: Json, echoed: str) -> None:
    assert document(ask(model="echo", input=given))["output"][0]["content"][0]["text"] == echoed


def test_a_stream_says_what_the_json_answer_says() -> None:
    request: Json = {
        "model": "echo-thinking-tools-delta-2",
        "input": "Ada",
        "tools": [{"type": "function", "name": "f"}, {"type": "custom", "name": "c"}],
    }
    streamed = events(ask(**request, stream=True))
    assert streamed[-1]["response"]["output"] == document(ask(**request))["output"]
    assert [event["sequence_number"] for event in streamed] == list(range(len(streamed)))
    for done in (event for event in streamed if event["type"].endswith(("_text.done", "arguments.done"))):
        kind = done["type"].removesuffix("done") + "delta"
        deltas = [e["delta"] for e in streamed if (e["type"], e.get("item_id")) == (kind, done["item_id"])]
        assert "".join(deltas) == done.get("text", done.get("arguments"))
        assert len(deltas) > 1


def test_an_edited_reasoning_item_is_refused_and_its_own_is_not() -> None:
    item = document(ask(model="echo-thinking", input="Ada"))["output"][0]
    assert ask(model="echo", input=[item, {"role": "user", "content": "x"}]).status == 200
    edited = item | {"encrypted_content": item["encrypted_content"][:-6] + "AAAAAA"}
    assert ask(model="echo", input=[edited, {"role": "user", "content": "x"}]).status == 400


@pytest.mark.parametrize("body", [{}, {"input": []}, {"input": ["x"]}, {"input": [1, 2]}])
def test_what_no_provider_would_serve_is_refused(body: Json) -> None:
    assert ask(**body).status == 400


def test_completions_repeat_each_prompt_and_embeddings_are_equal_for_equal_texts() -> None:
    request = json.dumps({"prompt": ["Ada", "Bo"], "input": ["Ada", "Ada", "Bo"]}).encode()
    choices = document(answer_completions(request, Wishes()))["choices"]
    assert [choice["text"] for choice in choices] == ["Ada", "Bo"]
    first, same, other = (
        each["embedding"] for each in document(answer_embeddings(request, Wishes()))["data"]
    )
    assert first == same
    assert first != other


def test_streamed_completions_take_turns() -> None:
    request = json.dumps({"model": "echo-delta-1", "prompt": ["Ada", "Bo"], "stream": True}).encode()
    *frames, done = answer_completions(request, Wishes()).frames
    choices = [json.loads(frame.removeprefix(b"data: "))["choices"][0] for frame in frames]
    assert [(choice["index"], choice["text"]) for choice in choices[:4]] == [
        (0, "A"),
        (1, "Bo"),
        (0, "d"),
        (1, ""),
    ]
    assert done == b"data: [DONE]\n\n"
