"""Cohere's own chat, in its second and its first version: how each place is treated.

The second version has messages, the first one message and a history; their keys do not collide. The second
streams server-sent events, the first JSON lines of the generic shape.

Source: Cohere API reference, "Chat" and "Chat (v1)", with and without streaming.
"""

from __future__ import annotations

from collections.abc import Mapping

from sidecar.formats.cohere_chat_stream import cohere_stream_restorer
from sidecar.formats.json_format import JsonFormat
from sidecar.formats.json_schema import SCHEMA
from sidecar.formats.shapes import (
    COMPANION,
    IMAGE,
    JSON_SOURCE,
    NAME,
    NUMERIC,
    STRUCTURAL,
    TEXT,
    USER_DATA,
    Shapes,
    Treatment,
)

_PARAMETERS: Mapping[str, Treatment | str] = dict.fromkeys(
    (
        "frequency_penalty",
        "k",
        "max_input_tokens",
        "max_tokens",
        "p",
        "presence_penalty",
        "priority",
        "seed",
        "temperature",
    ),
    NUMERIC,
)

SHAPES: Shapes = {
    "request": {
        "tools[]": "tool",
        "preamble": TEXT,
        "messages[]": "message",
        "chat_history[]": "message",
        "message": TEXT,
        "documents": TEXT,
        "documents[]": "document",
        "tool_results[]": "tool_result",
        "connectors[].id": STRUCTURAL,
        "connectors[].user_access_token": STRUCTURAL,
        "connectors[].options": USER_DATA,
        "conversation_id": STRUCTURAL,
        "stop_sequences": TEXT,
        "response_format.type": STRUCTURAL,
        "response_format.json_schema": "schema",
        "response_format.schema": "schema",
        "citation_options": STRUCTURAL,
        "citation_quality": STRUCTURAL,
        "prompt_truncation": STRUCTURAL,
        "safety_mode": STRUCTURAL,
        "tool_choice": STRUCTURAL,
        "thinking": STRUCTURAL,
        "reasoning_effort": STRUCTURAL,
        "model": STRUCTURAL,
        **_PARAMETERS,
    },
    "answer": {
        "id": STRUCTURAL,
        "response_id": STRUCTURAL,
        "generation_id": STRUCTURAL,
        "finish_reason": STRUCTURAL,
        "message": "answer_message",
        "logprobs": COMPANION,
        "usage": NUMERIC,
        "meta": STRUCTURAL,
        "text": TEXT,
        "chat_history[]": "message",
        "tool_calls[]": "tool_call",
        "citations[]": "citation",
        "documents[]": "document",
    },
    "message": {
        "role": STRUCTURAL,
        "content": TEXT,
        "content[]": "part",
        "message": TEXT,
        "tool_plan": TEXT,
        "tool_calls[]": "tool_call",
        "tool_call_id": STRUCTURAL,
        "tool_results[]": "tool_result",
        "citations[]": "citation",
    },
    # Of an answer: an error is a message and nothing else.
    "answer_message": {
        "": TEXT,
        "role": STRUCTURAL,
        "content": TEXT,
        "content[]": "part",
        "tool_plan": TEXT,
        "tool_calls[]": "tool_call",
        "citations[]": "citation",
    },
    "part": {
        "type": STRUCTURAL,
        "text": TEXT,
        "thinking": TEXT,
        "image_url.url": IMAGE,
        "image_url.detail": STRUCTURAL,
        "document": "document",
    },
    "document": {"": TEXT, "id": TEXT, "data": USER_DATA},
    "tool_call": {
        "id": STRUCTURAL,
        "type": STRUCTURAL,
        "name": NAME,
        "parameters": USER_DATA,
        "function.name": NAME,
        "function.arguments": JSON_SOURCE,
    },
    "tool_result": {"call": "tool_call", "outputs": USER_DATA},
    "citation": {
        "type": STRUCTURAL,
        "start": NUMERIC,
        "end": NUMERIC,
        "content_index": NUMERIC,
        "text": TEXT,
        "document_ids": TEXT,
        "sources[].type": STRUCTURAL,
        "sources[].id": TEXT,
        "sources[].document": USER_DATA,
        "sources[].tool_output": USER_DATA,
    },
    "tool": {
        "type": STRUCTURAL,
        "function.name": NAME,
        "function.description": TEXT,
        "function.parameters": "schema",
        "name": NAME,
        "description": TEXT,
        "parameter_definitions.*": "parameter_definition",
    },
    "parameter_definition": {"type": STRUCTURAL, "description": TEXT},
    **SCHEMA,
}

COHERE_CHAT = JsonFormat(
    "cohere_chat",
    SHAPES,
    ("tools", "preamble", "documents", "messages", "chat_history", "message"),
    cohere_stream_restorer,
)
