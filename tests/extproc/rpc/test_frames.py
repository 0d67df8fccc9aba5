"""Frames: the same ones however the bytes are cut, and nothing held beyond one frame."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hyperframe.frame import DataFrame, HeadersFrame, PingFrame, SettingsFrame
from hypothesis import given
from hypothesis import strategies as st

from sidecar.extproc.rpc import frames
from sidecar.extproc.rpc.frames import PREFACE, ConnectionBroken, Frame, FrameReader, frame

FRAME = st.builds(
    Frame,
    st.integers(0, 255),
    st.integers(0, 255),
    st.integers(0, frames.MAX_STREAM),
    st.binary(max_size=200),
)


@given(st.lists(FRAME, max_size=5), st.lists(st.integers(0, 1200), max_size=8))
def test_frames_are_the_same_however_the_bytes_are_cut(sent: list[Frame], cuts: list[int]) -> None:
    wire = PREFACE + b"".join(frame(*each) for each in sent)
    at = [0, *sorted(cuts), len(wire)]
    reader = FrameReader()
    pieces = (wire[start:end] for start, end in pairwise(at))
    assert [each for piece in pieces for each in reader.feed(piece)] == sent


def test_frames_are_what_another_implementation_makes() -> None:
    assert (
        frame(frames.DATA, frames.END_STREAM, 5, b"ab")
        == DataFrame(5, b"ab", flags=["END_STREAM"]).serialize()
    )
    assert (
        frame(frames.PING, frames.ACK, 0, b"12345678") == PingFrame(0, b"12345678", flags=["ACK"]).serialize()
    )
    numbers = {frames.INITIAL_WINDOW_SIZE: 1 << 20, frames.MAX_FRAME_SIZE: 1 << 16}
    assert frames.settings_frame(numbers) == SettingsFrame(0, settings=numbers).serialize()
    (read,) = read_all(SettingsFrame(0, settings=numbers).serialize())
    assert dict(frames.read_settings(read.payload)) == numbers


def read_all(wire: bytes) -> list[Frame]:
    return list(FrameReader().feed(PREFACE + wire))


@pytest.mark.parametrize(
    "sent",
    [
        DataFrame(1, b"content", flags=["PADDED"], pad_length=9),
        HeadersFrame(
            1, b"content", flags=["PADDED", "PRIORITY"], pad_length=3, depends_on=0, stream_weight=4
        ),
        HeadersFrame(1, b"content", flags=["PRIORITY"], depends_on=0, stream_weight=4),
        DataFrame(1, b"content"),
    ],
    ids=["padded", "padded_with_priority", "priority", "bare"],
)
def test_padding_and_priority_are_no_content(sent: DataFrame | HeadersFrame) -> None:
    (read,) = read_all(sent.serialize())
    assert frames.unpadded(read) == b"content"


@pytest.mark.parametrize(
    "wire",
    [
        pytest.param(b"GET / HTTP/1.1\r\n", id="no_http2"),
        pytest.param(PREFACE + b"\x01\x00\x01\x00\x00\x00\x00\x00\x01", id="a_frame_above_the_limit"),
    ],
)
def test_what_cannot_be_cut_into_frames_breaks_the_connection(wire: bytes) -> None:
    with pytest.raises(ConnectionBroken):
        list(FrameReader().feed(wire))


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(lambda: frames.unpadded(Frame(frames.DATA, frames.PADDED, 1, b"\x05ab")), id="padding"),
        pytest.param(
            lambda: frames.unpadded(Frame(frames.DATA, frames.PADDED, 1, b"")), id="no_padding_length"
        ),
        pytest.param(lambda: list(frames.read_settings(b"12345")), id="settings"),
        pytest.param(lambda: frames.check(Frame(frames.WINDOW_UPDATE, 0, 1, b"123")), id="number"),
    ],
)
def test_a_payload_of_the_wrong_size_breaks_the_connection(broken) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001 - whatever it gives
    with pytest.raises(ConnectionBroken):
        broken()
