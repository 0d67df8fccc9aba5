"""Reads the name of a person, an organization or a place from a given place of a text onward.

A name is a few words that no list of ordinary words holds. Where the line has capitals, its words start
with one; where it has none (or nothing but capitals), any word may be a name, so fewer are taken. What
adjoins code (``_``, ``(``, ``=``, ``@``) is no name. Every reading is bounded: it takes constant time.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib import resources

MAX_NAME = 80  # code points
_LINE = 200  # code points on each side that decide whether a line has capitals
_MARK = "\u0300-\u036f\u0591-\u05c7\u064b-\u0652\u0900-\u0903\u093a-\u094f"
LETTER = rf"(?:[^\W\d_]|[{_MARK}])"
_WORD = re.compile(rf"{LETTER}{{1,30}}(?:['\u2019`\u2010\u2011-]{LETTER}{{1,30}}){{0,3}}")
_GAP = re.compile(r"[ \t\u00a0\u3000]{1,2}|[ \t]?\r?\n(?=\S)")
_INITIAL = re.compile(r"\.(?![a-z])")
_INITIALS = re.compile(rf"(?:{LETTER}\.-?){{1,3}}(?={LETTER}|\s|\Z)")
_NO_NAME_AFTER = re.compile(r"[\w=@\\\[{(/+~^$%]|[.:-](?=[\w/\\])|['\u2019](?=\w{3})")
_POSSESSIVE = re.compile(r"['`\u2019](?:s|S)?\Z")
_HAS_UPPER = re.compile(r"[A-Z\u00c0-\u00de\u0410-\u042f]")
_HAS_LOWER = re.compile(r"[a-z\u00df-\u00ff\u0430-\u044f]")
_NO_NAME_ENDING = re.compile(
    r".{3,}(?:tion|sion|ness|ment|ments|tions|ously|ings?|ability|ology|ically|fully|ible|ative|ism|hood|ern|iest|wards?|ally|edly|ently|antly|ately)\Z"
)
_PARTICLE_WORDS = """
af al av ben bin bint da dal dalla das de degli del della den der di do dos du e el ibn la las le
los 't te ten ter van vom von y zu zum zur
"""
_PARTICLES = frozenset(_PARTICLE_WORDS.split())
_LEADING = frozenset({"de", "van", "von", "bin", "ibn", "di", "del", "della", "da", "dos"})
_LOWER_PARTICLES = _LEADING | {"der", "den", "bint", "el", "al", "la", "du", "ter", "ten"}
_SMALL_START = re.compile(
    r"(?:van|von|de|di|del|della|da|dos|bin|ibn)[ ](?:(?:der|den|de|la|las|los)[ ])?[^\W\d_a-z]{1,2}\w"
)
# Ordinary words that count as names after another name, on a line without capitals too.
_SURNAME_WORDS = """
black brown cook day gray green grey hill hunter king moody price rose white wise wood woods young
"""
_SURNAMES = frozenset(_SURNAME_WORDS.split())


def word_list(name: str) -> frozenset[str]:
    """Return the words of a packaged list, lower case; lines that start with ``#`` are comments."""
    text = resources.files(__package__).joinpath(name).read_text("utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return frozenset(" ".join(lines).split())


ENGLISH = word_list("not_names.txt")
_NAMES_TOO = word_list("names_too.txt")
NOT_NAMES = ENGLISH | word_list("not_names_abroad.txt")
NOT_CAPITALIZED_NAMES = NOT_NAMES - _NAMES_TOO
_NOT_SURNAMES = ENGLISH - _NAMES_TOO


@dataclass(frozen=True, slots=True)
class Shape:
    """What a name may look like.

    ``loose``: where lower-case words may be one: nowhere, on lines without capitals, or anywhere.
    ``least`` and ``most``: how many words; ``delimited``: whether a lower-case one must end at
    punctuation, a line's end or an ordinary word.
    """

    loose: str = "line"
    least: int = 1
    most: int = 4
    delimited: bool = True


def read(text: str, at: int, shape: Shape) -> int:
    """Return where the name that starts at ``at`` ends, or -1 if none does."""
    first = _WORD.match(text, at)
    if first is None:
        return -1
    caseless = is_caseless(text, at)
    if not caseless and (_is_capitalized(first.group()) or _leads_to_capital(text, at)):
        return _Reading(text, at, shape, capitals=True).end()
    if not _has_case(first.group()) or shape.loose == "anywhere" or (caseless and shape.loose == "line"):
        return _Reading(text, at, shape, capitals=False).end()
    return -1


def _leads_to_capital(text: str, at: int) -> bool:
    """Tell whether small particles stand before a capitalized word: ``van der Heijden``."""
    return _SMALL_START.match(text, at) is not None


def is_caseless(text: str, at: int) -> bool:
    """Tell whether the line around ``at`` has no capitals, or nothing but capitals."""
    low, high = max(text.rfind("\n", max(0, at - _LINE), at) + 1, at - _LINE), text.find("\n", at, at + _LINE)
    line = text[low : high if high >= 0 else at + _LINE]
    return not _HAS_UPPER.search(line) or (not _HAS_LOWER.search(line) and " " in line.strip())


def has_no_capitals(text: str, at: int) -> bool:
    """Tell whether the text around ``at``, lines before and after included, has no capitals."""
    return not _HAS_UPPER.search(text, max(0, at - _LINE), at + _LINE)


def is_ordinary(word: str, *, capitals: bool) -> bool:
    """Tell whether a word is none of a name."""
    lower = word.lower().replace("\u2019", "'")
    if capitals:
        return lower in NOT_CAPITALIZED_NAMES or lower.removesuffix("'s") in NOT_CAPITALIZED_NAMES
    if lower in NOT_NAMES or lower.removesuffix("'s") in NOT_NAMES or _NO_NAME_ENDING.match(lower):
        return True
    return "-" in lower and any(part in NOT_NAMES and part not in _PARTICLES for part in lower.split("-"))


def _is_capitalized(word: str) -> bool:
    return word[0].isupper() or (len(word) > 2 and (word[1].isupper() or word[2:3].isupper()))


def _has_case(word: str) -> bool:
    return word.lower() != word.upper()


class _Reading:
    """One attempt to read a name, word by word."""

    __slots__ = ("_at", "_capitals", "_last", "_shape", "_text", "_words")

    def __init__(self, text: str, at: int, shape: Shape, *, capitals: bool) -> None:
        self._text, self._at, self._shape, self._capitals = text, at, shape, capitals
        self._words, self._last = 0, -1

    def end(self) -> int:
        """Return where the name ends, or -1."""
        most = self._most()
        at, stop, ordinary, newlines = self._at, False, False, 0
        while self._words < most and not stop:
            word = _WORD.match(self._text, at)
            if word is None or word.end() - self._at > MAX_NAME:
                break
            kind = self._kind(word)
            if kind == "ordinary":
                ordinary = True
                break
            at = self._take(word, kind)
            stop = kind == "last"
            gap = _GAP.match(self._text, at)
            if gap is None and self._text[at - 1] != ".":
                break
            newlines += bool(gap and "\n" in gap.group())
            if newlines and (newlines > 1 or not self._crosses(gap)):
                break
            at = gap.end() if gap else at
        if self._words == most and not ordinary:
            word = _WORD.match(self._text, at)
            ordinary = bool(word and is_ordinary(word.group(), capitals=False))
        return self._last if self._is_name(ordinary) else -1

    def _most(self) -> int:
        """Return how many words to take: fewer where no capitals say where the name ends."""
        if self._capitals:
            return self._shape.most
        return min(self._shape.most, 3 if _has_case(self._text[self._at]) else 2)

    def _kind(self, word: re.Match[str]) -> str:
        """Return ``ordinary``, ``particle``, ``name``, or ``last``: a possessive ends the name."""
        spelled = word.group()
        if _INITIALS.match(self._text, word.start()) and spelled.isupper():
            return "name"
        if _NO_NAME_AFTER.match(self._text, word.end()):
            return "ordinary"
        if spelled.lower() in _PARTICLES and self._goes_on(word.end()) and self._is_particle(spelled):
            return "particle"
        if self._is_ordinary(spelled):
            return "ordinary"
        if self._capitals and not _is_capitalized(spelled) and _has_case(spelled):
            return "ordinary"
        if not self._capitals and len(spelled) < 2 and not self._words:
            return "ordinary"
        return "last" if _POSSESSIVE.search(spelled) else "name"

    def _is_ordinary(self, word: str) -> bool:
        """Tell whether a word ends the name; behind another name fewer words do."""
        if self._words and self._capitals and _is_capitalized(word):
            return word.lower() in _NOT_SURNAMES
        if self._words and word.lower() in _SURNAMES:
            return False
        return is_ordinary(word, capitals=self._capitals)

    def _goes_on(self, at: int) -> bool:
        """Tell whether another word of the name follows a particle."""
        gap = _GAP.match(self._text, at)
        word = gap and _WORD.match(self._text, gap.end())
        if not word:
            return False
        spelled = word.group()
        if spelled.lower() in _PARTICLES:
            return True
        if self._capitals:
            return _is_capitalized(spelled) and not is_ordinary(spelled, capitals=True)
        return not is_ordinary(spelled, capitals=False)

    def _is_particle(self, particle: str) -> bool:
        """Tell whether a particle is none of the words that it is too: ``y``, ``e``, ``do``."""
        return self._capitals or particle in (_LOWER_PARTICLES if self._words else _LEADING)

    def _take(self, word: re.Match[str], kind: str) -> int:
        """Count a word in; return where to go on."""
        end = word.end()
        if kind == "particle":
            return end
        self._words += 1
        spelled = word.group()
        if possessive := _POSSESSIVE.search(spelled):
            self._last = end - len(possessive.group())
            return end
        self._last = end
        if len(spelled) == 1 and (dot := _INITIAL.match(self._text, end)):
            return dot.end()
        return end

    def _crosses(self, gap: re.Match[str] | None) -> bool:
        """Tell whether a capitalized name goes on in the next line: ``Elena⏎Markovic``."""
        word = gap and _WORD.match(self._text, gap.end())
        if not word or not self._capitals or self._words != 1:
            return False
        after = self._text[word.end() : word.end() + 1]
        return _is_capitalized(word.group()) and after not in {":", "="}

    def _is_name(self, ended_by_ordinary: bool) -> bool:
        if self._words < self._shape.least or self._last < 0:
            return False
        if self._last - self._at == 1 and self._text[self._at].isascii():
            return False
        if self._capitals or not self._shape.delimited or not _has_case(self._text[self._at]):
            return True
        rest = self._text[self._last : self._last + 2]
        return ended_by_ordinary or not rest[:1].isspace() or rest[:1] == "\n"
