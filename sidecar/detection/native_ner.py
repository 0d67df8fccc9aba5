"""Runs spaCy ``ner`` components in the native kernel: the same entities, ten times faster, without the GIL.

A component is read once, when it is loaded. One whose architecture, configuration or moves are not exactly
those that the kernel computes is not read at all: spaCy runs it. No text reaches the kernel, only the ids of
words' attributes, and it keeps nothing between calls.
What depends on a common word alone is computed when a model is read, from a list of this program.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sidecar.detection import native
from sidecar.detection.native import Kernel

_EMBED = "ints-getitem>>hashembed"
_MAXOUT = "maxout>>layernorm>>dropout"
_ENCODER = f"residual(expand_window>>{_MAXOUT})"
_KINDS = {"B": 1, "I": 2, "L": 3, "U": 4}
_NEVER, _OUT = 0, 5
_UNIT_OF_NOTHING = "U-"  # spaCy's move for words that must not be in an entity; valid for preset ones only

Features = NDArray[np.uint64]
CommonWords = Callable[[tuple[str, ...]], Features]


@dataclass(frozen=True, slots=True)
class Entity:
    """One entity: words ``[start, end)`` of a document."""

    doc: int
    start: int
    end: int
    label: str


@dataclass(frozen=True, slots=True)
class NativeModel:
    """A component in the kernel's layout.

    ``columns``: the attributes of a word that it reads, in the order of ``features``; ``width``: of the rows
    that its encoder gives.
    """

    kernel: Kernel
    handle: object
    columns: tuple[str, ...]
    labels: tuple[str, ...]
    width: int


class _UnknownError(Exception):
    """The component is not what the kernel computes."""


def read(
    pipe: Any,  # noqa: ANN401 - spaCy has no types
    kernel: Kernel | None = native.kernel,
    variant: str | None = None,
    common: CommonWords | None = None,
) -> NativeModel | None:
    """Return the component in the kernel's layout, or None if only spaCy can run it.

    Args:
        pipe: A trained ``ner`` component. It must be the only one of its pipeline that sets entities or
            sentences: the kernel reads documents as a tokenizer leaves them.
        kernel: The extension module; None if there is none.
        variant: Which implementation; by default the fastest that this processor can run.
        common: Returns the ids of words for which the model is to be prepared, given the columns that it
            reads. Each takes 4 KB; they make reading faster, and change nothing in what is found.
    """
    if kernel is None:
        return None
    try:
        return _read(pipe, kernel, variant or kernel.kernels()[0], common)
    except (_UnknownError, ValueError, LookupError, AttributeError, TypeError):
        return None  # whatever cannot be read as the kernel expects it is spaCy's to run


def features(docs: Sequence[Any], columns: Sequence[str]) -> Features:
    """Return the ids of all words of the documents, then 1 for white space: [words][columns + 1]."""
    arrays: list[Features] = [doc.to_array([*columns, "IS_SPACE"]) for doc in docs]
    if len(arrays) == 1:
        return arrays[0]
    return np.concatenate([np.empty((0, len(columns) + 1), np.uint64), *arrays])


def entities(models: Sequence[NativeModel], docs: Sequence[Any]) -> list[list[Entity]]:
    """Return what each model finds in documents that only the tokenizer has touched, in order."""
    lengths = [len(doc) for doc in docs]
    read: dict[tuple[str, ...], Features] = {}
    for model in models:
        if model.columns not in read:
            read[model.columns] = features(docs, model.columns)
    results: dict[int, list[Entity]] = {}
    for columns, words in read.items():
        sharing = [index for index, model in enumerate(models) if model.columns == columns]
        found = spans([models[index] for index in sharing], words, lengths)
        results.update(zip(sharing, found, strict=True))
    return [results[index] for index in range(len(models))]


def spans(models: Sequence[NativeModel], words: Features, lengths: Sequence[int]) -> list[list[Entity]]:
    """Return what each model finds, in one pass without the GIL.

    Args:
        models: All reading the same columns.
        words: As ``features`` returns them.
        lengths: How many words each document has.
    """
    if not models:
        return []
    found = models[0].kernel.run(
        tuple(model.handle for model in models), np.ascontiguousarray(words), tuple(lengths)
    )
    return [
        [Entity(doc, start, end, model.labels[label]) for doc, start, end, label in of_model]
        for model, of_model in zip(models, found, strict=True)
    ]


def encoded(model: NativeModel, words: Features, lengths: Sequence[int]) -> NDArray[np.float32]:
    """Return what the encoder gives for each word: [words][width]; for tests and measurements."""
    rows = np.empty((len(words), model.width), np.float32)
    model.kernel.run((model.handle,), np.ascontiguousarray(words), tuple(lengths), rows)
    return rows


@dataclass(frozen=True, slots=True)
class _Layers:
    """The layers of a component that hold weights."""

    tables: list[Any]
    maxouts: list[Any]  # the mixer's, then the encoder's
    norms: list[Any]  # as many
    linear: Any
    lower: Any
    upper: Any

    @property
    def depth(self) -> int:
        return len(self.maxouts) - 1


def _read(
    pipe: Any,  # noqa: ANN401 - spaCy has no types
    kernel: Kernel,
    variant: str,
    common: CommonWords | None,
) -> NativeModel:
    from spacy.pipeline.ner import EntityRecognizer  # noqa: PLC0415 - whoever has a pipe has loaded it

    _must(type(pipe) is EntityRecognizer and not pipe.postprocesses)
    _must(pipe.cfg.get("beam_width") == 1)
    layers, columns = _layers(pipe.model)
    kinds, of_moves, labels = _moves(pipe.moves)
    mixer, lower, upper = layers.maxouts[0], layers.lower, layers.upper
    _must(len(kinds) == upper.get_dim("nO"))
    sizes = (
        mixer.get_dim("nO"),
        mixer.get_dim("nP"),
        layers.depth,
        lower.get_dim("nO"),
        lower.get_dim("nP"),
        len(kinds),
        len(labels),
    )
    handle = kernel.load(
        variant,
        sizes,
        tuple(table.get_dim("nV") for table in layers.tables),
        tuple(table.attrs["seed"] for table in layers.tables),
        (*_weights(layers), np.array(kinds, np.int32), np.array(of_moves, np.int32)),
        common(columns) if common else None,
    )
    return NativeModel(kernel, handle, columns, labels, sizes[0])


def _layers(model: Any) -> tuple[_Layers, tuple[str, ...]]:  # noqa: ANN401 - thinc's nodes
    """Return the layers, and the attributes of words that are read, if all is as the kernel expects it."""
    _must(model.name == "parser_model" and not model.attrs["unseen_classes"] and model.attrs["has_upper"])
    tok2vec, lower, upper = model.layers
    nodes = list(tok2vec.walk(order="dfs_pre"))
    leaves = [node for node in nodes if not node.layers]
    tables, maxouts, norms = (
        [leaf for leaf in leaves if leaf.name == name] for name in ("hashembed", "maxout", "layernorm")
    )
    layers = _Layers(tables, maxouts, norms, leaves[-1], lower, upper)
    _must(tok2vec.name == _name(len(tables), layers.depth))
    _must((lower.name, upper.name) == ("precomputable_affine", "linear") and lower.get_dim("nF") == 3)
    _must(len({maxout.get_dim("nP") for maxout in maxouts}) == 1)
    pads = [node.attrs["pad"] for node in nodes if node.name.startswith("with_array(")]
    _must(pads == [0, 0, layers.depth])
    windows = [leaf.attrs["window_size"] for leaf in leaves if leaf.name == "expand_window"]
    _must(windows == [1] * layers.depth)
    getters = [leaf.attrs["index"] for leaf in leaves if leaf.name == "ints-getitem"]
    _must(getters == [(slice(0, None), index) for index in range(len(tables))])
    columns = leaves[0].attrs["columns"]
    _must(len(columns) == len(tables) and all(isinstance(column, str) for column in columns))
    return layers, tuple(columns)


def _weights(layers: _Layers) -> list[NDArray[np.float32]]:
    """Return the weights in the kernel's order."""
    parameters = [table.get_param("E") for table in layers.tables]
    for maxout, norm in zip(layers.maxouts, layers.norms, strict=True):
        parameters += [maxout.get_param("W"), maxout.get_param("b"), norm.get_param("G"), norm.get_param("b")]
    parameters += [layers.linear.get_param("W"), layers.linear.get_param("b")]
    parameters += [layers.lower.get_param(name) for name in ("W", "b", "pad")]
    parameters += [layers.upper.get_param("W"), layers.upper.get_param("b")]
    return [np.ascontiguousarray(each, np.float32) for each in parameters]


def _must(fact: bool) -> None:
    if not fact:
        raise _UnknownError


def _name(tables: int, depth: int) -> str:
    """Return the name that thinc gives to the tok2vec layer that the kernel computes."""
    embed = "|".join([_EMBED] * tables)
    encode = ">>".join([_ENCODER] * depth)
    return (
        f"extract_features>>list2ragged>>with_array({embed})>>with_array({_MAXOUT})>>ragged2list"
        f">>with_array({encode})>>list2array>>linear"
    )


def _moves(moves: Any) -> tuple[list[int], list[int], tuple[str, ...]]:  # noqa: ANN401 - spaCy has no types
    """Return the kind and the label's index of each move, and the labels."""
    kinds: list[int] = []
    of_moves: list[int] = []
    labels: dict[str, int] = {}
    for index in range(moves.n_moves):
        name = moves.get_class_name(index)
        kind, _, label = name.partition("-")
        if name in {"O", _UNIT_OF_NOTHING}:
            kinds.append(_OUT if name == "O" else _NEVER)
            of_moves.append(0)
            continue
        kinds.append(_KINDS[kind])
        of_moves.append(labels.setdefault(label, len(labels)))
        _must(bool(label))
    return kinds, of_moves, tuple(labels)
