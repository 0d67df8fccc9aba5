from __future__ import annotations

import json
import time

import pytest

from sidecar.formats.json_text import read
from sidecar.formats.places import places
from sidecar.formats.shapes import Shapes, Treatment, compiled

SHAPES: Shapes = {
    "request": {
        "role": Treatment.STRUCTURAL,
        "content": Treatment.TEXT,
        "content[]": "part",
        "a.b": Treatment.NUMERIC,
        "list[].x": Treatment.STRUCTURAL,
        "all": Treatment.STRUCTURAL,
        "named.*": "part",
    },
    "part": {
        "": Treatment.NAME,
        "type": Treatment.STRUCTURAL,
        "text": Treatment.TEXT,
        "text if type=signed and signature": Treatment.SIGNED,
        "signature": Treatment.SIGNED,
        "part": "part",
        "data if media_type": Treatment.IMAGE,
        "note": Treatment.TEXT,
        "note if sealed=true": Treatment.SIGNED,
    },
}


def treated(source: str) -> list[tuple[str, str, str]]:
    document = read(source)
    return [
        (document.decoded(place.entry), place.treatment.name, place.hint)
        for place in places(document, compiled(SHAPES, "request"))
    ]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        pytest.param('{"role": "r"}', [("r", "STRUCTURAL", "role")], id="a place by its key"),
        pytest.param('{"ro\\u006ce": "r"}', [("r", "STRUCTURAL", "role")], id="however the key is escaped"),
        pytest.param('{"content": "c"}', [("c", "TEXT", "content")], id="a string instead of parts"),
        pytest.param(
            '{"content": ["c", {"text": "t"}]}',
            [("c", "NAME", "content"), ("t", "TEXT", "text")],
            id="elements of another shape, or literals in their place",
        ),
        pytest.param(
            '{"new": {"role": "r"}}',
            [("new", "NAME", ""), ("role", "NAME", "new"), ("r", "USER_DATA", "role")],
            id="what is not named is user data, with all its keys",
        ),
        pytest.param(
            '{"a": {"c": 1, "b": 2}, "x": [1, 2]}',
            [
                *(("c", "NAME", "a"), ("1", "USER_DATA", "c"), ("2", "NUMERIC", "b")),
                *(("x", "NAME", ""), ("1, 2", "USER_DATA", "x")),
            ],
            id="beside a named place as well",
        ),
        pytest.param('{"list": [{"x": "1"}]}', [("1", "STRUCTURAL", "x")], id="through elements"),
        pytest.param(
            '{"all": {"k": ["v"]}}',
            [("k", "STRUCTURAL", "all"), ("v", "STRUCTURAL", "k")],
            id="a treatment holds for all below",
        ),
        pytest.param(
            '{"named": {"mine": {"text": "t"}}}',
            [("mine", "NAME", "named"), ("t", "TEXT", "text")],
            id="keys that the user chose lead to a shape",
        ),
        pytest.param(
            '{"content": [{"part": {"part": {"text": "t"}}}]}',
            [("t", "TEXT", "text")],
            id="shapes mention themselves",
        ),
        pytest.param('["x"]', [("x", "USER_DATA", "")], id="a body of another kind"),
        pytest.param("[true, null]", [], id="words are no places"),
    ],
)
def test_each_place_is_treated_as_its_shape_says(source: str, expected: list[tuple[str, str, str]]) -> None:
    assert treated(source) == expected


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ('"type": "signed", "signature": "s", "text": "t"', "SIGNED"),
        ('"text": "t", "signature": "s", "type": "signed"', "SIGNED"),
        ('"type": "signed", "signature": "", "text": "t"', "TEXT"),
        ('"type": "signed", "signature": null, "text": "t"', "TEXT"),
        ('"type": "signed", "text": "t"', "TEXT"),
        ('"type": "other", "signature": "s", "text": "t"', "TEXT"),
        ('"type": "signed", "type": "other", "signature": "s", "text": "t"', "TEXT"),
        ('"type": "signed", "signature": "s", "signature": "", "text": "t"', "TEXT"),
        ('"type": ["signed"], "signature": "s", "text": "t"', "TEXT"),
    ],
)
def test_a_condition_must_hold_for_every_sibling_of_the_name(members: str, expected: str) -> None:
    found = treated('{"content": [{' + members + "}]}")
    assert ("t", expected, "text") in found


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ('"note": "n", "sealed": true', "SIGNED"),
        ('"note": "n", "sealed": "true"', "TEXT"),
        ('"note": "n", "sealed": false', "TEXT"),
        ('"note": "n", "sealed": true, "sealed": false', "TEXT"),
        ('"note": "n"', "TEXT"),
    ],
)
def test_a_condition_may_ask_for_the_word_true(members: str, expected: str) -> None:
    assert ("n", expected, "note") in treated('{"content": [{' + members + "}]}")


def test_the_word_true_is_no_text() -> None:
    assert ("t", "TEXT", "text") in treated(
        '{"content": [{"type": "signed", "signature": true, "text": "t"}]}'
    )


def test_siblings_in_other_objects_do_not_count() -> None:
    body = {"content": [{"type": "signed", "part": {"text": "t", "signature": "s"}}]}
    assert ("t", "TEXT", "text") in treated(json.dumps(body))


def test_a_place_whose_condition_fails_is_user_data_but_its_key_is_the_formats() -> None:
    assert treated('{"content": [{"data": "d"}]}') == [("d", "USER_DATA", "data")]


def test_order_comes_before_position_and_is_stable() -> None:
    document = read('{"a": 1, "z": 2, "content": 3, "z": 4, "role": 5}')
    found = places(document, compiled(SHAPES, "request"), ("z", "role"))
    assert [document.source(place.entry) for place in found if place.treatment is not Treatment.NAME] == [
        *("2", "4", "5", "1", "3"),
    ]


def test_a_reference_with_rules_below_it_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="part"):
        compiled({"request": {"a": "part", "a.b": Treatment.TEXT}, "part": {}}, "request")


def test_a_reference_to_nothing_is_a_mistake() -> None:
    with pytest.raises(KeyError):
        compiled({"request": {"a": "missing"}}, "request")


def test_equal_keys_that_decide_about_each_other_take_linear_time() -> None:
    members = ",".join(f'"type": "t{n}", "signature": "s", "text": "t"' for n in range(20_000))
    document = read('{"content": [{' + members + "}]}")
    started = time.process_time()
    assert len(list(places(document, compiled(SHAPES, "request")))) == 60_000
    assert time.process_time() - started < 5
