from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from sidecar.detection.model_store import (
    CARD,
    FOLDER,
    WEIGHTS,
    component,
    is_ours,
    packed,
    parameters,
    read,
    unpacked,
)
from sidecar.errors import ConfigError

NAME = "en_sidecar_names"
MOST_BYTES = 10_000_000
HALVES = hnp.arrays(
    st.sampled_from([np.float16, np.float32]),
    hnp.array_shapes(max_dims=4, max_side=4),
    elements=st.integers(-9, 9),
)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    shutil.copytree(FOLDER / NAME, tmp_path / NAME)
    return tmp_path


def test_the_shipped_model_is_whole_and_small() -> None:
    artifact = read(NAME)
    assert (artifact.name, artifact.version.count(".")) == (NAME, 2)
    assert sum(file.stat().st_size for file in (FOLDER / NAME).iterdir()) <= MOST_BYTES
    assert all(np.isfinite(array).all() for array in artifact.arrays.values())


def test_weights_with_another_checksum_are_refused(copy: Path) -> None:
    weights = copy / NAME / WEIGHTS
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    with pytest.raises(ConfigError, match=f"{NAME} is damaged: {WEIGHTS} has another SHA-256"):
        read(NAME, copy)


@pytest.mark.parametrize("file", [CARD, WEIGHTS])
def test_a_missing_file_is_named_as_damage(copy: Path, file: str) -> None:
    (copy / NAME / file).unlink()
    with pytest.raises(ConfigError, match=f"{NAME} is damaged: FileNotFoundError"):
        read(NAME, copy)


@pytest.mark.parametrize("card", ["", "[]", "{}", "null", "\udcff", '{"sha256": 1}'], ids=ascii)
def test_a_card_that_is_none_is_refused(copy: Path, card: str) -> None:
    (copy / NAME / CARD).write_text(card, encoding="utf-8", errors="surrogateescape")
    with pytest.raises(ConfigError, match=f"{NAME} is damaged"):
        read(NAME, copy)


def test_weights_of_other_shapes_do_not_fit(copy: Path) -> None:
    card = json.loads((copy / NAME / CARD).read_text(encoding="utf-8"))
    card["config"]["hidden_width"] += 1
    (copy / NAME / CARD).write_text(json.dumps(card), encoding="utf-8")
    with pytest.raises(ConfigError, match=f"{NAME} does not fit the installed spaCy"):
        component(read(NAME, copy), spacy.blank("en"))


def test_a_component_has_exactly_the_weights_of_the_file() -> None:
    artifact = read(NAME)
    arrays = parameters(component(artifact, spacy.blank("en")).model)
    assert list(arrays) == list(artifact.arrays)
    assert all(np.array_equal(arrays[key], each) for key, each in artifact.arrays.items())


@pytest.mark.parametrize(
    ("name", "expected"),
    [(NAME, True), ("en_core_web_sm", False), ("../models/en_sidecar_names", False), ("", False)],
    ids=["ours", "spacy", "path", "empty"],
)
def test_only_folders_of_the_store_are_ours(name: str, expected: bool) -> None:
    assert is_ours(name) is expected


@given(st.dictionaries(st.text(min_size=1), HALVES, max_size=4))
def test_what_is_packed_is_unpacked_the_same(arrays: dict[str, np.ndarray]) -> None:
    back = unpacked(packed(arrays))
    assert list(back) == list(arrays)
    for key, array in arrays.items():
        assert back[key].dtype == array.dtype
        assert np.array_equal(back[key], array)
