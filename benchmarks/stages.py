"""What each stage of detection costs, in microseconds of CPU time a word, on ordinary prose.

    python -m benchmarks.stages

The text is that of this project: its README and SECURITY pages.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from rich.console import Console
from rich.table import Table

from sidecar.detection import addresses
from sidecar.detection.pipeline import load_detection
from sidecar.detection.propagation import propagate
from sidecar.detection.view.normalized import normalized
from sidecar.model import Passage
from sidecar.request_body import Deadline

ROOT = Path(__file__).resolve().parents[1]
ROUNDS = 3
SECONDS = 3600.0

_Result = TypeVar("_Result")


def main() -> int:
    texts = [each for name in ("README.md", "SECURITY.md") for each in _paragraphs(ROOT / name)]
    words = sum(len(text.split()) for text in texts)
    table = Table(title=f"{words} words in {len(texts)} texts; best of {ROUNDS} rounds")
    table.add_column("stage")
    table.add_column("us per word", justify="right")

    def timed(stage: str, work: Callable[[], _Result]) -> _Result:
        best = float("inf")
        for _ in range(ROUNDS):
            began = time.process_time()
            result = work()
            best = min(best, time.process_time() - began)
        table.add_row(stage, f"{1e6 * best / words:.2f}")
        return result

    detection = load_detection()
    parts = detection._parts  # noqa: SLF001 - the stages are taken one by one
    budget = Deadline(SECONDS)
    views = timed("normalized view", lambda: [normalized(text) for text in texts])
    patterns = parts.patterns.patterns
    timed("patterns", lambda: [patterns.find(Passage(view.text)) for view in views])
    timed("street addresses", lambda: [addresses.find(view.text) for view in views])
    for finder in parts.names:
        timed(type(finder).__name__.lower(), lambda: [finder.find(view.text) for view in views])  # noqa: B023 - called at once
    if gazetteer := parts.gazetteer:
        timed("gazetteer", lambda: [gazetteer.find(view.text) for view in views])
    passages = [Passage(text) for text in texts]
    if ner := parts.ner:
        timed("NER", lambda: [ner.start([each], budget).result() for each in passages])
    found = timed("all of detection", lambda: [detection.detect([each], budget)[0] for each in passages])
    timed("propagation", lambda: propagate(passages, found))
    Console(width=None if sys.stdout.isatty() else 60).print(table)
    return 0


def _paragraphs(file: Path) -> list[str]:
    return [each for each in file.read_text("utf-8").split("\n\n") if len(each.split()) > 5]


if __name__ == "__main__":
    sys.exit(main())
