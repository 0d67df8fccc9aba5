"""Completions without a chat, and embeddings, as the echo provider answers them.

Source: OpenAI API reference, "Completions" and "Embeddings". Equal texts have equal embeddings.
"""

from __future__ import annotations

import base64
import hashlib
import struct
import time
from collections.abc import Iterator, Mapping
from itertools import chain, islice, zip_longest

from sidecar.gateway.echo_answers import Answer, Json, NotServed, Wishes, dump, load_object, pieces, size_of
from sidecar.gateway.echo_chat import chat_error

DIMENSIONS = 8


def answer_completions(body: bytes, defaults: Wishes) -> Answer:
    """Answer one completion request: a choice for each prompt, which it repeats."""
    try:
        document = load_object(body)
        texts = _texts(document, "prompt")
    except NotServed as refusal:
        return chat_error(400, str(refusal))
    wishes = defaults.of_model(document.get("model"))
    if wishes.error:
        return chat_error(wishes.error, f"Cannot answer this: {texts[-1]}")
    head = {"id": "cmpl-echo", "object": "text_completion", "created": int(time.time()), "model": "echo"}
    if document.get("stream") is True:
        frames = _frames(head, texts, wishes)
        return Answer(frames, content_type="text/event-stream; charset=utf-8", streamed=True, wishes=wishes)
    choices = [_choice(at, text, "stop") for at, text in enumerate(texts)]
    return Answer([dump(head | {"choices": choices, "usage": _usage(texts)})], wishes=wishes)


def answer_embeddings(body: bytes, defaults: Wishes) -> Answer:
    """Answer one embeddings request: a vector for each text."""
    try:
        document = load_object(body)
        texts = _texts(document, "input")
    except NotServed as refusal:
        return chat_error(400, str(refusal))
    wishes = defaults.of_model(document.get("model"))
    if wishes.error:
        return chat_error(wishes.error, f"Cannot answer this: {texts[-1]}")
    packed = document.get("encoding_format") == "base64"
    data = [
        {"object": "embedding", "index": at, "embedding": _vector(text, packed=packed)}
        for at, text in enumerate(texts)
    ]
    answer = {"object": "list", "data": data, "model": "echo", "usage": _usage(texts)}
    return Answer([dump(answer)], wishes=wishes)


def _texts(document: Mapping[str, Json], name: str) -> list[str]:
    given = document.get(name)
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, list) or not texts or not all(isinstance(text, str) for text in texts):
        raise NotServed(f"'{name}' must be a text or a list of texts.")
    return texts


def _choice(index: int, text: str, reason: str | None) -> dict[str, Json]:
    return {"text": text, "index": index, "logprobs": None, "finish_reason": reason}


def _usage(texts: list[str]) -> dict[str, Json]:
    seen = sum(map(size_of, texts))
    return {"prompt_tokens": seen, "total_tokens": seen}


def _vector(text: str, *, packed: bool) -> Json:
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
    numbers = [byte / 256 for byte in digest[:DIMENSIONS]]
    return base64.b64encode(struct.pack(f"<{DIMENSIONS}f", *numbers)).decode() if packed else numbers


def _frames(head: dict[str, Json], texts: list[str], wishes: Wishes) -> Iterator[bytes]:
    """Yield the frames of a stream; the choices take turns, each cut a little differently."""
    turns = zip_longest(*(_pieces(at, text, wishes.delta + at) for at, text in enumerate(texts)))
    frames = chain(
        (_frame(head | {"choices": [choice]}) for turn in turns for choice in turn if choice is not None),
        [b"data: [DONE]\n\n"],
    )
    if wishes.breaks < 0:
        return frames
    error = {"error": {"message": "The server had an error.", "type": "server_error", "code": None}}
    return chain(islice(frames, wishes.breaks), [_frame(error)])


def _pieces(index: int, text: str, size: int) -> Iterator[dict[str, Json]]:
    for piece in pieces(text, size):
        yield _choice(index, piece, None)
    yield _choice(index, "", "stop")


def _frame(document: Json) -> bytes:
    return b"data: " + dump(document) + b"\n\n"
