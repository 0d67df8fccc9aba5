"""Goes on where an earlier request of the same conversation ended: originals are sought in what is new.

Law: where ``spread_on`` answers, it says what ``propagation.spread`` says of the same texts all together.
It does not answer where what is new gives away something in the texts before.

Texts and spellings are compared by their *runs* first, stretches of ASCII letters and digits in one letter
case: wherever a spelling stands, each of its runs stands as a whole. That spares most texts a closer look.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum

from sidecar.detection.folding import folded
from sidecar.detection.propagation import filled, whole
from sidecar.detection.sought import LONGEST, NAMES, Covered, Entry, Sought, is_read_as_it_is, read_otherwise
from sidecar.model import Passage, Span

# ASCII as runs and blanks; what parts originals stays.
_TO_RUNS = bytes(
    code if code == 0 or 0x2F < code < 0x3A or 0x60 < code < 0x7B else 0x20
    for code in bytes(range(256)).lower()
)
# Characters outside of ASCII that fold to a letter or digit of it.
_FOLDING = [char for char in map(chr, (*range(0x80, 0x2070), 0x212A)) if folded(char).isascii()]
_FOLDS = re.compile(f"[{''.join(char for char in _FOLDING if folded(char).isalnum())}]")
_FEW = 64  # spellings for which the runs of each text are looked at
SOURCE_BYTES = 320  # what CPython takes for a source: its object, two tuples and four integers, rounded up


class Reads(IntEnum):
    """How the runs of a text are found, and whether they are those of what detectors read."""

    PLAINLY = 0
    FOLDED = 1  # some characters fold to runs
    OTHERWISE = 2  # detectors read more than stands there


@dataclass(frozen=True, slots=True)
class Before:
    """What is to be known of the first texts of a request: offsets and types, no text.

    ``sources``: where each original stands that is looked for elsewhere; ``since`` has the number of its
    text. ``reads`` has a ``Reads`` for each text.
    """

    sources: tuple[Covered, ...] = ()
    reads: bytes = b""

    @property
    def size(self) -> int:
        """How many bytes it takes."""
        return SOURCE_BYTES * len(self.sources) + len(self.reads)


NOTHING = Before()


@dataclass(frozen=True, slots=True)
class Spread:
    """The spans of the new texts, and what is to be known of all texts from now on."""

    spans: list[list[Covered]]
    before: Before


def spread_on(
    before: Before,
    passages: Sequence[Passage],
    spans: Sequence[Sequence[Span]],
    tick: Callable[[], None] = lambda: None,
    *,
    ends: bool = False,
) -> Spread | None:
    """Return the spans of the new texts; None if something in the texts before would change.

    Args:
        before: What is known of the first texts.
        passages: All texts of a request.
        spans: For each new one its spans, disjoint and ascending.
        tick: Called now and then.
        ends: Nothing goes on from here, so nothing is to be known next time.
    """
    count = len(before.reads)
    first, new = passages[:count], passages[count:]
    kept = whole(new, spans, count)
    sought = Sought(tick)
    for source in _that_may_stand_in(new, before.sources, passages, tick):
        sought.add(_original(passages, source), source)
    if count:
        sought.watch()
    stand_alone = not count and _stand_alone(new, kept)
    adds = sought.is_new if stand_alone else sought.add
    sources = [
        span
        for passage, found in zip(new, kept, strict=True)
        for span in found
        if adds(passage.text[span.start : span.end], span)
    ]
    if count and (sought.is_long or _changes(first, before.reads, *sought.changed(), tick)):
        return None
    found = kept if stand_alone else filled(new, kept, sought, tick)
    if ends:
        return Spread(found, NOTHING)
    reads = before.reads + bytes(_how_read(passage.text, tick) for passage in new)
    return Spread(found, Before((*before.sources, *sources), reads))


def _stand_alone(passages: Sequence[Passage], kept: Sequence[Sequence[Covered]]) -> bool:
    """Tell whether no original can have another place: no run of any is left uncovered.

    Only of plain texts in which spans and words end together; mostly short ones.
    """
    uncovered: list[str] = []
    originals: list[str] = []
    for passage, spans in zip(passages, kept, strict=True):
        text, done = passage.text, 0
        if not is_read_as_it_is(text):
            return False
        for span in spans:
            start, end = span.start, span.end
            if (start and text[start - 1 : start + 1].isalnum()) or (
                end < len(text) and text[end - 1 : end + 1].isalnum()
            ):
                return False
            uncovered.append(text[done:start])
            originals.append(text[start:end])
            done = end
        uncovered.append(text[done:])
    runs = set(_runs(" ".join(uncovered), Reads.PLAINLY).split())
    for original in originals:
        own = _runs(original, Reads.PLAINLY).split()
        if not own or not runs.isdisjoint(own) or b"".join(own) in runs:
            return False
    return True


def _original(passages: Sequence[Passage], source: Covered) -> str:
    return passages[source.since[0]].text[source.start : source.end]


def _that_may_stand_in(
    new: Sequence[Passage], sources: Sequence[Covered], passages: Sequence[Passage], tick: Callable[[], None]
) -> Iterable[Covered]:
    """Yield the sources that a spelling in the new texts may mean, and few others."""
    if not sources:
        return
    runs: set[bytes] = set()
    for passage in new:
        runs.update(_runs(passage.text).split())
        if read := read_otherwise(passage.text, tick):
            runs.update(_runs(read.text).split())
    originals = [_original(passages, source) for source in sources]
    own_runs = "\0".join(originals).encode("ascii", "replace").translate(_TO_RUNS).split(b"\0")
    if len(own_runs) != len(sources):  # one of them holds the sign that parts them
        own_runs = list(map(_runs, originals))
    for source, original, own in zip(sources, originals, map(bytes.split, own_runs), strict=True):
        if (
            runs.issuperset(own)
            or (source.entity_type in NAMES and not runs.isdisjoint(own))
            or b"".join(own) in runs
            or len(original) > LONGEST
            or not is_read_as_it_is(original)
        ):
            yield source


def _changes(
    passages: Sequence[Passage], reads: bytes, now: Sought, was: dict[str, Entry], tick: Callable[[], None]
) -> bool:
    """Tell whether a spelling stands in these texts that means something else now than it meant before."""
    if not was:
        return False
    is_few = len(was) <= _FEW
    spelled = {tuple(b" %b " % run for run in _runs(spelling).split()) for spelling in was}
    # The longest run is found fastest, and is the rarest.
    led = [(max(each, key=len, default=b""), each) for each in spelled]
    for passage, how in zip(passages, reads, strict=True):
        tick()
        if is_few and how != Reads.OTHERWISE:
            runs = _runs(passage.text, how)
            if not any(lead in runs and all(run in runs for run in each) for lead, each in led):
                continue
        texts = [passage.text]
        if read := read_otherwise(passage.text, tick):
            texts.append(read.text)
        for text in texts:
            for start, end, entry in now.hits(text):
                before = was.get(entry.spelling)
                if before and entry.meant_by(text, start, end) != before.meant_by(text, start, end):
                    return True
    return False


def _how_read(text: str, tick: Callable[[], None]) -> Reads:
    how = Reads.FOLDED if _FOLDS.search(text) else Reads.PLAINLY
    read = read_otherwise(text, tick)
    is_more = read and not set(_runs(read.text).split()) <= set(_runs(text, how).split())
    return Reads.OTHERWISE if is_more else how


def _runs(text: str, how: int | None = None) -> bytes:
    """Return the runs of a text with blanks between and around them."""
    if how is None:
        how = Reads.FOLDED if not text.isascii() and _FOLDS.search(text) else Reads.PLAINLY
    if how == Reads.FOLDED:
        text = folded(text)
    return b" %b " % text.encode("ascii", "replace").translate(_TO_RUNS).replace(b"\0", b" ")
