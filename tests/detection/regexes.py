"""Random regular expressions, and texts in which many of them match."""

from __future__ import annotations

from hypothesis import strategies as st

ALPHABET = "ab1-_ \n\u00e9\U0001f600"
TEXTS = st.text(st.sampled_from(ALPHABET), max_size=40)


def atoms() -> st.SearchStrategy[str]:
    return st.sampled_from(
        ["a", "b", "1", "-", "[ab]", "[^a]", r"\d", r"\w", r"\s", ".", "\u00e9", "[a-\u00e9]", r"\W"]
    )


def larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    def repeated(pair: tuple[str, str]) -> str:
        return f"(?:{pair[0]}){pair[1]}"

    counts = st.sampled_from(["?", "{1,3}", "{2}", "{0,2}", "??", "{1,3}?"])
    return st.one_of(
        st.lists(inner, min_size=1, max_size=3).map("".join),
        st.lists(inner, min_size=2, max_size=3).map(lambda each: "(?:" + "|".join(each) + ")"),
        st.tuples(atoms(), counts).map(repeated),
        st.tuples(inner.map(lambda body: f"(?:{body})a"), counts).map(repeated),
    )


BODIES = st.recursive(atoms(), larger, max_leaves=6)
LOOKS = st.sampled_from(
    [
        "",
        r"\b",
        r"\B",
        r"(?<!\d)",
        "(?<=a)",
        "(?<![ab-])",
        "(?!11)",
        "(?=b)",
        r"(?!\w)",
        r"\Z",
        r"\A",
        "(?=a|1)",
    ]
)
PATTERNS = st.tuples(LOOKS, BODIES, LOOKS, BODIES, LOOKS).map("".join)
