"""The signs of shipped patterns, worked out beforehand: that takes more time than all else at a start.

    python -m sidecar.detection.known_signs     # work them out, and write them down

They follow from a pattern alone, so they are listed by its digest; a test works all of them out anew.
"""

from __future__ import annotations

import hashlib
import json
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any

from sidecar.detection.sign_choice import Sign

FILE = Path(__file__).with_suffix(".json")
_DIGEST_BYTES = 8


def known_signs(regex: str, flags: int) -> tuple[Sign, ...] | None:
    """Return the signs of a pattern; None if they are not known."""
    return _known().get(_digest(regex, flags))


def rendered() -> str:
    """Return the text of the file."""
    from sidecar.detection.pattern_file import load_patterns  # noqa: PLC0415 - it asks this module

    patterns = (pattern.sought for pattern in load_patterns(None).patterns.patterns)
    signs = {_digest(each.regex, each.flags): each.signs(anew=True) for each in patterns}
    every = chain.from_iterable(chain.from_iterable(signs.values()))
    sets = {symbols: number for number, symbols in enumerate(dict.fromkeys(every))}
    lines = [
        f'"{digest}": {json.dumps([[sets[symbols] for symbols in sign] for sign in signs[digest]])}'
        for digest in sorted(signs)
    ]
    of_all = ",\n".join(lines).replace(", ", ",")
    return f'{{"sets": {json.dumps([f"{symbols:x}" for symbols in sets])},\n"signs": {{\n{of_all}\n}}}}\n'


@cache
def _known() -> dict[str, tuple[Sign, ...]]:
    listed: dict[str, Any] = json.loads(FILE.read_bytes())
    sets = [int(digits, 16) for digits in listed["sets"]]
    return {
        digest: tuple(tuple(map(sets.__getitem__, sign)) for sign in signs)
        for digest, signs in listed["signs"].items()
    }


def _digest(regex: str, flags: int) -> str:
    return hashlib.blake2b(f"{flags}:{regex}".encode(), digest_size=_DIGEST_BYTES).hexdigest()


def main() -> None:
    """Work out the signs of the shipped patterns and write them down."""
    FILE.write_text(rendered(), encoding="utf-8")


if __name__ == "__main__":
    main()
