from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidecar.errors import RequestRefused
from sidecar.formats import multipart
from sidecar.formats.multipart import fields, parameters, parts

HEAD = b'Content-Disposition: form-data; name="a"'


def body(*contents: bytes, boundary: bytes = b"x", end: bytes = b"\r\n") -> bytes:
    each = [b"--" + boundary + b"\r\n" + HEAD + b"\r\n\r\n" + content + b"\r\n" for content in contents]
    return b"".join(each) + b"--" + boundary + b"--" + end


def contents(source: bytes, boundary: str = "x") -> list[bytes]:
    return [source[part.content : part.end] for part in parts(source, boundary)]


def refusal(source: bytes, boundary: str = "x") -> int:
    with pytest.raises(RequestRefused) as refused:
        parts(source, boundary)
    return refused.value.status


# Nothing that separates one reader's part from another's: a line break and the boundary's dashes.
pieces = st.lists(
    st.sampled_from([b"\r\n", b"\r", b"\n", b"--", b"-", b"x", b"--x", b" ", b"\0", b"\xff", b"a: b"]),
    max_size=8,
).map(b"".join)
boundaries = st.text("abcxyz0189'()+_,-./:=?", min_size=1, max_size=70)


@given(st.lists(pieces, max_size=4), st.sampled_from([b"", b"\r\n"]))
@settings(max_examples=300)
def test_parts_are_cut_exactly_or_refused(found: list[bytes], end: bytes) -> None:
    source = body(*found, end=end)
    unclear = any(mark in b"\r\n" + content for content in found for mark in (b"\r--x", b"\n--x"))
    if unclear:
        assert refusal(source) == 400
    else:
        assert contents(source) == found


@given(boundaries, st.lists(pieces, min_size=1, max_size=2))
@settings(max_examples=200)
def test_any_boundary_of_the_rfc_cuts(boundary: str, found: list[bytes]) -> None:
    source = body(*found, boundary=boundary.encode())
    unclear = any(f"{end}--{boundary}".encode() in b"\r\n" + content for content in found for end in "\r\n")
    if not unclear:
        assert contents(source, boundary) == found


@pytest.mark.parametrize(
    "source",
    [
        pytest.param(b"", id="empty"),
        pytest.param(body(b"a")[:-4], id="no-last-boundary"),
        pytest.param(body(b"a").replace(b"--x--", b"--x"), id="last-boundary-without-dashes"),
        pytest.param(b"hello\r\n" + body(b"a"), id="text-before"),
        pytest.param(body(b"a") + b"hello", id="text-behind"),
        pytest.param(body(b"a") + body(b"b"), id="two-bodies"),
        pytest.param(body(b"a\r\n--xy"), id="a-longer-boundary"),
        pytest.param(body(b"a\n--x\r\nb"), id="a-bare-LF-before"),
        pytest.param(body(b"a\r--x\r\nb"), id="a-bare-CR-before"),
        pytest.param(body(b"a").replace(b"--x\r\n", b"--x\n"), id="a-bare-LF-behind"),
        pytest.param(body(b"a").replace(b"--x\r\n", b"--x \r\n"), id="a-blank-behind"),
        pytest.param(b"--x\r\na\r\n--x--", id="no-head"),
        pytest.param(b"--x\r\n\r\na\r\n--x--", id="empty-head"),
        pytest.param(body(b"a").replace(HEAD, HEAD + b"; a=" + b"b" * 20_000), id="long-head"),
    ],
)
def test_what_two_readers_might_cut_differently_is_refused(source: bytes) -> None:
    assert refusal(source) == 400


@pytest.mark.parametrize("boundary", ["", "a" * 71, "a ", "a\nb", 'a"b', "é"])
def test_boundaries_outside_the_rfc_are_refused(boundary: str) -> None:
    assert refusal(body(b"a"), boundary) == 400


def test_an_empty_line_may_stand_before_the_first_part() -> None:
    assert contents(b"\r\n" + body(b"a", b"")) == [b"a", b""]


def test_too_many_parts_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(multipart, "MAX_PARTS", 2)
    assert contents(body(b"a", b"b")) == [b"a", b"b"]
    assert refusal(body(b"a", b"b", b"c")) == 413


def test_header_fields_are_read() -> None:
    assert fields("Content-Type: text/csv \r\nX-A:b: c") == {"content-type": "text/csv", "x-a": "b: c"}


@pytest.mark.parametrize(
    "head", ["a", "a : b", "a: b\r\n c", "a: b\r\nA: c", "a: b\nc: d", "a: \x00", "", ": b", "é: b"]
)
def test_bad_header_fields_are_refused(head: str) -> None:
    with pytest.raises(RequestRefused) as refused:
        fields(head)
    assert refused.value.status == 400


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("form-data", ("form-data", {})),
        ('Form-Data; NAME="a"; filename=b.c', ("form-data", {"name": "a", "filename": "b.c"})),
        (r'form-data; name="a\"; x=\\b"', ("form-data", {"name": 'a"; x=\\b'})),
        ("form-data;name=;", ("form-data", {"name": ""})),
        ("form-data ; filename*=UTF-8''a%20b", ("form-data", {"filename*": "UTF-8''a%20b"})),
        ("", ("", {})),
    ],
)
def test_parameters_are_read(text: str, expected: tuple[str, dict[str, str]]) -> None:
    assert parameters(text) == expected


@pytest.mark.parametrize(
    "text", ["a; b", 'a; b="c', "a; b=c; B=d", 'a; b="c"d', "a b", 'a; "b"=c', 'a; b=c"d"']
)
def test_bad_parameters_are_refused(text: str) -> None:
    with pytest.raises(RequestRefused) as refused:
        parameters(text)
    assert refused.value.status == 400
