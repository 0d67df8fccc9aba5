from __future__ import annotations

import itertools
import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.formats.openai_responses import OPENAI_RESPONSES
from sidecar.model import Escaping, Original
from sidecar.tokens.token_map import TokenMap

Json = Any
NASTY = 'Ada "the\tCountess"\\ \n Löve 😀 \u2028 <b>&amp;'


def token_map(*originals: str) -> TokenMap:
    tokens = TokenMap({"PERSON"})
    for original in originals:
        tokens.tokenize(Original(original), "PERSON")
    return tokens


class Provider:
    """Makes numbered events."""

    def __init__(self) -> None:
        self._numbers = itertools.count(10)

    def event(self, kind: str, **members: Json) -> bytes:
        document = {"type": kind, "sequence_number": next(self._numbers), **members}
        return f"event: {kind}\ndata: {json.dumps(document)}\n\n".encode()

    def text(self, delta: str, **members: Json) -> bytes:
        place = {"item_id": "m", "output_index": 0, "content_index": 0}
        return self.event("response.output_text.delta", delta=delta, **(place | members))

    def text_done(self, text: str, **members: Json) -> bytes:
        place = {"item_id": "m", "output_index": 0, "content_index": 0}
        return self.event("response.output_text.done", text=text, **(place | members))


def restore(frames: Iterable[bytes], tokens: TokenMap) -> list[Json]:
    restorer = OPENAI_RESPONSES.restore_stream(tokens.restorer)
    stream = b"".join([*(restorer.feed(frame) for frame in frames), restorer.flush()])
    return [json.loads(block.partition("data: ")[2]) for block in stream.decode().split("\n\n") if block]


def said(events: Sequence[Json]) -> list[tuple[str, str]]:
    """Each event's kind, in short, and its text."""
    return [
        (event["type"].removeprefix("response."), event.get("delta", event.get("text", "")))
        for event in events
    ]


@pytest.mark.parametrize(
    ("kind", "member", "place"),
    [
        pytest.param("output_text", "text", {"content_index": 0}, id="text"),
        pytest.param("refusal", "refusal", {"content_index": 1}, id="refusal"),
        pytest.param("function_call_arguments", "arguments", {}, id="arguments"),
        pytest.param("mcp_call_arguments", "arguments", {}, id="mcp arguments"),
        pytest.param("custom_tool_call_input", "input", {}, id="custom input"),
        pytest.param("code_interpreter_call_code", "code", {}, id="code"),
        pytest.param("reasoning_summary_text", "text", {"summary_index": 2}, id="summary"),
        pytest.param("reasoning_text", "text", {"content_index": 0}, id="reasoning"),
        pytest.param("shell_call_command", "command", {"command_index": 0}, id="command"),
        pytest.param("a_future_kind_arguments", "arguments", {}, id="unknown arguments"),
    ],
)
@pytest.mark.parametrize("size", [1, 3, 64])
@pytest.mark.parametrize(
    "text",
    ['{"to": "{{PERSON_1}}, {{person_2}}", "{{PERSON_1}}": [1, "{"]}', "{{PERSON_2}} or {{PERSON_3}} {{PER"],
    ids=["JSON", "prose"],
)
def test_deltas_and_done_say_the_same(
    kind: str, member: str, place: dict[str, int], size: int, text: str
) -> None:
    provider, tokens = Provider(), token_map(NASTY, '"Bo"')
    where = {"item_id": "i", "output_index": 3, **place}
    frames = [
        provider.event(f"response.{kind}.delta", delta=text[at : at + size], **where)
        for at in range(0, len(text), size)
    ]
    frames.append(provider.event(f"response.{kind}.done", **where, **{member: text}))
    *deltas, done = restore(frames, tokens)
    escaping = Escaping.JSON if member == "arguments" else Escaping.TEXT
    assert "".join(event["delta"] for event in deltas) == done[member] == tokens.restore(text, escaping)


def test_held_text_goes_before_done_in_a_delta_of_its_own_place() -> None:
    provider = Provider()
    frames = [
        provider.text("Dear {", logprobs=[{"token": "Dear {"}], obfuscation="xyz"),
        provider.event("response.in_progress", response={"id": "r"}),
        provider.text_done("Dear {", logprobs=[]),
    ]
    first, _, ours, done = restore(frames, token_map("Ada"))
    assert first["delta"] == "Dear "
    assert first["logprobs"] == []
    assert ours == first | {"delta": "{", "logprobs": [], "obfuscation": "", "sequence_number": 11}
    assert done["text"] == "Dear {"


@pytest.mark.parametrize(
    ("kind", "members"),
    [
        pytest.param("response.content_part.done", {"item_id": "m", "output_index": 0, "content_index": 0}),
        pytest.param("response.output_item.done", {"output_index": 0, "item": {"id": "m"}}),
        pytest.param("response.completed", {"response": {"id": "r"}}),
        pytest.param("response.incomplete", {"response": {"id": "r"}}),
        pytest.param("response.failed", {"response": {"id": "r"}}),
        pytest.param("error", {"message": "overloaded"}),
        pytest.param("", {"error": {"message": "overloaded"}}),
    ],
)
def test_whatever_ends_a_channel_comes_after_its_text(kind: str, members: Json) -> None:
    provider = Provider()
    events = restore([provider.text("a {{PER"), provider.event(kind, **members)], token_map("Ada"))
    assert said(events)[:2] == [("output_text.delta", "a "), ("output_text.delta", "{{PER")]
    assert events[2]["type"] == kind
    assert len(events) == 3


@pytest.mark.parametrize(
    ("kind", "members"),
    [
        pytest.param("response.output_text.done", {"output_index": 1, "content_index": 0, "text": ""}),
        pytest.param("response.refusal.done", {"output_index": 0, "content_index": 0, "refusal": ""}),
        pytest.param("response.content_part.done", {"output_index": 0, "content_index": 1, "part": {}}),
        pytest.param("response.output_item.done", {"output_index": 1, "item": {}}),
        pytest.param("response.web_search_call.completed", {"output_index": 0}),
        pytest.param("response.output_text.annotation.added", {"output_index": 0, "content_index": 0}),
    ],
)
def test_other_events_do_not_end_it(kind: str, members: Json) -> None:
    provider = Provider()
    frames = [provider.text("a {{PER"), provider.event(kind, **members), provider.text("SON_1}}")]
    events = restore(frames, token_map("Ada"))
    assert [event.get("delta") for event in events if "delta" in event] == ["a ", "Ada"]


def test_a_stream_that_is_cut_ends_without_an_end() -> None:
    provider = Provider()
    events = restore([provider.text("a {{PER")], token_map("Ada"))
    assert said(events) == [("output_text.delta", "a "), ("output_text.delta", "{{PER")]


def test_parallel_calls_do_not_mix() -> None:
    provider = Provider()
    halves = (('{"a":"{{PER', 'SON_1}}"}'), ('{"b":"{{PER', 'SON_2}}"}'))
    frames = [
        provider.event("response.function_call_arguments.delta", item_id=f"f{n}", output_index=n, delta=half)
        for part in (0, 1)
        for n, half in ((0, halves[0][part]), (1, halves[1][part]))
    ]
    texts: dict[int, str] = defaultdict(str)
    for event in restore(frames, token_map("Ada", "Bo")):
        texts[event["output_index"]] += event["delta"]
    assert texts == {0: '{"a":"Ada"}', 1: '{"b":"Bo"}'}


def test_whole_items_and_responses_are_restored_as_json_answers_are() -> None:
    tokens = TokenMap({"CREDIT_CARD", "PERSON"})
    tokens.tokenize(Original("4111111111111111", is_number=True), "CREDIT_CARD")
    tokens.tokenize(Original(NASTY), "PERSON")
    call = {
        "type": "function_call",
        "arguments": '{"card": "{{CREDIT_CARD_1}}", "deep": "{\\"who\\": \\"{{PERSON_1}}\\"}"}',
    }
    reasoning = {"type": "reasoning", "encrypted_content": "gAAAAABo", "summary": [{"text": "{{PERSON_1}}"}]}
    response = {"id": "r", "instructions": "for {{PERSON_1}}", "output": [reasoning, call]}
    provider = Provider()
    item, completed = restore(
        [
            provider.event("response.output_item.done", output_index=1, item=call),
            provider.event("response.completed", response=response),
        ],
        tokens,
    )
    whole = json.loads(OPENAI_RESPONSES.restore_answer(json.dumps(response).encode(), tokens.restorer))
    assert completed["response"] == whole
    assert item["item"] == whole["output"][1]
    arguments = json.loads(whole["output"][1]["arguments"])
    assert (arguments["card"], json.loads(arguments["deep"])) == (4111111111111111, {"who": NASTY})
    assert whole["output"][0] == reasoning | {"summary": [{"text": NASTY}]}


def test_line_separators_in_whole_values_are_escaped() -> None:
    frame = Provider().event("response.created", response={"instructions": "{{PERSON_1}}"})
    restorer = OPENAI_RESPONSES.restore_stream(token_map("a\u2028b\u2029c\x85d").restorer)
    assert len(restorer.feed(frame).decode().splitlines()) == 3


def test_log_probabilities_stay_where_the_text_does() -> None:
    provider = Provider()
    spelled = [{"token": "plain", "logprob": -0.5, "bytes": [1], "top_logprobs": []}]
    frames = [provider.text("plain", logprobs=spelled), provider.text_done("plain", logprobs=spelled)]
    assert [event["logprobs"] for event in restore(frames, token_map("Ada"))] == [spelled, spelled]
    frames = [
        provider.text("{{PERSON_1}}", logprobs=spelled),
        provider.text_done("{{PERSON_1}}", logprobs=spelled),
    ]
    assert [event["logprobs"] for event in restore(frames, token_map("Ada"))] == [[], []]


def test_servers_that_name_the_item_alone_are_read_too() -> None:
    frames = [
        Provider().event("response.output_text.delta", item_id=item, delta=text)
        for item, text in (("a", "{{PER"), ("b", "{{PER"), ("a", "SON_1}}"), ("b", "SON_2}}"))
    ]
    assert [event["delta"] for event in restore(frames, token_map("Ada", "Bo"))] == ["", "", "Ada", "Bo"]


@given(data=st.data())
def test_numbers_never_go_down_and_no_frame_is_lost(data: st.DataObject) -> None:
    provider = Provider()
    texts = st.sampled_from(["{{PERSON_1}}", "{{PER", "SON_1}}", "{", "a", "}}"])
    frames = []
    for _ in range(data.draw(st.integers(1, 12))):
        index, text = data.draw(st.integers(0, 2)), data.draw(texts)
        make = data.draw(st.sampled_from([provider.text, provider.text, provider.text_done]))
        frames.append(make(text, output_index=index))
    frames.append(provider.event("response.completed", response={"id": "r"}))
    numbers = [event["sequence_number"] for event in restore(frames, token_map(NASTY))]
    assert numbers == sorted(numbers)
    assert sorted(set(numbers)) == list(range(10, 10 + len(frames)))
