"""Chat completions as the echo provider answers them.

Source: OpenAI API reference, "Chat" and "Chat streaming". Reasoning, which that API keeps to itself,
takes the shape that compatible servers give it (``reasoning_content``).
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, islice, zip_longest

from sidecar.gateway.echo_answers import (
    Answer,
    Json,
    NotServed,
    Wishes,
    dump,
    load_object,
    pieces,
    prompt_text,
    size_of,
    tool_calls,
)

ERROR_TYPES = {400: "invalid_request_error", 401: "authentication_error", 429: "rate_limit_error"}
MAX_CHOICES = 128


def answer_chat(body: bytes, defaults: Wishes) -> Answer:
    """Answer one chat completion request."""
    try:
        document = load_object(body)
        wishes = defaults.of_model(document.get("model"))
        text = prompt_text(document, wishes)
        count = _choice_count(document)
    except NotServed as refusal:
        return chat_error(400, str(refusal))
    if wishes.error:
        return chat_error(wishes.error, f"Cannot answer this: {text}")
    if document.get("stream") is True:
        frames = _frames(document, text, count, wishes)
        return Answer(frames, content_type="text/event-stream; charset=utf-8", streamed=True, wishes=wishes)
    choices = [_choice(document, text, index, wishes) for index in range(count)]
    completion = _head(document, "chat.completion") | {"choices": choices, "usage": _usage(document, text)}
    return Answer([dump(completion)], wishes=wishes)


def chat_error(status: int, message: str) -> Answer:
    """Return an error in this API's shape."""
    return Answer([dump(_error(status, message))], status=status)


def _error(status: int, message: str) -> Json:
    kind = ERROR_TYPES.get(status, "server_error" if status >= 500 else "invalid_request_error")
    return {"error": {"message": message, "type": kind, "param": None, "code": None}}


def _choice_count(document: Mapping[str, Json]) -> int:
    count = document.get("n", 1)
    if count is None:
        return 1
    if not isinstance(count, int) or not 1 <= count <= MAX_CHOICES:
        raise NotServed(f"'n' must be a whole number from 1 to {MAX_CHOICES}.")
    return int(count)


def _head(document: Mapping[str, Json], kind: str) -> dict[str, Json]:
    model = document.get("model")
    model = model if isinstance(model, str) else "echo"
    return {"id": "chatcmpl-echo", "object": kind, "created": int(time.time()), "model": model}


def _usage(document: Mapping[str, Json], text: str) -> dict[str, Json]:
    seen, said = size_of(prompt_text(document, Wishes(everything=True))), size_of(text)
    return {"prompt_tokens": seen, "completion_tokens": said, "total_tokens": seen + said}


def _wants_tools(document: Mapping[str, Json], wishes: Wishes) -> bool:
    choice = document.get("tool_choice")
    return wishes.tools or choice == "required" or isinstance(choice, dict)


def _calls(document: Mapping[str, Json], text: str, index: int) -> list[dict[str, Json]]:
    return [
        {
            "id": f"call_{index}_{at}",
            "type": "function",
            "function": {"name": call.name, "arguments": call.arguments},
        }
        for at, call in enumerate(tool_calls(document, text))
    ]


def _choice(document: Mapping[str, Json], text: str, index: int, wishes: Wishes) -> dict[str, Json]:
    message: dict[str, Json] = {"role": "assistant", "content": text, "refusal": None}
    if wishes.thinking:
        message["reasoning_content"] = f"The user wrote: {text}"
    wants_tools = _wants_tools(document, wishes)
    if wants_tools:
        message |= {"content": None, "tool_calls": _calls(document, text, index)}
    reason = "tool_calls" if wants_tools else "stop"
    return {"index": index, "message": message, "logprobs": None, "finish_reason": reason}


def _frames(document: Mapping[str, Json], text: str, count: int, wishes: Wishes) -> Iterator[bytes]:
    """Yield the frames of a stream; the choices take turns, each cut a little differently."""
    head = _head(document, "chat.completion.chunk")
    options = document.get("stream_options")
    with_usage = isinstance(options, dict) and options.get("include_usage") is True
    if with_usage:
        head["usage"] = None
    turns = zip_longest(*(_deltas(document, text, index, wishes) for index in range(count)))
    frames = chain(
        (_frame(head | {"choices": [choice]}) for turn in turns for choice in turn if choice is not None),
        [_frame(head | {"choices": [], "usage": _usage(document, text)})] if with_usage else (),
        [b"data: [DONE]\n\n"],
    )
    if wishes.breaks < 0:
        return frames
    return chain(islice(frames, wishes.breaks), [_frame(_error(500, "The server had an error."))])


def _frame(document: Json) -> bytes:
    return b"data: " + dump(document) + b"\n\n"


def _deltas(document: Mapping[str, Json], text: str, index: int, wishes: Wishes) -> Iterator[dict[str, Json]]:
    size = wishes.delta + index
    wants_tools = _wants_tools(document, wishes)
    opening = {"role": "assistant", "content": None if wants_tools else "", "refusal": None}
    deltas: Iterable[dict[str, Json]] = [opening]
    if wishes.thinking:
        thoughts = pieces(f"The user wrote: {text}", size)
        deltas = chain(deltas, ({"reasoning_content": piece} for piece in thoughts))
    if wants_tools:
        deltas = chain(deltas, _call_deltas(_calls(document, text, index), size))
    else:
        deltas = chain(deltas, ({"content": piece} for piece in pieces(text, size)))
    for delta in deltas:
        yield {"index": index, "delta": delta, "logprobs": None, "finish_reason": None}
    reason = "tool_calls" if wants_tools else "stop"
    yield {"index": index, "delta": {}, "logprobs": None, "finish_reason": reason}


def _call_deltas(calls: Iterable[dict[str, Json]], size: int) -> Iterator[dict[str, Json]]:
    for at, call in enumerate(calls):
        function = call["function"]
        opening = call | {"index": at, "function": {"name": function["name"], "arguments": ""}}
        yield {"tool_calls": [opening]}
        for piece in pieces(function["arguments"], size):
            yield {"tool_calls": [{"index": at, "function": {"arguments": piece}}]}
