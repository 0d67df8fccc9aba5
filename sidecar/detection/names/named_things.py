"""Tells what is named after people without naming them: Nash equilibrium, Crohn's disease, a Caesar salad.

Sayings and the like are data (``set_phrases.txt``) and found in one linear pass; what stands behind a name is
looked at over a bounded stretch.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from functools import cache
from importlib.resources import files
from typing import Any

import re2

from sidecar.detection.linear import re2_options

# Things that nobody owns: behind them no name is a person's, with or without a possessive.
_PROVEN = (
    "theorem|lemma|conjecture|inequality|identity|polynomial|polynomials|matrix|matrices|equation|equations|algorithm"
    "|algorithms|automaton|automata|distribution|distributions|transform|transforms|transformation|equilibrium"
    "|equilibria|integral|integrals|eigenvalue|paradox|criterion|axiom|axioms|postulate|postulates|formula|hypothesis"
    "|distance|correlation|regression|estimator|sampling|copula|prior|likelihood|optimizer|classifier|decomposition"
    "|factorization|elimination|interpolation|approximation|series|sieve|spiral|numeral|numerals|triangle"
)
# Things that a person may have, but not in this form: ``Ann's disease`` is hers, ``Crohn disease`` is not.
_NAMED = (
    "effect|effects|scattering|radiation|radius|radii|press|presses|curl|curls|economics|syndromes|[a-z]{3,12}(?:itis|osis|emia|pathy)|motion|cycle|engine|cell|constant|number|coefficient|modulus|ratio|law|laws"
    "|principle|point|curve|diagram|chart|scale|filter|kernel|wave|waves|force|shift|limit|group|ring|field|space|logic"
    "|algebra|calculus|geometry|machine|process|chain|model|metric|norm|operator|function|tree|code|coding|method|test"
    "|disease|syndrome|dementia|palsy|lymphoma|sarcoma|tumor|tumour|contracture|phenomenon|reflex|maneuver|manoeuvre"
    "|meter|meters|metre|metres|gate|bridge|circuit|diode|oscillator|telescope|index|notation|convention|cipher"
    "|salad|pizza|sauce|dressing|sandwich|tea|steak|cake|cocktail|bag|jacket|boots|shirt|screw|wrench|valve|drill"
)
_BEHIND = re.compile(
    rf"(?:['\u2019]s?)?(?:[ -](?!the\b|a\b|my\b)[a-z]{{2,12}})?[ -](?:{_PROVEN})\b"
    rf"|[ -](?:body[ ])?(?:{_NAMED})\b"
)
_DISEASE = re.compile(
    r"['\u2019]s[ -](?:disease|syndrome|dementia|palsy|lymphoma|sarcoma|sign|reflex|law|laws)\b"
)
_AT_END = re.compile(rf"[^\W\d_]+(?:['\u2019]s)?[ -](?:{_PROVEN}|{_NAMED})")


THINGS = rf"[ -](?:{_PROVEN}|{_NAMED})"
"""What a text needs in which a thing is named after somebody, in RE2's syntax."""


def is_named_thing(text: str, start: int, end: int) -> bool:
    """Tell whether one word, or two with a hyphen, is only part of the name of a thing.

    A thing's noun behind it has no capital: ``Wells Street Bridge`` is a place.
    """
    name = text[start:end]
    return bool(_AT_END.fullmatch(name)) or (" " not in name and bool(_BEHIND.match(text, end)))


def is_named_disease(text: str, end: int) -> bool:
    """Tell whether ``'s disease`` or the like follows, which may also be somebody's own."""
    return bool(_DISEASE.match(text, end))


@cache
def set_phrases() -> str:
    """Return what finds all set phrases, in RE2's syntax."""
    lines = files("sidecar.detection.names").joinpath("set_phrases.txt").read_text("utf-8").splitlines()
    phrases = [line for line in lines if line and not line.startswith("#")]
    either = "|".join(re.escape(phrase).replace("'", "['\u2019]") for phrase in phrases)
    return rf"(?i)\b(?:{either})\b"


@cache
def _phrases() -> Any:  # noqa: ANN401 - re2 has no types
    return re2.compile(set_phrases(), re2_options())


class SetPhrases:
    """The set phrases of one text."""

    __slots__ = ("_ends", "_starts")

    def __init__(self, text: str) -> None:
        found = [phrase.span() for phrase in _phrases().finditer(text)]
        self._starts = [start for start, _ in found]
        self._ends = [end for _, end in found]

    def hold(self, start: int, end: int) -> bool:
        """Tell whether a stretch lies within a set phrase, but for an article."""
        at = bisect_right(self._starts, start + 2) - 1
        return at >= 0 and self._starts[at] <= start + 2 and end <= self._ends[at]
