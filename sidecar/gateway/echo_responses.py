"""Responses as the echo provider answers them.

Source: OpenAI API reference, "Responses" and "Streaming events". A reasoning item carries its thoughts
encrypted, and they are checked when they come back, as the real ones are: an edited item ends the
conversation with 400.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import time
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, count, islice

from sidecar.gateway.echo_answers import (
    Answer,
    Json,
    NotServed,
    Wishes,
    dump,
    load_object,
    pieces,
    size_of,
    text_of,
    tool_calls,
)
from sidecar.gateway.echo_chat import chat_error

OUTPUTS = ("function_call_output", "custom_tool_call_output")
REPEATED = ("instructions", "tools", "tool_choice", "text", "metadata", "user", "reasoning", "temperature")

Event = tuple[str, dict[str, Json]]


def answer_responses(body: bytes, defaults: Wishes) -> Answer:
    """Answer one request for a response."""
    try:
        document = load_object(body)
        wishes = defaults.of_model(document.get("model"))
        text = _prompt(document, wishes)
        _check_reasoning(document)
    except NotServed as refusal:
        return chat_error(400, str(refusal))
    if wishes.error:
        return chat_error(wishes.error, f"Cannot answer this: {text}")
    items = _items(document, text, wishes)
    if document.get("stream") is True:
        frames = _frames(document, items, text, wishes)
        return Answer(frames, content_type="text/event-stream; charset=utf-8", streamed=True, wishes=wishes)
    return Answer([dump(_response(document, items, text, "completed"))], wishes=wishes)


def _prompt(document: Mapping[str, Json], wishes: Wishes) -> str:
    """Return what to echo: the last message or tool output that is not the assistant's, or all of them."""
    given = document.get("input")
    if isinstance(given, str):
        given = [{"role": "user", "content": given}]
    if not isinstance(given, list) or not given or not all(isinstance(item, dict) for item in given):
        raise NotServed("'input' must be a text, or a list of one or more objects.")
    asked = [text for item in given if (text := _asked(item)) is not None]
    if wishes.everything:
        return "\n".join(text for text in [text_of(document.get("instructions")), *asked] if text)
    return asked[-1] if asked else ""


def _asked(item: Mapping[str, Json]) -> str | None:
    if item.get("type") in OUTPUTS:
        return text_of(item.get("output"))
    return text_of(item.get("content")) if item.get("role") in ("user", "developer", "system") else None


def _sealed(thought: str) -> str:
    """Return a thought as only this provider can make it."""
    seen = thought.encode("utf-8", "surrogatepass")
    return "gAAAAAB" + base64.urlsafe_b64encode(hashlib.sha256(seen).digest() + seen).decode()


def _check_reasoning(document: Mapping[str, Json]) -> None:
    given = document.get("input")
    for item in given if isinstance(given, list) else ():
        sealed = item.get("encrypted_content") if item.get("type") == "reasoning" else None
        if sealed is None:
            continue
        try:
            opened = base64.urlsafe_b64decode(str(sealed).removeprefix("gAAAAAB").encode())
        except (binascii.Error, ValueError) as exc:
            raise NotServed("The encrypted content could not be verified.") from exc
        if hashlib.sha256(opened[32:]).digest() != opened[:32]:
            raise NotServed("The encrypted content could not be verified.")


def _items(document: Mapping[str, Json], text: str, wishes: Wishes) -> list[dict[str, Json]]:
    """Return the output: a reasoning item if wanted, then calls of every tool, or a message."""
    items: list[dict[str, Json]] = []
    if wishes.thinking:
        thought = f"The user wrote: {text}"
        summary = [{"type": "summary_text", "text": thought}]
        items.append({"type": "reasoning", "summary": summary, "encrypted_content": _sealed(thought)})
    choice = document.get("tool_choice")
    if wishes.tools or choice == "required" or isinstance(choice, dict):
        items += _calls(document, text)
    else:
        part = {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
        items.append({"type": "message", "role": "assistant", "content": [part], "status": "completed"})
    return [{"id": f"{item['type'][:3]}_{at}", **item} for at, item in enumerate(items)]


def _calls(document: Mapping[str, Json], text: str) -> Iterator[dict[str, Json]]:
    tools = document.get("tools")
    declared = [tool for tool in tools if isinstance(tool, dict)] if isinstance(tools, list) else []
    custom = {tool.get("name") for tool in declared if tool.get("type") == "custom"}
    for at, call in enumerate(tool_calls(document, text)):
        shared = {"call_id": f"call_{at}", "name": call.name, "status": "completed"}
        if call.name in custom:
            yield {"type": "custom_tool_call", "input": text, **shared}
        else:
            yield {"type": "function_call", "arguments": call.arguments, **shared}


def _response(document: Mapping[str, Json], items: Sequence[Json], text: str, status: str) -> dict[str, Json]:
    model = document.get("model")
    usage = {"input_tokens": size_of(text), "output_tokens": size_of(text), "total_tokens": 2 * size_of(text)}
    details = {"input_tokens_details": {"cached_tokens": 0}, "output_tokens_details": {"reasoning_tokens": 0}}
    return {
        "id": "resp_echo",
        "object": "response",
        "created_at": int(time.time()),
        "status": status,
        "error": None,
        "incomplete_details": None,
        "model": model if isinstance(model, str) else "echo",
        "output": list(items),
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "usage": usage | details if status == "completed" else None,
    } | {name: document[name] for name in REPEATED if name in document}


def _frames(
    document: Mapping[str, Json], items: Sequence[dict[str, Json]], text: str, wishes: Wishes
) -> Iterator[bytes]:
    begun = _response(document, [], text, "in_progress")
    events: Iterator[Event] = chain(
        [("response.created", {"response": begun}), ("response.in_progress", {"response": begun})],
        *(_item_events(at, item, wishes.delta) for at, item in enumerate(items)),
        [("response.completed", {"response": _response(document, items, text, "completed")})],
    )
    if wishes.breaks >= 0:
        error = {"code": "server_error", "message": "The server had an error.", "param": None}
        events = chain(islice(events, wishes.breaks), [("error", error)])
    for number, (kind, members) in zip(count(), events, strict=False):
        data = dump({"type": kind, "sequence_number": number} | members)
        yield b"event: %s\ndata: %s\n\n" % (kind.encode(), data)


def _item_events(at: int, item: dict[str, Json], size: int) -> Iterator[Event]:
    place = {"item_id": item["id"], "output_index": at}
    empty: dict[str, Json] = {"status": "in_progress"}
    match item["type"]:
        case "reasoning":
            empty = {"summary": [], "encrypted_content": ""}
            inner = _part_events("summary_index", item["summary"][0], place, size)
        case "message":
            empty |= {"content": []}
            inner = _part_events("content_index", item["content"][0], place, size)
        case "custom_tool_call":
            empty |= {"input": ""}
            inner = _text_events("custom_tool_call_input", "input", item["input"], place, size)
        case _:
            empty |= {"arguments": ""}
            inner = _text_events("function_call_arguments", "arguments", item["arguments"], place, size)
    yield "response.output_item.added", {"output_index": at, "item": item | empty}
    yield from inner
    yield "response.output_item.done", {"output_index": at, "item": item}


def _part_events(index: str, part: dict[str, Json], place: dict[str, Json], size: int) -> Iterator[Event]:
    """Yield the events of an item's only part: a message's text, or a summary."""
    place = place | {index: 0}
    is_text = part["type"] == "output_text"
    named = "content_part" if is_text else "reasoning_summary_part"
    kind = "output_text" if is_text else "reasoning_summary_text"
    logprobs: dict[str, Json] = {"logprobs": []} if is_text else {}
    yield f"response.{named}.added", place | {"part": part | {"text": ""}}
    yield from _text_events(kind, "text", part["text"], place | logprobs, size)
    yield f"response.{named}.done", place | {"part": part}


def _text_events(kind: str, member: str, text: str, place: dict[str, Json], size: int) -> Iterator[Event]:
    for piece in pieces(text, size):
        yield f"response.{kind}.delta", place | {"delta": piece}
    yield f"response.{kind}.done", place | {member: text}
