"""Compares the models, alone and united, on the annotated texts: the figures of the model's README.

    python -m training.evaluate

LEAK and OVER are those of ``../shared/tools/score.py``, for NER alone: what is no person, organization or
place in these texts is the business of other detectors. ``seen``: rows that the model was trained on;
``unseen``: rows of the same sets that it was not; ``other``: sets that it has no row of.
"""

from __future__ import annotations

import importlib.util
import sys
import time
from collections.abc import Sequence
from types import ModuleType
from typing import Any

from sidecar.detection.ner import Ner
from sidecar.detection.ner_models import STOCK
from sidecar.detection.pattern_source import DEFAULT_NER
from sidecar.model import Passage
from training.corpus import GOLD_SETS, is_for_training
from training.train import NAME, SHARED_DATA

SYSTEMS = {"stock": [STOCK], "ours": [NAME], "united": [STOCK, NAME]}
LABELS = ("PERSON", "ORG", "LOCATION")
PARTS = ("seen", "unseen", "other", "lower", "code")


class Endless:
    """A budget without an end."""

    def check(self) -> None:
        """Return."""

    def remaining(self) -> float:
        """Return a long time."""
        return 1e6


def main() -> int:
    """Print the table; return the exit status."""
    if not SHARED_DATA.is_dir():
        print(f"evaluate: no folder {SHARED_DATA}: the third-party rows are not part of this repository")
        return 2
    score = _scorer()
    names = (*GOLD_SETS, "uner_ewt", "synth_structured", "neg_code")
    records = score.load([str(SHARED_DATA / f"{name}.jsonl") for name in names])
    records += [score.lowered(record) for record in records if record["set"] in {"uner_ewt", "wikigold"}]
    words = sum(len(record["text"].split()) for record in records)
    for system, models in SYSTEMS.items():
        ner, began = Ner(DEFAULT_NER, models=models), time.perf_counter()
        found = ner.start([Passage(record["text"]) for record in records], Endless()).result()
        speed = 1e6 * (time.perf_counter() - began) / words
        print(f"{system}: {speed:.0f} ms for 1000 words")
        for part in PARTS:
            print(f"  {part:7s}{_figures(score, records, found, part)}")
    return 0


def part_of(record: dict[str, Any]) -> str:
    """Return which part of the table a record belongs to."""
    if record["set"] == "neg_code":
        return "code"
    if record["set"].endswith("_lower"):
        trained = record["set"] == "wikigold_lower" and is_for_training(record["id"].removesuffix("_lower"))
        return "" if trained else "lower"
    if record["set"] not in GOLD_SETS:
        return "other"
    return "seen" if is_for_training(record["id"]) else "unseen"


def _figures(score: ModuleType, records: Sequence[dict[str, Any]], found: Sequence[Any], part: str) -> str:
    tally = score.Tally()
    for record, spans in zip(records, found, strict=True):
        if part_of(record) == part:
            tally.add(record, [(span.start, span.end, span.entity_type) for span in spans])
    result = tally.result()
    leaks = {label: result["types"][label] for label in LABELS if label in result["types"]}
    cells = [
        f"{label} {each['leak_any']:.3f} ({each['gold']})" for label, each in leaks.items() if each["gold"]
    ]
    return "  ".join([*cells, f"OVER {result['over']:.4f}"])


def _scorer() -> ModuleType:
    spec = importlib.util.spec_from_file_location("score", SHARED_DATA.parent / "tools" / "score.py")
    assert spec is not None  # noqa: S101 - the folder is there
    assert spec.loader is not None  # noqa: S101 - it is a file of Python
    module = importlib.util.module_from_spec(spec)
    sys.modules["score"] = module
    spec.loader.exec_module(module)
    return module


if __name__ == "__main__":
    sys.exit(main())
