from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.formats.openai_chat_stream import chat_stream_restorer
from sidecar.model import Escaping, Original
from sidecar.tokens.token_map import TokenMap

NASTY = 'Ada "the\tCountess"\\ \n Löve 😀 \u2028 <b>&amp;'
DONE = b"data: [DONE]\n\n"
Json = Any


def token_map(*originals: str) -> TokenMap:
    tokens = TokenMap({"PERSON"})
    for original in originals:
        tokens.tokenize(Original(original), "PERSON")
    return tokens


def chunk(delta: Json, index: int = 0, finish: str | None = None, end: bytes = b"\n", **more: Json) -> bytes:
    choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": finish}
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 7, "model": "m-1"}
    document = json.dumps(head | {"choices": [choice]} | more)
    return b"data: " + document.encode() + end + end


def restore(stream: bytes, tokens: TokenMap, *, step: int = 0) -> bytes:
    restorer = chat_stream_restorer(tokens.restorer)
    size = step or len(stream) or 1
    pieces = [restorer.feed(stream[at : at + size]) for at in range(0, len(stream), size)]
    return b"".join([*pieces, restorer.flush()])


def documents(stream: bytes) -> list[Json]:
    blocks = stream.decode().replace("\r\n", "\n").replace("\r", "\n").split("\n\n")
    return [json.loads(block[6:]) for block in blocks if block.startswith("data: {")]


def merge(into: dict[str, str], place: str, said: Json) -> None:
    if isinstance(said, str):
        into[place] += said
    elif isinstance(said, dict):
        for key, inner in said.items():
            merge(into, f"{place}.{key}", inner)
    elif isinstance(said, list):
        for at, inner in enumerate(said):
            merge(into, f"{place}[{inner.get('index', at)}]", inner)


def channels(stream: bytes) -> dict[str, str]:
    """What a client ends up with: all deltas of each channel in a row."""
    texts: dict[str, str] = defaultdict(str)
    for document in documents(stream):
        for choice in document["choices"]:
            merge(texts, str(choice["index"]), choice["delta"])
    return {place: text for place, text in texts.items() if text}


def cut(text: str, places: Iterable[int]) -> list[str]:
    marks = sorted({0, len(text), *(place % (len(text) + 1) for place in places)})
    return [text[start:stop] for start, stop in pairwise(marks)]


def test_a_token_cut_in_two_is_restored_once_complete() -> None:
    tokens = token_map("Ada")
    restorer = chat_stream_restorer(tokens.restorer)
    deltas = ["To {", "{PERS", "ON_1}", "}!"]
    sent = [restorer.feed(chunk({"content": delta})) for delta in deltas]
    said = [documents(frame)[0]["choices"][0]["delta"]["content"] for frame in sent]
    assert said == ["To ", "", "", "Ada!"]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"], ids=["LF", "CRLF", "CR"])
def test_frames_without_tokens_are_untouched_and_not_delayed(end: bytes) -> None:
    tokens = token_map("Ada")
    frames = [
        b": ping" + end + end,
        chunk({"role": "assistant", "content": ""}, end=end),
        chunk({"content": "plain {} text & more"}, end=end),
        chunk({"content": "one }} two {{PERSON_7}}"}, end=end),
        b"event: x" + end + b'data:{"choices" : [ ],"usage":{"total_tokens":1e3}}' + end + end,
        b"data: 1" + end + b"id: 4" + end + b"retry: 10" + end + end,
        chunk({}, finish="stop", end=end),
        b"data: [DONE]" + end + end,
    ]
    restorer = chat_stream_restorer(tokens.restorer)
    for frame in frames:
        assert restorer.feed(frame) == frame
    assert restorer.flush() == b""


def test_only_the_delta_of_a_frame_changes() -> None:
    frame = (
        b'id: 3\r\nevent: m\r\ndata:{ "x":1e400,"id":"\\u0061","choices":[{"delta":{"content":\r\n'
        b'data:"{{PERSON_1}}" },"index":0, "z":"\\ud800", "z":2}]  }\r\n: c\r\n\r\n'
    )
    assert restore(frame, token_map("Ada")) == frame.replace(b"{{PERSON_1}}", b"Ada")


@pytest.mark.parametrize(
    ("delta", "place"),
    [
        pytest.param(lambda text: {"content": text}, "0.content", id="content"),
        pytest.param(lambda text: {"refusal": text}, "0.refusal", id="refusal"),
        pytest.param(lambda text: {"reasoning_content": text}, "0.reasoning_content", id="reasoning"),
        pytest.param(lambda text: {"audio": {"transcript": text}}, "0.audio.transcript", id="transcript"),
        pytest.param(lambda text: {"content": [{"text": text}]}, "0.content[0].text", id="content parts"),
    ],
)
@pytest.mark.parametrize("size", [1, 2, 3, 64])
def test_every_text_channel_is_restored_from_deltas_of_any_size(
    delta: Callable[[str], Json], place: str, size: int
) -> None:
    text = "Dear {{PERSON_1}} and {{PERSON_2}}: {{PERSON_3}} {{PERSON_1}}"
    stream = b"".join(chunk(delta(text[at : at + size])) for at in range(0, len(text), size))
    restored = restore(stream + chunk({}, finish="stop") + DONE, token_map(NASTY, "Bo"))
    assert channels(restored) == {place: f"Dear {NASTY} and Bo: {{{{PERSON_3}}}} {NASTY}"}


@pytest.mark.parametrize("size", [1, 2, 64])
@pytest.mark.parametrize("legacy", [False, True], ids=["tool_calls", "function_call"])
def test_arguments_stay_json_whatever_an_original_holds(size: int, legacy: bool) -> None:
    source = '{"to": "{{PERSON_1}}, {{person_2}}", "{{PERSON_1}}": [1, "{"]}'

    def delta(text: str) -> Json:
        if legacy:
            return {"function_call": {"arguments": text}}
        return {"tool_calls": [{"index": 3, "function": {"arguments": text}}]}

    stream = b"".join(chunk(delta(source[at : at + size])) for at in range(0, len(source), size))
    restored = restore(stream + chunk({}, finish="tool_calls") + DONE, token_map(NASTY, '"'))
    [arguments] = channels(restored).values()
    assert json.loads(arguments) == {"to": f'{NASTY}, "', NASTY: [1, "{"]}


def test_a_number_in_arguments_comes_back_as_a_number() -> None:
    tokens = TokenMap({"CREDIT_CARD"})
    tokens.tokenize(Original("4111111111111111", is_number=True), "CREDIT_CARD")
    source = '{"card": "{{CREDIT_CARD_1}}", "note": "card {{CREDIT_CARD_1}}"}'
    calls = [chunk({"tool_calls": [{"index": 0, "function": {"arguments": letter}}]}) for letter in source]
    [arguments] = channels(restore(b"".join(calls) + DONE, tokens)).values()
    assert json.loads(arguments) == {"card": 4111111111111111, "note": "card 4111111111111111"}


@given(data=st.data())
def test_interleaved_channels_never_mix(data: st.DataObject) -> None:
    tokens = token_map(NASTY, "Bo", "{{PERSON_1}}")
    words = st.sampled_from(
        ["{{PERSON_1}}", "{{PERSON_2}}", "{{PERSON_3}}", "{{PER", "{", "\\", '"', " a", "}}"]
    )
    texts = {
        (index, field): "".join(data.draw(st.lists(words, max_size=5)))
        for index in (0, 1)
        for field in ("content", "refusal", "tool 0", "tool 1")
    }
    waiting = {
        key: cut(text, data.draw(st.lists(st.integers(0, 60), max_size=4))) for key, text in texts.items()
    }
    frames = []
    while any(waiting.values()):
        index, field = data.draw(st.sampled_from([key for key in texts if waiting[key]]))
        text = waiting[index, field].pop(0)
        name, _, number = field.partition(" ")
        call = {"tool_calls": [{"index": int(number or 0), "function": {"arguments": text}}]}
        frames.append(chunk(call if name == "tool" else {name: text}, index))
    stream = b"".join([*frames, chunk({}, 1, "stop"), chunk({}, 0, "stop"), DONE])
    restored = restore(stream, tokens)
    expected = {}
    for (index, field), text in texts.items():
        name, _, number = field.partition(" ")
        place = f"{index}.tool_calls[{number}].function.arguments" if name == "tool" else f"{index}.{name}"
        escaping = Escaping.JSON if name == "tool" else Escaping.TEXT
        if text:
            expected[place] = tokens.restore(text, escaping)
    assert channels(restored) == expected
    assert len(documents(restored)) >= len(documents(stream))
    assert restored == restore(stream, tokens, step=1)
    assert restored == restore(stream, tokens, step=data.draw(st.integers(2, 400)))


def test_every_cut_of_the_bytes_gives_the_same_bytes() -> None:
    tokens = token_map("Adé")
    stream = b": p\r\n\r\n" + b"".join(
        chunk({"content": text}, end=b"\r\n") for text in ("{{PER", "SON_1}}", " {{PE")
    )
    whole = restore(stream, tokens)
    for first in range(len(stream)):
        restorer = chat_stream_restorer(tokens.restorer)
        assert restorer.feed(stream[:first]) + restorer.feed(stream[first:]) + restorer.flush() == whole


def test_text_held_back_goes_into_the_delta_that_finishes_the_choice() -> None:
    stream = chunk({"content": "{{PER"}) + chunk({"content": "SON"}, finish="length") + DONE
    restored = documents(restore(stream, token_map("Ada")))
    assert [c["choices"][0]["delta"]["content"] for c in restored] == ["", "{{PERSON"]


def test_text_held_back_goes_before_a_finish_without_text_in_a_chunk_of_the_same_look() -> None:
    stream = chunk({"content": "a {{PER"}, service_tier="default") + chunk({}, finish="length") + DONE
    restored = documents(restore(stream, token_map("Ada")))
    assert [c["choices"][0]["delta"] for c in restored] == [{"content": "a "}, {"content": "{{PER"}, {}]
    assert [c["choices"][0]["finish_reason"] for c in restored] == [None, None, "length"]
    for name in ("id", "object", "created", "model"):
        assert restored[1][name] == restored[0][name]


@pytest.mark.parametrize(
    "end",
    [
        pytest.param(DONE, id="DONE"),
        pytest.param(b'data: {"error": {"message": "overloaded", "code": 503}}\n\n', id="error in the data"),
        pytest.param(b'event: error\ndata: {"message": "overloaded"}\n\n', id="error event"),
        pytest.param(b"event: error\ndata: overloaded\n\n", id="error event that is no JSON"),
        pytest.param(b"", id="the stream just ends"),
    ],
)
def test_text_held_back_goes_before_the_end_and_no_end_is_invented(end: bytes) -> None:
    stream = chunk({"content": "{{PER"}) + chunk({"content": "{"}, 1)
    restored = restore(stream + end, token_map("Ada"))
    assert channels(restored.removesuffix(end)) == {"0.content": "{{PER", "1.content": "{"}
    assert restored.endswith(end)
    assert restored.count(b"finish_reason") == 4
    assert b'"stop"' not in restored
    assert (b"[DONE]" in restored) == (end == DONE)


def test_tokens_in_an_error_are_restored() -> None:
    error = b'data: {"error":{"message":"no {{PERSON_1}}","type":"x","param":null}}\n\n'
    assert restore(error, token_map("Ada")) == error.replace(b"{{PERSON_1}}", b"Ada")


@pytest.mark.parametrize(
    "tail",
    [b'data: {"choices":[{"index":0,"del', b"data: {{PERSON_1}}", b"dat", b"event: x\n"],
    ids=["cut in JSON", "cut in text", "cut in a name", "no data yet"],
)
def test_a_frame_that_breaks_off_comes_last_as_raw_text(tail: bytes) -> None:
    restored = restore(chunk({"content": "{{PER"}) + tail, token_map("Ada"))
    tail = tail.replace(b"{{PERSON_1}}", b"Ada")
    assert restored.endswith(tail)
    assert channels(restored.removesuffix(tail)) == {"0.content": "{{PER"}


def test_a_last_frame_without_blank_line_is_restored_with_all_that_is_held() -> None:
    stream = chunk({"content": "{"}, 1) + chunk({"content": "{{PER"}) + chunk({"content": "SON_1}"}).rstrip()
    restored = restore(stream, token_map("Ada"))
    assert channels(restored) == {"0.content": "Ada", "1.content": "{"}


def test_logprobs_of_a_changed_text_become_null_and_others_stay() -> None:
    def spelled(text: str) -> bytes:
        logprobs = {"content": [{"token": text, "logprob": -0.5, "bytes": None, "top_logprobs": []}]}
        choice = {"index": 0, "delta": {"content": text}, "logprobs": logprobs, "finish_reason": None}
        return b"data: " + json.dumps({"choices": [choice], "obfuscation": "xY"}).encode() + b"\n\n"

    restored = restore(spelled("plain") + spelled("{{PERSON_1}}"), token_map("Ada"))
    assert restored.startswith(spelled("plain"))
    choice = documents(restored)[1]["choices"][0]
    assert (choice["delta"], choice["logprobs"]) == ({"content": "Ada"}, None)
    assert documents(restored)[1]["obfuscation"] == "xY"


def test_names_and_other_complete_strings_are_restored_at_once() -> None:
    call = {
        "index": 0,
        "id": "c",
        "type": "function",
        "function": {"name": "to_{{PERSON_1}}", "arguments": "{"},
    }
    restored = documents(restore(chunk({"tool_calls": [call]}) + DONE, token_map("Ada")))
    assert restored[0]["choices"][0]["delta"]["tool_calls"][0]["function"]["name"] == "to_Ada"


def test_a_tool_call_without_index_is_complete_in_its_chunk() -> None:
    def call(arguments: str) -> bytes:
        return chunk({"tool_calls": [{"id": "x", "function": {"name": "f", "arguments": arguments}}]})

    restored = documents(restore(call('"{{PER') + call('"{{PERSON_1}}"'), token_map("Ada")))
    said = [c["choices"][0]["delta"]["tool_calls"][0]["function"]["arguments"] for c in restored]
    assert said == ['"{{PER', '"Ada"']


def test_signed_and_encrypted_reasoning_stays_as_signed() -> None:
    details = [{"type": "reasoning.text", "text": "{{PERSON_1}}", "signature": "c2ln"}]
    frame = chunk({"reasoning_details": details, "extra": {"thought_signature": "{{PERSON_1}}"}})
    assert restore(frame, token_map("Ada")) == frame


def test_after_a_choice_has_finished_its_channels_begin_anew() -> None:
    stream = chunk({"content": "{{PER"}, finish="stop") + chunk({"content": "SON_1}}"})
    assert channels(restore(stream, token_map("Ada"))) == {"0.content": "{{PERSON_1}}"}


def test_data_that_are_no_json_are_restored_as_text_of_their_event() -> None:
    stream = b"event: a\ndata: {{PER\n\ndata: {{PERSON_2}}\n\nevent: a\ndata: SON_1}}!\n\n"
    restored = restore(stream, token_map("A\nda", "Bo"))
    assert restored == b"event: a\ndata: \n\ndata: Bo\n\nevent: a\ndata: A\ndata: da!\n\n"


def test_half_a_pair_of_surrogates_in_each_frame_is_kept() -> None:
    frames = [
        b'data: {"choices":[{"index":0,"delta":{"content":"{%s"}}]}\n\n' % half
        for half in (b"\\ud83d", b"\\ude00")
    ]
    restored = restore(b"".join(frames), token_map("Ada"))
    assert "".join(c["choices"][0]["delta"]["content"] for c in documents(restored)) == "{\ud83d{\ude00"


def test_separators_that_line_readers_split_at_are_escaped() -> None:
    restored = restore(chunk({"content": "{{PERSON_1}}"}), token_map("a\u2028b\u2029c\x85d"))
    assert len(restored.decode().splitlines()) == 2
    assert channels(restored) == {"0.content": "a\u2028b\u2029c\x85d"}


def test_arguments_given_as_an_object_are_complete_and_keep_numbers() -> None:
    tokens = TokenMap({"CREDIT_CARD"})
    tokens.tokenize(Original("4111111111111111", is_number=True), "CREDIT_CARD")
    arguments = {"card": "{{CREDIT_CARD_1}}", "signature": "{{CREDIT_CARD_1}}!", "rest": "{{CREDIT"}
    frame = chunk({"tool_calls": [{"index": 0, "function": {"arguments": arguments}}]})
    restored = documents(restore(frame, tokens))[0]["choices"][0]["delta"]["tool_calls"][0]["function"]
    number = 4111111111111111
    assert restored == {"arguments": {"card": number, "signature": f"{number}!", "rest": "{{CREDIT"}}


@pytest.mark.parametrize("choice", ["{{PERSON_1}}", ["{{PERSON_1}}"], 5, None])
def test_a_choice_that_is_no_object_is_restored_like_any_other_text(choice: Json) -> None:
    stream = b"data: " + json.dumps({"choices": [choice]}).encode() + b"\n\n"
    expected = json.loads(json.dumps(choice).replace("{{PERSON_1}}", "Ada Park"))
    assert documents(restore(stream, token_map("Ada Park"))) == [{"choices": [expected]}]
