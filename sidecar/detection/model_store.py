"""The models of our own that come with the program: weights in a folder each, trusted by checksum.

``model.json`` says what the weights are: the model's configuration and transitions, the pipeline whose
tokenizer it reads with, and the SHA-256 of the weights. Nothing is used that differs from it. The weights
lie in the safetensors layout (eight bytes of length, a JSON header, raw numbers): data, never code.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sidecar.errors import ConfigError

FOLDER = Path(__file__).with_name("models")
CARD, WEIGHTS = "model.json", "weights.safetensors"
_TYPES: dict[str, np.dtype[Any]] = {"F16": np.dtype("<f2"), "F32": np.dtype("<f4")}
_HEAD = struct.Struct("<Q")
# The dimensions of each layer's parameters, by their names in thinc.
_DIMS: dict[str, dict[str, tuple[int | str, ...]]] = {
    "hashembed": {"E": ("nV", "nO")},
    "maxout": {"W": ("nO", "nP", "nI"), "b": ("nO", "nP")},
    "layernorm": {"G": ("nI",), "b": ("nI",)},
    "linear": {"W": ("nO", "nI"), "b": ("nO",)},
    "precomputable_affine": {"W": ("nF", "nO", "nP", "nI"), "b": ("nO", "nP"), "pad": (1, "nF", "nO", "nP")},
}

Arrays = dict[str, NDArray[np.floating[Any]]]


@dataclass(frozen=True, slots=True)
class Artifact:
    """A model as it lies on disk.

    ``base``: the pipeline whose tokenizer and vocabulary it reads with; ``config`` and ``actions``: what
    spaCy builds its ``ner`` component from; ``arrays``: its parameters, named ``<node>.<parameter>`` in
    the order in which the component's nodes are walked.
    """

    name: str
    version: str
    base: str
    config: Mapping[str, Any]
    actions: Mapping[str, Mapping[str, int]]
    arrays: Arrays


def is_ours(name: str) -> bool:
    """Tell whether a model of that name comes with the program."""
    return name.isidentifier() and (FOLDER / name / CARD).is_file()


def read(name: str, folder: Path = FOLDER) -> Artifact:
    """Read a model.

    Raises:
        ConfigError: A file is missing or damaged, or the weights are not those that the card names.
    """
    try:
        card = json.loads((folder / name / CARD).read_bytes())
        data = (folder / name / WEIGHTS).read_bytes()
        if hashlib.sha256(data).hexdigest() != card["sha256"]:
            raise ConfigError(f"the NER model {name} is damaged: {WEIGHTS} has another SHA-256 than {CARD}")
        return Artifact(name, card["version"], card["base"], card["config"], card["actions"], unpacked(data))
    except (OSError, ValueError, KeyError, TypeError, struct.error) as exc:
        raise ConfigError(f"the NER model {name} is damaged: {type(exc).__name__}") from exc


def component(artifact: Artifact, nlp: Any) -> Any:  # noqa: ANN401 - spaCy has no types
    """Return spaCy's ``ner`` component with these weights, for documents of the pipeline ``nlp``.

    Raises:
        ConfigError: The installed spaCy builds another component from this configuration.
    """
    try:
        ner = nlp.create_pipe("ner", config={"model": dict(artifact.config)})
        ner.moves.initialize_actions({int(move): dict(by) for move, by in artifact.actions.items()})
        ner.model.attrs["resize_output"](ner.model, ner.moves.n_moves)
        _set(ner.model, artifact.arrays)
    except (ValueError, LookupError, TypeError) as exc:
        raise ConfigError(f"the NER model {artifact.name} does not fit the installed spaCy") from exc
    return ner


def _set(model: Any, arrays: Arrays) -> None:  # noqa: ANN401 - thinc's nodes
    """Give a model its parameters, which stand for its initialization: that draws all weights first.

    Raises:
        LookupError, ValueError: These are not the model's parameters.
    """
    nodes = list(model.walk())
    for key, array in arrays.items():
        index, _, parameter = key.partition(".")
        nodes[int(index)].set_param(parameter, np.ascontiguousarray(array, dtype=np.float32))
    model.get_ref("upper").set_dim("nI", model.get_ref("lower").get_dim("nO"))
    expected = {
        f"{index}.{parameter}": tuple(
            d if isinstance(d, int) else node.get_dim(d) for d in _DIMS[node.name][parameter]
        )
        for index, node in enumerate(nodes)
        for parameter in node.param_names
    }
    if expected != _shapes(arrays):
        raise ValueError("other shapes than the configuration has")


def _shapes(arrays: Arrays) -> dict[str, tuple[int, ...]]:
    return {key: array.shape for key, array in arrays.items()}


def parameters(model: Any) -> Arrays:  # noqa: ANN401 - thinc's nodes
    """Return all parameters of a model by ``<node>.<parameter>``."""
    return {
        f"{index}.{parameter}": node.get_param(parameter)
        for index, node in enumerate(model.walk())
        for parameter in node.param_names
        if node.has_param(parameter)
    }


def packed(arrays: Mapping[str, NDArray[np.floating[Any]]]) -> bytes:
    """Return arrays of half or single precision in the safetensors layout."""
    header, blocks, offset = {}, [], 0
    names = {dtype: name for name, dtype in _TYPES.items()}
    for key, array in arrays.items():
        block = np.ascontiguousarray(array).tobytes()
        place = [offset, offset + len(block)]
        header[key] = {"dtype": names[array.dtype], "shape": list(array.shape), "data_offsets": place}
        offset += len(block)
        blocks.append(block)
    head = json.dumps(header, separators=(",", ":")).encode()
    head += b" " * (-len(head) % 8)
    return _HEAD.pack(len(head)) + head + b"".join(blocks)


def unpacked(data: bytes) -> Arrays:
    """Return the arrays of a file in the safetensors layout.

    Raises:
        ValueError, KeyError, TypeError, struct.error: It is no such file.
    """
    (length,) = _HEAD.unpack_from(data)
    body = memoryview(data)[_HEAD.size + length :]
    arrays: Arrays = {}
    for key, entry in json.loads(data[_HEAD.size : _HEAD.size + length]).items():
        start, end = entry["data_offsets"]
        arrays[key] = np.frombuffer(body[start:end], _TYPES[entry["dtype"]]).reshape(entry["shape"])
    return arrays
