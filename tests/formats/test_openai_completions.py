from __future__ import annotations

import json
from typing import Any

import pytest

from sidecar.errors import RequestRefused
from sidecar.formats.format import Passing
from sidecar.formats.openai_completions import OPENAI_COMPLETIONS
from sidecar.model import Original
from sidecar.tokens.token_map import TokenMap

Json = Any


def texts(**request: Json) -> list[str]:
    return [field.text for field in OPENAI_COMPLETIONS.parse_request(json.dumps(request).encode()).fields]


def live() -> TokenMap:
    tokens = TokenMap({"PERSON"})
    tokens.tokenize(Original("Ada"), "PERSON")
    return tokens


def test_the_prompt_comes_first_and_then_what_follows_it() -> None:
    assert texts(user="u", suffix="s", prompt=["a", "b"], stop="x") == ["a", "b", "s", "u", "x"]


@pytest.mark.parametrize("prompt", [[1, 2], [[1, 2], [3]], ["a", [1]]], ids=["ids", "lists of ids", "mixed"])
def test_token_ids_are_refused(prompt: Json) -> None:
    with pytest.raises(RequestRefused, match="token ids") as refused:
        texts(prompt=prompt)
    assert refused.value.status == 422


def test_token_ids_pass_where_they_are_set_to_and_text_among_them_does_not() -> None:
    body = b'{"prompt": [[1820, 25977], "Ada", 4111111111111111], "n": 4111111111111111, "x": [4111]}'
    parsed = OPENAI_COMPLETIONS.parse_request(body, Passing.TOKEN_IDS)
    assert [field.text for field in parsed.fields] == ["Ada", "x", "4111"]


def test_log_probabilities_of_a_restored_text_become_null_and_others_stay() -> None:
    pieces = {"tokens": ["{{", "PERSON_1}}"], "token_logprobs": [-0.5, -0.5], "text_offset": [0, 2]}
    choices = [{"index": n, "text": text, "logprobs": pieces} for n, text in enumerate(["{{PERSON_1}}", "x"])]
    answer = json.dumps({"choices": choices}).encode()
    first, second = json.loads(OPENAI_COMPLETIONS.restore_answer(answer, live().restorer))["choices"]
    assert (first["text"], first["logprobs"]) == ("Ada", None)
    assert (second["text"], second["logprobs"]) == ("x", pieces)


def test_text_held_back_goes_into_the_end_of_its_choice() -> None:
    def frame(text: str, index: int, finish: str | None = None) -> bytes:
        choice = {"text": text, "index": index, "logprobs": None, "finish_reason": finish}
        return b"data: " + json.dumps({"id": "c", "choices": [choice]}).encode() + b"\n\n"

    restorer = OPENAI_COMPLETIONS.restore_stream(live().restorer)
    sent = [frame("a {{PER", 0), frame("{{PERSON", 1), frame("", 0, "length"), frame("_1}}", 1, "stop")]
    out = b"".join([*map(restorer.feed, sent), restorer.flush()])
    choices = [json.loads(block[6:])["choices"][0] for block in out.decode().split("\n\n") if block]
    assert [(c["index"], c["text"], c["finish_reason"]) for c in choices] == [
        (0, "a ", None),
        (1, "", None),
        (0, "{{PER", "length"),
        (1, "Ada", "stop"),
    ]
