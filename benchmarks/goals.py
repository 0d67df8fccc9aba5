"""What is to be reached, and whether it was: one line for each goal, with the spread of its rounds."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from rich.table import Table

from benchmarks.measure import Spread

_COMPARISONS: dict[str, Callable[[float, float], bool]] = {"≥": operator.ge, "≤": operator.le}


@dataclass(frozen=True)
class Goal:
    """One line of the table: ``bound`` is what the median must reach, in ``unit``.

    ``comparison``: ``≥`` or ``≤``.
    """

    work: str
    comparison: str
    bound: float
    unit: str
    measured: Spread

    @classmethod
    def at_least(cls, work: str, bound: float, figures: Sequence[float], unit: str = "x") -> Goal:
        return cls(work, "≥", bound, unit, Spread.of(figures))

    @classmethod
    def at_most(cls, work: str, bound: float, figures: Sequence[float], unit: str = "x") -> Goal:
        return cls(work, "≤", bound, unit, Spread.of(figures))

    @property
    def reached(self) -> bool:
        return _COMPARISONS[self.comparison](self.measured.median, self.bound)

    def as_json(self) -> dict[str, object]:
        return {
            "work": self.work,
            "goal": f"{self.comparison} {self.bound:g}{self.unit}",
            "median": self.measured.median,
            "range of 80 %": [self.measured.low, self.measured.high],
            "reached": self.reached,
        }


def goals_table(goals: Iterable[Goal]) -> Table:
    table = Table(title="Goals: median of the rounds, and the range of 80 % of them", title_justify="left")
    table.add_column("work")
    for heading in ("goal", "measured", "range"):
        table.add_column(heading, justify="right")
    table.add_column("")
    for goal in goals:
        spread = goal.measured
        table.add_row(
            goal.work,
            f"{goal.comparison} {goal.bound:g}{goal.unit}",
            f"{rounded(spread.median)}{goal.unit}",
            f"{rounded(spread.low)} - {rounded(spread.high)}",
            "reached" if goal.reached else "missed",
        )
    return table


def rounded(figure: float) -> str:
    """Return a figure with three digits that mean something."""
    return f"{figure:.0f}" if abs(figure) >= 100 else f"{figure:.3g}"


def shown(figures: Sequence[float], unit: str = "", digits: int = 2) -> str:
    spread = Spread.of(figures)
    return f"{spread.median:.{digits}f}{unit} [{spread.low:.{digits}f}-{spread.high:.{digits}f}]"
