"""Originals in all their spellings: few are found one by one, many by an automaton, with one outcome."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sidecar.detection.sought import Covered, Sought
from sidecar.model import Origin

ORIGINALS = st.sampled_from(
    [
        "Ann Lee",
        "ann lee",
        "Ann",
        "Zo\u00eb Gr\u00fcn",
        "O'Neil",
        "a.a",
        "4111 1111 1111 1111",
        "4111-1111-1111-1111",
        "ada@example.org",
        "\u5c0f\u660e",
        "x" * 200,
        "x" * 201,
    ]
)
KINDS = st.sampled_from([("PERSON", Origin.NER), ("ORG", Origin.NER), ("EMAIL", Origin.PATTERN)])
FOUND = st.lists(st.tuples(ORIGINALS, KINDS, st.sampled_from([0.5, 0.9])), max_size=5)
TEXTS = st.lists(st.one_of(ORIGINALS, st.sampled_from([" ", "a", ".", "\u00cb", "1111"])), max_size=6)


def sought(found: list[tuple[str, tuple[str, Origin], float]], more: int = 0) -> Sought:
    """Return what looks for originals, and for so many others that stand nowhere."""
    out = Sought(lambda: None)
    others = [(f"quillmere{number}@example.net", ("EMAIL", Origin.PATTERN), 1.0) for number in range(more)]
    for number, (original, (entity_type, origin), score) in enumerate([*found, *others]):
        out.add(original, Covered(0, len(original), entity_type, score, origin, "", (number, 0)))
    return out


@given(FOUND, TEXTS.map("".join))
def test_what_stands_in_a_text_does_not_depend_on_how_much_is_sought(
    found: list[tuple[str, tuple[str, Origin], float]], text: str
) -> None:
    def meant(finder: Sought) -> set[tuple[int, int, object]]:
        return {
            (start, end, span)
            for start, end, entry in finder.hits(text)
            if (span := entry.meant_by(text, start, end))
        }

    assert meant(sought(found)) == meant(sought(found, more=40))


def test_only_what_means_something_else_than_before_has_changed() -> None:
    finder = sought([("Ann Lee", ("PERSON", Origin.NER), 0.5)])
    finder.watch()
    assert not finder.add("Ann Lee", Covered(0, 7, "PERSON", 0.5, Origin.NER, "", (1, 0)))
    assert finder.changed()[1] == {}
    assert finder.add("Ann Lee", Covered(0, 7, "PERSON", 0.9, Origin.NER, "", (2, 0)))
    now, was = finder.changed()
    assert list(was) == ["ann lee"]
    ((_, _, entry),) = now.hits("Ann Lee")
    before, after = was["ann lee"].meant_by("Ann Lee", 0, 7), entry.meant_by("Ann Lee", 0, 7)
    assert before is not None
    assert after is not None
    assert (before.score, before.since) == (0.5, (0, 0))
    assert (after.score, after.since) == (0.9, (0, 0))  # it was given away before
