from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidecar.errors import RequestRefused
from sidecar.formats import json_lines
from sidecar.formats.format import FieldKind, ParsedRequest, Replacement
from sidecar.formats.request_types import reader_for


def parsed(body: bytes) -> ParsedRequest:
    reader = reader_for("/v1/files", "application/jsonl")
    assert reader is not None
    return reader.parse_request(body)


def texts(*documents: object) -> list[str]:
    body = b"\n".join(json.dumps(document).encode() for document in documents)
    return [field.text for field in parsed(body).fields if field.kind is FieldKind.STRING]


def refusal(body: bytes) -> RequestRefused:
    with pytest.raises(RequestRefused) as refused:
        parsed(body)
    return refused.value


def batch_item(url: str, **body: object) -> dict[str, object]:
    return {"custom_id": "r-1", "method": "POST", "url": url, "body": {"model": "m", **body}}


CHAT = {
    "messages": [{"role": "user", "content": "first"}],
    "tools": [{"type": "function", "function": {"name": "f", "description": "tool"}}],
    "max_tokens": 4111111111111111,
}


@pytest.mark.parametrize(
    "url", ["/v1/chat/completions", "/chat/completions", "https://api.example.org/v1/chat/completions"]
)
def test_a_batch_item_is_read_in_the_shape_and_order_of_its_endpoint(url: str) -> None:
    assert texts(batch_item(url, **CHAT)) == ["tool", "first"]


def test_each_line_has_its_own_endpoint() -> None:
    assert texts(
        batch_item("/v1/responses", input="hello", instructions="be kind"),
        batch_item("/v1/chat/completions", **CHAT),
        batch_item("/v1/embeddings", input=["one", "two"]),
    ) == ["be kind", "hello", "tool", "first", "one", "two"]


def test_items_without_an_endpoint_and_fine_tuning_are_chats() -> None:
    assert texts({"custom_id": "r-1", "body": CHAT}, CHAT) == ["tool", "first"] * 2


def test_the_id_that_the_client_chose_is_looked_at_for_patterns() -> None:
    item = json.dumps({**batch_item("/v1/responses", input="hi"), "custom_id": "ssn-123-45-6789"})
    found = [(field.kind, field.text) for field in parsed(item.encode()).fields]
    assert (FieldKind.KEY, "ssn-123-45-6789") in found


def test_an_item_of_two_endpoints_is_looked_at_as_a_whole() -> None:
    one, two = (json.dumps(batch_item(url, seed="x y")) for url in ("/v1/chat/completions", "/v1/messages"))
    twice = one[:-1] + "," + two[1:]
    fields = parsed(twice.encode()).fields
    assert [field.text for field in fields].count("r-1") == 2


@pytest.mark.parametrize("document", ["hello", ["a", "b"], {"prompt": "a", "completion": "b"}])
def test_other_documents_are_looked_at_like_any_json(document: object) -> None:
    assert texts(document)


def test_token_ids_in_a_line_are_refused() -> None:
    refused = refusal(b"{}\n\n" + json.dumps(batch_item("/v1/embeddings", input=[1, 2])).encode())
    assert refused.status == 422
    assert refused.message.startswith("line 3: ")


@pytest.mark.parametrize("body", [b'{"a":1}\nhello', b'{"a":\n1}', b'{"a":1}\r{"b":2}', b'"\xff"'])
def test_a_line_that_is_no_json_is_refused(body: bytes) -> None:
    assert refusal(body).status == 400


def test_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_lines, "MAX_LINES", 3)
    monkeypatch.setattr(json_lines, "MAX_ENTRIES", 6)
    assert len(parsed(b"[1]\n\n[2]\n[3]\n").fields) == 3
    assert refusal(b"1\n" * 4).status == 413
    assert refusal(b"[true,true]\n" * 3).status == 413


space = st.sampled_from([b"", b" ", b"\t", b"\r"])
line = st.one_of(
    st.just(b""),
    st.sampled_from(["ada", "ünï\u2028\x85", "{}", ""]).map(lambda text: json.dumps({"k": text}).encode()),
    st.sampled_from(["ada", "\U0001f989"]).map(lambda text: json.dumps([text], ensure_ascii=False).encode()),
)


@given(st.lists(st.tuples(space, line, space), max_size=6), st.sampled_from([b"\n", b"\r\n"]), st.booleans())
@settings(max_examples=200)
def test_what_is_not_replaced_stays_to_the_byte(
    lines: list[tuple[bytes, bytes, bytes]], end: bytes, marked: bool
) -> None:
    body = (b"\xef\xbb\xbf" if marked else b"") + end.join(b"".join(each) for each in lines)
    found = parsed(body)
    assert found.edited([[] for _ in found.fields]) is body
    changes = [
        [Replacement(0, len(field.text), "{{T_1}}")] if "ada" in field.text else [] for field in found.fields
    ]
    assert found.edited(changes) == body.replace(b"ada", b"{{T_1}}")


def test_replacements_must_match_the_fields() -> None:
    with pytest.raises(ValueError, match="1 lists of replacements for 2 fields"):
        parsed(b'["a"]\n["b"]').edited([[Replacement(0, 1, "x")]])
