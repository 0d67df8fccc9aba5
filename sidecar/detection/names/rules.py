"""Runs, of many rules, only those that can find something in a text, as one pass over it tells.

A rule says beside its expressions what it *needs*: what stands in every text in which it finds anything, in
RE2's syntax (``needs`` derives that from an expression). A need may promise too much, never too little:
running all rules finds the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import re2

from sidecar.detection.linear import re2_options, without_surrogates
from sidecar.model import Span

_LINE_START = "(?m:^)"


class Gates:
    """Tells which of many expressions can match in a text, in one pass, or a second one for those of lines.

    One state of an automaton stands for all that is under way in each expression: phrases and the starts of
    lines would multiply each other's states, and are kept apart.

    Args:
        needs: What must stand in a text for each, in RE2's syntax.
    """

    __slots__ = ("_sets",)

    def __init__(self, needs: Sequence[str]) -> None:
        of_lines = [number for number, need in enumerate(needs) if _LINE_START in need]
        others = [number for number, need in enumerate(needs) if _LINE_START not in need]
        self._sets = [
            (numbers, _set([needs[number] for number in numbers]))
            for numbers in (of_lines, others)
            if numbers
        ]

    def open(self, text: str) -> list[int]:
        """Return the numbers of all that may match, ascending; the others surely do not.

        Raises:
            UnicodeEncodeError: The text holds lone surrogates.
        """
        data = text.encode()
        found = [numbers[at] for numbers, some in self._sets for at in some.Match(data) or ()]
        found.sort()
        return found


def _set(needs: Sequence[str]) -> Any:  # noqa: ANN401 - re2 has no types
    some = re2.Set.SearchSet(re2_options())
    for need in needs:
        some.Add(need.encode())
    some.Compile()
    return some


@dataclass(frozen=True, slots=True)
class Rule:
    """One way of finding names: ``find`` yields nothing in a text in which ``need`` does not match."""

    need: str
    find: Callable[[str], Iterable[Span]]


class Rules:
    """Many rules, in the order in which their spans are returned."""

    __slots__ = ("_finds", "_gates", "rules")

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.rules = tuple(rules)
        self._finds = [rule.find for rule in rules]
        self._gates = Gates([rule.need for rule in rules])

    def find(self, text: str) -> list[Span]:
        """Return the spans of all rules in a text; they may overlap."""
        try:
            likely = self._gates.open(text)
        except UnicodeEncodeError:
            text = without_surrogates(text)
            likely = self._gates.open(text)
        spans: list[Span] = []
        for index in likely:
            spans += self._finds[index](text)
        return spans
