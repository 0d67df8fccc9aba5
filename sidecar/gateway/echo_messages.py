"""Anthropic messages as the echo provider answers them.

Source: Anthropic API reference, "Messages", "Streaming messages", "Extended thinking" and "Errors". A
thinking block carries a signature over its text and is checked when it comes back, as the real one is:
an edited block ends the conversation with 400.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping
from itertools import chain, islice, zip_longest

from sidecar.gateway.echo_answers import (
    Answer,
    Json,
    NotServed,
    Wishes,
    dump,
    load_object,
    messages_of,
    pieces,
    prompt_text,
    size_of,
    tool_calls,
)

ERROR_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    529: "overloaded_error",
}


def answer_messages(body: bytes, defaults: Wishes) -> Answer:
    """Answer one messages request."""
    try:
        document = load_object(body)
        wishes = defaults.of_model(document.get("model"))
        text = prompt_text(document, wishes)
        _check_thinking(document)
    except NotServed as refusal:
        return messages_error(400, str(refusal))
    if wishes.error:
        return messages_error(wishes.error, f"Cannot answer this: {text}")
    blocks = _blocks(document, text, wishes)
    if document.get("stream") is True:
        frames = _frames(document, blocks, wishes)
        return Answer(frames, content_type="text/event-stream; charset=utf-8", streamed=True, wishes=wishes)
    content = [_whole(block) for block in blocks]
    message = _message(document) | {
        "content": content,
        "stop_reason": _stop_reason(blocks),
        "usage": _usage(document, size_of(text)),
    }
    # Tool input goes in as source, so that its numbers keep their spelling; inside a string the quotes of
    # this mark would be escaped, so it stands nowhere else.
    between = dump(message).split(b'"input":{}')
    inputs = [b'"input":' + _encoded(b["input"]) for b in blocks if b["type"] == "tool_use"]
    source = b"".join(chain.from_iterable(zip_longest(between, inputs, fillvalue=b"")))
    return Answer([source], wishes=wishes)


def messages_error(status: int, message: str) -> Answer:
    """Return an error in this API's shape."""
    return Answer([dump(_error(status, message) | {"request_id": "req_echo"})], status=status)


def signature(thinking: str) -> str:
    """Return the signature under a thinking block."""
    digest = hashlib.sha256(thinking.encode("utf-8", "surrogatepass")).digest()
    return base64.b64encode(digest).decode()


def _error(status: int, message: str) -> dict[str, Json]:
    kind = ERROR_TYPES.get(status, "api_error" if status >= 500 else "invalid_request_error")
    return {"type": "error", "error": {"type": kind, "message": message}}


def _encoded(source: str) -> bytes:
    """Return JSON source as bytes; what UTF-8 cannot carry can only stand inside its strings."""
    try:
        return source.encode()
    except UnicodeEncodeError:
        chars = (f"\\u{ord(char):04x}" if "\ud800" <= char <= "\udfff" else char for char in source)
        return "".join(chars).encode()


def _check_thinking(document: Mapping[str, Json]) -> None:
    for message in messages_of(document):
        content = message.get("content")
        for block in content if isinstance(content, list) else ():
            if not isinstance(block, dict) or block.get("type") != "thinking":
                continue
            thinking = block.get("thinking")
            if not isinstance(thinking, str) or block.get("signature") != signature(thinking):
                raise NotServed("Invalid `signature` in `thinking` block.")


def _message(document: Mapping[str, Json]) -> dict[str, Json]:
    model = document.get("model")
    return {
        "id": "msg_echo",
        "type": "message",
        "role": "assistant",
        "model": model if isinstance(model, str) else "echo",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
    }


def _usage(document: Mapping[str, Json], said: int) -> dict[str, Json]:
    return {"input_tokens": size_of(prompt_text(document, Wishes(everything=True))), "output_tokens": said}


def _stop_reason(blocks: list[dict[str, Json]]) -> str:
    return "tool_use" if blocks[-1]["type"] == "tool_use" else "end_turn"


def _blocks(document: Mapping[str, Json], text: str, wishes: Wishes) -> list[dict[str, Json]]:
    """Return the content blocks; the ``input`` of a tool call is still JSON source here."""
    asked, choice = document.get("thinking"), document.get("tool_choice")
    blocks: list[dict[str, Json]] = []
    if wishes.thinking or (isinstance(asked, dict) and asked.get("type") in ("enabled", "adaptive")):
        thinking = f"The user wrote: {text}"
        blocks.append({"type": "thinking", "thinking": thinking, "signature": signature(thinking)})
    blocks.append({"type": "text", "text": text})
    if wishes.tools or (isinstance(choice, dict) and choice.get("type") in ("any", "tool")):
        blocks += (
            {"type": "tool_use", "id": f"toolu_{at}", "name": call.name, "input": call.arguments}
            for at, call in enumerate(tool_calls(document, text))
        )
    return blocks


def _whole(block: dict[str, Json]) -> dict[str, Json]:
    return block | {"input": {}} if block["type"] == "tool_use" else block


def _frames(document: Mapping[str, Json], blocks: list[dict[str, Json]], wishes: Wishes) -> Iterator[bytes]:
    said = sum(size_of(block.get("text", "")) for block in blocks)
    start = {"type": "message_start", "message": _message(document) | {"usage": _usage(document, 1)}}
    delta = {"stop_reason": _stop_reason(blocks), "stop_sequence": None}
    frames = chain(
        [_frame(start)],
        chain.from_iterable(_block_frames(at, block, wishes.delta) for at, block in enumerate(blocks)),
        [_frame({"type": "message_delta", "delta": delta, "usage": {"output_tokens": said}})],
        [_frame({"type": "message_stop"})],
    )
    if wishes.breaks < 0:
        return frames
    return chain(islice(frames, wishes.breaks), [_frame(_error(529, "Overloaded"))])


def _frame(event: dict[str, Json]) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (str(event["type"]).encode(), dump(event))


def _block_frames(index: int, block: dict[str, Json], size: int) -> Iterator[bytes]:
    match block["type"]:
        case "thinking":
            opening = {"type": "thinking", "thinking": "", "signature": ""}
            deltas = [{"type": "thinking_delta", "thinking": p} for p in pieces(block["thinking"], size)]
            deltas.append({"type": "signature_delta", "signature": block["signature"]})
        case "tool_use":
            opening = block | {"input": {}}
            deltas = [{"type": "input_json_delta", "partial_json": p} for p in pieces(block["input"], size)]
            deltas.insert(0, {"type": "input_json_delta", "partial_json": ""})
        case _:
            opening = {"type": "text", "text": ""}
            deltas = [{"type": "text_delta", "text": p} for p in pieces(block["text"], size)]
    yield _frame({"type": "content_block_start", "index": index, "content_block": opening})
    if index == 0:
        yield _frame({"type": "ping"})
    for delta in deltas:
        yield _frame({"type": "content_block_delta", "index": index, "delta": delta})
    yield _frame({"type": "content_block_stop", "index": index})
