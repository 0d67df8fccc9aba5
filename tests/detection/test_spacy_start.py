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
