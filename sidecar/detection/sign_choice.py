"""Chooses, of what every match of a pattern must hold, a short part that few texts hold.

Any choice is right; a good one spares work. Letters and digits are as frequent as in ordinary English text.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from sidecar.detection.symbols import EDGE, between

Sign = tuple[int, ...]
"""Sets of symbols, one for each place, all non-empty."""

MAX_SIGN = 16  # symbols of a sign, as signs.h has it
_LOOKED_UP = 12  # symbols of a sign that is found by the hash of a part; more of them tell little more
_HASHED = 3  # neighboring symbols that the hash is made of, at least
_WAYS = 16  # ways of writing those symbols, at most, in one case
_NARROW = 32  # more bytes are not worth counting
_BIT = 1e-7  # what one symbol costs of a sign that is not looked up, as probability
_BEGUN = 3e-6  # what it costs wherever its first symbol stands
_NEVER = 9.0
_CACHED = 1 << 14

_DIGITS = between(ord("0"), ord("9"))
_CLUSTERED = 15.0  # times that a digit is likelier behind a digit

_FREQUENT = dict(
    zip(
        "etaoinsrhldcumfpgwybvkxjqz",
        (102, 75, 65, 62, 57, 57, 53, 50, 50, 33, 33, 31, 23, 20, 18, 17, 16, 15, 15, 12, 8, 6, 2, 2, 1, 1),
        strict=True,
    )
)  # of a thousand characters


def _frequencies() -> list[float]:
    each = [0.0015] * 128 + [0.001] * 128 + [0.01]
    for letter, share in _FREQUENT.items():
        each[ord(letter)] = share / 1000
        each[ord(letter.upper())] = share / 12000
    for char, share in ((" ", 160), ("\n", 20), (",", 10), (".", 10), ("-", 10)):
        each[ord(char)] = share / 1000
    for digit in "0123456789":
        each[ord(digit)] = 0.004
    return each


_FREQUENCIES = _frequencies()


class Choice(NamedTuple):
    """Signs one of which stands in every match, and how likely a place is to hold one; no signs: unknown."""

    odds: float
    signs: tuple[Sign, ...]

    @classmethod
    def of(cls, sequences: Iterable[Sign]) -> Choice:
        """Return the best parts of sequences one of which stands in every match."""
        return cls.among(dict.fromkeys(map(_part, sequences)))

    @classmethod
    def among(cls, signs: Iterable[Sign]) -> Choice:
        """Return the choice of signs one of which stands in every match."""
        chosen = tuple(signs)
        return cls(sum(map(_odds, chosen)), chosen) if chosen and all(chosen) else UNKNOWN

    def or_better(self, other: Choice) -> Choice:
        """Return the choice that fewer texts hold."""
        return other if other.odds < self.odds else self


UNKNOWN = Choice(_NEVER, ())


@lru_cache(maxsize=_CACHED)
def _part(sequence: Sign) -> Sign:
    """Return the part of a sequence of which a sign is best made."""
    likely = [_likely(symbols) for symbols in sequence]
    ways = [_ways(symbols) for symbols in sequence]
    anchors = [
        (likely[at] * likely[at + 1] * likely[at + 2], at)
        for at in range(len(sequence) - _HASHED + 1)
        if ways[at] * ways[at + 1] * ways[at + 2] <= _WAYS
    ]
    if anchors:
        first = max(0, min(min(anchors)[1] - _LOOKED_UP // 2, len(sequence) - _LOOKED_UP))
        return sequence[first : first + _LOOKED_UP]
    best, least = (0, 0), _NEVER
    for first, begun in enumerate(likely):
        odds = 1.0
        for last in range(first, min(len(sequence), first + MAX_SIGN)):
            odds *= likely[last] * (_clusters(sequence[last - 1], sequence[last]) if last > first else 1)
            cost = odds + _BIT * (last - first) + _BEGUN * begun
            if cost < least:
                best, least = (first, last + 1), cost
    return sequence[slice(*best)]


@lru_cache(maxsize=_CACHED)
def _odds(sign: Sign) -> float:
    odds = _likely(sign[0])
    for before, symbols in pairwise(sign):
        odds *= _likely(symbols) * _clusters(before, symbols)
    return odds


def _clusters(before: int, symbols: int) -> float:
    """Return how many times likelier a symbol is behind another: digits stand together."""
    return _CLUSTERED if not (before | symbols) & ~_DIGITS else 1.0


@lru_cache(maxsize=_CACHED)
def _likely(symbols: int) -> float:
    return min(1.0, sum(share for symbol, share in enumerate(_FREQUENCIES) if symbols >> symbol & 1))


@lru_cache(maxsize=_CACHED)
def _ways(symbols: int) -> int:
    """Return how many bytes are in a set, but for case; many if the edge is too, or they are many."""
    if symbols >= EDGE or symbols.bit_count() > _NARROW:
        return _WAYS + 1
    return len({chr(byte).lower() for byte in range(256) if symbols >> byte & 1})
