"""Reads ``patterns.json`` and proves it: nothing is used that does not do what its examples say.

The file is an object, or the bare list of ``patterns``:

- ``patterns``: a list of entries, see ``pattern_entry``;
- ``include``: more files of entries, by name relative to this file;
- ``extends``: ``"shipped"`` puts the entries that come with the program before these; an entry that has
  the name of a shipped one takes its place (and with ``"enabled": false`` takes it out);
- ``ner``: entity type by label of the model.

All problems come in one error, one line each.

The shipped file was proven when it was released: while its digest is the recorded one (``proven``), proofs
are not repeated at every start. One changed byte, and they are.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sidecar.detection.pattern_entry import Entry
from sidecar.detection.pattern_source import Raw, read
from sidecar.detection.patterns import Pattern, PatternDetector
from sidecar.detection.proven import proven_files
from sidecar.detection.syntax import Unsupported
from sidecar.errors import ConfigError


@dataclass(frozen=True, slots=True)
class PatternFile:
    """A proven file: the patterns, entity types by NER label, and what is odd but harmless.

    ``entity_types``: all types that patterns can find, sorted.
    """

    patterns: PatternDetector
    ner: Mapping[str, str]
    warnings: tuple[str, ...]
    entity_types: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        found = {pattern.entity_type for pattern in self.patterns.patterns}
        object.__setattr__(self, "entity_types", tuple(sorted(found)))


def load_patterns(path: Path | None, *, prove: bool = False) -> PatternFile:
    """Read and prove a file; None means the one that comes with the program.

    Args:
        path: The file.
        prove: Repeat even proofs that the release has made.

    Raises:
        ConfigError: Anything is wrong with it; the message lists every problem.
    """
    source = read(path)
    trusted = frozenset[Path]() if prove else proven_files()
    patterns, warnings, problems = _proven(source.entries, trusted)
    if problems := [*source.problems, *problems]:
        raise ConfigError("\n".join(problems))
    try:
        return PatternFile(PatternDetector(patterns), source.ner, tuple(warnings))
    except Unsupported as exc:
        raise ConfigError(f"{source.file}: {exc}") from exc


def _proven(entries: Iterable[Raw], trusted: Collection[Path]) -> tuple[list[Pattern], list[str], list[str]]:
    """Return the patterns of all entries in use, with warnings and problems."""
    patterns: list[Pattern] = []
    warnings: list[str] = []
    problems: list[str] = []
    first: dict[str, str] = {}
    for raw in entries:
        entry = Entry(raw.index, raw.entry, trusted=raw.file in trusted)
        pattern = entry.pattern() if entry.enabled else None
        where = f"{raw.file}: {entry.where}"
        if entry.name and entry.name in first:
            entry.problems.append(f"name is used twice, first by {first[entry.name]}")
        first.setdefault(entry.name, where)
        problems += [f"{where}: {problem}" for problem in entry.problems]
        warnings += [f"{where}: {warning}" for warning in entry.warnings()]
        if pattern is not None:
            patterns.append(pattern)
    return patterns, warnings, problems
