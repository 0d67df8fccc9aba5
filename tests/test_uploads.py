"""Uploads through the exchange: no original survives, all else stays, and size costs time in proportion."""

from __future__ import annotations

import json
import time
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidecar.detection.pipeline import load_detection
from sidecar.exchange import Core, Exchange
from sidecar.formats.format import Passing
from sidecar.model import (
    Body,
    BodyMode,
    BodyModes,
    BodyReply,
    Direction,
    Headers,
    Refusal,
    RequestHeaders,
    ResponseHeaders,
    StreamedReply,
)
from sidecar.policy import HeaderPolicy

REQUEST, RESPONSE = Direction.REQUEST, Direction.RESPONSE
BUFFERED = BodyModes(BodyMode.BUFFERED, BodyMode.NONE)
DUPLEX = BodyModes(BodyMode.FULL_DUPLEX_STREAMED, BodyMode.FULL_DUPLEX_STREAMED)
ORIGINALS = ("ada@example.org", "4111 1111 1111 1111", "192.0.2.7", "grace+x@mail.example.com")
LIMIT = 32 * 1024 * 1024


@cache
def core(seconds: float = 20.0, *, passing: Passing = Passing.NOTHING) -> Core:
    detection = load_detection(None, ner=False)
    return Core(detection, HeaderPolicy(()), LIMIT, seconds, passing=passing)


def form(*parts: tuple[str, str, bytes], boundary: str = "x-7") -> bytes:
    each = [
        f"--{boundary}\r\nContent-Disposition: form-data; {said}\r\n{more}\r\n".encode() + content + b"\r\n"
        for said, more, content in parts
    ]
    return b"".join(each) + f"--{boundary}--\r\n".encode()


def begin(target: Exchange, content_type: str, path: str = "/v1/files") -> None:
    headers = Headers(((":method", "POST"), (":path", path), ("content-type", content_type)))
    for reply in target.receive(RequestHeaders(headers)):
        assert not isinstance(reply, Refusal)


def sent(
    body: bytes,
    *,
    modes: BodyModes = BUFFERED,
    the_core: Core | None = None,
    content_type: str = "multipart/form-data; boundary=x-7",
) -> bytes | int:
    """Return what the provider sees, or the status of the refusal."""
    target = Exchange(the_core or core(), modes)
    begin(target, content_type)
    seen = b""
    for reply in target.receive(Body(REQUEST, body, end_of_stream=True)):
        match reply:
            case Refusal(status=status):
                return status
            case BodyReply(body=edited):
                seen += body if edited is None else edited
            case StreamedReply(chunk=chunk):
                seen += chunk
            case _:
                pass
    return seen


FRAGMENTS = st.one_of(
    st.sampled_from([f" {original} " for original in ORIGINALS]),
    st.sampled_from(
        ["{{EMAIL_1}}", "\u2028", "é", "\U0001f600", "--x-7", "--", "a,b", "\t", '"', "\\", "\n"]
    ),
    st.text(st.characters(codec="utf-8", exclude_categories=("Cc",)), max_size=5),
)
TEXTS = st.lists(FRAGMENTS, max_size=6).map("".join)


def as_lines(texts: list[str]) -> bytes:
    urls = ("/v1/chat/completions", "/v1/responses", "/v1/unheard-of")
    lines = [
        json.dumps({"custom_id": f"r-{at}", "url": urls[at % 3], "body": {"input": text, "messages": [text]}})
        for at, text in enumerate(texts)
    ]
    return "\r\n".join(lines).encode()


@given(st.lists(TEXTS, min_size=1, max_size=4), st.sampled_from([BUFFERED, DUPLEX]))
@settings(max_examples=150)
def test_no_original_survives_wherever_it_stands(texts: list[str], modes: BodyModes) -> None:
    body = form(
        ('name="purpose"', "", b"batch"),
        ('name="prompt"', "", texts[0].encode()),
        ('name="file"; filename="a.jsonl"', "", as_lines(texts)),
        ('name="file"; filename="a.csv"', "Content-Type: text/csv\r\n", "\n".join(texts).encode()),
        ('name="data"', "Content-Type: application/json\r\n", json.dumps({"k": texts}).encode()),
        ('name="image"; filename="a.png"', "", b"\x89PNG\r\n\x1a\n\x00ada@example.org"),
    )
    seen = sent(body, modes=modes)
    if isinstance(seen, int):
        assert seen == 400
        assert "\n--x-7" in "\n" + "\n".join(texts), "only a boundary's look-alike is refused"
        return
    head, media = seen[: seen.index(b"\x89PNG")], seen[seen.index(b"\x89PNG") :]
    for original in ORIGINALS:
        assert original.encode() not in head
    assert media == body[body.index(b"\x89PNG") :]
    assert sent(seen) == seen, "there was more to find"


def test_one_map_covers_all_parts_and_the_answer() -> None:
    body = form(
        ('name="prompt"', "", b"to ada@example.org"),
        ('name="file"; filename="a.jsonl"', "", b'["bob@example.org"]\n["ada@example.org"]\n'),
    )
    target = Exchange(core(), BUFFERED)
    begin(target, "multipart/form-data; boundary=x-7", "/v1/audio/transcriptions")
    (reply,) = target.receive(Body(REQUEST, body, end_of_stream=True))
    assert isinstance(reply, BodyReply)
    assert reply.body is not None
    assert b"to {{EMAIL_1}}\r\n" in reply.body
    assert b'["{{EMAIL_2}}"]\n["{{EMAIL_1}}"]\n' in reply.body
    assert ("content-length", str(len(reply.body))) in reply.edit.set

    answer = Headers(((":status", "200"), ("content-type", "application/json")))
    target.receive(ResponseHeaders(answer))
    restored = b"".join(
        reply.chunk
        for reply in target.receive(Body(RESPONSE, b'{"text":"{{EMAIL_2}}"}', end_of_stream=True))
        if isinstance(reply, StreamedReply)
    )
    assert restored == b'{"text":"bob@example.org"}'


def test_a_clean_upload_is_not_touched() -> None:
    body = form(('name="file"; filename="a.txt"', "", b"Good morning"))
    target = Exchange(core(), BUFFERED)
    begin(target, "multipart/form-data; boundary=x-7")
    (reply,) = target.receive(Body(REQUEST, body, end_of_stream=True))
    assert isinstance(reply, BodyReply)
    assert reply.body is None


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ('name="file"; filename="ada@example.org"', 422),
        ('name="file"; filename="ada%40example.org"', 422),
        ("name=\"file\"; filename*=UTF-8''ada%40example.org.txt", 422),
        ('name="ada@example.org"', 422),
    ],
)
def test_a_name_that_holds_an_original_is_refused(said: str, status: int) -> None:
    assert sent(form((said, "", b"Good morning"))) == status


def test_documents_pass_only_where_they_are_set_to() -> None:
    body = form(
        ('name="file"; filename="a.pdf"', "", b"%PDF-1.7 \xff"), ('name="prompt"', "", b"ada@example.org")
    )
    assert sent(body) == 415
    seen = sent(body, the_core=core(passing=Passing.DOCUMENTS))
    assert seen == body.replace(b"ada@example.org", b"{{EMAIL_1}}")


def test_lines_cost_time_in_proportion() -> None:
    line = json.dumps({"url": "/v1/chat/completions", "body": {"messages": [{"content": "hi there"}]}}) + "\n"

    def seconds(count: int) -> float:
        body = form(('name="file"; filename="a.jsonl"', "", line.encode() * count))
        started = time.process_time()
        assert sent(body) == body
        return time.process_time() - started

    seconds(10)
    assert seconds(4000) < 10 * seconds(1000) + 0.5


@pytest.mark.parametrize("line", [b"{}\n", b'["ab"]\n', b"\r\n", b"--x\r\n", b"\n--"])
def test_the_largest_upload_of_short_lines_is_answered_soon(line: bytes) -> None:
    head, tail = form(('name="file"; filename="a.jsonl"', "", b"|")).split(b"|")
    body = head + line * ((LIMIT - len(head) - len(tail)) // len(line)) + tail
    started = time.process_time()
    answer = sent(body)
    assert time.process_time() - started < 15
    assert answer in (400, 413) or answer == body


def test_an_upload_that_takes_too_long_is_refused() -> None:
    lines = b'["to ada@example.org"]\n' * 50_000
    started = time.process_time()
    assert sent(form(('name="file"; filename="a.jsonl"', "", lines)), the_core=core(0.2)) == 413
    assert time.process_time() - started < 5
