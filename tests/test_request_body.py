"""Request bodies: which tokens are given out, and in what order."""

from __future__ import annotations

import json
from functools import cache

import pytest

from sidecar.detection.pipeline import Detection, load_detection
from sidecar.formats.registry import format_for_path
from sidecar.model import Escaping
from sidecar.request_body import Deadline, tokenize_body
from sidecar.tokens.token_map import TokenMap

UNSURE = "4532-1234-5678-9010"  # a card only where a word says so


@cache
def detection() -> Detection:
    return load_detection(None, ner=False)


def sent(*contents: object) -> list[object]:
    """Return the contents of messages as the provider sees them."""
    body = json.dumps({"messages": [{"role": "user", "content": content} for content in contents]}).encode()
    fmt = format_for_path("/v1/chat/completions")
    token_map = TokenMap(detection().entity_types)
    tokenized = tokenize_body(body, fmt, detection(), token_map, Deadline(20.0))
    return [message["content"] for message in json.loads(tokenized)["messages"]]


def test_an_original_that_later_text_gives_away_renumbers_nothing_before_it() -> None:
    first = f"{UNSURE} or 4111 1111 1111 1111"
    assert sent(first) == [f"{UNSURE} or {{{{CREDIT_CARD_1}}}}"]
    assert sent(first, f"my card {UNSURE}") == [
        "{{CREDIT_CARD_2}} or {{CREDIT_CARD_1}}",
        "my card {{CREDIT_CARD_2}}",
    ]


@pytest.mark.parametrize(
    "later",
    [
        pytest.param([f"my card {UNSURE}"], id="given-away-later"),
        pytest.param(["5555 5555 5555 4444"], id="another-one"),
        pytest.param([{"card": 4111111111111111}], id="a-number-spelled-alike"),
    ],
)
def test_what_has_a_token_keeps_it_when_the_conversation_goes_on(later: list[object]) -> None:
    first = [f"{UNSURE} or 4111 1111 1111 1111", "4111111111111111 then 5555555555554444"]
    known = " ".join(str(content) for content in sent(*first)).replace(UNSURE, "{{CREDIT_CARD_3}}")
    after = " ".join(str(content) for content in sent(*first, later)[:2]).replace(UNSURE, "{{CREDIT_CARD_3}}")
    assert after == known


@pytest.mark.parametrize("number", ["4111111111111111", "4111111111111111.0", "4111111111111111.00"])
def test_a_number_is_looked_at_as_the_whole_number_that_it_is(number: str) -> None:
    body = f'{{"rows": [{number}]}}'.encode()
    token_map = TokenMap(detection().entity_types)
    seen = tokenize_body(body, format_for_path("/v1/x"), detection(), token_map, Deadline(20.0))
    assert seen == b'{"rows": ["{{CREDIT_CARD_1}}"]}'
    assert token_map.restore('{"rows": ["{{CREDIT_CARD_1}}"]}', Escaping.JSON).encode() == body
