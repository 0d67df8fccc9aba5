"""Passing plain frames: only those that a reader would find to differ in a plain delta and padding."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.formats.json_text import read_bytes
from sidecar.formats.plain_frames import PlainFrames, around
from sidecar.formats.sse import SseDecoder
from sidecar.formats.template import Template
from sidecar.model import SPECIAL

READ = b'event: e\ndata: {"n":41,"delta":{"text":" a"},"pad":"qW3"}\n\n'
BARE = b'data: {"delta":{"text":" a"}}\n\n'


def plain(frame: bytes = READ) -> PlainFrames:
    [read] = SseDecoder().decode(frame)
    assert read.data is not None
    document = read_bytes(read.data)
    entry = document.find("delta", "text")
    place = around(frame, read.data)
    assert entry is not None
    assert place is not None
    return PlainFrames(Template(document, document.literal(entry), {"n", "pad"}), place)


@pytest.mark.parametrize(
    "frame",
    [
        pytest.param(READ, id="the same"),
        pytest.param(READ.replace(b" a", b"ab c: d, [e]!"), id="another text"),
        pytest.param(READ.replace(b" a", b""), id="no text"),
        pytest.param(READ.replace(b" a", "éд中\u2028\ue000".encode()), id="letters of two and three bytes"),
        pytest.param(READ.replace(b"41", b"1234567"), id="another number that is padding"),
        pytest.param(READ.replace(b"qW3", b""), id="no padding"),
    ],
)
def test_a_plain_frame_of_the_same_look_passes(frame: bytes) -> None:
    assert plain().end(frame, 0) == len(frame)
    assert plain().end(b"xy" + frame + b"xy", 2) == 2 + len(frame)


@pytest.mark.parametrize(
    "frame",
    [
        *(
            pytest.param(READ.replace(b" a", special.encode()), id=f"U+{ord(special):04X} may matter")
            for special in SPECIAL
        ),
        pytest.param(READ.replace(b" a", b"\t"), id="a bare control character"),
        pytest.param(READ.replace(b" a", b"\xff"), id="not UTF-8"),
        pytest.param(READ.replace(b" a", b"\xc0\xaf"), id="overlong"),
        pytest.param(READ.replace(b" a", b"\xe0\x80\xaf"), id="overlong in three bytes"),
        pytest.param(READ.replace(b" a", b"\xed\xa0\x80"), id="a surrogate"),
        pytest.param(READ.replace(b" a", b"\xc3"), id="half a letter"),
        pytest.param(READ.replace(b"event: e", b"event: f"), id="another event"),
        pytest.param(READ.replace(b"41", b"-1"), id="another kind of number"),
        pytest.param(READ.replace(b"41", b""), id="no number"),
        pytest.param(READ.replace(b"qW3", b"{{A_1}}"), id="padding that may hold a token"),
        pytest.param(READ.replace(b'"delta"', b'"Delta"'), id="another key"),
        pytest.param(READ.replace(b"}\n\n", b"]\n\n"), id="another end"),
        pytest.param(READ[:-1], id="the last byte is missing"),
        pytest.param(READ[:30], id="cut"),
        pytest.param(b"", id="empty"),
    ],
)
def test_any_other_frame_is_left_to_the_framer(frame: bytes) -> None:
    assert plain().end(frame, 0) == -1


def test_white_space_among_the_closing_brackets_is_padding() -> None:
    for spaces in (b"}}", b"} }", b"}  \t}   "):
        frame = BARE.replace(b"}}", spaces)
        assert plain(BARE).end(frame, 0) == len(frame)
    for others in (b"}", b"}}}", b"},}", b'},"x":1}'):
        assert plain(BARE).end(BARE.replace(b"}}", others), 0) == -1


@pytest.mark.parametrize(
    "frame",
    [
        pytest.param(
            b'event: e\n: {"a":""}\ndata: {"a":""}\n\n', id="the data come twice, once in a comment"
        ),
        pytest.param(b'data: {"a":\ndata: ""}\n\n', id="the data stand in two lines"),
        pytest.param(b'data: {"a":""}\r\r', id="a line feed may follow"),
    ],
)
def test_where_the_data_stand_must_be_certain(frame: bytes) -> None:
    [read] = SseDecoder().decode(frame)
    assert read.data is not None
    assert around(frame, read.data) is None


PIECES = st.sampled_from(
    ["a", "é", "\uff5b", "\uefff", "\ud7ff", "\ue000", "😀", "\x7f", "\x80", "{", "&", "]"]
)


@given(st.text() | st.lists(PIECES).map("".join))
def test_what_passes_is_plain_and_reads_as_the_same_text(text: str) -> None:
    frame = READ.replace(b" a", text.encode("utf-8", "surrogatepass"))
    if plain().end(frame, 0) > 0:
        assert not re.search(r"[\x00-\x1f\\]", text)
        assert not set(SPECIAL) & set(text)
        [read] = SseDecoder().decode(frame)
        assert read_bytes(read.data or b"").text == f'{{"n":41,"delta":{{"text":"{text}"}},"pad":"qW3"}}'
