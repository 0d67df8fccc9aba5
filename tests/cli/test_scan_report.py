from __future__ import annotations

import io
from typing import Literal

from rich.console import Console

from sidecar.cli.scan_report import Report, color_number, print_report
from sidecar.detection.verdict import Verdict
from sidecar.model import Origin, Span

TEXT = "Ask Ann Lee, not \x1b[31mBo."
ANN = Span(4, 11, "PERSON", 0.7, Origin.NER, "a model")
BO = Span(22, 24, "PERSON", 0.7, Origin.NER, "a model")


def printed(report: Report, *, color: bool = False, titled: bool = False) -> str:
    out = io.StringIO()
    system: Literal["standard"] | None = "standard" if color else None
    console = Console(file=out, soft_wrap=True, highlight=False, force_terminal=color, color_system=system)
    print_report(console, report, titled=titled)
    return out.getvalue()


def test_each_span_has_a_line_of_place_type_score_finder_and_text() -> None:
    lines = printed(Report("a.txt", TEXT, [ANN], [])).splitlines()
    assert "[4, 11)  PERSON  0.70  ner: a model  'Ann Lee'" in lines
    assert lines[-1] == "1 spans: PERSON=1"


def test_spans_are_marked_in_color_at_a_terminal() -> None:
    assert "\x1b[" in printed(
        Report("a.txt", "Ann Lee", [Span(0, 7, "PERSON", 1, Origin.NER)], []), color=True
    )


def test_a_text_cannot_steer_the_terminal() -> None:
    assert "\x1b" not in printed(Report("a.txt", TEXT, [ANN], []))


def test_a_name_of_a_file_cannot_steer_the_terminal() -> None:
    shown = printed(Report("a\x1b[2J\udc80.txt", TEXT, [ANN], []), titled=True)
    assert "\x1b" not in shown
    assert "a\ufffd[2J\ufffd.txt" in shown


def test_an_explanation_shows_what_was_dropped_and_why() -> None:
    verdicts = [Verdict(ANN, taken=True, reason=""), Verdict(BO, taken=False, reason="on the allow list")]
    lines = printed(Report("a.txt", TEXT, [ANN], verdicts)).splitlines()
    assert any(line.startswith("dropped") and "on the allow list" in line for line in lines)
    assert any(line.startswith("taken") and "'Ann Lee'" in line for line in lines)


def test_a_type_has_the_same_color_every_time() -> None:
    assert color_number("EMAIL") == color_number("EMAIL")
    assert len({color_number(name) for name in ("EMAIL", "PERSON", "PHONE", "SSN")}) > 1


def test_several_texts_have_titles() -> None:
    assert "a.txt" in printed(Report("a.txt", TEXT, [], []), titled=True)
