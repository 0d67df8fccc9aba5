"""Shapes: how each place in a body is treated, as data that reads like the body.

A shape maps places to treatments or to the names of other shapes::

    {
        "messages[].role": STRUCTURAL,                           a literal, or all below it
        "messages[].content": TEXT,                              a string there ...
        "messages[].content[]": "part",                          ... or elements of another shape
        "thinking if type=thinking and signature": SIGNED,       depends on siblings, in any order
        "properties.*": "schema",                                under keys that the user chose
        "": TOKEN_IDS,                                           a literal in the place of all this
    }

Keys that a shape names belong to the format. Whatever it does not name is user data, keys included, so
nothing passes by being unknown. A condition holds only if every sibling of that name meets it, because
a duplicate key may be read either way; without ``=`` it asks for a string that is not empty.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from enum import Enum, auto
from types import MappingProxyType
from typing import NamedTuple


class Treatment(Enum):
    """What is done with the literals at one place and below it."""

    USER_DATA = auto()  # looked at, keys too; in an answer a string may turn back into a number
    TEXT = auto()  # looked at; in an answer a string stays a string
    NAME = auto()  # looked at for patterns only: names that must agree with each other, and keys
    JSON_SOURCE = auto()  # a string of JSON source; plain text where it is not valid
    STRUCTURAL = auto()  # numbers, and strings that look like identifiers, are not looked at
    KEYWORD = auto()  # words all in lower or all in upper case, as types and roles are, are not looked at
    NUMERIC = auto()  # numbers are not looked at; strings are
    SIGNED = auto()  # signed, encrypted or a credential: byte for byte
    ENCRYPTED = auto()  # the same where it has the alphabet of encrypted text, else looked at
    SEALED = auto()  # in a request like ENCRYPTED; in an answer it is the provider's, hence like SIGNED
    TOKEN_IDS = auto()  # strings are looked at; arrays of integers cannot be
    IMAGE = auto()  # inline media: a URL, a data URL, or base64 whose type stands beside it
    AUDIO = auto()
    VIDEO = auto()
    FILE = auto()
    MEDIA = auto()  # an image, audio or video
    IMAGE_BYTES = auto()  # base64 of an image that declares no type and is known by its first bytes
    COMPANION = auto()  # spells out the text beside it (log probabilities); goes when that changes


(
    USER_DATA,
    TEXT,
    NAME,
    JSON_SOURCE,
    STRUCTURAL,
    KEYWORD,
    NUMERIC,
    SIGNED,
    ENCRYPTED,
    SEALED,
    TOKEN_IDS,
    IMAGE,
    AUDIO,
    VIDEO,
    FILE,
    MEDIA,
    IMAGE_BYTES,
    COMPANION,
) = Treatment  # words for the tables

Shapes = Mapping[str, Mapping[str, "Treatment | str | Shape"]]
Siblings = Mapping[str, AbstractSet[str]]
NO_SIBLINGS: Siblings = MappingProxyType({})
TRUE = "\0true"
"""The word ``true`` among the texts of siblings, where no string stands for it."""

MEDIA_PLACES = frozenset(
    {
        Treatment.IMAGE,
        Treatment.AUDIO,
        Treatment.VIDEO,
        Treatment.FILE,
        Treatment.MEDIA,
        Treatment.IMAGE_BYTES,
    },
)
MEDIA_TYPE_KEYS = ("media_type", "mime_type", "mimeType")
AUDIO_FORMAT_KEY = "format"
"""The keys beside base64 that say what it is."""

_steps = re.compile(r"\[\]|[^.\[\]]+").findall


class Condition(NamedTuple):
    """A sibling that must be there: with this text, or with any but the empty one if that is None.

    ``=true`` in a table asks for the word, not for a string.
    """

    key: str
    text: str | None

    def holds(self, siblings: Siblings) -> bool:
        """Tell whether all siblings of that name meet it, and there is one."""
        texts = siblings.get(self.key, frozenset())
        return texts == {self.text} if self.text else bool(texts) and texts.isdisjoint(("", TRUE))


class Shape:
    """One place, ready to walk: its treatment, and the shapes of what may stand below it.

    ``element`` holds for elements, ``below`` under keys that are not named; ``asked`` are the keys
    whose texts decide something about their siblings; ``order`` are those that reach the model first.
    ``unnamed`` knows more keys, which mean the same wherever they stand.
    """

    __slots__ = ("asked", "below", "element", "members", "order", "treatment", "unnamed")

    def __init__(self, treatment: Treatment, below: Shape | None = None) -> None:
        self.treatment = treatment
        self.members: dict[str, list[tuple[tuple[Condition, ...], Shape]]] = {}
        self.asked: set[str] = {*MEDIA_TYPE_KEYS, AUDIO_FORMAT_KEY} if treatment in MEDIA_PLACES else set()
        self.element: Shape = below or self
        self.below: Shape = below or self
        self.order: tuple[str, ...] = ()
        self.unnamed: Shape | None = None

    def member(self, key: str, siblings: Siblings) -> Shape | None:
        """Return the shape of what stands under ``key``, or None if the format does not name it."""
        variants = self.members.get(key)
        if variants is None:
            return self.unnamed.member(key, siblings) if self.unnamed else None
        for conditions, shape in variants:
            if all(condition.holds(siblings) for condition in conditions):
                return shape
        return self.below


ANYTHING = Shape(Treatment.USER_DATA)


def compiled(shapes: Shapes, name: str, order: Sequence[str] = (), unknown: Shape = ANYTHING) -> Shape:
    """Return the shape called ``name``, with those that it mentions.

    Args:
        shapes: A treatment, the name of a shape, or a shape that is compiled already, by place.
        name: Which of them.
        order: Its keys that reach the model first, in that order.
        unknown: What stands in places that no table names.

    Raises:
        KeyError: It mentions a shape that does not exist.
        ValueError: It gives a place to another shape and says something about it as well.
    """
    shape = _Compiler(shapes, unknown).shape(name)
    shape.order = tuple(order)
    return shape


class _Rules:
    """The rules of one place and those below it, before they become a shape."""

    __slots__ = ("below", "conditional", "treatment")

    def __init__(self) -> None:
        self.treatment: Treatment | str | Shape | None = None
        self.conditional: list[tuple[tuple[Condition, ...], Treatment | str | Shape]] = []
        self.below: dict[str, _Rules] = {}

    def add(self, rule: str, treatment: Treatment | str | Shape) -> None:
        place, _, conditions = rule.partition(" if ")
        rules = self
        for step in _steps(place):
            rules = rules.below.setdefault(step, _Rules())
        if conditions:
            parsed = tuple(_condition(each) for each in conditions.split(" and "))
            rules.conditional.append((parsed, treatment))
        else:
            rules.treatment = treatment


class _Compiler:
    """Builds each named shape once, so that shapes may mention each other and themselves."""

    def __init__(self, shapes: Shapes, unknown: Shape) -> None:
        self._shapes = shapes
        self._unknown = unknown
        self._done: dict[str, Shape] = {}

    def shape(self, name: str) -> Shape:
        if name not in self._done:
            rules = _Rules()
            for rule, treatment in self._shapes[name].items():
                rules.add(rule, treatment)
            own = rules.treatment if isinstance(rules.treatment, Treatment) else Treatment.USER_DATA
            self._done[name] = shape = Shape(own, below=self._unknown)
            self._fill(shape, rules)
        return self._done[name]

    def _built(self, rules: _Rules) -> Shape:
        match rules.treatment:
            case str(name) if rules.below:
                raise ValueError(f"rules below a place of shape {name!r} belong into that shape")
            case Shape() if rules.below:
                raise ValueError("rules below a place of another format's shape belong into that format")
            case str() | Shape():
                return self._leaf(rules.treatment)
            case None:
                shape = Shape(Treatment.USER_DATA, below=self._unknown)
            case treatment:
                shape = Shape(treatment)
        self._fill(shape, rules)
        return shape

    def _fill(self, shape: Shape, rules: _Rules) -> None:
        for step, below in rules.below.items():
            match step:
                case "[]":
                    shape.element = self._built(below)
                case "*":
                    shape.below = self._built(below)
                case _:
                    shape.members[step] = variants = [
                        (conditions, self._leaf(treatment)) for conditions, treatment in below.conditional
                    ]
                    if below.treatment or below.below:
                        variants.append(((), self._built(below)))
                    for conditions, variant in variants:
                        shape.asked |= {condition.key for condition in conditions}
                        shape.asked |= variant.asked if variant.treatment in MEDIA_PLACES else set()

        if shape.below is self._unknown:
            shape.unnamed = self._unknown
            shape.asked |= self._unknown.asked

    def _leaf(self, treatment: Treatment | str | Shape) -> Shape:
        match treatment:
            case str(name):
                return self.shape(name)
            case Shape():
                return treatment
            case _:
                return Shape(treatment)


def _condition(source: str) -> Condition:
    key, equals, text = source.strip().partition("=")
    return Condition(key, (TRUE if text == "true" else text) if equals else None)
