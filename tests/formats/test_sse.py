from __future__ import annotations

import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.errors import ResponseUnsafe
from sidecar.formats import sse
from sidecar.formats.sse import Frame, SseDecoder

LINE_ENDS = pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"], ids=["LF", "CRLF", "CR"])


def decode(*chunks: bytes) -> list[Frame]:
    decoder = SseDecoder()
    return [frame for chunk in chunks for frame in decoder.decode(chunk)] + decoder.flush()


def pieces(stream: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({0, len(stream), *(cut % (len(stream) + 1) for cut in cuts)})
    return [stream[start:stop] for start, stop in pairwise(places)]


def said(frames: list[Frame]) -> list[tuple[str, bytes]]:
    return [(frame.event, frame.data) for frame in frames if frame.data is not None]


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        pytest.param(b"data: a\n\n", [("", b"a")], id="one space after the colon is no text"),
        pytest.param(b"data:  a\n\n", [("", b" a")], id="a second space is"),
        pytest.param(b"data:a\n\n", [("", b"a")], id="no space is needed"),
        pytest.param(b"data\n\n", [("", b"")], id="no colon is needed"),
        pytest.param(b"data: a\ndata: b\n\n", [("", b"a\nb")], id="data lines are joined"),
        pytest.param(b"event: e\ndata: a\n\n", [("e", b"a")], id="event names it"),
        pytest.param(b"data: a\nevent: e\nevent: f\n\n", [("f", b"a")], id="the last event name counts"),
        pytest.param(b"id: 1\nretry: 5\ndata: a\n\n", [("", b"a")], id="id and retry are kept aside"),
        pytest.param(b"datas: a\ndat: b\n data: c\n\n", [], id="other names are no data"),
        pytest.param(b"data: a\n: c\ndata: b\n\n", [("", b"a\nb")], id="comments inside a frame"),
        pytest.param(b"\xef\xbb\xbfdata: a\n\n", [("", b"a")], id="a byte order mark at the start"),
        pytest.param(
            b"data: a\r\n\ndata: b\n\r\ndata: c\r\r", [("", b"a"), ("", b"b"), ("", b"c")], id="mixed"
        ),
        pytest.param(
            "data: {\u2028\u0085}\n\n".encode(), [("", "{\u2028\u0085}".encode())], id="no line ends"
        ),
    ],
)
def test_frames_are_read_as_whatwg_says(stream: bytes, expected: list[tuple[str, bytes]]) -> None:
    assert said(decode(stream)) == expected


@LINE_ENDS
def test_a_frame_comes_with_its_blank_line_and_not_later(end: bytes) -> None:
    decoder = SseDecoder()
    assert said(decoder.decode(b"data: a" + end + end)) == [("", b"a")]
    assert said(decoder.decode(b"data: b" + end)) == []
    assert said(decoder.decode(end)) == [("", b"b")]


@LINE_ENDS
def test_comments_and_blank_lines_between_frames_do_not_wait(end: bytes) -> None:
    decoder = SseDecoder()
    for line in (b": ping" + end, end, b":" + end):
        assert b"".join(frame.raw for frame in decoder.decode(line)) == line


@LINE_ENDS
@given(data=st.data())
def test_cutting_changes_neither_bytes_nor_meaning(end: bytes, data: st.DataObject) -> None:
    lines = data.draw(
        st.lists(
            st.sampled_from(
                [b"data: {}", b"data:", b"event: x", b": c", b"", "data: é😀".encode(), b"id: 1"]
            ),
            max_size=12,
        ),
    )
    stream = data.draw(st.sampled_from([b"", b"\xef\xbb\xbf"])) + end.join(lines)
    whole = decode(stream)
    cut = decode(*pieces(stream, data.draw(st.lists(st.integers(0, 200), max_size=8))))
    bytewise = decode(*(stream[at : at + 1] for at in range(len(stream))))
    assert said(whole) == said(cut) == said(bytewise)
    assert all(b"".join(f.raw for f in frames) == stream for frames in (whole, cut, bytewise))


def test_what_a_broken_stream_leaves_is_one_incomplete_frame() -> None:
    frames = decode(b"data: a\n\nevent: e\ndata: b\n")
    assert [frame.complete for frame in frames] == [True, False]
    assert (frames[1].event, frames[1].data) == ("e", b"b")


@pytest.mark.parametrize(
    ("raw", "data", "expected"),
    [
        pytest.param(b"data: a\n\n", b"xyz", b"data: xyz\n\n", id="LF"),
        pytest.param(b"data: a\r\n\r\n", b"x", b"data: x\r\n\r\n", id="CRLF"),
        pytest.param(b"data: a\r\r", b"x", b"data: x\r\r", id="CR"),
        pytest.param(b"data:a\n\n", b"x", b"data:x\n\n", id="no space stays no space"),
        pytest.param(b"data:a\n\n", b" x", b"data:  x\n\n", id="a leading space is kept"),
        pytest.param(b"data\n\n", b"x", b"data: x\n\n", id="a bare name gets a colon"),
        pytest.param(
            b"id: 7\ndata: a\n: c\nevent: e\n\n", b"x", b"id: 7\ndata: x\n: c\nevent: e\n\n", id="order"
        ),
        pytest.param(b"data: a\ndata: b\n\n", b"x\ny", b"data: x\ndata: y\n\n", id="as many lines"),
        pytest.param(b"data: a\nid: 1\n\n", b"x\ny", b"data: x\ndata: y\nid: 1\n\n", id="more lines"),
        pytest.param(
            b"data: a\r\n\r\n", b"x\r\ny", b"data: x\r\ndata: y\r\n\r\n", id="line ends in the text"
        ),
        pytest.param(b"data: a\ndata: b\nid: 1\n\n", b"x", b"data: x\nid: 1\n\n", id="fewer lines"),
        pytest.param(b"data: a", b"x\ny", b"data: x\ndata: y\n", id="no line end at all"),
    ],
)
def test_only_the_data_of_an_edited_frame_change(raw: bytes, data: bytes, expected: bytes) -> None:
    frame = decode(raw)[0]
    assert frame.with_data(data) == expected
    assert frame.with_data(frame.data or b"") == raw


def test_a_frame_of_our_own_is_read_as_it_was_meant() -> None:
    made = SseDecoder().compose(b"a\nb", "e", b"\r\n")
    assert said(decode(made)) == [("e", b"a\nb")]


def test_a_frame_beyond_the_bound_is_unsafe_however_it_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "MAX_FRAME_BYTES", 100)
    assert decode(b"data: " + b"a" * 92 + b"\n\n")
    for chunks in ([b"data: " + b"a" * 93 + b"\n\n"], [b"data: ", b"a" * 95]):
        with pytest.raises(ResponseUnsafe, match="100"):
            decode(*chunks)


@pytest.mark.parametrize("head", [b"data: ", b": "], ids=["frame", "comment"])
def test_tiny_chunks_take_linear_time(head: bytes) -> None:
    def seconds(size: int) -> float:
        decoder, started = SseDecoder(), time.process_time()
        for piece in (head, *[b"x"] * size, b"\n\n"):
            decoder.decode(piece)
        return time.process_time() - started

    seconds(1000)
    assert seconds(200_000) < 40 * seconds(20_000) + 0.5
