from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.errors import ResponseUnsafe
from sidecar.formats import answers
from sidecar.formats.answers import restorer_for
from sidecar.formats.format import Format
from sidecar.formats.registry import FORMATS
from sidecar.model import Original
from sidecar.tokens.token_map import TokenMap

QUOTED = 'Ada "L"'
EVERY_FORMAT = pytest.mark.parametrize("fmt", FORMATS, ids=[fmt.name for fmt in FORMATS])
CHAT = FORMATS[0]


def token_map(*originals: str) -> TokenMap:
    tokens = TokenMap({"PERSON"})
    for original in originals:
        tokens.tokenize(Original(original), "PERSON")
    return tokens


def restore(body: bytes, content_type: str, fmt: Format = CHAT, *, step: int = 5) -> bytes | None:
    restorer = restorer_for(fmt, content_type, token_map(QUOTED).restorer)
    if restorer is None:
        return None
    return (
        b"".join(restorer.feed(body[at : at + step]) for at in range(0, len(body), step)) + restorer.flush()
    )


JSON = b'{"error": {"message": "{{PERSON_1}}"}}'
AS_JSON = b'{"error": {"message": "Ada \\"L\\""}}'
AS_RAW = b'{"error": {"message": "Ada "L""}}'
EVENTS = b"data: " + JSON + b"\n\n"
AS_EVENTS = b"data: " + AS_JSON + b"\n\n"


@EVERY_FORMAT
@pytest.mark.parametrize(
    ("content_type", "body", "expected"),
    [
        pytest.param("application/json", JSON, AS_JSON, id="JSON"),
        pytest.param("Application/JSON; charset=utf-8", JSON, AS_JSON, id="case and parameters"),
        pytest.param(" application/json ;x=y", JSON, AS_JSON, id="spaces"),
        pytest.param("application/problem+json", JSON, AS_JSON, id="a JSON suffix"),
        pytest.param("application/vnd.api+json; profile=a", JSON, AS_JSON, id="a vendor's JSON"),
        pytest.param("text/event-stream; charset=utf-8", EVENTS, AS_EVENTS, id="SSE"),
        pytest.param("TEXT/EVENT-STREAM", EVENTS, AS_EVENTS, id="SSE in capitals"),
        pytest.param("application/x-ndjson", JSON + b"\n" + JSON, AS_JSON + b"\n" + AS_JSON, id="NDJSON"),
        pytest.param("application/jsonl", JSON + b"\r\n", AS_JSON + b"\r\n", id="JSON lines"),
        pytest.param("application/stream+json", JSON + b"\n", AS_JSON + b"\n", id="stream+json is lines"),
        pytest.param("text/plain", JSON, AS_RAW, id="plain text"),
        pytest.param("text/html; charset=utf-8", JSON, AS_RAW, id="HTML is not escaped"),
        pytest.param("application/xml", JSON, AS_RAW, id="XML"),
        pytest.param("image/svg+xml", JSON, AS_RAW, id="an XML suffix"),
        pytest.param("application/javascript", JSON, AS_RAW, id="JavaScript"),
        pytest.param("", JSON, AS_JSON, id="undeclared, like JSON"),
        pytest.param(
            "", b"\xef\xbb\xbf \n" + JSON, b"\xef\xbb\xbf \n" + AS_JSON, id="undeclared, JSON behind space"
        ),
        pytest.param("", b"To {{PERSON_1}}", b'To Ada "L"', id="undeclared text"),
        pytest.param("", b" " * 2000 + JSON, b" " * 2000 + AS_RAW, id="undeclared, text for long"),
        pytest.param("", b" \n", b" \n", id="undeclared, nothing"),
        pytest.param("", b"\xef\xbb", b"\xef\xbb", id="undeclared, half a mark"),
        pytest.param("", b"", b"", id="undeclared, empty"),
        pytest.param("application/json", b"", b"", id="empty JSON"),
        pytest.param("application/x-ndjson", b"{{\n\\\nx\n", b"{{\n\\\nx\n", id="lines that are no JSON end"),
        pytest.param("application/json", JSON[:-1], AS_RAW[:-1], id="JSON that breaks off"),
        pytest.param("application/json", b"\xff" + JSON, b"\xff" + AS_RAW, id="JSON that is not UTF-8"),
        pytest.param("application/json", b"<h1>{{PERSON_1}}", b'<h1>Ada "L"', id="HTML that says JSON"),
    ],
)
def test_the_declared_type_decides(fmt: Format, content_type: str, body: bytes, expected: bytes) -> None:
    assert restore(body, content_type, fmt) == expected
    assert restore(body, content_type, fmt, step=1) == expected
    assert restore(body, content_type, fmt, step=10_000) == expected


@pytest.mark.parametrize(
    "content_type",
    ["audio/mpeg", "image/png", "video/mp4", "application/pdf", "application/octet-stream", "font/woff2"],
)
def test_binary_types_are_not_touched(content_type: str) -> None:
    assert restore(JSON, content_type) is None


@EVERY_FORMAT
@given(body=st.binary(max_size=60), known=st.booleans())
@pytest.mark.parametrize(
    "content_type", ["application/json", "text/event-stream", "application/x-ndjson", "text/plain", ""]
)
def test_answers_without_tokens_stay_byte_identical(
    fmt: Format, content_type: str, body: bytes, known: bool
) -> None:
    answer = body if not known else json.dumps({"a": body.decode("latin-1")}).encode()
    assert restore(answer, content_type, fmt, step=1) == answer


def test_a_json_answer_that_is_too_long_to_keep_is_unsafe(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "MAX_ANSWER_BYTES", len(JSON))
    assert restore(JSON, "application/json") == AS_JSON
    with pytest.raises(ResponseUnsafe):
        restore(JSON + b" ", "application/json")


def test_text_is_not_kept_waiting() -> None:
    restorer = restorer_for(CHAT, "text/plain", token_map("Ada").restorer)
    assert restorer is not None
    assert restorer.feed(b"To {{PERSON_1}} and {{P") == b"To Ada and "
