"""The detectors of one process, each loaded once, and what they can find together."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from sidecar.detection import addresses
from sidecar.detection.lists import AllowList, DenyList, Listed
from sidecar.detection.names.cues import Cues
from sidecar.detection.names.gazetteer import Gazetteer
from sidecar.detection.names.gazetteer_list import load_word_list
from sidecar.detection.names.junk import Junk
from sidecar.detection.names.structure import Structure
from sidecar.detection.names.terms import Terms
from sidecar.detection.ner import Ner, Submit
from sidecar.detection.pattern_file import PatternFile, load_patterns
from sidecar.detection.turn import Turn
from sidecar.model import Origin, Span


class NameFinder(Protocol):
    """Finds names by what stands in or around them; spans may overlap."""

    @property
    def entity_types(self) -> Collection[str]:
        """All types that it can find."""

    def find(self, text: str, hint: str = "") -> list[Span]:
        """Return the spans of one text, given the key that it is the value of."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What detection is put together from; each part but the patterns can be left out."""

    patterns: PatternFile
    ner: Ner | None = None
    names: tuple[NameFinder, ...] = ()
    gazetteer: Gazetteer | None = None
    addresses: bool = False
    junk: Junk | None = None
    allow: AllowList = field(default_factory=AllowList)
    deny: DenyList = field(default_factory=DenyList)

    @property
    def entity_types(self) -> tuple[str, ...]:
        """All types that can occur, sorted."""
        known = {*self.patterns.entity_types, *self.deny.entity_types}
        known.update(self.ner.entity_types if self.ner else ())
        known.update(entity_type for finder in self.names for entity_type in finder.entity_types)
        known.update(self.gazetteer.entity_types if self.gazetteer else ())
        known.update([addresses.ENTITY_TYPE] if self.addresses else ())
        return tuple(sorted(known))

    def origin_of(self, entity_type: str) -> Origin:
        """Return which kind of detector finds a type; patterns, if both do."""
        by_form = {*self.patterns.entity_types, *self.deny.entity_types}
        return Origin.PATTERN if entity_type in by_form else Origin.NER

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is odd but harmless: in the patterns file, and models that run slower than they could."""
        slower = self.ner.slower_models if self.ner else ()
        return (
            *self.patterns.warnings,
            *(f"NER model {name}: spaCy runs it, ten times slower than the native kernel" for name in slower),
        )


def load_parts(  # noqa: PLR0913 - one keyword for each part
    patterns_file: Path | None,
    *,
    ner: bool,
    submit: Submit | None,
    turn: Turn | None,
    ner_models: Sequence[str],
    allow: Iterable[Listed],
    deny: Iterable[Listed],
) -> Parts:
    """Load the detectors; see ``pipeline.load_detection``.

    Raises:
        ConfigError: The patterns file does not hold what it claims, or a model is missing.
    """
    patterns = load_patterns(patterns_file)
    parts = Parts(patterns, allow=AllowList(allow), deny=DenyList(deny))
    if not ner or not patterns.ner:
        return parts
    words = load_word_list()
    return replace(
        parts,
        ner=Ner(patterns.ner, submit, ner_models, turn=turn),
        names=(Cues(), Structure()),
        gazetteer=Gazetteer(words),
        addresses=True,
        junk=Junk(words, Terms.shipped()),
    )
