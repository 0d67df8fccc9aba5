from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from sidecar.errors import RequestRefused
from sidecar.formats.format import Replacement
from sidecar.formats.openai_responses import OPENAI_RESPONSES
from sidecar.model import Original
from sidecar.tokens.token_map import TokenMap

Json = Any
SEALED = "gAAAAABoX0123456789_-abcdefgh=="


def texts(**request: Json) -> list[str]:
    return [field.text for field in OPENAI_RESPONSES.parse_request(json.dumps(request).encode()).fields]


def test_fields_come_in_the_order_in_which_the_model_reads_them() -> None:
    found = texts(
        user="u u",
        text={"format": {"type": "json_schema", "name": "n", "schema": {"description": "f f"}}},
        input=[{"role": "user", "content": "i i"}],
        instructions="s s",
        prompt={"id": "p", "variables": {"v": "v v"}},
        tools=[{"type": "function", "name": "t", "description": "t t"}],
    )
    assert found == ["t", "t t", "s s", "v", "v v", "i i", "u u", "n", "f f"]


def test_references_to_what_the_provider_keeps_are_its_own() -> None:
    found = texts(
        previous_response_id="resp_0123456789",
        conversation={"id": "conv_0123456789"},
        prompt={"id": "pmpt_1", "version": "v2"},
        background=True,
        store=True,
        include=["reasoning.encrypted_content"],
        input=[{"type": "item_reference", "id": "msg_0123456789"}],
    )
    assert found == []


@pytest.mark.parametrize(
    "item",
    [
        pytest.param({"type": "reasoning", "summary": [], "encrypted_content": SEALED}, id="reasoning"),
        pytest.param({"type": "compaction", "encrypted_content": SEALED}, id="compaction"),
    ],
)
def test_encrypted_content_is_signed(item: Json) -> None:
    parsed = OPENAI_RESPONSES.parse_request(json.dumps({"input": [item]}).encode())
    assert list(parsed.signed) == [SEALED]
    assert list(parsed.fields) == []


def test_what_is_not_encrypted_is_looked_at_wherever_it_stands() -> None:
    assert texts(input=[{"type": "reasoning", "encrypted_content": "by Ada"}]) == ["by Ada"]


def test_a_generated_image_passes_by_its_first_bytes_and_nothing_else_does_in_its_place() -> None:
    png = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(60)).decode()
    assert texts(input=[{"type": "image_generation_call", "id": "ig_1", "result": png}]) == []
    assert texts(input=[{"type": "image_generation_call", "result": "of Ada"}]) == ["of Ada"]
    assert texts(input=[{"type": "program_output", "result": png}]) == [png]
    with pytest.raises(RequestRefused):
        texts(input=[{"type": "image_generation_call", "result": base64.b64encode(bytes(60)).decode()}])


def test_the_credentials_of_a_tool_server_pass_and_its_other_headers_are_looked_at() -> None:
    tool = {"type": "mcp", "authorization": "s1", "headers": {"Authorization": "Bearer s2", "X-User": "Ada"}}
    parsed = OPENAI_RESPONSES.parse_request(json.dumps({"tools": [tool], "input": "x"}).encode())
    assert list(parsed.signed) == ["s1", "Bearer s2"]
    assert [field.text for field in parsed.fields] == ["X-User", "Ada", "x"]


@pytest.mark.parametrize(
    "part",
    [
        pytest.param({"file_data": "data:application/pdf;base64,JVBERi0xLjQK"}, id="PDF"),
        pytest.param({"file_data": "JVBERi0xLjQK" * 10}, id="no declared type"),
        pytest.param({"file_url": "data:application/zip;base64,UEsDBBQAAAAI"}, id="archive"),
    ],
)
def test_a_file_that_cannot_be_looked_at_is_refused(part: Json) -> None:
    content = [{"type": "input_file", **part}]
    with pytest.raises(RequestRefused) as refused:
        texts(input=[{"role": "user", "content": content}])
    assert refused.value.status == 415


def test_arguments_that_are_an_object_are_read_like_those_in_a_string() -> None:
    call = {"type": "tool_search_call", "arguments": {"who": "Ada", "card": 4111111111111111}}
    assert texts(input=[call]) == ["who", "Ada", "card", "4111111111111111"]


def test_log_probabilities_of_a_text_that_changes_go_and_others_stay() -> None:
    tokens = TokenMap({"PERSON"})
    tokens.tokenize(Original("Ada"), "PERSON")
    pieces = [{"token": "{{", "logprob": -0.5, "bytes": [1], "top_logprobs": [{"token": "{{PERSON_1}}"}]}]

    def part(text: str) -> Json:
        return {"type": "output_text", "text": text, "logprobs": pieces, "annotations": []}

    answer = {"output": [{"type": "message", "content": [part("{{PERSON_1}}"), part("plain")]}]}
    restored = json.loads(OPENAI_RESPONSES.restore_answer(json.dumps(answer).encode(), tokens.restorer))
    changed, plain = restored["output"][0]["content"]
    assert (changed["text"], changed["logprobs"]) == ("Ada", [])
    assert plain["logprobs"][0]["token"] == "{{"
    # It describes nothing that changed, so it is restored like any other text.
    assert plain["logprobs"][0]["top_logprobs"] == [{"token": "Ada"}]


def test_log_probabilities_of_history_go_where_their_text_changes() -> None:
    pieces = [
        {"token": piece, "bytes": [*piece.encode()], "logprob": -1.0} for piece in ("ada", "@example.org")
    ]
    parts = [
        {"type": "output_text", "text": text, "logprobs": pieces} for text in ("ada@example.org", "hello")
    ]
    body = {"input": [{"role": "assistant", "content": parts}]}
    parsed = OPENAI_RESPONSES.parse_request(json.dumps(body).encode())
    sent = json.loads(
        parsed.edited(
            [
                [Replacement(0, 15, "{{EMAIL_1}}")] if f.text == "ada@example.org" else []
                for f in parsed.fields
            ]
        )
    )
    [message] = sent["input"]
    assert message["content"] == [{"type": "output_text", "text": "{{EMAIL_1}}", "logprobs": []}, parts[1]]
