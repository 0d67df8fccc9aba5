"""What spaCy finds in the development texts, as digests: it takes a minute, so it is recorded.

    python -m tests.detection.spacy_entities

records it anew in ``spacy_entities.json``, after a change of models or texts.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from pathlib import Path

from sidecar.detection.ner_models import DEFAULT_MODELS, Found, Group, load

DATA = Path(__file__).parents[3] / "shared" / "data"
RECORDS = Path(__file__).with_suffix(".json")
SETS = (
    "hard_dev",
    "neg_code",
    "presidio_synth_v2",
    "pupa",
    "synth_structured",
    "uner_ewt",
    "wikigold",
    "wnut17",
)
_BATCH = 64
_BYTES = 4


def texts(name: str) -> list[str]:
    """Return the texts of one set.

    Raises:
        FileNotFoundError: It is not here.
    """
    lines = (DATA / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["text"] for line in lines]


def recorded(name: str) -> list[str]:
    """Return the digest of each text of one set with what spaCy finds in it."""
    joined: str = json.loads(RECORDS.read_text(encoding="utf-8"))[name]
    return [joined[start : start + 2 * _BYTES] for start in range(0, len(joined), 2 * _BYTES)]


def digests(group: Group, of_texts: Sequence[str]) -> Iterator[str]:
    """Yield the digest of each text with what the models find in it, by kernel or by spaCy."""
    for start in range(0, len(of_texts), _BATCH):
        batch = of_texts[start : start + _BATCH]
        of_text: list[list[Found]] = [[] for _ in batch]
        for entity in group.entities(batch):
            of_text[entity.text].append(entity)
        for text, entities in zip(batch, of_text, strict=True):
            facts = [(each.start, each.end, each.label, each.model) for each in entities]
            yield blake2b(repr((text, facts)).encode(), digest_size=_BYTES).hexdigest()


def main() -> int:
    (group,) = load(DEFAULT_MODELS, kernel=None)
    records = {name: "".join(digests(group, texts(name))) for name in SETS}
    RECORDS.write_text(json.dumps(records, indent=0) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
