"""Time per character on input that nobody means, stage by stage.

    python -m benchmarks.bad_input [--size 300000] [--ner-size 100000] [--stage NAME] [--case PART]
        [--patterns FILE] [--slow] [--all]

A stage is linear if its time per character does not grow with the size: each case runs at a tenth of the
size too, and ``growth`` is the quotient. ``worst / median`` is over all cases of a stage. ``--slow`` also
names, for each case over five times the median, the patterns or functions that take most of the time.
"""

import argparse
import cProfile
import pstats
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sidecar.detection.linear import TextView
from sidecar.detection.overlap import resolve
from sidecar.detection.pattern_file import load_patterns
from sidecar.detection.patterns import PatternDetector
from sidecar.detection.pieces import pieces
from sidecar.detection.pipeline import load_detection
from sidecar.detection.view.normalized import normalized
from sidecar.model import Origin, Passage, Span

UNITS = {
    "prose": "Please ask Ann Lee whether the report for Boston is ready, or call 202-555-0143 before noon. ",
    "code": "def total(items: list[int]) -> int:\n    return sum(items[0:10]) % 97\n",
    "json": '{"name": "Ann Lee", "email": "ann@example.com", "n": [1, 2, 3]}, ',
    "russian": "\u041d\u0430\u043f\u0438\u0448\u0438 \u0418\u0432\u0430\u043d\u0443. ",
    "chinese": "\u4f60\u597d\uff0c\u738b\u5c0f\u660e\u4eca\u5929\u5728\u5317\u4eac\u3002",
    "one word": "word ",
    "one name": "John ",
    "one line": "abcdefgh",
    "capitals": "ABCD",
    "base64": "QWxhZGRpbjpvcGVuIHNlc2FtZQ",
    "hex": "9f86d081",
    "digits": "7",
    "digits spaced": "7 ",
    "digit groups": "4111 1111 1111 1112 ",
    "dotted digits": "1.",
    "dashed digits": "12-",
    "dates": "1990-07-21 ",
    "phones": "202-555-0143 ",
    "mails": "a@example.com ",
    "hosts": "a.b.",
    "marks": "\u0301",
    "marked letters": "a\u0336\u0301",
    "surrogates": "\ud800",
    "zero width": "\u200b",
    "zero width mixed": "4\u200b",
    "blanks": " ",
    "line ends": "\n",
    "brackets": "([{<",
    "quotes": "\"'`",
    "braces": "{{",
    "separators": ".-_ ,:;/",
    "dashes": "-",
    "colons": "f:",
    "at": "@",
    "a@": "a@",
    "percent": "%",
    "percent escape": "%40",
    "ampersand": "&",
    "reference": "&amp;",
    "backslash": "\\",
    "backslash escape": "\\n",
    "equals": "key=",
    "query": "a=b&",
    "url": "https://a:b@",
    "slashes": "/a",
    "spelled at": " at ",
    "spelled address": "a at b dot com ",
    "spelled digit": "five ",
    "fullwidth": "\uff11\uff20",
    "look-alikes": "a\u0430",
    "emoji": "\U0001f468\u200d\U0001f469",
    "context words": "card ssn phone born iban ",
    "key words": "password = ",
    "pem": "-----BEGIN PRIVATE KEY-----\n",
}
FIVE = 5


class Unlimited:
    def check(self) -> None: ...

    def remaining(self) -> float:
        return 1e9


@dataclass(frozen=True)
class Stage:
    """``start`` loads what the stage needs and returns what it does with one text."""

    name: str
    start: Callable[[Path | None], Callable[[str], object]]
    uses_model: bool = False
    only: str = ""  # the one case it needs


def of_patterns(
    run: Callable[[PatternDetector, str], object],
) -> Callable[[Path | None], Callable[[str], object]]:
    def start(file: Path | None) -> Callable[[str], object]:
        detector = PatternDetector(load_patterns(file).patterns.patterns)
        return lambda text: run(detector, text)

    return start


def of_requests(*, ner: bool) -> Callable[[Path | None], Callable[[str], object]]:
    def start(file: Path | None) -> Callable[[str], object]:
        detection = load_detection(file, ner=ner)
        return lambda text: detection.detect_request([Passage(text)], Unlimited())

    return start


STAGES = (
    Stage("normalized", lambda _: normalized),
    Stage("way back", lambda _: way_back),
    Stage("pieces", lambda _: lambda text: list(pieces(text))),
    Stage("overlap", lambda _: overlapping, only="one word"),
    Stage("overlap, nested", lambda _: nested, only="one word"),
    Stage("prefilter", of_patterns(lambda detector, text: detector.likely(TextView(text)))),
    Stage("patterns", of_patterns(lambda detector, text: detector.find(Passage(text)))),
    Stage("request, no NER", of_requests(ner=False)),
    Stage("request, NER", of_requests(ner=True), uses_model=True),
)


def way_back(text: str) -> None:
    view = normalized(text)
    for place in range(0, len(view.text), 8):
        view.original_stretch(place, min(place + 8, len(view.text)))


def overlapping(text: str) -> None:
    """Resolve spans that overlap their neighbors."""
    resolve(text, (_span(text, at, 12) for at in range(0, len(text), 9)))


def nested(text: str) -> None:
    """Resolve short spans and, over each, a long one."""
    short = [_span(text, at, 4, score=0.9) for at in range(0, len(text), 5)]
    resolve(text, [*short, *(_span(text, at, 1000) for at in range(0, len(text), 5))])


def _span(text: str, at: int, size: int, *, score: float = 0.5) -> Span:
    return Span(at, min(at + size, len(text)), "A" if at % 2 else "B", score, Origin.PATTERN)


def seconds(run: Callable[[str], object], text: str) -> float:
    """Return the least of up to five runs, as long as all of them together take no second."""
    spent: list[float] = []
    while len(spent) < 5 and sum(spent) < 1:
        began = time.perf_counter()
        run(text)
        spent.append(time.perf_counter() - began)
    return min(spent)


def slowest(file: Path | None, text: str) -> str:
    """Return the patterns that take most of the time, with microseconds per character."""
    detector, view = PatternDetector(load_patterns(file).patterns.patterns), TextView(text)
    spent: dict[str, float] = {}
    for index in detector.likely(view):
        began = time.perf_counter()
        detector.patterns[index].find(view, "", lambda: None)
        spent[detector.patterns[index].name] = time.perf_counter() - began
    worst = sorted(spent, key=lambda name: -spent[name])[:4]
    return ", ".join(f"{name} {spent[name] / len(text) * 1e6:.2f}" for name in worst)


def hot(run: Callable[[str], object], text: str) -> str:
    """Return the functions that take most of the time, with their share."""
    profile = cProfile.Profile()
    profile.runcall(run, text)
    own = {
        f"{Path(file).stem}:{line} {name}": row[2]
        for (file, line, name), row in pstats.Stats(profile).stats.items()  # type: ignore[attr-defined]
    }
    worst = sorted(own, key=lambda place: -own[place])[:4]
    return ", ".join(f"{place} {own[place] / sum(own.values()):.0%}" for place in worst)


def measure(stage: Stage, cases: dict[str, str], options: argparse.Namespace) -> bool:
    """Print a stage's table; tell whether a whole request's worst case is within five times the median."""
    run = stage.start(options.patterns)
    micros: dict[str, float] = {}
    growth: dict[str, float] = {}
    for name, text in cases.items():
        tenth = text[: len(text) // 10]
        small = seconds(run, tenth) / len(tenth)
        micros[name] = seconds(run, text) / len(text) * 1e6
        growth[name] = micros[name] / 1e6 / small
    median = statistics.median(micros.values())
    worst = max(micros, key=lambda name: micros[name])
    print(
        f"\n{stage.name}: median {median:.3f} us/char, worst / median {micros[worst] / median:.1f} ({worst})"
    )
    for name in sorted(micros, key=lambda name: -micros[name]):
        times = micros[name] / median
        if times > FIVE or growth[name] > FIVE or name in {"prose", worst} or options.all:
            print(f"  {name:18}{micros[name]:9.3f} us/char {times:7.1f} x median {growth[name]:6.1f} growth")
            if options.slow and (times > FIVE or growth[name] > FIVE):
                tenth = cases[name][: len(cases[name]) // 10]
                print(
                    f"    {slowest(options.patterns, tenth) if stage.name == 'patterns' else hot(run, tenth)}"
                )
    return not stage.name.startswith("request") or micros[worst] <= FIVE * median


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bad_input")
    parser.add_argument("--size", type=int, default=300_000, help="code points of a case")
    parser.add_argument("--ner-size", type=int, default=100_000, help="the same, where the model runs")
    parser.add_argument("--stage", default="", help="only stages whose name holds this")
    parser.add_argument("--case", default="", help="only cases whose name holds this")
    parser.add_argument("--patterns", type=Path, help="another patterns file")
    parser.add_argument("--slow", action="store_true", help="name what takes the time of slow cases")
    parser.add_argument("--all", action="store_true", help="print all cases, not only slow and growing ones")
    options = parser.parse_args()
    passed = True
    for stage in STAGES:
        if options.stage in stage.name:
            size = options.ner_size if stage.uses_model else options.size
            units = {
                name: unit
                for name, unit in UNITS.items()
                if options.case in name and stage.only in (name, "")
            }
            cases = {name: (unit * size)[:size] for name, unit in units.items()}
            passed &= not cases or measure(stage, cases, options)
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
