"""The text that detectors read instead of the original, and the exact way back.

Escapes are decoded, characters folded, look-alike letters read as Latin, spelled-out addresses and
numbers written as usual. Every stretch leads back to the smallest stretch of the original that holds
every character which gave it. Text that needs none of this stays the same object, for the price of a
look. Nothing is read twice, so that a text which spells an escape by an escape is not decoded further
than the steps below say. Time is linear.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from sidecar.detection.linear import TextView
from sidecar.detection.prefilter import Prefilter, Wanted
from sidecar.detection.stretches import in_slices, matches, slices
from sidecar.detection.view.characters import characters
from sidecar.detection.view.escapes import backslash_edits, web_edits
from sidecar.detection.view.homoglyphs import LOOKALIKES, read_as_latin
from sidecar.detection.view.offsets import Edit, OffsetMap, rewritten
from sidecar.detection.view.spoken_addresses import ADDRESS, address_edits
from sidecar.detection.view.spoken_digits import DIGITS, digit_edits

_ADDRESS, _DIGITS = range(2)
# One automaton of RE2 tells both apart from plain text better than signs do.
_SPOKEN = Prefilter([Wanted(lambda: ADDRESS.coarse), Wanted(lambda: DIGITS.coarse)], native=None)
_IDEOGRAPHIC_STOP = "\u3002"
_LABEL_STOP = re.compile(
    rf"(?<=[A-Za-z0-9]){_IDEOGRAPHIC_STOP}(?=[A-Za-z0-9])"
    rf"|@[^\W\x00-\x7f]++{_IDEOGRAPHIC_STOP}(?=[^\W\x00-\x7f])"
)


@dataclass(frozen=True, slots=True)
class NormalizedText:
    """What was written (``original``) and what detectors read (``text``), in code points both."""

    original: str
    text: str
    _maps: tuple[OffsetMap, ...] = field(default=(), repr=False, compare=False)

    def original_stretch(self, start: int, end: int) -> tuple[int, int]:
        """Return where ``[start, end)`` of ``text`` stands in ``original``."""
        for step in reversed(self._maps):
            start, end = step.source(start, end)
        return start, end


def normalized(text: str, tick: Callable[[], None] = lambda: None) -> NormalizedText:
    """Return the text as detectors are to read it; lone surrogates stay one code point each.

    Args:
        text: What was written.
        tick: Called now and then.
    """
    reading = _Reading(text, tick)
    if "\\" in text:
        reading.rewrite(backslash_edits)
    if "%" in text or "&" in text:
        reading.rewrite(web_edits)
    if not reading.text.isascii():
        _fold(reading)
    view = TextView(reading.text)
    spoken = _SPOKEN.matching(view.data)
    if _ADDRESS in spoken and reading.rewrite(lambda _: address_edits(view)):
        view = TextView(reading.text)
        spoken = _SPOKEN.matching(view.data)
    if _DIGITS in spoken:
        reading.rewrite(lambda _: digit_edits(view))
    return NormalizedText(text, reading.text, tuple(reading.maps))


class _Reading:
    """A text on its way to ``NormalizedText``."""

    __slots__ = ("maps", "text", "tick")

    def __init__(self, text: str, tick: Callable[[], None]) -> None:
        self.text = text
        self.tick = tick
        self.maps: list[OffsetMap] = []

    def rewrite(self, edits: Callable[[str], Iterable[Edit]]) -> bool:
        """Make all edits that a step finds in the text; tell whether there were any."""
        self.text, offsets = rewritten(self.text, edits(self.text), self.tick)
        if offsets is None:
            return False
        self.maps.append(offsets)
        return True


def _fold(reading: _Reading) -> None:
    """Fold the characters of a text that is not all ASCII."""
    tables = characters()
    present = frozenset[str]().union(*map(tables.all.intersection, slices(reading.text)))
    if present:
        reading.text = in_slices(reading.text, lambda part: part.translate(tables.one_to_one))
        reading.rewrite(lambda text: tables.edits(text, present))
    if not all(map(LOOKALIKES.isdisjoint, slices(reading.text))):
        reading.text = read_as_latin(reading.text)
    if _IDEOGRAPHIC_STOP in reading.text:
        reading.rewrite(_stop_edits)


def _stop_edits(text: str) -> Iterator[Edit]:
    for found in matches(_LABEL_STOP, text):
        yield found.end() - 1, found.end(), "."
