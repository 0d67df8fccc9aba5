"""Transcriptions and translations of recordings: what their answers say, whole and streamed.

The recording comes as an upload, with texts beside it (``form_data``); some servers take JSON with its URL.
Deltas end with their ``done`` event, as those of Responses do.

Source: OpenAI API reference, "Create transcription", "Transcript text delta event"; Mistral API reference,
"Audio transcriptions".
"""

from __future__ import annotations

from functools import partial

from sidecar.formats.anything import ANY
from sidecar.formats.json_format import JsonFormat
from sidecar.formats.openai_responses_stream import responses_stream_restorer
from sidecar.formats.shapes import AUDIO, COMPANION, NUMERIC, STRUCTURAL, TEXT, Shapes

SHAPES: Shapes = {
    "request": {
        "model": STRUCTURAL,
        "file": AUDIO,
        "file_id": STRUCTURAL,
        "file_url": TEXT,
        "prompt": TEXT,
        "language": STRUCTURAL,
        "response_format": STRUCTURAL,
        "timestamp_granularities": STRUCTURAL,
        "include": STRUCTURAL,
        "temperature": NUMERIC,
    },
    "answer": {
        "text": TEXT,
        "task": STRUCTURAL,
        "language": STRUCTURAL,
        "model": STRUCTURAL,
        "duration": NUMERIC,
        "usage": NUMERIC,
        "logprobs": COMPANION,
        "segments[].text": TEXT,
        "segments[].speaker": TEXT,
        "words[].word": TEXT,
        "error.message": TEXT,
        "error.type": STRUCTURAL,
    },
    "any": ANY,
}

OPENAI_TRANSCRIPTS = JsonFormat(
    "openai_transcripts", SHAPES, ("prompt",), partial(responses_stream_restorer, {})
)
