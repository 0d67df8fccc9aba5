from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.formats.raw_text import RawTextRestorer, restored_raw
from sidecar.model import Original
from sidecar.tokens.token_map import TokenMap

NASTY = 'Ada "the\tCountess"\\ \n Löve 😀 <b>&amp;'


def token_map(*originals: str) -> TokenMap:
    tokens = TokenMap({"PERSON"})
    for original in originals:
        tokens.tokenize(Original(original), "PERSON")
    return tokens


def restore(body: bytes, tokens: TokenMap, charset: str = "", *, step: int = 1) -> bytes:
    restorer = RawTextRestorer(tokens.restorer, charset)
    return (
        b"".join(restorer.feed(body[at : at + step]) for at in range(0, len(body), step)) + restorer.flush()
    )


def test_originals_are_written_as_they_are() -> None:
    body = b'<p title="{{PERSON_1}}">{"a": "{{PERSON_1}}"}</p>'
    assert restored_raw(body, token_map(NASTY).restorer) == body.replace(b"{{PERSON_1}}", NASTY.encode())


@given(
    pieces=st.lists(
        st.sampled_from([b"{{PERSON_1}}", b"{{PER", b"SON_1}}", b"\xff", "é😀".encode(), b"\xc3", b"a"])
    ),
    step=st.integers(1, 9),
)
def test_bytes_that_are_no_token_stay_however_cut(pieces: list[bytes], step: int) -> None:
    body = b"".join(pieces)
    assert restore(body, token_map("Ada"), step=step) == restore(body, token_map("Ada"), step=len(body) or 1)
    assert restore(body, token_map()) == body
    assert restore(body, token_map("{{PERSON_1}}")) == body


@pytest.mark.parametrize(
    ("charset", "original", "written"),
    [
        pytest.param("iso-8859-1", "Zoë", b"Zo\xeb", id="Latin-1"),
        pytest.param("ISO-8859-1", "Žofie", b"?ofie", id="what Latin-1 lacks"),
        pytest.param("windows-1252", "Žofie", b"\x8eofie", id="Windows"),
        pytest.param("us-ascii", "Zoë", "Zoë".encode(), id="ASCII is read as UTF-8"),
        pytest.param("no-such-charset", "Zoë", "Zoë".encode(), id="unknown is read as UTF-8"),
        pytest.param('"utf-8"', "Zoë", "Zoë".encode(), id="quoted"),
        pytest.param("base64", "Zoë", "Zoë".encode(), id="a codec that is no charset"),
        pytest.param("\0", "Zoë", "Zoë".encode(), id="not even a name"),
    ],
)
def test_originals_are_written_in_the_declared_charset(charset: str, original: str, written: bytes) -> None:
    body = b"\xe9 \x81 {{PERSON_1}} \xff"
    restored = restore(body, token_map(original), charset)
    assert restored == body.replace(b"{{PERSON_1}}", written)


@pytest.mark.parametrize("charset", ["utf-16", "utf-16-le", "utf-32"])
def test_wide_charsets_pass(charset: str) -> None:
    body = "{{PERSON_1}} é".encode(charset)
    assert restore(body, token_map("Ada"), charset) == body
