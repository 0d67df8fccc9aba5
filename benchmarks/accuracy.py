"""Leak and over-redaction on annotated texts: ours, the plain implementation and Presidio side by side.

    python -m benchmarks.accuracy [--only NAME ...] [--untrained] [--out FILE]

Half of three sets was read when our own model was trained. With ``--untrained`` that half is left out and
the other counts twice, so that every set weighs what it did: the figures to expect of texts never seen.

The texts and the scorer are shared between checkouts (``../shared``) and are no part of this repository;
without them this says which sets it skipped, and succeeds.
"""

import argparse
import importlib
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.detectors import DETECTORS, Detect
from training.corpus import GOLD_SETS, is_for_training

SHARED = Path(__file__).resolve().parents[2] / "shared"
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
GOALS = {
    "clean6 LEAK": 0.13,
    "clean6 OVER": 0.025,
    "real3 LEAK": 0.15,
    "pupa LEAK": 0.30,
    "code OVER": 0.010,
    "lower PERSON LEAK": 0.15,
    "hard LEAK": 0.10,
    "hard untouched": 0.90,
    "EMAIL": 0.005,
    "CREDIT_CARD": 0.005,
    "IBAN": 0.005,
    "IP_ADDRESS": 0.005,
    "MAC": 0.005,
    "SSN": 0.01,
    "SECRET": 0.02,
    "PHONE": 0.05,
    "PERSON": 0.10,
    "LOCATION": 0.10,
    "ORG": 0.25,
    "ADDRESS": 0.30,
    "ID": 0.20,
    "DOB": None,
}
AT_LEAST = {"hard untouched"}
SPEED = "us per word"


def main() -> int:
    parser = argparse.ArgumentParser(prog="benchmarks.accuracy", description=__doc__.partition("\n")[0])
    parser.add_argument("--only", nargs="+", choices=DETECTORS, default=list(DETECTORS), metavar="NAME")
    parser.add_argument("--untrained", action="store_true", help="leave out what our model was trained on")
    parser.add_argument("--out", type=Path, help="also write the figures to this file, as JSON")
    args = parser.parse_args()
    texts = Texts.found(untrained=args.untrained)
    if texts is None:
        return 0
    columns = {name: texts.score(DETECTORS[name]()) for name in args.only}
    console = Console(width=None if sys.stdout.isatty() else 110)
    console.print(table(columns))
    if args.out:
        args.out.write_text(json.dumps(columns, indent=1), encoding="utf-8")
    return 0


class Texts:
    """The annotated texts, lower-cased copies included, and the scorer that came with them."""

    def __init__(self, scorer: Any, files: list[Path], *, untrained: bool) -> None:  # noqa: ANN401 - it may be absent
        self.scorer = scorer
        self.records = scorer.load([str(file) for file in files])
        if untrained:
            self.records = [record for record in self.records for _ in range(weight(record))]
        self.records += [
            scorer.lowered(record) for record in self.records if record["set"] in ("uner_ewt", "wikigold")
        ]
        self.words = sum(len(record["text"].split()) for record in self.records)

    @classmethod
    def found(cls, *, untrained: bool = False) -> "Texts | None":
        """Return what there is, or None; print what is missing."""
        tools = SHARED / "tools"
        files = sorted(SHARED.glob("data/*.jsonl")) if (tools / "score.py").exists() else []
        if missing := [name for name in SETS if name not in {path.stem for path in files}]:
            print(f"skipped {len(missing)} of {len(SETS)} sets, not found in {SHARED}: {' '.join(missing)}")
        if not files:
            return None
        sys.path.insert(0, str(tools))
        return cls(importlib.import_module("score"), files, untrained=untrained)

    def score(self, detect: Detect) -> dict[str, float]:
        """Return one figure for each row of the table."""
        began = time.perf_counter()
        replies = [detect(record["text"]) for record in self.records]
        seconds = time.perf_counter() - began
        tallies = self.scorer.tally_sets(self.records, replies)
        return figures(self.scorer.summarise(tallies)) | {SPEED: 1e6 * seconds / max(1, self.words)}


def weight(record: dict[str, Any]) -> int:
    """Return how often a text counts so that those read in training do not, and no set weighs less."""
    if record["set"] not in GOLD_SETS:
        return 1
    return 0 if is_for_training(record["id"]) else 2


def figures(groups: dict[str, Any]) -> dict[str, float]:
    """Return the rows of the table from the scorer's groups; rows without texts are left out."""
    rows = {
        "clean6 LEAK": ("clean6", "leak_any"),
        "clean6 OVER": ("clean6", "over"),
        "real3 LEAK": ("real3", "leak_any"),
        "pupa LEAK": ("pupa", "leak_any"),
        "pupa OVER": ("pupa", "over"),
        "code OVER": ("code", "over"),
        "lower PERSON LEAK": ("lower", "leak_any"),
        "lower OVER": ("lower", "over"),
        "hard LEAK": ("hard", "leak_any"),
    }
    out = {row: groups[group][key] for row, (group, key) in rows.items() if key in groups.get(group, {})}
    if hard := groups.get("hard"):
        out["hard untouched"] = hard["counts"]["untouched"] / max(1, hard["counts"]["neg"])
    for name, found in groups.get("typed", {}).get("types", {}).items():
        if found["gold"]:
            out[name] = found["leak_any"]
    return out


def table(columns: dict[str, dict[str, float]]) -> Table:
    """Lay the figures out, one column for each detector; what meets its goal is marked."""
    result = Table(title=f"leak by entity type: all sets but pupa and lower; {os.cpu_count()} CPUs")
    result.add_column("")
    result.add_column("goal", justify="right")
    for name in columns:
        result.add_column(name, justify="right")
    known = [*GOALS, *(row for each in columns.values() for row in each if row not in GOALS)]
    for row in dict.fromkeys(known):
        goal = GOALS.get(row)
        cells = [cell(row, each.get(row), goal) for each in columns.values()]
        result.add_row(row, "" if goal is None else f"{'>=' if row in AT_LEAST else '<='} {goal:.3f}", *cells)
    return result


def cell(row: str, figure: float | None, goal: float | None) -> str:
    if figure is None:
        return "-"
    if row == SPEED:
        return f"{figure:.0f}"
    met = goal is not None and (figure >= goal if row in AT_LEAST else figure <= goal)
    return f"{figure:.4f}{' *' if met else '  '}"


if __name__ == "__main__":
    sys.exit(main())
