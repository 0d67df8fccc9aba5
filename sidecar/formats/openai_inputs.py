"""Requests that hold no conversation: embeddings, moderations, images, speech, ranking, OCR.

OpenAI's, and those of Mistral and Cohere beside them. Their answers are numbers, media or short texts, and
any string in them is restored.

Source: OpenAI API reference, "Embeddings", "Moderations", "Images", "Create speech"; Mistral API
reference, "OCR"; Cohere API reference, "Embed", "Rerank".
"""

from __future__ import annotations

from collections.abc import Mapping

from sidecar.formats import openai_chat
from sidecar.formats.generic_stream import generic_stream_restorer
from sidecar.formats.json_format import JsonFormat
from sidecar.formats.json_schema import SCHEMA
from sidecar.formats.shapes import (
    FILE,
    IMAGE,
    NUMERIC,
    STRUCTURAL,
    TEXT,
    TOKEN_IDS,
    USER_DATA,
    Shapes,
    Treatment,
)

_CHOICES: Mapping[str, Treatment | str] = dict.fromkeys(
    (
        "background",
        "embedding_types",
        "encoding_format",
        "input_fidelity",
        "input_type",
        "model",
        "moderation",
        "output_dtype",
        "output_format",
        "quality",
        "size",
        "stream_format",
        "style",
        "truncate",
        "voice",
    ),
    STRUCTURAL,
)

_PARAMETERS: Mapping[str, Treatment | str] = dict.fromkeys(
    (
        "dimensions",
        "image_limit",
        "image_min_size",
        "max_chunks_per_doc",
        "max_tokens_per_doc",
        "n",
        "output_compression",
        "output_dimension",
        "pages",
        "partial_images",
        "seed",
        "speed",
        "top_n",
    ),
    NUMERIC,
)

_PART: Mapping[str, Treatment | str] = {
    "type": STRUCTURAL,
    "role": STRUCTURAL,
    "text": TEXT,
    "content": TEXT,
    "content[]": "element",
    "image": IMAGE,
    "image_url": IMAGE,
    "image_url.url": IMAGE,
    "file_id": STRUCTURAL,
}

SHAPES: Shapes = {
    "request": {
        "input": TEXT,
        "input[]": "element",
        "inputs[]": "element",
        "texts": TEXT,
        "query": TEXT,
        "documents": USER_DATA,
        "prompt": TEXT,
        "instructions": TEXT,
        "user": TEXT,
        "image": IMAGE,
        "images[]": "image",
        "mask": "image",
        "document": "document",
        "response_format": "answer_format",
        "bbox_annotation_format": "answer_format",
        "document_annotation_format": "answer_format",
        **_CHOICES,
        **_PARAMETERS,
    },
    "answer": {
        "id": STRUCTURAL,
        "object": STRUCTURAL,
        "model": STRUCTURAL,
        "created": NUMERIC,
        "data[].object": STRUCTURAL,
        "data[].revised_prompt": TEXT,
        "texts": TEXT,
        "pages[].markdown": TEXT,
        "error.message": TEXT,
        "error.type": STRUCTURAL,
        "error.code": STRUCTURAL,
        "error.param": TEXT,
    },
    # Objects in such an array are no token ids: parts of a text with pictures, or the messages of a chat.
    "element": {**_PART, "": TOKEN_IDS, "[]": "element"},
    "image": {"": IMAGE, "image_url": IMAGE, "file_id": STRUCTURAL},
    "document": {
        "type": STRUCTURAL,
        "document_url": FILE,
        "image_url": IMAGE,
        "image_url.url": IMAGE,
        "image_url.detail": STRUCTURAL,
        "document_name": TEXT,
        "file_id": STRUCTURAL,
    },
    "answer_format": {"": STRUCTURAL, **openai_chat.SHAPES["response_format"]},
    **SCHEMA,
}

OPENAI_INPUTS = JsonFormat("openai_inputs", SHAPES, ("instructions", "input"), generic_stream_restorer)
