from __future__ import annotations

from sidecar.detection.verdict import Dropped, Verdict, verdicts
from sidecar.model import Origin, Span


def span(start: int, end: int, rule: str = "model", entity_type: str = "PERSON") -> Span:
    return Span(start, end, entity_type, 0.7, Origin.NER, rule)


def said(*found: Verdict) -> list[tuple[str, bool, str]]:
    return [(each.span.rule, each.taken, each.reason) for each in found]


def test_what_is_taken_as_proposed_needs_no_reason() -> None:
    assert said(*verdicts([span(0, 3)], [], [span(0, 3)], [span(0, 3)])) == [("model", True, "")]


def test_what_was_dropped_says_why() -> None:
    assert said(*verdicts([span(0, 3)], [Dropped(span(0, 3), "code")], [], [])) == [("model", False, "code")]


def test_a_weaker_twin_names_the_one_that_was_taken() -> None:
    kept = [span(0, 3, "cue")]
    assert said(*verdicts([span(0, 3, "cue"), span(0, 3, "model")], [], kept, kept)) == [
        ("cue", True, ""),
        ("model", False, "the same as PERSON of cue"),
    ]


def test_a_loser_names_what_covers_it() -> None:
    kept = [span(0, 9, "email", "EMAIL")]
    assert said(*verdicts([span(0, 9, "email", "EMAIL"), span(2, 5)], [], kept, kept))[1] == (
        "model",
        False,
        "covered by EMAIL of email",
    )


def test_what_was_trimmed_or_joined_shows_the_outcome() -> None:
    kept = [span(0, 8)]
    assert said(*verdicts([span(0, 3), span(4, 8)], [], kept, kept)) == [
        ("model", True, "trimmed or joined: [0, 8)"),
        ("model", True, "trimmed or joined: [0, 8)"),
    ]


def test_what_stands_elsewhere_too_is_said_so() -> None:
    final = [span(0, 3), span(9, 12)]
    assert said(*verdicts([span(0, 3)], [], [span(0, 3)], final))[1] == (
        "model",
        True,
        "stands elsewhere in the request too",
    )
