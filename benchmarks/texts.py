"""Texts of any length to detect in, another one for every seed: prose, and words that no model has seen."""

from __future__ import annotations

import random
import re
from pydoc_data import topics

from benchmarks import workloads

PARAGRAPHS = [
    " ".join(each.split()) for text in topics.topics.values() for each in re.split(r"\n\s*\n", text)
]


def prose(words: int, seed: int) -> str:
    """Return technical documentation and business letters with originals, half and half."""
    chance = random.Random(seed * 100_003 + words)
    parts: list[str] = []
    count = 0
    while count < words:
        parts.append(chance.choice(PARAGRAPHS) if chance.random() < 0.5 else workloads.text(chance, 40))
        count += len(parts[-1].split())
    return " ".join(" ".join(parts).split()[:words])


def never_seen(words: int, seed: int) -> str:
    """Return identifiers and hashes."""
    chance = random.Random(seed)
    return " ".join(
        f"{chance.choice('kxqz')}{chance.getrandbits(chance.choice((24, 40, 64))):x}" for _ in range(words)
    )
