"""Turns a pipeline's tokenizer and vocabulary into tables of the native one (``tokenizer.h``), or refuses.

Refused is whatever the native tokenizer would not compute exactly: other classes, other expressions,
attributes that other functions give, words whose stored norm is not what their spelling gives.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sidecar.detection import native, word_affixes
from sidecar.detection.native import Kernel
from sidecar.detection.native_words import NativeWords
from sidecar.detection.turn import NO_TURN, Turn
from sidecar.detection.word_affixes import Affixes, Literal, UnknownError, must

_BASIC = 0x10000
_PICTOGRAPHS = range(0x1F000, 0x1FC00)
_FLAGS = (  # in the order of tokenizer.h
    *("space", "letter", "capital", "digit", "word", "decimal"),
    *(
        "prefix",
        "suffix",
        "infix",
        "before_dot",
        "behind_dot",
        "alpha",
        "before_sign",
        "before_stop",
        "upper",
    ),
    *("tld", "cut", "edge", "foreign"),
)
_BIT = {name: np.uint32(1 << place) for place, name in enumerate(_FLAGS)}
_RUNS = {"space": re.compile(r"\s+"), "word": re.compile(r"\w+"), "decimal": re.compile(r"\d+")}
_PREDICATES: dict[str, Callable[[str], bool]] = {
    "letter": str.isalpha,
    "capital": str.isupper,
    "digit": str.isdigit,
}
_PAGE = 256
_SIGMA = "\N{GREEK CAPITAL LETTER SIGMA}"  # its lower case depends on what stands around it
_CUTS = ".,:<>=/+-*^"  # where an infix may start, beside those that stand alone and hyphens
_EDGES = ".+0123456789"  # what a chunk has that is no plain word, beside affixes that stand alone and cuts
_MAX_LITERAL, _MAX_RULE, _MAX_RULE_WORDS = 8, 63, 8
_ORTH, _NORM = 65, 67  # spaCy's numbers of attributes

Table = NDArray[np.uint32]


def read(
    nlp: Any,  # noqa: ANN401 - spaCy has no types
    kernel: Kernel | None = native.kernel,
    turn: Turn = NO_TURN,
) -> NativeWords | None:
    """Return a pipeline's tokenizer in native form, or None if only spaCy can run it.

    Args:
        nlp: The loaded pipeline; its tokenizer and vocabulary must not be changed afterwards.
        kernel: The extension module; None if there is none.
        turn: A lock, if several threads will read.
    """
    if kernel is None:
        return None
    try:
        return NativeWords(kernel, kernel.words_load(_parts(nlp)), nlp, turn)
    except (UnknownError, ValueError, LookupError, AttributeError, TypeError):
        return None  # whatever cannot be read as expected is spaCy's to run


def _parts(nlp: Any) -> tuple[Any, ...]:  # noqa: ANN401 - spaCy has no types
    from spacy.language import Language  # noqa: PLC0415 - whoever has a pipeline has loaded it
    from spacy.tokenizer import Tokenizer  # noqa: PLC0415 - same

    tokenizer = nlp.tokenizer
    must(type(nlp).make_doc is Language.make_doc and type(tokenizer) is Tokenizer)
    must(
        tokenizer.token_match is None and tokenizer.faster_heuristics is True and tokenizer.vocab is nlp.vocab
    )
    functions = (
        tokenizer.prefix_search,
        tokenizer.suffix_search,
        tokenizer.infix_finditer,
        tokenizer.url_match,
    )
    must([each.__name__ for each in functions] == ["search", "search", "finditer", "match"])
    expressions = [each.__self__ for each in functions]
    must(all(expression.flags == re.UNICODE for expression in expressions))
    affixes = word_affixes.read(*(expression.pattern for expression in expressions))
    flags, lower = _characters(affixes)
    known = _known(nlp.vocab)
    texts, words = _rules(tokenizer.rules, flags)
    return (
        flags,
        lower,
        *map(_literals, (affixes.prefixes, affixes.suffixes, affixes.hyphens)),
        texts,
        words,
        known,
    )


def _characters(affixes: Affixes) -> tuple[Table, Table]:
    """Return what each code point is, and its lower case."""
    points = np.array((*range(_BASIC), *_PICTOGRAPHS), "<u4")
    chars = points.tobytes().decode("utf-32-le", "surrogatepass")
    flags = np.zeros(len(chars), np.uint32)
    for name, runs in _RUNS.items():
        _mark(flags, name, [(points[run.start()], points[run.end() - 1]) for run in runs.finditer(chars)])
    for name, predicate in _PREDICATES.items():
        flags |= np.frombuffer(bytes(map(predicate, chars)), np.uint8) * _BIT[name]
    lowers = []
    for start in range(0, len(chars), _PAGE):
        page = chars[start : start + _PAGE]
        lower = page.lower()
        if len(lower) != len(page):
            lower = "".join(map(_one_lower, page))
            flags[start : start + _PAGE][[len(char.lower()) != 1 for char in page]] |= _BIT["foreign"]
        lowers.append(lower)
    flags[ord(_SIGMA)] |= _BIT["foreign"]
    _mark_affixes(affixes, flags)
    _check(affixes, flags)
    return flags, np.frombuffer("".join(lowers).encode("utf-32-le", "surrogatepass"), "<u4").astype(np.uint32)


def _one_lower(char: str) -> str:
    lower = char.lower()
    return lower if len(lower) == 1 else char


def _mark_affixes(affixes: Affixes, flags: Table) -> None:
    for name, ranges in affixes.classes.items():
        _mark(flags, name, ranges)
    hyphens = [literal.text[0] for literal in affixes.hyphens]
    for name, marked in (("cut", (*_CUTS, *hyphens)), ("edge", _EDGES)):
        flags[[ord(char) for char in marked]] |= _BIT[name]
    flags[flags & _BIT["infix"] > 0] |= _BIT["cut"]
    flags[flags & (_BIT["prefix"] | _BIT["suffix"] | _BIT["cut"]) > 0] |= _BIT["edge"]


def _check(affixes: Affixes, flags: Table) -> None:
    """Make sure of what the native tokenizer takes for granted."""
    edge = _BIT["edge"]
    must(not np.any((flags & _BIT["space"] > 0) & (flags & (edge | _BIT["foreign"]) > 0)))
    must(not any(flags[ord(char)] & _BIT["tld"] for char in ".:/?#"))
    plain = [each for each in (*affixes.prefixes, *affixes.suffixes) if not each.behind_digit]
    must(all(any(flags[ord(char)] & edge for char in literal.text) for literal in plain))


def _mark(flags: Table, name: str, ranges: Sequence[tuple[int, int]]) -> None:
    """Flag the code points of ranges, as far as the tables cover them."""
    ends = np.array([(first, last + 1) for first, last in ranges], np.int64).reshape(-1, 2)
    for start, rows in ((0, flags[:_BASIC]), (_PICTOGRAPHS.start, flags[_BASIC:])):
        within = (ends - start).clip(0, len(rows))
        depth = np.zeros(len(rows) + 1, np.int32)
        np.add.at(depth, within[:, 0], 1)
        np.add.at(depth, within[:, 1], -1)
        rows[depth.cumsum()[:-1] > 0] |= _BIT[name]


def _literals(literals: Sequence[Literal]) -> Table:
    rows = np.zeros((len(literals), _MAX_LITERAL + 2), np.uint32)
    for row, literal in zip(rows, literals, strict=True):
        must(len(literal.text) <= _MAX_LITERAL)
        row[: len(literal.text)] = [ord(char) for char in literal.text]
        row[_MAX_LITERAL:] = (len(literal.text), literal.behind_digit)
    return rows


def _rules(
    rules: Mapping[str, Sequence[Mapping[int, str]]], flags: Table
) -> tuple[NDArray[np.uint8], NDArray[np.uint64]]:
    """Return the special cases: their texts, and the length and norm of each of their words."""
    from spacy.strings import get_string_id  # noqa: PLC0415 - loaded by whoever has rules

    foreign = {chr(row) for row in np.flatnonzero(flags[:_BASIC] & _BIT["foreign"])}
    texts = bytearray()
    words: list[int] = []
    for text, parts in rules.items():
        data = text.encode()
        must(0 < len(data) <= _MAX_RULE and 0 < len(parts) <= _MAX_RULE_WORDS and "\0" not in text)
        must(text.isspace() or not any(map(str.isspace, text)))
        must(max(text) <= "\uffff" and foreign.isdisjoint(text))
        texts += data.ljust(_MAX_RULE + 1, b"\0")
        for part in parts:
            must(part.keys() <= {_ORTH, _NORM})
            words += (len(part[_ORTH]), get_string_id(part.get(_NORM, "")))
        words += [0] * (2 * (_MAX_RULE_WORDS - len(parts)))
        must("".join([part[_ORTH] for part in parts]) == text)
    return np.frombuffer(bytes(texts), np.uint8), np.array(words, np.uint64)


def _known(vocab: Any) -> NDArray[np.uint64]:  # noqa: ANN401 - spaCy has no types
    """Return [hash, id, norm or 0] of spaCy's symbols, and of words whose norm is not their lower case."""
    from spacy.attrs import IS_SPACE, NORM, PREFIX, SHAPE, SUFFIX  # noqa: PLC0415 - loaded by whoever has a vocabulary
    from spacy.lang import lex_attrs  # noqa: PLC0415 - same
    from spacy.strings import get_string_id  # noqa: PLC0415 - same
    from spacy.symbols import IDS, NAMES  # noqa: PLC0415 - same

    getters = vocab.lex_attr_getters
    given = [getters[attribute] for attribute in (PREFIX, SUFFIX, SHAPE, IS_SPACE)]
    must(given == [lex_attrs.prefix, lex_attrs.suffix, lex_attrs.word_shape, lex_attrs.is_space])
    # Of bytes, the string store gives the hash even where the string is a symbol.
    known = {vocab.strings[name.encode()]: [number, 0] for name, number in IDS.items() if name}
    for table in reversed(_norm_tables(getters[NORM], lex_attrs.lower)):
        for key, norm in table.items():
            number = get_string_id(key)
            hashed = vocab.strings[NAMES[number].encode()] if number < len(NAMES) else number
            must(bool(norm))
            known.setdefault(hashed, [number, 0])[1] = get_string_id(norm)
    must(all(lexeme.norm == get_string_id(getters[NORM](lexeme.orth_)) for lexeme in vocab))
    return np.array([(key, *value) for key, value in known.items()], np.uint64)


def _norm_tables(getter: Any, lower: Any) -> list[Mapping[Any, str]]:  # noqa: ANN401 - functions of spaCy's
    """Return the tables that are asked for a word's norm, in their order, before it is its lower case."""
    from spacy.util import _get_attr_unless_lookup  # noqa: PLC0415 - no other way to know what is asked

    tables: list[Mapping[Any, str]] = []
    while isinstance(getter, functools.partial):
        must(getter.func is _get_attr_unless_lookup and len(getter.args) == 2 and not getter.keywords)
        tables += getter.args[1]
        getter = getter.args[0]
    must(getter is lower)
    return tables
