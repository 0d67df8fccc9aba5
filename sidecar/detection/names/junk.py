"""Knows what only looks like a name: source code, technical terms, ordinary words.

It judges what the model and the gazetteer found, never what a cue or a key says is a name: `name="Ann Lee"`
in code is a name still. In doubt a name stays a name. Time is linear.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from functools import cached_property

from sidecar.detection.names.code_lines import LOOK, CodeLines
from sidecar.detection.names.doubt import Doubt, agreed_on
from sidecar.detection.names.gazetteer_list import (
    ALONE,
    COMMON,
    GIVEN,
    LARGE,
    LOWER,
    PLACE,
    PLAIN,
    SURNAME,
    WordList,
    fold,
)
from sidecar.detection.names.named_things import (
    THINGS,
    SetPhrases,
    is_named_disease,
    is_named_thing,
    set_phrases,
)
from sidecar.detection.names.rules import Gates
from sidecar.detection.names.stretches import Stretches
from sidecar.detection.names.term_lists import beside_terms
from sidecar.detection.names.terms import Terms
from sidecar.detection.names.text_kind import NEEDS, TextKind
from sidecar.detection.names.windows import Windowed
from sidecar.model import Span

_FIRMS = frozenset(
    ("amazon", "apple", "google", "icon", "oracle", "quora", "target", "twitter", "visa", "world")
)

PLACEHOLDER = "a placeholder"
IN_CODE, TERM, ORDINARY, NOT_A_NAME = "source code", "a technical term", "ordinary words", "no name looks so"
DOUBTFUL = "too weakly supported"
_PHRASES, _THINGS, _CODE = range(len(NEEDS), len(NEEDS) + 3)  # the places of their needs among all
_SURE = ("cue", "structure")  # rules of detectors that read what stands around a name
_NAME = GIVEN | SURNAME
_KNOWN = _NAME | PLACE | LARGE
_WORDS = re.compile(r"[\w+#.'\u2019-]*[\w+#]")
_CAMEL = re.compile(r"[a-z][A-Z]|[A-Z]{2,}[a-z]|\d|_")
_BRACED = Windowed(re.compile(r"\{\{\s{0,2}(?:[A-Z][A-Z0-9_]{0,60}|[a-z][a-z0-9_.]{0,60})\s{0,2}\}\}"))
_VERSION = re.compile(r"(?:^|\s)v?\d+\.\d")
_JOINT = re.compile(r"[,;/&]|and|or")
_LIST = re.compile(r"\s*(?:[,;/&]|\band\b|\bor\b)\s*")
_OFFICE = re.compile(r"(?:Head|Director|Chief|Manager|Vice President|VP) (?:of|for) .+")
_COUNT = re.compile(r"\A\d[\d.,]* ")
_QUOTES = "\"'`\u201c\u2018\u00ab>*[("
_VENDORS = frozenset(
    ("adobe", "amazon", "apache", "aws", "azure", "google", "ibm", "microsoft", "oracle", "redhat")
)
_REACH = 80  # code points around a term in which others support it
# What follows the name of a scholar in the name of a thing: Hilbert space, Euler's formula.
_THING = re.compile(
    r"""(?:['\u2019]s?)?[\s-]{1,2}(?:
    algebra|algorithm|approximation|axiom|blur|bound|chain|coefficient|coding|coefficients|conjecture|constant|
    criterion|curve|decomposition|diagram|dimension|distance|distribution|effect|elimination|equation|expansion|
    expression|factorization|field|filter|force|formula|form|function|functional|game|geometry|gradient|graph|group|
    identity|index|inequality|integral|interpolation|kernel|law|lemma|limit|logic|machine|manifold|matrix|matrices|
    mechanics|method|metric|model|motion|multiplier|noise|norm|notation|number|operator|optimization|paradox|
    polynomial|principle|prior|problem|process|product|regression|representation|ring|rule|scale|
    sampling|search|sequence|series|set|sieve|space|sum|surface|symbol|syndrome|disease|temperature|test|theorem|theory|
    transform|transformation|tree|triangle|unit|variable|wave|transformed|statistics|statistic|estimator|network|networks
    )s?\b""",
    re.VERBOSE | re.IGNORECASE,
)
_TECHNICAL = re.compile(
    r"""\b(?:
    app|api|apis|backend|bug|build|builds|cli|class|classes|client|cluster|code|codebase|coding|command|compile|compiler|
    component|config|configure|container|containers|css|cvs|dashboard|data|database|debug|deploy|deployed|deployment|
    developer|developers|docs|driver|endpoint|framework|frameworks|frontend|function|functions|host|image|implement|
    import|install|installed|integration|job|jobs|language|languages|library|libraries|linter|
    list\ comprehension|
    master|microservice|migration|module|modules|node|orm|package|packages|parser|pipeline|pipelines|plugin|plugins|
    pod|pods|program|programming|programmer|project|query|release|repo|repository|runtime|script|scripts|sdk|server|
    servers|service|software|sql|stack|syntax|template|test|tests|tool|tooling|tutorial|version|versions|webapp|
    website|workflow
    )\b""",
    re.VERBOSE | re.IGNORECASE,
)


class Junk:
    """Judges names in one text after the other.

    Args:
        words: What is known about words: names, places, ordinary words.
        terms: Technical terms.
    """

    def __init__(self, words: WordList, terms: Terms) -> None:
        self._words = words
        self._terms = terms
        self._gates = Gates([*NEEDS, set_phrases(), THINGS, LOOK])

    def reasons(self, text: str, spans: Sequence[Span]) -> list[str]:
        """Return for each span why it is no name, or an empty string."""
        open_gates = self._gates.open(text)
        stretches = Stretches(text, self._words.facts)
        look = _Look(stretches, self._terms, open_gates)
        reasons = ["" if span.rule.startswith(_SURE) else look.reason(span) for span in spans]
        if ORDINARY in reasons:
            agreed = agreed_on(spans)
            reasons = [
                "" if reason == ORDINARY and at in agreed else reason for at, reason in enumerate(reasons)
            ]
        is_term = [reason == TERM for reason in reasons]
        for index in beside_terms(text, spans, is_term, lambda span: _is_unknown(stretches, span)):
            reasons[index] = reasons[index] or TERM
        left = [at for at, reason in enumerate(reasons) if not reason]
        doubt = Doubt(stretches, [spans[at] for at in left], TextKind(text, open_gates))
        for at in doubt.weak():
            reasons[left[at]] = DOUBTFUL
        return reasons


def _is_unknown(stretches: Stretches, span: Span) -> bool:
    """Tell whether no word of a finding is in the lists of names."""
    known = any(facts & _KNOWN for facts in stretches.of(span).known)
    return not known and not span.rule.startswith(_SURE)


class _Look:
    """One text, looked at more closely only where it has names."""

    def __init__(self, stretches: Stretches, terms: Terms, met: Sequence[int]) -> None:
        self._text = stretches.text
        self._stretches = stretches
        self._terms = terms
        self._met = met
        self._reasons: dict[tuple[int, int, str], str] = {}

    @cached_property
    def _code(self) -> CodeLines:
        return CodeLines(self._text, meets_need=_CODE in self._met)

    @cached_property
    def _braced(self) -> list[tuple[int, int]]:
        return [found.span() for found in _BRACED.finditer(self._text)] if "{{" in self._text else []

    @cached_property
    def _phrases(self) -> SetPhrases:
        return SetPhrases(self._text)

    def reason(self, span: Span) -> str:
        """Return why a span is no name, or nothing; whoever found it, the answer is the same."""
        key = span.start, span.end, span.entity_type
        reason = self._reasons.get(key)
        if reason is None:
            reason = self._reasons[key] = self._reason(span)
        return reason

    def _reason(self, span: Span) -> str:
        name, words, known = self._stretches.of(span)
        if not words:
            return NOT_A_NAME
        if self._braced and self._is_braced(span):
            return PLACEHOLDER
        in_code = self._code.at(span.start) or (self._code.mostly and not name[:1].isupper())
        if in_code and not self._stands_in_code(span, name, words, known):
            return IN_CODE
        if "." in name and _VERSION.search(name):
            return NOT_A_NAME
        if self._lists_terms(name) and self._is_term(span, known):
            return TERM
        if " " in name and _OFFICE.fullmatch(name) and all(facts & COMMON for facts in known):
            return TERM
        if self._names_thing(span, known) or (
            _PHRASES in self._met and self._phrases.hold(span.start, span.end)
        ):
            return TERM
        if self._is_ordinary(span, words, known):
            return ORDINARY
        return ""

    def _is_braced(self, span: Span) -> bool:
        at = bisect_right(self._braced, (span.start, len(self._text))) - 1
        return at >= 0 and span.end <= self._braced[at][1]

    def _names_thing(self, span: Span, known: list[int]) -> bool:
        """Tell whether a name belongs to a thing; somebody's own disease is none."""
        if _THINGS in self._met and is_named_thing(self._text, span.start, span.end):
            return True
        if self._text[span.end : span.end + 1] not in {"'", "\u2019"}:
            return False
        sure = any(facts & (ALONE | LOWER) for facts in known)
        return not sure and is_named_disease(self._text, span.end)

    def _stands_in_code(self, span: Span, name: str, words: list[str], known: list[int]) -> bool:
        """Tell whether a name is one even within source code: quoted, or known to be one and nothing else."""
        if _CAMEL.search(name) or not all(word[0].isupper() for word in words):
            return False
        sure = [facts & (ALONE | PLAIN) and not facts & COMMON for facts in known]
        if len(words) == 1:
            return bool(sure[0])
        if any(facts & _NAME for facts in known):
            return True
        before = self._text[span.start - 1 : span.start]
        return before != "" and before in _QUOTES and not all(facts & COMMON for facts in known)

    def _lists_terms(self, name: str) -> bool:
        """Tell whether a name is a term, or several, or the name of a thing: ``Gaussian blur``."""
        if not name[0].isdigit() and not _JOINT.search(name):
            return self._is_listed(name) or self._is_thing(name)
        parts = [part for part in _LIST.split(_COUNT.sub("", name)) if part]
        known = [self._is_listed(part) or self._is_thing(part) for part in parts]
        return all(
            yes or (any(known) and part.lower() in _VENDORS) for yes, part in zip(known, parts, strict=True)
        )

    def _is_listed(self, part: str) -> bool:
        """Tell whether a term is listed, alone, behind its vendor or as one of two scholars."""
        if part in self._terms:
            return True
        first, _, rest = part.partition(" ")
        if rest and first.lower() in _VENDORS and rest in self._terms:
            return True
        pair = part.split("-")
        return len(pair) > 1 and " " not in part and any(each in self._terms for each in pair)

    def _is_thing(self, part: str) -> bool:
        first, blank, _ = part.partition(" ")
        return bool(blank) and first in self._terms and _THING.fullmatch(part, len(first)) is not None

    def _is_term(self, span: Span, known: list[int]) -> bool:
        """Tell whether a word of the list of terms is one here, if it may be a name as well."""
        if not any(facts & _KNOWN for facts in known):
            return True
        name = self._text[span.start : span.end]
        if _THING.match(self._text, span.end) or _LIST.search(name) or self._is_thing(name):
            return True
        around = (
            self._text[max(0, span.start - _REACH) : span.start],
            self._text[span.end : span.end + _REACH],
        )
        if any(_TECHNICAL.search(each) for each in around):
            return True
        return any(
            word in self._terms for each in around for word in _WORDS.findall(each) if not word.islower()
        )

    def _is_ordinary(self, span: Span, words: list[str], known: list[int]) -> bool:
        """Tell whether all words of a name are ordinary ones, and nothing but."""
        if not all(facts & COMMON and not facts & _KNOWN for facts in known):
            return False
        return span.entity_type == "PERSON" or (
            span.entity_type == "ORG" and len(words) == 1 and fold(words[0]) not in _FIRMS
        )
