"""Builds the native NER kernel with the system's C compiler while the package is built or installed.

Nothing fails for the want of a compiler: the program works without the kernel, slower, and says so. One file
``_kernel.abi3.so`` serves every CPython from 3.11 on; all it needs to be built is a C compiler.
"""

from __future__ import annotations

import os
import platform
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SOURCES = "sidecar/detection/native"
KERNEL = "_kernel.abi3.so"
_FLAGS = (
    "-std=c11",
    "-fPIC",
    "-fvisibility=hidden",
    "-fno-math-errno",
    "-ffp-contract=fast",
    "-Wall",
    "-Wextra",
    "-Wno-psabi",
)
_ONCE = (  # the sources that are compiled once
    *("module", "ner_reference", "signs", "signs_module"),
    *("tokenizer", "tokenizer_affixes", "tokenizer_cut", "tokenizer_load", "tokenizer_module"),
)
RELEASE = ("-O3", "-DNDEBUG")
_VECTOR = {  # of each machine: name, floats in a vector, rows in a tile (as the registers allow), flags
    "any": [("portable", 4, 4, ())],
    "aarch64": [("portable", 4, 8, ())],
    "x86_64": [
        ("portable", 4, 4, ()),
        ("avx2", 8, 4, ("-mavx2", "-mfma")),
        ("avx512", 16, 8, ("-mavx512f", "-mavx2", "-mfma")),
    ],
}
_MACHINES = {"AMD64": "x86_64", "arm64": "aarch64"}


class NativeKernel(BuildHookInterface[Any]):
    """Adds the kernel to a wheel; puts it beside its sources for an editable install."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the kernel, or warn that there is none."""
        if self.target_name != "wheel":
            return
        editable = version == "editable"
        root = Path(self.root)
        target = (root / SOURCES if editable else Path(tempfile.mkdtemp(prefix="kernel-"))) / KERNEL
        target.unlink(missing_ok=True)  # never one that its sources have left behind
        if error := build(root / SOURCES, target):
            self.app.display_warning(f"no native NER kernel, the slower one is used: {error}")
            return
        if not editable:
            self._built = target
            build_data["force_include"][str(target)] = f"{SOURCES}/{KERNEL}"
            build_data["pure_python"] = False
            system = sysconfig.get_platform().replace("-", "_").replace(".", "_")
            build_data["tag"] = f"cp311-abi3-{system}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:  # noqa: ARG002 - hatchling's
        """Remove what was built for the wheel; it is in there now."""
        if built := getattr(self, "_built", None):
            shutil.rmtree(built.parent, ignore_errors=True)


def build(sources: Path, target: Path, flags: Sequence[str] = RELEASE) -> str:
    """Compile and link the kernel; return what went wrong, or nothing."""
    compiler = _compiler()
    if not compiler:
        return "there is no C compiler"
    include = f"-I{sysconfig.get_path('include')}"
    machine = _MACHINES.get(platform.machine(), platform.machine())
    vector = _VECTOR.get(machine, _VECTOR["any"])
    try:
        with tempfile.TemporaryDirectory() as scratch:
            both = [compiler, *_FLAGS, *flags]
            objects = [f"{scratch}/{name}.o" for name in _ONCE]
            jobs = [
                [*both, include, "-c", str(sources / f"{name}.c"), "-o", made]
                for name, made in zip(_ONCE, objects, strict=True)
            ]
            for name, lanes, tile, more in vector:
                objects.append(f"{scratch}/{name}.o")
                macros = [f"-DNER_KERNEL={name}", f"-DNER_LANES={lanes}", f"-DNER_TILE={tile}"]
                jobs.append([*both, *more, *macros, "-c", str(sources / "ner_vector.c"), "-o", objects[-1]])
            for job in jobs:
                subprocess.run(job, check=True, capture_output=True, text=True)  # noqa: S603 - our own
            shared = ["-bundle", "-undefined", "dynamic_lookup"] if sys.platform == "darwin" else ["-shared"]
            link = [compiler, *flags, *shared, *objects, "-lm", "-o", str(target)]
            subprocess.run(link, check=True, capture_output=True, text=True)  # noqa: S603 - same
    except OSError as error:
        return f"{compiler}: {error}"
    except subprocess.CalledProcessError as error:
        return error.stderr.strip()[:2000] or f"{compiler} failed"
    return ""


def _compiler() -> str | None:
    named = shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC") or "")[:1]
    return next(filter(None, map(shutil.which, [*named, "cc", "gcc", "clang"])), None)


if __name__ == "__main__":
    sys.exit(build(Path(__file__).parent / SOURCES, Path(sys.argv[1]), sys.argv[2:] or RELEASE) or 0)
