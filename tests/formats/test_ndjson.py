from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.errors import ResponseUnsafe
from sidecar.formats import ndjson
from sidecar.formats.ndjson import NdjsonDecoder


@given(
    lines=st.lists(st.sampled_from([b"{}\n", b"\n", b"\r\n", b"\x1e1\n", b"a\r", b"b"])),
    step=st.integers(1, 5),
)
def test_the_bytes_of_all_lines_are_the_stream_however_cut(lines: list[bytes], step: int) -> None:
    stream = b"".join(lines)
    decoder = NdjsonDecoder()
    frames = [each for at in range(0, len(stream), step) for each in decoder.decode(stream[at : at + step])]
    frames += decoder.flush()
    assert b"".join(frame.raw for frame in frames) == stream
    assert all(frame.with_data(frame.data) == frame.raw for frame in frames if frame.data is not None)
    assert [frame.raw for frame in frames] == stream.splitlines(keepends=True) or b"\r" in stream


def test_a_line_beyond_the_bound_is_unsafe_however_it_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ndjson, "MAX_FRAME_BYTES", 10)
    assert NdjsonDecoder().decode(b"123456789\n" * 3)
    for chunk in (b"1234567890\n", b"12345678901"):
        with pytest.raises(ResponseUnsafe, match="10"):
            NdjsonDecoder().decode(chunk)


def test_tiny_chunks_take_linear_time() -> None:
    def seconds(size: int) -> float:
        decoder, started = NdjsonDecoder(), time.process_time()
        for _ in range(size):
            decoder.decode(b"x")
        return time.process_time() - started

    seconds(1000)
    assert seconds(200_000) < 40 * seconds(20_000) + 0.5
