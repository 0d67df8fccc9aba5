"""Where each code point of a JSON string begins in its source."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.formats.source_map import SourceMap, each_at

TEXTS = st.text('a"\\\n\u00e9\ud800\udc00\U0001f600', max_size=30)


@given(TEXTS, st.booleans())
def test_a_row_of_places_is_what_one_by_one_gives(text: str, ascii_only: bool) -> None:
    source = f'["x", {json.dumps(text, ensure_ascii=ascii_only)}]'
    start, end = 7, len(source) - 2
    decoded = json.loads(source)[1]
    offsets = range(len(decoded) + 1)
    one_by_one = [SourceMap(source, start, end).at(offset) for offset in offsets]
    assert list(each_at(source, start, end, offsets)) == one_by_one


@pytest.mark.parametrize("offset", [0, 1, 2, 3])
def test_a_place_is_never_inside_an_escape(offset: int) -> None:
    source = r'"\ud83d\ude00\n\"b"'
    assert next(iter(each_at(source, 1, len(source) - 1, [offset]))) == [1, 13, 15, 17][offset]
