from __future__ import annotations

import json
from pathlib import Path

import pytest

from sidecar.detection.pattern_file import PatternFile, load_patterns
from sidecar.detection.pattern_source import DEFAULT_NER, read
from sidecar.errors import ConfigError
from sidecar.model import Passage

PLAIN = {"name": "badge", "type": "BADGE", "regex": r"B-\d{4}"}


def load(tmp_path: Path, *entries: object, **rest: object) -> PatternFile:
    file = tmp_path / "patterns.json"
    file.write_text(json.dumps({"patterns": entries, **rest}), encoding="utf-8")
    return load_patterns(file)


def found(patterns: PatternFile, text: str, hint: str = "") -> list[str]:
    return [text[span.start : span.end] for span in patterns.patterns.find(Passage(text, hint))]


def problems(tmp_path: Path, *entries: object, **rest: object) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, *entries, **rest)
    return str(caught.value).splitlines()


def test_the_shipped_file_proves_itself_without_warnings(shipped: PatternFile) -> None:
    assert {"CREDIT_CARD", "EMAIL", "SSN", "PHONE", "IP_ADDRESS", "SECRET"} <= set(shipped.entity_types)
    assert shipped.warnings == ()
    assert shipped.ner == DEFAULT_NER


def test_every_shipped_entry_brings_examples_of_both_kinds() -> None:
    entries = [raw.entry for raw in read(None).entries]
    assert entries
    assert [entry for entry in entries if not (entry["match"] and entry["no_match"])] == []


def test_every_file_of_the_shipped_folder_is_included() -> None:
    index = Path(__file__).parents[2] / "patterns.json"
    included = json.loads(index.read_text("utf-8"))["include"]
    assert sorted(included) == sorted(
        f"patterns/{file.name}" for file in (index.parent / "patterns").iterdir()
    )


def test_an_index_loads_the_files_that_it_includes_in_order(tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "a.json").write_text(json.dumps({"patterns": [PLAIN]}), encoding="utf-8")
    (tmp_path / "b.json").write_text(
        json.dumps([PLAIN | {"name": "other", "regex": "C-1"}]), encoding="utf-8"
    )
    patterns = load(tmp_path, PLAIN | {"name": "own", "regex": "D-1"}, include=["more/a.json", "b.json"])
    assert [pattern.name for pattern in patterns.patterns.patterns] == ["badge", "other", "own"]


def test_a_problem_in_an_included_file_names_that_file(tmp_path: Path) -> None:
    part = tmp_path / "part.json"
    part.write_text(json.dumps({"patterns": [PLAIN | {"regex": "("}], "ner": {}}), encoding="utf-8")
    lines = problems(tmp_path, PLAIN, include=["part.json"])
    assert lines[0] == f"{part}: ner has no place in a file that is included"
    assert lines[1].startswith(f"{part}: patterns[0] badge: regex cannot be used")
    assert "patterns[0] badge: name is used twice" in lines[2]


def test_a_file_that_cannot_be_included_hides_no_other_problem(tmp_path: Path) -> None:
    (tmp_path / "broken.json").write_text("{")
    lines = problems(tmp_path, PLAIN | {"check": "none"}, include=["gone.json", "broken.json"])
    assert ["cannot be read" in lines[0], "is not JSON" in lines[1], "check must be" in lines[2]] == [
        True
    ] * 3


@pytest.mark.parametrize("include", ["b.json", [1]], ids=["text", "numbers"])
def test_include_must_be_a_list_of_names(tmp_path: Path, include: object) -> None:
    assert "include must be a list" in problems(tmp_path, include=include)[0]


def test_extends_adds_to_the_shipped_entries(tmp_path: Path, shipped: PatternFile) -> None:
    patterns = load(tmp_path, PLAIN, extends="shipped")
    assert set(patterns.entity_types) == {*shipped.entity_types, "BADGE"}
    assert patterns.ner == shipped.ner


def test_an_entry_with_a_shipped_name_takes_its_place(tmp_path: Path, shipped: PatternFile) -> None:
    patterns = load(tmp_path, PLAIN | {"name": "email", "enabled": False}, extends="shipped")
    assert "EMAIL" in shipped.entity_types
    assert "EMAIL" not in patterns.entity_types


def test_only_the_shipped_file_can_be_extended(tmp_path: Path) -> None:
    assert "extends must be 'shipped'" in problems(tmp_path, PLAIN, extends="other.json")[0]


@pytest.mark.parametrize(
    "extra",
    [{"description": "staff badge"}, {"score": 0.5}, {"enabled": True}, {"flags": ""}],
    ids=lambda each: next(iter(each)),
)
def test_the_plain_form_of_other_proxies_loads_unchanged(tmp_path: Path, extra: dict[str, object]) -> None:
    patterns = load(tmp_path, PLAIN | extra)
    assert found(patterns, "see B-1234") == ["B-1234"]
    assert patterns.entity_types == ("BADGE",)
    assert patterns.ner == DEFAULT_NER
    assert patterns.warnings == ()


def test_a_bare_list_of_entries_loads(tmp_path: Path) -> None:
    file = tmp_path / "patterns.json"
    file.write_text(json.dumps([PLAIN]), encoding="utf-8")
    assert found(load_patterns(file), "B-1234") == ["B-1234"]


def test_an_unknown_field_is_a_warning_that_names_it(tmp_path: Path) -> None:
    (warning,) = load(tmp_path, PLAIN | {"severity": "high"}).warnings
    assert "patterns.json: patterns[0] badge" in warning
    assert "'severity'" in warning


def test_a_disabled_entry_is_left_out(tmp_path: Path) -> None:
    assert found(load(tmp_path, PLAIN | {"enabled": False}), "B-1234") == []


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ("no object", "must be an object"),
        ({"type": "A", "regex": "a"}, "name must be"),
        ({"name": "x", "regex": "a"}, "type must be"),
        ({"name": "x", "type": "A"}, "regex must be"),
        (PLAIN | {"type": "badge"}, "capital letters"),
        (PLAIN | {"type": "1A"}, "capital letters"),
        (PLAIN | {"type": "A-B"}, "capital letters"),
        (PLAIN | {"regex": "("}, "does not compile"),
        (PLAIN | {"regex": r"(a)\1"}, "back-reference"),
        (PLAIN | {"regex": "a*"}, "empty text"),
        (PLAIN | {"flags": "q"}, "flags must be"),
        (PLAIN | {"check": "magic"}, "check must be one of"),
        (PLAIN | {"context": []}, "context must be"),
        (PLAIN | {"context": [" "]}, "context must be"),
        (PLAIN | {"context_within": 3}, "context_within needs context"),
        (PLAIN | {"context": ["a"], "context_within": 0}, "context_within must be"),
        (PLAIN | {"need": "luck"}, "need must be one of"),
        (PLAIN | {"need": "both", "context": ["a"]}, "without the check"),
        (PLAIN | {"score": 2}, "score must be"),
        (PLAIN | {"score": True}, "score must be"),
        (PLAIN | {"match": "B-1234"}, "match must be a list"),
        (PLAIN | {"match": [7]}, r"match\[0\] must be a string"),
        (PLAIN | {"match": [{"text": "a", "finds": "a"}]}, r"match\[0\] must be a string"),
        (PLAIN | {"match": ["B-1234", "B-12"]}, r"match\[1\] 'B-12' must give 'B-12', gives nothing"),
        (PLAIN | {"match": ["no B-1234"]}, "gives 'B-1234'"),
        (PLAIN | {"match": [{"text": "B-1234 B-5678", "find": "B-1234"}]}, "gives 'B-1234', 'B-5678'"),
        (PLAIN | {"no_match": ["a B-1234"]}, r"no_match\[0\] 'a B-1234' must give nothing"),
    ],
    ids=lambda each: each if isinstance(each, str) else None,
)
def test_a_bad_entry_is_refused_with_file_entry_and_reason(
    tmp_path: Path, entry: object, reason: str
) -> None:
    with pytest.raises(ConfigError, match=reason) as caught:
        load(tmp_path, entry)
    assert str(caught.value).startswith(f"{tmp_path / 'patterns.json'}: patterns[0]")


def test_all_problems_come_at_once_one_line_each(tmp_path: Path) -> None:
    lines = problems(
        tmp_path,
        PLAIN,
        PLAIN,
        PLAIN | {"name": "other", "type": "x", "regex": "("},
        ner={"PERSON": "person"},
    )
    assert [line.split(": ", 1)[1].split(":")[0] for line in lines] == [
        "ner",
        "patterns[1] badge",
        "patterns[2] other",
        "patterns[2] other",
    ]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"{", "is not JSON"),
        (b"\xff", "is not UTF-8"),
        (b"{}", "'patterns'"),
        (b"7", "'patterns'"),
        (b'{"patterns": {}}', "'patterns'"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"patterns": [], "ner": []}', "ner: must be an object"),
    ],
    ids=["json", "utf8", "empty", "number", "object", "deep", "ner"],
)
def test_a_file_of_another_shape_is_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    file = tmp_path / "odd.json"
    file.write_bytes(content)
    with pytest.raises(ConfigError, match=reason) as caught:
        load_patterns(file)
    assert str(caught.value).startswith(str(file))


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load_patterns(tmp_path / "none.json")


NUMBER = {"name": "n", "type": "N", "regex": r"\b\d{16}\b"}
SOUND, UNSOUND = "4111111111111111", "4111111111111112"


@pytest.mark.parametrize(
    ("rules", "text", "expected"),
    [
        ({}, UNSOUND, True),
        ({"check": "card"}, SOUND, True),
        ({"check": "card"}, UNSOUND, False),
        ({"context": ["card"]}, UNSOUND, False),
        ({"context": ["card"]}, f"card {UNSOUND}", True),
        ({"context": "card"}, f"card {UNSOUND}", True),
        ({"check": "card", "context": ["card"]}, SOUND, True),
        ({"check": "card", "context": ["card"]}, UNSOUND, False),
        ({"check": "card", "context": ["card"]}, f"card {UNSOUND}", True),
        ({"check": "card", "context": ["card"], "need": "both"}, f"card {UNSOUND}", False),
        ({"check": "card", "context": ["card"], "need": "both"}, SOUND, False),
        ({"check": "card", "context": ["card"], "need": "both"}, f"card {SOUND}", True),
        ({"check": "card", "context": ["card"], "need": "check"}, f"card {UNSOUND}", False),
        ({"context": ["card"], "context_within": 3}, f"card     {UNSOUND}", False),
        ({"context": ["card"], "context_within": 3}, f"card: {UNSOUND}", True),
    ],
)
def test_what_a_match_must_show(tmp_path: Path, rules: dict[str, object], text: str, expected: bool) -> None:
    assert bool(found(load(tmp_path, NUMBER | rules), text)) is expected


def test_the_hint_is_context(tmp_path: Path) -> None:
    patterns = load(tmp_path, NUMBER | {"context": ["card"]})
    assert found(patterns, UNSOUND, "creditCard") == [UNSOUND]
    assert found(patterns, UNSOUND, "order") == []


def test_a_match_that_fails_its_check_gives_way_to_one_inside_it(tmp_path: Path) -> None:
    patterns = load(tmp_path, NUMBER | {"regex": r"\d{4}(?: \d{4}){3}", "check": "card"})
    assert found(patterns, "1234 4111 1111 1111 1111") == ["4111 1111 1111 1111"]


def test_a_match_sure_by_its_check_scores_above_one_sure_by_context(tmp_path: Path) -> None:
    patterns = load(tmp_path, NUMBER | {"check": "card", "context": ["card"], "score": 0.9}).patterns
    first, second = patterns.find(Passage(f"card {SOUND} {UNSOUND}"))
    assert first.score == 0.9
    assert second.score < first.score


def test_ner_labels_map_to_any_type(tmp_path: Path) -> None:
    assert load(tmp_path, PLAIN, ner={"GPE": "PLACE"}).ner == {"GPE": "PLACE"}
    assert load(tmp_path, PLAIN, ner={}).ner == {}
