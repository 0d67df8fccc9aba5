"""Policy: which headers and URLs may leave, and how a refusal reads."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

import pytest

from sidecar.detection.pipeline import load_detection
from sidecar.errors import RequestRefused
from sidecar.model import Headers, Origin, Span
from sidecar.policy import (
    ErrorShape,
    HeaderPolicy,
    PatternsIn,
    PatternsInEach,
    check_body,
    check_method,
    check_url,
    error_shape,
    refusal,
    report,
)

POLICY = HeaderPolicy(("cookie", "x-forwarded-user", "x-openwebui-user-*"))


def each(find: PatternsIn) -> PatternsInEach:
    return lambda texts: [find(text) for text in texts]


def mails_in(text: str) -> Sequence[Span]:
    return [Span(*found.span(), "EMAIL", 1.0, Origin.PATTERN) for found in re.finditer(r"\w+@\w+\.\w+", text)]


def edited(path: str, **fields: str) -> tuple[dict[str, str], set[str]]:
    named = tuple((name.replace("_", "-"), text) for name, text in fields.items())
    edit = POLICY.edit(Headers(((":path", path), *named)), each(mails_in))
    return dict(edit.set), set(edit.remove)


@pytest.mark.parametrize(
    ("path", "shape"),
    [
        ("/v1/messages", ErrorShape.ANTHROPIC),
        ("/v1/messages/count_tokens?beta=true", ErrorShape.ANTHROPIC),
        ("/anthropic/v1/messages", ErrorShape.ANTHROPIC),
        ("/v1/proxy/anthropic/messages", ErrorShape.ANTHROPIC),
        ("/anthropic/v1/chat/completions", ErrorShape.OPENAI),
        ("/v1/chat/completions", ErrorShape.OPENAI),
        ("/gemini/v1beta/models/g:generateContent", ErrorShape.GOOGLE),
        ("/gemini/v1beta/openai/chat/completions", ErrorShape.OPENAI),
        ("/openai/v1/embeddings?x=/v1/messages", ErrorShape.OPENAI),
        ("/v1beta/models/g:generateContent", ErrorShape.GOOGLE),
        ("/local/api/chat", ErrorShape.OLLAMA),
        ("/local/v1/chat/completions", ErrorShape.OPENAI),
        ("", ErrorShape.OPENAI),
    ],
)
def test_a_refusal_speaks_the_language_of_the_client(path: str, shape: ErrorShape) -> None:
    assert error_shape(path) is shape


@pytest.mark.parametrize("shape", ErrorShape)
def test_every_shape_carries_message_and_type(shape: ErrorShape) -> None:
    answer = refusal(422, "body: too odd", shape)
    body = json.loads(answer.body)
    error = body["error"] if isinstance(body["error"], dict) else {**body, "message": body["error"]}
    assert (answer.status, error["message"], error["type"]) == (422, "body: too odd", "pii_sidecar")
    assert ("content-type", "application/json") in answer.headers


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("/v1/users/ada@example.org", id="path"),
        pytest.param("/v1/users/ada%40example.org", id="percent-encoded"),
        pytest.param("/v1/models?user=ada%40example.org", id="query"),
        pytest.param("/v1/models?ada@example.org=1", id="parameter-name"),
        pytest.param("/v1/models?a=1&keys=ada@example.org", id="not-the-credential"),
        pytest.param("/v1/models?ada@example.org", id="bare-parameter"),
    ],
)
def test_a_url_with_personal_data_is_refused_without_repeating_it(path: str) -> None:
    with pytest.raises(RequestRefused, match=r"1 span of EMAIL") as caught:
        check_url(path, mails_in)
    assert caught.value.status == 422
    assert "ada" not in caught.value.message


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("/v1/models?phone=+12025550143", id="a-plus-that-is-no-blank"),
        pytest.param("/v1/users/+12025550143", id="a-plus-in-the-path"),
        pytest.param("/v1/users/4111+1111+1111+1111", id="a-plus-that-is-a-blank"),
        pytest.param("/v1/models?ssn=123456789", id="the-name-as-context"),
        pytest.param("/v1/models?card=4532-1234-5678-9010", id="a-card-by-its-name"),
    ],
)
def test_a_url_is_read_in_every_way_that_a_provider_may(path: str) -> None:
    with pytest.raises(RequestRefused):
        check_url(path, load_detection(None, ner=False).patterns_in)


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("/v1/responses/resp_7b1cc4adec2200967207271f6e0de4469cf1327040095bd1", id="path"),
        pytest.param("/v1/x?after=msg_e5cc57746e69a7bbdf7e16df2bff57d311661945080723ae", id="query"),
        pytest.param("/v1/chat/completions/217bd552-adbc-b155-a659-0755919739c1", id="uuid"),
    ],
)
def test_digits_in_an_id_of_the_providers_are_no_card(path: str) -> None:
    check_url(path, load_detection(None, ner=False).patterns_in)


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("/v1/users/4111111111111111", id="bare"),
        pytest.param("/v1/users/cafe_4111111111111111", id="beside-hex"),
        pytest.param("/v1/users/card4111111111111111ofacustomerofours", id="among-letters"),
    ],
)
def test_a_card_that_is_no_part_of_an_id_is_refused(path: str) -> None:
    with pytest.raises(RequestRefused):
        check_url(path, load_detection(None, ner=False).patterns_in)


def test_the_credential_parameter_passes() -> None:
    check_url("/gemini/v1beta/models/g:generateContent?key=abc@example.org&alt=sse", mails_in)


def test_headers_that_tell_who_the_user_is_are_removed() -> None:
    assert edited(
        "/v1/x",
        cookie="a=b",
        x_forwarded_user="ada",
        x_openwebui_user_email="x",
        x_note="ada@example.org",
        x_ok="1",
    ) == ({}, {"cookie", "x-forwarded-user", "x-openwebui-user-email", "x-note"})


def test_parameters_of_the_content_type_are_looked_at() -> None:
    fields = {"content_type": "application/json; by=ada@example.org", "te": "ada@example.org"}
    assert edited("/v1/x", **fields, content_length="9") == ({}, {"content-type", "te"})


def test_the_name_of_a_header_is_context_for_its_text() -> None:
    headers = Headers(
        (("x-ssn", "123456789"), ("x-request", "123456789"), ("content-type", "application/json"))
    )
    edit = POLICY.edit(headers, each(load_detection(None, ner=False).patterns_in))
    assert edit.remove == ("x-ssn",)


def test_the_clients_own_credentials_pass() -> None:
    assert edited(
        "/v1/x", authorization="Bearer a@example.org", x_api_key="k@example.org", x_goog_api_key="g"
    ) == (
        {},
        set(),
    )


def test_a_credential_in_another_header_passes_and_personal_data_beside_it_does_not() -> None:
    key = "Bearer sk-proj-EXAMPLE_NOT_REAL_0000000000"
    headers = Headers((("x-router-key", key), ("x-note", f"{key} of ada@example.org")))
    edit = POLICY.edit(headers, each(load_detection(None, ner=False).patterns_in))
    assert edit.remove == ("x-note",)


@pytest.mark.parametrize(
    ("path", "name", "credential"),
    [
        ("/v1/proxy/openai/chat/completions", "authorization", "Bearer k1"),
        ("/v1/proxy/anthropic/messages", "x-api-key", "k1"),
    ],
)
def test_the_target_credential_becomes_the_providers_and_no_other_goes(
    path: str, name: str, credential: str
) -> None:
    sent = {"x_target_api_key": "k1", "authorization": "Bearer own", "x_api_key": "own", "api_key": "own"}
    set_fields, removed = edited(path, **sent)
    assert set_fields == {name: credential}
    assert removed == {"x-target-api-key", "authorization", "x-api-key", "api-key"} - {name}


def test_the_target_credential_is_stripped_on_every_route() -> None:
    assert edited("/openai/v1/x", x_target_api_key="k1", authorization="Bearer own") == (
        {},
        {"x-target-api-key"},
    )


def test_a_body_announced_over_the_limit_is_refused_before_it_arrives() -> None:
    check_body(Headers((("content-length", "10"),)), 10)
    with pytest.raises(RequestRefused, match="over the limit of 10"):
        check_body(Headers((("content-length", "11"),)), 10)


def test_a_body_of_two_types_is_refused() -> None:
    twice = ("content-type", "application/json")
    check_body(Headers((twice, twice)), 10)
    with pytest.raises(RequestRefused, match="more than one"):
        check_body(Headers((twice, ("content-type", "text/plain"))), 10)


@pytest.mark.parametrize(
    "fields", [((":method", "CONNECT"),), ((":method", "GET"), ("upgrade", "websocket"))]
)
def test_tunnels_are_refused(fields: tuple[tuple[str, str], ...]) -> None:
    with pytest.raises(RequestRefused) as caught:
        check_method(Headers(fields))
    assert 400 <= caught.value.status < 500


@pytest.mark.parametrize(
    ("counts", "text"),
    [
        ({}, "clean"),
        ({"EMAIL": 1}, "tokenized; EMAIL=1"),
        ({"EMAIL": 1, "SSN": 2, "CREDIT_CARD": 1}, "tokenized; SSN=2, CREDIT_CARD=1, EMAIL=1"),
    ],
)
def test_the_report_counts_by_entity_type_most_frequent_first(counts: dict[str, int], text: str) -> None:
    assert report(counts) == text
