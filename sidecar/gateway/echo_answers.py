"""What the echo provider answers: the documented wire shapes of chat completions and messages.

Pure: a request in, an ``Answer`` out. The text of an answer is the last user message exactly as it
arrived, so whatever the caller gets back is what the provider saw.

The model name says how to answer. ``echo`` may be followed by words, joined by dashes:
``delta-2`` (code points in a delta), ``delay-5`` (milliseconds between frames), ``tools`` (call every
tool), ``thinking`` (reason first), ``all`` (echo the system prompt and every message), ``error-429``
(refuse with that status), ``breaks-3`` (an error frame after three frames), ``aborts-3`` (the connection
dies after three frames), ``gzip`` and ``deflate`` (compressed, even when nobody asked for it).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

# Wire documents are whatever the client sent; every access below checks the type it finds.
Json = Any


@dataclass(frozen=True, slots=True)
class Wishes:
    """How to answer; ``delay`` in seconds, ``delta`` in code points, counts of -1 mean never."""

    delta: int = 8
    delay: float = 0.0
    tools: bool = False
    thinking: bool = False
    everything: bool = False
    error: int = 0
    breaks: int = -1
    aborts: int = -1
    coding: str = ""

    def of_model(self, model: object) -> Wishes:
        """Return these wishes with those that the model name spells out."""
        words = iter(model.split("-")) if isinstance(model, str) and model.startswith("echo-") else iter(())
        wishes = self
        for word in words:
            match word:
                case "tools":
                    wishes = replace(wishes, tools=True)
                case "thinking":
                    wishes = replace(wishes, thinking=True)
                case "all":
                    wishes = replace(wishes, everything=True)
                case "gzip" | "deflate":
                    wishes = replace(wishes, coding=word)
                case "delta" | "delay" | "error" | "breaks" | "aborts":
                    wishes = wishes.with_number(word, _number(next(words, "")))
        return wishes

    def with_number(self, word: str, number: int) -> Wishes:
        """Return these wishes with one that takes a number; an impossible number changes nothing."""
        match word:
            case "delta" if number > 0:
                return replace(self, delta=number)
            case "delay":
                return replace(self, delay=number / 1000)
            case "error" if 400 <= number <= 599:
                return replace(self, error=number)
            case "breaks":
                return replace(self, breaks=number)
            case "aborts":
                return replace(self, aborts=number)
            case _:
                return self


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer: its frames are sent one by one, ``wishes.delay`` apart.

    ``streamed``: sent in HTTP chunks as it is made, else with a content-length.
    """

    frames: Iterable[bytes]
    status: int = 200
    content_type: str = "application/json"
    streamed: bool = False
    wishes: Wishes = Wishes()
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call of a tool that the request declared; ``arguments`` is the source of a JSON object."""

    name: str
    arguments: str


class NotServed(Exception):
    """The request is none that a provider would serve; the message says why, without its text."""


def dump(document: Json) -> bytes:
    """Return a document as compact JSON, in UTF-8 where its text allows, else escaped."""
    try:
        return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:  # a lone surrogate
        return json.dumps(document, separators=(",", ":")).encode()


def load_object(body: bytes) -> dict[str, Json]:
    """Return the JSON object that a body holds.

    Raises:
        NotServed: It holds none.
    """
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as exc:
        raise NotServed("We could not parse the JSON body of your request.") from exc
    if not isinstance(document, dict):
        raise NotServed("The body of your request is not a JSON object.")
    return document


def messages_of(document: Mapping[str, Json]) -> list[dict[str, Json]]:
    """Return the messages of a chat.

    Raises:
        NotServed: There is none.
    """
    messages = document.get("messages")
    if not isinstance(messages, list) or not messages or not all(isinstance(m, dict) for m in messages):
        raise NotServed("'messages' must be a list of one or more objects.")
    return messages


def text_of(content: Json) -> str:
    """Return the text of a message's content: a string, or the texts of its parts in a row."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "".join(text_of(part) for part in content)
    if isinstance(content, dict):
        return text_of(content.get("text", content.get("content")))
    return ""


def prompt_text(document: Mapping[str, Json], wishes: Wishes) -> str:
    """Return what to echo: the last message that is not the assistant's, or the whole prompt."""
    messages = messages_of(document)
    if wishes.everything:
        texts = [text_of(document.get("system")), *(text_of(m.get("content")) for m in messages)]
        return "\n".join(text for text in texts if text)
    asked = [m for m in messages if m.get("role") in ("user", "tool", "function")]
    return text_of((asked or messages)[-1].get("content"))


def tool_calls(document: Mapping[str, Json], text: str) -> list[ToolCall]:
    """Return a call of every declared tool, built from what was seen.

    A text that is a JSON object itself becomes the arguments verbatim; any other text becomes every
    string property of the tool's schema.
    """
    declared = document.get("tools")
    tools = [t for t in declared if isinstance(t, dict)] if isinstance(declared, list) else []
    return [_call(tool, text) for tool in tools] or [ToolCall("echo", _arguments({}, text))]


def pieces(text: str, size: int) -> list[str]:
    """Cut a text into deltas of ``size`` code points."""
    return [text[at : at + size] for at in range(0, len(text), size)]


def size_of(text: str) -> int:
    """Return what usage counts for a text: its words, and never less than one."""
    return max(1, len(text.split()))


def _call(tool: Mapping[str, Json], text: str) -> ToolCall:
    function = tool.get("function")
    spec = function if isinstance(function, dict) else tool
    schema = spec.get("parameters", spec.get("input_schema"))
    name = spec.get("name")
    return ToolCall(name if isinstance(name, str) else "echo", _arguments(schema, text))


def _arguments(schema: Json, text: str) -> str:
    try:
        if isinstance(json.loads(text), dict):
            return text.strip()
    except (ValueError, RecursionError):
        pass
    properties = schema.get("properties") if isinstance(schema, dict) else None
    names = [
        name
        for name, kind in (properties.items() if isinstance(properties, dict) else ())
        if isinstance(kind, dict) and kind.get("type") == "string"
    ]
    return dump(dict.fromkeys(names or ["text"], text)).decode()


def _number(word: str) -> int:
    return int(word) if word.isascii() and word.isdigit() and len(word) < 7 else 0
