"""Random models and documents, for the tests and the fuzzer of the native NER kernel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sidecar.detection.native import Kernel


@dataclass(frozen=True)
class RandomModel:
    """What ``Kernel.load`` takes, but for the name of the kernel and common words."""

    sizes: tuple[int, ...]
    rows: tuple[int, ...]
    seeds: tuple[int, ...]
    arrays: tuple[NDArray[Any], ...]

    def load(self, kernel: Kernel, name: str, common: NDArray[Any] | None = None) -> object:
        return kernel.load(name, self.sizes, self.rows, self.seeds, self.arrays, common)


def random_model(rng: np.random.Generator, tables: int | None = None) -> RandomModel:
    """Return a model within the kernel's bounds; small, so that the scalar reference keeps up."""
    width, hidden = 16 * int(rng.integers(1, 5)), 16 * int(rng.integers(1, 4))
    pieces, lower_pieces, depth = (int(rng.integers(2, 4)), int(rng.integers(2, 4)), int(rng.integers(1, 6)))
    tables = tables or int(rng.integers(1, 6))
    rows = tuple(int(rng.integers(1, 60)) for _ in range(tables))
    seeds = tuple(int(rng.integers(0, 2**32)) for _ in range(tables))
    kinds, labels, count = random_moves(rng)

    def weights(*shape: int) -> NDArray[np.float32]:
        return rng.normal(0, 0.5, shape).astype(np.float32)

    def maxout(inputs: int) -> list[NDArray[np.float32]]:
        scale = np.float32(2 / np.sqrt(inputs))
        return [
            weights(width, pieces, inputs) * scale,
            weights(width, pieces),
            weights(width) + 1,
            weights(width),
        ]

    arrays: list[NDArray[Any]] = [weights(n, width) for n in rows]
    arrays += maxout(tables * width)
    for _ in range(depth):
        arrays += maxout(3 * width)
    arrays += [weights(hidden, width), weights(hidden)]
    arrays += [weights(3, hidden, lower_pieces, hidden), weights(hidden, lower_pieces)]
    arrays += [weights(3, hidden, lower_pieces), weights(len(kinds), hidden), weights(len(kinds))]
    arrays += [np.array(kinds, np.int32), np.array(labels, np.int32)]
    sizes = (width, pieces, depth, hidden, lower_pieces, len(kinds), count)
    return RandomModel(sizes, rows, seeds, tuple(arrays))


def random_moves(rng: np.random.Generator) -> tuple[list[int], list[int], int]:
    """Return kinds and labels of moves in random order, and how many labels there are."""
    count = int(rng.integers(1, 20))
    moves = [(kind, label) for label in range(count) for kind in (1, 2, 3, 4)] + [(5, 0), (0, 0)]
    moves = [moves[index] for index in rng.permutation(len(moves))]
    return [kind for kind, _ in moves], [label for _, label in moves], count


def random_batch(
    rng: np.random.Generator, tables: int, most: int = 1400
) -> tuple[NDArray[np.uint64], tuple[int, ...]]:
    """Return features and lengths of documents, some of them empty, with words that repeat."""
    docs = int(rng.integers(0, 9))
    lengths = tuple(
        int(length) for length in rng.integers(0, rng.integers(1, most // max(docs, 1) + 2), docs)
    )
    words = sum(lengths)
    vocabulary = rng.integers(0, 2**64, (int(rng.integers(1, 300)), tables + 1), dtype=np.uint64)
    vocabulary[:, tables] = rng.random(len(vocabulary)) < rng.choice([0.0, 0.1, 0.9])
    return np.ascontiguousarray(vocabulary[rng.integers(0, len(vocabulary), words)]), lengths


def encoded(
    kernel: Kernel, model: object, features: NDArray[np.uint64], lengths: tuple[int, ...], width: int
) -> tuple[list[tuple[int, int, int, int]], NDArray[np.float32]]:
    """Return the spans of one model and what its encoder gives."""
    rows = np.full((len(features), width), np.nan, np.float32)
    (spans,) = kernel.run((model,), features, lengths, rows)
    return spans, rows


def ner_component(pipe: Any) -> Any:  # noqa: ANN401 - spaCy has no types
    """Return the component of a pipeline that finds entities, or the component itself."""
    return pipe.get_pipe("ner") if hasattr(pipe, "get_pipe") else pipe
