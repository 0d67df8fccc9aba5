from __future__ import annotations

import base64
import json
from collections import defaultdict
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import pytest
from google.genai import types
from hypothesis import given
from hypothesis import strategies as st

from sidecar.formats.answers import restorer_for
from sidecar.formats.gemini import GEMINI
from sidecar.model import Escaping, Original
from sidecar.tokens.token_map import TokenMap

NASTY = 'Ada "the\tCountess"\\ \n Löve 😀 \u2028 <b>&amp;'
SIGNATURE = "CtoBAdHtim9xQ2Zy0vFhZbTg"
Json = Any
forms = pytest.mark.parametrize("form", ["sse", "array", "pretty"])


def token_map(*originals: str) -> TokenMap:
    tokens = TokenMap({"PERSON", "CREDIT_CARD"})
    for original in originals:
        tokens.tokenize(Original(original), "PERSON")
    return tokens


def answer(*parts: Json, index: int = 0, **more: Json) -> Json:
    content = {"content": {"parts": list(parts), "role": "model"}} if parts else {}
    return {
        "candidates": [{**content, "index": index, **more}],
        "usageMetadata": {"totalTokenCount": 3},
        "modelVersion": "gemini-2.5-flash",
        "responseId": "r1",
    }


def text(piece: str, **more: Json) -> Json:
    return {"text": piece, **more}


def thought(piece: str, **more: Json) -> Json:
    return {"text": piece, "thought": True, **more}


def encoded(answers: Iterable[Json], form: str) -> bytes:
    match form:
        case "sse":
            return b"".join(b"data: " + json.dumps(each).encode() + b"\r\n\r\n" for each in answers)
        case "array":
            return b"[" + b",\n".join(json.dumps(each).encode() for each in answers) + b"\n]"
        case _:
            return json.dumps(list(answers), indent=2).encode()


def restore(stream: bytes, tokens: TokenMap, form: str, step: int = 0) -> bytes:
    kind = "text/event-stream" if form == "sse" else "application/json; charset=UTF-8"
    restorer = restorer_for(GEMINI, kind, tokens.restorer)
    assert restorer is not None
    size = step or len(stream) or 1
    pieces = [restorer.feed(stream[at : at + size]) for at in range(0, len(stream), size)]
    return b"".join([*pieces, restorer.flush()])


def documents(stream: bytes, form: str) -> list[Json]:
    if form != "sse":
        return list(json.loads(stream))
    return [json.loads(line[6:]) for line in stream.decode().split("\r\n") if line.startswith("data: {")]


def said(answers: Iterable[Json]) -> dict[int, list[tuple[str, Json]]]:
    """What a client ends up with for each candidate: texts and thoughts in a row, and all else as it is."""
    runs: dict[int, list[tuple[str, Json]]] = defaultdict(list)
    for each in answers:
        for candidate in each.get("candidates", []):
            row = runs[candidate["index"]]
            for part in candidate.get("content", {}).get("parts", []):
                kind = "other" if "text" not in part else "thought" if part.get("thought") else "text"
                if kind == "other" or "thoughtSignature" in part:
                    row.append(("other", part))
                elif row and row[-1][0] == kind:
                    row[-1] = kind, row[-1][1] + part["text"]
                else:
                    row.append((kind, part["text"]))
    return dict(runs)


def cut(whole: str, size: int) -> list[str]:
    return [whole[at : at + size] for at in range(0, len(whole), size)]


@forms
def test_frames_without_tokens_are_untouched_and_not_delayed(form: str) -> None:
    answers = [
        answer(text("plain {{PERSON_9}} {} & more")),
        answer(thought("hm"), text("and"), {"functionCall": {"name": "f", "args": {"a": [1, "b"]}}}),
        answer(text("", thoughtSignature=SIGNATURE), finishReason="STOP"),
        {"usageMetadata": {"totalTokenCount": 9}},
    ]
    stream = encoded(answers, form)
    restorer = restorer_for(
        GEMINI, "text/event-stream" if form == "sse" else "application/json", token_map("Ada").restorer
    )
    assert restorer is not None
    assert restorer.feed(stream) + restorer.flush() == stream


@pytest.mark.parametrize("size", [1, 2, 3, 64])
@forms
def test_text_and_thoughts_are_restored_from_deltas_of_any_size(form: str, size: int) -> None:
    whole = "Dear {{PERSON_1}} and {{PERSON_2}}: {{PERSON_3}} {{PERSON_1}}"
    answers = [
        *(answer(thought(piece)) for piece in cut(whole, size)),
        *(answer(text(piece)) for piece in cut(whole, size)),
        answer(text(""), finishReason="STOP"),
    ]
    restored = restore(encoded(answers, form), token_map(NASTY, "Bo"), form)
    expected = f"Dear {NASTY} and Bo: {{{{PERSON_3}}}} {NASTY}"
    assert said(documents(restored, form)) == {0: [("thought", expected), ("text", expected)]}


@forms
def test_what_is_held_back_goes_out_before_a_part_of_another_kind(form: str) -> None:
    call = {"functionCall": {"name": "f", "args": {}}}
    answers = [
        answer(thought("about {{PERSON_1}")),
        answer(text("Dear {{PERSON_1}")),
        answer(call),
        answer(text("and {{PERSON")),
        answer(finishReason="STOP"),
    ]
    restored = documents(restore(encoded(answers, form), token_map("Ada"), form), form)
    assert said(restored) == {
        0: [("thought", "about Ada"), ("text", "Dear Ada"), ("other", call), ("text", "and {{PERSON")]
    }
    assert restored[-1] == answers[-1]
    assert all(each["modelVersion"] == "gemini-2.5-flash" for each in restored)


@forms
def test_kinds_that_change_within_a_frame_keep_their_order(form: str) -> None:
    code = {"executableCode": {"language": "PYTHON", "code": "print('{{PERSON_1}}')"}}
    answers = [answer(text("a {{PERSON_1}"), code, text("b {{PER")), answer(text("SON_1}}"), thought("c"))]
    restored = documents(restore(encoded(answers, form), token_map("Ada"), form), form)
    code["executableCode"]["code"] = "print('Ada')"
    assert said(restored) == {0: [("text", "a Ada"), ("other", code), ("text", "b Ada"), ("thought", "c")]}


@forms
def test_candidates_do_not_mix(form: str) -> None:
    answers = [
        answer(text("{{PER")),
        answer(text("{{PERS"), index=1),
        answer(text("SON_1}}")),
        answer(text("ON_2}}"), index=1),
        answer(index=1, finishReason="STOP"),
        answer(finishReason="STOP"),
    ]
    restored = documents(restore(encoded(answers, form), token_map("Ada", "Bo"), form), form)
    assert said(restored) == {0: [("text", "Ada")], 1: [("text", "Bo")]}


@forms
def test_signed_thoughts_and_signatures_stay(form: str) -> None:
    signed = thought("I know {{PERSON_1}}", thoughtSignature=SIGNATURE)
    answers = [
        answer(thought("unsigned {{PERSON_1}}")),
        answer(signed),
        answer(text("Dear {{PERSON_1}}"), text("", thoughtSignature=SIGNATURE)),
    ]
    restored = documents(restore(encoded(answers, form), token_map("Ada"), form), form)
    assert said(restored) == {
        0: [
            *(("thought", "unsigned Ada"), ("other", signed), ("text", "Dear Ada")),
            ("other", text("", thoughtSignature=SIGNATURE)),
        ]
    }


@forms
def test_function_arguments_are_restored_and_numbers_come_back(form: str) -> None:
    tokens = token_map(NASTY)
    tokens.tokenize(Original("4111111111111111", is_number=True), "CREDIT_CARD")
    args = {"to": "Mail {{PERSON_1}}", "{{PERSON_1}}": ["{{person_1}}", 1], "card": "{{CREDIT_CARD_1}}"}
    call = {"functionCall": {"name": "f", "args": args}, "thoughtSignature": SIGNATURE}
    restored = documents(restore(encoded([answer(call)], form), tokens, form), form)
    part = restored[0]["candidates"][0]["content"]["parts"][0]
    assert part["functionCall"]["args"] == {
        "to": f"Mail {NASTY}",
        NASTY: [NASTY, 1],
        "card": 4111111111111111,
    }
    assert part["thoughtSignature"] == SIGNATURE


@pytest.mark.parametrize("size", [1, 3, 64])
@forms
def test_arguments_in_pieces_are_channels_of_their_own(form: str, size: int) -> None:
    def piece(path: str, value: str, *, more: bool) -> Json:
        return {"jsonPath": path, "stringValue": value, "willContinue": more}

    def call(*pieces: Json) -> Json:
        return answer({"functionCall": {"partialArgs": list(pieces), "willContinue": True}})

    values = cut("Dear {{PERSON_1}}", size)
    answers = [
        answer({"functionCall": {"name": "f", "willContinue": True}}),
        *(call(piece("$.to", value, more=True), piece("$.cc", value, more=True)) for value in values),
        call(piece("$.to", "", more=False), piece("$.cc", " {{PERSON_1}", more=False)),
        answer({"functionCall": {}}),
    ]
    found: dict[str, str] = defaultdict(str)
    for each in documents(restore(encoded(answers, form), token_map(NASTY), form), form):
        for part in each["candidates"][0]["content"]["parts"]:
            for each_piece in part["functionCall"].get("partialArgs", []):
                found[each_piece["jsonPath"]] += each_piece["stringValue"]
    assert found == {"$.to": f"Dear {NASTY}", "$.cc": f"Dear {NASTY} {NASTY}"}


@forms
def test_text_in_base64_is_restored_and_media_stay(form: str) -> None:
    def blob(kind: str, data: bytes) -> Json:
        return {"inlineData": {"mimeType": kind, "data": base64.b64encode(data).decode()}}

    image = blob("image/png", b"\x89PNG\r\n\x1a\n" + bytes(range(80)))
    rows = blob("text/csv", b"name,mail\n{{PERSON_1}},x\n")
    text_of = [("other", image), ("other", blob("text/csv", f"name,mail\n{NASTY},x\n".encode()))]
    restored = documents(restore(encoded([answer(image), answer(rows)], form), token_map(NASTY), form), form)
    assert said(restored) == {0: text_of}


def test_log_probabilities_go_where_the_text_changes() -> None:
    result = {"chosenCandidates": [{"token": "{{PERSON_1}}", "logProbability": -0.1}]}
    answers = [answer(text("{{PERSON_1}}"), logprobsResult=result), answer(text("x"), logprobsResult=result)]
    restored = documents(restore(encoded(answers, "sse"), token_map("Ada"), "sse"), "sse")
    assert [each["candidates"][0]["logprobsResult"] for each in restored] == [None, result]


@forms
def test_grounding_and_citations_are_restored(form: str) -> None:
    grounding = {
        "webSearchQueries": ["{{PERSON_1}}"],
        "groundingChunks": [{"web": {"title": "{{PERSON_1}}"}}],
    }
    answers = [answer(text("x"), groundingMetadata=grounding, finishReason="STOP")]
    restored = documents(restore(encoded(answers, form), token_map("Ada"), form), form)
    assert restored[0]["candidates"][0]["groundingMetadata"] == {
        "webSearchQueries": ["Ada"],
        "groundingChunks": [{"web": {"title": "Ada"}}],
    }


@forms
def test_an_error_comes_after_what_was_held_back(form: str) -> None:
    error = {"error": {"code": 503, "message": "for {{PERSON_1}}", "status": "UNAVAILABLE"}}
    restored = documents(
        restore(encoded([answer(text("Dear {{PERSON_1}")), error], form), token_map("Ada"), form), form
    )
    assert said(restored) == {0: [("text", "Dear Ada")]}
    assert restored[-1]["error"]["message"] == "for Ada"


def test_elements_go_out_as_they_come() -> None:
    restorer = restorer_for(GEMINI, "application/json", token_map("Ada").restorer)
    assert restorer is not None
    first, second = json.dumps(answer(text("Dear {{PERSON_1}}"))), json.dumps(answer(text(" and")))
    assert json.loads(restorer.feed(b"[" + first.encode()) + b"]") == [answer(text("Dear Ada"))]
    assert restorer.feed(b"\n,\n" + second.encode()) == b"\n,\n" + second.encode()
    assert restorer.feed(b"\n]") == b"\n]"
    assert restorer.flush() == b""


def test_a_single_answer_is_one_document_still() -> None:
    body = json.dumps(answer(text("Dear {{PERSON_1}}")), indent=1).encode()
    restored = restore(body, token_map("Ada"), "pretty", 7)
    assert restored == body.replace(b"{{PERSON_1}}", b"Ada")


@pytest.mark.parametrize(
    "body", [b'[{"error": {"message": "for {{PERSON_1}}"}}]', b"[{{PERSON_1}}", b'["{{PERSON_1}}"]']
)
def test_arrays_of_another_kind_are_restored_too(body: bytes) -> None:
    assert restore(body, token_map("Ada"), "array") == body.replace(b"{{PERSON_1}}", b"Ada")


def test_an_array_that_breaks_off_ends_where_it_broke_off() -> None:
    first, second = encoded([answer(text("Dear {{PERSON_1}"))], "array")[:-2], b',\n{"candidates": [{"con'
    restored = restore(first + second, token_map("Ada"), "array")
    assert restored.endswith(second)
    assert said(json.loads(restored.removesuffix(second) + b"]")) == {0: [("text", "Dear Ada")]}


@forms
def test_frames_of_our_own_are_what_the_sdk_reads(form: str) -> None:
    answers = [answer(thought("{{PERSON_1}")), answer(text("{{PERSON_1}")), answer({"functionCall": {}})]
    for each in documents(restore(encoded(answers, form), token_map("Ada"), form), form):
        read = types.GenerateContentResponse.model_validate(each)
        assert read.candidates
        assert read.candidates[0].content


PIECES = st.sampled_from(["{{PERSON_1}}", "{{PER", "SON_1}}", "{", "}", "é😀", "\n", " word", ""])


@st.composite
def streams(draw: st.DrawFn) -> list[Json]:
    parts = st.one_of(
        PIECES.map(text),
        PIECES.map(text),
        PIECES.map(thought),
        PIECES.map(lambda piece: thought(piece, thoughtSignature=SIGNATURE)),
        PIECES.map(lambda piece: {"functionCall": {"name": "f", "args": {"a": piece}}}),
    )
    rows = draw(st.lists(st.tuples(st.lists(parts, min_size=1, max_size=2), st.integers(0, 1)), max_size=10))
    return [answer(*row, index=index) for row, index in rows]


@given(streams(), st.sampled_from(["sse", "array", "pretty"]), st.integers(1, 40))
def test_neither_form_nor_cuts_nor_known_looks_change_what_is_said(
    answers: list[Json], form: str, step: int
) -> None:
    tokens = token_map(NASTY)
    stream = encoded(answers, form)
    restored = restore(stream, tokens, form)
    assert restore(stream, tokens, form, step) == restored
    found = said(documents(restored, form)) if answers else {}
    assert found == said(documents(restore(encoded(answers, "sse"), tokens, "sse"), "sse"))
    for index, row in said(answers).items():
        expected = [
            (kind, tokens.restore(value, Escaping.TEXT)) if kind in ("text", "thought") else _restored(value)
            for kind, value in row
        ]
        assert [each for each in found[index] if each[1]] == [each for each in expected if each[1]]


def _restored(part: Json) -> tuple[str, Json]:
    match part:
        case {"functionCall": {"args": {"a": piece}}}:
            restored = token_map(NASTY).restore(piece, Escaping.TEXT)
            return "other", {"functionCall": {"name": "f", "args": {"a": restored}}}
        case _:
            return "other", part


@given(streams(), st.sampled_from(["sse", "array"]), st.integers(0, 3000))
def test_restoring_nothing_gives_identical_bytes_wherever_the_stream_breaks_off(
    answers: list[Json], form: str, at: int
) -> None:
    stream = encoded(answers, form)[:at]
    assert restore(stream, token_map(), form) == stream


def test_pairs_of_equal_looking_frames_are_read_anew_after_a_change_of_kind() -> None:
    kinds = [text, thought, text, thought]
    answers = [answer(kind(piece)) for kind in kinds for piece in ("a", "b {{PERSON_1}")]
    restored = said(documents(restore(encoded(answers, "sse"), token_map("Ada"), "sse"), "sse"))[0]
    assert [value for _, value in restored] == ["ab Ada"] * 4
    assert all(one[0] != other[0] for one, other in pairwise(restored))
