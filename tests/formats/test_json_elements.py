from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.errors import ResponseUnsafe
from sidecar.formats import json_elements
from sidecar.formats.json_elements import ElementFrame, JsonElementsDecoder
from sidecar.formats.stream import DONE

any_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=6)
    | st.sampled_from(['"', "\\", "[{", "}]"]),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=3), below, max_size=3),
    max_leaves=8,
)
containers = st.lists(any_json, max_size=3) | st.dictionaries(st.text(max_size=3), any_json, max_size=3)


def decoded(body: bytes, step: int) -> list[ElementFrame]:
    decoder = JsonElementsDecoder()
    frames = [frame for at in range(0, len(body), step) for frame in decoder.decode(body[at : at + step])]
    return [*frames, *decoder.flush()]


@given(st.lists(containers, max_size=5), st.sampled_from([None, 1, "\t"]), st.integers(1, 9))
def test_each_element_is_a_frame_however_the_bytes_are_cut(
    elements: list[Any], indent: int | str | None, step: int
) -> None:
    body = b"\n" + json.dumps(elements, indent=indent).encode() + b"\r\n"
    frames = decoded(body, step)
    assert b"".join(frame.raw for frame in frames) == body
    assert [json.loads(frame.data or b"") for frame in frames[: len(elements)]] == elements
    assert [frame.data for frame in frames[len(elements) :]] == [DONE, None]


@given(st.lists(containers, min_size=1, max_size=4), st.data())
def test_an_element_is_known_with_its_last_byte(elements: list[Any], data: st.DataObject) -> None:
    texts = [json.dumps(element).encode() for element in elements]
    decoder = JsonElementsDecoder()
    count = data.draw(st.integers(1, len(texts)))
    assert len(decoder.decode(b"[" + b",".join(texts[:count]))) == count


@given(st.binary(max_size=60), st.integers(1, 9))
def test_no_byte_is_lost_whatever_comes(body: bytes, step: int) -> None:
    assert b"".join(frame.raw for frame in decoded(body, step)) == body


def test_other_data_take_the_place_of_an_element_and_nothing_else_changes() -> None:
    first, second, _ = decoded(b'\xef\xbb\xbf[ {"a": 1}\n, ["b"]]', 100)
    assert first.with_data(b"{}") == b"\xef\xbb\xbf[ {}"
    assert second.with_data(b"[]") == b"\n, []"


@pytest.mark.parametrize(
    ("between", "composed"), [(b",", b",{}"), (b",\n", b",\n{}"), (b"\r\n,\r\n", b",\r\n{}")]
)
def test_an_element_of_our_own_stands_like_the_others(between: bytes, composed: bytes) -> None:
    frame = decoded(b"[{}" + between + b"{}]", 100)[1]
    assert JsonElementsDecoder().compose(b"{}", "", frame.line_end) == composed


@pytest.mark.parametrize("body", [b'[{"a": "', b"[{},", b'[{"a"', b"[", b'["\\'])
def test_what_breaks_off_is_not_complete(body: bytes) -> None:
    assert not decoded(body, 2)[-1].complete


def test_an_element_that_does_not_end_is_unsafe(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_elements, "MAX_FRAME_BYTES", 50)
    with pytest.raises(ResponseUnsafe):
        decoded(b'[{"a": "' + b"a" * 100, 7)
