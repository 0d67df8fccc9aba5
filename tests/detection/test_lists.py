from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.detection.lists import CUSTOM, AllowList, DenyList, Listed, public_facts, read_list
from sidecar.errors import ConfigError


def written(tmp_path: Path, *lines: str) -> Path:
    file = tmp_path / "list.txt"
    file.write_text("\n".join(lines), encoding="utf-8")
    return file


@pytest.mark.parametrize(
    ("line", "original", "entity_type", "expected"),
    [
        pytest.param("Acme Corp", "Acme Corp", "ORG", True, id="as-written"),
        pytest.param("Acme Corp", "ACME corp", "ORG", True, id="any-case"),
        pytest.param("Acme Corp", "Acme\n  Corp", "ORG", True, id="any-white-space"),
        pytest.param("Acme Corp", "Acme Corporation", "ORG", False, id="longer"),
        pytest.param("Acme Corp", "Acme", "ORG", False, id="shorter"),
        pytest.param("ORG: Acme", "Acme", "ORG", True, id="its-type"),
        pytest.param("ORG: Acme", "Acme", "PERSON", False, id="another-type"),
        pytest.param('"Will"', "Will", "PERSON", True, id="exact"),
        pytest.param('"Will"', "will", "PERSON", False, id="exact-other-case"),
        pytest.param('PERSON:"Will"', "Will", "PERSON", True, id="type-and-exact"),
        pytest.param("support@example.org", "Support@example.org", "EMAIL", True, id="a-pattern's-original"),
        pytest.param("# Acme", "Acme", "ORG", False, id="comment"),
        pytest.param("Straße", "STRASSE", "LOCATION", False, id="lower-case-not-case-folding"),
        pytest.param("İzmir", "İZMIR", "LOCATION", True, id="longer-in-lower-case"),
        pytest.param("Re: Zero", "Re: Zero", "ORG", True, id="colon-in-the-text"),
        pytest.param("O'Neil", "O\u2019Neil", "PERSON", True, id="curly-apostrophe"),
        pytest.param("A\u2013Z Ltd", "A-Z Ltd", "ORG", True, id="as-detectors-read-it"),
    ],
)
def test_an_allow_list_spares_what_it_names(
    tmp_path: Path, line: str, original: str, entity_type: str, *, expected: bool
) -> None:
    assert AllowList(read_list(written(tmp_path, line))).allows(original, entity_type) is expected


@pytest.mark.parametrize(
    ("line", "text", "expected"),
    [
        pytest.param("Project Falcon", "about project falcon.", [("project falcon", CUSTOM)], id="any-case"),
        pytest.param("Falcon", "falconry, Falcon_1 and 2Falcon", [("Falcon", CUSTOM)], id="whole-words"),
        pytest.param("PROJECT: Falcon", "Falcon's", [("Falcon", "PROJECT")], id="typed"),
        pytest.param('"FALCON"', "Falcon FALCON", [("FALCON", CUSTOM)], id="exact"),
        pytest.param("Ann Lee", "Ann\nLee", [("Ann\nLee", CUSTOM)], id="line-end"),
        pytest.param("Ann Lee", "Ann\r\n   Lee, Max", [("Ann\r\n   Lee", CUSTOM)], id="line-end-and-indent"),
        pytest.param("Lee", "a \t\n Ann\n\nLee  b", [("Lee", CUSTOM)], id="offsets-behind-white-space"),
        pytest.param("O'Neil", "O\u2019Neil", [("O\u2019Neil", CUSTOM)], id="curly-apostrophe"),
        pytest.param("A\u2013Z Ltd", "A-Z Ltd", [("A-Z Ltd", CUSTOM)], id="dash-as-detectors-read-it"),
        pytest.param("Zoe\u0308", "Zo\u00eb", [("Zo\u00eb", CUSTOM)], id="composed"),
        pytest.param('"Zoe\u0308"', "zo\u00eb Zo\u00eb", [("Zo\u00eb", CUSTOM)], id="composed-exact"),
        pytest.param("x-1", "İ x-1 İ", [("x-1", CUSTOM)], id="offsets-behind-a-letter-that-grows"),
    ],
)
def test_a_deny_list_finds_every_occurrence(
    tmp_path: Path, line: str, text: str, expected: list[tuple[str, str]]
) -> None:
    spans = DenyList(read_list(written(tmp_path, line))).find(text)
    assert [(text[span.start : span.end], span.entity_type) for span in spans] == expected


def test_lists_say_which_types_they_may_find(tmp_path: Path) -> None:
    assert DenyList(read_list(written(tmp_path, "a", "STAFF: b", "STAFF: c"))).entity_types == (
        CUSTOM,
        "STAFF",
    )
    assert DenyList().entity_types == ()
    assert DenyList().find("anything") == []


def test_a_mark_of_byte_order_is_no_part_of_the_first_entry(tmp_path: Path) -> None:
    file = tmp_path / "list.txt"
    file.write_text("Acme\n", encoding="utf-8-sig")
    assert read_list(file) == [Listed("acme", None, exact=False)]


def test_what_is_denied_is_known_whatever_its_type(tmp_path: Path) -> None:
    listed = DenyList(read_list(written(tmp_path, "STAFF: Ann Lee", '"Acme"')))
    assert listed.denies("ann  lee")
    assert listed.denies("Acme")
    assert not listed.denies("acme")
    assert not listed.denies("Ann")


def test_a_bad_list_is_refused_with_every_line(tmp_path: Path) -> None:
    file = written(tmp_path, "ok", "--", "", '"!"')
    with pytest.raises(ConfigError) as caught:
        read_list(file)
    assert [line.split(": ")[1] for line in str(caught.value).splitlines()] == ["line 2", "line 4"]


def test_a_list_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        read_list(tmp_path / "none.txt")
    (tmp_path / "bytes.txt").write_bytes(b"\xff")
    with pytest.raises(ConfigError, match="not UTF-8"):
        read_list(tmp_path / "bytes.txt")


@given(
    st.text(st.characters(codec=None), min_size=1, max_size=8),
    st.text(st.characters(codec=None), max_size=60),
)
def test_every_span_of_a_deny_list_lies_within_the_text(word: str, text: str) -> None:
    entry = Listed(word.lower(), None, exact=False)
    for span in DenyList([entry]).find(f"{text} {word} {text}"):
        assert 0 <= span.start < span.end <= 2 * len(text) + len(word) + 2


def test_public_facts_are_typed_and_not_listed_twice() -> None:
    entries = public_facts()
    assert {entry.entity_type for entry in entries} == {"LOCATION", "ORG", "PERSON"}
    assert len({(entry.text, entry.entity_type) for entry in entries}) == len(entries)
    assert AllowList(entries).allows("FRANCE", "LOCATION")
    assert not AllowList(entries).allows("France", "PERSON")


def test_an_extended_allow_list_holds_the_old_and_the_new(tmp_path: Path) -> None:
    first = AllowList(read_list(written(tmp_path, "Acme")))
    both = first.extended(read_list(written(tmp_path, "Umbra")))
    assert both.allows("Acme", "ORG")
    assert both.allows("Umbra", "ORG")
    assert not first.allows("Umbra", "ORG")
