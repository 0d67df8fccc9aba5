from __future__ import annotations

import json
import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.errors import ResponseUnsafe
from sidecar.formats import sse
from sidecar.formats.format import ByteRestorer
from sidecar.formats.generic_stream import generic_stream_restorer
from sidecar.formats.openai_chat_stream import chat_stream_restorer
from sidecar.formats.openai_responses import OPENAI_RESPONSES
from sidecar.formats.registry import FORMATS
from sidecar.formats.stream import StreamRestorer
from sidecar.model import Escaping, Original, RestorerFactory, TextRestorer
from sidecar.tokens.token_map import TokenMap

Make = Callable[[RestorerFactory], ByteRestorer]
EVERY_FORMAT = pytest.mark.parametrize(
    "make", [f.restore_stream for f in FORMATS], ids=[f.name for f in FORMATS]
)


def token_map(*originals: str) -> TokenMap:
    tokens = TokenMap({"PERSON"})
    for original in originals:
        tokens.tokenize(Original(original), "PERSON")
    return tokens


def restore(make: Make, body: bytes, restorers: RestorerFactory, *, step: int = 0) -> bytes:
    restorer = make(restorers)
    size = step or len(body) or 1
    pieces = [restorer.feed(body[at : at + size]) for at in range(0, len(body), size)]
    return b"".join([*pieces, restorer.flush()])


TEXTS = st.one_of(
    st.sampled_from(["{{PERSON_1}}", "{{PER", "SON_1}}", "{", "}", '"', "\\", "é😀", "\n", " word"]),
    st.text(max_size=5),
)


WORDS = st.sampled_from(["TEXT", "AUDIO", "{{PERSON_1}}"])


@st.composite
def frames(draw: st.DrawFn) -> bytes:
    """A frame such as the providers send, alike but not always the same."""
    text = draw(TEXTS)
    source = json.dumps(text, ensure_ascii=draw(st.booleans()))
    space = " " * draw(st.integers(0, 3))
    index = draw(st.integers(0, 1))
    chat = f'{{"id":"x","choices":[{{"index":{index},"delta":{{"content":{source}}},"finish_reason":'
    message = (
        f'{{"type":"content_block_delta","index":{index},"delta":{{"type":"text_delta","text":{source}}}'
    )
    candidate = (
        f'{{"candidates":[{{"content":{{"parts":[{{"text":{source}}}],"role":"model"}},"index":{index}}}]'
    )
    data = draw(
        st.sampled_from(
            [
                chat + f'null}}],"obfuscation":"{"a" * index}"}}',
                chat + "null}]}",
                chat + 'null}],"obfuscation":"{{PERSON_1}}"}',
                chat + '"stop"}]}',
                message + space + "}",
                candidate + f',"usageMetadata":{{"n":{index},"by":[{{"kind":"{draw(WORDS)}"}}]}}}}',
                f'{{"created_at":"{draw(WORDS)}","message":{{"content":{source}}},"done":false}}',
                f'{{"type":"content_block_stop","index":{index}}}',
                f'{{"text":{source}{space}}}',
                '{"error":{"message":"x"}}',
                "[DONE]",
                "no JSON {{PERSON_1}}",
            ],
        ),
    )
    name = draw(st.sampled_from(["", "", "event: e\n", "event: error\n"]))
    return f"{name}data: {data}\n\n".encode("utf-8", "surrogatepass")


@EVERY_FORMAT
@given(body=st.lists(frames(), max_size=12).map(b"".join), step=st.integers(1, 50))
def test_known_looks_and_cuts_change_nothing(make: Make, body: bytes, step: int) -> None:
    tokens = token_map('Ada "\\\n\u2028')
    restored = restore(make, body, tokens.restorer)
    assert restore(make, body, tokens.restorer, step=step) == restored
    forgetful = make(tokens.restorer)
    assert isinstance(forgetful, StreamRestorer)
    pieces = []
    for frame in body.split(b"\n\n")[:-1]:
        forgetful._known = []
        pieces.append(forgetful.feed(frame + b"\n\n"))
    assert b"".join([*pieces, forgetful.flush()]) == restored


@EVERY_FORMAT
@given(body=st.lists(frames(), max_size=12).map(b"".join), cut=st.integers(0, 2000))
def test_restoring_nothing_gives_identical_bytes_wherever_the_stream_breaks_off(
    make: Make,
    body: bytes,
    cut: int,
) -> None:
    assert restore(make, body[:cut], token_map().restorer) == body[:cut]


class Hoarder:
    """Holds everything back until its channel ends."""

    settled = False

    def __init__(self, _escaping: Escaping) -> None:
        self.held = ""

    def may_change(self, text: str) -> bool:
        return bool(text)

    def feed(self, delta: str) -> str:
        self.held += delta
        return ""

    def flush(self) -> str:
        held, self.held = self.held, ""
        return held


@EVERY_FORMAT
@given(body=st.lists(frames(), max_size=8).map(b"".join), step=st.integers(1, 50))
def test_no_frame_is_lost_however_much_is_held_back(make: Make, body: bytes, step: int) -> None:
    def hoarder(escaping: Escaping) -> TextRestorer:
        return Hoarder(escaping)

    restored = restore(make, body, hoarder)
    assert restored == restore(make, body, hoarder, step=step)
    assert restored.count(b"[DONE]") == body.count(b"[DONE]")
    assert restored.count(b"\n\n") >= body.count(b"\n\n")


class Settled(Hoarder):
    """Counts the pieces that it is given, and asks for no plain ones."""

    settled = True

    def feed(self, delta: str) -> str:
        self.held += "."
        return delta

    def flush(self) -> str:
        return ""


def test_a_settled_restorer_is_spared_the_plain_text_of_known_frames() -> None:
    made: list[Settled] = []

    def settled(escaping: Escaping) -> TextRestorer:
        made.append(Settled(escaping))
        return made[-1]

    texts = ["Hi", " you", " there", " {", " and"]
    body = b"".join(
        b'data: {"choices":[{"index":0,"delta":{"content":"%b"}}]}\n\n' % text.encode() for text in texts
    )
    restorer = chat_stream_restorer(settled)
    assert b"".join(restorer.feed(frame + b"\n\n") for frame in body.split(b"\n\n")[:-1]) == body
    assert made[0].held == ".."  # for the first frame, which was not known, and for the brace


@EVERY_FORMAT
def test_a_frame_that_does_not_end_is_unsafe(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "MAX_FRAME_BYTES", 50)
    with pytest.raises(ResponseUnsafe):
        restore(make, b'data: "' + b"a" * 100, token_map("Ada").restorer)


@EVERY_FORMAT
def test_documents_as_deep_as_can_be_read_are_restored(make: Make) -> None:
    deep = b"data: " + b'{"a":[' * 500 + b'"{{PERSON_1}}"' + b"]}" * 500 + b"\n\n"
    assert restore(make, deep, token_map("Ada").restorer) == deep.replace(b"{{PERSON_1}}", b"Ada")


CHOICE = '{{"choices":[{{"index":{0},"delta":{{"content":"{{{{PER"}}}}]}}'
CHOICE_END = '{{"choices":[{{"index":{0},"delta":{{}},"finish_reason":"stop"}}]}}'
ITEM = '{{"type":"response.output_text.delta","output_index":{0},"content_index":0,"delta":"{{{{PER"}}'
PART = '{{"type":"response.output_text.delta","output_index":0,"content_index":{0},"delta":"{{{{PER"}}'


@pytest.mark.parametrize(
    ("make", "delta", "end"),
    [
        pytest.param(chat_stream_restorer, CHOICE, CHOICE_END, id="choices"),
        pytest.param(generic_stream_restorer, CHOICE, CHOICE_END, id="objects of any shape"),
        pytest.param(
            OPENAI_RESPONSES.restore_stream,
            ITEM,
            '{{"type":"response.output_item.done","output_index":{0},"item":{{}}}}',
            id="items",
        ),
        pytest.param(
            OPENAI_RESPONSES.restore_stream,
            PART,
            '{{"type":"response.content_part.done","output_index":0,"content_index":{0},"part":{{}}}}',
            id="parts of an item",
        ),
    ],
)
def test_the_end_of_a_channel_costs_the_same_however_many_are_open(make: Make, delta: str, end: str) -> None:
    tokens = token_map("Ada Park")

    def seconds(count: int) -> float:
        documents = [shape.format(number) for shape in (delta, end) for number in range(count)]
        body = "".join(f"data: {document}\n\n" for document in documents).encode()
        started = time.process_time()
        restored = restore(make, body, tokens.restorer)
        taken = time.process_time() - started
        assert restored.count(b"{{PER") == count
        return taken

    assert seconds(8000) < 16 * seconds(1000)  # eight times as long, not sixty-four
