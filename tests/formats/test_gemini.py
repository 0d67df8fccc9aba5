"""Rules of Gemini's bodies that the corpus alone does not show."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from sidecar.errors import RequestRefused
from sidecar.formats.gemini import GEMINI

Json = Any
SIGNATURE = "CtoBAdHtim9xQ2Zy0vFhZbTg"
PIXEL = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(range(80))).decode()


def texts(**members: Json) -> list[str]:
    return [field.text for field in GEMINI.parse_request(json.dumps(members).encode()).fields]


def part_texts(**part: Json) -> list[str]:
    return texts(contents=[{"parts": [part]}])


def test_the_order_is_the_prompts_wherever_the_keys_stand() -> None:
    assert texts(
        generationConfig={"stopSequences": ["5"]},
        contents=[{"parts": [{"text": "4"}]}],
        system_instruction={"parts": [{"text": "3"}]},
        systemInstruction={"parts": [{"text": "2"}]},
        tools=[{"functionDeclarations": [{"description": "1"}]}],
    ) == ["1", "2", "3", "4", "5"]


@pytest.mark.parametrize("name", ["thoughtSignature", "thought_signature"])
def test_a_signed_thought_is_signed_and_other_text_beside_a_signature_is_not(name: str) -> None:
    signed = {"text": "hm", "thought": True, name: SIGNATURE}
    parsed = GEMINI.parse_request(json.dumps({"contents": [{"parts": [signed]}]}).encode())
    assert list(parsed.signed) == ["hm", SIGNATURE]
    assert [field.text for field in parsed.fields] == []
    assert part_texts(text="hm", **{name: SIGNATURE}) == ["hm"]
    assert part_texts(text="hm", thought=True) == ["hm"]
    assert part_texts(text="hm", thought="true", **{name: SIGNATURE}) == ["hm"]


def test_what_looks_like_no_signature_is_looked_at() -> None:
    assert part_texts(text="", thoughtSignature="Ada Park, ada@example.org") == ["Ada Park, ada@example.org"]


@pytest.mark.parametrize("names", [("inlineData", "mimeType"), ("inline_data", "mime_type")])
@pytest.mark.parametrize("kind", ["image/png", "audio/wav", "video/mp4"])
def test_media_pass_byte_for_byte(names: tuple[str, str], kind: str) -> None:
    assert part_texts(**{names[0]: {names[1]: kind, "data": PIXEL}}) == []


@pytest.mark.parametrize("kind", ["application/pdf", "application/zip", None])
def test_what_nobody_can_look_into_is_refused(kind: str | None) -> None:
    declared = {"mimeType": kind} if kind else {}
    with pytest.raises(RequestRefused) as refused:
        part_texts(inlineData={**declared, "data": PIXEL})
    assert refused.value.status == 415


def test_text_in_base64_is_looked_at() -> None:
    data = base64.b64encode("naïve Ada".encode()).decode()
    assert part_texts(inlineData={"mimeType": "text/plain", "data": data}) == ["naïve Ada"]


def test_keys_of_arguments_and_results_are_looked_at() -> None:
    assert part_texts(functionCall={"name": "f", "args": {"Ada": 1}}) == ["f", "Ada", "1"]
    assert part_texts(function_response={"name": "f", "response": {"Ada": "x"}}) == ["f", "Ada", "x"]


def test_parameters_are_not_looked_at_and_new_ones_are() -> None:
    assert texts(generationConfig={"topK": 40, "top_p": 0.9, "newThing": 5}) == ["newThing", "5"]
