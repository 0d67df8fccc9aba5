from __future__ import annotations

import base64
import json
import time
from typing import Any

import pytest

from sidecar.errors import RequestRefused
from sidecar.formats import json_request
from sidecar.formats.format import FieldKind, Format, Replacement
from sidecar.formats.json_request import JsonRequest
from sidecar.formats.registry import ANTHROPIC_MESSAGES, GENERIC_JSON, OPENAI_CHAT
from sidecar.formats.shapes import ANYTHING, Treatment, compiled

KEY, NUMBER, STRING = FieldKind.KEY, FieldKind.NUMBER, FieldKind.STRING


def fields(value: object, fmt: Format = GENERIC_JSON) -> list[tuple[FieldKind, str, str]]:
    parsed = fmt.parse_request(json.dumps(value).encode())
    return [(field.kind, field.text, field.hint) for field in parsed.fields]


def texts(value: object, fmt: Format = GENERIC_JSON) -> list[str]:
    return [text for kind, text, _ in fields(value, fmt) if kind is not KEY]


def refusal(value: object, fmt: Format = GENERIC_JSON) -> int:
    with pytest.raises(RequestRefused) as refused:
        fmt.parse_request(json.dumps(value).encode())
    return refused.value.status


def test_strings_numbers_and_keys_are_fields_with_the_key_above_as_hint() -> None:
    assert fields({"card": [4111, "x", {"no": ["y"]}], "t": True}) == [
        (KEY, "card", ""),
        (NUMBER, "4111", "card"),
        (STRING, "x", "card"),
        (KEY, "no", "card"),
        (STRING, "y", "no"),
        (KEY, "t", ""),
    ]


def test_empty_strings_are_no_fields() -> None:
    assert fields(["", {"": ""}]) == []


@pytest.mark.parametrize(
    ("fmt", "order"),
    [
        (OPENAI_CHAT, ["tool", "function", "system", "first", "rest"]),
        (ANTHROPIC_MESSAGES, ["tool", "system", "first"]),
    ],
    ids=["openai_chat", "anthropic_messages"],
)
def test_fields_come_in_the_order_in_which_the_model_reads_them(fmt: Format, order: list[str]) -> None:
    body = {
        "user": "rest",
        "messages": [{"role": "user", "content": "first"}],
        "system": "system",
        "functions": [{"name": "f", "description": "function"}],
        "tools": [{"function": {"description": "tool"}}],
    }
    found = [text for text in texts(body, fmt) if text in order]
    assert found[: len(order)] == order


def test_json_inside_a_string_counts_by_its_literals() -> None:
    inner = json.dumps({"a": "x", "b": json.dumps([1, "y"])})
    parsed = GENERIC_JSON.parse_request(json.dumps([inner, "z"]).encode())
    assert [(field.kind, field.text, field.nested) for field in parsed.fields] == [
        (KEY, "a", True),
        (STRING, "x", True),
        (KEY, "b", True),
        (NUMBER, "1", True),
        (STRING, "y", True),
        (STRING, "z", False),
    ]


def test_a_field_knows_how_its_own_document_spells_it() -> None:
    inner = '["J\\u00f3n \\"x\\"", 1.50]'
    string, number = GENERIC_JSON.parse_request(json.dumps(inner).encode()).fields
    assert string.text == 'Jón "x"'
    assert string.source(0, 3) == "J\\u00f3n"
    assert string.source(4, 7) == '\\"x\\"'
    assert number.source(0, 4) == "1.50"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("4111", '"{{T_1}}"'),
        ("[1,4111 , 2]", '[1,"{{T_1}}" , 2]'),
        ('{"a":4111}', '{"a":"{{T_1}}"}'),
        ('"[4111]"', '"[\\"{{T_1}}\\"]"'),
        ('{"4111":""}', '{"{{T_1}}":""}'),
        ('"x4111y\\u0041"', '"x{{T_1}}y\\u0041"'),
    ],
)
def test_a_token_stands_where_the_original_stood(body: str, expected: str) -> None:
    parsed = GENERIC_JSON.parse_request(body.encode())
    changes = [
        [Replacement(field.text.index("4111"), field.text.index("4111") + 4, "{{T_1}}")]
        if "4111" in field.text
        else []
        for field in parsed.fields
    ]
    assert parsed.edited(changes) == expected.encode()


def test_the_body_itself_comes_back_when_nothing_changes() -> None:
    body = b'\xef\xbb\xbf {"a" : "x"}\n'
    parsed = GENERIC_JSON.parse_request(body)
    assert parsed.edited([[] for _ in parsed.fields]) is body


def test_replacements_must_match_the_fields() -> None:
    with pytest.raises(ValueError, match="zip"):
        GENERIC_JSON.parse_request(b'["a","b"]').edited([[Replacement(0, 1, "x")]])


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("call_9fJ2", None),
        ("gpt-4o:ft/x.1", None),
        ("ephemeral", None),
        ("ada@example.org", KEY),
        ("078-05-1120", KEY),
        ("192.0.2.7", KEY),
        ("Ada Park", STRING),
        ("x" * 300, KEY),
    ],
)
def test_structural_strings_pass_only_as_identifiers(text: str, kind: FieldKind | None) -> None:
    shape = compiled({"request": {"id": Treatment.STRUCTURAL}}, "request")
    found = JsonRequest(json.dumps({"id": text}).encode(), shape).fields
    assert [field.kind for field in found] == ([kind] if kind else [])


@pytest.mark.parametrize(
    ("text", "seen"), [("message", False), ("OBJECT", False), ("Ada", True), ("a b", True)]
)
def test_types_and_roles_of_any_json_pass_only_as_words_of_one_case(text: str, seen: bool) -> None:
    assert texts({"deep": [{"type": text}]}) == ([text] if seen else [])


def test_parameters_are_structural_as_numbers_only() -> None:
    assert texts({"seed": 4111, "options": {"seed": 4111}, "max_tokens": "4111 x"}) == ["4111 x"]
    assert texts({"rows": [{"seed": 4111}]}) == ["4111"]


@pytest.mark.parametrize("value", [[1, 2], [[1, 2], [3]], ["a", 1], [1]])
@pytest.mark.parametrize("key", ["input", "prompt"])
@pytest.mark.parametrize("fmt", [GENERIC_JSON, OPENAI_CHAT], ids=["generic_json", "openai_chat"])
def test_token_ids_are_refused(fmt: Format, key: str, value: object) -> None:
    assert refusal({key: value}, fmt) == 422


@pytest.mark.parametrize("value", ["a", ["a", ["b"]], {"n": 1}, [{"n": [1]}], 5])
def test_input_that_is_no_list_of_numbers_is_looked_at(value: object) -> None:
    assert texts({"input": value})


PDF = base64.b64encode(b"%PDF-1.7 and more").decode()
IMAGE = base64.b64encode(bytes(range(256))).decode()


@pytest.mark.parametrize(
    ("fmt", "part"),
    [
        (OPENAI_CHAT, {"type": "file", "file": {"file_data": f"data:application/pdf;base64,{PDF}"}}),
        (OPENAI_CHAT, {"type": "file", "file": {"filename": "a.docx", "file_data": IMAGE}}),
        (OPENAI_CHAT, {"type": "image_url", "image_url": {"url": f"data:application/zip;base64,{IMAGE}"}}),
        (
            ANTHROPIC_MESSAGES,
            {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": PDF}},
        ),
        (
            ANTHROPIC_MESSAGES,
            {"type": "image", "source": {"type": "base64", "media_type": "application/pdf", "data": PDF}},
        ),
        (
            ANTHROPIC_MESSAGES,
            {
                "type": "web_fetch_tool_result",
                "content": {
                    "type": "web_fetch_result",
                    "content": {
                        "type": "document",
                        "source": {"type": "base64", "media_type": "application/pdf", "data": PDF},
                    },
                },
            },
        ),
        (OPENAI_CHAT, {"type": "file", "file": {"file_data": "data:text/plain;base64,/////w=="}}),
        (GENERIC_JSON, {"inlineData": {"mimeType": "application/pdf", "data": PDF}}),
    ],
)
def test_files_that_cannot_be_looked_at_are_refused(fmt: Format, part: object) -> None:
    assert refusal({"messages": [{"role": "user", "content": [part]}]}, fmt) == 415


@pytest.mark.parametrize(
    ("fmt", "part"),
    [
        (OPENAI_CHAT, {"type": "image_url", "image_url": {"url": f"data:image/webp;base64,{IMAGE}"}}),
        (OPENAI_CHAT, {"type": "input_audio", "input_audio": {"data": IMAGE, "format": "mp3"}}),
        (OPENAI_CHAT, {"type": "video_url", "video_url": {"url": f"data:video/mp4;base64,{IMAGE}"}}),
        (
            ANTHROPIC_MESSAGES,
            {"source": {"data": IMAGE, "media_type": "image/gif", "type": "base64"}, "type": "image"},
        ),
        (GENERIC_JSON, {"type": "input_image", "image_url": f"data:image/png;base64,{IMAGE}"}),
    ],
)
def test_media_pass(fmt: Format, part: object) -> None:
    assert texts({"messages": [{"role": "user", "content": [part]}]}, fmt) == []


def test_media_too_short_to_tell_are_looked_at_for_patterns() -> None:
    source = {"type": "base64", "media_type": "image/png", "data": "4111111111111111"}
    body = {"messages": [{"role": "user", "content": [{"type": "image", "source": source}]}]}
    assert fields(body, ANTHROPIC_MESSAGES) == [(KEY, "4111111111111111", "data")]


def test_a_text_file_in_base64_is_looked_at_and_edited() -> None:
    encoded = base64.b64encode("name\nAda Núñez\n".encode()).decode()
    source = {"type": "base64", "media_type": "text/csv", "data": encoded}
    body = {"messages": [{"role": "user", "content": [{"type": "document", "source": source}]}]}
    parsed = ANTHROPIC_MESSAGES.parse_request(json.dumps(body).encode())
    assert [field.text for field in parsed.fields] == ["name\nAda Núñez\n"]
    sent = json.loads(parsed.edited([[Replacement(5, 14, "{{PERSON_1}}")]]))
    data = sent["messages"][0]["content"][0]["source"]["data"]
    assert base64.b64decode(data) == b"name\n{{PERSON_1}}\n"


SEAL = "EqQBCgIYAhIMc2lnbmF0dXJl"


@pytest.mark.parametrize(
    ("block", "signed", "seen"),
    [
        ({"signature": SEAL, "thinking": "t", "type": "thinking"}, [SEAL, "t"], []),
        ({"signature": "a b", "thinking": "t", "type": "thinking"}, ["t"], ["a b"]),
        ({"type": "thinking", "thinking": "t", "signature": ""}, [], ["t"]),
        ({"type": "thinking", "thinking": "t"}, [], ["t"]),
        ({"type": "redacted_thinking", "data": SEAL}, [SEAL], []),
        ({"type": "redacted_thinking", "data": "x y"}, [], ["x y"]),
        ({"type": "text", "text": "t", "signature": "a b"}, [], ["t", "a b"]),
        ({"type": "text", "data": "a b"}, [], ["a b"]),
    ],
)
def test_thinking_is_signed_only_with_a_signature(
    block: dict[str, str], signed: list[str], seen: list[str]
) -> None:
    body = json.dumps({"messages": [{"role": "assistant", "content": [block]}]}).encode()
    parsed = ANTHROPIC_MESSAGES.parse_request(body)
    assert list(parsed.signed) == signed
    assert [field.text for field in parsed.fields] == seen


@pytest.mark.parametrize("text", ["4111111111111111", "+44-20-7946-0958", "2001:db8:1:2:3:4:5:6"])
def test_numbers_and_addresses_are_not_taken_for_encrypted(text: str) -> None:
    assert texts({"signature": text}) == [text]


def test_too_many_fields_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_request, "MAX_FIELDS", 10)
    assert len(fields(list(range(10)))) == 10
    assert refusal(list(range(11))) == 413


def test_json_nested_in_strings_is_bounded_by_the_length_of_the_body() -> None:
    value: object = ["x" * 20_000]
    for _ in range(3):
        value = [json.dumps(value)]
    assert texts(value) == ["x" * 20_000]
    for _ in range(4):
        value = [json.dumps(value)]
    assert refusal(value) == 413


def test_a_refusal_says_the_byte_and_no_text() -> None:
    with pytest.raises(RequestRefused) as refused:
        GENERIC_JSON.parse_request('{"é": "Ada", "input": [1]}'.encode())
    assert str(refused.value).startswith("byte 24 of the body: token ids")
    assert "Ada" not in str(refused.value)


def test_deep_bodies_are_looked_at_to_the_bottom() -> None:
    assert [f.text for f in GENERIC_JSON.parse_request(b"[" * 512 + b'"x"' + b"]" * 512).fields] == ["x"]
    assert [f.text for f in JsonRequest(b'{"a":' * 900 + b'"x"' + b"}" * 900, ANYTHING).fields][-1] == "x"


def test_looking_at_many_small_values_is_linear() -> None:
    def seconds(count: int) -> float:
        body = json.dumps([{"a": n, "b": f"s{n}"} for n in range(count)]).encode()
        started = time.process_time()
        GENERIC_JSON.parse_request(body)
        return time.process_time() - started

    assert seconds(20_000) < 12 * seconds(4_000) + 0.5


@pytest.mark.parametrize("fmt", [ANTHROPIC_MESSAGES, OPENAI_CHAT], ids=lambda fmt: fmt.name)
@pytest.mark.parametrize(
    "part",
    [
        {"type": "document", "source": {"type": "base64", "media_type": "text/plain", "data": "{}"}},
        {"type": "input_file", "unheard_of": {"media_type": "text/csv", "data": "{}"}},
        {"type": "other", "file_data": "data:text/plain;base64,{}"},
    ],
    ids=["a-document-of-messages", "unknown", "a-file-of-responses"],
)
def test_a_part_of_another_providers_shape_is_looked_into(fmt: Format, part: dict[str, Any]) -> None:
    packed = base64.b64encode(b"mail ada@example.org").decode()
    body = json.dumps({"messages": [{"role": "user", "content": [part]}]}).replace("{}", packed)
    texts = [field.text for field in fmt.parse_request(body.encode()).fields]
    assert "mail ada@example.org" in texts


@pytest.mark.parametrize(
    ("body", "lasting"),
    [
        pytest.param({"messages": [{"role": "user", "content": "a"}]}, 1, id="messages-alone"),
        pytest.param({"user": "u", "messages": [{"role": "user", "content": "a"}]}, 1, id="user-before-it"),
        pytest.param({"messages": [{"role": "user", "content": "a"}], "user": "u"}, 1, id="user-behind-it"),
        pytest.param({"system": "s", "messages": [{"role": "user", "content": "a"}]}, 2, id="system-first"),
        pytest.param({"system": "s", "messages": [], "user": "u"}, 2, id="no-message"),
        pytest.param({"prompt": "p", "user": "u"}, 2, id="no-messages"),
    ],
)
def test_a_conversation_grows_behind_its_messages(body: dict[str, object], lasting: int) -> None:
    request = OPENAI_CHAT.parse_request(json.dumps(body).encode())
    assert request.lasting == lasting
