"""Known frames: exactly those that a reader would find to differ in nothing but a delta and padding."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.formats.json_text import read_bytes
from sidecar.formats.known_frames import KnownFrames, Sighting, around
from sidecar.formats.sse import SseDecoder
from sidecar.formats.template import Template
from sidecar.model import SPECIAL

READ = b'event: e\ndata: {"n":41,"delta":{"text":" a"},"pad":"qW3"}\n\n'
BARE = b'data: {"delta":{"text":" a"}}\n\n'


def known(frame: bytes = READ) -> KnownFrames:
    [read] = SseDecoder().decode(frame)
    assert read.data is not None
    document = read_bytes(read.data)
    entry = document.find("delta", "text")
    place = around(frame, read.data)
    assert entry is not None
    assert place is not None
    return KnownFrames(Template(document, document.literal(entry), {"n", "pad"}), place)


def sighting(frame: bytes, source: bytes, *, plain: bool) -> Sighting:
    start = frame.index(b'"text":"') + 8
    return start, start + len(source), len(frame), plain


@pytest.mark.parametrize(
    ("frame", "source"),
    [
        pytest.param(READ, b" a", id="the same"),
        pytest.param(READ.replace(b" a", b"ab c: d, [e]!"), b"ab c: d, [e]!", id="another text"),
        pytest.param(READ.replace(b" a", b""), b"", id="no text"),
        pytest.param(
            READ.replace(b" a", "éд中\u2028\ue000".encode()),
            "éд中\u2028\ue000".encode(),
            id="letters of two and three bytes",
        ),
        pytest.param(READ.replace(b"41", b"1234567"), b" a", id="another number that is padding"),
        pytest.param(READ.replace(b"qW3", b""), b" a", id="no padding"),
    ],
)
def test_a_plain_frame_of_the_same_look_is_known(frame: bytes, source: bytes) -> None:
    found = sighting(frame, source, plain=True)
    assert known().find(frame, 0) == found
    assert known().find(b"xy" + frame + b"xy", 2) == (found[0] + 2, found[1] + 2, found[2] + 2, True)


@pytest.mark.parametrize(
    "source",
    [
        *(
            pytest.param(special.encode(), id=f"U+{ord(special):04X}")
            for special in SPECIAL
            if special not in '"\\'
        ),
        pytest.param(rb"\"", id="an escaped quote"),
        pytest.param(rb"\\", id="an escaped backslash"),
        pytest.param(rb"\ud83d\ude00", id="an escaped letter"),
        pytest.param(b"a {{PERSON_1}} b", id="a token"),
        pytest.param("😀".encode(), id="a letter of four bytes"),
        pytest.param(b"\xff", id="not UTF-8"),
        pytest.param(b"\xc0\xaf", id="overlong"),
        pytest.param(b"\xe0\x80\xaf", id="overlong in three bytes"),
        pytest.param(b"\xed\xa0\x80", id="a surrogate"),
        pytest.param(b"\xc3", id="half a letter"),
    ],
)
def test_what_may_matter_or_be_no_text_is_not_plain(source: bytes) -> None:
    frame = READ.replace(b" a", source)
    assert known().find(frame, 0) == sighting(frame, source, plain=False)


@pytest.mark.parametrize(
    "frame",
    [
        pytest.param(READ.replace(b" a", b"\t"), id="a bare control character"),
        pytest.param(READ.replace(b" a", b'a","x":"b'), id="one more string"),
        pytest.param(READ.replace(b'" a"', b"null"), id="no text"),
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
    assert known().find(frame, 0) is None


def test_white_space_among_the_closing_brackets_is_padding() -> None:
    for spaces in (b"}}", b"} }", b"}  \t}   "):
        frame = BARE.replace(b"}}", spaces)
        assert known(BARE).find(frame, 0) == sighting(frame, b" a", plain=True)
    for others in (b"}", b"}}}", b"},}", b'},"x":1}'):
        assert known(BARE).find(BARE.replace(b"}}", others), 0) is None


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


COUNTS = b'{"n":1,"by":[{"kind":"TEXT","n":1}]}'
COUNTED = b'data: {"delta":{"text":" a"},"pad":' + COUNTS + b',"id":"x"}\r\n\r\n'


@pytest.mark.parametrize(
    "counts",
    [
        pytest.param(b'{"n":1,"by":[{"kind":"TEXT","n":1}]}', id="the same"),
        pytest.param(
            b'{"n": 20, "by": [{"kind": "TEXT", "n": 1}, {"kind": "AUDIO", "n": 0}], "m": {}}', id="more"
        ),
        pytest.param(b"{}", id="none"),
    ],
)
def test_an_object_of_counts_may_be_padding(counts: bytes) -> None:
    frame = COUNTED.replace(COUNTS, counts)
    assert read_bytes(frame[6:-4])
    assert known(COUNTED).find(frame, 0) == sighting(frame, b" a", plain=True)


@pytest.mark.parametrize(
    "counts",
    [
        pytest.param(b'{"n":1},"delta":{"text":"b"}', id="one more member beside it"),
        pytest.param(b'{"n":"{{A_1}}"}', id="a word that may be a token"),
        pytest.param(b'{"{{A_1}}":1}', id="a key that may be a token"),
        pytest.param(b'{"n":1,}', id="no JSON"),
        pytest.param(b'{"n":01}', id="no number"),
        pytest.param(b'{"n":{"n":{"n":1}}}', id="too deep"),
        pytest.param(b'{"n":1', id="open"),
        pytest.param(b"null", id="no object"),
        pytest.param(b'"x"', id="a string"),
    ],
)
def test_anything_else_is_no_object_of_counts(counts: bytes) -> None:
    assert known(COUNTED).find(COUNTED.replace(COUNTS, counts), 0) is None


def test_a_long_object_of_counts_is_finished() -> None:
    counts = b'{"n":[' + b'{"a":1},' * 50_000 + b'{"a":x}]}'
    assert known(COUNTED).find(COUNTED.replace(COUNTS, counts), 0) is None


PIECES = st.sampled_from(
    ["a", "é", "\uff5b", "\uefff", "\ud7ff", "\ue000", "😀", "\x7f", "\x80", "{", "&", "]"]
)


@given(st.text() | st.lists(PIECES).map("".join))
def test_plain_text_reads_as_it_stands(text: str) -> None:
    frame = READ.replace(b" a", json.dumps(text, ensure_ascii=False)[1:-1].encode("utf-8", "surrogatepass"))
    found = known().find(frame, 0)
    assert found is not None
    if found[3]:
        assert frame[found[0] : found[1]].decode() == text
        assert not re.search(r"[\x00-\x1f]", text)
        assert not set(SPECIAL) & set(text)
