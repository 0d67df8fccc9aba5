"""What the operator says is never sensitive, or always is: allow and deny lists.

One entry a line, ``[TYPE:] text``; ``#`` starts a comment. Letter case does not count unless the text stands
in double quotes; white space, however much of any kind, counts as one blank, and a curly apostrophe as a
straight one. An entry stands for whole words only, written as it is or as detectors read it (``normalized``).
Time is linear in the text, however long the lists are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path

import ahocorasick

from sidecar.detection.pattern_entry import TYPE_NAME
from sidecar.detection.view.normalized import normalized
from sidecar.detection.view.offsets import Edit, rewritten
from sidecar.errors import ConfigError
from sidecar.model import Origin, Span

CUSTOM = "CUSTOM"
"""Entity type of what a deny list names without a type."""

ALLOW_RULE, DENY_RULE = "allow list", "deny list"
_TYPED = re.compile(r"([A-Z][A-Z0-9_]*)[ \t]*:[ \t]*(?=\S)")
_QUOTED = re.compile(r'"(.+)"')
_BLANKS = re.compile(r"\s+")
_BLANK = re.compile(r"\s{2,}|[^\S ]")
_APOSTROPHES = {ord(char): "'" for char in "\u2018\u2019\u02bc"}


@dataclass(frozen=True, slots=True)
class Listed:
    """One entry: its text (in lower case unless ``exact``) and, if it holds for one type only, that type."""

    text: str
    entity_type: str | None
    exact: bool

    def fits(self, spelled: str, folded: str) -> bool:
        """Tell whether a text, as spelled and in lower case, is this entry."""
        return (spelled if self.exact else folded) == self.text


class AllowList:
    """Entries that are never sensitive."""

    __slots__ = ("_entries",)

    def __init__(self, entries: Iterable[Listed] = ()) -> None:
        self._entries: dict[str, list[Listed]] = {}
        for entry in _spellings(entries):
            self._entries.setdefault(_lower(entry.text), []).append(entry)

    def __bool__(self) -> bool:
        return bool(self._entries)

    def extended(self, entries: Iterable[Listed]) -> AllowList:
        """Return a list with more entries."""
        return AllowList([*(entry for group in self._entries.values() for entry in group), *entries])

    def allows(self, original: str, entity_type: str) -> bool:
        """Tell whether a text may stay although a detector took it for an entity of that type."""
        if not self:
            return False
        spelled = _plain(original).strip()
        folded = _lower(spelled)
        return any(
            entry.entity_type in (None, entity_type) and entry.fits(spelled, folded)
            for entry in self._entries.get(folded, ())
        )


class DenyList:
    """Entries that are always sensitive."""

    __slots__ = ("_automaton", "_whole", "entity_types")

    def __init__(self, entries: Iterable[Listed] = ()) -> None:
        by_text: dict[str, list[Listed]] = {}
        every = _spellings(entries)
        self._whole = AllowList(replace(entry, entity_type=None) for entry in every)
        for entry in every:
            by_text.setdefault(_lower(entry.text), []).append(entry)
        self.entity_types = tuple(sorted({entry.entity_type or CUSTOM for entry in every}))
        self._automaton: ahocorasick.Automaton | None = None
        if by_text:
            self._automaton = ahocorasick.Automaton()
            for text, group in by_text.items():
                self._automaton.add_word(text, (len(text), tuple(group)))
            self._automaton.make_automaton()

    def find(self, text: str) -> list[Span]:
        """Return the spans of all entries in a text; they may overlap."""
        if self._automaton is None:
            return []
        spelled, offsets = rewritten(text.translate(_APOSTROPHES), _blank_edits(text))
        spans = self._spans(spelled, _lower(spelled), self._automaton)
        if offsets is None:
            return list(spans)
        places = ((span, offsets.source(span.start, span.end)) for span in spans)
        return [replace(span, start=start, end=end) for span, (start, end) in places]

    def denies(self, original: str) -> bool:
        """Tell whether an entry names just this, whatever its type."""
        return self._whole.allows(original, CUSTOM)

    @staticmethod
    def _spans(spelled: str, folded: str, automaton: ahocorasick.Automaton) -> Iterator[Span]:
        for last, (length, group) in automaton.iter(folded):
            start, end = last + 1 - length, last + 1
            if not _is_whole(spelled, start, end):
                continue
            for entry in group:
                if entry.fits(spelled[start:end], folded[start:end]):
                    entity_type = entry.entity_type or CUSTOM
                    yield Span(start, end, entity_type, 1.0, Origin.PATTERN, DENY_RULE)


def read_list(file: Path) -> list[Listed]:
    """Read a list.

    Raises:
        ConfigError: It cannot be read, or a line is no entry; the message lists every problem.
    """
    try:
        lines = file.read_text("utf-8-sig").splitlines()
    except OSError as exc:
        raise ConfigError(f"{file}: cannot be read: {exc.strerror}") from exc
    except UnicodeDecodeError as exc:
        raise ConfigError(f"{file}: is not UTF-8 (byte {exc.start})") from exc
    entries: list[Listed] = []
    problems: list[str] = []
    for number, line in enumerate(lines, start=1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        entry = _entry(text)
        if any(char.isalnum() for char in entry.text):
            entries.append(entry)
        else:
            problems.append(f"{file}: line {number}: an entry needs a letter or a digit")
    if problems:
        raise ConfigError("\n".join(problems))
    return entries


def public_facts() -> list[Listed]:
    """Return the countries and public figures that the ``balanced`` policy spares."""
    return read_list(Path(str(resources.files(__package__) / "public_facts.txt")))


def _entry(line: str) -> Listed:
    entity_type = None
    if (typed := _TYPED.match(line)) and TYPE_NAME.fullmatch(typed[1]):
        entity_type, line = typed[1], line[typed.end() :]
    if quoted := _QUOTED.fullmatch(line):
        return Listed(_plain(quoted[1]), entity_type, exact=True)
    return Listed(_lower(_plain(line)), entity_type, exact=False)


def _spellings(entries: Iterable[Listed]) -> list[Listed]:
    """Return the entries as they are written and as detectors read them."""
    spelled: dict[Listed, None] = {}
    for entry in entries:
        spelled[entry] = None
        read = _plain(normalized(entry.text).text)
        if any(char.isalnum() for char in read):
            spelled[replace(entry, text=read if entry.exact else _lower(read))] = None
    return list(spelled)


def _plain(text: str) -> str:
    return _BLANKS.sub(" ", text.translate(_APOSTROPHES))


def _blank_edits(text: str) -> Iterator[Edit]:
    return ((*found.span(), " ") for found in _BLANK.finditer(text))


def _lower(text: str) -> str:
    """Return the text in lower case, without a change of offsets."""
    lower = text.lower()
    if len(lower) == len(text):
        return lower
    return "".join(
        each if len(each) == 1 else char for char, each in zip(text, map(str.lower, text), strict=True)
    )


def _is_whole(text: str, start: int, end: int) -> bool:
    before = start > 0 and text[start - 1].isalnum() and text[start].isalnum()
    after = end < len(text) and text[end].isalnum() and text[end - 1].isalnum()
    return not before and not after
