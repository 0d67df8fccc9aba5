from __future__ import annotations

import gzip
import tracemalloc
import zlib
from collections.abc import Callable
from itertools import pairwise

import brotli
import pytest
from backports import zstd
from hypothesis import given
from hypothesis import strategies as st

from sidecar.errors import RequestRefused, ResponseUnsafe
from sidecar.formats.content_coding import Inflater, inflate_request, known_codings

LIMIT = 1 << 20


def raw_deflate(data: bytes) -> bytes:
    squeezer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return squeezer.compress(data) + squeezer.flush()


CODINGS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
    " GZip ": gzip.compress,
    "identity": bytes,
    "": bytes,
    "identity, gzip": gzip.compress,
    "deflate, gzip": lambda data: gzip.compress(zlib.compress(data)),
}
EVERY_CODING = pytest.mark.parametrize(
    ("coding", "compress"), CODINGS.items(), ids=[repr(c) for c in CODINGS]
)


def inflate(coding: str, *chunks: bytes, limit: int = LIMIT) -> bytes:
    inflater = Inflater(coding, limit)
    return b"".join([inflater.feed(chunk) for chunk in chunks]) + inflater.flush()


@EVERY_CODING
@given(body=st.binary(max_size=2000), cuts=st.lists(st.integers(0, 3000), max_size=6))
def test_cutting_does_not_matter(
    coding: str,
    compress: Callable[[bytes], bytes],
    body: bytes,
    cuts: list[int],
) -> None:
    packed = compress(body)
    places = sorted({0, len(packed), *(cut % (len(packed) + 1) for cut in cuts)})
    assert inflate(coding, *(packed[start:stop] for start, stop in pairwise(places))) == body
    assert inflate(coding, *(packed[at : at + 1] for at in range(len(packed)))) == body
    assert inflate_request(packed, coding, LIMIT) == body


@given(body=st.binary(max_size=300))
def test_bare_deflate_is_understood_too(body: bytes) -> None:
    assert inflate_request(raw_deflate(body), "deflate", LIMIT) == body


@pytest.mark.parametrize("gap", [b"", b"\0" * 9], ids=["back to back", "zeros between"])
def test_all_gzip_members_are_read(gap: bytes) -> None:
    packed = gap.join([gzip.compress(b"one "), gzip.compress(b""), gzip.compress(b"two")]) + gap
    assert inflate_request(packed, "gzip", LIMIT) == b"one two"
    assert inflate("gzip", *(packed[at : at + 1] for at in range(len(packed)))) == b"one two"


@pytest.mark.parametrize("coding", ["gzip", "deflate", "identity", ""])
def test_no_body_at_all_is_no_body(coding: str) -> None:
    assert inflate_request(b"", coding, LIMIT) == b""


BROKEN = [
    pytest.param("gzip", gzip.compress(b"text")[:-1], id="gzip breaks off"),
    pytest.param("gzip", gzip.compress(b"text")[:5], id="gzip breaks off in its header"),
    pytest.param("gzip", gzip.compress(b"text") + b"more", id="bytes behind gzip"),
    pytest.param("gzip", gzip.compress(b"text")[:-8] + bytes(8), id="wrong checksum"),
    pytest.param("gzip", b'{"a": 1}', id="not compressed at all"),
    pytest.param("deflate", zlib.compress(b"text")[:-1], id="deflate breaks off"),
    pytest.param("deflate", zlib.compress(b"text") + b"more", id="bytes behind deflate"),
    pytest.param("deflate", b"\x78", id="half a header"),
    pytest.param("deflate", raw_deflate(b"text" * 9)[:-1], id="bare deflate breaks off"),
    pytest.param("deflate, gzip", gzip.compress(zlib.compress(b"text")[:-1]), id="inner layer breaks off"),
]


@pytest.mark.parametrize(("coding", "body"), BROKEN)
def test_a_broken_request_is_a_bad_request(coding: str, body: bytes) -> None:
    with pytest.raises(RequestRefused) as refused:
        inflate_request(body, coding, LIMIT)
    assert refused.value.status == 400


@pytest.mark.parametrize(("coding", "body"), BROKEN)
def test_a_broken_answer_is_unsafe(coding: str, body: bytes) -> None:
    with pytest.raises(ResponseUnsafe):
        inflate(coding, body)
    with pytest.raises(ResponseUnsafe):
        inflate(coding, *(body[at : at + 1] for at in range(len(body))))


@pytest.mark.parametrize("coding", ["compress", "aes128gcm", "gzip;q=1", "gzip, nothing", "gzip," * 5])
def test_an_unknown_coding_is_refused_by_name_of_what_is_known(coding: str) -> None:
    with pytest.raises(RequestRefused, match="gzip, deflate") as refused:
        inflate_request(b"x", coding, LIMIT)
    assert refused.value.status == 415
    with pytest.raises(ResponseUnsafe):
        Inflater(coding, LIMIT)


@EVERY_CODING
def test_the_limit_is_exact_and_only_for_codings_in_answers(
    coding: str, compress: Callable[[bytes], bytes]
) -> None:
    body = bytes(70_000)
    assert inflate_request(compress(body), coding, len(body)) == body
    with pytest.raises(RequestRefused) as refused:
        inflate_request(compress(body), coding, len(body) - 1)
    assert refused.value.status == 413
    if compress is bytes:
        assert inflate(coding, body, limit=1) == body
        return
    with pytest.raises(ResponseUnsafe):
        inflate(coding, compress(body), limit=len(body) - 1)


@pytest.mark.parametrize("coding", ["gzip", "gzip, gzip"])
def test_a_bomb_is_refused_without_being_unpacked(coding: str) -> None:
    bomb = gzip.compress(bytes(200 << 20), compresslevel=1)
    if "," in coding:
        bomb = gzip.compress(bomb)
    tracemalloc.start()
    with pytest.raises(RequestRefused) as refused:
        inflate_request(bomb, coding, 8 << 20)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert refused.value.status == 413
    assert peak < 40 << 20


def test_no_error_shows_the_body() -> None:
    with pytest.raises(RequestRefused) as refused:
        inflate_request(b"ada@example.org", "gzip", LIMIT)
    assert "ada" not in str(refused.value)


def test_brotli_works_where_its_library_is_installed() -> None:
    assert "br" in known_codings()
    packed = brotli.compress(b"text" * 100_000)
    assert inflate("br", *(packed[at : at + 1] for at in range(len(packed)))) == b"text" * 100_000
    for broken in (packed[:-1], packed + b"more", b"{}"):
        with pytest.raises(ResponseUnsafe):
            inflate("br", broken)


def test_zstd_works_where_its_library_is_installed() -> None:
    assert "zstd" in known_codings()
    packed = zstd.compress(b"text" * 100_000) + zstd.compress(b"!")
    whole = inflate("zstd", *(packed[at : at + 1] for at in range(len(packed))))
    assert whole == b"text" * 100_000 + b"!"
    for broken in (packed[:-1], packed + b"more", b"{}"):
        with pytest.raises(ResponseUnsafe):
            inflate("zstd", broken)
