from __future__ import annotations

import stat
from html.parser import HTMLParser
from pathlib import Path

from sidecar.cli.scan_page import write_page
from sidecar.cli.scan_report import Report
from sidecar.detection.verdict import Verdict
from sidecar.model import Origin, Span

TEXT = "<script>alert('Ann Lee')</script> & \ud800"
ANN = Span(15, 22, "PERSON", 0.7, Origin.NER, "a <model>")


class Page(HTMLParser):
    """Collects elements and the text of the marked passage."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.marked = ""
        self._within: list[str] = []
        self.feed(markup)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        self.tags.append(tag)
        if tag in ("pre", "small"):
            self._within.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self._within and self._within[-1] == tag:
            self._within.pop()

    def handle_data(self, data: str) -> None:
        if self._within == ["pre"]:
            self.marked += data


def page(tmp_path: Path, *reports: Report) -> str:
    file = tmp_path / "page.html"
    write_page(file, reports)
    return file.read_text("utf-8")


def test_a_text_is_shown_whole_and_cannot_become_markup(tmp_path: Path) -> None:
    parsed = Page(page(tmp_path, Report("<b>a</b>.txt", TEXT, [ANN], [])))
    assert parsed.marked == TEXT.replace("\ud800", "?")
    assert not {"script", "b"} & set(parsed.tags)


def test_spans_are_marked_with_type_finder_and_score(tmp_path: Path) -> None:
    markup = page(tmp_path, Report("a.txt", TEXT, [ANN], []))
    assert "Ann Lee<small>PERSON</small></mark>" in markup
    assert 'title="ner: a &lt;model&gt;, score 0.70"' in markup


def test_an_explanation_lists_dropped_spans(tmp_path: Path) -> None:
    verdicts = [Verdict(ANN, taken=False, reason="on the allow list")]
    markup = page(tmp_path, Report("a.txt", TEXT, [], verdicts))
    assert '<tr class="dropped">' in markup
    assert "on the allow list" in markup


def test_the_page_fetches_and_runs_nothing_and_is_for_its_owner_only(tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    file.write_text("old")
    file.chmod(0o644)
    markup = page(tmp_path, Report("a.txt", TEXT, [], []))
    assert "default-src 'none'" in markup
    assert "http" not in markup.replace("http-equiv", "")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
