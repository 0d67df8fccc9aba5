"""Cuts texts into words, and gives what models read of them, natively: spaCy's own, many times faster.

No word reaches spaCy's string store but those of chunks between blanks that only spaCy can read, in a memory
zone. Nothing is kept between calls.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sidecar.detection.native import Kernel
from sidecar.detection.turn import NO_TURN, Turn

COLUMNS = ("NORM", "PREFIX", "SUFFIX", "SHAPE")  # of a word's features, before that for white space

Features = NDArray[np.uint64]
Offsets = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Words:
    """The words of some texts, one text after the other.

    ``features``: [words][5], ids by ``COLUMNS``, then 1 for white space; ``offsets``: [words][2], where each
    starts and ends in its text, in code points; ``lengths``: how many words each text has.
    """

    features: Features
    offsets: Offsets
    lengths: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class NativeWords:
    """A tokenizer as the extension module holds it, and spaCy's pipeline for what only that can read.

    ``turn``: held by the thread that lets spaCy read; any number of threads may read natively.
    """

    kernel: Kernel
    handle: object
    nlp: Any
    turn: Turn = NO_TURN

    def read(self, texts: Sequence[str]) -> Words:
        """Return the words of the texts.

        Raises:
            UnicodeEncodeError: A text has a lone surrogate.
        """
        features, offsets, lengths, foreign = self.kernel.words_read(self.handle, tuple(texts))
        words = Words(
            np.frombuffer(features, np.uint64).reshape(-1, len(COLUMNS) + 1),
            np.frombuffer(offsets, np.int32).reshape(-1, 2),
            lengths,
        )
        return self._with_foreign(texts, words, foreign) if foreign else words

    def _with_foreign(self, texts: Sequence[str], words: Words, foreign: Sequence[int]) -> Words:
        """Put what spaCy reads in the place of the rows that stand for foreign chunks."""
        ends = np.cumsum(words.lengths)
        of_texts: dict[int, list[int]] = {}
        for row, text in zip(foreign, np.searchsorted(ends, foreign, side="right").tolist(), strict=True):
            of_texts.setdefault(text, []).append(row)
        lengths, done = list(words.lengths), 0
        parts: list[tuple[Features, Offsets]] = []
        with self.turn, self.nlp.memory_zone():
            chunks: dict[str, tuple[Features, Offsets] | None] = {}
            for text, rows in of_texts.items():
                last = int(ends[text])
                first = last - lengths[text]
                parts.append((words.features[done:first], words.offsets[done:first]))
                read = self._text(texts[text], words, first, last, rows, chunks)
                lengths[text] = sum(len(part) for part, _ in read)
                parts += read
                done = last
        parts.append((words.features[done:], words.offsets[done:]))
        return Words(
            np.concatenate([part for part, _ in parts]),
            np.concatenate([part for _, part in parts]),
            tuple(lengths),
        )

    def _text(  # noqa: PLR0913, PLR0917 - one stretch of the words, given by its ends
        self,
        text: str,
        words: Words,
        first: int,
        last: int,
        rows: Sequence[int],
        chunks: dict[str, tuple[Features, Offsets] | None],
    ) -> list[tuple[Features, Offsets]]:
        """Return the words ``[first, last)`` of a text, those of its foreign chunks by spaCy."""
        parts: list[tuple[Features, Offsets]] = []
        for row in rows:
            start, end = words.offsets[row].tolist()
            chunk = text[start:end]
            if chunk not in chunks:
                chunks[chunk] = self._apart(chunk)
            read = chunks[chunk]
            if read is None:
                return [self._by_spacy(text)]
            parts.append((words.features[first:row], words.offsets[first:row]))
            parts.append((read[0], read[1] + np.int32(start)))
            first = row + 1
        parts.append((words.features[first:last], words.offsets[first:last]))
        return parts

    def _apart(self, chunk: str) -> tuple[Features, Offsets] | None:
        """Return the words of a chunk, or None if spaCy's rules may tie them to words beside the chunk."""
        features, offsets = self._by_spacy(chunk)
        edges = (chunk[: offsets[0, 1]], chunk[offsets[-1, 0] :])
        return (
            None
            if any(self.kernel.words_is_part(self.handle, word) for word in edges)
            else (features, offsets)
        )

    def _by_spacy(self, text: str) -> tuple[Features, Offsets]:
        doc = self.nlp.make_doc(text)
        offsets = [(word.idx, word.idx + len(word)) for word in doc]
        return doc.to_array([*COLUMNS, "IS_SPACE"]), np.array(offsets, np.int32)
