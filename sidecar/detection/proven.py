"""Remembers which shipped files of patterns were proven, by their digests.

    python -m sidecar.detection.proven     # prove all, and record that

A file counts as proven only while each of its bytes is the one that was. Tests prove all of them anew.
"""

from __future__ import annotations

import hashlib
import json
from importlib import resources
from pathlib import Path

from sidecar.detection.pattern_source import read, shipped_file

_RECORD = "proven.json"


def proven_files() -> frozenset[Path]:
    """Return the shipped files whose proofs need no repeating."""
    recorded = json.loads(resources.files(__package__).joinpath(_RECORD).read_text("utf-8"))
    return frozenset(file for file, digest in _digests().items() if recorded.get(file.name) == digest)


def record() -> dict[str, str]:
    """Return what the record must hold: the digest of each shipped file by its name."""
    return {file.name: digest for file, digest in sorted(_digests().items())}


def _digests() -> dict[Path, str]:
    index = shipped_file()
    names = json.loads(index.read_text("utf-8")).get("include", [])
    files = [index.parent / name for name in names]
    return {file: hashlib.sha256(file.read_bytes()).hexdigest() for file in files if file.is_file()}


def main() -> None:
    """Prove the shipped files and record that they are proven."""
    from sidecar.detection.pattern_file import load_patterns  # noqa: PLC0415 - it asks this module

    load_patterns(None, prove=True)
    target = Path(str(resources.files(__package__).joinpath(_RECORD)))
    target.write_text(json.dumps(record(), indent=2) + "\n", encoding="utf-8")
    print(f"{len(read(None).entries)} entries proven")  # noqa: T201 - a command


if __name__ == "__main__":
    main()
