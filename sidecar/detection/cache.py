"""Remembers what was found in a text, so that a resent history costs one look-up per message.

A text is remembered whole, under a keyed hash of all that its spans depend on and of who sent it: the
memory holds offsets, entity types, scores and rules, no text and nothing that could be compared with one.
Forgetting never changes a result, since what is not remembered is detected again.

An edited text is a new one, since a cue, a column or a list may reach across the whole of it; only models
read it in pieces that stand for themselves (``pieces``), so just these are remembered one by one (``ner``).
"""

from __future__ import annotations

import hashlib
import secrets
import sys
from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Protocol

from sidecar.model import Passage, Span

KEY_BYTES = 32
# What CPython takes for an entry without spans (the key, the table's share, the empty tuple) and for each
# span (its object, two integers, a float, the place in the tuple), rounded up; a test measures it.
ENTRY_BYTES = 320
SPAN_BYTES = 192

Detect = Callable[[Sequence[Passage]], list[list[Span]]]
Remember = Callable[[Sequence[Passage], Detect], list[list[Span]]]  # ``through``, for some version and scope


@dataclass(frozen=True, slots=True)
class CacheStats:
    """Look-ups so far, of texts and of the pieces of long ones; what is held now, in ``bytes``.

    ``evictions`` counts what had to go for want of room.
    """

    hits: int = 0
    misses: int = 0
    evictions: int = 0
    entries: int = 0
    bytes: int = 0


class Sized(Protocol):
    """Something else than spans to remember: offsets, entity types and numbers, no text."""

    @property
    def size(self) -> int:
        """How many bytes it takes."""


class SpanCache:
    """Spans by keyed hash, least recently used first out.

    The secret key is drawn here and never leaves the process; workers that are forked later share it,
    but not what they remember.

    Args:
        max_bytes: How much memory it may take; what alone would take more is not remembered.
        lock: Held for every look at the memory, and never for longer; None where one thread works.
    """

    def __init__(self, max_bytes: int, lock: AbstractContextManager[object] | None = None) -> None:
        self._max_bytes = max_bytes
        self._lock = nullcontext() if lock is None else lock
        self._secret = secrets.token_bytes(KEY_BYTES)
        self._spans: OrderedDict[bytes, tuple[Span, ...] | Sized] = OrderedDict()
        self._versions = self._bytes = self._hits = self._misses = self._evictions = 0

    @property
    def stats(self) -> CacheStats:
        """What became of all texts so far."""
        with self._lock:
            return CacheStats(self._hits, self._misses, self._evictions, len(self._spans), self._bytes)

    def new_version(self) -> int:
        """Return a number for one set of detectors, which never hits what another set has found."""
        with self._lock:
            self._versions += 1
            return self._versions

    def through(
        self, passages: Sequence[Passage], detect: Detect, version: int, scope: bytes
    ) -> list[list[Span]]:
        """Return the spans of each passage in turn: remembered, or detected now and remembered.

        Args:
            passages: The texts; the result for one must depend on that one alone.
            detect: Returns the spans of passages; called at most once, with what is not remembered.
            version: The number of the detectors that ``detect`` runs.
            scope: Whoever shares it shares what is remembered.
        """
        keys = self.keys(passages, version, scope)
        known = {key: spans for key in keys if (spans := self._get(key)) is not None}
        new = {key: passage for key, passage in zip(keys, passages, strict=True) if key not in known}
        if new:
            for key, found in zip(new, detect(list(new.values())), strict=True):
                known[key] = tuple(map(_plain, found))
                self._put(key, known[key])
        return [list(known[key]) for key in keys]

    def keys(self, passages: Sequence[Passage], version: int, scope: bytes) -> list[bytes]:
        """Return the keyed hash of each passage, for one set of detectors and whoever shares a scope."""
        shared = hashlib.blake2b(key=self._secret, person=b"spans", digest_size=KEY_BYTES)
        shared.update(b"%d:%d:%b" % (version, len(scope), scope))
        begun: dict[tuple[bool, str], hashlib.blake2b] = {}  # texts of one request share few hints
        keys = []
        for passage in passages:
            beside = passage.patterns_only, passage.hint
            if beside not in begun:
                hint = passage.hint.encode("utf-8", "surrogatepass")
                begun[beside] = shared.copy()
                begun[beside].update(b"%d:%d:%b" % (passage.patterns_only, len(hint), hint))
            hashed = begun[beside].copy()
            hashed.update(passage.text.encode("utf-8", "surrogatepass"))
            keys.append(hashed.digest())
        return keys

    def chained(self, keys: Sequence[bytes]) -> list[bytes]:
        """Return for each key that of the sequence which ends with it."""
        hashed = hashlib.blake2b(key=self._secret, person=b"sequence", digest_size=KEY_BYTES)
        chained = []
        for key in keys:
            hashed.update(key)
            chained.append(hashed.copy().digest())
        return chained

    def recall_longest(self, keys: Sequence[bytes], chained: Sequence[bytes]) -> tuple[int, Sized | None]:
        """Return what is remembered of the longest sequence, and its length; nothing at all is 0.

        Args:
            keys: Those of texts, which count as looked up where a sequence holds them.
            chained: Those of the sequences that end with each of them.
        """
        with self._lock:
            for count in range(len(chained), 0, -1):
                noted = self._spans.get(chained[count - 1])
                if noted is None or isinstance(noted, tuple):
                    continue
                self._hits += count
                for key in (*keys[:count], chained[count - 1]):
                    if key in self._spans:
                        self._spans.move_to_end(key)
                return count, noted
        return 0, None

    def remember(self, key: bytes, noted: Sized, before: bytes = b"") -> None:
        """Remember something of a sequence; what is remembered of the one ``before`` is the first to go."""
        self._put(key, noted)
        with self._lock:
            if before in self._spans:
                self._spans.move_to_end(before, last=False)

    def _get(self, key: bytes) -> tuple[Span, ...] | None:
        with self._lock:
            spans = self._spans.get(key)
            if not isinstance(spans, tuple):
                self._misses += 1
                return None
            self._hits += 1
            self._spans.move_to_end(key)
            return spans

    def _put(self, key: bytes, spans: tuple[Span, ...] | Sized) -> None:
        size = _size(spans)
        if size > self._max_bytes:
            return
        with self._lock:
            if key in self._spans:  # another thread has met the same text
                return
            self._spans[key] = spans
            self._bytes += size
            while self._bytes > self._max_bytes:
                _, gone = self._spans.popitem(last=False)
                self._bytes -= _size(gone)
                self._evictions += 1


def _plain(span: Span) -> Span:
    """Return the span with one string for all spans of its rule."""
    return Span(
        span.start, span.end, sys.intern(span.entity_type), span.score, span.origin, sys.intern(span.rule)
    )


def _size(spans: tuple[Span, ...] | Sized) -> int:
    own = SPAN_BYTES * len(spans) if isinstance(spans, tuple) else spans.size
    return ENTRY_BYTES + own
