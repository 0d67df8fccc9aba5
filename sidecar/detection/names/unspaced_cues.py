"""Finds Chinese, Japanese and Korean names by what stands around them: no blank separates their words.

The expressions are data (``unspaced_cues.json``), and bounded: time is linear. A Chinese or Korean name
starts with a common surname.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from importlib import resources
from typing import Any

from sidecar.model import Origin, Span

_SCORE = 0.75
_ANY = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]")
_LANGUAGES = ("chinese", "japanese", "korean")


class UnspacedCues:
    """Cues of Chinese, Japanese and Korean; built once."""

    __slots__ = ("_cues",)

    def __init__(self) -> None:
        raw = json.loads(resources.files(__package__).joinpath("unspaced_cues.json").read_text("utf-8"))
        self._cues = [
            (language, _compiled(raw, regex), re.compile(raw.get(f"not_{language}", r"(?!)")))
            for language in _LANGUAGES
            for regex in raw[language]
        ]

    def find(self, text: str) -> Iterator[Span]:
        """Yield the spans, in no order."""
        if text.isascii() or not _ANY.search(text):
            return
        for language, cues, no_name in self._cues:
            for cue in cues.finditer(text):
                if not no_name.search(cue.group(1)):
                    yield Span(*cue.span(1), "PERSON", _SCORE, Origin.NER, f"cue:{language}")


def _compiled(raw: Mapping[str, Any], regex: str) -> re.Pattern[str]:
    for name, chars in raw["classes"].items():
        regex = regex.replace(f"{{{name}}}", chars)
    return re.compile(regex)
