"""What an answer invents is tokenized away, however it is cut, and what the request held comes back."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest
from chunk_invariance import assert_chunk_invariant
from hypothesis import given
from hypothesis import strategies as st

from sidecar.answer_scan import AnswerScan
from sidecar.detection.pipeline import Detection, load_detection
from sidecar.formats.answers import restorer_for
from sidecar.formats.format import Format
from sidecar.formats.registry import FORMATS, format_for_path
from sidecar.model import Escaping, Original
from sidecar.tokens.token_map import TokenMap
from tests.formats.test_stream_conformance import (
    MEDIA_TYPES,
    cuts,
    documents,
    leaves,
    live,
    said,
    streams,
    whole,
)

OWN = "ada@example.org"
TEXT, JSON, RAW = Escaping.TEXT, Escaping.JSON, Escaping.RAW
CHAT = format_for_path("/v1/chat/completions")


@cache
def detection() -> Detection:
    return load_detection(None, ner=False)


def scan_of(*own: str) -> AnswerScan:
    tokens = TokenMap({*detection().entity_types, "PERSON"})
    for original in own:
        tokens.tokenize(Original(original), "EMAIL")
    return AnswerScan(tokens, detection().patterns_in)


def scanned(chunks: Iterable[str], escaping: Escaping = TEXT) -> Iterator[str]:
    restorer = scan_of(OWN).restorer(escaping)
    for chunk in chunks:
        yield restorer.feed(chunk)
    yield restorer.flush()


def at_once(text: str, escaping: Escaping = TEXT) -> str:
    return "".join(scanned([text], escaping))


LONG = "and so on, as models do when they are asked for prose, " * 3


@pytest.mark.parametrize(
    ("text", "escaping", "expected"),
    [
        pytest.param("Mail eve@example.com!", TEXT, "Mail {{EMAIL_2}}!", id="invented"),
        pytest.param("Mail {{EMAIL_1}}!", TEXT, f"Mail {OWN}!", id="token-comes-back"),
        pytest.param(f"Mail {OWN}!", TEXT, f"Mail {OWN}!", id="the-request-held-it"),
        pytest.param("eve@example.com eve@example.com", TEXT, "{{EMAIL_2}} {{EMAIL_2}}", id="same-token"),
        pytest.param("{{EMAIL_2}} eve@example.com", TEXT, "{{EMAIL_2}} {{EMAIL_2}}", id="never-restored"),
        pytest.param(LONG + "4111 1111 1111 1111", TEXT, LONG + "{{CREDIT_CARD_1}}", id="far-into-the-text"),
        pytest.param("to=eve%40example.com&x=1", TEXT, "to={{EMAIL_2}}&x=1", id="percent-encoded"),
        pytest.param('{"a": "x\\neve@example.com"}', JSON, '{"a": "x\\n{{EMAIL_2}}"}', id="after-an-escape"),
        pytest.param('{"a": "eve\\u0040example.com"}', JSON, '{"a": "{{EMAIL_2}}"}', id="escaped"),
        pytest.param(
            '{"n": 4111111111111111, "m": -7}', JSON, '{"n": "{{CREDIT_CARD_1}}", "m": -7}', id="number"
        ),
        pytest.param(
            '{"n":4111111111111111}', TEXT, '{"n":"{{CREDIT_CARD_1}}"}', id="number-in-structured-output"
        ),
        pytest.param("n 4111111111111111", TEXT, "n {{CREDIT_CARD_1}}", id="number-in-prose"),
        pytest.param('{"n":4111111111111111}', RAW, '{"n":{{CREDIT_CARD_1}}}', id="no-json-at-all"),
        pytest.param("a{eve@example.com}", TEXT, "a{{{EMAIL_2}}}", id="braces-are-no-shelter"),
        pytest.param("{card_4111111111111111}", TEXT, "{card_{{CREDIT_CARD_1}}}", id="nor-is-a-name"),
        pytest.param("{a 4111111111111111 _1}", TEXT, "{a {{CREDIT_CARD_1}} _1}", id="nor-a-number-behind"),
    ],
)
def test_what_is_invented_goes_and_what_is_the_requests_comes(
    text: str, escaping: Escaping, expected: str
) -> None:
    assert at_once(text, escaping) == expected
    assert_chunk_invariant(
        lambda chunks: scanned(chunks, escaping), lambda whole: at_once(whole, escaping), text
    )


WORDS = st.sampled_from([
    *("eve@example.com", OWN, "{{EMAIL_1}}", "{{EMAIL_2}}", "4111 1111 1111 1111", "4111111111111111"),
    *("202-555-0143", "912-34-5678", "DE89 3704 0044 0532 0130 00", "word ", "\n", '"', "\\", "\\n"),
    "\\u00e9",
    *(",", ": ", "{", "}", "[", "1", "é", "😀", "字", "x" * 90, "card ", "{{", "_1}}"),
])  # fmt: skip


@given(st.lists(WORDS, max_size=30).map("".join), st.sampled_from(Escaping), st.data())
def test_no_cut_changes_what_comes_out(text: str, escaping: Escaping, data: st.DataObject) -> None:
    places = sorted(data.draw(st.sets(st.integers(0, len(text)), max_size=6)) | {0, len(text)})
    chunks = [text[low:high] for low, high in pairwise(places)]
    assert "".join(scanned(chunks, escaping)) == at_once(text, escaping)


@given(st.lists(WORDS.filter(lambda word: "_" not in word), max_size=12).map("".join), st.integers(0, 400))
def test_an_invention_is_found_wherever_it_stands(before: str, spaces: int) -> None:
    assert "zoe@example.net" not in at_once(f"{before}{' ' * spaces} zoe@example.net and more")


PLANTS = st.sampled_from(
    [
        "zoe@example.net",
        4111111111111111,
        -5555555555554444,
        "x 202-555-0143",
        "é\n912-34-5678!",
        '"zoe@example.net"',
    ]
)
DOCUMENTS = st.recursive(
    PLANTS | st.sampled_from([1, -2.5, True, None, "{{EMAIL_1}}", "word " * 9]),
    lambda below: (
        st.lists(below, max_size=4) | st.dictionaries(st.sampled_from(["a", "b c", "zoe@example.net"]), below)
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.text("ab ", max_size=9), DOCUMENTS, max_size=5), st.booleans(), st.booleans())
def test_json_source_stays_json_and_loses_its_inventions(
    document: dict[str, object], compact: bool, ascii_only: bool
) -> None:
    separators = (",", ":") if compact else (", ", ": ")
    source = json.dumps(document, separators=separators, ensure_ascii=ascii_only)
    for escaping in (JSON, TEXT):
        found = at_once(source, escaping)
        json.loads(found)
        for plant in (
            "zoe@example.net",
            "4111111111111111",
            "5555555555554444",
            "202-555-0143",
            "912-34-5678",
        ):
            assert plant not in found


def test_a_whole_answer_is_scanned_with_its_numbers_keys_and_hints() -> None:
    source = '{"card": 4111111111111111, "ssn": "219099999"}'
    answer = {
        "choices": [
            {
                "message": {
                    "content": f"{OWN} or {{{{EMAIL_1}}}} or eve@example.com",
                    "tool_calls": [{"function": {"name": "f", "arguments": source}}],
                    "extra": {"card": 5555555555554444, "ssn": 219099999, "n": 12},
                },
                "logprobs": {"content": [{"token": "eve@example.com"}]},
            }
        ],
        "created": 1718035200,
    }  # fmt: skip
    scan = scan_of(OWN)
    body = scan.format(CHAT).restore_answer(json.dumps(answer).encode(), scan.restorer)
    [choice] = json.loads(body)["choices"]
    message = choice["message"]
    assert message["content"].startswith(f"{OWN} or {OWN} or {{{{EMAIL_")
    assert choice["logprobs"] is None
    arguments = json.loads(message["tool_calls"][0]["function"]["arguments"])
    assert arguments == {"card": "{{CREDIT_CARD_1}}", "ssn": "{{SSN_1}}"}
    assert message["extra"] == {"card": "{{CREDIT_CARD_2}}", "ssn": "{{SSN_1}}", "n": 12}
    assert json.loads(body)["created"] == 1718035200


@pytest.mark.parametrize("fmt", FORMATS, ids=lambda fmt: fmt.name)
def test_a_whole_answer_that_invents_nothing_is_the_same_object(fmt: Format) -> None:
    scan = scan_of()
    body = b'{"id": "x", "choices": [{"text": "Good morning"}], "n": 12}'
    assert scan.format(fmt).restore_answer(body, scan.restorer) is body


@pytest.mark.parametrize("piece", ["{", "{ ", "{a_ ", "{\\"])
def test_braces_take_linear_time(piece: str) -> None:
    text = piece * 100_000
    started = time.process_time()
    assert scan_of().invented(text) == []
    assert time.process_time() - started < 5


@pytest.mark.parametrize("body", [b"{", b"<html>", b"\xff"])
def test_what_is_no_json_stays_a_value_error(body: bytes) -> None:
    scan = scan_of()
    with pytest.raises(ValueError, match="byte"):
        scan.format(CHAT).restore_answer(body, scan.restorer)


def scanned_stream(fmt: Format, path: Path, chunks: Iterable[bytes], tokens: TokenMap) -> Iterator[bytes]:
    scan = AnswerScan(tokens, detection().patterns_in)
    restorer = restorer_for(scan.format(fmt), MEDIA_TYPES[path.suffix], scan.restorer)
    assert restorer is not None
    for chunk in chunks:
        yield restorer.feed(chunk)
    yield restorer.flush()


def every_type() -> TokenMap:
    return TokenMap({*detection().entity_types, "PERSON"})


@streams
def test_streams_of_every_format_lose_what_they_invented_at_every_cut(fmt: Format, path: Path) -> None:
    body = whole(fmt, path)  # to a scan without a map, all that was restored is invented
    stream = b"".join(scanned_stream(fmt, path, [body], every_type()))
    assert [text for text in said(stream) if isinstance(text, str) and OWN in text] == []
    assert_chunk_invariant(
        lambda chunks: scanned_stream(fmt, path, chunks, every_type()),
        lambda text: b"".join(scanned_stream(fmt, path, [text], every_type())),
        body,
        splits=cuts(body),
    )


GEMINI_CALL = '{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","args":{"card":N}}}]}}]}'


@pytest.mark.parametrize(
    ("path", "media_type", "frame"),
    [
        pytest.param(
            "/v1beta/models/m:streamGenerateContent",
            "text/event-stream",
            f"data: {GEMINI_CALL}\n\n",
            id="gemini-sse",
        ),
        pytest.param(
            "/v1beta/models/m:streamGenerateContent",
            "application/json",
            f"[{GEMINI_CALL}]",
            id="gemini-array",
        ),
        pytest.param(
            "/api/chat",
            "application/x-ndjson",
            '{"message":{"tool_calls":[{"function":{"name":"f","arguments":{"c": N}}}]},"eval_count":123}\n',
            id="ollama",
        ),
        pytest.param("/v9/x", "text/event-stream", 'data: {"input": {"n": [N]}}\r\n\r\n', id="unknown"),
        pytest.param("/v9/x", "application/x-ndjson", '{"n": N}', id="last-line"),
    ],
)
def test_numbers_in_frames_are_scanned_where_they_stand(path: str, media_type: str, frame: str) -> None:
    body = frame.replace("N", "4111111111111111").encode()

    def run(chunks: Iterable[bytes]) -> Iterator[bytes]:
        scan = scan_of()
        restorer = restorer_for(scan.format(format_for_path(path)), media_type, scan.restorer)
        assert restorer is not None
        for chunk in chunks:
            yield restorer.feed(chunk)
        yield restorer.flush()

    expected = frame.replace("N", '"{{CREDIT_CARD_1}}"').encode()
    assert_chunk_invariant(run, lambda _: expected, body)


NAMES = frozenset({"type", "event_type", "id", "object", "model", "role", "name", "item_id", "finish_reason"})


def names(value: object) -> Iterator[tuple[str, str]]:
    match value:
        case dict():
            for key, below in value.items():
                if key in NAMES and isinstance(below, str):
                    yield key, below
                yield from names(below)
        case list():
            for below in value:
                yield from names(below)


@streams
def test_a_scan_that_finds_nothing_leaves_each_stream_saying_the_same(fmt: Format, path: Path) -> None:
    tokens = TokenMap({*detection().entity_types, "PERSON"})
    for original, entity_type in live():
        tokens.tokenize(original, entity_type)
    found = b"".join(scanned_stream(fmt, path, [path.read_bytes()], tokens))
    assert set(names(list(documents(found)))) == set(names(list(documents(whole(fmt, path)))))
    answer = json.loads(fmt.restore_answer(path.with_suffix(".json").read_bytes(), tokens.restorer))
    originals = {leaf for leaf in leaves(answer) if isinstance(leaf, str) and OWN in leaf}
    assert originals - said(found) == set()


def test_in_a_stream_of_unknown_shape_names_and_types_come_at_once() -> None:
    scan, fmt = scan_of(), format_for_path("/v9/unknown")
    restorer = fmt.restore_stream(scan.restorer)
    for text in ("Hello ", "there"):
        frame = {"type": "some.output_text.delta", "item_id": "msg_123", "model": "m-1", "delta": text}
        [out] = documents(restorer.feed(f"data: {json.dumps(frame)}\n\n".encode()))
        assert {**out, "delta": text} == frame
