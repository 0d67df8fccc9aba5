"""Tells what kind of text it is: a request, a technical one, one in another language than English.

A sample from its start decides, and only where the text holds such words at all: time is linear.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import cached_property

from sidecar.detection.names.name_shape import ENGLISH, NOT_NAMES
from sidecar.detection.names.needs import OTHER_CASES

_SAMPLE = 3000  # code points that tell a text's language
_FEWEST = 2  # function words that make a text foreign
_LETTERS = re.compile(r"[^\W\d_]+")
_GERMAN_WORDS = """
der die das den dem und ist sind nicht ich wir mit für ein eine einen einer einem wie was bitte sie auf zu
zum zur von vom im am bei mein meine unser ihre über nach aus oder aber auch
"""
_GERMAN = frozenset(_GERMAN_WORDS.split())
_ASKS = re.compile(
    r"[\s#>*\"'-]{0,6}(?:add|alternate|analy[sz]e|are|arrange|build|calculate|can|combine|compare|compute|configure|convert|create"
    r"|define|deploy|derive|describe|design|develop|differentiate|discuss|do|does|draft|draw|evaluate|explain|fine-tune|fix|format"
    r"|generate|give|how|how's|i\s(?:need|want)\sto|identify|implement|improve|in|install|integrate|is|list|make|name|optimi[sz]e|outline"
    r"|plan|prove|provide|rank|recommend|refactor|rephrase|rewrite|set|should|show|simplify|solve|sort|state|suggest|summari[sz]e|tell\sme"
    r"|train|translate|update|upgrade|use|was|were|what|what's|when|where|which|who|why|write)\b",
    re.IGNORECASE,
)
TECHNICAL_WORDS = (
    "api|backend|bug|cli|cluster|code|command|compile|compiler|config|container|css|database|debug|deploy|docs|docker"
    "|endpoint|error|exception|formula|framework|frontend|function|install|java|javascript|json|kernel|library|linux"
    "|metadata|module|npm|parser|php|pip|plugin|python|query|regex|repository|runtime|script|sdk|server|software|sql|stack|theorem"
    "|variable|yaml"
)
_TECHNICAL = re.compile(rf"\b(?:{TECHNICAL_WORDS})s?\b", re.IGNORECASE)
_ABROAD = NOT_NAMES - ENGLISH
# Signs beyond ASCII that are no letters: punctuation, arrows, lines, pictures.
NO_LETTERS = (
    r"\x{80}-\x{a9}\x{ab}-\x{b1}\x{b4}\x{b6}-\x{b8}\x{bb}\x{bf}\x{d7}\x{f7}\x{2010}-\x{205e}"
    r"\x{2190}-\x{245f}\x{2500}-\x{2775}\x{27c0}-\x{2bff}\x{fe0f}\x{1f300}-\x{1faff}"
)
_WORD_ABROAD = "|".join(sorted(filter(str.isascii, _ABROAD)))
TECHNICAL, FOREIGN = range(2)
NEEDS = (
    rf"(?i:\b(?:{TECHNICAL_WORDS})s?\b)|[{OTHER_CASES}]",
    rf"(?:^|[^A-Za-z])(?i:{_WORD_ABROAD})(?:[^A-Za-z]|$)|[^\x00-\x7f{NO_LETTERS}]",
)
"""What a technical text needs, and one in another language than English."""


class TextKind:
    """What kind of text it is.

    Args:
        text: The text.
        met: Which of ``NEEDS`` it meets, by number.
    """

    def __init__(self, text: str, met: Collection[int]) -> None:
        self._text = text
        self._met = met

    @cached_property
    def is_request(self) -> bool:
        """Whether it starts as a request or a question."""
        return _ASKS.match(self._text) is not None

    @cached_property
    def asks(self) -> bool:
        """Whether it is a request or a technical text."""
        return self.is_request or (
            TECHNICAL in self._met and _TECHNICAL.search(self._text, 0, _SAMPLE) is not None
        )

    @cached_property
    def _words(self) -> list[str]:
        return [word.lower() for word in _LETTERS.findall(self._text, 0, _SAMPLE)]

    @cached_property
    def is_abroad(self) -> bool:
        """Whether the text is not English."""
        if FOREIGN not in self._met:
            return False
        foreign = sum(word in _ABROAD or not (word.isascii() or word in ENGLISH) for word in self._words)
        return foreign >= _FEWEST and foreign > sum(word in ENGLISH for word in self._words)

    @cached_property
    def is_german(self) -> bool:
        """Whether the text is German, where all nouns have capitals."""
        return sum(word in _GERMAN for word in self._words) >= _FEWEST
