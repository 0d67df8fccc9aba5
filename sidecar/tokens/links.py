"""Which originals are spellings of one and the same thing, so that the model can tell.

"JOHN SMITH" and, as long as there is no other John, "John" are further spellings of "John Smith". The
answer depends on the originals noted before and their order, never on later ones: what was linked stays
linked. In doubt there is no link; two people who share a name are two.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict

from sidecar.tokens.grammar import Name

# Marks that are vowels or other letters, which no letter class holds: Devanagari to Myanmar, Khmer, kana.
_LETTER = r"[^\W_\u0900-\u109f\u1780-\u17ff\u3099\u309a]|[\u0900-\u109f\u1780-\u17ff\u3099\u309a]"
_WORD = re.compile(rf"(?:{_LETTER})+(?:['\u2019\u2010\u2011-](?:{_LETTER})+)*|[&/+#]")
_QUOTES = re.compile("['\u2019]")
_ALEF_LETTERS = "\u0622\u0623\u0625"
_PLAIN = str.maketrans(
    {
        "\u00f8": "o",
        "\u0142": "l",
        "\u0111": "d",
        "\u0131": "i",
        "\u2010": "-",
        "\u2011": "-",
        **dict.fromkeys(_ALEF_LETTERS, "\u0627"),
        "\u0451": "\u0435",
    }
)
_MARKED_ALPHABETS = "\u0400"  # Latin and Greek, and marks of any, stand before it
_POINTS = range(10, 36)  # combining classes of Hebrew and Arabic points, which are mostly left out
_LONGEST = 200  # code points; a longer original is no name, and has one spelling
_SEPARATORS = re.compile("[ .()/\u00a0\u2010-\u2015-]")
# Where a letter's case, a point or a sign makes a difference.
_ONE_SPELLING = frozenset({"SECRET", "PASSWORD", "USERNAME", "CRYPTO", "CRYPTO_WALLET", "GPS_COORDINATES"})
_SHORTEST_NUMBER = 9  # digits, below which other separators may make another number, or a date
_SHORTEST_PHONE = 7
_NAMES = frozenset({"PERSON", "ORG", "LOCATION"})
# Not names by themselves: forms of address, particles, generations, the first words of many firms.
_NO_PART_WORDS = """
mr mrs ms miss mx dr prof professor sir dame lord lady herr frau monsieur madame mme mlle senor senora sig
don dona jr sr ii iii iv v junior senior of and y e & / + #
the first second third national international united american british european royal general central bank
university college institute department ministry new north south east west global world group company
association society federal state city county public school hospital church club center centre
"""
_PARTICLE_WORDS = "von van der den de del della di da das dos du la le el al bin ibn abu ter zu zum zur"
_PARTICLES = frozenset(_PARTICLE_WORDS.split())
_NO_PARTS = frozenset(_NO_PART_WORDS.split()) | _PARTICLES


class Links:
    """The originals of one token map, as far as later ones may be spellings of them."""

    __slots__ = ("_keys", "_noted", "_partial", "_starts", "_wholes")

    def __init__(self) -> None:
        # By type, what was noted since the last question about that type: most are never asked about.
        self._noted: dict[str, list[tuple[str, str]]] = defaultdict(list)
        self._keys: dict[tuple[str, str], str] = {}  # type and folded spelling: number
        self._wholes: dict[Name, set[tuple[str, ...]]] = defaultdict(set)  # the full names of a number
        self._starts: dict[tuple[str, str], set[str]] = defaultdict(set)  # type and word: numbers
        self._partial: set[tuple[str, str]] = set()  # keys that are a part of their number's full name

    def number(self, text: str, entity_type: str) -> str | None:
        """Return the number whose further spelling this original is, or None if it is something new."""
        key = entity_type, folded(text, entity_type)
        if not key[1]:
            return None
        for noted in self._noted.pop(entity_type, ()):
            self._take(entity_type, *noted)
        known = self._keys.get(key)
        if known is not None and key not in self._partial:
            return known
        return self._whole_of(entity_type, tuple(key[1].split()))

    def note(self, text: str, name: Name) -> None:
        """Take an original and the name of its token, be it new or linked."""
        self._noted[name[0]].append((text, name[1]))

    def _take(self, entity_type: str, text: str, name: str) -> None:
        key = entity_type, folded(text, entity_type)
        if not key[1]:
            return
        words, number = tuple(key[1].split()), name.partition("_")[0]
        is_linked = number != name
        if is_linked and self._keys.get(key) != number:
            self._partial.add(key)
        if not is_linked:
            self._partial.discard(key)
        self._keys[key] = number
        if not is_linked and len(words) > 1 and entity_type in {"PERSON", "ORG"}:
            self._wholes[entity_type, number].add(words)
            for word in set(words) - _NO_PARTS:
                self._starts[entity_type, word].add(number)

    def _whole_of(self, entity_type: str, part: tuple[str, ...]) -> str | None:
        """Return the number of the one full name so far that these words are a part of."""
        anchor = next((word for word in part if word not in _NO_PARTS), None)
        if anchor is None:
            return None
        numbers = self._starts.get((entity_type, anchor), set())
        if len(numbers) != 1:
            return None  # one's first name may be another's surname
        number = next(iter(numbers))
        wholes = self._wholes[entity_type, number]
        return number if any(_is_part(part, whole, entity_type) for whole in wholes) else None


def _is_part(part: tuple[str, ...], whole: tuple[str, ...], entity_type: str) -> bool:
    """Tell whether words are a part of a full name by which one may go."""
    if entity_type == "ORG":
        return whole[: len(part)] == part
    if len(part) == 1:
        return part[0] in whole and len(part[0]) > 1
    # Paul Smith need not be John Paul Smith, nor John Smith the junior; de la Cruz is Ana de la Cruz.
    return part[0] in _PARTICLES and whole[-len(part) :] == part


def folded(text: str, entity_type: str) -> str:
    """Return what all spellings of an original share; empty if it has but one."""
    if len(text) > _LONGEST:
        return ""
    if entity_type in _NAMES:
        if text.isascii() and text.replace(" ", "").isalnum():
            return " ".join(text.lower().split())
        plain = _QUOTES.sub("'", _without_marks(text))
        return " ".join(word.replace("'", "") for word in _WORD.findall(plain))
    if entity_type == "EMAIL":
        return text.casefold()
    if entity_type in _ONE_SPELLING or entity_type.startswith("IP"):
        return ""
    bare = _SEPARATORS.sub("", unicodedata.normalize("NFKC", text)).removeprefix("+")
    shortest = _SHORTEST_PHONE if entity_type == "PHONE" else _SHORTEST_NUMBER
    digits = len(bare) if bare.isdigit() else sum(map(str.isdigit, bare))
    return bare.casefold() if digits >= shortest and bare.isalnum() else ""


def _without_marks(text: str) -> str:
    """Return a text in lower case without accents; marks that make another letter stay (\u0439, \u3060)."""
    if text.isascii():
        return text.lower()
    plain: list[str] = []
    for char in unicodedata.normalize("NFKC", text).casefold():
        letter = unicodedata.normalize("NFD", char)[0]
        kept = letter if letter < _MARKED_ALPHABETS else char
        combines = unicodedata.combining(kept)
        if not combines or (kept >= _MARKED_ALPHABETS and combines not in _POINTS):
            plain.append(kept)
    return "".join(plain).translate(_PLAIN)
