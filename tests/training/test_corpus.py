from __future__ import annotations

import json
from pathlib import Path

from training.corpus import GOLD_SETS, gold, is_for_training, prose, source_code


def test_about_half_of_the_rows_are_for_training() -> None:
    for name in GOLD_SETS:
        share = sum(is_for_training(f"{name}-{number:05d}") for number in range(4000)) / 4000
        assert 0.4 < share < 0.6


def test_rows_of_one_article_are_never_parted() -> None:
    assert len({is_for_training(f"wikigold-{number:05d}") for number in range(40, 60)}) == 1


def test_only_rows_for_training_are_read(tmp_path: Path) -> None:
    for name in GOLD_SETS:
        rows = [
            {
                "id": f"{name}-{number:05d}",
                "text": f"{number} Ann Lee, 5 Main St",
                "spans": [
                    {"start": 20, "end": 29, "label": "ADDRESS"},
                    {"start": len(f"{number} "), "end": len(f"{number} Ann Lee"), "label": "PERSON"},
                    {"start": 0, "end": 1, "label": "N_DATE"},
                ],
            }
            for number in range(100, 200)
        ]
        (tmp_path / f"{name}.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    texts = list(gold(tmp_path))
    assert {text.source for text in texts} == set(GOLD_SETS)
    for text in texts:
        assert is_for_training(f"{text.source}-{text.text.split()[0].zfill(5)}")
        assert text.entities == ((4, 11, "PERSON"), (20, 29, "FAC"))


def test_texts_without_names_are_the_seed_s() -> None:
    assert list(source_code(20, 1)) == list(source_code(20, 1)) != list(source_code(20, 2))
    assert list(prose(20, 1)) == list(prose(20, 1)) != list(prose(20, 2))
    assert not [text for text in [*source_code(20, 1), *prose(20, 1)] if text.entities]
