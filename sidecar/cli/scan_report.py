"""What ``pii-sidecar scan`` shows in a terminal: the text with its spans in color, then a line for each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table
from rich.text import Text

from sidecar.detection.verdict import Verdict
from sidecar.model import Span

COLORS = ("cyan", "green", "magenta", "yellow", "blue", "red")


@dataclass(frozen=True, slots=True)
class Report:
    """One text, its spans, and what was made of everything that detectors proposed (if asked for)."""

    name: str
    text: str
    spans: Sequence[Span]
    verdicts: Sequence[Verdict]


def color_number(entity_type: str) -> int:
    """Return the same color of ``COLORS`` for a type every time."""
    return sum(entity_type.encode()) % len(COLORS)


def finder(span: Span) -> str:
    """Return what found a span, for people."""
    if ":" in span.rule:  # the rule of a kind of its own: cue:greeting
        return span.rule.replace(":", ": ", 1)
    return f"{span.origin.name.lower()}: {span.rule}" if span.rule else span.origin.name.lower()


def print_report(console: Console, report: Report, *, titled: bool) -> None:
    """Print one text."""
    if titled:
        console.rule(Text(_shown(report.name)))
    marked = Text(_shown(report.text))
    for span in report.spans:
        marked.stylize(f"bold reverse {COLORS[color_number(span.entity_type)]}", span.start, span.end)
    console.print(marked)
    if report.verdicts:
        console.print(_explained(report))
    else:
        for span in report.spans:
            console.print(_line(report.text, span))
    counts = Counter(span.entity_type for span in report.spans)
    summary = ", ".join(f"{name}={count}" for name, count in sorted(counts.items()))
    console.print(f"{len(report.spans)} spans" + (f": {summary}" if summary else ""), markup=False)


def _line(text: str, span: Span) -> Text:
    place = f"[{span.start}, {span.end})  "
    line = Text(place)
    line.append(span.entity_type, COLORS[color_number(span.entity_type)])
    line.append(f"  {span.score:.2f}  {finder(span)}  {text[span.start : span.end]!r}")
    return line


def _explained(report: Report) -> Table:
    table = Table("", "place", "type", "score", "found by", "text", "why", box=None, pad_edge=False)
    for verdict in report.verdicts:
        span = verdict.span
        color = COLORS[color_number(span.entity_type)] if verdict.taken else "dim"
        cells = (
            "taken" if verdict.taken else "dropped",
            f"[{span.start}, {span.end})",
            span.entity_type,
            f"{span.score:.2f}",
            finder(span),
            repr(report.text[span.start : span.end]),
            verdict.reason,
        )
        table.add_row(*(Text(cell) for cell in cells), style=color)
    return table


def _shown(text: str) -> str:
    """Return the text without what would steer the terminal, each code point still one."""
    return "".join(char if char.isprintable() or char in "\n\t" else "\ufffd" for char in text)
