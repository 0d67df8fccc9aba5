"""The native kernel: C in this folder, built when the package is installed (``hatch_build.py``).

``kernel`` is None where there was no compiler; then spaCy and RE2 compute the same, slower. ``ner.h``,
``tokenizer.h`` and ``signs.h`` say what is computed, and within which bounds.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, Protocol, cast


class Kernel(Protocol):
    """The functions of the extension module (``module.c``). Wrong sizes are errors, never undefined."""

    def kernels(self) -> list[str]:
        """Return the implementations that this processor can run, the fastest first."""

    def load(  # noqa: PLR0913, PLR0917 - a model has so many parts
        self,
        kernel: str,
        sizes: tuple[int, ...],
        rows: tuple[int, ...],
        seeds: tuple[int, ...],
        arrays: tuple[Any, ...],
        common: Any = None,  # noqa: ANN401 - any buffer
        /,
    ) -> object:
        """Copy a model's weights into the layout of one implementation.

        Args:
            kernel: One of ``kernels()``.
            sizes: width, pieces, depth, hidden, lower_pieces, moves, labels.
            rows: Rows of each hash table.
            seeds: Seed of each hash table.
            arrays: The weights in the order of ``NerWeights`` (``ner.h``), C-contiguous: float32, and int32
                for the kinds of the moves and their labels.
            common: uint64[words][tables], C-contiguous: the ids of words that are likely, to be computed now.

        Raises:
            ValueError: A size is out of bounds, an array has another size, or the moves are not BILUO's.
        """

    def run(
        self,
        models: tuple[object, ...],
        features: Any,  # noqa: ANN401 - any buffer
        lengths: tuple[int, ...],
        rows: Any = None,  # noqa: ANN401 - same
        /,
    ) -> list[list[tuple[int, int, int, int]]]:
        """Return (document, first word, word behind, label) of each entity, for each model; without the GIL.

        Args:
            models: All with as many hash tables.
            features: uint64[words][tables + 1], C-contiguous: each word's ids, then 1 if it is white space.
            lengths: Words of each document, adding up to the rows of ``features``.
            rows: Takes what the encoder of the only model gives for each word: float32[words][width].

        Raises:
            ValueError: The sizes do not fit each other or the models.
        """

    def words_load(self, parts: tuple[Any, ...], /) -> object:
        """Copy the tables of a tokenizer.

        Args:
            parts: C-contiguous buffers as ``tokenizer.h`` names them: flags and lower (uint32 of each row),
                prefixes, suffixes and hyphens (``TokLiteral``), the rules' texts (64 bytes each, behind the
                text zeros) and words (8 times length and norm, uint64), what is known (``TokKnown``).

        Raises:
            ValueError: A buffer has another size, or a number is out of bounds.
        """

    def words_read(
        self, tokenizer: object, texts: tuple[str, ...], /
    ) -> tuple[bytes, bytes, tuple[int, ...], tuple[int, ...]]:
        """Cut texts into words; without the GIL.

        Returns:
            features: uint64[words][5], NORM, PREFIX, SUFFIX, SHAPE, 1 for white space.
            offsets: int32[words][2], where each word starts and ends in its text, in code points.
            lengths: Words of each text.
            foreign: Which words stand for a chunk that spaCy must read, ascending; their features are 0.

        Raises:
            UnicodeEncodeError: A text has a lone surrogate.
        """

    def words_is_part(self, tokenizer: object, word: str, /) -> int:
        """Return 1 if rules may put the word together with words beside it, or state it; else 0."""

    def signs_pack(
        self,
        sets: bytes,
        elements: Any,  # noqa: ANN401 - any buffer
        lengths: bytes,
        owners: Any,  # noqa: ANN401 - same
        groups: int,
        /,
    ) -> object:
        """Copy signs into the layout in which they are found; the arrays are those of ``SignsSource``.

        Raises:
            ValueError: A number is out of bounds.
        """

    def signs_find(self, signs: object, text: bytes | memoryview, /) -> list[int]:
        """Return the groups that have a sign in a text, ascending; over a long text, without the GIL."""


kernel: Kernel | None
try:
    kernel = cast("Kernel", import_module("sidecar.detection.native._kernel"))
except ImportError:
    kernel = None

__all__ = ["Kernel", "kernel"]
