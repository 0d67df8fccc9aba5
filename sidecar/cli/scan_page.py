"""The page that ``pii-sidecar scan --html`` writes: marked texts, self-contained, nothing fetched or run.

Every text is escaped; the page holds originals, so it is written for its owner's eyes only (mode 0600).
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from pathlib import Path

from sidecar.cli.scan_report import Report, color_number, finder
from sidecar.detection.verdict import Verdict
from sidecar.model import Span

_HUES = (190, 130, 300, 45, 225, 0)  # of the colors in a terminal
_HEAD = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>pii-sidecar scan</title>
<style>
:root { color-scheme: light dark; font: 15px/1.6 system-ui, sans-serif; }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; padding: 1rem; }
pre { border: 1px solid #8884; border-radius: .5rem; }
mark { border-radius: .25rem; padding: 0 .15rem; color: inherit; background: hsl(var(--hue) 80% 50% / .3); }
mark small { font-size: .7em; font-weight: 600; opacity: .75; margin-left: .3em; user-select: none; }
table { border-collapse: collapse; width: 100%; font-size: .9em; }
th, td { text-align: left; vertical-align: top; padding: .2rem .8rem .2rem 0; }
tr { border-bottom: 1px solid #8883; }
td.text { font-family: ui-monospace, monospace; overflow-wrap: anywhere; }
tr.dropped { opacity: .6; }
</style>
</head>
<body>
<h1>pii-sidecar scan</h1>
"""
_TAIL = "</body>\n</html>\n"


def write_page(file: Path, reports: Iterable[Report]) -> None:
    """Write one page of all reports.

    Raises:
        OSError: The file cannot be written.
    """
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace") as page:
        os.fchmod(descriptor, 0o600)  # of a file that was there before, too
        page.write(_HEAD)
        for report in reports:
            page.writelines(_section(report))
        page.write(_TAIL)


def _section(report: Report) -> Iterator[str]:
    counts = Counter(span.entity_type for span in report.spans)
    yield f"<h2>{escape(report.name)}</h2>\n<p>{len(report.spans)} spans"
    yield "".join(f" · {_badge(name)} {count}" for name, count in sorted(counts.items()))
    yield f"</p>\n<pre>{_marked(report.text, report.spans)}</pre>\n"
    rows = report.verdicts or [Verdict(span, taken=True, reason="") for span in report.spans]
    if rows:
        yield "<table>\n<tr><th></th><th>place</th><th>type</th><th>score</th><th>found by</th>"
        yield "<th>text</th><th>why</th></tr>\n"
        yield from (_row(report.text, verdict) for verdict in rows)
        yield "</table>\n"


def _marked(text: str, spans: Sequence[Span]) -> str:
    pieces, position = [], 0
    for span in spans:
        pieces.append(escape(text[position : span.start]))
        inner = f"{escape(text[span.start : span.end])}<small>{escape(span.entity_type)}</small>"
        title = escape(f"{finder(span)}, score {span.score:.2f}")
        pieces.append(f'<mark style="--hue: {_hue(span.entity_type)}" title="{title}">{inner}</mark>')
        position = span.end
    return "".join([*pieces, escape(text[position:])])


def _row(text: str, verdict: Verdict) -> str:
    span = verdict.span
    word = "taken" if verdict.taken else "dropped"
    cells = f"<td>{word}</td><td>[{span.start}, {span.end})</td><td>{_badge(span.entity_type)}</td>"
    cells += f"<td>{span.score:.2f}</td><td>{escape(finder(span))}</td>"
    cells += f'<td class="text">{escape(text[span.start : span.end])}</td><td>{escape(verdict.reason)}</td>'
    return f'<tr class="{word}">{cells}</tr>\n'


def _badge(entity_type: str) -> str:
    return f'<mark style="--hue: {_hue(entity_type)}">{escape(entity_type)}</mark>'


def _hue(entity_type: str) -> int:
    return _HUES[color_number(entity_type)]
