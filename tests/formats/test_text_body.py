from __future__ import annotations

import pytest

from sidecar.errors import RequestRefused
from sidecar.formats.format import FieldKind, ParsedRequest, Replacement
from sidecar.formats.request_types import reader_for


def parsed(body: bytes, path: str = "/v1/x") -> ParsedRequest:
    reader = reader_for(path, "text/plain; charset=utf-8")
    assert reader is not None
    return reader.parse_request(body)


@pytest.mark.parametrize(
    "text", ["name,mail\r\nAda,ada@example.org\r\n", "{{typed}}", "[1] a list", '"quoted" text']
)
def test_text_is_one_field(text: str) -> None:
    (field,) = parsed(text.encode()).fields
    assert (field.text, field.kind, field.nested) == (text, FieldKind.STRING, False)
    assert field.source(1, 4) == text[1:4]


@pytest.mark.parametrize(
    ("body", "texts"),
    [
        (b' {"a": "\\u0041da"}\n', ["a", "Ada"]),
        (b'{"a":\n "x"}', ["a", "x"]),
        (b'["\\u0041da"]\n["x"]', ["Ada", "x"]),
        (b'\xef\xbb\xbf["x"]', ["x"]),
        (b'"\\u0041da"', ["Ada"]),
        (b'["x"]\nand more', ['["x"]\nand more']),
    ],
)
def test_what_reads_as_json_is_looked_at_as_json(body: bytes, texts: list[str]) -> None:
    assert [field.text for field in parsed(body).fields] == texts


def test_json_sent_as_text_is_read_in_the_shape_of_its_path() -> None:
    body = b'{"messages":[{"role":"user","content":"x"}],"tools":[{"function":{"description":"tool"}}]}'
    assert next(field.text for field in parsed(body, "/v1/chat/completions").fields) == "tool"


@pytest.mark.parametrize("body", [b"a\x00b", b"\xff\xfea", b"caf\xe9", "a".encode("utf-16"), b"\x01"])
def test_what_is_no_text_is_refused(body: bytes) -> None:
    with pytest.raises(RequestRefused) as refused:
        parsed(body)
    assert refused.value.status == 415


def test_only_what_is_replaced_changes_and_the_mark_stays() -> None:
    body = "\ufeffAda wrötë\r\nto Ben\n".encode()
    found = parsed(body)
    assert found.edited([[]]) is body
    edited = found.edited([[Replacement(0, 3, "{{A_1}}"), Replacement(14, 17, "{{B_1}}")]])
    assert edited == "\ufeff{{A_1}} wrötë\r\nto {{B_1}}\n".encode()


def test_an_empty_text_has_no_fields() -> None:
    assert list(parsed(b"").fields) == []
