from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidecar.detection.names import named_things
from sidecar.detection.names.named_things import THINGS, SetPhrases, is_named_disease, is_named_thing
from sidecar.detection.names.rules import Gates

GATES = Gates([THINGS])


def spot(text: str, name: str) -> tuple[int, int]:
    start = text.index(name)
    return start, start + len(name)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        pytest.param("the Zorbik equilibrium", "Zorbik", id="noun-behind"),
        pytest.param("by Zorbik's theorem", "Zorbik", id="possessive-and-proven"),
        pytest.param("Zorbik's little theorem", "Zorbik", id="with-an-adjective"),
        pytest.param("the Zorbik-Quist inequality", "Zorbik-Quist", id="two-scholars"),
        pytest.param("the Zorbikian motion", "Zorbikian motion", id="noun-within"),
        pytest.param("a Zorbik salad", "Zorbik", id="dish"),
    ],
)
def test_a_name_that_belongs_to_a_thing_names_nobody(text: str, name: str) -> None:
    assert is_named_thing(text, *spot(text, name))


@pytest.mark.parametrize(
    ("text", "name"),
    [
        pytest.param("Zorbik's motion was slow", "Zorbik", id="his-own"),
        pytest.param("Zorbik Street Bridge", "Zorbik", id="capitalized-thing"),
        pytest.param("Ann Zorbik theorem", "Ann Zorbik", id="full-name"),
        pytest.param("Zorbik proved the theorem", "Zorbik", id="thing-further-on"),
    ],
)
def test_a_name_with_something_of_its_own_stays(text: str, name: str) -> None:
    assert not is_named_thing(text, *spot(text, name))


def test_a_disease_with_a_possessive_may_be_somebodys_own() -> None:
    text = "Zorbik's disease"
    assert is_named_disease(text, 6)
    assert not is_named_thing(text, 0, 6)


@pytest.mark.parametrize(
    ("text", "name", "expected"),
    [
        pytest.param("and Bob's your uncle", "Bob", True, id="saying"),
        pytest.param("a Monte Carlo run", "Carlo", True, id="part-of-a-phrase"),
        pytest.param("Bob\u2019s your uncle", "Bob", True, id="curly-apostrophe"),
        pytest.param("Bob's uncle came", "Bob", False, id="not-the-saying"),
        pytest.param("Big Brother Ann", "Big Brother Ann", False, id="longer-than-the-phrase"),
    ],
)
def test_set_phrases_hold_names_of_nobody(text: str, name: str, expected: bool) -> None:
    assert SetPhrases(text).hold(*spot(text, name)) is expected


@settings(max_examples=50)
@given(st.from_regex(named_things._BEHIND) | st.from_regex(named_things._AT_END))
def test_what_things_are_called_meets_the_need_of_texts_with_things(text: str) -> None:
    assert GATES.open(text) == [0]
