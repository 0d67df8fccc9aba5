from __future__ import annotations

import contextlib
import json
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sidecar.formats import json_grammar
from sidecar.formats.json_grammar import MAX_DEPTH
from sidecar.formats.json_text import Document, Edits, JsonInvalid, Kind, Literal, escaped, read, read_bytes

PIECES = [
    *("{", "}", "[", "]", ",", ":", '"', '"a"', '"b":', "1", "0", "-", ".5", "e3", "E+1", "true", "null"),
    *(
        " ",
        "\n",
        "\\",
        "\\n",
        "\\u12",
        "x",
        "\x01",
        "\x85",
        "\u0661",
        "é",
        '"\\ud83d\\ude00"',
        "1,2",
        "1 , 2",
    ),
]
STRING_PIECES = [
    *("a", "é", "😀", "\\n", "\\u00e9", "\\u0000", "\\ud83d", "\\ude00", "\\ud83d\\ude00", "\\uDBFF\\uDFFF"),
    *("\\\\", '\\"', "\\/", "b c", "\u2028"),
]
string_sources = st.lists(st.sampled_from(STRING_PIECES), max_size=12).map(lambda p: f'"{"".join(p)}"')


def entry(document: Document, *path: str | int) -> Literal:
    found = document.find(*path)
    assert found is not None
    return document.literal(found)


def is_json(text: str) -> bool:
    def refuse(_: str) -> None:
        raise ValueError

    try:
        json.loads(text, parse_constant=refuse)
    except ValueError:
        return False
    return True


@given(st.lists(st.sampled_from(PIECES), max_size=9).map("".join))
@settings(max_examples=1500)
def test_reads_exactly_what_the_standard_library_reads(text: str) -> None:
    if is_json(text):
        assert read(text).text == text
    else:
        with pytest.raises(JsonInvalid):
            read(text)


@pytest.mark.parametrize(
    "source",
    [
        pytest.param('"\\ud800"', id="a lone surrogate"),
        pytest.param('"\\u0000"', id="a NUL"),
        pytest.param("1e400", id="a number no float can hold"),
        pytest.param("12345678901234567890123456789", id="29 digits"),
        pytest.param("[" * 512 + "]" * 512, id="512 levels"),
        pytest.param('{"a":1,"a":2}', id="a duplicate key"),
        pytest.param('"x"', id="a document that is one string"),
        pytest.param(" \r\n\t[ ] ", id="space everywhere"),
    ],
)
def test_odd_json_is_valid(source: str) -> None:
    assert read(source).text == source


@pytest.mark.parametrize(
    ("source", "offset", "expected"),
    [
        ("", 0, "a value"),
        ("NaN", 0, "a value"),
        ("[1,]", 3, "a value"),
        ('{"a":1,}', 7, "a key"),
        ('{"a" 1}', 5, "a colon"),
        ('{"a":}', 5, "a value"),
        ("{1:2}", 1, "a key"),
        ("[1 2]", 3, "a comma or ']'"),
        ('{"a":1]', 6, "a comma or '}'"),
        ("[1", 2, "a comma or ']'"),
        ("1 2", 2, "the end"),
        ("01", 1, "the end"),
        ("[1],", 3, "the end"),
        (f'"{"a" * 99}", 1', 101, "the end"),
        ('["é\n"]', 4, "valid escapes"),
        ('"abc', 4, "valid escapes"),
        ('"a\\x"', 2, "valid escapes"),
        ('{"a":"\\u12"}', 6, "valid escapes"),
        ('{"a', 3, "valid escapes"),
        ("[" * (MAX_DEPTH + 1), MAX_DEPTH, f"at most {MAX_DEPTH} levels"),
    ],
)
def test_an_error_says_the_byte_and_what_was_expected(source: str, offset: int, expected: str) -> None:
    with pytest.raises(JsonInvalid) as caught:
        read(source)
    assert caught.value.offset == offset
    assert caught.value.expected.startswith(expected)


def test_an_error_never_shows_text() -> None:
    with pytest.raises(JsonInvalid) as caught:
        read('{"mail": "ada@example.org" "x"}')
    assert "ada" not in str(caught.value)


def test_bytes_that_are_no_utf8_are_invalid_where_they_stand() -> None:
    with pytest.raises(JsonInvalid) as caught:
        read_bytes(b'["\xc3\xa9\xff"]')
    assert (caught.value.offset, caught.value.expected) == (4, "UTF-8")


def test_a_byte_order_mark_is_skipped_and_kept() -> None:
    document = read_bytes(b'\xef\xbb\xbf["a"]')
    edits = Edits()
    edits.set(entry(document, 0), "b")
    assert edits.apply(document).encode() == b'\xef\xbb\xbf["b"]'


@pytest.mark.parametrize(
    "source",
    [
        pytest.param("[" * 8_000_000, id="brackets"),
        pytest.param('"' + "\\\\" * 4_000_000 + '"', id="backslashes"),
        pytest.param('"' + "\\\\" * 4_000_000, id="backslashes without an end"),
        pytest.param('"' + "a" * 8_000_000 + '"', id="one string"),
        pytest.param(" " * 8_000_000, id="space"),
        pytest.param("1" * 8_000_000, id="one number"),
        pytest.param("[" + "1," * 4_000_000, id="numbers without an end"),
        pytest.param('{"a":' * 1_000_000, id="objects"),
        pytest.param('["' + '","' * 500_000, id="strings without an end"),
    ],
)
def test_reading_is_linear(source: str) -> None:
    started = time.process_time()
    with contextlib.suppress(JsonInvalid):
        read(source)
    assert time.process_time() - started < 5


def test_mapping_into_a_string_of_escapes_is_linear() -> None:
    literal = read('"' + "\\\\" * 1_000_000 + '"').literal(0)
    started = time.process_time()
    assert [literal.at(offset) for offset in (0, 500_000, 1_000_000)] == [1, 1_000_001, 2_000_001]
    assert time.process_time() - started < 5


def test_entries_are_those_of_the_documentation() -> None:
    document = read('{"a": [1, "x"]}')
    kinds = [Kind(kind) for kind in document.kinds]
    assert kinds == [Kind.OBJECT, Kind.KEY, Kind.ARRAY, Kind.NUMBER, Kind.STRING]
    assert list(document.starts) == [0, 1, 6, 7, 10]
    assert list(document.ends) == [15, 4, 14, 8, 13]
    assert list(document.afters) == [5, 2, 5, 4, 5]


def test_numbers_in_a_row_are_one_entry_and_can_be_told_apart() -> None:
    document = read('[1 , -2.5e3,\n3, "x", 4]')
    assert [document.kinds[item] for item in document.elements(0)] == [Kind.NUMBERS, Kind.STRING, Kind.NUMBER]
    assert [number.text for number in document.numbers(1)] == ["1", "-2.5e3", "3"]


def test_finds_the_last_of_equal_keys_however_they_are_escaped() -> None:
    document = read('{"a": 1, "\\u0061": [true, {"b": "c"}]}')
    assert entry(document, "a", 1, "b").text == "c"
    assert document.find("a", 2) is None
    assert document.find("a", "b") is None
    assert document.find("a", 1, 0) is None
    assert document.find("missing") is None
    assert document.find("a", 1, "b", "c") is None


@given(string_sources, st.data())
def test_every_stretch_of_a_string_is_replaced_exactly(source: str, data: st.DataObject) -> None:
    literal = read(source).literal(0)
    assert literal.text == json.loads(source)
    start = data.draw(st.integers(0, len(literal.text)))
    end = data.draw(st.integers(start, len(literal.text)))
    edits = Edits()
    edits.put(literal, start, end, "{{EMAIL_1}}")
    edited = edits.apply(literal.document)
    assert json.loads(edited) == literal.text[:start] + "{{EMAIL_1}}" + literal.text[end:]
    # What lies outside the stretch keeps its spelling.
    assert edited.startswith(source[: literal.at(start)])
    assert edited.endswith(source[literal.at(end) :])
    assert literal.source(start, end) == source[literal.at(start) : literal.at(end)]


@pytest.mark.parametrize(
    ("largest", "larger"),
    [
        pytest.param("[[],[],[]]", "[[],[],[],[]]", id="arrays"),
        pytest.param("[true,1,true]", "[true,1,true,1]", id="words"),
        pytest.param('{"a":1}', '{"a":1,"b":2,"c":3}', id="keys"),
        pytest.param("[1,2,3,4,5,6]", '[1,2,"x",3,4,"y",5]', id="a run of numbers counts once"),
    ],
)
def test_a_document_of_too_many_values_is_refused(
    monkeypatch: pytest.MonkeyPatch, largest: str, larger: str
) -> None:
    monkeypatch.setattr(json_grammar, "MAX_ENTRIES", 4)
    read(largest)
    with pytest.raises(JsonInvalid, match="at most 4 keys and values"):
        read(larger)


def test_long_strings_of_escapes_map_as_short_ones_do() -> None:
    pieces = ["ab", "\\n", "\\ud83d\\ude00", "é", "\\u00e9"] * 1000
    literal = read(f'"{"".join(pieces)}"').literal(0)
    offset = position = 0
    for piece in pieces:
        assert literal.at(offset) == 1 + position
        offset += len(json.loads(f'"{piece}"'))
        position += len(piece)
    assert literal.at(offset) == 1 + position


@given(st.text(st.characters() | st.sampled_from(['"', "\\", "\ud800", "\udbff", "\udfff"]), max_size=12))
@example("lone \ud800 é \udfff")
def test_escaped_text_reads_as_it_was_and_is_valid_utf8(text: str) -> None:
    source = f'"{escaped(text)}"'
    # Two lone surrogates that stand side by side as escapes are read as the pair they form.
    assert read(source).decoded(0) == json.loads(json.dumps(text))
    assert read_bytes(source.encode("utf-8")).text == source


def nested(source: str, levels: int) -> str:
    for _ in range(levels):
        source = json.dumps([1, source])
    return source


@pytest.mark.parametrize("levels", [1, 2, 4])
def test_an_edit_deep_inside_is_escaped_for_every_level(levels: int) -> None:
    outer = inner = read(nested('{"card": 4111, "n\\"\\u00e9": "x\\ny"}', levels))
    for _ in range(levels):
        document = entry(inner, 1).inner()
        assert document is not None
        inner = document
    edits = Edits()
    number = entry(inner, "card")
    edits.put_source(inner, number.start, number.end, '"{{CREDIT_CARD_1}}"')
    edits.put(entry(inner, 'n"é'), 2, 3, 'a "quoted" \\ name')
    found = json.loads(edits.apply(outer))
    for _ in range(levels):
        found = json.loads(found[1])
    assert found == {"card": "{{CREDIT_CARD_1}}", 'n"é': 'x\na "quoted" \\ name'}


def test_what_is_not_edited_inside_keeps_its_spelling() -> None:
    source = r'{"arguments":"{\"a\" : \"caf\\u00e9 \u0022,\"b\":1.0}"}'
    document = read(source)
    inner = entry(document, "arguments").inner()
    assert inner is not None
    edits = Edits()
    edits.put(entry(inner, "a"), 0, 3, "TEA")
    assert edits.apply(document) == source.replace("caf\\\\u00e9", "TEA\\\\u00e9")


@pytest.mark.parametrize("text", ["[see 1]", "{x}", '"a"', "12", "", "[1] and [2]", '{"a":1} {"b":2}'])
def test_text_that_is_no_array_or_object_has_no_document_inside(text: str) -> None:
    assert read(json.dumps(text)).literal(0).inner() is None


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda below: st.lists(below, max_size=4) | st.dictionaries(st.text(max_size=4), below, max_size=4),
    max_leaves=12,
)


@given(json_values, st.booleans(), st.sampled_from([None, 1, "\t"]))
def test_every_string_can_be_replaced_and_nothing_else_changes(
    value: object, ascii_only: bool, indent: int | str | None
) -> None:
    source = json.dumps(value, ensure_ascii=ascii_only, indent=indent)
    document = read(source)
    edits = Edits()
    for at, kind in enumerate(document.kinds):
        if kind == Kind.STRING:
            edits.set(document.literal(at), "new")
    edited = edits.apply(document)
    assert json.loads(edited) == _with_new_strings(value)
    assert [read(edited).kinds[at] for at in range(len(document.kinds))] == list(document.kinds)


def _with_new_strings(value: object) -> object:
    match value:
        case str():
            return "new"
        case list():
            return [_with_new_strings(each) for each in value]
        case dict():
            return {key: _with_new_strings(each) for key, each in value.items()}
        case _:
            return value
