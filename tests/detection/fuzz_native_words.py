"""Runs the native tokenizer on mixtures of affixes, rules and characters, until time is up.

What must hold: no sanitizer has anything to say; the words and their features are spaCy's; tables with a
wrong number in them are errors, or give words within their text. ``make fuzz`` and ``make sanitize`` run it
on a build of its own.
"""

# ruff: noqa: T201 - a script talks to its user

from __future__ import annotations

import argparse
import random
import sys
import time
from pathlib import Path

import numpy as np

from sidecar.detection import word_tables
from sidecar.detection.native import Kernel
from sidecar.detection.native_words import COLUMNS, NativeWords
from sidecar.detection.ner_models import DEFAULT_MODELS, load
from tests.detection import fuzz_native_ner
from tests.detection.word_mixtures import mixture


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kernel", type=Path, help="the extension module to run")
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    kernel = fuzz_native_ner.load(options.kernel)
    (group,) = load(DEFAULT_MODELS[:1], kernel=None)
    print(f"words: seed {options.seed}", flush=True)
    parts, rng = word_tables._parts(group.nlp), random.Random(options.seed)
    words = NativeWords(kernel, kernel.words_load(parts), group.nlp)
    rules = list(group.nlp.tokenizer.rules)
    end, rounds, count = time.monotonic() + options.seconds, 0, 0
    while time.monotonic() < end:
        texts = [mixture(rng, rules) for _ in range(20)]
        count += check(words, texts)
        if rounds % 10 == 0:
            run_damaged(kernel, parts, rng, texts)
        rounds += 1
    print(f"{count} words in {20 * rounds} texts")
    return 0


def check(words: NativeWords, texts: list[str]) -> int:
    """Compare with spaCy; return how many words there are."""
    found = words.read(texts)
    row = 0
    with words.nlp.memory_zone():
        for text, length in zip(texts, found.lengths, strict=True):
            doc = words.nlp.make_doc(text)
            rows = slice(row, row + length)
            assert [[word.idx, word.idx + len(word)] for word in doc] == found.offsets[rows].tolist(), text
            assert np.array_equal(
                doc.to_array([*COLUMNS, "IS_SPACE"]).reshape(-1, 5), found.features[rows]
            ), text
            row += length
    return row


def run_damaged(kernel: Kernel, parts: tuple[np.ndarray, ...], rng: random.Random, texts: list[str]) -> None:
    """Change one number of the tables: it is refused, or the words stay within their texts."""
    damaged = [part.copy() for part in parts]
    part = rng.choice(damaged).reshape(-1)
    part[rng.randrange(len(part))] = rng.choice([0, 1, 2, 255, int(part.max())])
    try:
        tokenizer = kernel.words_load(tuple(damaged))
    except ValueError:
        return
    _, offsets, lengths, _ = kernel.words_read(tokenizer, tuple(texts))
    spans = np.frombuffer(offsets, np.int32).reshape(-1, 2)
    ends = np.repeat([len(text) for text in texts], lengths)
    assert (spans[:, 0] >= 0).all()
    assert (spans[:, 0] <= spans[:, 1]).all()
    assert (spans[:, 1] <= ends).all()


if __name__ == "__main__":
    sys.exit(main())
