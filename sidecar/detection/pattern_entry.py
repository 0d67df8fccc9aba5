"""One entry of ``patterns.json``: read, compiled and proven by its own examples.

An entry needs ``name``, ``type`` and ``regex``; a group ``(?P<original>…)`` in the regex marks the part of a
match that is sensitive. Optional are

- ``flags``: letters out of ``i``, ``m``, ``s``, ``x``;
- ``check``: the name of a test on the matched string (``checks.registry``);
- ``context``: words, and ``context_within``: characters between word and match at most;
- ``need``: what a match must show: ``nothing``, ``check``, ``context``, ``either`` or ``both``; by default
  whichever of the two there is, and either if there are both;
- ``score``: 0 to 1, decides between overlapping spans;
- ``match``: texts in which it must find exactly the whole text, or objects of ``text``, ``hint`` and
  ``find`` (one string or all of them in order); ``no_match``: texts in which it must find nothing;
- ``enabled``: false leaves the entry out; ``description``: for people.

All that is wrong with an entry is collected, not just the first thing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sidecar.detection.checks.registry import CHECKS, check_named
from sidecar.detection.context import ContextWords
from sidecar.detection.linear import LinearPattern, TextView
from sidecar.detection.overlap import resolve
from sidecar.detection.patterns import Need, Pattern, PatternDetector
from sidecar.detection.syntax import Unsupported

TYPE_NAME = re.compile(r"[A-Z][A-Z0-9_]*")
_SCORE = 0.85
_FLAGS = {"i": re.IGNORECASE, "m": re.MULTILINE, "s": re.DOTALL, "x": re.VERBOSE}
_REQUIRED = ("name", "type", "regex")
_OPTIONAL = "flags check context context_within need score match no_match enabled description"
_KNOWN = frozenset([*_REQUIRED, *_OPTIONAL.split()])


@dataclass(frozen=True, slots=True)
class _Example:
    """A text, and for ``match`` the strings that must be found in it, in order."""

    text: str
    hint: str
    find: tuple[str, ...]


class Entry:
    """Reads one entry and collects all that is wrong with it."""

    def __init__(self, index: int, raw: object, *, trusted: bool = False) -> None:
        """Keep the entry; ``index`` counts from 0, and a ``trusted`` one has been proven before."""
        self._trusted = trusted
        self.raw: dict[str, Any] = raw if isinstance(raw, dict) else {}
        name = self.raw.get("name")
        self.name = name if isinstance(name, str) else ""
        self.where = f"patterns[{index}]" + (f" {self.name}" if self.name else "")
        self.problems: list[str] = [] if isinstance(raw, dict) else ["must be an object"]

    @property
    def enabled(self) -> bool:
        """Whether the entry is to be used."""
        return self.raw.get("enabled", True) is not False

    def pattern(self) -> Pattern | None:
        """Return the proven pattern, or None and a list of problems."""
        if self.problems:
            return None
        self._check_required()
        check, context, score = self._check(), self._context(), self._score()
        need, regex = self._need(), self._regex()
        match, no_match = self._examples("match"), self._examples("no_match")
        if self.problems or regex is None:
            return None
        pattern = Pattern(self.name, self.raw["type"], regex, need, score, check, context)
        if not self._trusted:
            self._prove(pattern, match, no_match)
        return pattern

    def warnings(self) -> list[str]:
        """Return remarks about fields that mean nothing here."""
        return [f"field {key!r} is not known and ignored" for key in self.raw if key not in _KNOWN]

    def _check_required(self) -> None:
        for key in _REQUIRED:
            text = self.raw.get(key)
            if not isinstance(text, str) or not text:
                self.problems.append(f"{key} must be a non-empty string")
        entity_type = self.raw.get("type")
        if isinstance(entity_type, str) and entity_type and not TYPE_NAME.fullmatch(entity_type):
            self.problems.append("type must be capital letters, digits and underscores, a letter first")

    def _regex(self) -> LinearPattern | None:
        regex, letters = self.raw.get("regex"), self.raw.get("flags", "")
        if not isinstance(letters, str) or not set(letters) <= set(_FLAGS):
            self.problems.append(f"flags must be letters out of {''.join(_FLAGS)!r}")
            return None
        if not isinstance(regex, str) or not regex:
            return None
        try:
            return LinearPattern(regex, sum(_FLAGS[letter] for letter in set(letters)), trusted=self._trusted)
        except Unsupported as exc:
            self.problems.append(f"regex cannot be used: {exc}")
            return None

    def _check(self) -> Any:  # noqa: ANN401 - a Check or None; an unknown name is a problem
        name = self.raw.get("check")
        if name is None:
            return None
        check = check_named(name) if isinstance(name, str) else None
        if check is None:
            self.problems.append(
                f"check must be one of {', '.join(sorted(CHECKS))}, or a module of stdnum (stdnum.es.nif)"
            )
        return check

    def _context(self) -> ContextWords | None:
        words, within = self.raw.get("context"), self.raw.get("context_within")
        if words is None:
            if within is not None:
                self.problems.append("context_within needs context")
            return None
        words = [words] if isinstance(words, str) else words
        if not _is_strings(words) or not words or not all(word.strip() for word in words):
            self.problems.append("context must be a list of words")
            return None
        if within is not None and (isinstance(within, bool) or not isinstance(within, int) or within < 1):
            self.problems.append("context_within must be a positive number of characters")
            return None
        try:
            return ContextWords(words, within, trusted=self._trusted)
        except Unsupported as exc:
            self.problems.append(f"context cannot be used: {exc}")
            return None

    def _need(self) -> Need:
        has_check, has_context = "check" in self.raw, "context" in self.raw
        default = {
            (False, False): Need.NOTHING,
            (True, False): Need.CHECK,
            (False, True): Need.CONTEXT,
            (True, True): Need.EITHER,
        }[has_check, has_context]
        if "need" not in self.raw:
            return default
        names = {need.value: need for need in Need}
        need = names.get(self.raw["need"]) if isinstance(self.raw["need"], str) else None
        if need is None:
            self.problems.append(f"need must be one of {', '.join(names)}")
            return default
        if (need in (Need.CHECK, Need.EITHER, Need.BOTH) and not has_check) or (
            need in (Need.CONTEXT, Need.EITHER, Need.BOTH) and not has_context
        ):
            self.problems.append(f"need {need.value!r} is given without the check or context it names")
        return need

    def _score(self) -> float:
        score = self.raw.get("score", _SCORE)
        if isinstance(score, bool) or not isinstance(score, int | float) or not 0 <= score <= 1:
            self.problems.append("score must be a number from 0 to 1")
            return _SCORE
        return float(score)

    def _examples(self, key: str) -> list[_Example]:
        examples = self.raw.get(key, [])
        if not isinstance(examples, list):
            self.problems.append(f"{key} must be a list")
            return []
        return [each for number, raw in enumerate(examples) if (each := self._example(key, number, raw))]

    def _example(self, key: str, number: int, raw: object) -> _Example | None:
        if isinstance(raw, str):
            return _Example(raw, "", (raw,))
        if (
            isinstance(raw, dict)
            and isinstance(raw.get("text"), str)
            and isinstance(raw.get("hint", ""), str)
        ):
            find = raw.get("find", [raw["text"]])
            find = [find] if isinstance(find, str) else find
            if _is_strings(find) and raw.keys() <= {"text", "hint", "find"}:
                return _Example(raw["text"], raw.get("hint", ""), tuple(find))
        self.problems.append(f"{key}[{number}] must be a string, or an object of text, find and hint")
        return None

    def _prove(self, pattern: Pattern, match: list[_Example], no_match: list[_Example]) -> None:
        prefilter = PatternDetector([pattern])
        for number, example in enumerate(match):
            found = _found(pattern, prefilter, example)
            if found != example.find:
                self.problems.append(
                    f"match[{number}] {example.text!r} must give {_list(example.find)}, gives {_list(found)}"
                )
        for number, example in enumerate(no_match):
            if found := _found(pattern, prefilter, example):
                self.problems.append(
                    f"no_match[{number}] {example.text!r} must give nothing, gives {_list(found)}"
                )


def _is_strings(raw: object) -> bool:
    return isinstance(raw, list) and all(isinstance(each, str) for each in raw)


def _found(pattern: Pattern, prefilter: PatternDetector, example: _Example) -> tuple[str, ...]:
    view = TextView(example.text)
    spans = resolve(example.text, pattern.find(view, example.hint, lambda: None))
    if not prefilter.likely(view, example.hint):
        spans = []
    return tuple(example.text[span.start : span.end] for span in spans)


def _list(found: Sequence[str]) -> str:
    return ", ".join(map(repr, found)) if found else "nothing"
