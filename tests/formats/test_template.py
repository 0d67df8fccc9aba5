from __future__ import annotations

import pytest

from sidecar.formats.json_text import read_bytes
from sidecar.formats.template import Template

READ = b'{"id":"x","choices":[{"delta":{"content":" a"},"end":null}],"pad":"qW3","n":1}'


def template(frame: bytes = READ, *path: str | int) -> Template:
    document = read_bytes(frame)
    entry = document.find(*(path or ("choices", 0, "delta", "content")))
    assert entry is not None
    return Template(document, document.literal(entry), {"pad"})


@pytest.mark.parametrize(
    ("source", "text"),
    [
        pytest.param('" b"', " b", id="another text"),
        pytest.param('""', "", id="nothing"),
        pytest.param(r'"\"\\\n\u00e9\ud83d\ude00"', '"\\\né😀', id="escapes"),
        pytest.param(r'"\ud83d"', "\ud83d", id="half a pair"),
        pytest.param('"é😀\x7f"', "é😀\x7f", id="bare characters"),
    ],
)
@pytest.mark.parametrize("padding", [b'"qW3"', b'""', b'"aaaaaaaaaaaaaaaa"'], ids=["same", "none", "longer"])
def test_the_delta_of_a_frame_of_the_same_look_is_found(source: str, text: str, padding: bytes) -> None:
    data = READ.replace(b'" a"', source.encode()).replace(b'"qW3"', padding)
    found = template().find(data)
    assert found is not None
    assert found.text == text
    assert data[found.start : found.end] == source.encode()


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(READ.replace(b'"x"', b'"y"'), id="another start"),
        pytest.param(READ.replace(b"null", b'"stop"'), id="another rest"),
        pytest.param(READ.replace(b'"n":1', b'"n":2'), id="another end"),
        pytest.param(READ + b" ", id="a longer end"),
        pytest.param(READ.replace(b"qW3", b"{{PERSON_1}}"), id="padding that may hold a token"),
        pytest.param(READ.replace(b'"qW3"', b"null"), id="padding that is no string"),
        pytest.param(READ.replace(b'" a"', b"null"), id="no text"),
        pytest.param(READ.replace(b'" a"', b'" a","x":"b"'), id="one more string"),
        pytest.param(READ.replace(b'" a"', rb'"\x"'), id="an escape that is none"),
        pytest.param(READ.replace(b'" a"', rb'"\u12"'), id="half an escape"),
        pytest.param(READ.replace(b'" a"', b'"\t"'), id="a bare tab"),
        pytest.param(READ.replace(b'" a"', b'"\xff"'), id="not UTF-8"),
        pytest.param(READ[:50], id="cut"),
        pytest.param(b"", id="empty"),
    ],
)
def test_a_frame_of_another_look_is_left_to_the_reader(data: bytes) -> None:
    assert template().find(data) is None


def test_white_space_before_the_closing_braces_is_padding() -> None:
    frame = b'{"delta":{"text":"a"} }'
    known = template(frame, "delta", "text")
    assert known.find(b'{"delta":{"text":"b"}        }')
    assert known.find(b'{"delta":{"text":"b"}}')
    assert known.find(b'{"delta":{"text":"b"}}}') is None
    assert known.find(b'{"delta":{"text":"b"} ,"x":1}') is None


NUMBERED = b'{"type":"d","pad":41,"delta":" a","pad2":41}'


@pytest.mark.parametrize("number", [b"41", b"0", b"1234567"])
def test_a_number_before_the_delta_may_be_padding(number: bytes) -> None:
    data = NUMBERED.replace(b'"pad":41', b'"pad":' + number).replace(b'" a"', b'" b"')
    found = template(NUMBERED, "delta").find(data)
    assert found is not None
    assert (found.text, data[found.start : found.end]) == (" b", b'" b"')


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(NUMBERED.replace(b'"pad":41', b'"pad":"41"'), id="no number"),
        pytest.param(NUMBERED.replace(b'"pad":41', b'"pad":4e1'), id="no whole number"),
        pytest.param(NUMBERED.replace(b'"pad":41', b'"pad":-41'), id="below zero"),
        pytest.param(NUMBERED.replace(b'"pad":41', b'"pad":'), id="nothing"),
        pytest.param(NUMBERED.replace(b'"pad2":41', b'"pad2":42'), id="another number"),
        pytest.param(NUMBERED[:20], id="cut"),
    ],
)
def test_what_stands_in_its_place_must_be_a_whole_number(data: bytes) -> None:
    assert template(NUMBERED, "delta").find(data) is None


STAMPED = b'{"pad":"2026-01-01T00:00:00.123456+01:00","delta":" a"}'


@pytest.mark.parametrize("stamp", [b'"2027-02-02T01:01:01Z"', b'""'], ids=["another time", "nothing"])
def test_a_time_before_the_delta_may_be_padding(stamp: bytes) -> None:
    data = STAMPED.replace(STAMPED[7:41], stamp).replace(b'" a"', b'" b"')
    found = template(STAMPED, "delta").find(data)
    assert found is not None
    assert (found.text, data[found.start : found.end]) == (" b", b'" b"')


@pytest.mark.parametrize(
    "stamp", [b'"{{PERSON_1}}"', b'"\\u007b"', b'"a b"', b"1", b"null", b'"', b'"x","delta":"y"']
)
def test_what_is_no_time_is_no_padding(stamp: bytes) -> None:
    assert template(STAMPED, "delta").find(STAMPED.replace(STAMPED[7:41], stamp)) is None
