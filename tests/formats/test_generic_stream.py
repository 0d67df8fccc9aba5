from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.formats.format import ByteRestorer
from sidecar.formats.generic_stream import generic_stream_restorer, ndjson_restorer
from sidecar.model import Original, RestorerFactory
from sidecar.tokens.token_map import TokenMap

NASTY = 'Ada "the\tCountess"\\ \n Löve 😀 \u2028 <b>&amp;'
Json = Any
Make = Callable[[RestorerFactory], ByteRestorer]


def token_map(*originals: str) -> TokenMap:
    tokens = TokenMap({"PERSON", "CREDIT_CARD"})
    for original in originals:
        tokens.tokenize(Original(original), "PERSON")
    return tokens


def sse(document: Json, name: str = "") -> bytes:
    event = f"event: {name}\n" if name else ""
    return f"{event}data: {json.dumps(document)}\n\n".encode()


def line(document: Json, name: str = "") -> bytes:
    assert not name
    return json.dumps(document).encode() + b"\n"


def restore(make: Make, stream: bytes, tokens: TokenMap, *, step: int = 0) -> bytes:
    restorer = make(tokens.restorer)
    size = step or len(stream) or 1
    pieces = [restorer.feed(stream[at : at + size]) for at in range(0, len(stream), size)]
    return b"".join([*pieces, restorer.flush()])


def documents(stream: bytes) -> list[Json]:
    lines = [each.removeprefix(b"data: ") for each in stream.split(b"\n")]
    return [json.loads(each) for each in lines if each.startswith(b"{")]


FRAMINGS = pytest.mark.parametrize(
    ("make", "frame"),
    [pytest.param(generic_stream_restorer, sse, id="SSE"), pytest.param(ndjson_restorer, line, id="NDJSON")],
)


@FRAMINGS
@pytest.mark.parametrize("size", [1, 2, 3, 64])
def test_any_string_may_be_a_delta_of_any_size(make: Make, frame: Callable[[Json], bytes], size: int) -> None:
    text = "Dear {{PERSON_1}} and {{PERSON_2}}: {{PERSON_3}} {{PERSON_1}}"
    stream = b"".join(
        frame({"model": "m", "a": [{"b": {"c": text[at : at + size]}}], "n": at})
        for at in range(0, len(text), size)
    )
    restored = documents(restore(make, stream, token_map(NASTY, "Bo")))
    said = "".join(document["a"][0]["b"]["c"] for document in restored)
    assert said == f"Dear {NASTY} and Bo: {{{{PERSON_3}}}} {NASTY}"
    assert [document["model"] for document in restored] == ["m"] * len(restored)


@FRAMINGS
@pytest.mark.parametrize(
    "wrap",
    [
        pytest.param(lambda text, n: {"choices": [{"text": text, "index": n}]}, id="index in an array"),
        pytest.param(lambda text, n: {"delta": text, "output_index": n}, id="index beside it"),
        pytest.param(lambda text, n: {"delta": text, "item_id": f"item {n}"}, id="item id"),
        pytest.param(lambda text, n: {"type": f"t{n}", "delta": text}, id="type"),
        pytest.param(lambda text, n: {f"k{n}": text}, id="key"),
    ],
)
def test_parallel_answers_do_not_mix(
    make: Make,
    frame: Callable[[Json], bytes],
    wrap: Callable[[str, int], Json],
) -> None:
    pieces = [("{{PER", 0), ("{{", 1), ("SON_1}}", 0), ("PERSON_2}}", 1)]
    restored = restore(make, b"".join(frame(wrap(text, n)) for text, n in pieces), token_map("Ada", "Bo"))
    assert documents(restored) == [wrap("", 0), wrap("", 1), wrap("Ada", 0), wrap("Bo", 1)]


@FRAMINGS
def test_a_counter_of_frames_does_not_tell_texts_apart(make: Make, frame: Callable[[Json], bytes]) -> None:
    pieces = ["{{PER", "SON_1}}"]
    stream = b"".join(
        frame({"sequence_number": n, "chunk_index": n, "text": text}) for n, text in enumerate(pieces)
    )
    assert [each["text"] for each in documents(restore(make, stream, token_map("Ada")))] == ["", "Ada"]


def test_an_index_finds_its_channel_wherever_it_stands_in_the_array() -> None:
    both = sse({"choices": [{"index": 0, "text": "{{"}, {"index": 1, "text": "{{PER"}]})
    stream = both + sse({"choices": [{"index": 1, "text": "SON_1}}"}]})
    assert documents(restore(generic_stream_restorer, stream, token_map("Ada")))[1] == {
        "choices": [{"index": 1, "text": "Ada"}],
    }


@FRAMINGS
@pytest.mark.parametrize(
    "last",
    [
        pytest.param({"message": {"content": "SON"}, "done": True}, id="done"),
        pytest.param({"message": {"content": "SON"}, "finish_reason": "stop"}, id="finish_reason"),
        pytest.param({"message": {"content": "SON", "finishReason": "STOP"}}, id="finishReason beside it"),
    ],
)
def test_text_held_back_goes_into_the_frame_that_ends_its_channel(
    make: Make,
    frame: Callable[[Json], bytes],
    last: Json,
) -> None:
    first = {"message": {"content": "{{PER"}, "done": False, "finish_reason": None}
    restored = documents(restore(make, frame(first) + frame(last), token_map("Ada")))
    assert [document["message"]["content"] for document in restored] == ["", "{{PERSON"]


@FRAMINGS
def test_text_held_back_goes_before_an_ending_frame_without_text(
    make: Make,
    frame: Callable[[Json], bytes],
) -> None:
    stream = frame({"id": "x", "content": "a {{PER", "thinking": "b"}) + frame({"id": "x", "done": True})
    assert documents(restore(make, stream, token_map("Ada"))) == [
        {"id": "x", "content": "a ", "thinking": "b"},
        {"id": "x", "content": "{{PER", "thinking": ""},
        {"id": "x", "done": True},
    ]


@FRAMINGS
def test_text_held_back_goes_before_an_error_and_before_the_end(
    make: Make,
    frame: Callable[[Json], bytes],
) -> None:
    held, error = frame({"content": "{{PER"}), frame({"error": {"message": "{{PERSON_1}}"}})
    blank, kept = frame({"content": ""}), frame({"content": "{{PER"})
    restored = restore(make, held + error, token_map("Ada"))
    assert restored == blank + kept + error.replace(b"{{PERSON_1}}", b"Ada")
    assert restore(make, held, token_map("Ada")) == blank + kept


@FRAMINGS
def test_keys_are_restored_and_thinking_is_not(make: Make, frame: Callable[[Json], bytes]) -> None:
    thinking = {"type": "thinking", "thinking": "{{PERSON_1}}", "signature": ""}
    document = {
        "{{PERSON_1}}": 1,
        "signature": "Yours, {{PERSON_1}}",
        "x": thinking,
        "encrypted_x": "{{PERSON_1}}",
    }
    expected = document | {"signature": "Yours, Ada", "Ada": 1}
    del expected["{{PERSON_1}}"]
    assert documents(restore(make, frame(document), token_map("Ada"))) == [expected]


@FRAMINGS
def test_arguments_given_as_an_object_are_complete_and_keep_numbers(
    make: Make,
    frame: Callable[[Json], bytes],
) -> None:
    tokens = token_map()
    tokens.tokenize(Original("4111111111111111", is_number=True), "CREDIT_CARD")
    document = {"call": {"arguments": {"card": "{{CREDIT_CARD_1}}", "text": "{{CREDIT"}}}
    restored = documents(restore(make, frame(document), tokens))
    assert restored == [{"call": {"arguments": {"card": 4111111111111111, "text": "{{CREDIT"}}}]


@FRAMINGS
def test_arguments_given_as_text_stay_json(make: Make, frame: Callable[[Json], bytes]) -> None:
    stream = b"".join(frame({"arguments": letter}) for letter in '{"a": "{{PERSON_1}}"}')
    said = "".join(each["arguments"] for each in documents(restore(make, stream, token_map(NASTY))))
    assert json.loads(said) == {"a": NASTY}


@FRAMINGS
@given(data=st.data())
def test_cutting_does_not_matter(make: Make, frame: Callable[[Json], bytes], data: st.DataObject) -> None:
    words = st.sampled_from(["{{PERSON_1}}", "{{PER", "SON_1}}", "{", "é", " a"])
    frames = data.draw(
        st.lists(
            st.one_of(
                st.builds(lambda text, n: frame({"index": n, "text": text}), words, st.integers(0, 1)),
                st.sampled_from(
                    [frame({"done": True}), b"\n", b"[DONE]\n", b"{{PERSON_1}} no JSON\n", b"\xff{{\n"]
                ),
            ),
            max_size=8,
        ),
    )
    stream = b"".join(frames)[: data.draw(st.integers(0, 600))]
    tokens = token_map("Ada")
    whole = restore(make, stream, tokens)
    assert restore(make, stream, tokens, step=1) == whole
    assert restore(make, stream, tokens, step=data.draw(st.integers(2, 100))) == whole


@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["LF", "CRLF"])
def test_lines_keep_their_ends_and_their_spelling(end: str) -> None:
    stream = (
        f' {{"a": 1e400, "b": "\\u0061 {{{{PERSON_1}}}}" }} {end}{end}\x1e{{"b":"{{{{PERSON_1}}}}"}}{end}'
    )
    expected = stream.replace("{{PERSON_1}}", "Ada").replace("\\u0061", "a", 1).encode()
    assert restore(ndjson_restorer, stream.encode(), token_map("Ada")) == expected


def test_a_last_line_without_line_end_is_a_line() -> None:
    tokens = token_map("Ada")
    assert restore(ndjson_restorer, b'{"a":"{{PERSON_1}}"}', tokens) == b'{"a":"Ada"}'
    restored = restore(ndjson_restorer, b'{"a":"{{PER"}\n{"a":"SON_1}"}', tokens)
    assert restored == b'{"a":""}\n{"a":"Ada"}'


def test_lines_that_are_no_json_are_restored_as_text() -> None:
    stream = b"To {{PERSON_1}} \xff\n{broken {{PERSON_1}}\n"
    assert restore(ndjson_restorer, stream, token_map("Ada")) == stream.replace(b"{{PERSON_1}}", b"Ada")


def test_done_ends_all_channels() -> None:
    stream = sse({"text": "{{PER"}) + b"data: [DONE]\n\n"
    restored = restore(generic_stream_restorer, stream, token_map("Ada"))
    assert restored == sse({"text": ""}) + sse({"text": "{{PER"}) + b"data: [DONE]\n\n"


def test_event_names_tell_channels_apart() -> None:
    stream = sse({"text": "{{PER"}, "a") + sse({"text": "SON_1}}"}, "b")
    restored = restore(generic_stream_restorer, stream, token_map("Ada"))
    assert restored.startswith(sse({"text": ""}, "a") + sse({"text": "SON_1}}"}, "b"))
    assert restored.endswith(sse({"text": "{{PER"}, "a"))


def test_text_frames_are_restored_across_frames_of_one_event() -> None:
    stream = b"data: To {{PER\n\ndata: SON_1}}!\n\ndata: {{\n\n"
    restored = restore(generic_stream_restorer, stream, token_map("Ada"))
    assert restored == b"data: To \n\ndata: Ada!\n\ndata: \n\ndata: {{\n\n"
