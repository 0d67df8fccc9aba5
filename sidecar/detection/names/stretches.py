"""Reads the stretches of one text that detectors found, each once, however many of them found it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from sidecar.detection.names.gazetteer_list import fold
from sidecar.model import Span

_WORD = re.compile(r"[^\W\d_]+(?:['\u2019-][^\W\d_]+)*")


class Stretch(NamedTuple):
    """What a stretch says, its words, and the facts that are known about each of them."""

    name: str
    words: list[str]
    known: list[int]


class Stretches:
    """All findings of one text.

    Args:
        text: The text.
        facts: What is known about words.
    """

    __slots__ = ("_facts", "_read", "text")

    def __init__(self, text: str, facts: Mapping[str, int]) -> None:
        self.text = text
        self._facts = facts
        self._read: dict[tuple[int, int], Stretch] = {}

    def of(self, span: Span) -> Stretch:
        """Return what stands in a span."""
        place = span.start, span.end
        stretch = self._read.get(place)
        if stretch is None:
            name = self.text[span.start : span.end]
            words = _WORD.findall(name)
            stretch = self._read[place] = Stretch(
                name, words, [self._facts.get(fold(word), 0) for word in words]
            )
        return stretch
