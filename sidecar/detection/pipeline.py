"""The whole of detection: patterns and NER side by side, merged, then spread over the request.

Patterns run on the caller's thread while the NER thread works; the result does not depend on which of
them is faster.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sidecar.detection.ner import Ner, Submit
from sidecar.detection.overlap import resolve
from sidecar.detection.pattern_file import PatternFile, load_patterns
from sidecar.detection.propagation import propagate
from sidecar.model import Budget, Origin, Passage, Span


class Detection:
    """All detectors of a process; implements ``model.Detector``."""

    def __init__(self, patterns: PatternFile, ner: Ner | None) -> None:
        self._file = patterns
        self._patterns = patterns.patterns
        self._ner = ner

    @property
    def entity_types(self) -> tuple[str, ...]:
        """All types that can occur, sorted."""
        names = self._ner.entity_types if self._ner else ()
        return tuple(sorted({*self._file.entity_types, *names}))

    def origin_of(self, entity_type: str) -> Origin:
        """Return which kind of detector finds a type; patterns, if both do."""
        return Origin.PATTERN if entity_type in self._file.entity_types else Origin.NER

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is odd but harmless in the patterns file."""
        return self._file.warnings

    def detect(self, passages: Sequence[Passage], budget: Budget) -> list[list[Span]]:
        """Return, for each passage in turn, its spans: disjoint and in ascending order.

        The result for one passage depends on that passage alone, never on its neighbors.

        Raises:
            RequestRefused: (413) The texts cannot be finished within the budget.
        """
        job = self._ner.start(passages, budget) if self._ner else None
        try:
            by_pattern = [self._patterns.find(passage, budget.check) for passage in passages]
            by_ner = job.result() if job else [[] for _ in passages]
        finally:
            if job:
                job.cancel()
        return [
            resolve(passage.text, [*one, *other])
            for passage, one, other in zip(passages, by_pattern, by_ner, strict=True)
        ]

    def detect_request(self, passages: Sequence[Passage], budget: Budget) -> list[list[Span]]:
        """Return the spans of all passages of one request; what is found once is covered everywhere.

        Raises:
            RequestRefused: (413) The texts cannot be finished within the budget.
        """
        return propagate(passages, self.detect(passages, budget), budget.check)

    def patterns_in(self, text: str, hint: str = "") -> list[Span]:
        """Return what patterns alone find in a short text: a URL, a header."""
        return self._patterns.find(Passage(text, hint, patterns_only=True))


def load_detection(
    patterns_file: Path | None = None, *, ner: bool = True, submit: Submit | None = None
) -> Detection:
    """Build the detectors.

    Args:
        patterns_file: A ``patterns.json``; None means the one that comes with the program.
        ner: Whether names are looked for; the model takes a second to load and 140 MB.
        submit: Runs a call on the one NER thread (see ``ner``); None runs NER on the caller's thread.

    Raises:
        ConfigError: The file does not hold what it claims, or no model is installed.
    """
    patterns = load_patterns(patterns_file)
    return Detection(patterns, Ner(patterns.ner, submit) if ner and patterns.ner else None)
