"""Technical terms: a list of words and phrases that are none of a name, whatever a model says."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files

_TERM_LISTS = ("tech_terms.txt", "other_terms.txt")


@dataclass(frozen=True, slots=True)
class Terms:
    """Technical terms: folded words, joined by blanks, with the number of words of the longest."""

    terms: frozenset[str]

    @classmethod
    def shipped(cls) -> Terms:
        """Read the list that comes with the program."""
        folder = files("sidecar.detection.names")
        lines = [
            line for name in _TERM_LISTS for line in folder.joinpath(name).read_text("utf-8").splitlines()
        ]
        words = (word for line in lines if not line.startswith("#") for word in line.split())
        return cls(frozenset(word.replace("_", " ") for word in words))

    def __contains__(self, name: str) -> bool:
        folded = " ".join(name.lower().split())
        return folded in self.terms or folded.removesuffix("s") in self.terms
