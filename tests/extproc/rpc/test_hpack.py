"""Header blocks: what another implementation writes is read, and what breaks the format is refused."""

from __future__ import annotations

import hpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.extproc.rpc.hpack import FIELDS_BYTES, FieldDecoder, HpackBroken, encode

TOKEN = st.binary(min_size=1, max_size=40)
FIELDS = st.lists(st.tuples(TOKEN, st.binary(max_size=300)), max_size=12)


@given(st.lists(FIELDS, max_size=6), st.booleans(), st.sampled_from([4096, 200, 0]))
def test_what_another_encoder_writes_is_read_block_after_block(
    blocks: list[list[tuple[bytes, bytes]]], huffman: bool, table: int
) -> None:
    encoder, decoder = hpack.Encoder(), FieldDecoder()
    encoder.header_table_size = table
    for fields in blocks:
        assert decoder.decode(encoder.encode(fields, huffman=huffman)) == fields


@given(FIELDS)
def test_another_decoder_reads_what_is_written(fields: list[tuple[bytes, bytes]]) -> None:
    read = hpack.Decoder().decode(encode(fields), raw=True)
    assert [(bytes(name), bytes(text)) for name, text in read] == fields


@given(st.binary(max_size=60))
def test_no_block_does_anything_but_decode_or_break(block: bytes) -> None:
    try:
        fields = FieldDecoder().decode(block)
    except HpackBroken:
        return
    assert all(isinstance(part, bytes) for field in fields for part in field)


@pytest.mark.parametrize(
    "block",
    [
        pytest.param(b"\x80", id="entry_zero"),
        pytest.param(b"\xff\x00", id="an_entry_that_is_not_there"),
        pytest.param(b"\x40\x01a", id="ends_before_the_text"),
        pytest.param(b"\x40\x01a\x05b", id="ends_within_the_text"),
        pytest.param(b"\xff\xff\xff\xff\xff\xff\x01", id="a_number_without_end"),
        pytest.param(b"\x3f\xff\x7f", id="a_table_larger_than_allowed"),
        pytest.param(b"\x82\x20", id="a_table_that_changes_its_size_within_a_block"),
        pytest.param(b"\x00\x81\x00\x00", id="padding_that_is_not_ones"),
        pytest.param(b"\x00\x82\xff\xff\x00", id="more_than_seven_bits_of_padding"),
        pytest.param(b"\x00\x84\xff\xff\xff\xff\x00", id="the_code_of_the_end"),
    ],
)
def test_a_block_against_the_format_breaks(block: bytes) -> None:
    with pytest.raises(HpackBroken):
        FieldDecoder().decode(block)


def test_a_small_block_cannot_say_a_lot() -> None:
    decoder = FieldDecoder()
    decoder.decode(b"\x40\x01a\x7f\xa1\x1e" + b"x" * 4000)
    with pytest.raises(HpackBroken, match="too large"):
        decoder.decode(b"\xbe" * (FIELDS_BYTES // 4000 + 1))
