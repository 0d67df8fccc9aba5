"""Laws that every format keeps, over its corpus (see ``corpus/README.md``) and over random JSON."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from _pytest.mark.structures import ParameterSet
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sidecar.errors import RequestRefused
from sidecar.formats.format import FieldKind, Format, ParsedRequest, Replacement
from sidecar.formats.json_format import JsonFormat
from sidecar.formats.json_request import JsonRequest
from sidecar.formats.json_text import Edits, Kind, escaped, read, read_bytes
from sidecar.formats.registry import FORMATS
from sidecar.formats.shapes import compiled
from sidecar.model import Escaping

CORPUS = Path(__file__).parent / "corpus"
SHAPES = {fmt.name: fmt.shapes for fmt in FORMATS if isinstance(fmt, JsonFormat)}
PLANT = "Ask Ada Park at ada@example.org"
CARD = "4111111111111111"
# Numbers at these keys are parameters and positions, not data.
NUMERIC_KEYS = frozenset({
    *("seed", "created", "created_at", "max_completion_tokens", "max_tokens", "max_output_tokens"),
    *("temperature", "50256", "minimum", "maximum", "dimensions", "budget_tokens", "max_uses"),
    "seconds",
    *("index", "document_index", "start_char_index", "end_char_index"),
    *("topP", "topK", "top_k", "candidateCount", "maxOutputTokens", "outputDimensionality", "fps"),
    *("thinkingBudget", "num_ctx", "num_predict", "repeat_penalty", "keep_alive"),
    *("index", "start_index", "end_index", "x", "y", "start", "end", "exit_code", "max_output_length"),
    *("top_logprobs", "logprobs", "n", "best_of", "score", "score_threshold", "max_num_results"),
    *("display_width", "display_height", "partial_images", "output_compression", "output_dimension", "speed"),
    *("pages", "image_limit", "top_n", "max_tokens_per_doc", "random_seed", "min_tokens", "max_input_tokens"),
    *("k", "p", "token_budget", "timeout_ms", "strictness", "top_n_documents"),
})  # fmt: skip


def corpus(prefix: str) -> list[ParameterSet]:
    return [
        pytest.param(fmt, path.read_bytes(), id=f"{fmt.name}-{path.stem}")
        for fmt in FORMATS
        for path in sorted((CORPUS / fmt.name).glob(f"{prefix}_*.json"))
    ]


requests = pytest.mark.parametrize(("fmt", "body"), corpus("request"))
answers = pytest.mark.parametrize(("fmt", "body"), corpus("answer"))


class Tokens:
    """Gives out tokens for whole fields and makes restorers for them: a token map in ten lines."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[str, str, bool]] = {}

    def tokenized(self, parsed: ParsedRequest) -> bytes:
        return parsed.edited([[self._replacement(field)] for field in parsed.fields])

    def _replacement(self, field: object) -> Replacement:
        text, kind = field.text, field.kind  # type: ignore[attr-defined]
        source = field.source(0, len(text)) if field.nested else escaped(text)  # type: ignore[attr-defined]
        token = f"{{{{T_{len(self._known) + 1}}}}}"
        self._known[token] = (text, source, kind is FieldKind.NUMBER)
        return Replacement(0, len(text), token)

    def restorer(self, escaping: Escaping) -> Restorer:
        return Restorer(self._known, escaping)


class Restorer:
    settled = False

    def __init__(self, known: dict[str, tuple[str, str, bool]], escaping: Escaping) -> None:
        self._known, self._escaping, self._text = known, escaping, ""

    def may_change(self, text: str) -> bool:
        return bool(text)

    def feed(self, delta: str) -> str:
        self._text += delta
        return ""

    def flush(self) -> str:
        if self._escaping is Escaping.JSON:
            return re.sub(r'("?)(\{\{T_\d+\}\})("?)', self._as_source, self._text)
        return re.sub(r"\{\{T_\d+\}\}", lambda match: self._known[match[0]][0], self._text)

    def _as_source(self, match: re.Match[str]) -> str:
        text, source, is_number = self._known[match[2]]
        alone = is_number and match[1] and match[3]
        return text if alone else f"{match[1]}{source}{match[3]}"


def seen(fmt: Format, body: bytes, text: str) -> bool:
    try:
        parsed = fmt.parse_request(body)
    except RequestRefused as refused:
        return refused.status in (413, 415, 422)
    return any(text in field.text for field in parsed.fields) or any(text in part for part in parsed.signed)


def with_base64_read(body: bytes) -> str:
    found = [
        base64.b64decode(match)
        for match in re.findall(rb"[A-Za-z0-9+/]{16,}={0,2}", body)
        if len(match) % 4 == 0
    ]
    return body.decode() + b"\n".join(found).decode("utf-8", "ignore")


SIGNED = re.compile("««[^«»]*»»|U0VBTEVE[A-Za-z0-9+/=]*")
"""Signed text, and sealed text, which is marked in its own alphabet."""


def test_every_format_has_a_corpus() -> None:
    for fmt in FORMATS:
        names = [path.name for path in (CORPUS / fmt.name).iterdir()]
        assert any(name.startswith("request_") for name in names), fmt.name
        assert any(name.startswith("answer_") for name in names), fmt.name


@requests
def test_replacing_nothing_gives_the_same_bytes(fmt: Format, body: bytes) -> None:
    parsed = fmt.parse_request(body)
    assert parsed.edited([[] for _ in parsed.fields]) == body


@requests
def test_no_original_stays_when_every_field_is_replaced(fmt: Format, body: bytes) -> None:
    assert "«" in with_base64_read(body)
    edited = Tokens().tokenized(fmt.parse_request(body))
    assert re.findall("(?<!«)«[^«»]*»(?!»)", with_base64_read(edited)) == []


@requests
def test_signed_text_is_reported_and_stays(fmt: Format, body: bytes) -> None:
    parsed = fmt.parse_request(body)
    signed = SIGNED.findall(body.decode())
    assert set(signed) <= set(parsed.signed)
    assert SIGNED.findall(Tokens().tokenized(parsed).decode()) == signed


@requests
def test_every_field_can_be_replaced_and_come_back(fmt: Format, body: bytes) -> None:
    tokens = Tokens()
    parsed = fmt.parse_request(body)
    back = fmt.parse_request(tokens.tokenized(parsed))
    texts = [tokens.restorer(Escaping.TEXT) for _ in back.fields]
    assert [r.feed(f.text) + r.flush() for r, f in zip(texts, back.fields, strict=True)] == [
        field.text for field in parsed.fields
    ]


@requests
def test_editing_one_field_changes_no_other(fmt: Format, body: bytes) -> None:
    parsed = fmt.parse_request(body)
    texts = [field.text for field in parsed.fields]
    for at, field in enumerate(parsed.fields):
        half = len(field.text) // 2 if field.kind is not FieldKind.NUMBER else 0
        changes = [
            [Replacement(half, len(field.text), "{{T_1}}")] if at == n else [] for n in range(len(texts))
        ]
        expected = [*texts[:at], field.text[:half] + "{{T_1}}", *texts[at + 1 :]]
        assert [found.text for found in fmt.parse_request(parsed.edited(changes)).fields] == expected


@requests
def test_a_plant_in_any_string_or_key_is_seen(fmt: Format, body: bytes) -> None:
    document = read_bytes(body)
    for entry, kind in enumerate(document.kinds):
        if kind in (Kind.STRING, Kind.KEY):
            edits = Edits()
            edits.set(document.literal(entry), PLANT)
            assert seen(fmt, edits.apply(document).encode(), PLANT), document.source(entry)


@requests
def test_a_plant_in_any_number_is_seen_but_for_parameters(fmt: Format, body: bytes) -> None:
    document = read_bytes(body)
    key = ""
    for entry, kind in enumerate(document.kinds):
        key = document.decoded(entry) if kind == Kind.KEY else key
        if kind == Kind.NUMBER:
            edits = Edits()
            edits.put_source(document, document.starts[entry], document.ends[entry], CARD + "0")
            assert seen(fmt, edits.apply(document).encode(), CARD + "0") or key in NUMERIC_KEYS, key


@pytest.mark.parametrize(
    ("fmt", "body"),
    # Duplicate keys and lone surrogates do not survive the standard library.
    [param for param in corpus("request") if not str(param.id).endswith("_odd")],
)
def test_fields_do_not_depend_on_spelling_or_space(fmt: Format, body: bytes) -> None:
    texts = [(field.kind, field.text, field.hint) for field in fmt.parse_request(body).fields]
    for spelled in (json.dumps(json.loads(body), indent=1), json.dumps(json.loads(body), ensure_ascii=False)):
        fields = fmt.parse_request(spelled.encode()).fields
        strings = [found for found in texts if found[0] is not FieldKind.NUMBER]
        found = [
            (field.kind, field.text, field.hint) for field in fields if field.kind is not FieldKind.NUMBER
        ]
        assert found == strings


@answers
def test_an_answer_without_tokens_is_the_same_object(fmt: Format, body: bytes) -> None:
    assert fmt.restore_answer(body, Tokens().restorer) is body


@answers
def test_an_answer_comes_back_to_the_byte(fmt: Format, body: bytes) -> None:
    tokens = Tokens()
    parsed = JsonRequest(body, compiled(SHAPES[fmt.name], "answer"))
    sent = tokens.tokenized(parsed)
    assert sent != body
    assert fmt.restore_answer(sent, tokens.restorer) == body


@pytest.mark.parametrize("fmt", FORMATS, ids=lambda fmt: fmt.name)
@pytest.mark.parametrize("body", [b"", b"<html>", b'{"a":1', b"\xff\xfe", b'{"a":NaN}'])
def test_what_is_no_json_is_refused_and_an_answer_of_it_is_a_value_error(fmt: Format, body: bytes) -> None:
    with pytest.raises(RequestRefused) as refused:
        fmt.parse_request(body)
    assert refused.value.status == 400
    with pytest.raises(ValueError, match="byte"):
        fmt.restore_answer(body, Tokens().restorer)


# --- random JSON whose keys mean something somewhere ------------------------------------------------

KEYS = sorted({
    step
    for shapes in SHAPES.values()
    for rules in shapes.values()
    for rule in rules
    for step in re.findall(r"[a-zA-Z_$]+", rule.partition(" if ")[0])
})  # fmt: skip
TYPES = [
    "thinking",
    "redacted_thinking",
    "image",
    "document",
    "base64",
    "text",
    "image/png",
    "text/plain",
    "tool",
]
random_bodies = st.recursive(
    st.just(PLANT) | st.integers() | st.none() | st.sampled_from(TYPES),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.sampled_from(KEYS), below, max_size=5),
    max_leaves=15,
)


def leaves(value: object) -> Iterator[object]:
    match value:
        case list():
            for each in value:
                yield from leaves(each)
        case dict():
            for each in value.values():
                yield from leaves(each)
        case _:
            yield value


@pytest.mark.parametrize("fmt", FORMATS, ids=lambda fmt: fmt.name)
@given(st.lists(st.tuples(st.sampled_from(KEYS), random_bodies), max_size=5))
@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
def test_prose_is_seen_wherever_it_stands(fmt: Format, members: list[tuple[str, object]]) -> None:
    # Members as they come, so that keys repeat.
    body = "{" + ",".join(f"{json.dumps(key)}:{json.dumps(value)}" for key, value in members) + "}"
    try:
        parsed = fmt.parse_request(body.encode())
    except RequestRefused as refused:
        if refused.status not in (415, 422):
            raise
        return
    texts = [*(field.text for field in parsed.fields), *parsed.signed]
    planted = [leaf for _, value in members for leaf in leaves(value) if leaf == PLANT]
    assert texts.count(PLANT) == len(planted)
    tokens = Tokens()
    edited = tokens.tokenized(parsed).decode()
    assert edited.count(PLANT) == parsed.signed.count(PLANT)
    assert len(read(edited).kinds) == len(read(body).kinds) or "[" in body


texts = st.text(st.characters() | st.sampled_from(['"', "\\", "\n", "\ud800", "\udfff"]), max_size=8)
any_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda below: st.lists(below, max_size=4) | st.dictionaries(texts.map("k{}".format), below, max_size=4),
    max_leaves=12,
)


@given(any_json, st.booleans(), st.sampled_from([None, 1, "\t"]), st.integers(0, 2))
@settings(max_examples=300)
def test_generic_json_comes_back_to_the_byte(
    value: object, ascii_only: bool, indent: int | str | None, levels: int
) -> None:
    body = json.dumps(value, ensure_ascii=ascii_only, indent=indent)
    for _ in range(levels):
        body = json.dumps({"k": body}, ensure_ascii=ascii_only)
    raw = body.encode("utf-8", "surrogatepass")
    tokens = Tokens()
    fmt = FORMATS[-1]
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        with pytest.raises(RequestRefused):
            fmt.parse_request(raw)
        return
    restored = fmt.restore_answer(tokens.tokenized(fmt.parse_request(raw)), tokens.restorer)
    assert json.loads(restored) == json.loads(raw)
    if restored != raw:
        # Only spellings that are not the shortest may differ, and only outside nested documents.
        assert ascii_only
