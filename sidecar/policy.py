"""What may leave with a request beside its body, and what the client gets when something may not.

Headers and URL are looked at by patterns only. A refusal speaks the provider's own error shape, so
that the client's SDK raises what it always raises, and it never repeats text of the request.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum, auto
from fnmatch import translate
from urllib.parse import parse_qsl, unquote, unquote_plus

from sidecar.errors import RequestRefused
from sidecar.model import Echo, HeaderEdit, Headers, Refusal, Span

PatternsIn = Callable[[str], Sequence[Span]]
PatternsInEach = Callable[[Sequence[str]], Sequence[Sequence[Span]]]

# What the guard filter behind ext_proc asks for; clients' own are stripped, providers never see it.
STAMP = ("x-pii-sidecar-stamp", "processed")
REPORT_HEADER = "x-pii-sidecar"
# Requests below it are answered with what would have left, by the sidecar itself: there is no way on.
DOCTOR_PREFIX = "/doctor/"
CREDENTIAL_HEADERS = frozenset({"authorization", "x-api-key", "x-goog-api-key", "api-key"})
TARGET_CREDENTIAL = "x-target-api-key"
CREDENTIAL_TYPE = "SECRET"  # the entity type of keys and tokens in ``patterns.json``
CREDENTIAL_PARAMETER = "key"  # Gemini takes its credential as ?key=
# Ids that providers give out; by chance some of their digits look like a card.
_HEX_ID = re.compile(
    r"(?<![0-9A-Za-z])(?:[0-9a-f]{32,}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?![0-9A-Za-z])"
)
# Fields that HTTP itself needs, and that Envoy has read already.
HTTP_HEADERS = frozenset({"content-length", "host", "transfer-encoding"})
PROXY_ROUTES = {
    "/v1/proxy/openai/": ("authorization", "Bearer "),
    "/v1/proxy/anthropic/": ("x-api-key", ""),
}


class ErrorShape(Enum):
    """Whose error JSON the client expects."""

    OPENAI = auto()
    ANTHROPIC = auto()
    GOOGLE = auto()
    OLLAMA = auto()


def error_shape(path: str) -> ErrorShape:
    """Return the shape that an SDK calling ``path`` (query or not) understands."""
    bare = path.partition("?")[0]
    if bare.endswith("/chat/completions") or "/openai/" in bare:
        return ErrorShape.OPENAI
    if bare.startswith(("/anthropic/", "/v1/messages", "/v1/proxy/anthropic/")) or "/v1/messages" in bare:
        return ErrorShape.ANTHROPIC
    if bare.startswith(("/gemini/", "/v1beta/")):
        return ErrorShape.GOOGLE
    if bare.startswith(("/local/api/", "/api/")):
        return ErrorShape.OLLAMA
    return ErrorShape.OPENAI


GOOGLE_STATUS = {
    400: "INVALID_ARGUMENT",
    413: "OUT_OF_RANGE",
    415: "INVALID_ARGUMENT",
    422: "INVALID_ARGUMENT",
    503: "UNAVAILABLE",
}


def refusal(status: int, message: str, shape: ErrorShape) -> Refusal:
    """Build the answer for a request or response that this code does not let through."""
    match shape:
        case ErrorShape.OPENAI:
            body: dict[str, object] = {
                "error": {"message": message, "type": "pii_sidecar", "param": None, "code": status}
            }
        case ErrorShape.ANTHROPIC:
            body = {"type": "error", "error": {"type": "pii_sidecar", "message": message}}
        case ErrorShape.GOOGLE:
            state = GOOGLE_STATUS.get(status, "INTERNAL" if status >= 500 else "INVALID_ARGUMENT")
            body = {"error": {"code": status, "message": message, "status": state, "type": "pii_sidecar"}}
        case ErrorShape.OLLAMA:
            body = {"error": message, "type": "pii_sidecar"}
    return Refusal(status, json.dumps(body).encode(), (("content-type", "application/json"),))


def report(counts: Mapping[str, int]) -> str:
    """Return the text of the report header: how many originals of each entity type, most frequent first."""
    if not counts:
        return "clean"
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return "tokenized; " + ", ".join(f"{entity_type}={count}" for entity_type, count in ordered)


def is_doctor(path: str) -> bool:
    """Tell whether a request asks what would have left."""
    return path.startswith(DOCTOR_PREFIX)


def echo(body: bytes) -> Echo:
    """Build the answer to a request of ``pii-sidecar doctor``."""
    answer = {"would_leave": body.decode("utf-8", "replace")}
    return Echo(json.dumps(answer).encode(), (("content-type", "application/json"),))


def check_url(path: str, patterns_in: PatternsIn) -> None:
    """Refuse a path or query that holds personal data: it cannot be tokenized without changing its meaning.

    Args:
        path: ``:path`` as the client sent it, percent-encoded.
        patterns_in: Finds pattern spans in one text.

    Raises:
        RequestRefused: (422) There is a span in the path or in a parameter other than the credential's.
    """
    bare, _, query = path.partition("?")
    for name, text in [*_path_texts(bare), *_query_texts(query)]:
        if spans := patterns_in(_HEX_ID.sub("id", text)):
            raise RequestRefused(
                422, f"URL {name}: {len(spans)} span of {spans[0].entity_type}; send it in the body"
            )


def _path_texts(bare: str) -> Iterable[tuple[str, str]]:
    # A plus is a blank to some readers and a plus to others.
    return [("path", text) for text in sorted({unquote(bare), unquote_plus(bare)})]


def _query_texts(query: str) -> Iterable[tuple[str, str]]:
    # Decoded once, as a provider does; the name stands beside the text as its context.
    for source in sorted({query, query.replace("+", "%2B")}):
        for name, text in parse_qsl(source, keep_blank_values=True):
            if name != CREDENTIAL_PARAMETER:
                yield "query", name
                yield "query", f"{name}={text}"


def check_method(headers: Headers) -> None:
    """Refuse what would turn into a tunnel that nobody looks into.

    Raises:
        RequestRefused: (400, 405) An upgrade or a CONNECT.
    """
    if headers.get(":method") == "CONNECT":
        raise RequestRefused(405, "CONNECT is not supported: its bytes cannot be inspected")
    if "upgrade" in headers:
        raise RequestRefused(400, "protocol upgrades are not supported: their bytes cannot be inspected")


def check_body(headers: Headers, limit: int) -> None:
    """Refuse a body by its size, or by having two types, before any of it arrives.

    Args:
        headers: The request's header fields.
        limit: The largest body accepted, in bytes.

    Raises:
        RequestRefused: (413) It is too large; (400) its type may be read in two ways.
    """
    declared = headers.get("content-length")
    if declared.isdecimal() and int(declared) > limit:
        raise RequestRefused(413, f"body: {declared} bytes, over the limit of {limit}")
    if len({*headers.get_all("content-type")}) > 1:
        raise RequestRefused(400, "content-type: more than one")


class HeaderPolicy:
    """Which request header fields do not reach the provider.

    Args:
        identity: Names or ``fnmatch`` patterns, lower case, of fields that tell who the user is.
    """

    def __init__(self, identity: Iterable[str]) -> None:
        self._identity = re.compile("|".join(map(translate, identity)) or r"(?!)")

    def edit(self, headers: Headers, patterns_in_each: PatternsInEach) -> HeaderEdit:
        """Return the fields to set and to remove for one request.

        Args:
            headers: The request's header fields.
            patterns_in_each: Finds the pattern spans in each of several texts.
        """
        path = headers.get(":path")
        credential = headers.get(TARGET_CREDENTIAL)
        removed = {TARGET_CREDENTIAL, "accept-encoding"}
        added: list[tuple[str, str]] = []
        for prefix, (name, scheme) in PROXY_ROUTES.items():
            if credential and path.startswith(prefix):
                removed |= CREDENTIAL_HEADERS - {name}
                added.append((name, credential if credential.startswith(scheme) else scheme + credential))
        removed |= self._telling(headers, patterns_in_each)
        present = {name for name, _ in headers.fields}
        return HeaderEdit(set=tuple(added), remove=tuple(sorted(removed & present)))

    def _telling(self, headers: Headers, patterns_in_each: PatternsInEach) -> set[str]:
        """Return the names of fields that tell who the user is."""
        telling, names, texts = set(), [], []
        for name, text in headers.fields:
            if name.startswith(":") or name in CREDENTIAL_HEADERS or name in HTTP_HEADERS:
                continue
            if self._identity.match(name):
                telling.add(name)
            else:
                names.append(name)
                texts.append(f"{name}: {text}")
        for name, spans in zip(names, patterns_in_each(texts), strict=True):
            # A client that puts a credential into a header means it for the provider.
            if any(span.entity_type != CREDENTIAL_TYPE for span in spans):
                telling.add(name)
        return telling
