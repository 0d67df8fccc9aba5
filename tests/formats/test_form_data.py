from __future__ import annotations

import io
import json
import struct
import wave
from typing import NamedTuple

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidecar.errors import RequestRefused
from sidecar.formats.format import FieldKind, ParsedRequest, Passing, Replacement
from sidecar.formats.request_types import reader_for

BOUNDARY = "x-7"
PLAIN = 'form-data; name="note"'
FILE = 'form-data; name="file"; filename="{}"'


class Part(NamedTuple):
    content: bytes
    disposition: str = PLAIN
    media_type: str = ""
    more: str = ""

    @property
    def source(self) -> bytes:
        typed = f"\r\nContent-Type: {self.media_type}" if self.media_type else ""
        head = f"Content-Disposition: {self.disposition}{typed}{self.more}\r\n\r\n"
        return f"--{BOUNDARY}\r\n{head}".encode() + self.content + b"\r\n"


def form(*parts: Part) -> bytes:
    return b"".join(part.source for part in parts) + f"--{BOUNDARY}--\r\n".encode()


def parsed(*parts: Part, passing: Passing = Passing.NOTHING) -> ParsedRequest:
    reader = reader_for("/v1/files", f"multipart/form-data; boundary={BOUNDARY}", passing=passing)
    assert reader is not None
    return reader.parse_request(form(*parts))


def texts(*parts: Part, passing: Passing = Passing.NOTHING) -> list[str]:
    fields = parsed(*parts, passing=passing).fields
    return [field.text for field in fields if field.kind is not FieldKind.FIXED]


def fixed(part: Part) -> set[str]:
    return {field.text for field in parsed(part).fields if field.kind is FieldKind.FIXED}


def refusal(*parts: Part) -> RequestRefused:
    with pytest.raises(RequestRefused) as refused:
        parsed(*parts)
    return refused.value


def named(name: str, content: str) -> Part:
    return Part(content.encode(), f'form-data; name="{name}"')


def file(content: bytes, name: str, media_type: str = "") -> Part:
    return Part(content, FILE.format(name), media_type)


@pytest.mark.parametrize(
    ("name", "content", "seen"),
    [
        ("purpose", "batch", False),
        ("model", "gpt-4o-transcribe", False),
        ("language", "en", False),
        ("temperature", "0.2", False),
        ("n", "2", False),
        ("size", "1024x1024", False),
        ("timestamp_granularities[]", "word", False),
        ("purpose", "Ada Park", True),
        ("model", "ada@example.org", True),
        ("model", "4111111111111111", True),
        ("temperature", "Ada", True),
        ("n", "123456789", True),
        ("prompt", "batch", True),
        ("user", "ada", True),
        ("metadata[who]", "ada", True),
    ],
)
def test_known_form_fields_pass_as_what_they_are(name: str, content: str, seen: bool) -> None:
    assert texts(named(name, content)) == ([content] if seen else [])


def test_json_in_a_form_field_is_looked_at_as_json() -> None:
    assert texts(named("metadata", '{"who": "\\u0041da"}')) == ["who", "Ada"]


CHAT = {"messages": [{"role": "user", "content": "first"}], "tools": [{"function": {"description": "tool"}}]}
ITEM = json.dumps({"custom_id": "r-1", "method": "POST", "url": "/v1/chat/completions", "body": CHAT})


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("batch.jsonl", ""),
        ("batch.jsonl", "application/octet-stream"),
        ("batch.JSONL", "text/plain"),
        ("batch", "application/jsonl"),
        ("upload", "application/octet-stream"),
        ("batch.txt", "text/plain"),
    ],
)
def test_a_batch_file_is_read_line_by_line(name: str, media_type: str) -> None:
    found = texts(file(f"{ITEM}\n\n{ITEM}".encode(), name, media_type))
    assert [text for text in found if not text.startswith("/")] == ["r-1", "tool", "first"] * 2


def test_a_json_file_must_be_json() -> None:
    assert texts(file(b'{"a": "x"}', "a.json", "application/json")) == ["a", "x"]
    assert refusal(file(b"hello", "a.json")).status == 400
    assert refusal(file(b'{"a": 1}\nhello', "a.jsonl")).status == 400


@pytest.mark.parametrize(
    ("name", "media_type"),
    [("a.csv", "text/csv"), ("a.md", "text/markdown"), ("a.txt", ""), ("a", ""), ("a.svg", "image/svg+xml")],
)
def test_text_files_are_one_text(name: str, media_type: str) -> None:
    assert texts(file(b"who,mail\r\nAda,ada@example.org\r\n", name, media_type)) == [
        "who,mail\r\nAda,ada@example.org\r\n"
    ]


def tiny_wav() -> bytes:
    made = io.BytesIO()
    with wave.open(made, "wb") as writer:
        writer.setparams((1, 2, 8000, 0, "NONE", ""))
        writer.writeframes(struct.pack("<8h", *range(8)))
    return made.getvalue()


def riff(kind: bytes) -> bytes:
    return b"RIFF\x24\x00\x00\x00" + kind + bytes(20)


MEDIA = [
    (tiny_wav(), "a.wav", "audio/wav"),
    (tiny_wav(), "a.wav", "audio/x-wav"),
    (tiny_wav(), "a.wav", "application/octet-stream"),
    (tiny_wav(), "a.wav", ""),
    (b"ID3\x04\x00" + bytes(20), "a.mp3", "audio/mpeg"),
    (b"\xff\xfb\x90\x00" + bytes(20), "a.mp3", ""),
    (b"fLaC\x00\x00" + bytes(20), "a.flac", "application/octet-stream"),
    (b"OggS\x00" + bytes(20), "a.ogg", "audio/ogg"),
    (b"OggS\x00" + bytes(20), "a.ogg", "application/ogg"),
    (b"\x1aE\xdf\xa3" + bytes(20), "a.webm", "audio/webm"),
    (b"\x1aE\xdf\xa3" + bytes(20), "a.webm", "video/webm"),
    (b"\x00\x00\x00\x20ftypM4A " + bytes(20), "a.m4a", "audio/mp4"),
    (b"\x00\x00\x00\x20ftypisom" + bytes(20), "a.mp4", "video/mp4"),
    (b"\x89PNG\r\n\x1a\n" + bytes(20), "a.png", "image/png"),
    (b"\xff\xd8\xff\xe0\x00" + bytes(20), "a.jpg", "image/jpeg"),
    (b"GIF89a\x01\x00" + bytes(20), "a.gif", "image/gif"),
    (riff(b"WEBP"), "a.webp", "image/webp"),
]


@pytest.mark.parametrize(("content", "name", "media_type"), MEDIA)
def test_media_pass_where_type_and_bytes_agree(content: bytes, name: str, media_type: str) -> None:
    part = file(content, name, media_type)
    assert texts(part) == []
    found = parsed(part)
    assert found.edited([[] for _ in found.fields]) == form(part)


UNREADABLE = [
    (b"%PDF-1.7\n1 0 obj", "a.pdf", "application/pdf"),
    (b"%PDF-1.7\n\xff", "a.pdf", ""),
    (b"\n  %PDF-1.7", "a.txt", "text/plain"),
    (b"{\\rtf1 Ada}", "a.rtf", "application/rtf"),
    (b"PK\x03\x04\x14\x00", "a.docx", "application/octet-stream"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a.doc", "application/msword"),
    (b"PK\x03\x04\x14\x00", "a.png", "image/png"),
    (tiny_wav(), "a.png", "image/png"),
    (tiny_wav(), "upload", "application/octet-stream"),
    (riff(b"WEBP"), "a.wav", "audio/wav"),
    ("Ada".encode("utf-16"), "a.txt", "text/plain"),
    ("Ada".encode("utf-16"), "a.mp3", "audio/mpeg"),
    (b"caf\xe9", "a.txt", "text/plain"),
    (b"Ada\x00Park", "a.txt", "text/plain"),
]


@pytest.mark.parametrize(("content", "name", "media_type"), UNREADABLE)
def test_files_that_cannot_be_looked_at_are_refused_unless_set_to_pass(
    content: bytes, name: str, media_type: str
) -> None:
    refused = refusal(file(content, name, media_type))
    assert refused.status == 415
    assert refused.message.startswith("part 1: ")
    assert texts(file(content, name, media_type), passing=Passing.DOCUMENTS) == []


def test_text_that_begins_like_media_is_text() -> None:
    assert texts(file(b"GIF89a of Ada", "a.gif", "image/gif")) == ["GIF89a of Ada"]
    assert texts(file(b"ID3 of Ada", "a.mp3", "audio/mpeg")) == ["ID3 of Ada"]


@pytest.mark.parametrize(
    ("part", "status"),
    [
        pytest.param(Part(b"a", "attachment"), 400, id="no-form-data"),
        pytest.param(Part(b"a", "form-data"), 400, id="no-name"),
        pytest.param(Part(b"a", r'form-data; name="a\"b"'), 400, id="quote-in-the-name"),
        pytest.param(Part(b"a", PLAIN, "multipart/mixed; boundary=y"), 415, id="nested"),
        pytest.param(Part(b"a", PLAIN, "message/rfc822"), 415, id="message"),
        pytest.param(Part(b"a", PLAIN, "text/plain; charset=utf-7"), 415, id="charset"),
        pytest.param(Part(b"YQ==", PLAIN, "", "\r\nContent-Transfer-Encoding: base64"), 415, id="base64"),
        pytest.param(Part(b"a", PLAIN, "", "\r\nContent-Length: 2"), 400, id="length"),
        pytest.param(Part(b"a", FILE.format("=?utf-8?q?Ada?=")), 415, id="encoded-word"),
        pytest.param(
            Part(b"a", 'form-data; name=a; filename*0="ada@exam"; filename*1="ple.org"'), 415, id="in-pieces"
        ),
        pytest.param(Part(b"a\x00"), 415, id="binary-form-field"),
        pytest.param(Part(b"a\xff", 'form-data; name="model"'), 415, id="broken-utf8"),
    ],
)
def test_parts_that_may_be_read_in_other_ways_are_refused(part: Part, status: int) -> None:
    assert refusal(part).status == status


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (file(b"a", "ada@example.org.txt"), "ada@example.org.txt"),
        (file(b"a", "ada%40example.org"), "ada@example.org"),
        (file(b"a", r"ada\@example.org"), "ada@example.org"),
        (Part(b"a", "form-data; name=a; filename*=UTF-8''ada%40example.org"), "UTF-8''ada@example.org"),
        (named("metadata[ada@example.org]", "a"), "metadata[ada@example.org]"),
        (Part(b"a", PLAIN, "text/plain; x=ada@example.org"), None),
        (Part(b"a", PLAIN, "", "\r\nX-Who: ada@example.org"), "x-who: ada@example.org"),
    ],
)
def test_what_a_head_says_is_looked_at_and_cannot_be_edited(part: Part, expected: str | None) -> None:
    found = fixed(part)
    assert (expected in found) if expected else any("ada@example.org" in text for text in found)


def test_the_head_is_never_edited() -> None:
    found = parsed(file(b"a", "b"))
    with pytest.raises(ValueError, match="head"):
        found.edited([[Replacement(0, 1, "x")] for _ in found.fields])


def test_a_declared_length_follows_the_edit() -> None:
    part = Part(b"Ada and Ben", PLAIN, "", "\r\nCONTENT-LENGTH: 11")
    found = parsed(part)
    changes = [
        [Replacement(0, 3, "{{A_1}}")] if field.text == "Ada and Ben" else [] for field in found.fields
    ]
    assert found.edited(changes) == form(Part(b"{{A_1}} and Ben", PLAIN, "", "\r\nCONTENT-LENGTH: 15"))


chunks = st.lists(
    st.sampled_from(
        [b"\r\n", b"\n", b"\r", b"--", b"x-7", b"--x-", b"\r\n--x", b" ", b"PLANT", '"é'.encode(), b"{", b"}"]
    ),
    max_size=8,
).map(b"".join)
heads = st.sampled_from(
    [
        (PLAIN, ""),
        (FILE.format("a.txt"), "text/plain"),
        (FILE.format("a"), ""),
        (FILE.format("a.csv"), "text/csv"),
    ]
)


@given(st.lists(st.tuples(chunks, heads), max_size=4))
@settings(max_examples=300)
def test_what_is_replaced_goes_and_all_else_stays(found: list[tuple[bytes, tuple[str, str]]]) -> None:
    parts = [Part(content, *head) for content, head in found]
    body = form(*parts)
    try:
        request = parsed(*parts)
    except RequestRefused as refused:
        assert refused.status == 400  # noqa: PT017 - and a boundary look-alike is the only reason
        assert any(b"\n--x-7" in b"\n" + content or b"\r--x-7" in content for content, _ in found)
        return
    assert request.edited([[] for _ in request.fields]) == body
    changes = []
    for field in request.fields:
        starts = [at for at in range(len(field.text)) if field.text.startswith("PLANT", at)]
        changes.append([Replacement(at, at + 5, "{{T_1}}") for at in starts])
    assert request.edited(changes) == body.replace(b"PLANT", b"{{T_1}}")


def test_what_httpx_sends_is_read() -> None:
    request = httpx.Request(
        "POST",
        "http://127.0.0.1/v1/audio/transcriptions",
        data={"model": "whisper-1", "prompt": "Ada Park"},
        files={"file": ("Ünï.wav", tiny_wav(), "audio/wav")},
    )
    reader = reader_for("/v1/audio/transcriptions", request.headers["content-type"])
    assert reader is not None
    request.read()
    found = reader.parse_request(request.content)
    assert [field.text for field in found.fields if field.kind is not FieldKind.FIXED] == ["Ada Park"]
