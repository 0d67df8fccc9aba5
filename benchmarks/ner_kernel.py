"""What NER costs per word: spaCy's ner component against the native kernel, one thread, in paired rounds.

    python -m benchmarks.ner_kernel [--rounds N] [--kernel NAME]

The first table has the models alone, on documents already tokenized; the second has what a text costs from
first to last, tokenizer included. Every round measures both on the same fresh text, in CPU time of the
thread; a ratio is the median of the rounds' ratios, with the range of 80 % of them.
"""

# ruff: noqa: E402 - one thread must be asked for before numpy is imported

import argparse
import itertools
import os
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial

for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS"):
    os.environ[variable] = "1"

import numpy as np
from rich.console import Console
from rich.table import Table
from spacy.pipeline import EntityRecognizer
from spacy.tokens import Doc

from benchmarks.goals import Goal
from benchmarks.measure import Spread
from benchmarks.systems import Unavailable
from benchmarks.texts import never_seen, prose
from sidecar.detection import native, native_ner
from sidecar.detection.common_words import common_words
from sidecar.detection.ner_models import DEFAULT_MODELS, Group, load
from tests.detection.native_models import ner_component

WORDS = (50, 500, 5000, 20_000)
# Multiplications and additions of the default models a word: as the model is written down (encoder, lower,
# upper), and those that the kernel makes of them, but for the first layer's where words are not common.
FLOP_PER_WORD = 2 * (4 * 288 * 288 + 96 * 128 + 64 * 37)
FLOP_DONE = 2 * (3 * 288 * 288 // 2 + 96 * 128 + 64 * 48)


def main() -> int:
    parser = argparse.ArgumentParser(prog="benchmarks.ner_kernel", description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--kernel", help="which implementation; the fastest, if none is named")
    args = parser.parse_args()
    if native.kernel is None:
        sys.stderr.write("this installation has no native kernel\n")
        return 1
    run(Console(width=110), args.kernel or native.kernel.kernels()[0], args.rounds)
    return 0


def measure(console: Console, *, full: bool) -> tuple[list[Goal], dict[str, object]]:
    """Print the tables; return the goals and all figures.

    Raises:
        Unavailable: There is no native kernel here.
    """
    if native.kernel is None:
        raise Unavailable("this installation has no native kernel")
    peak, rates = run(console, native.kernel.kernels()[0], 9 if full else 3)
    shares = [100 * rate / peak for rate in rates["1 x 5000"]]
    written = [100 * rate * FLOP_PER_WORD / FLOP_DONE / peak for rate in rates["1 x 5000"]]
    return [
        Goal.at_least("NER kernel, arithmetic done, of the multiply-add peak", 80.0, shares, " %"),
        Goal.at_least("NER kernel, arithmetic of the model as written, of the same", 80.0, written, " %"),
    ], {"peak GFLOP/s": peak, "GFLOP/s": rates}


def run(console: Console, name: str, rounds: int) -> tuple[float, dict[str, list[float]]]:
    """Measure and print; return the core's peak, and what the kernel reaches in each round, in GFLOP/s."""
    (group,) = load(DEFAULT_MODELS)
    group.nlp.max_length = 10**8
    (plain,) = load(DEFAULT_MODELS, kernel=None)
    plain.nlp.max_length = 10**8
    peak = blas_peak()
    console.print(f"kernel {name}; OpenBLAS multiplies matrices at {peak:.0f} GFLOP/s", highlight=False)
    table, rates = models_alone(group, name, rounds)
    console.print(table)
    console.print(whole_texts(group, plain, rounds))
    return peak, rates


def models_alone(group: Group, name: str, rounds: int) -> tuple[Table, dict[str, list[float]]]:
    reached: dict[str, list[float]] = {}
    table = columns("ner components, µs per word", "spaCy", "kernel", "ratio", "GFLOP/s", "as written")
    pipes = [ner_component(reader.pipe) for reader in group.readers]
    common = partial(common_words, group.nlp)
    models = [model for pipe in pipes if (model := native_ner.read(pipe, variant=name, common=common))]
    for count, words in itertools.product((1, 2), WORDS):
        slow, fast = [], []
        for seed in range(rounds if words < 20_000 else max(2, rounds // 3)):
            with group.nlp.memory_zone():
                docs = [group.nlp.make_doc(prose(words, seed))]
                slow.append(cpu(partial(by_spacy, pipes[:count], docs)) / len(docs[0]))
                fast.append(cpu(partial(native_ner.entities, models[:count], docs)) / len(docs[0]))
        reached[f"{count} x {words}"] = [count * FLOP_DONE / seconds / 1e9 for seconds in fast]
        rates = (count * flop / statistics.median(fast) / 1e9 for flop in (FLOP_DONE, FLOP_PER_WORD))
        table.add_row(f"{count} x {words}", *figures(slow, fast), *(f"{rate:.0f}" for rate in rates))
    return table, reached


def by_spacy(pipes: Sequence[EntityRecognizer], docs: Sequence[Doc]) -> None:
    for pipe in pipes:
        for doc in docs:
            doc.set_ents([], default="missing")
        list(pipe.pipe(docs))


def whole_texts(group: Group, plain: Group, rounds: int) -> Table:
    table = columns("whole texts, two models, µs per word", "spaCy", "with kernel", "ratio")
    for make, words in itertools.product((prose, never_seen), WORDS[:3]):
        times: dict[int, list[float]] = {0: [], 1: []}
        for seed in range(rounds):
            text = make(words, seed)
            for index, each in enumerate((plain, group)):
                times[index].append(cpu(partial(each.entities, [text])) / words)
        table.add_row(f"{make.__name__}, {words}", *figures(times[0], times[1]))
    return table


def columns(*names: str) -> Table:
    table = Table(title_justify="left")
    for name in names:
        table.add_column(name, justify="right")
    return table


def figures(slow: Sequence[float], fast: Sequence[float]) -> list[str]:
    ratio = Spread.of([one / other for one, other in zip(slow, fast, strict=True)])
    middle = [f"{statistics.median(times) * 1e6:.2f}" for times in (slow, fast)]
    return [*middle, f"{ratio.median:.1f}x ({ratio.low:.1f}-{ratio.high:.1f})"]


def cpu(run: Callable[[], object]) -> float:
    began = time.thread_time()
    run()
    return time.thread_time() - began


def blas_peak() -> float:
    """Return what a large product of matrices reaches: a floor under the core's multiply-add peak."""
    a = np.random.default_rng(1).normal(size=(1024, 1024)).astype(np.float32)
    a @ a
    return 2 * 1024**3 / min(cpu(lambda: a @ a) for _ in range(5)) / 1e9


if __name__ == "__main__":
    sys.exit(main())
