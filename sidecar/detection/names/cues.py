"""Finds names by what stands around them: introductions, titles, greetings, sign-offs, speaker labels.

The phrases are data (``cues.json``); a name is what ``name_shape`` reads right after one. Each family of
phrases is one linear pass, taken only if its phrases stand in the text; what is done at a place is bounded.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import resources
from typing import Any

import re2

from sidecar.detection.linear import re2_options
from sidecar.detection.names import cue_ambiguous, cue_forms, cue_speakers
from sidecar.detection.names.cue_lines import line_rules
from sidecar.detection.names.name_shape import Shape, is_caseless, read
from sidecar.detection.names.rules import Rule, Rules
from sidecar.detection.names.unspaced_cues import unspaced_rules
from sidecar.model import Origin, Span

SCORE = 0.75
_OPEN = re.compile(
    r"(?:<[a-z]{1,6}>)?[ \t]{0,3}(?:\r?\n)?[ \t]{0,3}(?:[-*\u2022][ \t])?[\"'\u201c\u2018\u00ab*_(\[]{0,3}"
)
_AND = r"[ \t]+(?:and|und|et|y|e|i|en|och|ve|\u0438|\u0442\u0430|&|\+)[ \t]+"
_JOINED = re.compile(rf"[*_]{{0,3}}{_AND}", re.IGNORECASE)
_LISTED = re.compile(rf"[*_]{{0,3}}(?:,[ \t]?(?:and[ \t]+)?|{_AND}|[ \t]?\n[-*\u2022][ \t])", re.IGNORECASE)
_MOST_LISTED = 20
_STREET = re.compile(r"\d[\w ]{2,30}\Z")
_SENTENCE_START = re.compile(r"(?:\A|[.!?:;,\n\"'(*\u2022-][ \t]{0,3})\Z")
_CAMEL = re.compile(r"[a-z]{3}[A-Z]")
_NO_SHOUT = frozenset({"role", "rank", "alias"})  # SQL, protocols and grammars have these in capitals
_STRONG = frozenset({"introduction", "title", "ms_miss", "greeting"})  # a short name in capitals is one
_ACRONYM = 4  # letters at most
# What looks like a name after a title and is none.
_NEVER = frozenset(
    {"pepper", "martens", "clean", "coffee", "president", "speaker", "chairman", "chair", "vice", "robot"}
)


@dataclass(frozen=True, slots=True)
class _Family:
    """One kind of cue: its phrases, and what a name after them looks like."""

    name: str
    entity_type: str
    phrases: Any
    shape: Shape
    then: re.Pattern[str] | None
    then_loose: re.Pattern[str] | None
    not_then_loose: re.Pattern[str] | None
    is_list: bool


class Cues:
    """All cues; built once."""

    __slots__ = ("rules",)

    entity_types = ("LOCATION", "ORG", "PERSON")

    def __init__(self) -> None:
        raw = json.loads(resources.files(__package__).joinpath("cues.json").read_text("utf-8"))
        self.rules = Rules(
            [
                *cue_forms.RULES,
                *line_rules(raw["sign_offs"]),
                *cue_speakers.RULES,
                *cue_ambiguous.RULES,
                *unspaced_rules(),
                *map(_family_rule, raw["families"]),
            ]
        )

    def find(self, text: str, hint: str = "") -> list[Span]:  # noqa: ARG002 - detectors are called alike
        """Return the spans that cues show; they may overlap."""
        return self.rules.find(text)


def _family_rule(raw: Mapping[str, Any]) -> Rule:
    return Rule(_either(raw["regex"]), partial(_after_phrases, _family(raw)))


def _family(raw: Mapping[str, Any]) -> _Family:
    shape = Shape(
        raw.get("loose", "line"), raw.get("least", 1), raw.get("most", 4), raw.get("delimited", True)
    )
    return _Family(
        raw["name"],
        raw["type"],
        re2.compile(_either(raw["regex"]), re2_options()),
        shape,
        _following(raw, "then"),
        _following(raw, "then_loose"),
        _following(raw, "not_then_loose"),
        bool(raw.get("list")),
    )


def _following(raw: Mapping[str, Any], field: str) -> re.Pattern[str] | None:
    return re.compile(raw[field], re.IGNORECASE) if field in raw else None


def _either(phrases: Sequence[str]) -> str:
    return f"(?i)(?:{'|'.join(phrases)})"


def _after_phrases(family: _Family, text: str) -> Iterator[Span]:
    done = 0
    for cue in family.phrases.finditer(text):
        start, end = cue.span()
        if start < done or not _stands_free(text, start, end) or _is_no_cue(family, text, start, end):
            continue
        for low, high in _names(family, text, end):
            done = high
            yield Span(low, high, family.entity_type, SCORE, Origin.NER, f"cue:{family.name}")


def _stands_free(text: str, start: int, end: int) -> bool:
    """Tell whether no word runs into the cue, and the cue into none."""
    before, after = text[start - 1 : start], text[end : end + 1]
    if before in {"_", "$"} or (before.isalnum() and text[start].isalnum()):
        return False
    return not (after.isalnum() and text[end - 1].isalnum())


def _is_no_cue(family: _Family, text: str, start: int, end: int) -> bool:
    """Tell whether a title is none: ``10 ms``, ``221 Baker Dr``, ``MS Word``."""
    cue = text[start:end].rstrip()
    if family.name == "ms_miss":
        return cue not in {"Ms", "Miss"} and not (cue.isupper() and is_caseless(text, start))
    if family.name in _NO_SHOUT and cue.isupper():
        return True
    if family.name == "alias" and cue[:1] == "A":
        return True
    if family.name == "role" and cue[0].isupper():
        return not _SENTENCE_START.search(text, max(0, start - 8), start)
    if family.name != "title":
        return False
    return cue.lower() == "dr" and bool(_STREET.search(text, max(0, start - 40), start))


def _names(family: _Family, text: str, at: int) -> Iterator[tuple[int, int]]:
    joined = _LISTED if family.is_list else _JOINED
    for count in range(_MOST_LISTED):
        opened = _OPEN.match(text, at)
        start = opened.end() if opened else at
        end = read(text, start, family.shape)
        if (
            end < 0
            or (text[end : end + 1] == ":" and "\n" in text[max(0, at - 1) : start])
            or not _is_wanted(family, text, start, end)
        ):
            return
        if count and not family.is_list and not text[start].isupper():
            return
        yield start, end
        more = joined.match(text, end)
        if more is None:
            return
        at = more.end()


def _is_wanted(family: _Family, text: str, start: int, end: int) -> bool:
    name = text[start:end]
    if family.name == "title" and name.lower().split()[0] in _NEVER:
        return False
    if family.entity_type == "PERSON" and _CAMEL.search(name):
        return False
    if (
        name.isupper()
        and len(name) <= _ACRONYM
        and family.name not in _STRONG
        and not is_caseless(text, start)
    ):
        return False
    if family.then is not None and not family.then.match(text, end):
        return False
    if not name[0].islower() and not is_caseless(text, start):
        return True
    if family.not_then_loose is not None and family.not_then_loose.match(text, end):
        return False
    return family.then_loose is None or bool(family.then_loose.match(text, end))
