"""Puts the training texts together: gold rows, filled templates and texts without names.

Only rows and modules whose hash is even are ever read (``is_for_training``), so that the other half can
judge the model. Same seed, same files, same order: same texts.
"""

from __future__ import annotations

import hashlib
import json
import random
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from pydoc_data import topics  # type: ignore[import-not-found, unused-ignore]

from training.fillers import Fillers
from training.templates import Entity, fill, read_templates

GOLD_SETS = ("presidio_synth_v2", "wikigold", "wnut17")  # MIT, CC BY 4.0, CC BY 4.0
LABELS = {"PERSON": "PERSON", "ORG": "ORG", "LOCATION": "GPE", "ADDRESS": "FAC"}
ROWS_OF_AN_ARTICLE = 20  # neighboring rows of wikigold come from one article
CODE_LINES = 25
_NO_SOURCE = {
    "test",
    "tests",
    "idlelib",
    "lib2to3",
    "site-packages",
    "turtledemo",
    "__pycache__",
    "pydoc_data",
}


@dataclass(frozen=True, slots=True)
class Text:
    """A text and its entities in ascending order; ``source`` says where it comes from."""

    text: str
    entities: tuple[Entity, ...]
    source: str


def is_for_training(key: str) -> bool:
    """Tell whether a row or module of that name may be read: half of them, for good."""
    if key.startswith("wikigold-"):
        key = f"wikigold-article-{int(key.rpartition('-')[2]) // ROWS_OF_AN_ARTICLE}"
    return hashlib.sha256(key.encode()).digest()[-1] % 2 == 0


def gold(data: Path) -> Iterator[Text]:
    """Yield the annotated rows."""
    for name in GOLD_SETS:
        for line in (data / f"{name}.jsonl").read_text(encoding="utf-8").split("\n"):
            if not line or not is_for_training((row := json.loads(line))["id"]):
                continue
            entities = [
                (span["start"], span["end"], LABELS[span["label"]])
                for span in row["spans"]
                if span["label"] in LABELS
            ]
            yield Text(row["text"], tuple(sorted(entities)), name)


def filled(count: int, seed: int, fillers: Fillers) -> Iterator[Text]:
    """Yield so many filled templates, each template about as often as the others."""
    order, templates = random.Random(seed), read_templates()
    for round_start in range(0, count, len(templates)):
        order.shuffle(templates)
        for template in templates[: count - round_start]:
            text, entities = fill(template, fillers)
            yield Text(text, tuple(entities), "templates")


def source_code(count: int, seed: int) -> Iterator[Text]:
    """Yield so many windows of the standard library's source: code has no people in it."""
    order, root = random.Random(seed), Path(sysconfig.get_paths()["stdlib"])
    modules = [
        path
        for path in sorted(root.rglob("*.py"))
        if not _NO_SOURCE & set(path.relative_to(root).parts)
        and is_for_training(path.relative_to(root).as_posix())
    ]
    weights = [path.stat().st_size for path in modules]
    for path in order.choices(modules, weights, k=count):
        lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
        start = order.randrange(max(1, len(lines) - CODE_LINES))
        yield Text("\n".join(lines[start : start + order.randrange(3, CODE_LINES)]), (), "code")


def prose(count: int, seed: int) -> Iterator[Text]:
    """Yield so many paragraphs of the language reference, which has hardly any names."""
    paragraphs = [
        " ".join(paragraph.split()) if ">>>" not in paragraph else paragraph
        for name, topic in sorted(topics.topics.items())
        if is_for_training(f"topics/{name}")
        for paragraph in topic.split("\n\n")
        if len(paragraph) > 60
    ]
    for text in random.Random(seed).sample(paragraphs, min(count, len(paragraphs))):
        yield Text(text, (), "prose")
