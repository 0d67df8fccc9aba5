from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import ollama
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.formats.answers import restorer_for
from sidecar.formats.ollama import OLLAMA
from sidecar.model import Escaping, Original
from sidecar.tokens.token_map import TokenMap

NASTY = 'Ada "the\tCountess"\\ \n Löve 😀 \u2028 <b>&amp;'
Json = Any
apis = pytest.mark.parametrize("api", ["chat", "generate"])


def token_map(*originals: str) -> TokenMap:
    tokens = TokenMap({"PERSON", "CREDIT_CARD"})
    for original in originals:
        tokens.tokenize(Original(original), "PERSON")
    return tokens


def line(api: str, piece: str, thinking: str = "", *, done: bool = False, **more: Json) -> Json:
    said = {"thinking": thinking} if thinking else {}
    if api == "chat":
        fields = {"message": {"role": "assistant", "content": piece, **said, **more.pop("message", {})}}
    else:
        fields = {"response": piece, **said}
    return {
        "model": "llama3.2",
        "created_at": "2025-08-04T08:52:19.385406455Z",
        **fields,
        "done": done,
        **more,
    }


def encoded(lines: Iterable[Json], end: bytes = b"\n") -> bytes:
    return b"".join(json.dumps(each).encode() + end for each in lines)


def restore(stream: bytes, tokens: TokenMap, step: int = 0) -> bytes:
    restorer = restorer_for(OLLAMA, "application/x-ndjson", tokens.restorer)
    assert restorer is not None
    size = step or len(stream) or 1
    pieces = [restorer.feed(stream[at : at + size]) for at in range(0, len(stream), size)]
    return b"".join([*pieces, restorer.flush()])


def documents(stream: bytes) -> list[Json]:
    return [json.loads(each) for each in stream.split(b"\n") if each.strip()]


def said(lines: Iterable[Json]) -> list[tuple[str, Json]]:
    """What a client ends up with: thoughts and answers in a row, and calls as they are."""
    row: list[tuple[str, Json]] = []
    for each in lines:
        message = each.get("message", each)
        for kind in ("thinking", "content", "response", "tool_calls"):
            value = message.get(kind)
            if value and row and row[-1][0] == kind and kind != "tool_calls":
                row[-1] = kind, row[-1][1] + value
            elif value:
                row.append((kind, value))
    return row


def cut(whole: str, size: int) -> list[str]:
    return [whole[at : at + size] for at in range(0, len(whole), size)]


def answer_of(api: str) -> str:
    return "content" if api == "chat" else "response"


@apis
@pytest.mark.parametrize("end", [b"\n", b"\r\n"], ids=["LF", "CRLF"])
def test_lines_without_tokens_are_untouched_and_not_delayed(api: str, end: bytes) -> None:
    restorer = restorer_for(OLLAMA, "application/x-ndjson", token_map("Ada").restorer)
    assert restorer is not None
    lines = [
        line(api, "", "hm"),
        line(api, "plain {{PERSON_9}} {} & more"),
        line(api, "", done=True, done_reason="stop", context=[1, 2], eval_count=3),
    ]
    for each in lines:
        raw = encoded([each], end)
        assert restorer.feed(raw) == raw
    assert restorer.flush() == b""


@apis
@pytest.mark.parametrize("size", [1, 2, 3, 64])
def test_thinking_and_answer_are_restored_from_deltas_of_any_size(api: str, size: int) -> None:
    whole = "Dear {{PERSON_1}} and {{PERSON_2}}: {{PERSON_3}} {{PERSON_1}}"
    lines = [
        *(line(api, "", piece) for piece in cut(whole, size)),
        *(line(api, piece) for piece in cut(whole, size)),
        line(api, "", done=True, done_reason="stop"),
    ]
    restored = documents(restore(encoded(lines), token_map(NASTY, "Bo")))
    expected = f"Dear {NASTY} and Bo: {{{{PERSON_3}}}} {NASTY}"
    assert said(restored) == [("thinking", expected), (answer_of(api), expected)]
    assert restored[-1] == lines[-1]


@apis
def test_what_is_held_back_goes_out_where_its_text_ends(api: str) -> None:
    lines = [
        line(api, "", "about {{PERSON_1}"),
        line(api, "Dear {{PERSON_1}"),
        line(api, "", done=True, done_reason="stop"),
    ]
    restored = documents(restore(encoded(lines), token_map("Ada")))
    assert said(restored) == [("thinking", "about Ada"), (answer_of(api), "Dear Ada")]
    assert [each["done"] for each in restored] == [*([False] * (len(restored) - 1)), True]
    assert {each["model"] for each in restored} == {"llama3.2"}


@apis
def test_thinking_that_ends_with_the_stream_is_flushed_before_its_last_line(api: str) -> None:
    lines = [line(api, "", "about {{PERSON_1}"), line(api, "", done=True)]
    restored = documents(restore(encoded(lines), token_map("Ada")))
    assert said(restored) == [("thinking", "about Ada")]
    assert restored[-1] == lines[-1]


def test_text_before_a_tool_call_is_flushed_and_arguments_are_restored() -> None:
    tokens = token_map(NASTY)
    tokens.tokenize(Original("4111111111111111", is_number=True), "CREDIT_CARD")
    arguments = {"to": "Mail {{PERSON_1}}", "{{PERSON_1}}": ["{{person_1}}", 1], "card": "{{CREDIT_CARD_1}}"}
    call = {"function": {"name": "f", "arguments": arguments}}
    lines = [
        line("chat", "I call {{PERSON_1}"),
        line("chat", "", message={"tool_calls": [call]}),
        line("chat", "", done=True, done_reason="stop"),
    ]
    restored = documents(restore(encoded(lines), tokens))
    args = {"to": f"Mail {NASTY}", NASTY: [NASTY, 1], "card": 4111111111111111}
    assert said(restored) == [
        ("content", f"I call {NASTY}"),
        ("tool_calls", [{"function": {"name": "f", "arguments": args}}]),
    ]


@apis
def test_log_probabilities_go_where_the_text_changes(api: str) -> None:
    logprobs = [{"token": "{{PERSON_1}}", "logprob": -0.1}]
    lines = [line(api, "{{PERSON_1}}", logprobs=logprobs), line(api, "x", logprobs=logprobs)]
    restored = documents(restore(encoded(lines), token_map("Ada")))
    assert [each["logprobs"] for each in restored] == [[], logprobs]


@apis
def test_an_error_comes_after_what_was_held_back(api: str) -> None:
    stream = encoded([line(api, "Dear {{PERSON_1}"), {"error": "for {{PERSON_1}}"}])
    restored = documents(restore(stream, token_map("Ada")))
    assert said(restored) == [(answer_of(api), "Dear Ada")]
    assert restored[-1] == {"error": "for Ada"}


@apis
def test_a_stream_that_breaks_off_has_no_last_line(api: str) -> None:
    restored = documents(restore(encoded([line(api, "Dear {{PERSON_1}")]), token_map("Ada")))
    assert said(restored) == [(answer_of(api), "Dear Ada")]
    assert not any(each["done"] for each in restored)


def test_lines_of_our_own_are_what_the_sdk_reads() -> None:
    for api, response in (("chat", ollama.ChatResponse), ("generate", ollama.GenerateResponse)):
        lines = [line(api, "", "{{PERSON_1}"), line(api, "{{PERSON_1}"), {"error": "x"}]
        restored = documents(restore(encoded(lines), token_map("Ada")))
        assert len(restored) == 5
        assert [response.model_validate(each).done for each in restored[:-1]] == [False] * 4


PIECES = st.sampled_from(["{{PERSON_1}}", "{{PER", "SON_1}}", "{", "}", "é😀", "\n", " word", ""])


@apis
@given(st.lists(st.tuples(PIECES, st.booleans()), max_size=10), st.integers(1, 40))
def test_neither_cuts_nor_known_looks_change_what_is_said(
    api: str, pieces: list[tuple[str, bool]], step: int
) -> None:
    tokens = token_map(NASTY)
    lines = [line(api, "", piece) if thinks else line(api, piece) for piece, thinks in pieces]
    restored = restore(encoded(lines), tokens)
    assert restore(encoded(lines), tokens, step) == restored
    expected = [(kind, tokens.restore(value, Escaping.TEXT)) for kind, value in said(lines)]
    assert said(documents(restored)) == expected
