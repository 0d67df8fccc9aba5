"""Reads the affixes of a spaCy tokenizer as character classes and literals, or refuses them.

Its regular expressions are taken apart as text: every alternative must have one of a few known forms, so that
nothing is assumed of a pipeline but what its own expressions say.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256

Ranges = tuple[tuple[int, int], ...]  # of code points, both ends included

_CLASS = r"\[((?:[^\]\\]|\\.)+)\]"
_ITEM = r"(\\u[0-9A-Fa-f]{4}|\\U[0-9A-Fa-f]{8}|\\[^0-9A-Za-z]|[^\\])"
_RANGE = re.compile(rf"{_ITEM}(?:-{_ITEM})?", re.DOTALL)
_LITERAL = re.compile(r"(?:\\[^0-9A-Za-z]|[^\\.^$*+?{}\[\]|()])+")
_TOP = re.compile(r"\\.|\[(?:[^\]\\]|\\.)*\]|[()|]|[^\\\[()|]+", re.DOTALL)
_DOTS = r"\.\.+"
_BEHIND_DIGIT = "(?<=[0-9])"
_HYPHENS = re.compile(rf"\(\?<={_CLASS}\)\(\?:([^()]*)\)\(\?={_CLASS}\)")
_TLD = re.compile(rf"\(\?:{_CLASS}\{{2,63\}}\)")
# Of the expression that URLs match, without its class.
_URL = "d5b6f207eb22208e344c70db570eb5c62182cc8afae56935e7d1cb8bfd9d6efa"


class UnknownError(Exception):
    """The tokenizer does something that the native one does not."""


@dataclass(frozen=True, slots=True)
class Literal:
    """A string that is an affix; ``behind_digit``: only behind 0-9."""

    text: str
    behind_digit: bool = False


@dataclass(slots=True)
class Affixes:
    """What the expressions of a tokenizer say.

    ``classes``: the code points that each class of ``tokenizer.h`` holds, by its name there.
    """

    classes: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    prefixes: list[Literal] = field(default_factory=list)
    suffixes: list[Literal] = field(default_factory=list)
    hyphens: list[Literal] = field(default_factory=list)

    def add(self, name: str, ranges: Ranges) -> None:
        """Put code points into a class."""
        self.classes.setdefault(name, []).extend(ranges)


def read(prefix: str, suffix: str, infix: str, url: str) -> Affixes:
    """Take the expressions apart.

    Raises:
        UnknownError: One has a part of no known form.
    """
    affixes = Affixes()
    _read_prefixes(affixes, prefix)
    _read_suffixes(affixes, suffix)
    _read_infixes(affixes, infix)
    tld = _TLD.search(url)
    must(tld is not None and sha256(_TLD.sub("", url).encode()).hexdigest() == _URL)
    affixes.add("tld", class_ranges(tld[1]) if tld else ())
    return affixes


def must(fact: bool) -> None:
    """Raise ``UnknownError`` unless the fact holds."""
    if not fact:
        raise UnknownError


@lru_cache(maxsize=16)
def class_ranges(source: str) -> Ranges:
    """Return what a character class holds, given what stands between its brackets."""
    must(not source.startswith("^"))
    found: list[tuple[int, int]] = []
    place = 0
    for item in _RANGE.finditer(source):
        must(item.start() == place)
        place = item.end()
        first, last = item.groups()
        found.append((_point(first), _point(last or first)))
        must(found[-1][0] <= found[-1][1])
    must(place == len(source))
    return tuple(found)


def _point(item: str) -> int:
    if len(item) == 1:
        return ord(item)
    escape, code = item[1], item[2:]
    return int(code, 16) if escape in "uU" else ord(escape)


def _alternatives(pattern: str) -> Iterator[str]:
    """Yield what stands between the bars outside all brackets."""
    parts, depth = [""], 0
    for piece in _TOP.findall(pattern):
        depth += (piece == "(") - (piece == ")")
        if piece == "|" and depth == 0:
            parts.append("")
        else:
            parts[-1] += piece
    must("|".join(parts) == pattern)
    yield from parts


def _literal(source: str) -> str:
    must(_LITERAL.fullmatch(source) is not None)
    return re.sub(r"\\(.)", r"\1", source, flags=re.DOTALL)


def _alone(affixes: Affixes, name: str, source: str) -> bool:
    """Put an alternative that is one code point into a class; tell whether it was."""
    if found := re.fullmatch(_CLASS, source):
        affixes.add(name, class_ranges(found[1]))
        return True
    if _LITERAL.fullmatch(source) and len(literal := _literal(source)) == 1:
        affixes.add(name, ((ord(literal), ord(literal)),))
        return True
    return False


def _holds(affixes: Affixes, name: str, char: str) -> bool:
    return any(low <= ord(char) <= high for low, high in affixes.classes.get(name, ()))


def _read_prefixes(affixes: Affixes, pattern: str) -> None:
    """The first alternative that matches wins."""
    forms = set()
    for alternative in _alternatives(pattern):
        must(alternative.startswith("^"))
        source = alternative[1:]
        if source in {r"\+(?![0-9])", _DOTS}:
            forms.add(source)
        elif not _alone(affixes, "prefix", source):
            literal = _literal(source)
            if not _holds(affixes, "prefix", literal[0]):
                affixes.prefixes.append(Literal(literal))
    must(len(forms) == 2)
    firsts = [literal.text[0] for literal in affixes.prefixes]
    must(
        not {*firsts} & {"+", "."}
        and not any(_holds(affixes, "prefix", each) for each in (*firsts, "+", "."))
    )


def _read_suffixes(affixes: Affixes, pattern: str) -> None:
    """The longest alternative that matches wins, whatever their order."""
    forms = set()
    for alternative in _alternatives(pattern):
        must(alternative.endswith("$") and not alternative.endswith(r"\$"))
        source = alternative[:-1]
        if source in {_DOTS, rf"{_BEHIND_DIGIT}\+", r"(?<=°[FfCcKk])\."}:
            forms.add(source)
        elif found := re.fullmatch(rf"\(\?<={_CLASS}\)\\\.", source):
            forms.add("stop")
            affixes.add("before_stop", class_ranges(found[1]))
        elif (found := re.fullmatch(rf"\(\?<={_CLASS}{_CLASS}\)\\\.", source)) and found[1] == found[2]:
            forms.add("upper")
            affixes.add("upper", class_ranges(found[1]))
        elif found := re.fullmatch(rf"{re.escape(_BEHIND_DIGIT)}\(\?:(.*)\)", source, re.DOTALL):
            affixes.suffixes += [
                Literal(_literal(each), behind_digit=True) for each in _alternatives(found[1])
            ]
        elif not _alone(affixes, "suffix", source):
            affixes.suffixes.append(Literal(_literal(source)))
    must(len(forms) == 5)
    must(
        not any(literal.text[-1] == "." for literal in affixes.suffixes)
        and not _holds(affixes, "suffix", ".")
    )


def _read_infixes(affixes: Affixes, pattern: str) -> None:
    """At each place the first alternative that matches wins."""
    first, *others = _alternatives(pattern)
    must(first == _DOTS)
    while others and _alone(affixes, "infix", others[0]):
        del others[0]
    must(len(others) == 5)
    operator, dot, comma, hyphen, sign = others
    must(operator == r"(?<=[0-9])[+\-\*^](?=[0-9-])")
    between = {
        r"\.": re.fullmatch(rf"\(\?<={_CLASS}\)\\\.\(\?={_CLASS}\)", dot),
        ",": re.fullmatch(rf"\(\?<={_CLASS}\),\(\?={_CLASS}\)", comma),
        "[:<>=/]": re.fullmatch(rf"\(\?<={_CLASS}\)\[:<>=/\]\(\?={_CLASS}\)", sign),
    }
    dots, commas, signs, hyphens = *between.values(), _HYPHENS.fullmatch(hyphen)
    if not (dots and commas and signs and hyphens):
        raise UnknownError
    must(commas[1] == commas[2] == signs[2] == hyphens[3] and signs[1] == hyphens[1])
    affixes.add("before_dot", class_ranges(dots[1]))
    affixes.add("behind_dot", class_ranges(dots[2]))
    affixes.add("alpha", class_ranges(commas[1]))
    affixes.add("before_sign", class_ranges(signs[1]))
    affixes.hyphens += [Literal(_literal(each)) for each in _alternatives(hyphens[2])]
    must(not any(literal.text[0] in ".,:<>=/" for literal in affixes.hyphens))
