"""Runs the native NER kernel on random models and documents, and on the texts of a folder, until time is up.

What must hold: no sanitizer and no assertion has anything to say; all implementations find the spans of the
scalar reference and differ from its floats by rounding alone; which words are common, and what else is in a
batch, changes not one bit; spans are ordered, disjoint and within their document; wrong sizes are errors.
``make fuzz`` and ``make sanitize`` run it on a build of its own.
"""

# ruff: noqa: T201 - a script talks to its user

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from sidecar.detection.native import Kernel
from tests.detection.native_models import RandomModel, encoded, ner_component, random_batch, random_model

LABELS = 6  # the place of their number among the sizes
TOLERANCE = 1e-3  # of rows whose numbers are about 1: five layers of random weights blow up rounding


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kernel", type=Path, help="the extension module to run")
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--texts", type=Path, help="a folder of .jsonl files to run the real models on first")
    options = parser.parse_args()
    kernel = load(options.kernel)
    print(f"kernels {' '.join(kernel.kernels())}, seed {options.seed}", flush=True)
    if options.texts and options.texts.is_dir():
        run_texts(kernel, sorted(options.texts.glob("*.jsonl")))
    rng = np.random.default_rng(options.seed)
    end, rounds, words, near_ties = time.monotonic() + options.seconds, 0, 0, 0
    while time.monotonic() < end:
        done, ties = one_round(kernel, rng)
        rounds, words, near_ties = rounds + 1, words + done, near_ties + ties
    print(f"{rounds} models, {words} words, {near_ties} documents with another entity for a near tie")
    return 0 if near_ties <= words / 1000 else 1


def load(path: Path) -> Kernel:
    spec = importlib.util.spec_from_file_location("_kernel", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return cast("Kernel", module)


def one_round(kernel: Kernel, rng: np.random.Generator) -> tuple[int, int]:
    """Run one model on a few batches; return how many words, and how many batches with other spans."""
    model = random_model(rng)
    names = kernel.kernels()
    loaded = [model.load(kernel, name) for name in names]
    words = others = 0
    for _ in range(3):
        features, lengths = random_batch(rng, len(model.rows), most=int(rng.choice([60, 1400, 3000])))
        results = [encoded(kernel, each, features, lengths, model.sizes[0]) for each in loaded]
        reference_spans, reference_rows = results[names.index("reference")]
        for spans, rows in results:
            check_spans(spans, lengths, model.sizes[LABELS])
            if len(rows):
                scale = max(1.0, float(np.abs(reference_rows).max()))
                assert float(np.abs(rows - reference_rows).max()) <= TOLERANCE * scale
            others += spans != reference_spans
        assert kernel.run(tuple(loaded), features, lengths) == [spans for spans, _ in results]
        which = int(rng.integers(len(names)))
        common = np.ascontiguousarray(features[rng.random(len(features)) < rng.random(), : len(model.rows)])
        prepared = model.load(kernel, names[which], common)
        check_bits(kernel, prepared, features, lengths, results[which])
        words += len(features)
    check_refusals(kernel, rng, model, loaded[0])
    return words, others


def check_bits(
    kernel: Kernel,
    model: object,
    features: NDArray[np.uint64],
    lengths: Sequence[int],
    expected: tuple[Sequence[tuple[int, int, int, int]], NDArray[np.float32]],
) -> None:
    """Run a model with common words on a batch and on each of its documents alone."""
    spans, rows = expected
    width = rows.shape[1]
    assert encoded(kernel, model, features, tuple(lengths), width)[0] == spans
    first = 0
    for doc, length in enumerate(lengths):
        last = first + length
        found, alone = encoded(kernel, model, features[first:last], (length,), width)
        assert [(doc, *span[1:]) for span in found] == [span for span in spans if span[0] == doc]
        assert np.array_equal(alone, rows[first:last])
        first = last


def check_spans(spans: Sequence[tuple[int, int, int, int]], lengths: Sequence[int], labels: int) -> None:
    place = (0, 0)
    for doc, start, end, label in spans:
        assert place <= (doc, start)
        assert 0 <= start < end <= lengths[doc]
        assert 0 <= label < labels
        place = (doc, end)


def check_refusals(kernel: Kernel, rng: np.random.Generator, model: RandomModel, loaded: object) -> None:
    """Change one number of what the kernel is given; it must refuse."""
    sizes = list(model.sizes)
    steps = [-(2**31), -1, 2**31 - 1, 2**40, 1, 7]
    which = int(rng.integers(len(sizes)))
    sizes[which] += int(rng.choice(steps[:4] if which == LABELS else steps))  # a label may have no moves
    features, lengths = random_batch(rng, len(model.rows))
    wrong = tuple(length + 1 for length in lengths) or (1,)
    for call in (
        lambda: kernel.load(kernel.kernels()[0], tuple(sizes), model.rows, model.seeds, model.arrays),
        lambda: model.load(kernel, kernel.kernels()[0], np.zeros(8 * len(model.rows) + 1, np.uint8)),
        lambda: kernel.run((loaded,), features, wrong),
        lambda: kernel.run((loaded,), features, (*lengths, -1)),
        lambda: kernel.run((loaded,), features, (*lengths, 2**62)),
    ):
        try:
            call()
        except (ValueError, OverflowError):
            continue
        raise AssertionError("wrong sizes were taken")


def run_texts(kernel: Kernel, files: Sequence[Path]) -> None:
    """Run the real models on texts; what they find is checked against spaCy elsewhere."""
    from sidecar.detection import native_ner  # noqa: PLC0415 - spaCy; random models need none
    from sidecar.detection.common_words import common_words  # noqa: PLC0415 - same
    from sidecar.detection.ner_models import DEFAULT_MODELS, load  # noqa: PLC0415 - same

    (group,) = load(DEFAULT_MODELS)
    pipes = [ner_component(reader.pipe) for reader in group.readers]
    names = [name for name in kernel.kernels() if name != "reference"]
    common = partial(common_words, group.nlp)
    models = {name: [native_ner.read(pipe, kernel, name, common) for pipe in pipes] for name in names}
    for file in files:
        texts = [json.loads(line)["text"] for line in file.read_text(encoding="utf-8").splitlines()]
        docs = [group.nlp.make_doc(text) for text in texts]
        found = [
            native_ner.entities([model for model in of_name if model], docs) for of_name in models.values()
        ]
        assert all(each == found[0] for each in found)
        print(f"{file.name}: {len(docs)} texts, {sum(map(len, found[0]))} entities", flush=True)


if __name__ == "__main__":
    sys.exit(main())
