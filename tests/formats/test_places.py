from __future__ import annotations

import json

import pytest

from sidecar.formats.json_text import read
from sidecar.formats.places import places
from sidecar.formats.shapes import STRUCTURAL, TEXT, USER_DATA, Shape, Shapes, Treatment, compiled

INNER: Shapes = {"request": {"id": STRUCTURAL, "tools": TEXT, "messages": USER_DATA}}


def walked(value: object, shape: Shape) -> list[tuple[str, Treatment]]:
    document = read(json.dumps(value))
    return [(document.decoded(place.entry), place.treatment) for place in places(document, shape)]


def test_an_object_is_walked_in_the_order_of_its_own_shape_wherever_it_stands() -> None:
    inner = compiled(INNER, "request", ("tools", "messages"))
    outer = compiled({"outer": {"items[].of": inner, "last": TEXT}}, "outer")
    item = {"of": {"id": "i", "messages": ["m"], "tools": "t"}}
    assert walked({"items": [item, item], "last": "l"}, outer) == [
        *[("t", TEXT), ("m", USER_DATA), ("i", STRUCTURAL)] * 2,
        ("l", TEXT),
    ]


def test_keys_that_an_ordered_shape_does_not_name_are_places() -> None:
    shape = compiled(INNER, "request", ("tools",))
    assert walked({"k": {"tools": "x"}, "tools": "t"}, shape) == [
        ("t", TEXT),
        ("k", Treatment.NAME),
        ("tools", Treatment.NAME),
        ("x", USER_DATA),
    ]


@pytest.mark.parametrize("value", ["x", ["x"], 5, None, {}])
def test_what_is_no_object_has_no_order(value: object) -> None:
    shape = compiled(INNER, "request", ("tools",))
    plain = compiled(INNER, "request")
    assert walked(value, shape) == walked(value, plain)


def test_nothing_may_be_said_below_another_formats_shape() -> None:
    inner = compiled(INNER, "request")
    with pytest.raises(ValueError, match="another format's shape"):
        compiled({"outer": {"a": inner, "a.b": TEXT}}, "outer")
