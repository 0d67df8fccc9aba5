"""OpenAI batches: which uploaded file to run against which endpoint; the requests are in the file.

Source: OpenAI API reference, "Create batch", "The batch object".
"""

from __future__ import annotations

from sidecar.formats.generic_stream import generic_stream_restorer
from sidecar.formats.json_format import JsonFormat
from sidecar.formats.shapes import NUMERIC, STRUCTURAL, TEXT, USER_DATA, Shapes

SHAPES: Shapes = {
    "request": {
        "input_file_id": STRUCTURAL,
        "endpoint": STRUCTURAL,
        "completion_window": STRUCTURAL,
        "metadata": USER_DATA,
        "output_expires_after.anchor": STRUCTURAL,
        "output_expires_after.seconds": NUMERIC,
    },
    "answer": {
        "id": STRUCTURAL,
        "object": STRUCTURAL,
        "endpoint": STRUCTURAL,
        "model": STRUCTURAL,
        "status": STRUCTURAL,
        "input_file_id": STRUCTURAL,
        "output_file_id": STRUCTURAL,
        "error_file_id": STRUCTURAL,
        "completion_window": STRUCTURAL,
        "request_counts": NUMERIC,
        "usage": NUMERIC,
        "metadata": USER_DATA,
        "errors.object": STRUCTURAL,
        "errors.data[].code": STRUCTURAL,
        "errors.data[].message": TEXT,
        "error.message": TEXT,
        "error.type": STRUCTURAL,
    },
}

OPENAI_BATCHES = JsonFormat("openai_batches", SHAPES, (), generic_stream_restorer)
