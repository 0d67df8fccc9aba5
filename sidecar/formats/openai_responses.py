"""OpenAI Responses: how each place is treated, in requests, answers and the requests around them.

Encrypted reasoning and compacted context pass as they are; reasoning summaries are text. References to
state that the provider keeps (an earlier answer, a conversation) are the format's own.

Source: OpenAI API reference, "Responses"; "Count input tokens"; "Compact a response".
"""

from __future__ import annotations

from functools import partial

from sidecar.formats.anything import UNKNOWN
from sidecar.formats.json_format import JsonFormat
from sidecar.formats.json_schema import SCHEMA
from sidecar.formats.openai_responses_items import ITEMS
from sidecar.formats.openai_responses_stream import responses_stream_restorer
from sidecar.formats.shapes import NAME, NUMERIC, STRUCTURAL, TEXT, USER_DATA, Shapes, compiled

SHAPES: Shapes = {
    "request": {
        "tools[]": "tool",
        "instructions": "items",
        "prompt.id": STRUCTURAL,
        "prompt.version": STRUCTURAL,
        "prompt.variables.*": "content",
        "input": "items",
        "text": "text",
        "tool_choice": "tool_choice",
        "metadata": USER_DATA,
        "user": TEXT,
        "safety_identifier": TEXT,
        "prompt_cache_key": TEXT,
        "model": STRUCTURAL,
        "previous_response_id": STRUCTURAL,
        "conversation": STRUCTURAL,
        "background": STRUCTURAL,
        "store": STRUCTURAL,
        "stream": STRUCTURAL,
        "parallel_tool_calls": STRUCTURAL,
        "include": STRUCTURAL,
        "reasoning": STRUCTURAL,
        "truncation": STRUCTURAL,
        "service_tier": STRUCTURAL,
        "stream_options": STRUCTURAL,
        "prompt_cache_retention": STRUCTURAL,
        "prompt_cache_options": STRUCTURAL,
        "context_management": STRUCTURAL,
        "background_options": STRUCTURAL,
        "access_programs": STRUCTURAL,
        "moderation": STRUCTURAL,
        "image": STRUCTURAL,
        "max_output_tokens": NUMERIC,
        "max_tool_calls": NUMERIC,
        "top_logprobs": NUMERIC,
        "temperature": NUMERIC,
        "top_p": NUMERIC,
    },
    "answer": {
        "id": STRUCTURAL,
        "object": STRUCTURAL,
        "status": STRUCTURAL,
        "created_at": NUMERIC,
        "completed_at": NUMERIC,
        "output[]": "item",
        "output_text": TEXT,
        "data[]": "item",
        "error.code": STRUCTURAL,
        "error.type": STRUCTURAL,
        "error.param": TEXT,
        "error.message": TEXT,
        "incomplete_details": STRUCTURAL,
        "usage": STRUCTURAL,
        # The request's own members come back in the answer.
        "tools[]": "tool",
        "instructions": "items",
        "prompt.id": STRUCTURAL,
        "prompt.version": STRUCTURAL,
        "prompt.variables.*": "content",
        "text": "text",
        "tool_choice": "tool_choice",
        "metadata": USER_DATA,
        "user": TEXT,
        "safety_identifier": TEXT,
        "prompt_cache_key": TEXT,
        "model": STRUCTURAL,
        "previous_response_id": STRUCTURAL,
        "conversation": STRUCTURAL,
        "reasoning": STRUCTURAL,
        "truncation": STRUCTURAL,
        "service_tier": STRUCTURAL,
        "max_output_tokens": NUMERIC,
        "max_tool_calls": NUMERIC,
        "top_logprobs": NUMERIC,
        "temperature": NUMERIC,
        "top_p": NUMERIC,
    },
    "items": {"": TEXT, "[]": "item"},
    "tool_choice": {
        "": STRUCTURAL,
        "type": STRUCTURAL,
        "mode": STRUCTURAL,
        "name": NAME,
        "server_label": NAME,
        "tools[]": "tool",
    },
    **ITEMS,
    **SCHEMA,
}

_IN_EVENTS = {
    "response": compiled(SHAPES, "answer", unknown=UNKNOWN),
    "item": compiled(SHAPES, "item", unknown=UNKNOWN),
    "part": compiled(SHAPES, "part", unknown=UNKNOWN),
    "annotation": compiled(SHAPES, "annotation", unknown=UNKNOWN),
    "output": compiled(SHAPES, "content", unknown=UNKNOWN),
}

OPENAI_RESPONSES = JsonFormat(
    "openai_responses",
    SHAPES,
    ("tools", "instructions", "prompt", "input"),
    partial(responses_stream_restorer, _IN_EVENTS),
)
