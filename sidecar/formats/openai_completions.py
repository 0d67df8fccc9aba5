"""Completions without a chat: OpenAI's older API, and fill-in-the-middle as Mistral answers it.

Answers and streams have the frame of chat completions; the text stands in ``choices[].text``, or in a
message for fill-in-the-middle.

Source: OpenAI API reference, "Completions"; Mistral API reference, "Fill in the middle".
"""

from __future__ import annotations

from collections.abc import Mapping

from sidecar.formats import openai_chat
from sidecar.formats.json_format import JsonFormat
from sidecar.formats.openai_chat_stream import chat_stream_restorer
from sidecar.formats.shapes import NUMERIC, STRUCTURAL, TEXT, USER_DATA, Shapes, Treatment

_PARAMETERS: Mapping[str, Treatment | str] = dict.fromkeys(
    (
        "best_of",
        "frequency_penalty",
        "logit_bias",
        "logprobs",
        "max_tokens",
        "min_p",
        "min_tokens",
        "n",
        "presence_penalty",
        "random_seed",
        "repetition_penalty",
        "seed",
        "temperature",
        "top_k",
        "top_p",
    ),
    NUMERIC,
)

SHAPES: Shapes = {
    **openai_chat.SHAPES,
    "request": {
        "prompt": TEXT,
        "prompt[]": "token_ids",
        "suffix": TEXT,
        "stop": TEXT,
        "user": TEXT,
        "metadata": USER_DATA,
        "response_format": "response_format",
        "model": STRUCTURAL,
        "stream_options": STRUCTURAL,
        **_PARAMETERS,
    },
}

OPENAI_COMPLETIONS = JsonFormat("openai_completions", SHAPES, ("prompt", "suffix"), chat_stream_restorer)
