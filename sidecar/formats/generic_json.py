"""JSON of any shape: every string, number and key is looked at.

A few names mean the same in every model API. Sampling parameters pass as numbers only, and only where
such parameters stand; ``type``, ``role`` and the like pass only while they look like identifiers.
"""

from __future__ import annotations

from collections.abc import Mapping

from sidecar.formats.anything import ANY
from sidecar.formats.generic_stream import generic_stream_restorer
from sidecar.formats.json_format import JsonFormat
from sidecar.formats.shapes import (
    NUMERIC,
    STRUCTURAL,
    TOKEN_IDS,
    USER_DATA,
    Shapes,
    Treatment,
)

_PARAMETERS: Mapping[str, Treatment | str] = dict.fromkeys(
    (
        "best_of",
        "candidateCount",
        "candidate_count",
        "created",
        "created_at",
        "dimensions",
        "expires_at",
        "frequencyPenalty",
        "frequency_penalty",
        "length_penalty",
        "logit_bias",
        "logprobs",
        "maxOutputTokens",
        "max_completion_tokens",
        "max_length",
        "max_new_tokens",
        "max_output_tokens",
        "max_tokens",
        "min_p",
        "min_tokens",
        "n",
        "num_ctx",
        "num_predict",
        "presencePenalty",
        "presence_penalty",
        "repeat_penalty",
        "repetition_penalty",
        "seed",
        "temperature",
        "timestamp",
        "topK",
        "topP",
        "top_k",
        "top_logprobs",
        "top_n",
        "top_p",
        "typical_p",
    ),
    NUMERIC,
)

SHAPES: Shapes = {
    "request": {
        **ANY,
        **_PARAMETERS,
        "model": STRUCTURAL,
        "options": "parameters",
        "parameters": "parameters",
        "generation_config": "parameters",
        "generationConfig": "parameters",
        "sampling_params": "parameters",
        "prompt": "prompt",
        "input": "prompt",
    },
    "answer": {"": USER_DATA, "[]": "any", **ANY},
    "any": ANY,
    "parameters": {**ANY, **_PARAMETERS},
    "prompt": {**ANY, "[]": "token_ids"},
    # Objects in such an array are no token ids: the items of a conversation.
    "token_ids": {**ANY, "": TOKEN_IDS, "[]": "token_ids"},
}

GENERIC_JSON = JsonFormat(
    "generic_json", SHAPES, ("tools", "functions", "system", "messages"), generic_stream_restorer
)
