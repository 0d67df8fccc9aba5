"""Reads our own templates and fills them: a text, and where its entities stand.

Every slot that stands for a person, an organization or a place becomes exactly one entity, whose offsets
are those of the filled-in value.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Protocol

TEMPLATES = Path(__file__).with_name("templates.txt")
LABELS = {  # of the slots that are entities
    "person": "PERSON",
    "person_inverted": "PERSON",
    "first": "PERSON",
    "last": "PERSON",
    "org": "ORG",
    "team": "ORG",
    "university": "ORG",
    "city": "GPE",
    "country": "GPE",
    "state": "GPE",
    "loc": "LOC",
    "fac": "FAC",
    "street": "FAC",  # the stock labels have no addresses; what matters is that they are covered
    "nat": "NORP",
}
_SLOT = re.compile(r"\{(\w+)\}")

Entity = tuple[int, int, str]


class Filler(Protocol):
    """Gives values for slots."""

    def fill(self, slot: str) -> str:
        """Return a value for the slot."""


def read_templates(path: Path = TEMPLATES) -> list[str]:
    """Return the blocks of the file, without comments."""
    lines = [line for line in path.read_text(encoding="utf-8").split("\n") if not line.startswith("# -")]
    blocks = re.split(r"\n\s*\n", "\n".join(lines[2:]))
    return [block.strip("\n") for block in blocks if block.strip()]


def fill(template: str, fillers: Filler) -> tuple[str, list[Entity]]:
    """Return the text and its entities in ascending order.

    Raises:
        KeyError: The template has a slot that the fillers do not know.
    """
    text, done, entities = "", 0, []
    for slot in _SLOT.finditer(template):
        text += template[done : slot.start()]
        value, done = fillers.fill(slot[1]), slot.end()
        if label := LABELS.get(slot[1]):
            entities.append((len(text), len(text) + len(value), label))
        text += value
    return text + template[done:], entities
