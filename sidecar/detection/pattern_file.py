"""Reads ``patterns.json`` and proves it: nothing is used that does not do what its examples say.

The file is an object of ``patterns`` (a list of entries, see ``pattern_entry``) and, optionally, ``ner``
(entity type by label of the model), or the bare list. All problems come in one error, one line each.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from sidecar.detection.pattern_entry import TYPE_NAME, Entry
from sidecar.detection.patterns import Pattern, PatternDetector
from sidecar.detection.syntax import Unsupported
from sidecar.errors import ConfigError

DEFAULT_NER = {"PERSON": "PERSON", "ORG": "ORG", "GPE": "LOCATION", "LOC": "LOCATION", "FAC": "LOCATION"}
_FILE = "patterns.json"


@dataclass(frozen=True, slots=True)
class PatternFile:
    """A proven file: the patterns, entity types by NER label, and what is odd but harmless."""

    patterns: PatternDetector
    ner: Mapping[str, str]
    warnings: tuple[str, ...]

    @property
    def entity_types(self) -> tuple[str, ...]:
        """All types that patterns can find, sorted."""
        return tuple(sorted({pattern.entity_type for pattern in self.patterns.patterns}))


def load_patterns(path: Path | None) -> PatternFile:
    """Read and prove a file; None means the one that comes with the program.

    Raises:
        ConfigError: Anything is wrong with it; the message lists every problem.
    """
    file = path or _shipped()
    entries, ner, problems = _read(file)
    patterns: list[Pattern] = []
    warnings: list[str] = []
    names: set[str] = set()
    for index, raw in enumerate(entries):
        entry = Entry(index, raw)
        pattern = entry.pattern() if entry.enabled else None
        if entry.name and entry.name in names:
            entry.problems.append("name is used twice")
        names.add(entry.name)
        problems += [f"{entry.where}: {problem}" for problem in entry.problems]
        warnings += [f"{file}: {entry.where}: {warning}" for warning in entry.warnings()]
        if pattern is not None:
            patterns.append(pattern)
    if problems:
        raise ConfigError("\n".join(f"{file}: {problem}" for problem in problems))
    try:
        return PatternFile(PatternDetector(patterns), ner, tuple(warnings))
    except Unsupported as exc:
        raise ConfigError(f"{file}: {exc}") from exc


def _shipped() -> Path:
    """Return the file inside the package, or beside it in a source tree."""
    packaged = Path(str(resources.files(__package__) / _FILE))
    return packaged if packaged.is_file() else Path(__file__).parents[2] / _FILE


def _read(file: Path) -> tuple[list[object], dict[str, str], list[str]]:
    """Return the raw entries, the NER mapping and the problems of the file's outer shape."""
    try:
        document = json.loads(file.read_text("utf-8"))
    except OSError as exc:
        raise ConfigError(f"{file}: cannot be read: {exc.strerror}") from exc
    except UnicodeDecodeError as exc:
        raise ConfigError(f"{file}: is not UTF-8 (byte {exc.start})") from exc
    except RecursionError as exc:
        raise ConfigError(f"{file}: is nested too deeply") from exc
    except ValueError as exc:
        raise ConfigError(f"{file}: is not JSON: {exc}") from exc
    if isinstance(document, list):
        document = {"patterns": document}
    if not isinstance(document, dict) or not isinstance(document.get("patterns"), list):
        raise ConfigError(f"{file}: must be an object with a list 'patterns'")
    ner, problems = _ner(document.get("ner", DEFAULT_NER))
    return document["patterns"], ner, problems


def _ner(raw: object) -> tuple[dict[str, str], list[str]]:
    if not isinstance(raw, dict):
        return {}, ["ner: must be an object from the model's labels to types"]
    wrong = [
        label for label, name in raw.items() if not isinstance(name, str) or not TYPE_NAME.fullmatch(name)
    ]
    problems = [f"ner: {label!r}: type must be capital letters, digits and underscores" for label in wrong]
    return {label: name for label, name in raw.items() if label not in wrong}, problems
