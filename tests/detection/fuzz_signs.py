"""Runs the native prefilter on random patterns, signs and texts, until time is up.

What must hold: no sanitizer has anything to say; no pattern that matches is left out, wherever texts are cut;
the groups found are those of which a sign stands; broken numbers are errors.
``make fuzz`` and ``make sanitize`` run it on a build of its own.
"""

# ruff: noqa: T201 - a script talks to its user

from __future__ import annotations

import argparse
import random
import re
import sys
import threading
import time
from array import array
from pathlib import Path

from sidecar.detection import prefilter
from sidecar.detection.linear import LinearPattern, TextView
from sidecar.detection.native import Kernel
from sidecar.detection.pattern_file import load_patterns
from sidecar.detection.prefilter import Prefilter, Wanted
from sidecar.detection.sign_choice import Sign
from sidecar.detection.symbols import ANY, EDGE
from sidecar.detection.syntax import Unsupported
from tests.detection import fuzz_native_ner
from tests.detection.test_signs import stands

ATOMS = (
    *("a", "b", "k", "s", "i", "K", "1", "-", " ", "[ab]", "[^a]", r"\d", r"\w", r"\s", r"\W", ".", "\u00e9"),
    *(
        "[a-\u00e9]",
        "\u212a",
        "\u017f",
        "[\ud7ff\ue000]",
        "\U0001f600",
        "[\u0130\u0131]",
        "(?i:k)",
        "(?i:sis)",
        "x1y2z3",
    ),
)
ZEROS = (
    *(
        "",
        "",
        "",
        r"\b",
        r"\B",
        "^",
        "$",
        "(?m:^)",
        "(?m:$)",
        r"\A",
        r"\Z",
        r"(?<!\d)",
        "(?<=a)",
        "(?<![ab-])",
    ),
    *(
        "(?!11)",
        "(?=b)",
        r"(?!\w)",
        "(?=a|1)",
        "(?=a|$)",
        "(?<=^|k)",
        "(?!\u00e9)",
        "(?<!\u212a)",
        "(?!\ue000)",
    ),
)
COUNTS = ("?", "{1,3}", "{2}", "{0,2}", "??", "{1,3}?", "{17}", "+", "*", "{5,}")
# Without the Kelvin sign and the long s, which the view that detectors read folds: among alternatives, RE2
# takes them for k and s, ``re`` never.
CHARACTERS = "aabbkKsiI\u0130\u013111- _\n\u00e9\U0001f600\ud7ff\ue000\ud800xyz23"
LONG = b"\xff" * 5000  # no text has such bytes; beside so many, the GIL is let go
ROUNDS_OF_ALL = 20  # between two texts on which all shipped patterns run


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kernel", type=Path, help="the extension module to run")
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    kernel = fuzz_native_ner.load(options.kernel)
    print(f"signs: seed {options.seed}", flush=True)
    rng = random.Random(options.seed)
    shipped = [pattern.sought for pattern in load_patterns(None).patterns.patterns]
    of_all = Prefilter([Wanted(lambda: "", each.signs()) for each in shipped], kernel)
    end, rounds, matches = time.monotonic() + options.seconds, 0, 0
    while time.monotonic() < end:
        matches += run_patterns(kernel, rng)
        run_signs(kernel, rng)
        run_damaged(kernel, rng)
        if rounds % ROUNDS_OF_ALL == 0:
            run_shipped(of_all, shipped, rng)
        rounds += 1
    print(f"{rounds} rounds, {matches} patterns that match a text")
    return 0 if matches else 1


def run_patterns(kernel: Kernel, rng: random.Random) -> int:
    """Look for random patterns in random texts; return how often one matched."""
    patterns = [each for each in (linear(pattern(rng)) for _ in range(6)) if each and each.signs()]
    told = Prefilter([Wanted(_never, each.signs()) for each in patterns], kernel)
    matches = 0
    for _ in range(10):
        view = TextView(text(rng))
        prefilter._STRETCH = rng.choice([16, 17, 40, 1 << 20])  # as if the text were long
        likely = told.matching(view.data)
        for number, each in enumerate(patterns):
            if each.scan(view).next():
                assert number in likely, (each.regex, view.text)
                matches += 1
    return matches


def run_signs(kernel: Kernel, rng: random.Random) -> None:
    """Compare with signs that are looked for place by place; two threads share them."""
    groups = [[sign(rng) for _ in range(rng.randrange(1, 5))] for _ in range(rng.randrange(1, 20))]
    parts = prefilter._packed(groups)
    assert parts
    signs = kernel.signs_pack(*parts)
    texts = [TextView(text(rng)).text for _ in range(4)]
    expected = [
        [number for number, each in enumerate(groups) if any(stands(sign, text) for sign in each)]
        for text in texts
    ]

    def look() -> None:
        for each, found in zip(texts, expected, strict=True):
            data = each.encode()
            assert kernel.signs_find(signs, data) == found, (groups, each)
            within = {number for number in found if any(stands(inner(one), each) for one in groups[number])}
            without_gil = kernel.signs_find(signs, LONG + data + LONG)
            assert within <= {*without_gil}, (groups, each)

    thread = threading.Thread(target=look)
    thread.start()
    look()
    thread.join()


def run_damaged(kernel: Kernel, rng: random.Random) -> None:
    """Change numbers of what is packed: it is refused, or groups that there are are found."""
    groups = [[sign(rng) for _ in range(3)] for _ in range(4)]
    parts = prefilter._packed(groups)
    assert parts
    sets, elements, lengths, owners, count = parts
    elements, owners = array("H", elements), array("H", owners)
    for numbers in rng.sample([elements, owners], 1):
        numbers[rng.randrange(len(numbers))] = rng.choice([0, 1, 3, len(lengths), 255, 65535])
    damaged = bytearray(lengths)
    damaged[rng.randrange(len(damaged))] = rng.choice([0, 1, damaged[0], 16, 17, 255])
    lengths = bytes(damaged) if rng.random() < 0.5 else lengths
    sets = sets[: rng.choice([len(sets), len(sets), len(sets) - 1, 33, 0])]
    try:
        signs = kernel.signs_pack(sets, elements, lengths, owners, count)
    except ValueError:
        return
    found = kernel.signs_find(signs, TextView(text(rng)).data)
    assert found == sorted({*found})
    assert all(0 <= group < count for group in found)


def run_shipped(of_all: Prefilter, shipped: list[LinearPattern], rng: random.Random) -> None:
    """Run all shipped patterns on a text: what matches was told."""
    words = [
        *CHARACTERS,
        "4111 1111 1111 1111",
        "ada@example.org",
        "192.0.2.7",
        "078-05-1120",
        "IBAN: DE89",
        "ssn ",
        "pin:",
    ]
    view = TextView("".join(rng.choices(words, k=rng.randrange(60))))
    likely = of_all.matching(view.data)
    for number, each in enumerate(shipped):
        assert number in likely or each.scan(view).next() is None, (each.regex, view.text)


def pattern(rng: random.Random) -> str:
    return "".join(rng.choice(ZEROS) + body(rng, 3) for _ in range(rng.randrange(1, 4))) + rng.choice(ZEROS)


def body(rng: random.Random, depth: int) -> str:
    match rng.randrange(4 if depth else 1):
        case 1:
            return "".join(body(rng, depth - 1) for _ in range(rng.randrange(1, 5)))
        case 2:
            return "(?:" + "|".join(body(rng, depth - 1) for _ in range(rng.randrange(2, 4))) + ")"
        case 3:
            return f"(?:{body(rng, depth - 1)}{rng.choice(ZEROS)}){rng.choice(COUNTS)}"
        case _:
            return rng.choice(ATOMS)


def linear(regex: str) -> LinearPattern | None:
    """Return the pattern, if it can run."""
    try:
        return LinearPattern(regex, (0, re.IGNORECASE, re.MULTILINE, re.DOTALL)[len(regex) % 4])
    except Unsupported:
        return None


def text(rng: random.Random) -> str:
    return "".join(rng.choices(CHARACTERS, k=rng.choice([0, 1, 2, 8, 40, 80])))


def inner(one: Sign) -> Sign:
    """Return the sign as it stands within a text."""
    return tuple(sets & ~EDGE for sets in one)


def sign(rng: random.Random) -> Sign:
    sets = [1 << ord(char) for char in "abk1- "] + [
        1 << ord("k") | 1 << ord("K"),
        EDGE,
        ANY,
        0xFF << 0xC0,
        0x3FF << 48,
    ]
    return tuple(rng.choices(sets, k=rng.randrange(1, 17)))


def _never() -> str:
    raise AssertionError("what has signs needs no automaton")


if __name__ == "__main__":
    sys.exit(main())
