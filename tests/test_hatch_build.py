"""The package's own build of the native kernel; without a compiler everything else is installed."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest
from hatchling.builders.wheel import WheelBuilder

import hatch_build
from tests.detection.fuzz_native_ner import load
from tests.detection.native_models import encoded, random_batch, random_model

ROOT = Path(__file__).parents[1]
KERNEL = "sidecar/detection/native/_kernel.abi3.so"

needs_compiler = pytest.mark.skipif(hatch_build._compiler() is None, reason="there is no C compiler")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A source tree of what the build reads, small."""
    names = ["pyproject.toml", "README.md", "LICENSE", "hatch_build.py", "patterns.json"]
    for name in names:
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(ROOT / "patterns", tmp_path / "patterns")
    native = "sidecar/detection/native"
    shutil.copytree(ROOT / native, tmp_path / native, ignore=shutil.ignore_patterns("__pycache__", "*.so"))
    return tmp_path


def wheel(tree: Path) -> tuple[str, list[str]]:
    """Return the name of the wheel built, and of the files in it."""
    (path,) = WheelBuilder(str(tree)).build(directory=str(tree / "dist"), versions=["standard"])
    with ZipFile(path) as archive:
        return Path(path).name, archive.namelist()


@needs_compiler
def test_a_wheel_holds_the_kernel_and_not_its_sources(tree: Path) -> None:
    (tree / KERNEL).write_bytes(b"left behind by another build")
    name, files = wheel(tree)
    assert "-cp311-abi3-" in name
    assert KERNEL in files
    assert not [file for file in files if file.endswith((".c", ".h"))]


def test_without_a_compiler_the_wheel_is_pure(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tree))
    name, files = wheel(tree)
    assert name.endswith("-py3-none-any.whl")
    assert KERNEL not in files
    assert "sidecar/detection/native/__init__.py" in files


@needs_compiler
def test_sources_that_do_not_compile_leave_the_wheel_pure(tree: Path) -> None:
    (tree / "sidecar/detection/native/ner.h").write_text("#error no\n", encoding="utf-8")
    name, files = wheel(tree)
    assert name.endswith("-py3-none-any.whl")
    assert KERNEL not in files


@needs_compiler
def test_an_editable_install_gets_the_kernel_beside_its_sources(tree: Path) -> None:
    list(WheelBuilder(str(tree)).build(directory=str(tree / "dist"), versions=["editable"]))
    assert (tree / KERNEL).is_file()


@pytest.mark.parametrize(("named", "code"), [("out.so", 0), ("no/such/folder/out.so", 1)])
@needs_compiler
def test_the_script_ends_as_the_build_does(tmp_path: Path, named: str, code: int) -> None:
    command = [sys.executable, ROOT / "hatch_build.py", tmp_path / named, "-O0"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, bool(done.stderr)) == (code, bool(code))


def test_an_editable_install_without_a_compiler_keeps_no_old_kernel(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tree / KERNEL).write_bytes(b"older than its sources")
    monkeypatch.setenv("PATH", str(tree))
    list(WheelBuilder(str(tree)).build(directory=str(tree / "dist"), versions=["editable"]))
    assert not (tree / KERNEL).exists()


@needs_compiler
@pytest.mark.parametrize("flags", [["-O0"], ["-O0", "-DNER_NO_PYTHON_H"]], ids=["Python.h", "no-Python.h"])
def test_the_kernel_is_built_with_and_without_the_headers_of_python(tmp_path: Path, flags: list[str]) -> None:
    target = tmp_path / "_kernel.abi3.so"
    assert hatch_build.build(ROOT / hatch_build.SOURCES, target, flags) == ""
    kernel = load(target)
    assert "reference" in kernel.kernels()
    model = random_model(np.random.default_rng(1))
    features, lengths = random_batch(np.random.default_rng(2), len(model.rows), most=60)
    loaded = model.load(kernel, "reference")
    spans, rows = encoded(kernel, loaded, features, lengths, model.sizes[0])
    assert spans
    assert np.isfinite(rows).all()
    for wrong in ((), (*lengths, 1)):
        with pytest.raises(ValueError, match="features"):
            kernel.run((loaded,), features, wrong)
