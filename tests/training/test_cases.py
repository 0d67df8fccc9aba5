from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.cases import Change, in_many_cases, lowered, same, titled, unpunctuated, uppered
from training.corpus import Text

NAMES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8)


@st.composite
def texts(draw: st.DrawFn) -> Text:
    text, entities = "", []
    for name in draw(st.lists(NAMES, max_size=4)):
        text += draw(NAMES)
        entities.append((len(text), len(text) + len(name), "PERSON"))
        text += name
    return Text(text + draw(NAMES), tuple(entities), "templates")


@pytest.mark.parametrize("change", [same, lowered, uppered, titled])
@given(text=texts())
def test_most_changes_move_nothing(change: Change, text: Text) -> None:
    changed = change(text)
    assert len(changed.text) == len(text.text)
    assert changed.entities == text.entities


@given(text=texts())
def test_without_signs_every_entity_is_still_itself(text: Text) -> None:
    changed = unpunctuated(text)
    bare = [unpunctuated(Text(text.text[start:end], (), "")).text for start, end, _ in text.entities]
    assert [changed.text[start:end] for start, end, _ in changed.entities] == [each for each in bare if each]


def test_cases_look_as_they_are_called() -> None:
    text = Text("Ask Dr. O'Neil, please!", ((8, 14, "PERSON"),), "templates")
    assert lowered(text).text == "ask dr. o'neil, please!"
    assert uppered(text).text == "ASK DR. O'NEIL, PLEASE!"
    assert titled(text).text == "Ask Dr. O'Neil, Please!"
    quiet = unpunctuated(text)
    assert quiet.text == "ask dr oneil please"
    assert [quiet.text[start:end] for start, end, _ in quiet.entities] == ["oneil"]


def test_annotated_rows_are_read_twice_and_the_order_is_the_seed_s() -> None:
    rows = [Text(f"Row {number}", (), "wikigold") for number in range(5)]
    others = [Text(f"Other {number}", (), "code") for number in range(5)]
    varied = in_many_cases([*rows, *others], 1)
    assert len(varied) == 15
    assert set(rows) <= set(varied)
    assert varied == in_many_cases([*rows, *others], 1) != in_many_cases([*rows, *others], 2)
