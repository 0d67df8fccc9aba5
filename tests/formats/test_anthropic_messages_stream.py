from __future__ import annotations

import json
from collections import defaultdict
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.formats.anthropic_messages_stream import messages_stream_restorer
from sidecar.model import Escaping, Original
from sidecar.tokens.token_map import TokenMap

NASTY = 'Ada "the\tCountess"\\ \n Löve 😀 \u2028 <b>&amp;'
Json = Any


def token_map(*originals: str) -> TokenMap:
    tokens = TokenMap({"PERSON", "CREDIT_CARD"})
    for original in originals:
        tokens.tokenize(Original(original), "PERSON")
    return tokens


def event(kind: str, end: bytes = b"\n", **members: Json) -> bytes:
    document = json.dumps({"type": kind, **members}, separators=(",", ":"))
    return b"event: " + kind.encode() + end + b"data: " + document.encode() + end + end


def start(index: int, **block: Json) -> bytes:
    return event("content_block_start", index=index, content_block=block)


def delta(index: int, kind: str, **fields: Json) -> bytes:
    return event("content_block_delta", index=index, delta={"type": kind, **fields})


def text(index: int, piece: str) -> bytes:
    return delta(index, "text_delta", text=piece)


def stop(index: int) -> bytes:
    return event("content_block_stop", index=index)


def restore(stream: bytes, tokens: TokenMap, *, step: int = 0) -> bytes:
    restorer = messages_stream_restorer(tokens.restorer)
    size = step or len(stream) or 1
    pieces = [restorer.feed(stream[at : at + size]) for at in range(0, len(stream), size)]
    return b"".join([*pieces, restorer.flush()])


def documents(stream: bytes) -> list[Json]:
    lines = stream.decode().replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return [json.loads(line[6:]) for line in lines if line.startswith("data: {")]


def blocks(stream: bytes) -> dict[int, str]:
    """What a client ends up with for each content block."""
    texts: dict[int, str] = defaultdict(str)
    for document in documents(stream):
        match document:
            case {"index": index, "delta": {"text": piece}} | {
                "index": index,
                "delta": {"partial_json": piece},
            }:
                texts[index] += piece
            case {"index": index, "content_block": {"type": "text", "text": piece}}:
                texts[index] += piece
    return dict(texts)


def cut(whole: str, places: list[int]) -> list[str]:
    marks = sorted({0, len(whole), *(place % (len(whole) + 1) for place in places)})
    return [whole[first:last] for first, last in pairwise(marks)]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"], ids=["LF", "CRLF", "CR"])
def test_events_without_tokens_are_untouched_and_not_delayed(end: bytes) -> None:
    frames = [
        event("message_start", end, message={"id": "msg_1", "content": [], "usage": {"input_tokens": 3}}),
        event("ping", end),
        event("content_block_start", end, index=0, content_block={"type": "text", "text": ""}),
        event(
            "content_block_delta",
            end,
            index=0,
            delta={"type": "text_delta", "text": "plain {{PERSON_9}} {} & more"},
        ),
        event("content_block_stop", end, index=0),
        event("message_delta", end, delta={"stop_reason": "end_turn", "stop_sequence": None}, usage={}),
        event("message_stop", end),
        event("something_new", end, index=0, list=[1, {"a": None}]),
    ]
    restorer = messages_stream_restorer(token_map("Ada").restorer)
    for frame in frames:
        assert restorer.feed(frame) == frame
    assert restorer.flush() == b""


@pytest.mark.parametrize("size", [1, 2, 3, 64])
def test_text_is_restored_from_deltas_of_any_size(size: int) -> None:
    whole = "Dear {{PERSON_1}} and {{PERSON_2}}: {{PERSON_3}} {{PERSON_1}}"
    pieces = [whole[at : at + size] for at in range(0, len(whole), size)]
    stream = start(0, type="text", text="") + b"".join(text(0, piece) for piece in pieces) + stop(0)
    restored = restore(stream, token_map(NASTY, "Bo"))
    assert blocks(restored) == {0: f"Dear {NASTY} and Bo: {{{{PERSON_3}}}} {NASTY}"}
    assert len(documents(restored)) == len(documents(stream))


@pytest.mark.parametrize("size", [1, 2, 64])
def test_tool_input_stays_json_whatever_an_original_holds(size: int) -> None:
    source = '{"to": "{{PERSON_1}}, {{person_2}}", "{{PERSON_1}}": [1, "{"], "card": "{{CREDIT_CARD_1}}"}'
    tokens = token_map(NASTY, '"')
    tokens.tokenize(Original("4111111111111111", is_number=True), "CREDIT_CARD")
    pieces = [source[at : at + size] for at in range(0, len(source), size)]
    stream = start(1, type="tool_use", id="t", name="mail", input={}) + b"".join(
        delta(1, "input_json_delta", partial_json=piece) for piece in ["", *pieces]
    )
    restored = restore(stream + stop(1), tokens)
    expected = {"to": f'{NASTY}, "', NASTY: [1, "{"], "card": 4111111111111111}
    assert json.loads(blocks(restored)[1]) == expected


@given(data=st.data())
def test_content_blocks_never_mix(data: st.DataObject) -> None:
    tokens = token_map(NASTY, "Bo", "{{PERSON_1}}")
    words = st.sampled_from(
        ["{{PERSON_1}}", "{{PERSON_2}}", "{{PERSON_3}}", "{{PER", "{", "\\", '"', " a", "}}"]
    )
    texts = ["".join(data.draw(st.lists(words, max_size=5))) for _ in range(4)]
    waiting = [cut(whole, data.draw(st.lists(st.integers(0, 60), max_size=4))) for whole in texts]
    frames = []
    while any(waiting):
        index = data.draw(st.sampled_from([at for at in range(4) if waiting[at]]))
        piece = waiting[index].pop(0)
        frames.append(
            text(index, piece) if index % 2 else delta(index, "input_json_delta", partial_json=piece)
        )
    stream = b"".join([*frames, *map(stop, range(4)), event("message_stop")])
    restored = restore(stream, tokens)
    kinds = [Escaping.JSON, Escaping.TEXT] * 2
    expected = {at: tokens.restore(texts[at], kinds[at]) for at in range(4) if texts[at]}
    assert {at: said for at, said in blocks(restored).items() if said} == expected
    assert restored == restore(stream, tokens, step=1)
    assert restored == restore(stream, tokens, step=data.draw(st.integers(2, 400)))


def test_every_cut_of_the_bytes_gives_the_same_bytes() -> None:
    tokens = token_map("Adé")
    stream = start(0, type="text", text="") + text(0, "{{PER") + text(0, "SON_1}} {") + stop(0)
    whole = restore(stream, tokens)
    for first in range(len(stream)):
        restorer = messages_stream_restorer(tokens.restorer)
        assert restorer.feed(stream[:first]) + restorer.feed(stream[first:]) + restorer.flush() == whole


@pytest.mark.parametrize(
    "last",
    [
        pytest.param(stop(0), id="content_block_stop"),
        pytest.param(event("message_stop"), id="message_stop"),
        pytest.param(event("error", error={"type": "overloaded_error", "message": "no"}), id="error"),
        pytest.param(b"event: error\ndata: no\n\n", id="error that is no JSON"),
        pytest.param(b"", id="the stream just ends"),
    ],
)
@pytest.mark.parametrize("kind", ["text_delta", "input_json_delta", "compaction_delta"])
def test_text_held_back_goes_in_a_delta_before_the_end(kind: str, last: bytes) -> None:
    field = {"text_delta": "text", "input_json_delta": "partial_json", "compaction_delta": "content"}[kind]
    restored = restore(delta(0, kind, **{field: "{{PERSON"}) + last, token_map("Ada"))
    assert restored == delta(0, kind, **{field: ""}) + delta(0, kind, **{field: "{{PERSON"}) + last


def test_a_stop_ends_its_own_block_only() -> None:
    stream = text(0, "{{PER") + text(1, "{{PER") + stop(1) + text(0, "SON_1}}") + stop(0)
    assert blocks(restore(stream, token_map("Ada"))) == {0: "Ada", 1: "{{PER"}


@pytest.mark.parametrize(
    "frame",
    [
        pytest.param(delta(0, "thinking_delta", thinking="about {{PERSON_1}}"), id="thinking"),
        pytest.param(delta(0, "signature_delta", signature="{{PERSON_1}}"), id="signature"),
        pytest.param(start(0, type="thinking", thinking="{{PERSON_1}}", signature=""), id="first thinking"),
        pytest.param(start(0, type="redacted_thinking", data="{{PERSON_1}}"), id="redacted"),
        pytest.param(delta(0, "compaction_delta", encrypted_content="{{PERSON_1}}"), id="encrypted"),
        pytest.param(
            event("message_start", message={"content": [{"type": "thinking", "thinking": "{{PERSON_1}}"}]}),
            id="in message_start",
        ),
    ],
)
def test_thinking_and_what_is_encrypted_pass_as_signed(frame: bytes) -> None:
    assert restore(frame, token_map("Ada")) == frame


@pytest.mark.parametrize(
    "frame",
    [
        pytest.param(delta(0, "citations_delta", citation={"cited_text": "by {{PERSON_1}}"}), id="citation"),
        pytest.param(
            start(
                0,
                type="web_search_tool_result",
                content=[{"title": "{{PERSON_1}}", "encrypted_content": "x"}],
            ),
            id="server tool result",
        ),
        pytest.param(start(0, type="tool_use", name="to_{{PERSON_1}}", input={}), id="tool name"),
        pytest.param(
            start(0, type="tool_use", input={"{{PERSON_1}}": ["{{PERSON_1}}"]}), id="tool input, keys"
        ),
        pytest.param(event("error", error={"type": "x", "message": "no {{PERSON_1}}"}), id="error message"),
        pytest.param(event("message_start", message={"stop_sequence": "{{PERSON_1}}"}), id="message_start"),
        pytest.param(event("message_delta", delta={"stop_sequence": "{{PERSON_1}}"}), id="message_delta"),
        pytest.param(event("something_new", text="{{PERSON_1}}"), id="unknown event"),
        pytest.param(b'event: x\ndata: "{{PERSON_1}}"\n\n', id="a string alone"),
    ],
)
def test_complete_strings_are_restored_at_once(frame: bytes) -> None:
    assert restore(frame, token_map("Ada")) == frame.replace(b"{{PERSON_1}}", b"Ada")


def test_a_number_in_a_complete_input_comes_back_as_a_number() -> None:
    tokens = token_map()
    tokens.tokenize(Original("4111111111111111", is_number=True), "CREDIT_CARD")
    token = "{{CREDIT_CARD_1}}"
    frame = start(0, type="tool_use", input={"a": token, "b": f"no. {token}", token: token})
    restored = documents(restore(frame, tokens))[0]["content_block"]["input"]
    number = 4111111111111111
    assert restored == {"a": number, "b": f"no. {number}", str(number): number}


def test_a_block_that_starts_with_text_goes_on_in_its_deltas() -> None:
    stream = start(0, type="text", text="Dear {{PER") + text(0, "SON_1}}") + stop(0)
    assert blocks(restore(stream, token_map("Ada"))) == {0: "Dear Ada"}


def test_padding_and_order_of_an_edited_event_stay() -> None:
    frame = (
        b'event: content_block_delta\r\ndata: {"index":0 , "delta":{"text":"{{PERSON_1}}",'
        b'"type":"text_delta"},"type":"content_block_delta"       }\r\n\r\n'
    )
    assert restore(frame, token_map("Ada")) == frame.replace(b"{{PERSON_1}}", b"Ada")
