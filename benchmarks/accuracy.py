"""Leak and over-redaction on annotated texts, by the scorer that lies beside the project.

    python -m benchmarks.accuracy

The texts and the scorer are shared between checkouts (``../shared``) and are no part of this repository;
without them this says which sets it skipped, and succeeds.
"""

import shlex
import subprocess
import sys
from pathlib import Path

SHARED = Path(__file__).resolve().parents[2] / "shared"
SETS = (
    "hard_dev",
    "neg_code",
    "presidio_synth_v2",
    "pupa",
    "synth_structured",
    "uner_ewt",
    "wikigold",
    "wnut17",
)
PII_SIDECAR = Path(sys.executable).with_name("pii-sidecar")


def main() -> int:
    scorer = SHARED / "tools" / "score.py"
    found = sorted(SHARED.glob("data/*.jsonl")) if scorer.exists() else []
    missing = [name for name in SETS if name not in {path.stem for path in found}]
    if missing:
        print(f"skipped {len(missing)} of {len(SETS)} sets, not found in {SHARED}: {' '.join(missing)}")
    if not found:
        return 0
    command = f"{shlex.quote(str(PII_SIDECAR))} scan --jsonl"
    arguments = ["--summary", "--cmd", command, "--data", *map(str, found)]
    return subprocess.run([sys.executable, str(scorer), *arguments], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
