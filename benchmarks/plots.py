"""Plots of the figures of one run: detection by text length, a chat by its turns, streams by their number."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")

from matplotlib import pyplot as plt

COLORS = {
    "pii-sidecar": "#0b6e4f",
    "plain": "#b23a48",
    "Presidio": "#c98b2b",
    "spaCy ner-only": "#5b6c8f",
    "no-op ext_proc": "#7a7a7a",
    "Envoy alone": "#b0b0b0",
}
SIZE = (7.0, 4.2)  # inches
DPI = 130

Rounds = Mapping[str, Mapping[Any, Sequence[float]]]  # system -> what varies -> seconds of each round


def plot(figures: Mapping[str, Any], folder: Path) -> None:
    """Write one PNG for each part that was measured."""
    if "detection" in figures:
        whole = seconds_a_text(figures["detection"]["prose"])
        x = "words in a text, none of them seen before"
        lines(folder / "text_length.png", whole, x, "Detection, one core", log_x=True)
    if "end-to-end" in figures:
        by_turn = figures["end-to-end"]["by turn"]
        lines(folder / "turns.png", by_turn, "turn of the chat", "A new turn of a growing chat, end to end")
    if "streams" in figures:
        late = figures["streams"]["lateness p99"]
        x = "streams at once, 50 chunks a second each"
        lines(folder / "streams.png", late, x, "Lateness of a chunk, p99")


def seconds_a_text(by_words: Mapping[Any, Mapping[str, Sequence[float]]]) -> Rounds:
    """Turn seconds a word, by words and system, into seconds a text, by system and words."""
    result: dict[str, dict[Any, Sequence[float]]] = {}
    for words, systems in by_words.items():
        for name, seconds in systems.items():
            result.setdefault(name, {})[words] = [int(words) * each for each in seconds]
    return result


def lines(file: Path, systems: Rounds, x: str, title: str, *, log_x: bool = False) -> None:
    """Draw a line for each system: the median of its rounds in milliseconds, and all of their range."""
    figure, axes = plt.subplots(figsize=SIZE, layout="constrained")
    for name, by in systems.items():
        at = sorted((int(each), seconds) for each, seconds in by.items())
        xs = [each for each, _ in at]
        middle = [1e3 * statistics.median(seconds) for _, seconds in at]
        axes.plot(xs, middle, marker="o", markersize=3.5, label=name, color=COLORS.get(name))
        low = [1e3 * min(seconds) for _, seconds in at]
        high = [1e3 * max(seconds) for _, seconds in at]
        axes.fill_between(xs, low, high, alpha=0.15, color=COLORS.get(name))
    axes.set(xlabel=x, ylabel="milliseconds", title=title, yscale="log", xscale="log" if log_x else "linear")
    axes.grid(which="major", alpha=0.3)
    axes.legend(frameon=False)
    figure.savefig(file, dpi=DPI)
    plt.close(figure)
