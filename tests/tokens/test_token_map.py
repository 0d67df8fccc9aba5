from __future__ import annotations

import json
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.model import Escaping, Original
from sidecar.tokens.token_map import TokenMap

TYPES = ("PERSON", "EMAIL", "CREDIT_CARD", "A", "A_1", "A_1_2")


def token_map(*types: str) -> TokenMap:
    return TokenMap(types or TYPES)


def numbers(tokens: TokenMap, entity_type: str, count: int) -> list[str]:
    return [tokens.tokenize(Original(f"original {n} of {entity_type}"), entity_type) for n in range(count)]


def test_numbers_count_from_one_per_entity_type_in_the_order_of_the_calls() -> None:
    tokens = token_map()
    given_out = [
        tokens.tokenize(Original(text), entity_type)
        for text, entity_type in [("Ada", "PERSON"), ("ada@example.org", "EMAIL"), ("Grace", "PERSON")]
    ]
    assert given_out == ["{{PERSON_1}}", "{{EMAIL_1}}", "{{PERSON_2}}"]


def test_the_same_original_has_the_same_token_whatever_type_comes_later() -> None:
    tokens = token_map()
    first = tokens.tokenize(Original("Ada"), "PERSON")
    assert [tokens.tokenize(Original("Ada"), name) for name in ("PERSON", "EMAIL")] == [first, first]
    assert len(tokens) == 1


def test_a_number_and_a_string_spelled_alike_are_different_originals() -> None:
    tokens = token_map()
    text = tokens.tokenize(Original("4111111111111111"), "CREDIT_CARD")
    number = tokens.tokenize(Original("4111111111111111", is_number=True), "CREDIT_CARD")
    assert (text, number) == ("{{CREDIT_CARD_1}}", "{{CREDIT_CARD_2}}")
    source = f'["{text}", "{number}"]'
    assert tokens.restore(source, Escaping.JSON) == '["4111111111111111", 4111111111111111]'


@pytest.mark.parametrize("first", ["CASE", "case"])
def test_originals_differ_by_letter_case(first: str) -> None:
    tokens = token_map()
    assert tokens.tokenize(Original(first), "PERSON") != tokens.tokenize(Original(first.swapcase()), "PERSON")


def test_an_empty_map_is_false_and_a_used_one_tells_counts_and_contents() -> None:
    tokens = token_map()
    assert not tokens
    assert dict(tokens.counts) == {}
    numbers(tokens, "PERSON", 2)
    numbers(tokens, "EMAIL", 1)
    assert tokens
    assert dict(tokens.counts) == {"PERSON": 2, "EMAIL": 1}
    assert [(original.text, entity_type) for original, entity_type in tokens] == [
        ("original 0 of PERSON", "PERSON"),
        ("original 1 of PERSON", "PERSON"),
        ("original 0 of EMAIL", "EMAIL"),
    ]


def test_reserved_numbers_do_not_count_as_given_out() -> None:
    tokens = token_map()
    tokens.reserve("{{PERSON_1}}")
    numbers(tokens, "PERSON", 1)
    assert dict(tokens.counts) == {"PERSON": 1}


def test_an_empty_map_restores_nothing_and_holds_nothing() -> None:
    restorer = token_map().restorer(Escaping.JSON)
    assert [restorer.feed('{"a": "{{PERSON_1'), restorer.flush()] == ['{"a": "{{PERSON_1', ""]


@pytest.mark.parametrize("entity_type", ["", "person", "1A", "_A", "A-B", "A B", "É", "A}"])
def test_a_type_that_no_token_can_spell_is_refused(entity_type: str) -> None:
    with pytest.raises(ValueError, match="upper-case"):
        TokenMap([entity_type])


def test_a_type_that_the_map_was_not_made_for_is_refused() -> None:
    with pytest.raises(ValueError, match="none of those"):
        token_map("PERSON").tokenize(Original("x"), "EMAIL")


LOOK_ALIKES = [
    pytest.param("{{PERSON_2}}", {2}, id="as-given-out"),
    pytest.param("x{{PERSON_2}}{{PERSON_1}}y", {1, 2}, id="adjacent"),
    pytest.param("{person 2}", {2}, id="one-brace-lower-case-space"),
    pytest.param("{{PERSON_0002}}", {2}, id="padded"),
    pytest.param("&#0123;&lcub; **Person\\_2** &rbrace;", {2}, id="html"),
    pytest.param("\\u007bPERSON\\\\_2\\u007D", {2}, id="json-source"),
    pytest.param("\\{\\{PERSON-2\\}\\}", {2}, id="markdown-escaped-braces"),
    pytest.param("{{{{PERSON_2}}}}", {2}, id="more-braces"),
    pytest.param("{{PERSON_2", set(), id="never-closed"),
    pytest.param("PERSON_2", set(), id="without-braces"),
    pytest.param("{{EMAIL_2}}", set(), id="another-type"),
    pytest.param("{{PERSONA_2}}", set(), id="unknown-type"),
    pytest.param("{{PERSON_0}}", set(), id="no-number-is-zero"),
    pytest.param("{{PERSON_99999999999999999999}}", set(), id="never-given-out"),
    pytest.param("{{PERSON__2}}", set(), id="two-underscores"),
]


@pytest.mark.parametrize(("text", "reserved"), LOOK_ALIKES)
def test_a_look_alike_in_any_spelling_reserves_its_number(text: str, reserved: set[int]) -> None:
    tokens = token_map()
    tokens.reserve(text)
    expected = [f"{{{{PERSON_{n}}}}}" for n in range(1, 6) if n not in reserved][:3]
    assert numbers(tokens, "PERSON", 3) == expected


@pytest.mark.parametrize(("text", "reserved"), LOOK_ALIKES)
@pytest.mark.parametrize("escaping", Escaping)
def test_a_reserved_look_alike_comes_back_as_typed(text: str, reserved: set[int], escaping: Escaping) -> None:
    del reserved
    tokens = token_map("PERSON")
    tokens.reserve(text)
    numbers(tokens, "PERSON", 4)
    assert tokens.restore(text, escaping) == text


def test_types_that_start_alike_do_not_take_each_others_numbers() -> None:
    tokens = token_map()
    tokens.reserve("{{A_1_1}} {{A_1_2_2}}")
    assert numbers(tokens, "A", 2) == ["{{A_1}}", "{{A_2}}"]
    assert numbers(tokens, "A_1", 2) == ["{{A_1_2}}", "{{A_1_3}}"]
    assert numbers(tokens, "A_1_2", 2) == ["{{A_1_2_1}}", "{{A_1_2_3}}"]


def test_reserving_what_was_given_out_is_an_error() -> None:
    tokens = token_map()
    tokens.reserve("{{PERSON_1}}")
    numbers(tokens, "PERSON", 1)
    tokens.reserve("{{PERSON_1}} {{PERSON_3}}")
    with pytest.raises(ValueError, match="given out") as error:
        tokens.reserve("mine: {{PERSON_2}}")
    assert "mine" not in str(error.value)


def test_an_entity_type_may_be_long() -> None:
    name = "LONG_" * 60 + "TYPE"
    tokens = token_map(name)
    token = tokens.tokenize(Original("Ada"), name)
    assert tokens.restore(f"{token} {token.lower()}", Escaping.TEXT) == "Ada Ada"


# --- JSON spellings ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("original", "source"),
    [
        ('say "hi"', '"say \\"hi\\""'),
        ("C:\\new", '"C:\\\\new"'),
        ("two\nlines\t\x00", '"two\\nlines\\t\\u0000"'),
        ("José 🎉", '"José 🎉"'),
        ("half \ud83d", '"half \\ud83d"'),
        ("a/b\x7f\u2028", '"a/b\x7f\u2028"'),
    ],
)
def test_an_original_is_escaped_no_more_than_json_asks_for(original: str, source: str) -> None:
    tokens = token_map()
    token = tokens.tokenize(Original(original), "PERSON")
    restored = tokens.restore(f'"{token}"', Escaping.JSON)
    assert restored == source
    assert json.loads(restored) == original


def test_the_clients_own_json_spelling_is_kept_and_the_first_one_wins() -> None:
    tokens = token_map()
    token = tokens.tokenize(Original("José"), "PERSON")
    tokens.tokenize(Original("José"), "PERSON", json_source="Jos\\u00e9")
    tokens.tokenize(Original("José"), "PERSON", json_source="Jos\\u00E9")
    assert tokens.restore(f'{{"a": "{token}"}}', Escaping.JSON) == '{"a": "Jos\\u00e9"}'
    assert tokens.restore(f'{{"a": "{token}"}}', Escaping.TEXT) == '{"a": "Jos\\u00e9"}'
    assert tokens.restore(f"Dear {token}", Escaping.TEXT) == "Dear José"
    assert tokens.restore(f'"{token}"', Escaping.RAW) == '"José"'


def test_a_restorer_made_later_knows_the_later_tokens() -> None:
    tokens = token_map()
    numbers(tokens, "PERSON", 1)
    assert tokens.restore("{{PERSON_2}}", Escaping.TEXT) == "{{PERSON_2}}"
    numbers(tokens, "PERSON", 2)
    assert tokens.restore("{{PERSON_2}}", Escaping.TEXT) == "original 1 of PERSON"


# --- laws ----------------------------------------------------------------------------------------

NOISE = [
    "{",
    "}",
    "{{",
    "}}",
    " ",
    "_",
    "*",
    "\\",
    "\\u007b",
    "&#123;",
    "&#x7d;",
    "&lcub;",
    "PERSON",
    "1",
    "A_",
    "\n",
]
SPELLINGS = ["{{PERSON_1}}", "{person 2}", "{{ a-1 }}", "{{A_1_1}}", "\\{\\{A\\_2\\}\\}", "&lcub;A_3&rcub;"]
ordinary = st.lists(st.sampled_from([*NOISE, *SPELLINGS, '"', "é", "text "]), max_size=8).map("".join)
secret = st.text(min_size=1, max_size=4) | st.sampled_from(
    ["{{PERSON_1}}", "Ada", '"', "\\", "}}", "{{A_", "\ud800"]
)
pieces = st.lists(st.tuples(ordinary, secret, st.sampled_from(TYPES)), max_size=5)


def tokenized(tokens: TokenMap, parts: Sequence[tuple[str, str, str]]) -> str:
    for text, _, _ in parts:
        tokens.reserve(text)
    return "".join(text + tokens.tokenize(Original(secret), name) for text, secret, name in parts)


@given(pieces)
def test_raw_text_makes_the_round_trip(parts: list[tuple[str, str, str]]) -> None:
    tokens = token_map()
    sent = tokenized(tokens, parts)
    assert tokens.restore(sent, Escaping.RAW) == "".join(text + secret for text, secret, _ in parts)


@given(pieces)
def test_prose_makes_the_round_trip(parts: list[tuple[str, str, str]]) -> None:
    tokens = token_map()
    sent = "So: " + tokenized(tokens, parts)
    assert tokens.restore(sent, Escaping.TEXT) == "So: " + "".join(text + secret for text, secret, _ in parts)


@given(pieces, st.sampled_from([Escaping.JSON, Escaping.TEXT]))
def test_json_source_makes_the_round_trip(parts: list[tuple[str, str, str]], escaping: Escaping) -> None:
    tokens = token_map()
    sent = json.dumps({"key": [tokenized(tokens, parts)]}, ensure_ascii=False)
    restored = json.loads(tokens.restore(sent, escaping))
    assert restored == {"key": ["".join(text + secret for text, secret, _ in parts)]}


@given(ordinary, st.sampled_from(Escaping))
def test_look_alikes_are_never_given_out_and_come_back_as_typed(text: str, escaping: Escaping) -> None:
    tokens = token_map()
    tokens.reserve(text)
    for entity_type in TYPES:
        for token in numbers(tokens, entity_type, 4):
            assert token not in text
    assert tokens.restore(text, escaping) == text
    source = json.dumps([text])
    assert tokens.restore(source, escaping) == source


@given(st.lists(st.tuples(st.text(max_size=3), st.booleans(), st.sampled_from(TYPES)), max_size=20))
def test_originals_and_tokens_are_one_to_one(calls: list[tuple[str, bool, str]]) -> None:
    tokens = token_map()
    given_out: dict[Original, str] = {}
    for text, is_number, entity_type in calls:
        original = Original(text, is_number)
        token = tokens.tokenize(original, entity_type)
        assert given_out.setdefault(original, token) == token
    assert len(set(given_out.values())) == len(given_out) == len(tokens)
    for original, token in given_out.items():
        assert tokens.restore(token, Escaping.RAW) == original.text


def test_a_cover_is_one_token_for_each_text_free_of_all_others_and_never_restored() -> None:
    tokens = TokenMap({"EMAIL"})
    tokens.reserve("{{EMAIL_2}}")
    own = tokens.tokenize(Original("a@example.org"), "EMAIL")
    cover = tokens.cover("b@example.org", "EMAIL")
    assert (own, cover) == ("{{EMAIL_1}}", "{{EMAIL_3}}")
    assert tokens.cover("b@example.org", "EMAIL") == cover
    assert tokens.cover("c@example.org", "EMAIL") == "{{EMAIL_4}}"
    assert tokens.restore(f"{own} {cover}", Escaping.TEXT) == f"a@example.org {cover}"
    assert tokens.counts == {"EMAIL": 1}
    with pytest.raises(ValueError, match="entity type"):
        tokens.cover("x", "SSN")


# --- maps that outlive their exchange --------------------------------------------------------------


def test_a_loaded_map_gives_the_same_tokens_and_goes_on_behind_them() -> None:
    earlier = TokenMap(["EMAIL", "CARD"])
    earlier.reserve("{{EMAIL_2}} {{EMAIL_90}}")
    assert (
        earlier.tokenize(Original("a\ud800é@example.org"), "EMAIL", "a\\ud800\\u00e9@example.org")
        == "{{EMAIL_1}}"
    )
    earlier.tokenize(Original("4111", is_number=True), "CARD")

    later = TokenMap(["EMAIL", "CARD"])
    later.load(earlier.dump())
    later.reserve("{{EMAIL_1}} {{CARD_2}}")

    assert len(later) == 2
    assert later.counts == {}
    assert later.tokenize(Original("b@example.org"), "EMAIL") == "{{EMAIL_3}}"
    assert later.tokenize(Original("a\ud800é@example.org"), "EMAIL") == "{{EMAIL_1}}"
    assert later.counts == {"EMAIL": 2}
    assert later.tokenize(Original("4112", is_number=True), "CARD") == "{{CARD_3}}"
    assert (
        later.restore('"{{CARD_1}}" "to {{EMAIL_1}}"', Escaping.JSON)
        == '4111 "to a\\ud800\\u00e9@example.org"'
    )
    assert later.restore("{{EMAIL_2}} {{EMAIL_90}}", Escaping.TEXT) == "{{EMAIL_2}} {{EMAIL_90}}"


def test_a_loaded_token_of_a_type_that_is_gone_is_still_restored() -> None:
    earlier = TokenMap(["EMPLOYEE_NUMBER"])
    earlier.tokenize(Original("E-1"), "EMPLOYEE_NUMBER")
    later = TokenMap(["SSN"])
    later.load(earlier.dump())
    assert later.restore("{{EMPLOYEE_NUMBER_1}}", Escaping.TEXT) == "E-1"


def dumped(*originals: str, reserved: str = "") -> bytes:
    token_map = TokenMap(["EMAIL"])
    token_map.reserve(reserved)
    for original in originals:
        token_map.tokenize(Original(original), "EMAIL")
    return token_map.dump()


def test_maps_that_share_their_beginning_are_loaded_together() -> None:
    both = TokenMap(["EMAIL"])
    both.load(dumped("a", "b", "c"))
    both.load(dumped("a", "b"))
    assert both.tokenize(Original("d"), "EMAIL") == "{{EMAIL_4}}"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(dumped("a"), dumped("b"), id="one-token-for-two-originals"),
        pytest.param(dumped("a", "b"), dumped("b"), id="two-tokens-for-one"),
        pytest.param(dumped("a"), dumped(reserved="{{email_1}}"), id="token-that-was-typed-elsewhere"),
        pytest.param(dumped("a"), b"{", id="no-json"),
        pytest.param(dumped("a"), b"[]", id="no-dump"),
        pytest.param(dumped("a"), b'{"reserved": [], "names": [[]]}', id="half-a-dump"),
    ],
)
def test_maps_that_disagree_are_not_loaded_together(one: bytes, other: bytes) -> None:
    token_map = TokenMap(["EMAIL"])
    token_map.load(one)
    with pytest.raises(ValueError):  # noqa: PT011 - its text is not for anybody
        token_map.load(other)


@given(st.lists(st.sampled_from("abcdef"), max_size=12), st.integers(0, 12), st.sets(st.integers(1, 9)))
def test_a_map_that_was_put_away_and_loaded_goes_on_as_if_it_had_not_been(
    originals: list[str], at: int, typed: set[int]
) -> None:
    text = " ".join(f"{{{{EMAIL_{number}}}}}" for number in typed)
    whole, early, late = TokenMap(["EMAIL"]), TokenMap(["EMAIL"]), TokenMap(["EMAIL"])
    for token_map in (whole, early):
        token_map.reserve(text)
    expected = [whole.tokenize(Original(original), "EMAIL") for original in originals]
    before = [early.tokenize(Original(original), "EMAIL") for original in originals[:at]]
    late.load(early.dump())
    after = [late.tokenize(Original(original), "EMAIL") for original in originals[at:]]
    assert before + after == expected
    assert late.dump() == whole.dump()


SPELLINGS = st.sampled_from(
    ["Ada Byron", "ADA BYRON", "Ada", "Byron", "Ada Lovelace", "ada@example.org", "1"]
)
CALLS = st.lists(st.tuples(SPELLINGS, st.booleans(), st.sampled_from(TYPES)), max_size=12)


@given(CALLS, st.integers(0, 6))
def test_a_map_to_which_tokens_are_given_once_more_goes_on_as_if_it_had_made_them(
    calls: list[tuple[str, bool, str]], first: int
) -> None:
    one, other = token_map(), token_map()
    for text, is_number, entity_type in calls[:first]:
        original = Original(text, is_number)
        is_new = original not in one
        token = one.tokenize(original, entity_type)
        if is_new:
            assert other.give(original, one.name_of(original), None) == token
    for text, is_number, entity_type in calls[first:]:
        original = Original(text, is_number)
        assert other.tokenize(original, entity_type) == one.tokenize(original, entity_type)
    assert other.dump() == one.dump()
    assert other.counts == one.counts


def test_a_token_cannot_be_given_to_two_or_in_the_place_of_a_look_alike() -> None:
    tokens = token_map()
    assert tokens.is_fresh
    tokens.give(Original("Ada"), ("PERSON", "1"), "Ad\\u0061")
    assert tokens.reserve("{{EMAIL_1}}")
    assert not tokens.reserve("{{UNKNOWN_1}}")
    assert not tokens.is_fresh
    for original, name in (
        (Original("Ada"), ("PERSON", "2")),
        (Original("Bob"), ("PERSON", "1")),
        (Original("ada@example.org"), ("EMAIL", "1")),
    ):
        with pytest.raises(ValueError, match="once"):
            tokens.give(original, name, None)
    assert tokens.restore('"{{PERSON_1}}"', Escaping.JSON) == '"Ad\\u0061"'
