"""The one-to-one map between originals and tokens of one exchange.

An original has one token and a token one original, numbers count from 1 per entity type in the order of
the calls, and no token is ever given out that equals, in any spelling, something the client typed or
another token. A further spelling of an earlier original (``links``) gets a token that shows it: beside
``{{PERSON_1}}`` its second spelling is ``{{PERSON_1_2}}``.

``dump`` and ``load`` carry a map over to a later exchange of the same conversation; there its tokens are
live again, and numbers go on behind them.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from sidecar.model import Escaping, Original
from sidecar.tokens.grammar import MAY_START, Grammar, Name, grammar_for, linked_by, readings
from sidecar.tokens.links import Links
from sidecar.tokens.restorer import LiveTokens, Restorer, Writing

_ENTITY_TYPE = re.compile(r"[A-Z][A-Z0-9_]*")
_NUMBER = re.compile(r"[1-9][0-9]*(?:_[1-9][0-9]*)?", re.ASCII)
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class _Types:
    """The entity types of a map; the links of one's number may look like the numbers of another.

    ``heads`` are the names whose links look like numbers of a type, by that type.
    """

    known: frozenset[str]
    heads: Mapping[str, Name]
    linked: frozenset[Name]
    grammar: Grammar


@lru_cache(maxsize=64)  # the detectors of a process know few sets of types
def _types_of(entity_types: frozenset[str]) -> _Types:
    if not all(map(_ENTITY_TYPE.fullmatch, entity_types)):
        raise ValueError("an entity type is upper-case letters, digits and underscores")
    heads = {each: head for each in entity_types if (head := linked_by(each)) is not None}
    grammar = grammar_for(max(map(len, entity_types), default=1))
    return _Types(entity_types, heads, frozenset(heads.values()), grammar)


def _written(name: Name) -> str:
    return f"{{{{{name[0]}_{name[1]}}}}}"


def _number(source: object) -> str:
    if not _NUMBER.fullmatch(str(source)):
        raise ValueError("it is the dump of no token map")
    return str(source)


def _json_escaped(text: str) -> str:
    """Return the shortest spelling of a text within a JSON string that can be encoded in UTF-8."""
    escaped = json.dumps(text, ensure_ascii=False)[1:-1]
    return _SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", escaped)


class TokenMap:
    """Originals and their tokens, for one exchange.

    Args:
        entity_types: Every type that may be tokenized; look-alikes of other types need no reserving.

    Raises:
        ValueError: An entity type is not upper-case letters, digits and underscores.
    """

    __slots__ = (
        "_covered",
        "_json_sources",
        "_last",
        "_last_link",
        "_links",
        "_live",
        "_loaded",
        "_names",
        "_reserved",
        "_taken",
        "_types",
        "_unused",
    )

    def __init__(self, entity_types: Collection[str]) -> None:
        self._types = _types_of(frozenset(entity_types))
        self._names: dict[Original, Name] = {}
        self._json_sources: dict[Original, str] = {}
        self._covered: dict[str, Name] = {}
        self._reserved: set[Name] = set()
        self._loaded: dict[Name, Original] = {}
        self._taken: set[Name] = set()  # of originals and covers
        self._unused: set[Original] = set()  # of earlier exchanges
        self._last: dict[str, int] = {}
        self._last_link: dict[Name, int] = {}
        self._links = Links()
        self._live: LiveTokens | None = None

    def __len__(self) -> int:
        return len(self._names)

    def __iter__(self) -> Iterator[tuple[Original, str]]:
        """Go through the originals with their entity types, in the order of the first calls."""
        return ((original, entity_type) for original, (entity_type, _) in self._names.items())

    @property
    def counts(self) -> Mapping[str, int]:
        """How many originals of each entity type were tokenized here."""
        return Counter(name[0] for original, name in self._names.items() if original not in self._unused)

    def __contains__(self, original: object) -> bool:
        """Tell whether an original has a token."""
        return original in self._names

    @property
    def is_fresh(self) -> bool:
        """Whether nothing is in it yet: no original, no look-alike, nothing of earlier exchanges."""
        return not (self._names or self._reserved or self._covered)

    def reserve(self, text: str) -> bool:
        """Keep for the client every token, in any spelling, that stands in its text; tell whether one does.

        Call it for all texts of the request before the first ``tokenize``. A token that was loaded means
        what it meant earlier in the conversation, whoever typed it.

        Raises:
            ValueError: The text holds a token that has already been given out.
        """
        is_found = False
        for start in MAY_START.finditer(text):
            found = self._types.grammar.token.match(text, start.start())
            if found is None:
                continue
            names = [name for name in readings(found["body"]) if name[0] in self._types.known]
            if self._loaded.keys().isdisjoint(names):
                if not self._taken.isdisjoint(names):
                    raise ValueError("a look-alike was reserved after its token had been given out")
                self._reserved.update(names)
                is_found |= bool(names)
        return is_found

    def tokenize(self, original: Original, entity_type: str, json_source: str | None = None) -> str:
        r"""Return the token of an original, the same one every time.

        Args:
            original: What the client wrote.
            entity_type: Decides the token's type on the first call for this original.
            json_source: How the client spelled it within a JSON string (``Jos\u00e9``). The first
                spelling given is used wherever the original is restored into JSON source; without one,
                only what must be escaped is.

        Raises:
            ValueError: The entity type is none of this map's.
        """
        if entity_type not in self._types.known:
            raise ValueError("the entity type is none of those that this map was made for")
        if json_source is not None and original not in self._json_sources:
            self._json_sources[original] = json_source
            self._live = None
        self._unused.discard(original)
        name = self._names.get(original)
        if name is None:
            name = self._link(original, entity_type) or self._next(entity_type)
            self._enter(original, name)
            self._live = None
        return _written(name)

    def name_of(self, original: Original) -> Name:
        """Return the entity type and the number of an original's token.

        Raises:
            KeyError: It has none.
        """
        return self._names[original]

    def give(self, original: Original, name: Name, json_source: str | None) -> str:
        """Return the token of this name, given to an original once more, as in an earlier request.

        Call it before the first ``tokenize``, in the order of the earlier calls.

        Raises:
            ValueError: Name or original has been given already, or stands in the client's text.
        """
        if name in self._taken or name in self._reserved or original in self._names:
            raise ValueError("a token can be given once")
        self._enter(original, name)
        if json_source is not None:
            self._json_sources[original] = json_source
        self._live = None
        return _written(name)

    def cover(self, text: str, entity_type: str) -> str:
        """Return a token for text that the request did not hold: the same one every time, never restored.

        Raises:
            ValueError: The entity type is none of this map's.
        """
        if entity_type not in self._types.known:
            raise ValueError("the entity type is none of those that this map was made for")
        if text not in self._covered:
            self._covered[text] = self._next(entity_type)
            self._taken.add(self._covered[text])
        return _written(self._covered[text])

    def dump(self) -> bytes:
        """Return all that a later exchange needs to go on with this map, originals included."""
        names = [
            [original.text, original.is_number, *name, self._json_sources.get(original)]
            for original, name in self._names.items()
        ]
        return json.dumps({"names": names, "reserved": sorted(self._reserved)}).encode()

    def load(self, dumped: bytes) -> None:
        """Make the tokens of an earlier exchange live in this one.

        Call it before ``reserve``; several dumps may be loaded that share tokens.

        Raises:
            ValueError: It is no dump, or says of an original or a token something else than this map.
        """
        try:
            earlier = json.loads(dumped)
            reserved = {(str(entity_type), _number(number)) for entity_type, number in earlier["reserved"]}
            names = [
                (Original(str(text), bool(is_number)), (str(entity_type), _number(number)), source)
                for text, is_number, entity_type, number, source in earlier["names"]
            ]
        except (KeyError, TypeError) as exc:
            raise ValueError("it is the dump of no token map") from exc
        for original, name, source in names:
            self._load(original, name, source)
        self._types = _types_of(self._types.known.union(entity_type for entity_type, _ in self._loaded))
        self._reserved |= reserved
        if not self._reserved.isdisjoint(self._loaded) or self._is_ambiguous():
            raise ValueError("a token of one dump is a look-alike in another")
        self._live = None

    def restorer(self, escaping: Escaping) -> Restorer:
        """Return a restorer of one channel, for the tokens given out so far."""
        if self._live is None:
            self._live = LiveTokens(self._types.grammar, self._writings())
        return Restorer(self._live, escaping)

    def restore(self, text: str, escaping: Escaping) -> str:
        """Return a whole text with its tokens restored."""
        restorer = self.restorer(escaping)
        return restorer.feed(text) + restorer.flush()

    def _load(self, original: Original, name: Name, json_source: str | None) -> None:
        if self._names.get(original, name) != name or self._loaded.get(name, original) != original:
            raise ValueError("two dumps disagree about an original or a token")
        self._loaded[name] = original
        if original not in self._names:
            self._enter(original, name)
            self._unused.add(original)
        if json_source is not None:
            self._json_sources.setdefault(original, json_source)

    def _enter(self, original: Original, name: Name) -> None:
        self._names[original] = name
        self._taken.add(name)
        entity_type, number = name
        if "_" in number:
            number, _, link = number.partition("_")
            of_number = entity_type, number
            self._last_link[of_number] = max(self._last_link.get(of_number, 1), int(link))
        self._last[entity_type] = max(self._last.get(entity_type, 0), int(number))
        if not original.is_number:
            self._links.note(original.text, name)

    def _next(self, entity_type: str) -> Name:
        head = self._types.heads.get(entity_type)
        number = self._last.get(entity_type, 0)
        while True:
            number += 1
            name = entity_type, str(number)
            as_link = head and (head[0], f"{head[1]}_{number}")
            if name not in self._reserved and as_link not in self._taken:
                self._last[entity_type] = number
                return name

    def _link(self, original: Original, entity_type: str) -> Name | None:
        """Return the name that shows what else this original is a spelling of; None if it is new."""
        number = None if original.is_number else self._links.number(original.text, entity_type)
        if number is None or (entity_type, number) in self._types.linked:
            return None
        link = self._last_link.get((entity_type, number), 1) + 1
        while (entity_type, f"{number}_{link}") in self._reserved:
            link += 1
        return entity_type, f"{number}_{link}"

    def _is_ambiguous(self) -> bool:
        """Tell whether one text may spell two of the loaded tokens."""
        heads = {name: linked_by(name) for name in {entity_type for entity_type, _ in self._loaded}}
        return any(
            (head := heads[entity_type]) and (head[0], f"{head[1]}_{number}") in self._loaded
            for entity_type, number in self._loaded
        )

    def _writings(self) -> dict[Name, Writing]:
        return {name: self._writing(original) for original, name in self._names.items()}

    def _writing(self, original: Original) -> Writing:
        if original.is_number:
            return Writing(original.text, original.text, is_number=True)
        source = self._json_sources.get(original)
        in_json = _json_escaped(original.text) if source is None else source
        return Writing(original.text, in_json, is_number=False)
