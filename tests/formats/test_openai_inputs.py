from __future__ import annotations

import json
from typing import Any

import pytest

from sidecar.errors import RequestRefused
from sidecar.formats.openai_inputs import OPENAI_INPUTS

Json = Any


def texts(**request: Json) -> list[str]:
    return [field.text for field in OPENAI_INPUTS.parse_request(json.dumps(request).encode()).fields]


def test_choices_that_the_api_offers_are_no_text() -> None:
    found = texts(
        input="Ada",
        model="text-embedding-3-small",
        encoding_format="float",
        dimensions=256,
        voice="alloy",
        response_format="mp3",
        style="vivid",
        quality="hd",
    )
    assert found == ["Ada"]


@pytest.mark.parametrize("given", [[1, 2], [[1, 2], [3]], ["a", [1]]], ids=["ids", "lists of ids", "mixed"])
def test_token_ids_are_refused(given: Json) -> None:
    with pytest.raises(RequestRefused, match="token ids") as refused:
        texts(input=given)
    assert refused.value.status == 422


@pytest.mark.parametrize(
    "given",
    [
        pytest.param([{"type": "text", "text": "Ada"}], id="parts"),
        pytest.param([[{"role": "user", "content": "Ada"}]], id="chats"),
        pytest.param([{"content": [{"type": "text", "text": "Ada"}]}], id="parts of parts"),
    ],
)
def test_objects_among_the_inputs_are_looked_at(given: Json) -> None:
    assert texts(input=given) == ["Ada"]


def test_a_document_to_be_read_is_refused_inline_and_looked_at_as_a_link() -> None:
    with pytest.raises(RequestRefused, match="PDF"):
        texts(document={"type": "document_url", "document_url": "data:application/pdf;base64,JVBERi0xLjQK"})
    link = "https://example.org/?of=ada@example.org"
    assert texts(document={"type": "document_url", "document_url": link}) == [link]
