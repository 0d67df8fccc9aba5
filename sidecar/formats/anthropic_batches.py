"""Anthropic message batches: each item holds a request of messages, in the order its model reads it.

Source: Anthropic API reference, "Create a Message Batch".
"""

from __future__ import annotations

from sidecar.formats.anthropic_messages import ANTHROPIC_MESSAGES
from sidecar.formats.generic_stream import generic_stream_restorer
from sidecar.formats.json_format import JsonFormat
from sidecar.formats.shapes import NUMERIC, STRUCTURAL, TEXT, Shapes

SHAPES: Shapes = {
    "request": {
        # Checked by the provider for its alphabet, which no token has: it must be no original.
        "requests[].custom_id": STRUCTURAL,
        "requests[].params": ANTHROPIC_MESSAGES.request,
    },
    "answer": {
        "id": STRUCTURAL,
        "type": STRUCTURAL,
        "processing_status": STRUCTURAL,
        "request_counts": NUMERIC,
        "archived_at": STRUCTURAL,
        "cancel_initiated_at": STRUCTURAL,
        "created_at": STRUCTURAL,
        "ended_at": STRUCTURAL,
        "expires_at": STRUCTURAL,
        "results_url": TEXT,
        "error.type": STRUCTURAL,
        "error.message": TEXT,
        "request_id": STRUCTURAL,
    },
}

ANTHROPIC_BATCHES = JsonFormat("anthropic_batches", SHAPES, (), generic_stream_restorer)
