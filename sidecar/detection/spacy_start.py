"""Imports spaCy, and loads pipelines, without what no detection needs: most of the time that both take.

Nothing of it stays: whoever imports spaCy's command line later gets the real one.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

_COMMANDS = ("spacy.cli", "spacy.cli.info")
# The words that a pipeline was trained on: a word's attributes never depend on whether it is among them.
_WORDS = "strings"
_TOKENIZER = "sidecar.TokenizerOfItsFile.v1"


def load_pipeline(place: Path | str, left_out: Sequence[str], *, third_parties: bool) -> Any:  # noqa: ANN401 - spaCy has no types
    """Return a spaCy pipeline.

    Args:
        place: Its folder, or the name of its package.
        left_out: Names of components that are not to be loaded.
        third_parties: Whether components and the tokenizer may be any. Otherwise they are spaCy's own:
            no other package that offers components is imported, needed or not, and the tokenizer is not
            built from the language's rules before it is built from those that lie in the folder.

    Raises:
        OSError, ValueError, ImportError: What spaCy says of a pipeline that is missing or damaged.
    """
    spacy = import_spacy()
    if third_parties:
        return spacy.load(place, exclude=[*left_out, _WORDS])
    if _TOKENIZER not in spacy.registry.tokenizers:
        spacy.registry.tokenizers(_TOKENIZER, func=_empty_tokenizers)
    config = {"nlp": {"tokenizer": {"@tokenizers": _TOKENIZER}}}
    with _no_entry_points(spacy.util.registry):
        return spacy.load(place, exclude=[*left_out, _WORDS], config=config)


def _empty_tokenizers() -> Callable[[Any], Any]:
    """Return what makes a pipeline's tokenizer, which then reads its rules from the pipeline's folder."""
    from spacy.tokenizer import Tokenizer  # noqa: PLC0415 - spaCy is loaded when it is needed

    return lambda nlp: Tokenizer(nlp.vocab)


def import_spacy() -> Any:  # noqa: ANN401 - spaCy has no types
    """Return spaCy, without its command line, which it imports for the sake of ``spacy.info`` alone."""
    if "spacy" in sys.modules:
        return sys.modules["spacy"]
    for name in _COMMANDS:
        sys.modules[name] = stand_in = ModuleType(name)
        vars(stand_in).update(__path__=[], info=None)
    try:
        spacy = importlib.import_module("spacy")
    finally:
        for name in _COMMANDS:
            del sys.modules[name]
    vars(spacy).pop("info", None)
    vars(spacy).pop("cli", None)
    return spacy


@contextmanager
def _no_entry_points(registry: Any) -> Iterator[None]:  # noqa: ANN401 - spaCy has no types
    """Let spaCy build components from its own factories alone."""
    factories: Any = getattr(registry, "_entry_point_factories", None)
    before = getattr(factories, "entry_points", None)
    if before is None:  # another spaCy: slower, and right
        yield
        return
    factories.entry_points = False
    try:
        yield
    finally:
        factories.entry_points = before
