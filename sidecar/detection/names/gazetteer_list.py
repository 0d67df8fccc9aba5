"""The words that the gazetteer knows, with what is known about each, read once from ``gazetteers/``.

A word is looked up folded: without case, without accents, without apostrophes. A lookup takes time linear
in the word alone.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.resources import files

# What is known about a word; the section names of the word file are made of these.
FACTS = {
    name: 1 << bit
    for bit, name in enumerate(
        (
            "given",  # some people's given name
            "surname",  # some people's family name
            "alone",  # a capitalized given name that needs no support
            "lower",  # ... nor a capital
            "plain",  # a family name that needs no support
            "frequent",  # a family name that so many bear that it may be an everyday word after a given name
            "common",  # an ordinary word as well
            "everyday",  # one of the commonest ordinary words
            "place",  # a capitalized place name that needs no support
            "large",  # ... nor a capital
            "town",  # a place name only where a state follows
            "phrase",  # a place name starts with this word
        )
    )
}
GIVEN, SURNAME, ALONE, LOWER, PLAIN, FREQUENT = (1 << bit for bit in range(6))
COMMON, EVERYDAY, PLACE, LARGE, TOWN, PHRASE = (1 << bit for bit in range(6, 12))

_LETTERS = str.maketrans(
    {
        "ß": "ss",
        "ø": "o",
        "đ": "d",
        "ð": "d",
        "ł": "l",
        "æ": "ae",
        "œ": "oe",
        "\u0131": "i",
        "þ": "th",
        "ħ": "h",
    }
    | {"'": None, "\u2019": None}
)
_CONTRACTIONS = frozenset(("d", "ll", "m", "re", "s", "ve"))
# Endings of cases that Turkish writes behind an apostrophe: İzmir'de, Ankara'dan.
_TURKISH_ENDINGS = """
a da dan de den di dı du dü e i ı in ın la le na nda ndan nde nden ne nı ni nin nın nu nü nun nün ta tan
te ten u ü un ün ya ye yı yi yla yle yu yü
"""  # noqa: RUF001 - dotless letters
_TURKISH = frozenset(_TURKISH_ENDINGS.split())
# Endings of Russian and Ukrainian cases (folded: й is и), each with what the nominative has instead.
_CASE_TABLE = """
ом - | ым - | ем и ь - | ои а | еи я | а - | у - а | е - а | ы а | и а я ь | ю и я ь | я и ь
"""  # noqa: RUF001 - Cyrillic
_CASES = tuple(
    (ending, tuple(other.strip("-") for other in others))
    for ending, *others in (row.split() for row in _CASE_TABLE.split("|"))
)
_SHORTEST_STEM = 3


def fold(word: str) -> str:
    """Return a word without case, accents and apostrophes."""
    if word.isascii():
        return word.lower().replace("'", "")
    bare = (
        char for char in unicodedata.normalize("NFD", word.casefold()) if not "\u0300" <= char <= "\u036f"
    )
    return unicodedata.normalize("NFC", "".join(bare)).translate(_LETTERS)


@dataclass(frozen=True, slots=True)
class EastAsian:
    """What Chinese, Japanese and Korean names are made of, each in its own script."""

    chinese_surnames: frozenset[str]
    chinese_given: frozenset[str]  # single characters
    japanese_surnames: frozenset[str]
    japanese_given: frozenset[str]
    korean_surnames: frozenset[str]
    korean_given: frozenset[str]


@dataclass(frozen=True, slots=True)
class WordList:
    """Facts by folded word, place names of several words by the first, names in East Asian scripts."""

    facts: Mapping[str, int]
    phrases: Mapping[str, frozenset[tuple[str, ...]]]
    east_asian: EastAsian

    def look_up(self, word: str) -> tuple[int, int]:
        """Return the facts about a word of a text and its length without a possessive or contraction."""
        if word.isascii() and "'" not in word:
            return self.facts.get(word.lower(), 0), len(word)
        cut = max(word.find("'"), word.find("\u2019"))
        if cut > 0:
            ending = word[cut + 1 :].lower()
            if ending in _CONTRACTIONS:
                return self.look_up(word[:cut])[0], cut
            if ending == "t":
                return 0, len(word)
        folded = fold(word)
        if cut > 0 and word[0].isupper() and folded not in self.facts and word[cut + 1 :] in _TURKISH:
            return self.look_up(word[:cut])[0], cut
        return self.facts.get(folded) or self._inflected(word, folded), len(word)

    def _inflected(self, word: str, folded: str) -> int:
        """Return the facts about the nominative of a capitalized Cyrillic word."""
        if not "\u0410" <= word[0] <= "\u042f":
            return 0
        for ending, others in _CASES:
            if folded.endswith(ending) and len(folded) - len(ending) >= _SHORTEST_STEM:
                for other in others:
                    if facts := self.facts.get(folded[: -len(ending)] + other, 0):
                        return facts
        return 0


def load_word_list() -> WordList:
    """Read the lists that come with the program."""
    text = files("sidecar.detection.names").joinpath("gazetteers", "words.txt").read_text("utf-8")
    return parse(text)


def parse(text: str) -> WordList:
    """Build the lists from sections: ``[facts of its words]``, then one word or place name a line."""
    facts: dict[str, int] = {}
    special: dict[str, list[str]] = {}
    for section in text.split("\n[")[1:]:
        title, _, body = section.partition("]\n")
        words = body.splitlines()
        names = title.split()
        if all(name in FACTS for name in names):
            facts.update(dict.fromkeys(words, sum(FACTS[name] for name in names)))
        else:
            special[title] = words
    east_asian = EastAsian(
        **{name: frozenset(special.get(name.replace("_", " "), ())) for name in EastAsian.__slots__}
    )
    return WordList(facts, _phrases(special.get("place names", ())), east_asian)


def _phrases(names: Iterable[str]) -> dict[str, frozenset[tuple[str, ...]]]:
    """Return, by first word, what may follow it."""
    found: dict[str, set[tuple[str, ...]]] = defaultdict(set)
    for name in names:
        first, *rest = name.split()
        found[first].add(tuple(rest))
    return {first: frozenset(rests) for first, rests in found.items()}
