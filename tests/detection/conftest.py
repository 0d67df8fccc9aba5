"""What is expensive to build, once for all tests of detection, and budgets to detect under."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from sidecar.detection.pattern_file import PatternFile, load_patterns
from sidecar.detection.pipeline import Detection, load_detection
from sidecar.errors import RequestRefused


class Allowance:
    """A budget that allows a number of checks, and claims to have ``seconds`` left."""

    def __init__(self, checks: float = float("inf"), seconds: float = 1e6) -> None:
        self.checks, self.seconds = checks, seconds

    def check(self) -> None:
        self.checks -= 1
        if self.checks < 0:
            raise RequestRefused(413, "used up")

    def remaining(self) -> float:
        return self.seconds


@pytest.fixture
def plenty() -> Allowance:
    return Allowance()


@pytest.fixture
def allowance() -> type[Allowance]:
    return Allowance


@pytest.fixture(scope="session")
def shipped() -> PatternFile:
    return load_patterns(None)


@pytest.fixture(scope="session")
def detection() -> Detection:
    return load_detection()


@pytest.fixture(scope="session")
def threaded() -> Iterator[Detection]:
    with ThreadPoolExecutor(1) as pool:
        yield load_detection(submit=pool.submit)
