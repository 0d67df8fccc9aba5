from __future__ import annotations

import json
from typing import Any

import pytest

from sidecar.formats.cohere_chat import COHERE_CHAT
from sidecar.model import Original
from sidecar.tokens.token_map import TokenMap

Json = Any


def live(*originals: str) -> TokenMap:
    tokens = TokenMap({"PERSON"})
    for original in originals:
        tokens.tokenize(Original(original), "PERSON")
    return tokens


def restore(events: list[Json], tokens: TokenMap) -> list[Json]:
    restorer = COHERE_CHAT.restore_stream(tokens.restorer)
    frames = [b"event: %s\ndata: %s\n\n" % (e["type"].encode(), json.dumps(e).encode()) for e in events]
    out = b"".join([*map(restorer.feed, frames), restorer.flush()])
    return [json.loads(block.partition("data: ")[2]) for block in out.decode().split("\n\n") if block]


def text(piece: str, index: int = 0, **more: Json) -> Json:
    return {
        "type": "content-delta",
        "index": index,
        "delta": {"message": {"content": {"text": piece}}},
        **more,
    }


def plan(piece: str) -> Json:
    return {"type": "tool-plan-delta", "delta": {"message": {"tool_plan": piece}}}


def test_both_versions_come_in_the_order_in_which_the_model_reads_them() -> None:
    request = {"message": "m", "chat_history": [{"role": "USER", "message": "h"}], "preamble": "p"}
    parsed = COHERE_CHAT.parse_request(json.dumps(request).encode())
    assert [field.text for field in parsed.fields] == ["p", "h", "m"]
    request = {"messages": [{"role": "user", "content": "m"}], "documents": ["d"], "tools": [{"name": "t"}]}
    parsed = COHERE_CHAT.parse_request(json.dumps(request).encode())
    assert [field.text for field in parsed.fields] == ["t", "d", "m"]


def test_an_error_is_a_message_that_is_restored() -> None:
    restored = COHERE_CHAT.restore_answer(b'{"message": "no {{PERSON_1}}"}', live("Ada").restorer)
    assert restored == b'{"message": "no Ada"}'


def test_blocks_do_not_mix() -> None:
    events = [text("{{PER", 0), text("{{PER", 1), text("SON_1}}", 0), text("SON_2}}", 1)]
    said = [
        (e["index"], e["delta"]["message"]["content"]["text"]) for e in restore(events, live("Ada", "Bo"))
    ]
    assert said == [(0, ""), (1, ""), (0, "Ada"), (1, "Bo")]


@pytest.mark.parametrize(
    ("begun", "end"),
    [
        pytest.param(text("a {{PER"), {"type": "content-end", "index": 0}, id="its block"),
        pytest.param(text("a {{PER"), {"type": "message-end", "delta": {}}, id="the message"),
        pytest.param(plan("a {{PER"), {"type": "tool-call-start", "index": 0}, id="a call after a plan"),
    ],
)
def test_held_text_goes_before_the_end_in_an_event_like_the_last(begun: Json, end: Json) -> None:
    first, ours, last = restore([begun, end], live("Ada"))
    assert last == end
    assert {**ours, "delta": None} == {**first, "delta": None}
    assert ("a {{PER" in json.dumps(begun), "a " in json.dumps(first)) == (True, True)
    assert json.dumps(ours) == json.dumps(begun).replace("a {{PER", "{{PER")


def test_log_probabilities_of_a_changed_delta_become_null() -> None:
    spelled = {"text": "x", "token_ids": [1], "logprobs": [-0.5]}
    first, second = restore(
        [text("plain", logprobs=spelled), text("{{PERSON_1}}", logprobs=spelled)], live("Ada")
    )
    assert (first["logprobs"], second["logprobs"]) == (spelled, None)
