from __future__ import annotations

import re

import pytest

from training.fillers import Fillers, read_lists
from training.templates import LABELS, fill, read_templates

TEMPLATES = read_templates()


class Echo:
    """Fills every slot with its own name, in a spelling that nothing else in a template has."""

    def fill(self, slot: str) -> str:
        return f"<{slot.upper()} {len(slot)}>"


@pytest.fixture(scope="module")
def fillers() -> Fillers:
    return Fillers(1)


def test_every_slot_has_values(fillers: Fillers) -> None:
    slots = {slot for template in TEMPLATES for slot in re.findall(r"\{(\w+)\}", template)}
    assert [slot for slot in sorted(slots) if not fillers.knows(slot)] == []
    assert len(slots) > 30


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda template: template[:30])
def test_every_entity_stands_where_its_slot_stood(template: str) -> None:
    text, entities = fill(template, Echo())
    slots = [slot for slot in re.findall(r"\{(\w+)\}", template) if slot in LABELS]
    assert [(text[start:end], label) for start, end, label in entities] == [
        (Echo().fill(slot), LABELS[slot]) for slot in slots
    ]


def test_comments_are_no_templates() -> None:
    assert not [template for template in TEMPLATES if "----" in template and "Original" not in template]


def test_lists_hold_clean_entries() -> None:
    for entries in read_lists().values():
        assert entries
        assert not [entry for entry in entries if entry != entry.strip() or re.search(r"[\[\];#\n]", entry)]


def test_the_same_seed_gives_the_same_values() -> None:
    slots = ["city", "job", "date", "phone", "email", "uuid", "money"] * 5
    first, second, other = (Fillers(seed) for seed in (3, 3, 4))
    values = [[each.fill(slot) for slot in slots if slot != "city"] for each in (first, second, other)]
    assert values[0] == values[1] != values[2]


def test_a_slot_in_capitals_is_filled_in_capitals() -> None:
    value = Fillers(1).fill("FOOD")
    assert value.isupper()
    assert value.lower() in read_lists()["food"]


def test_an_unknown_slot_is_an_error() -> None:
    with pytest.raises(KeyError):
        Fillers(1).fill("no_such_slot")
