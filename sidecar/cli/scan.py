"""``pii-sidecar scan``: what would be found in a text, for people and for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from rich.console import Console
from rich.text import Text

from sidecar.cli.core import load_inline
from sidecar.detection.pipeline import Detection
from sidecar.model import Passage, Span
from sidecar.request_body import Deadline
from sidecar.settings import Settings

SECONDS_PER_TEXT = 3600.0  # a command at the terminal may take its time


class BadInput(Exception):
    """The input is not what ``scan`` reads; the text says where, for people."""


def scan_text(settings: Settings, file: Path | None) -> None:
    """Print one text with its spans marked, and a line for each span."""
    text = _read(file)
    spans = _detect(load_inline(settings), text)
    console = Console(soft_wrap=True, highlight=False)
    marked = Text(text)
    for span in spans:
        marked.stylize("bold reverse", span.start, span.end)
    console.print(marked)
    for span in spans:
        line = f"[{span.start}, {span.end})  {span.entity_type}  {span.score:.2f}  {span.origin.name.lower()}"
        console.print(f"{line}  {text[span.start : span.end]!r}", markup=False)
    console.print(f"{len(spans)} spans", markup=False)


def scan_jsonl(settings: Settings, file: Path | None) -> None:
    """Read ``{"id", "text"}`` lines; write ``{"id", "spans"}`` lines in the same order."""
    detection = load_inline(settings)
    for name, text in _records(_read(file).split("\n")):
        spans = [_as_json(span) for span in _detect(detection, text)]
        sys.stdout.write(json.dumps({"id": name, "spans": spans}) + "\n")
    sys.stdout.flush()


def _detect(detection: Detection, text: str) -> list[Span]:
    # Each text is a request of its own: what is found in one is not looked for in another.
    return detection.detect_request([Passage(text)], Deadline(SECONDS_PER_TEXT))[0]


def _records(lines: Iterable[str]) -> Iterator[tuple[str | int | float, str]]:
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as exc:
            raise BadInput(f"line {number}: not JSON") from exc
        if not isinstance(record, dict) or not isinstance(record.get("text"), str):
            raise BadInput(f'line {number}: expected an object with "id" and a string "text"')
        name = record.get("id")
        if isinstance(name, bool) or not isinstance(name, str | int | float):
            raise BadInput(f'line {number}: "id" must be a string or a number')
        yield name, record["text"]


def _as_json(span: Span) -> dict[str, object]:
    return {"start": span.start, "end": span.end, "type": span.entity_type, "score": span.score}


def _read(file: Path | None) -> str:
    try:
        data = sys.stdin.buffer.read() if file is None else file.read_bytes()
        return data.decode("utf-8")
    except OSError as exc:
        raise BadInput(f"{file}: {exc.strerror}") from exc
    except UnicodeDecodeError as exc:
        raise BadInput(f"{file or 'standard input'}: not UTF-8 at byte {exc.start}") from exc
