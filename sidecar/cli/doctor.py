"""``pii-sidecar doctor``: asks a running gateway what of some planted originals would have left.

The gateway's doctor route leads nowhere: the sidecar answers it with the tokenized body. Every place gets
originals of its own, so that none is covered only because it was found elsewhere. All of them are reserved
for documentation or published for tests.
"""

from __future__ import annotations

import http.client
import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any
from urllib.parse import urlsplit

from rich import box
from rich.console import Console
from rich.table import Table

from sidecar.errors import ConfigError
from sidecar.policy import DOCTOR_PREFIX, REPORT_HEADER

TIMEOUT_SECONDS = 30.0
WIDTH = 110
CARDS = (
    *("4111111111111111", "5555555555554444", "378282246310005", "6011111111111117", "5105105105105100"),
    *("4012888888881881", "371449635398431", "6011000990139424"),
)
CLEAN = "nothing"


@dataclass(frozen=True, slots=True)
class Plant:
    """One original: its entity type, where it was put, and how it reads."""

    entity_type: str
    place: str
    original: str


@dataclass(frozen=True, slots=True)
class Probe:
    """One request: what to call it, its path at the provider, its body, and what is planted in it."""

    name: str
    path: str
    body: Mapping[str, Any]
    plants: Sequence[Plant]


@dataclass(frozen=True, slots=True)
class Finding:
    """What one request showed: whether all is well, what would have left, and the gateway's own count."""

    probe: Probe
    well: bool
    left: str
    reported: str


class Planter:
    """Makes texts with originals that were not used before, and keeps what it planted where."""

    def __init__(self) -> None:
        self._number = count(1)
        self._cards = iter(CARDS)
        self.plants: list[Plant] = []

    def text(self, place: str) -> str:
        """Return prose with an address, a telephone number and a network address."""
        number = next(self._number)
        email = self._plant("EMAIL", place, f"doctor.{number}@example.org")
        phone = self._plant("PHONE", place, f"202-555-{100 + number:04}")
        address = self._plant("IP_ADDRESS", place, f"203.0.113.{100 + number}")
        return f"Write to {email} or call {phone}; the request came from {address}."

    def everything(self, place: str) -> str:
        """Return prose with an original of each further type too."""
        person = self._plant("PERSON", place, "Margaret Hamilton")
        card = self._plant("CREDIT_CARD", place, "4242-4242-4242-4242")
        ssn = self._plant("SSN", place, "987-65-4321")
        iban = self._plant("IBAN", place, "DE89 3704 0044 0532 0130 00")
        secret = self._plant("SECRET", place, "AKIAIOSFODNN7EXAMPLE")
        more = f"paid with {card}, SSN {ssn}, from {iban}, and left the key {secret}"
        return f"{person} {more}. {self.text(place)}"

    def link(self, place: str) -> str:
        """Return a URL with an original in its query."""
        email = self._plant("EMAIL", place, f"doctor.{next(self._number)}@example.org")
        return f"https://example.org/picture.png?owner={email}"

    def number(self, place: str) -> int:
        """Return a card as a JSON number."""
        return int(self._plant("CREDIT_CARD", place, next(self._cards)))

    def taken(self) -> list[Plant]:
        """Return what was planted since the last call."""
        plants, self.plants = self.plants, []
        return plants

    def _plant(self, entity_type: str, place: str, original: str) -> str:
        self.plants.append(Plant(entity_type, place, original))
        return original


def doctor(url: str, *, headers: Mapping[str, str], insecure: bool, skipped: frozenset[str]) -> bool:
    """Print what would have left; return whether that is nothing.

    Args:
        url: The gateway, with or without a path in front of its routes.
        headers: Sent with each request, for gateways that ask for a credential.
        insecure: Whether the gateway's certificate is taken as it is.
        skipped: Entity types that this gateway is not meant to find.

    Raises:
        ConfigError: Nothing answers there, or what answers is no gateway with a doctor's route.
    """
    if urlsplit(url).scheme not in {"http", "https"}:
        raise ConfigError(f"doctor {url!r}: expected http://HOST:PORT or https://HOST:PORT")
    opener = _opener(insecure=insecure)
    findings = []
    for probe in probes():
        request = urllib.request.Request(  # noqa: S310 - the scheme is checked above
            url.rstrip("/") + DOCTOR_PREFIX.rstrip("/") + probe.path,
            json.dumps(probe.body).encode(),
            {"content-type": "application/json", **headers},
        )
        findings.append(_examined(probe, request, opener, skipped))
    Console(width=WIDTH).print(_table(findings))
    well = all(finding.well for finding in findings)
    verdict = "nothing that was planted would have left" if well else "NOT WELL: see the table"
    Console(width=WIDTH).print(verdict, style="green" if well else "red")
    return well


def split_headers(given: Sequence[str]) -> dict[str, str]:
    """Return text by name of ``NAME:TEXT`` arguments.

    Raises:
        ConfigError: One is of another form.
    """
    headers = {}
    for number, field in enumerate(given, 1):
        name, separator, text = field.partition(":")
        if not separator or not name.strip():
            raise ConfigError(f"--header (number {number}): expected NAME:TEXT")  # it may be a credential
        headers[name.strip()] = text.strip()
    return headers


def probes() -> Iterator[Probe]:
    """Yield the requests, each with originals of its own."""
    for stream in (False, True):
        mode = "streamed" if stream else "JSON"
        planter = Planter()
        chat = {**_chat(planter), "stream": stream}
        yield Probe(f"OpenAI chat, {mode}", "/v1/chat/completions", chat, planter.taken())
        messages = {**_messages(planter), "stream": stream}
        yield Probe(f"Anthropic messages, {mode}", "/v1/messages", messages, planter.taken())
    planter = Planter()
    embeddings = {"model": "m", "input": [planter.text("input[0]"), planter.text("input[1]")]}
    yield Probe("OpenAI embeddings", "/v1/embeddings", embeddings, planter.taken())
    anything = {planter.link("a key"): {"of": [planter.text("a string"), planter.number("a number")]}}
    yield Probe("any other JSON", "/v1/unknown", anything, planter.taken())


def _chat(planter: Planter) -> dict[str, Any]:
    tool = {"name": "send", "description": planter.text("tool description")}
    arguments = json.dumps({"to": planter.text("tool arguments"), "card": planter.number("tool arguments")})
    call = {"id": "call_1", "type": "function", "function": {"name": "send", "arguments": arguments}}
    picture = {"type": "image_url", "image_url": {"url": planter.link("image URL")}}
    return {
        "model": "m",
        "tools": [{"type": "function", "function": tool}],
        "messages": [
            {"role": "system", "content": planter.text("system prompt")},
            {"role": "user", "content": [{"type": "text", "text": planter.everything("message")}, picture]},
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "call_1", "content": planter.text("tool result")},
        ],
        "metadata": {"about": planter.text("metadata")},
        "user": planter.text("user"),
    }


def _messages(planter: Planter) -> dict[str, Any]:
    tool = {"name": "send", "description": planter.text("tool description"), "input_schema": {}}
    inputs = {"to": planter.text("tool input"), "card": planter.number("tool input")}
    call = {"type": "tool_use", "id": "t1", "name": "send", "input": inputs}
    result = {"type": "tool_result", "tool_use_id": "t1", "content": planter.text("tool result")}
    return {
        "model": "m",
        "max_tokens": 64,
        "tools": [tool],
        "system": planter.text("system prompt"),
        "messages": [
            {"role": "user", "content": planter.everything("message")},
            {"role": "assistant", "content": [call]},
            {"role": "user", "content": [result]},
        ],
        "metadata": {"user_id": planter.text("metadata")},
    }


def _opener(*, insecure: bool) -> urllib.request.OpenerDirector:
    """Return what asks the gateway itself, whatever proxy the environment names."""
    context = ssl.create_default_context()
    if insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
    )


def _examined(
    probe: Probe,
    request: urllib.request.Request,
    opener: urllib.request.OpenerDirector,
    skipped: frozenset[str],
) -> Finding:
    try:
        with opener.open(request, timeout=TIMEOUT_SECONDS) as answer:
            reported, body = answer.headers.get(REPORT_HEADER, "no report"), answer.read()
    except urllib.error.HTTPError as refused:
        if refused.headers.get(REPORT_HEADER) == "refused":
            return Finding(probe, well=False, left=f"refused with {refused.code}", reported="refused")
        raise ConfigError(f"doctor: {request.full_url} answered {refused.code}; is it a gateway?") from None
    except (OSError, http.client.HTTPException) as exc:
        raise ConfigError(f"doctor: {request.full_url} cannot be asked: {exc}") from exc
    try:
        seen: str = json.loads(body)["would_leave"]
        json.loads(seen)
    except (ValueError, KeyError, TypeError):
        raise ConfigError(f"doctor: {request.full_url} gave another answer than a sidecar's") from None
    left = [plant for plant in probe.plants if plant.original in seen and plant.entity_type not in skipped]
    listed = ", ".join(dict.fromkeys(f"{plant.entity_type} in {plant.place}" for plant in left))
    return Finding(probe, well=not left, left=listed or CLEAN, reported=reported)


def _table(findings: Sequence[Finding]) -> Table:
    table = Table("request", "planted", "would have left", "the gateway says", box=box.ROUNDED)
    for finding in findings:
        plants = finding.probe.plants
        planted = f"{len(plants)} in {len({plant.place for plant in plants})} places"
        style = "green" if finding.well else "red"
        table.add_row(finding.probe.name, planted, f"[{style}]{finding.left}[/]", finding.reported)
    return table
