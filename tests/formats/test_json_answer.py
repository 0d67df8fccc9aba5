from __future__ import annotations

import base64
import json

import pytest

from sidecar.formats.format import Format
from sidecar.formats.registry import ANTHROPIC_MESSAGES, FORMATS, GENERIC_JSON, OPENAI_CHAT
from sidecar.model import Escaping

WORDS = {"{{P_1}}": 'Ada "Q" Park\n', "{{C_1}}": "4111111111111111"}


class Restorer:
    """Knows one string and one number, and needs all of a text."""

    settled = False

    def __init__(self, escaping: Escaping) -> None:
        self._escaping = escaping
        self._text = ""

    def may_change(self, text: str) -> bool:
        return bool(text)

    def feed(self, delta: str) -> str:
        self._text += delta
        return ""

    def flush(self) -> str:
        text = self._text
        if self._escaping is Escaping.JSON:
            text = text.replace('"{{C_1}}"', WORDS["{{C_1}}"])
        for token, original in WORDS.items():
            as_json = self._escaping is Escaping.JSON
            text = text.replace(token, json.dumps(original)[1:-1] if as_json else original)
        return text


def restored(fmt: Format, answer: object) -> object:
    return json.loads(fmt.restore_answer(json.dumps(answer).encode(), Restorer))


def message(**members: object) -> object:
    return {"choices": [{"index": 0, "message": {"role": "assistant", **members}, "finish_reason": "stop"}]}


def content(*blocks: object) -> object:
    return {"type": "message", "content": list(blocks)}


PERSON = WORDS["{{P_1}}"]
CARD = 4111111111111111


@pytest.mark.parametrize(
    ("fmt", "answer", "expected"),
    [
        pytest.param(OPENAI_CHAT, message(content="Hi {{P_1}}"), message(content=f"Hi {PERSON}"), id="prose"),
        pytest.param(
            OPENAI_CHAT,
            message(content="{{C_1}}"),
            message(content=str(CARD)),
            id="content stays a string, whatever the original was",
        ),
        pytest.param(
            OPENAI_CHAT,
            message(content='{"n": "{{P_1}}", "c": "{{C_1}}"}'),
            message(content=json.dumps({"n": PERSON, "c": CARD})),
            id="a structured output stays JSON",
        ),
        pytest.param(
            OPENAI_CHAT,
            message(tool_calls=[{"function": {"name": "f", "arguments": '{"n":"{{P_1}}","c":"{{C_1}}"'}}]),
            message(
                tool_calls=[
                    {"function": {"name": "f", "arguments": f'{{"n":{json.dumps(PERSON)},"c":{CARD}'}},
                ]
            ),
            id="arguments that are cut off are JSON source all the same",
        ),
        pytest.param(
            OPENAI_CHAT,
            message(
                tool_calls=[
                    {"function": {"arguments": json.dumps({"d": json.dumps(["{{P_1}}", "{{C_1}}"])})}}
                ]
            ),
            message(tool_calls=[{"function": {"arguments": json.dumps({"d": json.dumps([PERSON, CARD])})}}]),
            id="JSON in JSON in JSON",
        ),
        pytest.param(
            OPENAI_CHAT,
            {"error": {"message": "no {{P_1}}"}, "x": {"{{P_1}}": ["{{C_1}}"]}},
            {"error": {"message": f"no {PERSON}"}, "x": {PERSON: [CARD]}},
            id="errors, and what nobody declared",
        ),
        pytest.param(
            ANTHROPIC_MESSAGES,
            content({"type": "tool_use", "input": {"{{C_1}}": ["{{C_1}}", "a {{C_1}}", "{{P_1}}"]}}),
            content({"type": "tool_use", "input": {str(CARD): [CARD, f"a {CARD}", PERSON]}}),
            id="tool input: numbers come back as numbers, but not in keys and not in longer text",
        ),
        pytest.param(
            ANTHROPIC_MESSAGES,
            content(
                {"type": "thinking", "thinking": "{{P_1}}", "signature": "{{P_1}}"},
                {"type": "redacted_thinking", "data": "{{P_1}}"},
                {"type": "thinking", "thinking": "{{P_1}}", "signature": ""},
            ),
            content(
                {"type": "thinking", "thinking": "{{P_1}}", "signature": "{{P_1}}"},
                {"type": "redacted_thinking", "data": "{{P_1}}"},
                {"type": "thinking", "thinking": PERSON, "signature": ""},
            ),
            id="signed text stays, unsigned thinking does not",
        ),
        pytest.param(GENERIC_JSON, ["{{P_1}}", {"a": "{{C_1}}"}], [PERSON, {"a": CARD}], id="any JSON"),
        pytest.param(GENERIC_JSON, "{{P_1}}", PERSON, id="one string"),
        pytest.param(
            GENERIC_JSON,
            {"signature": "{{C_1}}", "role": "{{C_1}}", "image_url": "{{C_1}}"},
            {"signature": CARD, "role": CARD, "image_url": CARD},
            id="a number comes back wherever a request may hold one",
        ),
    ],
)
def test_each_original_is_written_as_its_place_needs(fmt: Format, answer: object, expected: object) -> None:
    assert restored(fmt, answer) == expected


def test_only_literals_that_change_are_spelled_anew() -> None:
    body = b'{ "a" : "caf\\u00e9 \\/" , "b":["{{P_1}}\\u00e9"], "b": 1.50e+3,"c":"\\ud800" }\n'
    expected = body.replace(b'"{{P_1}}\\u00e9"', b'"Ada \\"Q\\" Park\\n\\u00e9"')
    assert GENERIC_JSON.restore_answer(body, Restorer) == expected


@pytest.mark.parametrize("fmt", FORMATS, ids=lambda fmt: fmt.name)
def test_an_answer_that_does_not_change_is_the_same_object(fmt: Format) -> None:
    body = b'\xef\xbb\xbf{"choices":[{"message":{"content":"caf\\u00e9"}}], "content": ["{{X_9}}"] }'
    assert fmt.restore_answer(body, Restorer) is body


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param({"text": "{{P_1}}"}, {"text": "x"}, id="a text"),
        pytest.param({"message": {"content": "{{P_1}}"}}, {"message": {"content": "x"}}, id="a message"),
        pytest.param(
            {"message": {"tool_calls": [{"function": {"arguments": '["{{C_1}}"]'}}]}}, {}, id="a call"
        ),
    ],
)
def test_log_probabilities_go_with_the_text_that_they_spell(
    first: dict[str, object], second: dict[str, object]
) -> None:
    logprobs = {"content": [{"token": "{{", "logprob": -0.5, "bytes": [123], "top_logprobs": []}]}
    answer = {"choices": [{**first, "logprobs": logprobs}, {"logprobs": logprobs, **second}]}
    choices = restored(OPENAI_CHAT, answer)["choices"]  # type: ignore[index]
    assert [choice["logprobs"] for choice in choices] == [None, logprobs]


@pytest.mark.parametrize("length", [0, 100], ids=["short", "longer with its tokens"])
def test_a_text_in_base64_that_declares_nothing_is_restored(length: int) -> None:
    packed = base64.b64encode(b"{{P_1}}" + b"." * length).decode()
    back = restored(GENERIC_JSON, {"file_data": packed})
    assert isinstance(back, dict)
    assert base64.b64decode(back["file_data"]).decode() == WORDS["{{P_1}}"] + "." * length
