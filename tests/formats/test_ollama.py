"""Rules of Ollama's bodies that the corpus alone does not show."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from sidecar.errors import RequestRefused
from sidecar.formats.ollama import OLLAMA

PIXEL = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(range(80))).decode()
TABLE = base64.b64encode(b"name,mail\nAda Park,ada@example.org\n" * 3).decode()


def texts(**members: Any) -> list[str]:  # noqa: ANN401 - any JSON
    return [field.text for field in OLLAMA.parse_request(json.dumps(members).encode()).fields]


def test_the_order_is_the_prompts_wherever_the_keys_stand() -> None:
    found = texts(
        options={"stop": ["4"]},
        messages=[{"content": "3"}],
        system="2",
        tools=[{"function": {"description": "1"}}],
    )
    assert found == ["1", "2", "3", "4"]


@pytest.mark.parametrize("above", ["messages", ""])
def test_images_pass_by_their_first_bytes_alone(above: str) -> None:
    def body(image: str) -> list[str]:
        holder = {"images": [image]}
        return texts(messages=[holder]) if above else texts(**holder)

    assert body(PIXEL) == []
    assert body("Ada Park") == ["Ada Park"]
    with pytest.raises(RequestRefused) as refused:
        body(TABLE)
    assert refused.value.status == 415


def test_the_token_ids_of_an_earlier_conversation_are_refused() -> None:
    with pytest.raises(RequestRefused, match="token ids") as refused:
        texts(prompt="and now?", context=[9906, 1917])
    assert refused.value.status == 422
    assert texts(prompt="and now?", context=[]) == ["and now?"]


def test_token_ids_to_embed_are_refused() -> None:
    with pytest.raises(RequestRefused, match="token ids"):
        texts(input=[[9906, 1917]])


def test_parameters_are_not_looked_at_and_new_ones_are() -> None:
    assert texts(options={"num_ctx": 4096, "new_thing": 5}, keep_alive=-1) == ["new_thing", "5"]


def test_a_format_is_a_keyword_or_a_schema() -> None:
    assert texts(format="json") == []
    assert texts(format="Ada Park") == ["Ada Park"]
    assert texts(format={"type": "object", "properties": {"who": {"const": "Ada"}}}) == ["who", "Ada"]
