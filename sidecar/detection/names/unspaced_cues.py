"""Finds Chinese, Japanese and Korean names by what stands around them: no blank separates their words.

The expressions are data (``unspaced_cues.json``), and bounded: time is linear. A Chinese or Korean name
starts with a common surname.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any

from sidecar.detection.names.rules import Rule
from sidecar.detection.names.windows import Windowed
from sidecar.model import Origin, Span

_SCORE = 0.75
_ANY = "[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]"
_LANGUAGES = ("chinese", "japanese", "korean")


@dataclass(frozen=True, slots=True)
class _Cue:
    """What stands around names (its first group), and what is none."""

    rule: str
    regex: Windowed
    no_name: re.Pattern[str]

    def find(self, text: str) -> Iterator[Span]:
        for cue in self.regex.finditer(text):
            if not self.no_name.search(cue.group(1)):
                yield Span(*cue.span(1), "PERSON", _SCORE, Origin.NER, self.rule)


def unspaced_rules() -> Iterator[Rule]:
    """Yield the rules of Chinese, Japanese and Korean."""
    raw = json.loads(resources.files(__package__).joinpath("unspaced_cues.json").read_text("utf-8"))
    for language in _LANGUAGES:
        no_name = re.compile(raw.get(f"not_{language}", r"(?!)"))
        for regex in raw[language]:
            yield Rule(_ANY, _Cue(f"cue:{language}", Windowed(_compiled(raw, regex)), no_name).find)


def _compiled(raw: Mapping[str, Any], regex: str) -> re.Pattern[str]:
    for name, chars in raw["classes"].items():
        regex = regex.replace(f"{{{name}}}", chars)
    return re.compile(regex)
