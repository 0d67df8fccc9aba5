"""Words that a tokenizer may cut wrongly: affixes, rules and characters in any mixture."""

from __future__ import annotations

import random
from collections.abc import Sequence

AFFIXES = (
    *".,:;!?()[]{}<>\"'`*_#&$%+-=/\\|~^@",
    *(
        "...",
        "..",
        "…",
        "……",
        "—",
        "\u2013",
        "--",
        "---",
        "——",
        "\u2019",
        "\u2018",
        "“",
        "”",
        "'s",
        "'S",
        "\u2019s",
        "\u2019S",
    ),
    *("US$", "C$", "A$", "£", "€", "°C.", "°F.", "°x.", "km", "km²", "m/s", "%", "K", "TB", "тбكم", "²"),
    *("www.", "http://", "https://", "://", "a@example.org", ".com", ".co.uk", ".Com", ":8080", ":1", "/?#"),
    *(
        "1.2.3.4",
        "10.0.0.1",
        "192.168.1.1",
        "172.16.3.4",
        "172.32.3.4",
        "223.255.255.254",
        "0.1.1.1",
        "01.1.1.1",
    ),
    *("A", "b", "foo", "Bar", "BAZ", "9", "0", "345", "é", "É", "ß", "ж", "Ж", "中", "ア", "한", "٣", "½"),
    *(
        "Σ",
        "ς",
        "İ",
        "\u0131",
        "🙂",
        "👍🏽",
        "\u200d",
        "\u200b",
        "\U0001d401",
        "ǅ",
        "ª",
        "ﬁ",
        "\u0301",
        "©",
        "®",
        "°",
    ),
    *("\x00", "\x1f", "\x7f", "X", "LONG", "nsubj", "aux"),
)
BLANKS = (
    *" " * 4,
    "",
    "",
    "  ",
    "   ",
    "\n",
    "\n\n",
    "\t",
    "\u00a0",
    "\u3000",
    "\u2028",
    " \n",
    "\r\n",
    "\x1c",
    "\x85",
)
_SMILES = ":;=8()-'oOxXDpP<>3/\\|[]*^._"
_ADDRESS = "abcABC019.@:/_-?#é"
_HEX = "abcdefghijABCDEF0123456789"


def mixture(rng: random.Random, rules: Sequence[str]) -> str:
    """Return a text of up to a dozen such words, with any white space between and around them."""
    return "".join(_word(rng, rules) + rng.choice(BLANKS) for _ in range(rng.randrange(13)))


def random_ids(rng: random.Random, count: int) -> str:
    """Return a text of words that nobody has ever seen."""
    return " ".join(_letters(rng, _HEX, 8, 60) for _ in range(count))


def _word(rng: random.Random, rules: Sequence[str]) -> str:
    def affixes(least: int, most: int) -> str:
        return "".join(rng.choices(AFFIXES, k=rng.randint(least, most)))

    match rng.randrange(8):
        case 0 | 1:
            return affixes(1, 6)
        case 2:
            return affixes(0, 2) + rng.choice(rules) + affixes(0, 2)
        case 3:
            return "".join(rng.choices(rules, k=rng.randint(1, 3)))
        case 4:
            return "".join(_any_character(rng) for _ in range(rng.randint(1, 8)))
        case 5:
            return _letters(rng, _SMILES, 1, 6)
        case 6:
            return _letters(rng, _ADDRESS, 1, 20)
        case _:
            return _letters(rng, _HEX, 1, 130)


def _letters(rng: random.Random, alphabet: str, least: int, most: int) -> str:
    return "".join(rng.choices(alphabet, k=rng.randint(least, most)))


def _any_character(rng: random.Random) -> str:
    low, high = rng.choice(
        [(1, 0x250), (1, 0xD7FF), (0xE000, 0xFFFF), (0x10000, 0x1FFFF), (0x1F000, 0x1FCFF)]
    )
    return chr(rng.randint(low, high))
