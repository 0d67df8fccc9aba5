"""Finds the files behind a ``patterns.json`` and puts their raw entries in order; proves nothing.

A first file that cannot be read, or is no JSON, is an error at once; all else is collected as problems.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from sidecar.detection.pattern_entry import TYPE_NAME
from sidecar.errors import ConfigError

DEFAULT_NER = {
    "PERSON": "PERSON",
    "PER": "PERSON",
    "ORG": "ORG",
    "GPE": "LOCATION",
    "LOC": "LOCATION",
    "FAC": "LOCATION",
}
SHIPPED = "shipped"
_FILE = "patterns.json"


@dataclass(frozen=True, slots=True)
class Raw:
    """One entry as it stands in its file; ``index`` counts from 0 within that file's list."""

    file: Path
    index: int
    entry: object

    @property
    def name(self) -> str:
        """Its name, if it has one."""
        name = self.entry.get("name") if isinstance(self.entry, dict) else None
        return name if isinstance(name, str) else ""


@dataclass(frozen=True, slots=True)
class PatternSource:
    """All entries in order, entity types by NER label, and what is wrong with the outer shape."""

    file: Path
    entries: tuple[Raw, ...]
    ner: Mapping[str, str]
    problems: tuple[str, ...]


def read(path: Path | None) -> PatternSource:
    """Read a file and what it includes and extends; None means the one that comes with the program.

    Raises:
        ConfigError: A file cannot be read, is no JSON or has not the shape of a patterns file.
    """
    file = path or shipped_file()
    document, problems = _document(file), []
    base: PatternSource | None = None
    if "extends" in document:
        if document["extends"] == SHIPPED and path is not None:
            base = read(None)
        else:
            problems.append(f"{file}: extends must be {SHIPPED!r}, and not in the shipped file")
    own, more = _own_entries(file, document)
    ner, ner_problems = _ner(file, document.get("ner", base.ner if base else DEFAULT_NER))
    replaced = {raw.name for raw in own} - {""}
    kept = [raw for raw in base.entries if raw.name not in replaced] if base else []
    return PatternSource(file, (*kept, *own), ner, (*problems, *more, *ner_problems))


def shipped_file() -> Path:
    """Return the file inside the package, or beside it in a source tree."""
    packaged = Path(str(resources.files(__package__) / _FILE))
    return packaged if packaged.is_file() else Path(__file__).parents[2] / _FILE


def _own_entries(file: Path, document: dict[str, Any]) -> tuple[list[Raw], list[str]]:
    """Return the entries of a file and of those that it includes."""
    entries: list[Raw] = []
    names = document.get("include", [])
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        return entries, [f"{file}: include must be a list of file names"]
    problems = []
    for name in names:
        part = file.parent / name
        try:
            included = _document(part)
        except ConfigError as exc:
            problems.append(str(exc))
            continue
        if extra := included.keys() & {"include", "extends", "ner"}:
            problems.append(f"{part}: {min(extra)} has no place in a file that is included")
        entries += _listed(part, included)
    return [*entries, *_listed(file, document)], problems


def _listed(file: Path, document: dict[str, Any]) -> list[Raw]:
    return [Raw(file, index, entry) for index, entry in enumerate(document.get("patterns", []))]


def _document(file: Path) -> dict[str, Any]:
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
    if (
        not isinstance(document, dict)
        or not document.keys() & {"patterns", "include", "extends"}
        or not isinstance(document.get("patterns", []), list)
    ):
        raise ConfigError(f"{file}: must be an object with a list 'patterns'")
    return document


def _ner(file: Path, raw: object) -> tuple[dict[str, str], list[str]]:
    if not isinstance(raw, Mapping):
        return {}, [f"{file}: ner: must be an object from the model's labels to types"]
    wrong = [
        label for label, name in raw.items() if not isinstance(name, str) or not TYPE_NAME.fullmatch(name)
    ]
    problems = [
        f"{file}: ner: {label!r}: type must be capital letters, digits and underscores" for label in wrong
    ]
    return {label: name for label, name in raw.items() if label not in wrong}, problems
