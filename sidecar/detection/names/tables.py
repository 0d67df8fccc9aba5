"""Finds the cells of tables whose columns say what they hold: CSV and the like, Markdown, HTML, SQL inserts.

A table is a header line that names such a column and the lines after it with as many cells. Every line is
looked at a bounded number of times.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise

from sidecar.detection.names.key_values import entity_type_of, is_single_name
from sidecar.detection.names.keys import LAST_WORD, MAX_KEY, Meaning, meaning_of
from sidecar.detection.names.needs import need_of
from sidecar.detection.names.rules import Rule
from sidecar.detection.names.windows import Windowed
from sidecar.model import Origin, Span

_SCORE = 0.8
_MAX_HEADER = 600  # code points
_MAX_COLUMNS = 64
_LINE_ENDS = Windowed(re.compile(r"[\r\n]{1,64}"))
_CELL = {
    mark: re.compile(
        rf'[ ]{{0,8}}"((?:[^"]|""){{0,400}})"[ ]{{0,8}}(?={re.escape(mark)}|\Z)|([^{re.escape(mark)}]*)'
    )
    for mark in ",;\t|"
}
_MARKUP = "*_`~ \t\"'"
_RULE = re.compile(r"[\s|:+-]*-[\s|:+-]*")
_ROW = Windowed(re.compile(r"<tr\b[^<>]{0,200}>", re.IGNORECASE))
_HTML_CELL = Windowed(
    re.compile(
        r"""
        <t[dh]\b[^<>]{0,200}>
        (?: [ \t\n]{0,20} <[a-z]{1,8}\b[^<>]{0,200}> ){0,3}
        [ \t\n]{0,20} ([^<>\n]{0,200}?) [ \t\n]{0,20} <
        """,
        re.IGNORECASE | re.VERBOSE,
    )
)
_INSERT = Windowed(
    re.compile(
        r"\binsert\s{1,4}into\s{1,4}[\w.\"`\[\]]{1,80}\s{0,4}\(([^()]{1,600})\)\s{0,8}values\s{0,8}",
        re.IGNORECASE,
    )
)
_TUPLE = re.compile(r"\(([^()\n]{1,1000})\)\s{0,8},?\s{0,8}")
_SQL_CELL = re.compile(r"\s{0,8}'((?:[^']|''){0,400})'\s{0,8}(?=,|\Z)|([^,]*)")

_HEAD = rf"(?i:{LAST_WORD})[^A-Za-z\r\n,;|\t]*"
_A_HEADER = rf"{_HEAD}[,;|\t][^\r\n]*[\r\n]|[,;|\t][^\r\n]*{_HEAD}[\r\n]"

Cell = tuple[int, int]
Table = Callable[[str], Iterator[tuple[int, int, Meaning]]]  # yields cells and what their columns say


def _cells_of(text: str, table: Table) -> Iterator[Span]:
    """Yield the cells of one kind of tables that are what their column says."""
    for start, end, meaning in table(text):
        if entity_type := _type_of(meaning, text[start:end]):
            yield Span(start, end, entity_type, _SCORE, Origin.NER, "structure:table")


def _type_of(meaning: Meaning, cell: str) -> str | None:
    if meaning is Meaning.BARE_NAME and is_single_name(cell, strict=False):
        return "PERSON"
    return entity_type_of(meaning, cell, strict=False)


def _delimited(text: str) -> Iterator[tuple[int, int, Meaning]]:
    columns: dict[int, Meaning] = {}
    mark, width = "", 0
    for (start, end), behind in _with_next(_lines(text)):
        if columns:
            if mark == "|" and _RULE.fullmatch(text, start, end):
                continue
            cells = _cells(text, start, end, mark)
            if len(cells) == width:
                yield from _meant(cells, columns)
                continue
            columns = {}
        if end - start > _MAX_HEADER:
            continue
        mark = _mark(text[start:end])
        if mark:
            header = _cells(text, start, end, mark)
            columns, width = _columns(text, header), len(header)
            if len(columns) * 4 < width or not _row_follows(text, end, behind, mark, width):
                columns = {}


def _lines(text: str) -> Iterator[Cell]:
    """Yield the stretches of the lines that are not empty."""
    start = 0
    for ends in _LINE_ENDS.finditer(text):
        if start < ends.start():
            yield start, ends.start()
        start = ends.end()
    if start < len(text):
        yield start, len(text)


def _mark(line: str) -> str:
    """Return what delimits the cells of a line, or nothing."""
    if line.count("|") >= (2 if line.lstrip().startswith("|") else 1):
        return "|"
    return next((mark for mark in "\t;," if mark in line), "")


def _with_next(lines: Iterator[Cell]) -> Iterator[tuple[Cell, Cell | None]]:
    line = next(lines, None)
    while line is not None:
        behind = next(lines, None)
        yield line, behind
        line = behind


def _row_follows(text: str, end: int, line: Cell | None, mark: str, width: int) -> bool:
    """Tell whether a line follows at once on a header that ends at ``end`` and has as many cells."""
    if line is None or "\n\n" in text[end : line[0]]:
        return False
    return len(_cells(text, *line, mark)) == width


def _columns(text: str, header: list[Cell]) -> dict[int, Meaning]:
    """Return what each column means, by its place; nothing if the cells are no heads of columns."""
    if not 2 <= len(header) <= _MAX_COLUMNS or any(end - start > MAX_KEY for start, end in header):
        return {}
    names = [text[start:end] for start, end in header]
    if any(name.count(" ") > 3 or name[-1:] in ".!?" for name in names):
        return {}
    return {place: meaning for place, name in enumerate(names) if name and (meaning := meaning_of(name))}


def _cells(text: str, start: int, end: int, mark: str) -> list[Cell]:
    """Return the stretches of the cells of a line, without quotes, blanks and emphasis.

    There are at most ``_MAX_COLUMNS`` + 1.
    """
    if mark == "|":
        while start < end and text[start] in " \t":
            start += 1
        while start < end and text[end - 1] in " \t":
            end -= 1
        start += text[start] == "|" if start < end else 0
        end -= text[end - 1] == "|" if start < end else 0
    return _split(text, start, end, _CELL[mark])


def _split(text: str, start: int, end: int, cell: re.Pattern[str]) -> list[Cell]:
    cells: list[Cell] = []
    at = start
    while at <= end and len(cells) <= _MAX_COLUMNS:
        found = cell.match(text, at, end)
        if found is None:
            break
        cells.append(_bare(text, *found.span(1 if found.group(1) is not None else 2)))
        at = found.end() + 1
    return cells


def _bare(text: str, start: int, end: int) -> Cell:
    while start < end and text[start] in _MARKUP:
        start += 1
    while start < end and text[end - 1] in _MARKUP:
        end -= 1
    return start, end


def _meant(cells: list[Cell], columns: dict[int, Meaning]) -> Iterator[tuple[int, int, Meaning]]:
    for place, meaning in columns.items():
        if place < len(cells) and cells[place][0] < cells[place][1]:
            yield *cells[place], meaning


def _html(text: str) -> Iterator[tuple[int, int, Meaning]]:
    columns: dict[int, Meaning] = {}
    rows = [row.end() for row in _ROW.finditer(text)]
    for start, end in pairwise([*rows, len(text)]):
        cells = [_bare(text, *cell.span(1)) for cell in _HTML_CELL.finditer(text, start, end)]
        if not columns:
            columns = _columns(text, cells)
        else:
            yield from _meant(cells, columns)


def _inserts(text: str) -> Iterator[tuple[int, int, Meaning]]:
    if "nsert" not in text and "NSERT" not in text:
        return
    for insert in _INSERT.finditer(text):
        columns = _columns(text, _split(text, *insert.span(1), _CELL[","]))
        at = insert.end()
        while columns and (row := _TUPLE.match(text, at)):
            yield from _meant(_split(text, *row.span(1), _SQL_CELL), columns)
            at = row.end()


RULES = (
    Rule(_A_HEADER, partial(_cells_of, table=_delimited)),
    Rule(need_of(_ROW.pattern), partial(_cells_of, table=_html)),
    Rule(need_of(_INSERT.pattern), partial(_cells_of, table=_inserts)),
)
