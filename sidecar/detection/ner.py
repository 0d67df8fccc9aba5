"""Finds names of people, organizations and places with spaCy models, one thread at a time.

What any of the models finds is found. No text stays in a model: every batch runs in memory zones of its
own. Time is linear in the text, and a text that cannot be finished within the budget is refused before
work starts.

Long texts are read on the one NER thread, in turns, while the caller's is busy with patterns; short ones
take less time than a change of threads and are read on the caller's. For what only spaCy can read they take
turns, since its memory zone belongs to the vocabulary. The composition root hands in ``submit`` of a pool of
one thread and the lock, and sets OPENBLAS_NUM_THREADS=1 (numpy starts threads when it is imported otherwise).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import dataclass, replace
from typing import Any

from sidecar.detection import native
from sidecar.detection.cache import Remember
from sidecar.detection.linear import without_surrogates
from sidecar.detection.names.entity import names
from sidecar.detection.native import Kernel
from sidecar.detection.ner_models import DEFAULT_MODELS, load
from sidecar.detection.pieces import Piece, pieces
from sidecar.detection.turn import NO_TURN, Turn
from sidecar.errors import RequestRefused
from sidecar.model import Budget, Origin, Passage, Span

Submit = Callable[[Callable[[], "Future[Any] | None"]], "Future[Any]"]

_OTHER_LABELS = {  # what models of other languages call the same things
    "PERSON": ("PER", "PRS", "PS", "persName"),
    "ORG": ("ORGANIZATION", "OG", "orgName"),
    "GPE": ("GPE_LOC", "placeName"),
    "LOC": ("LOCATION", "LC", "geogName"),
    "FAC": ("FACILITY",),
}
_SCORE = 0.7
_WORTH_REMEMBERING = 1000  # code points of a piece; without white space, long texts have many short ones
_BATCH_WORK = 2000.0  # words: the unit in which requests take turns
_SHORT_WORK = 500.0  # words: less than this is read on the caller's thread
_CHARS_PER_WORD = 50  # so many code points without white space cost about as much as one word
_FIRST_RATE = 5000.0  # words a second and model until this process has measured its own
_FIRST_NATIVE_RATE = 50_000.0  # the same where the native kernel runs all models
_GENEROSITY = 3.0  # a text is refused at once only if even this many times the rate would not do
_SMOOTHING = 0.2
_TOO_LONG = "the text cannot be inspected in the time allowed; send less at a time"


class Ner:
    """The models, loaded once in a process and then used by one thread at a time.

    Args:
        types: Entity type for each label of the models; other labels are ignored. A label that other
            languages' models have for the same thing (``PER``) goes the way of ours (``PERSON``).
        submit: Runs a call on the one NER thread; None runs it at once, on the caller's.
        models: Names of the models whose findings are united.
        kernel: The native kernel; None leaves all models to spaCy.
        turn: A lock, so that short texts may be read on the caller's thread while the NER thread works; None
            sends them to the NER thread too.

    Raises:
        ConfigError: A model is not installed, or cannot be used.
    """

    def __init__(
        self,
        types: Mapping[str, str],
        submit: Submit | None = None,
        models: Sequence[str] = DEFAULT_MODELS,
        kernel: Kernel | None = native.kernel,
        turn: Turn | None = None,
    ) -> None:
        others = {
            other: types[label]
            for label, all_of in _OTHER_LABELS.items()
            if label in types
            for other in all_of
        }
        self._types = {**others, **types}
        self._submit, self.turn = submit, turn
        self._groups = load(models, kernel, turn or NO_TURN)
        self._rate = (_FIRST_RATE if self.slower_models else _FIRST_NATIVE_RATE) / len(models)
        self.run([_Item(0, Piece(0, 1, 0, 1), "a")])

    @property
    def entity_types(self) -> tuple[str, ...]:
        """All types it can find, sorted."""
        return tuple(sorted({*self._types.values()}))

    @property
    def slower_models(self) -> tuple[str, ...]:
        """Names of the models that spaCy runs, because the native kernel is missing or cannot."""
        readers = [reader for group in self._groups for reader in group.readers]
        return tuple(reader.name for reader in readers if reader.native is None)

    def start(self, passages: Sequence[Passage], budget: Budget, remember: Remember | None = None) -> NerJob:
        """Begin with the passages; the first batch of a long request is on its way when this returns.

        Args:
            passages: The texts.
            budget: The time that it may take.
            remember: Returns the spans of pieces, those not remembered as told; called where batches run.

        Raises:
            RequestRefused: (413) The texts cannot be finished within the budget.
        """
        work = sum(_work(passage.text) for passage in passages if not passage.patterns_only)
        if work > self._rate * _GENEROSITY * budget.remaining():
            raise RequestRefused(413, _TOO_LONG)
        submit = None if self.turn and work < _SHORT_WORK else self._submit
        return NerJob(self, passages, budget, submit, remember)

    def run(self, batch: Sequence[_Item], remember: Remember | None = None) -> dict[int, list[Span]]:
        """Run one batch; return its spans by passage."""
        # A whole text was looked up before it came here; of a long one that is new, pieces may be known.
        known: list[_Item] = []
        new: list[_Item] = []
        for item in batch:
            (known if remember and item.is_long_part else new).append(item)
        found: dict[int, list[Span]] = {}
        _place(new, self._read([Passage(item.text) for item in new]), found)
        if remember and known:
            _place(known, remember([Passage(item.text) for item in known], self._read), found)
        return found

    def _read(self, pieces: Sequence[Passage]) -> list[list[Span]]:
        """Return the spans of each piece; they depend on its text alone."""
        if not pieces:
            return []
        began = time.perf_counter()
        texts = [piece.text for piece in pieces]
        spans: list[list[Span]] = [[] for _ in texts]
        judged: dict[tuple[int, int, int], list[tuple[int, int]]] = {}  # models agree on most
        for group in self._groups:
            for entity in group.entities(texts):
                if entity_type := self._types.get(entity.label):
                    place = (entity.text, entity.start, entity.end)
                    if (kept := judged.get(place)) is None:
                        kept = judged[place] = names(texts[entity.text], entity.start, entity.end)
                    spans[entity.text] += [
                        Span(start, end, entity_type, _SCORE, Origin.NER, entity.model) for start, end in kept
                    ]
        work = sum(map(_work, texts))
        if work > _BATCH_WORK // 10:
            rate = work / max(time.perf_counter() - began, 1e-6)
            self._rate += _SMOOTHING * (rate - self._rate)
        return spans


class NerJob:
    """The NER of one request: one batch at a time is queued, so that requests take turns.

    The caller's thread, when it has nothing else to do, takes batches too.
    """

    def __init__(
        self,
        ner: Ner,
        passages: Sequence[Passage],
        budget: Budget,
        submit: Submit | None,
        remember: Remember | None = None,
    ) -> None:
        """Queue the first batch."""
        self._ner, self._budget, self._submit, self._remember = ner, budget, submit, remember
        self._passages = len(passages)
        self._batches = enumerate(_batches(passages))
        self._found: dict[int, dict[int, list[Span]]] = {}  # by batch and passage
        self._cancelled = False
        self._first = submit(self._step) if submit else None

    def result(self) -> list[list[Span]]:
        """Work or wait; return the spans of each passage in turn, in order of their piece.

        Raises:
            RequestRefused: (413) The time is used up.
        """
        shares = self._first is None or self._ner.turn is not None
        while shares and self._run_next():
            pass
        future = self._first
        while future is not None and not (
            shares and future.cancel()
        ):  # a step that is queued has nothing to do
            try:
                future = future.result(timeout=self._budget.remaining())
            except FutureTimeoutError:
                self._budget.check()
                raise RequestRefused(413, _TOO_LONG) from None
        spans: list[list[Span]] = [[] for _ in range(self._passages)]
        for _, found in sorted(self._found.items()):
            for passage, of_passage in found.items():
                spans[passage] += of_passage
        return spans

    def cancel(self) -> None:
        """Give up: each thread runs at most one more batch."""
        self._cancelled = True

    def _step(self) -> Future[Any] | None:
        """Run one batch on the NER thread; return the queued next one, or None at the end."""
        return self._submit(self._step) if self._run_next() and self._submit else None

    def _run_next(self) -> bool:
        """Run the next batch, if one is left; return whether one was."""
        with self._ner.turn or NO_TURN:
            number, batch = (-1, None) if self._cancelled else next(self._batches, (-1, None))
        if batch is None:
            return False
        self._budget.check()
        self._found[number] = self._ner.run(batch, self._remember)
        return True


@dataclass(frozen=True, slots=True)
class _Item:
    """One piece of one passage, as the model reads it."""

    passage: int
    piece: Piece
    text: str
    is_long_part: bool = False


def _batches(passages: Sequence[Passage]) -> Iterator[list[_Item]]:
    items: list[_Item] = []
    work = 0.0
    for index, passage in enumerate(passages):
        if passage.patterns_only:
            continue
        text = without_surrogates(passage.text)
        for piece in pieces(text):
            is_part = _WORTH_REMEMBERING <= piece.end - piece.start < len(text)
            items.append(_Item(index, piece, text[piece.start : piece.end], is_part))
            work += _work(items[-1].text)
            if work >= _BATCH_WORK:
                yield items
                items, work = [], 0.0
    if items:
        yield items


def _place(items: Sequence[_Item], found: Sequence[Sequence[Span]], placed: dict[int, list[Span]]) -> None:
    """Append the spans of each piece, as far as it owns them, to those of its passage."""
    for item, spans in zip(items, found, strict=True):
        piece = item.piece
        for span in spans:
            start = piece.start + span.start
            if piece.own_start <= start < piece.own_end:
                moved = replace(span, start=start, end=piece.start + span.end) if piece.start else span
                placed.setdefault(item.passage, []).append(moved)


def _work(text: str) -> float:
    """Return how much there is to do, in words; long words count for more."""
    blanks = text.count(" ") + text.count("\n") + text.count("\t")
    return 1 + blanks + len(text) / _CHARS_PER_WORD
