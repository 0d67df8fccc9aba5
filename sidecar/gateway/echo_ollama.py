"""Ollama's own API as the echo provider answers it: chat, generate and embeddings, as JSON or lines.

A function that has been called is answered with its result.

Source: Ollama API reference, "Generate a completion", "Generate a chat completion", "Generate embeddings".
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, islice

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

PATHS = ("/api/chat", "/api/generate", "/api/embed", "/api/embeddings")
CREATED = "2025-08-04T08:52:19.385406455Z"


def answer_ollama(path: str, body: bytes, defaults: Wishes) -> Answer:
    """Answer one request."""
    try:
        document = load_object(body)
        wishes = defaults.of_model(document.get("model"))
        if path.endswith(("/embed", "/embeddings")):
            return _embedded(document, path)
        is_chat = path.endswith("/chat")
        text = prompt_text(document, wishes) if is_chat else _prompt(document)
    except NotServed as refusal:
        return ollama_error(400, str(refusal))
    if wishes.error:
        return ollama_error(wishes.error, f"Cannot answer this: {text}")
    calls = _calls(document, text) if is_chat and _wants_calls(document, wishes) else []
    thought = f"The user wrote: {text}" if wishes.thinking else ""
    if document.get("stream", True) is not False:
        thoughts = (_said(is_chat, "", piece) for piece in pieces(thought, wishes.delta))
        texts = (_said(is_chat, piece) for piece in pieces("" if calls else text, wishes.delta))
        deltas = chain(thoughts, texts, [_said(is_chat, "", calls=calls)] if calls else [])
        lines = _lines(document, text, deltas, wishes)
        return Answer(lines, content_type="application/x-ndjson", streamed=True, wishes=wishes)
    said = _said(is_chat, "" if calls else text, thought, calls)
    return Answer([dump({**_head(document), **said, **_end(text)})], wishes=wishes)


def ollama_error(status: int, message: str) -> Answer:
    """Return an error in this API's shape."""
    return Answer([dump({"error": message})], status=status)


def _prompt(document: Mapping[str, Json]) -> str:
    prompt = document.get("prompt")
    if not isinstance(prompt, str):
        raise NotServed("'prompt' must be a string.")
    return prompt


def _embedded(document: Mapping[str, Json], path: str) -> Answer:
    values = [0.25, -0.5, 1.0]
    if path.endswith("/embeddings"):
        return Answer([dump({"embedding": values})])
    texts = document.get("input")
    count = len(texts) if isinstance(texts, list) else 1
    return Answer([dump({"model": document.get("model"), "embeddings": [values] * count})])


def _wants_calls(document: Mapping[str, Json], wishes: Wishes) -> bool:
    return wishes.tools and messages_of(document)[-1].get("role") != "tool"


def _calls(document: Mapping[str, Json], text: str) -> list[Json]:
    return [
        {"function": {"index": at, "name": call.name, "arguments": json.loads(call.arguments)}}
        for at, call in enumerate(tool_calls(document, text))
    ]


def _head(document: Mapping[str, Json]) -> dict[str, Json]:
    return {"model": document.get("model"), "created_at": CREATED}


def _end(text: str) -> dict[str, Json]:
    counts = {"prompt_eval_count": size_of(text), "eval_count": size_of(text)}
    return {"done": True, "done_reason": "stop", "total_duration": 1_000_000, **counts}


def _said(is_chat: bool, text: str, thought: str = "", calls: list[Json] | None = None) -> dict[str, Json]:
    more = {"thinking": thought} if thought else {}
    if not is_chat:
        return {"response": text, **more}
    message = {"role": "assistant", "content": text, **more}
    return {"message": message | ({"tool_calls": calls} if calls else {})}


def _lines(
    document: Mapping[str, Json], text: str, said: Iterable[dict[str, Json]], wishes: Wishes
) -> Iterator[bytes]:
    head = _head(document)
    end = {**_said(is_chat="messages" in document, text=""), **_end(text)}
    lines = chain(
        (dump({**head, **each, "done": False}) + b"\n" for each in said),
        [dump({**head, **end}) + b"\n"],
    )
    if wishes.breaks < 0:
        return lines
    return chain(islice(lines, wishes.breaks), [dump({"error": "the model stopped"}) + b"\n"])
