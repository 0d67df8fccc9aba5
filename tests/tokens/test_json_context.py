from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.tokens.json_context import JsonContext

FRAGMENTS = [*'{}[]:,"\\ \n-.+0129eEutrfnx', "\\u00e9", "\\ud83d", '"a"', '": ', "true", "false", "null", "é"]
texts = st.lists(st.sampled_from(FRAGMENTS), max_size=14).map("".join)
documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)
sources = st.builds(
    lambda document, indent, ascii_only: json.dumps(document, indent=indent, ensure_ascii=ascii_only),
    documents,
    st.sampled_from([None, 1]),
    st.booleans(),
)


def after(text: str, *, strict: bool = False) -> JsonContext:
    context = JsonContext(strict=strict)
    context.feed(text)
    return context


def is_document(text: str) -> bool:
    def refuse(constant: str) -> None:
        raise ValueError(constant)

    try:
        json.loads(text, parse_constant=refuse)
    except ValueError:
        return False
    return True


def seen(context: JsonContext) -> tuple[bool, bool, bool, bool, bool]:
    return context.broken, context.in_string, context.fresh, context.key_expected, context.begun


@given(sources)
def test_no_prefix_of_a_document_is_broken(source: str) -> None:
    context = JsonContext(strict=False)
    for char in source:
        context.feed(char)
        assert not context.broken


@given(texts)
def test_a_text_is_broken_exactly_if_it_is_no_document_once_ended(text: str) -> None:
    # A space ends a literal; what then still is open or empty is not broken, but no document either.
    context = after(text + " ")
    complete = not context.broken and not context.in_string and not context._stack and bool(text.strip())
    assert complete == is_document(text + " ")


@given(texts, texts)
def test_what_is_broken_stays_broken(text: str, more: str) -> None:
    context = after(text)
    broken = context.broken
    context.feed(more)
    assert context.broken or not broken


@given(sources, st.data())
def test_a_place_in_a_document_is_in_a_string_exactly_if_a_quote_is_open(
    source: str, data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(source)))
    in_string = escaped = False
    for char in source[:place]:
        if in_string and (escaped or char == "\\"):
            escaped = not escaped
        elif char == '"':
            in_string = not in_string
    assert after(source[:place]).in_string == in_string


@given(texts, st.data(), st.booleans())
def test_cutting_does_not_matter(text: str, data: st.DataObject, strict: bool) -> None:
    context = JsonContext(strict=strict)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=4)))
    for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True):
        context.feed(text[start:end])
    assert seen(context) == seen(after(text, strict=strict))


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("[Grace](https://example.org)", id="markdown-link"),
        pytest.param("[1] According to", id="footnote-is-a-document-but-prose-follows"),
        pytest.param("{{PERSON_9}} said", id="token-that-is-not-live"),
        pytest.param("{x}", id="f-string"),
        pytest.param("Hello", id="prose"),
        pytest.param('"quoted"', id="string-alone-is-prose"),
        pytest.param("42", id="number-alone-is-prose"),
        pytest.param("```json\n{}", id="fenced"),
        pytest.param('{"a": 1}\n{"a": 2}', id="one-document-only"),
        pytest.param('["a\nb"]', id="raw-line-end-in-a-string"),
        pytest.param('["\\x41"]', id="unknown-escape"),
        pytest.param('["\\u12g4"]', id="bad-code-point"),
        pytest.param("[01]", id="leading-zero"),
        pytest.param("[1.]", id="fraction-without-digits"),
        pytest.param("[truth]", id="almost-a-literal"),
        pytest.param("[NaN]", id="not-a-number"),
        pytest.param("[1,]", id="comma-before-the-end"),
        pytest.param('{"a"}', id="key-without-value"),
        pytest.param("[}", id="wrong-end"),
        pytest.param("[1], 2", id="comma-behind-the-document"),
        pytest.param("[1]]", id="end-behind-the-document"),
    ],
)
def test_prose_is_broken_as_strict_json(text: str) -> None:
    assert after(text, strict=True).broken


@pytest.mark.parametrize("text", ["[1], 2", "[1] 2", "1, 2", '"a" "b"', "{}:", "[]]", "null null"])
def test_a_document_ends_with_its_value(text: str) -> None:
    assert after(text).broken


@pytest.mark.parametrize(
    ("text", "fresh"),
    [
        ('"', True),
        ('["', True),
        ('{"a": "', True),
        ('{"a": ["x", "', True),
        ('{"', False),
        ('{"a": 1, "', False),
        ('["x', False),
        ('["x"', False),
        ("[", False),
    ],
)
def test_only_the_opening_quote_of_a_string_that_is_a_value_is_fresh(text: str, fresh: bool) -> None:
    assert after(text).fresh is fresh


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{", True),
        ('{"a":1,', True),
        ('{"a":', False),
        ("[", False),
        ("[1,", False),
        ("", False),
        ("{[{", True),
    ],
)
def test_a_key_is_expected_after_an_object_starts_and_after_each_comma_in_it(
    text: str, expected: bool
) -> None:
    assert after(text).key_expected is expected


@pytest.mark.parametrize("text", ["{name: ", "{'name', ", "[1,,", "{] ", "x ", '["\\uz"'])
def test_strings_are_still_found_in_broken_json(text: str) -> None:
    context = after(text)
    assert (context.broken, context.in_string) == (True, False)
    context.feed(' "a')
    assert context.in_string
    context.feed('"')
    assert not context.in_string


def test_an_original_after_a_backslash_breaks_the_escape() -> None:
    context = after('["\\')
    context.pass_original()
    assert context.broken
    context.feed('"')
    assert not context.in_string


def test_a_string_replaced_by_a_number_is_a_finished_value() -> None:
    context = after('["')
    context.replace_string()
    context.feed(", 1]")
    assert not context.broken


@pytest.mark.parametrize("unit", ["[", "{", '"', "1", '["', "\\", "e"])
def test_a_long_hostile_text_is_followed(unit: str) -> None:
    context = after(unit * (150_000 // len(unit)))
    assert context.broken == (unit not in ("[", "1"))
