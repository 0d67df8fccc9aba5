"""What the first text fields of a request came to, so that a growing conversation costs what is new in it.

Kept by the span cache, under a keyed hash of all these fields in their order: offsets, entity types and
numbers, no text. Law: a request that goes on from its history leaves as the same bytes, with the same token
map, as one that is looked at anew; what would change the history itself is looked at anew.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sidecar.detection.continued import NOTHING, Before
from sidecar.detection.pipeline import Detection
from sidecar.formats.format import FieldKind, TextField
from sidecar.model import Passage

GIVEN_BYTES = 320  # what CPython takes for one of ``Given``, with its numbers, rounded up
FIELD_BYTES = 96  # and for the array of a field without spans, with its place


class Given(NamedTuple):
    """An original that has a token: where it stands first, the token's name, and where JSON spells it."""

    field: int
    start: int
    end: int
    entity_type: str
    number: str
    source: tuple[int, int, int] | None


@dataclass(frozen=True, slots=True)
class History:
    """The first fields of a request.

    ``given`` are the originals in the order in which they got their tokens; ``spans`` has for each field
    start, end and the original's place in ``given``, span after span.
    """

    before: Before = NOTHING
    given: tuple[Given, ...] = ()
    spans: tuple[array[int], ...] = ()

    def __len__(self) -> int:
        """Return the number of fields."""
        return len(self.spans)

    @property
    def size(self) -> int:
        """How many bytes it takes."""
        numbers = sum(map(len, self.spans)) * array("i").itemsize
        fields = FIELD_BYTES * len(self.spans)
        return self.before.size + GIVEN_BYTES * len(self.given) + fields + numbers


NO_HISTORY = History()


class Recollection:
    """The histories of one caller that a request may go on from.

    Args:
        detection: The detectors, and the cache that belongs to them.
        scope: Who is calling.
        fields: The text fields of the request.
        passages: What is looked at of each.
    """

    def __init__(
        self, detection: Detection, scope: bytes, fields: Sequence[TextField], passages: Sequence[Passage]
    ) -> None:
        self._cache = detection.cache
        self._count = 0
        self._keys: list[bytes] = []
        self._chained: list[bytes] = []
        if self._cache is not None:
            self._keys = self._cache.keys(passages, detection.version, scope)
            self._chained = self._cache.chained(list(map(_with_kind, self._keys, fields)))

    def longest(self) -> History:
        """Return what the most fields from the first on have come to."""
        if self._cache is None:
            return NO_HISTORY
        self._count, found = self._cache.recall_longest(self._keys, self._chained)
        return found if isinstance(found, History) else NO_HISTORY

    def keep(self, history: History) -> None:
        """Remember what the first fields came to, rather than fewer of them."""
        if self._cache is not None and history.given and len(history) != self._count:
            before = self._chained[self._count - 1] if self._count else b""
            self._cache.remember(self._chained[len(history) - 1], history, before)


def _with_kind(key: bytes, field: TextField) -> bytes:
    kind, nested = field.kind, field.nested
    if kind is FieldKind.STRING and not nested:
        return key
    # What is looked at of a number need not be all of it.
    text = field.text.encode("utf-8", "surrogatepass") if kind is FieldKind.NUMBER else b""
    return b"%b%d%d%d:%b" % (key, kind.value, nested, len(text), text)
