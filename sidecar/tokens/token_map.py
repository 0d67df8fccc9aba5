"""The one-to-one map between originals and tokens of one exchange.

An original has one token and a token one original, numbers count from 1 per entity type in the order of
the calls, and no token is ever given out that equals, in any spelling, something the client typed.

``dump`` and ``load`` carry a map over to a later exchange of the same conversation; there its tokens are
live again, and numbers go on behind them.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping

from sidecar.model import Escaping, Original
from sidecar.tokens.grammar import grammar_for, read_name
from sidecar.tokens.restorer import LiveTokens, Restorer, Writing

_ENTITY_TYPE = re.compile(r"[A-Z][A-Z0-9_]*")
_SURROGATE = re.compile("[\ud800-\udfff]")


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
        "_grammar",
        "_json_sources",
        "_last",
        "_live",
        "_loaded",
        "_names",
        "_reserved",
        "_types",
        "_used",
    )

    def __init__(self, entity_types: Collection[str]) -> None:
        for entity_type in entity_types:
            if not _ENTITY_TYPE.fullmatch(entity_type):
                raise ValueError("an entity type is upper-case letters, digits and underscores")
        self._types = frozenset(entity_types)
        self._grammar = grammar_for(max(map(len, self._types), default=1))
        self._names: dict[Original, tuple[str, str]] = {}
        self._json_sources: dict[Original, str] = {}
        self._covered: dict[str, tuple[str, str]] = {}
        self._reserved: set[tuple[str, str]] = set()
        self._loaded: dict[tuple[str, str], Original] = {}
        self._used: set[Original] = set()
        self._last: Counter[str] = Counter()
        self._live: LiveTokens | None = None

    def __len__(self) -> int:
        return len(self._names)

    def __iter__(self) -> Iterator[tuple[Original, str]]:
        """Go through the originals with their entity types, in the order of the first calls."""
        return ((original, entity_type) for original, (entity_type, _) in self._names.items())

    @property
    def counts(self) -> Mapping[str, int]:
        """How many originals of each entity type were tokenized here."""
        return Counter(self._names[original][0] for original in self._used)

    def reserve(self, text: str) -> None:
        """Keep for the client every token, in any spelling, that stands in its text.

        Call it for all texts of the request before the first ``tokenize``. A token that was loaded means
        what it meant earlier in the conversation, whoever typed it.

        Raises:
            ValueError: The text holds a token that has already been given out.
        """
        at = 0
        while found := self._grammar.token.search(text, at):
            name = read_name(found["body"])
            if name and name[0] in self._types and name not in self._loaded:
                if name not in self._reserved and int(name[1]) <= self._last[name[0]]:
                    raise ValueError("a look-alike was reserved after its token had been given out")
                self._reserved.add(name)
            at = found.start() + 1

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
        if entity_type not in self._types:
            raise ValueError("the entity type is none of those that this map was made for")
        if json_source is not None and original not in self._json_sources:
            self._json_sources[original] = json_source
            self._live = None
        self._used.add(original)
        name = self._names.get(original)
        if name is None:
            name = self._names[original] = self._next(entity_type)
            self._live = None
        return f"{{{{{name[0]}_{name[1]}}}}}"

    def cover(self, text: str, entity_type: str) -> str:
        """Return a token for text that the request did not hold: the same one every time, never restored.

        Raises:
            ValueError: The entity type is none of this map's.
        """
        if entity_type not in self._types:
            raise ValueError("the entity type is none of those that this map was made for")
        if text not in self._covered:
            self._covered[text] = self._next(entity_type)
        name = self._covered[text]
        return f"{{{{{name[0]}_{name[1]}}}}}"

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
            reserved = {(str(entity_type), str(number)) for entity_type, number in earlier["reserved"]}
            names = [
                (Original(str(text), bool(is_number)), (str(entity_type), str(int(number))), source)
                for text, is_number, entity_type, number, source in earlier["names"]
            ]
        except (KeyError, TypeError) as exc:
            raise ValueError("it is the dump of no token map") from exc
        for original, name, source in names:
            self._load(original, name, source)
        self._reserved |= reserved
        if not self._reserved.isdisjoint(self._loaded):
            raise ValueError("a token of one dump is a look-alike in another")
        for entity_type, number in self._loaded:
            self._last[entity_type] = max(self._last[entity_type], int(number))
        self._types |= {entity_type for entity_type, _ in self._loaded}
        self._grammar = grammar_for(max(map(len, self._types), default=1))
        self._live = None

    def restorer(self, escaping: Escaping) -> Restorer:
        """Return a restorer of one channel, for the tokens given out so far."""
        if self._live is None:
            self._live = LiveTokens(self._grammar, self._writings())
        return Restorer(self._live, escaping)

    def restore(self, text: str, escaping: Escaping) -> str:
        """Return a whole text with its tokens restored."""
        restorer = self.restorer(escaping)
        return restorer.feed(text) + restorer.flush()

    def _load(self, original: Original, name: tuple[str, str], json_source: str | None) -> None:
        if self._names.get(original, name) != name or self._loaded.get(name, original) != original:
            raise ValueError("two dumps disagree about an original or a token")
        self._names[original] = name
        self._loaded[name] = original
        if json_source is not None:
            self._json_sources.setdefault(original, json_source)

    def _next(self, entity_type: str) -> tuple[str, str]:
        while True:
            self._last[entity_type] += 1
            name = entity_type, str(self._last[entity_type])
            if name not in self._reserved:
                return name

    def _writings(self) -> dict[tuple[str, str], Writing]:
        return {name: self._writing(original) for original, name in self._names.items()}

    def _writing(self, original: Original) -> Writing:
        if original.is_number:
            return Writing(original.text, original.text, is_number=True)
        source = self._json_sources.get(original)
        in_json = _json_escaped(original.text) if source is None else source
        return Writing(original.text, in_json, is_number=False)
