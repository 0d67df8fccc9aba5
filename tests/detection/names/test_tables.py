from __future__ import annotations

import pytest

from sidecar.detection.names.rules import Rules
from sidecar.detection.names.tables import RULES

FINDER = Rules(RULES)


def cells(text: str) -> list[str]:
    return [text[span.start : span.end] for span in FINDER.find(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("name,id\nAnn,1\nBo,2", ["Ann", "Bo"]),
        ("name;id\nAnn;1", ["Ann"]),
        ("id\tname\r\n1\tAnn\r\n", ["Ann"]),
        ('name,id\n"Lee, Ann",1', ["Lee, Ann"]),
        ("| id | Name |\n|:--|--:|\n| 1 | `Ann` |", ["Ann"]),
        ("name,city\n,Oslo", ["Oslo"]),
        ("<TR><TH>Name</TH></TR><TR><TD>x</TD></TR>", []),
        ("<tr><th>Name</th><th>x</th></tr><tr><td><b>Ann</b></td><td>1</td></tr>", ["Ann"]),
        ("INSERT INTO t (name, x) VALUES ('Ann', 1), ('Bo', 2)", ["Ann", "Bo"]),
        ("name,id\nAnn,1\n\nBo,2,3", ["Ann"]),
    ],
    ids=[
        "csv",
        "semicolons",
        "tabs",
        "quotes",
        "markdown",
        "gap",
        "one-column",
        "html",
        "sql",
        "other-width",
    ],
)
def test_rows_under_a_header_give_their_cells(text: str, expected: list[str]) -> None:
    assert cells(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "name, address, and phone\nwe ask for nothing",
        "a,b\n1,2",
        "name,id",
        "name,id\n\nAnn,1",
        "Please send your full name, today.\nAnn, 1",
        "x" * 700 + ",name\nAnn,1",
    ],
    ids=["prose", "no-known-column", "no-row", "no-row-next", "sentence", "overlong-header"],
)
def test_what_is_no_header_starts_no_table(text: str) -> None:
    assert cells(text) == []
