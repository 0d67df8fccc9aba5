"""Raw HTTP through a real Envoy: routes, credentials, bad input, and what providers get to see of it."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from sidecar.gateway.echo_provider import EchoProvider
from tests.e2e.harness import Gateway, Planted

pytestmark = [pytest.mark.envoy, pytest.mark.model]

MEBIBYTE = 1024 * 1024


@pytest.fixture
def client(gateway: Gateway) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=gateway.url, timeout=60) as made:
        yield made


def chat(text: str) -> dict[str, Any]:
    return {"model": "echo", "messages": [{"role": "user", "content": text}]}


def as_json(body: bytes) -> dict[str, Any]:
    return {"content": body, "headers": {"content-type": "application/json"}}


@pytest.mark.parametrize(
    ("route", "name", "credential"),
    [("openai", "authorization", "Bearer sk-other"), ("anthropic", "x-api-key", "sk-other")],
)
def test_the_target_credential_becomes_the_providers(
    client: httpx.Client, clean: EchoProvider, route: str, name: str, credential: str
) -> None:
    sent = {"X-Target-API-Key": "sk-other", "Authorization": "Bearer own", "x-api-key": "own"}
    client.post(f"/v1/proxy/{route}/chat/completions", json=chat("Good morning"), headers=sent)
    (request,) = clean.requests
    assert request.path == "/v1/chat/completions"
    assert request.header(name) == credential
    assert "own" not in " ".join(text for _, text in request.headers)
    assert "x-target-api-key" not in dict(request.headers)


def test_the_provider_learns_nothing_from_headers(
    client: httpx.Client, clean: EchoProvider, planted: Planted
) -> None:
    mail = planted("rosa@example.org")
    sent = {
        "Cookie": "session=1",
        "X-Forwarded-User": "rosa",
        "X-OpenWebUI-User-Email": mail,
        "X-Note": f"for {mail}",
        "X-Pii-Sidecar-Stamp": "processed",
        "Authorization": "Bearer own",
        "X-Request-Tag": "42",
    }
    client.post("/openai/v1/chat/completions", json=chat("Good morning"), headers=sent)
    (request,) = clean.requests
    names = {name for name, _ in request.headers}
    assert names >= {"authorization", "x-request-tag"}
    assert not names & {
        "cookie",
        "x-forwarded-user",
        "x-openwebui-user-email",
        "x-note",
        "x-pii-sidecar-stamp",
    }
    assert not [name for name in names if name.startswith("x-envoy")]


def test_profile_mask_replaces_for_good(client: httpx.Client, clean: EchoProvider) -> None:
    asked = {"value": "What is Jane Doe's SSN 123-45-6789?"}
    answer = client.post("/api/profile-mask/default", json=asked)
    assert (answer.status_code, answer.json()) == (200, {"replacement": "What is [[NAME]]'s SSN [[SSN]]?"})
    assert client.post("/api/profile-mask/default", json={}).status_code == 400
    assert client.post("/api/profile-mask/default", **as_json(b"{")).status_code == 400
    assert client.post("/api/profile-mask/unheard-of", json=asked).status_code == 404
    assert clean.requests == ()


def test_the_balanced_mask_spares_public_facts(client: httpx.Client) -> None:
    asked = {"value": "Is Brannagh Oyelaran in France?"}
    default = client.post("/api/profile-mask/default", json=asked).json()["replacement"]
    balanced = client.post("/api/profile-mask/balanced", json=asked).json()["replacement"]
    assert default == "Is [[NAME]] in [[LOCATION]]?"
    assert balanced == "Is [[NAME]] in France?"


def test_spellings_of_one_person_are_linked_and_come_back_as_they_stood(
    client: httpx.Client, clean: EchoProvider, planted: Planted
) -> None:
    text = (
        f"{planted('Brannagh Oyelaran')} called. Ask {planted('BRANNAGH OYELARAN')} or {planted('Oyelaran')}."
    )
    answer = client.post("/openai/v1/chat/completions", json=chat(text))
    (request,) = clean.requests
    seen = json.loads(request.body)["messages"][0]["content"]
    assert seen == "{{PERSON_1}} called. Ask {{PERSON_1_2}} or {{PERSON_1_3}}."
    assert text in answer.json()["choices"][0]["message"]["content"]


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        pytest.param(b"{", {}, 400, id="not-json"),
        pytest.param(b'{"a": "\xff"}', {}, 400, id="broken-utf8"),
        pytest.param(b"[" * 5000 + b"]" * 5000, {}, 400, id="too-deep"),
        pytest.param(b"not gzip", {"content-encoding": "gzip"}, 400, id="broken-gzip"),
        pytest.param(b"x", {"content-encoding": "snappy"}, 415, id="unknown-coding"),
        pytest.param(b"hello", {"content-type": "application/octet-stream"}, 415, id="unknown-type"),
        pytest.param(b"a=b", {"content-type": "application/x-www-form-urlencoded"}, 415, id="form"),
        pytest.param(b"--y--", {"content-type": "multipart/form-data; boundary=x"}, 400, id="upload"),
        pytest.param(gzip.compress(bytes(40 * MEBIBYTE)), {"content-encoding": "gzip"}, 413, id="bomb"),
    ],
)
@pytest.mark.parametrize(
    "path", ["/v1/chat/completions", "/v1/messages", "/gemini/v1beta/models/g:generateContent"]
)
def test_bad_bodies_are_refused_in_the_providers_shape(
    client: httpx.Client, clean: EchoProvider, path: str, body: bytes, headers: dict[str, str], status: int
) -> None:
    answer = client.post(path, content=body, headers={"content-type": "application/json", **headers})
    assert answer.status_code == status
    error = answer.json()["error"]
    assert error["type"] == "pii_sidecar"
    assert error["message"]
    assert (answer.json().get("type") == "error") == (path == "/v1/messages")
    assert clean.requests == ()


def test_a_body_over_the_limit_is_refused(client: httpx.Client, clean: EchoProvider) -> None:
    body = json.dumps(chat("x" * (33 * MEBIBYTE))).encode()
    try:
        answer = client.post("/v1/chat/completions", **as_json(body))
    except httpx.TransportError:
        pass  # Envoy may reset a sender that is faster than the refusal
    else:
        assert answer.status_code == 413
        assert answer.json()["error"]["type"] == "pii_sidecar"
    assert clean.requests == ()


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("x" * (30 * MEBIBYTE), id="one-word"),
        pytest.param("(" * (4 * MEBIBYTE), id="punctuation"),
        pytest.param("\\u0301" * MEBIBYTE, id="combining-marks"),
        pytest.param("1" * (10 * MEBIBYTE), id="digits"),
    ],
)
def test_a_huge_text_is_answered_in_time_or_refused_clearly(
    client: httpx.Client, clean: EchoProvider, text: str
) -> None:
    body = b'{"model": "echo-error-429", "messages": [{"content": "' + text.encode() + b'"}]}'
    answer = client.post("/v1/chat/completions", **as_json(body))
    assert answer.status_code in {413, 429}
    if answer.status_code == 413:
        assert answer.json()["error"]["type"] == "pii_sidecar"
        assert clean.requests == ()


def test_too_much_prose_to_finish_in_time_is_refused(
    client: httpx.Client, clean: EchoProvider, planted: Planted
) -> None:
    mail = planted("grace.hopper@example.org")
    body = chat(f"Mail {mail}. " + "The committee met in Geneva and heard from the delegates. " * 400_000)
    answer = client.post("/v1/chat/completions", json=body)
    assert answer.status_code == 413, answer.text
    assert answer.json()["error"]["type"] == "pii_sidecar"
    assert clean.requests == ()


def test_odd_json_arrives_byte_for_byte(client: httpx.Client, clean: EchoProvider) -> None:
    body = (
        b'{ "a":1e400, "a" : 12345678901234567890123456789,\r\n\t"messages":[{"role":"user","content":'
        b'"\\ud800 \\u0000 \\/ \\u00e9 caf\xc3\xa9"}] ,"deep":' + b"[" * 500 + b"]" * 500 + b', "n": 1.50}'
    )
    client.post("/openai/v1/other", **as_json(body))
    assert clean.requests[-1].body == body


def test_only_what_was_found_changes(client: httpx.Client, clean: EchoProvider, planted: Planted) -> None:
    mail = planted("t.o-b+x@mail.example.com")
    body = b'{"x":[1.0,{"b":"' + mail.encode() + b'","a":"\\u0041\\/"}],"x":null,  "z":-0.0}'
    answer = client.post("/openai/v1/other", **as_json(body))
    assert clean.requests[-1].body == body.replace(mail.encode(), b"{{EMAIL_1}}")
    assert answer.content == body


def test_a_number_that_is_an_original_comes_back_as_the_number(
    client: httpx.Client, clean: EchoProvider, planted: Planted
) -> None:
    card = planted("4111111111111111")
    body = b'{"number": ' + card.encode() + b', "text": "' + card.encode() + b'", "count": 7}'
    answer = client.post("/openai/v1/other", **as_json(body))
    seen = clean.requests[-1].body
    assert json.loads(seen) == {"number": "{{CREDIT_CARD_1}}", "text": "{{CREDIT_CARD_2}}", "count": 7}
    assert answer.content == body


def test_a_compressed_request_is_inspected(
    client: httpx.Client, clean: EchoProvider, planted: Planted
) -> None:
    text = f"Mail {planted('uma@example.org')}"
    body = gzip.compress(json.dumps(chat(text)).encode())
    headers = {"content-type": "application/json", "content-encoding": "gzip"}
    answer = client.post("/v1/chat/completions", content=body, headers=headers)
    assert answer.json()["choices"][0]["message"]["content"] == text
    assert "content-encoding" not in dict(clean.requests[-1].headers)


def test_an_original_in_the_url_is_refused(
    client: httpx.Client, clean: EchoProvider, planted: Planted
) -> None:
    mail = planted("vera@example.org")
    answer = client.post("/v1/chat/completions", params={"who": mail}, json=chat("Good morning"))
    assert answer.status_code == 422
    assert mail not in answer.text
    assert clean.requests == ()


def test_a_request_without_a_body_passes(client: httpx.Client, clean: EchoProvider) -> None:
    client.get("/openai/v1/models")
    (request,) = clean.requests
    assert (request.method, request.path) == ("GET", "/v1/models")


@pytest.mark.parametrize("http2", [True, False])
def test_both_versions_of_http_are_served(
    gateway: Gateway, clean: EchoProvider, planted: Planted, http2: bool
) -> None:
    text = f"Mail {planted('wim@example.org')}"
    with httpx.Client(base_url=gateway.url, http1=not http2, http2=http2) as client:
        answer = client.post("/v1/chat/completions", json=chat(text))
    assert answer.http_version == ("HTTP/2" if http2 else "HTTP/1.1")
    assert answer.json()["choices"][0]["message"]["content"] == text
    del clean


def test_no_process_of_the_gateway_would_leave_a_core_dump(gateway: Gateway) -> None:
    for pid in [gateway.process.pid, *gateway.children]:
        limits = Path(f"/proc/{pid}/limits").read_text(encoding="ascii")
        (line,) = (line for line in limits.splitlines() if line.startswith("Max core file size"))
        assert line.split()[4:6] == ["1", "1"]


def test_anything_else_is_not_found(client: httpx.Client, clean: EchoProvider) -> None:
    for path in ("/", "/metrics", "/v2/chat", "/api/other", "/health/x"):
        answer = client.post(path, json=chat("x"))
        assert answer.status_code == 404
        assert answer.json()["error"]["type"] == "pii_sidecar"
    assert clean.requests == ()
