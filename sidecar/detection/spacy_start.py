"""Imports spaCy, and loads pipelines, without what no detection needs: most of the time that both take.

Nothing of it stays: whoever imports spaCy's command line later gets the real one.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

_COMMANDS = ("spacy.cli", "spacy.cli.info")


def load_pipeline(place: Path | str, left_out: Sequence[str], *, third_parties: bool) -> Any:  # noqa: ANN401 - spaCy has no types
    """Return a spaCy pipeline.

    Args:
        place: Its folder, or the name of its package.
        left_out: Names of components that are not to be loaded.
        third_parties: Whether components may come from other installed packages. spaCy imports every one
            that offers any, needed or not.

    Raises:
        OSError, ValueError, ImportError: What spaCy says of a pipeline that is missing or damaged.
    """
    spacy = import_spacy()
    if third_parties:
        return spacy.load(place, exclude=list(left_out))
    with _no_entry_points(spacy.util.registry):
        return spacy.load(place, exclude=list(left_out))


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
