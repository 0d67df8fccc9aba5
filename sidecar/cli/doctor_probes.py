"""What ``pii-sidecar doctor`` sends: a request of each API, with originals planted in every place.

Every place gets originals of its own, so that none is covered only because it was found elsewhere. All of
them are reserved for documentation or published for tests.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

CARDS = (
    *("4111111111111111", "5555555555554444", "378282246310005", "6011111111111117", "5105105105105100"),
    *("4012888888881881", "371449635398431", "6011000990139424"),
)


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


def probes() -> Iterator[Probe]:
    """Yield the requests, each with originals of its own."""
    for stream in (False, True):
        mode = "streamed" if stream else "JSON"
        planter = Planter()
        chat = {**_chat(planter), "stream": stream}
        yield Probe(f"OpenAI chat, {mode}", "/v1/chat/completions", chat, planter.taken())
        messages = {**_messages(planter), "stream": stream}
        yield Probe(f"Anthropic messages, {mode}", "/v1/messages", messages, planter.taken())
    for name, path, write in _OTHERS:
        planter = Planter()
        body = write(planter)
        yield Probe(name, path, body, planter.taken())
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


def _responses(planter: Planter) -> dict[str, Any]:
    arguments = json.dumps({"to": planter.text("tool arguments"), "card": planter.number("tool arguments")})
    said = {"type": "input_text", "text": planter.everything("message")}
    result = planter.text("tool result")
    return {
        "model": "m",
        "instructions": planter.text("system prompt"),
        "input": [
            {"type": "message", "role": "user", "content": [said]},
            {"type": "function_call", "call_id": "c1", "name": "send", "arguments": arguments},
            {"type": "function_call_output", "call_id": "c1", "output": result},
        ],
        "metadata": {"about": planter.text("metadata")},
    }


def _gemini(planter: Planter) -> dict[str, Any]:
    inputs = {"to": planter.text("tool input"), "card": planter.number("tool input")}
    result = {"name": "send", "response": {"result": planter.text("tool result")}}
    return {
        "systemInstruction": {"parts": [{"text": planter.text("system prompt")}]},
        "contents": [
            {"role": "user", "parts": [{"text": planter.everything("message")}]},
            {"role": "model", "parts": [{"functionCall": {"name": "send", "args": inputs}}]},
            {"role": "user", "parts": [{"functionResponse": result}]},
        ],
        "generationConfig": {"stopSequences": [planter.text("stop sequence")]},
    }


def _ollama(planter: Planter) -> dict[str, Any]:
    inputs = {"to": planter.text("tool input"), "card": planter.number("tool input")}
    return {
        "model": "m",
        "messages": [
            {"role": "system", "content": planter.text("system prompt")},
            {"role": "user", "content": planter.everything("message")},
            {"role": "assistant", "tool_calls": [{"function": {"name": "send", "arguments": inputs}}]},
            {"role": "tool", "content": planter.text("tool result")},
        ],
    }


_OTHERS: Sequence[tuple[str, str, Callable[[Planter], dict[str, Any]]]] = (
    ("OpenAI Responses", "/v1/responses", _responses),
    ("Gemini", "/v1beta/models/m:generateContent", _gemini),
    ("Ollama", "/api/chat", _ollama),
)
