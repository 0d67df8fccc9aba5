"""What each technique of detection brings and costs: step by step, and each one left out of the whole.

    python -m benchmarks.ablation [--out FILE]

The models read each text once, and their spans are kept for all rows.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from unittest import mock

from rich.console import Console
from rich.table import Table

from benchmarks.accuracy import Texts
from benchmarks.detectors import ours
from sidecar.detection import reading
from sidecar.detection.names.cues import Cues
from sidecar.detection.names.structure import Structure
from sidecar.detection.ner import Ner
from sidecar.detection.ner_models import DEFAULT_MODELS, STOCK
from sidecar.detection.parts import Parts
from sidecar.detection.pattern_file import load_patterns
from sidecar.detection.patterns import PatternDetector
from sidecar.detection.pipeline import Detection, load_detection
from sidecar.detection.view.normalized import NormalizedText
from sidecar.model import Budget, Passage, Span

BASE_PATTERNS = frozenset(("EMAIL", "CREDIT_CARD", "SSN", "PHONE", "IP_ADDRESS"))
STEPS = (
    "the five base patterns and the stock model",
    "patterns of all types",
    "street addresses",
    "normalized view",
    "propagation",
    "cues",
    "structure",
    "gazetteer",
    "our own model",
    "junk filter",
)
SHOWN = (
    "clean6 LEAK",
    "clean6 OVER",
    "real3 LEAK",
    "pupa LEAK",
    "code OVER",
    "lower PERSON LEAK",
    "hard LEAK",
    "hard untouched",
    "PERSON",
    "LOCATION",
    "ORG",
    "ADDRESS",
    "PHONE",
    "SECRET",
    "ID",
)


class KeptNer:
    """NER that reads each text once, however often it is asked."""

    def __init__(self, ner: Ner) -> None:
        self._ner = ner
        self._kept: dict[str, list[Span]] = {}

    @property
    def entity_types(self) -> tuple[str, ...]:
        return self._ner.entity_types

    def start(self, passages: Sequence[Passage], budget: Budget, remember: object = None) -> "KeptJob":
        del remember  # this keeps whole texts
        for passage in passages:
            if passage.text not in self._kept:
                self._kept[passage.text] = self._ner.start([passage], budget).result()[0]
        return KeptJob([self._kept[passage.text] for passage in passages])


@dataclass
class KeptJob:
    found: list[list[Span]]

    def result(self) -> list[list[Span]]:
        return self.found

    def cancel(self) -> None:
        """Nothing is under way."""


class Lab:
    """Builds detection with some of the techniques."""

    def __init__(self) -> None:
        patterns = load_patterns(None)
        base = [each for each in patterns.patterns.patterns if each.entity_type in BASE_PATTERNS]
        self._patterns = patterns
        self._base = replace(patterns, patterns=PatternDetector(base))
        self._whole: Parts = load_detection()._parts  # noqa: SLF001 - the lab takes it apart
        self._stock = KeptNer(Ner(patterns.ner, None, (STOCK,)))
        self._both = KeptNer(Ner(patterns.ner, None, DEFAULT_MODELS))

    @contextmanager
    def detection(self, with_: set[str]) -> Iterator[Detection]:
        names = (*([Cues()] if "cues" in with_ else []), *([Structure()] if "structure" in with_ else []))
        parts = replace(
            self._whole,
            patterns=self._patterns if "patterns of all types" in with_ else self._base,
            ner=self._both if "our own model" in with_ else self._stock,  # type: ignore[arg-type]
            names=names,
            gazetteer=self._whole.gazetteer if "gazetteer" in with_ else None,
            addresses="street addresses" in with_,
            junk=self._whole.junk if "junk filter" in with_ else None,
        )
        with ExitStack() as stack:
            if "normalized view" not in with_:
                plain = mock.patch.object(reading, "normalized", lambda text, _: NormalizedText(text, text))
                stack.enter_context(plain)
            if "propagation" not in with_:
                stay = mock.patch.object(Detection, "spread", lambda _, __, spans, ___: spans)
                stack.enter_context(stay)
            yield Detection(parts)


def main() -> int:
    parser = argparse.ArgumentParser(prog="benchmarks.ablation", description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, help="also write the figures to this file, as JSON")
    args = parser.parse_args()
    texts = Texts.found()
    if texts is None:
        return 0
    lab = Lab()
    rows: dict[str, dict[str, float]] = {}
    for number, step in enumerate(STEPS):
        with lab.detection(set(STEPS[: number + 1])) as detection:
            rows[f"+ {step}" if number else step] = texts.score(ours(detection))
    for step in STEPS[1:]:
        with lab.detection({*STEPS} - {step}) as detection:
            rows[f"all without: {step}"] = texts.score(ours(detection))
    Console(width=None if sys.stdout.isatty() else 240).print(table(rows))
    if args.out:
        args.out.write_text(json.dumps(rows, indent=1), encoding="utf-8")
    return 0


def table(rows: dict[str, dict[str, float]]) -> Table:
    """Lay the rows out; a row's figures are those of the whole table of accuracy."""
    result = Table(title="leak and over-redaction, technique by technique")
    result.add_column("")
    for name in SHOWN:
        result.add_column(name, justify="right")
    for row, figures in rows.items():
        result.add_row(row, *(f"{figures[name]:.4f}" for name in SHOWN))
    return result


if __name__ == "__main__":
    sys.exit(main())
