"""``pii-sidecar scan``: what would be found in texts, for people and for programs."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import track

from sidecar.cli.core import load_inline
from sidecar.cli.scan_page import write_page
from sidecar.cli.scan_report import Report, print_report
from sidecar.detection.pipeline import Detection
from sidecar.model import Passage, Span
from sidecar.request_body import Deadline
from sidecar.settings import Settings

SECONDS_PER_TEXT = 3600.0  # a command at the terminal may take its time
STDIN = "standard input"
WIDTH = 160  # columns where nobody's terminal says
_NO_JSON = (math.inf, -math.inf)  # what numbers beyond all bounds are read as


class BadInput(Exception):
    """The input is not what ``scan`` reads; the text says where, for people."""


def scan_texts(settings: Settings, files: Sequence[Path], *, explain: bool, page: Path | None) -> None:
    """Print each text with its spans marked, and a line for each span; or write them to a page.

    Raises:
        BadInput: A file cannot be read, or the page not written.
    """
    named = [(str(file), _read(file)) for file in files] or [(STDIN, _read(None))]
    detection = load_inline(settings)
    console = Console(soft_wrap=True, highlight=False, width=None if sys.stdout.isatty() else WIDTH)
    reports = []
    for name, text in _with_progress(named):
        report = _report(detection, name, text, explain=explain)
        if page is None:
            print_report(console, report, titled=len(named) > 1)
        else:
            reports.append(report)
    if page is not None:
        try:
            write_page(page, reports)
        except OSError as exc:
            raise BadInput(f"{page}: {exc.strerror}") from exc
        found = sum(len(report.spans) for report in reports)
        console.print(f"{found} spans in {len(reports)} texts: {page}", markup=False)


def scan_jsonl(settings: Settings, file: Path | None) -> None:
    """Read ``{"id", "text"}`` lines; write ``{"id", "spans"}`` lines in the same order.

    Raises:
        BadInput: The file cannot be read, or a line is no such object.
    """
    detection = load_inline(settings)
    for name, text in _records(_read(file).split("\n")):
        spans = [_as_json(span) for span in _detect(detection, text)]
        sys.stdout.write(json.dumps({"id": name, "spans": spans}) + "\n")
    sys.stdout.flush()


def _with_progress(named: list[tuple[str, str]]) -> Iterable[tuple[str, str]]:
    """Go through the texts; with a bar on standard error if there are many and somebody watches."""
    console = Console(stderr=True)
    if len(named) == 1 or not console.is_terminal:
        return named
    return track(named, description="scanning", console=console, transient=True)


def _report(detection: Detection, name: str, text: str, *, explain: bool) -> Report:
    passage, budget = Passage(text), Deadline(SECONDS_PER_TEXT)
    verdicts = detection.explain(passage, budget) if explain else []
    return Report(name, text, _detect(detection, text), verdicts)


def _detect(detection: Detection, text: str) -> Sequence[Span]:
    # Each text is a request of its own: what is found in one is not looked for in another.
    return detection.detect_request([Passage(text)], Deadline(SECONDS_PER_TEXT))[0]


def _records(lines: Iterable[str]) -> Iterator[tuple[str | int | float, str]]:
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line, parse_constant=_refused)
        except (ValueError, RecursionError) as exc:
            raise BadInput(f"line {number}: not JSON") from exc
        if not isinstance(record, dict) or not isinstance(record.get("text"), str):
            raise BadInput(f'line {number}: expected an object with "id" and a string "text"')
        name = record.get("id")
        if isinstance(name, bool) or not isinstance(name, str | int | float) or name in _NO_JSON:
            raise BadInput(f'line {number}: "id" must be a string or a number')
        yield name, record["text"]


def _refused(constant: str) -> None:
    raise ValueError(constant)  # NaN and Infinity are no JSON


def _as_json(span: Span) -> dict[str, object]:
    return {"start": span.start, "end": span.end, "type": span.entity_type, "score": span.score}


def _read(file: Path | None) -> str:
    try:
        data = sys.stdin.buffer.read() if file is None else file.read_bytes()
        return data.decode("utf-8")
    except OSError as exc:
        raise BadInput(f"{file}: {exc.strerror}") from exc
    except UnicodeDecodeError as exc:
        raise BadInput(f"{file or STDIN}: not UTF-8 at byte {exc.start}") from exc
