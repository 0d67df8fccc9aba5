"""The words that texts are likely to hold, for which the native kernel prepares a model when it is read.

They come from ``common_words.txt`` and from nowhere else: no text that is inspected adds to them. What is
found does not depend on them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib.resources import files
from typing import Any

import numpy as np

from sidecar.detection.native_ner import Features, features
from sidecar.detection.native_words import COLUMNS, NativeWords

_FILE = "common_words.txt"
_YEARS = range(1950, 2041)
_INDENTS = 24


def common_words(
    nlp: Any,  # noqa: ANN401 - spaCy has no types
    columns: Sequence[str],
    words: NativeWords | None = None,
) -> Features:
    """Return the ids of all of them, as a pipeline's tokenizer reads them: [words][columns].

    Args:
        nlp: The pipeline.
        columns: The attributes that ids are of.
        words: The same tokenizer in native form, which reads them in no time.
    """
    text = " ".join(_words()) + "".join(f"{blanks}a" for blanks in _white_space())
    if words is not None and tuple(columns) == COLUMNS:
        read = words.read([text]).features
    else:
        with nlp.memory_zone():
            read = features([nlp.make_doc(text)], columns)
    return np.unique(read[:, :-1], axis=0)


def _words() -> Iterator[str]:
    for line in files("sidecar.detection").joinpath(_FILE).read_text(encoding="utf-8").splitlines():
        if not line.startswith("# "):
            yield from line.split()
    for number in (*range(101), *_YEARS):
        yield str(number)
        yield f"{number:02}"


def _white_space() -> Iterator[str]:
    """Yield line ends with the indentation behind them, and longer runs of spaces."""
    for line_end in ("\n", "\n\n", ""):
        for count in range(_INDENTS + 1):
            yield line_end + " " * count
