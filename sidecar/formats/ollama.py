"""Ollama's own API: how each place of its requests and answers is treated.

Images declare no type, so they pass only where their first bytes say that they are images. ``context``
holds the token ids of an earlier conversation, which decode to its text.

Source: Ollama API reference, "Generate a completion", "Generate a chat completion", "Generate embeddings".
"""

from __future__ import annotations

from collections.abc import Mapping

from sidecar.formats.format import ByteRestorer
from sidecar.formats.generic_stream import generic_stream_restorer
from sidecar.formats.json_format import JsonFormat
from sidecar.formats.json_schema import SCHEMA
from sidecar.formats.ollama_stream import ollama_lines_restorer
from sidecar.formats.shapes import (
    COMPANION,
    IMAGE_BYTES,
    KEYWORD,
    NAME,
    NUMERIC,
    STRUCTURAL,
    TEXT,
    TOKEN_IDS,
    USER_DATA,
    Shapes,
    Treatment,
)
from sidecar.model import RestorerFactory

METHODS = frozenset({"chat", "embed", "embeddings", "generate"})
"""What may follow ``/api/`` in a path of this format."""

_MESSAGE: Mapping[str, Treatment | str] = {
    "role": STRUCTURAL,
    "content": TEXT,
    "thinking": TEXT,
    "images[]": IMAGE_BYTES,
    "tool_name": NAME,
    "tool_call_id": STRUCTURAL,
    "tool_calls[].id": STRUCTURAL,
    "tool_calls[].type": STRUCTURAL,
    "tool_calls[].function.index": NUMERIC,
    "tool_calls[].function.name": NAME,
    "tool_calls[].function.arguments": USER_DATA,
}

SHAPES: Shapes = {
    "request": {
        "tools[].type": STRUCTURAL,
        "tools[].function.name": NAME,
        "tools[].function.description": TEXT,
        "tools[].function.parameters": "schema",
        "system": TEXT,
        "template": TEXT,
        "messages[]": "message",
        "prompt": TEXT,
        "suffix": TEXT,
        "images[]": IMAGE_BYTES,
        "input": TEXT,
        "input[]": "token_ids",
        "context": "token_ids",
        "format": "format",
        "options": "options",
        "model": STRUCTURAL,
        "think": STRUCTURAL,
        "keep_alive": STRUCTURAL,
        "dimensions": NUMERIC,
        "top_logprobs": NUMERIC,
        "width": NUMERIC,
        "height": NUMERIC,
        "steps": NUMERIC,
    },
    "answer": {
        "model": STRUCTURAL,
        "created_at": STRUCTURAL,
        "message": "message",
        "response": TEXT,
        "thinking": TEXT,
        "done_reason": STRUCTURAL,
        "logprobs": COMPANION,
        "context": NUMERIC,
        "embeddings": NUMERIC,
        "embedding": NUMERIC,
        "error": TEXT,
        **dict.fromkeys(
            (
                *("total_duration", "load_duration", "prompt_eval_count", "prompt_eval_duration"),
                *("eval_count", "eval_duration", "completed", "total"),
            ),
            NUMERIC,
        ),
    },
    "message": _MESSAGE,
    "format": {"": KEYWORD, **SCHEMA["schema"]},
    "options": {
        "stop": TEXT,
        **dict.fromkeys(
            (
                *("num_ctx", "num_batch", "num_gpu", "main_gpu", "num_thread", "num_keep", "num_predict"),
                *("seed", "temperature", "top_k", "top_p", "min_p", "tfs_z", "typical_p", "repeat_last_n"),
                *("repeat_penalty", "presence_penalty", "frequency_penalty"),
                *("mirostat", "mirostat_tau", "mirostat_eta"),
            ),
            NUMERIC,
        ),
    },
    "token_ids": {"": TOKEN_IDS, "[]": "token_ids"},
    **SCHEMA,
}


class _Ollama(JsonFormat):
    """A JSON format that streams lines."""

    def restore_lines(self, restorers: RestorerFactory) -> ByteRestorer:
        """Return a restorer for one answer of JSON lines."""
        return ollama_lines_restorer(restorers)


OLLAMA = _Ollama(
    "ollama", SHAPES, ("tools", "system", "messages", "prompt", "suffix"), generic_stream_restorer
)
