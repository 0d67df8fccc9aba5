from __future__ import annotations

import itertools
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.model import Escaping, Original
from sidecar.tokens.token_map import TokenMap

TYPES = ("PERSON", "ORG", "LOCATION", "EMAIL", "PHONE", "SSN", "CREDIT_CARD", "IBAN", "IP_ADDRESS", "SECRET")
TYPES += ("GPS_COORDINATES", "CRYPTO_WALLET")


def names(*originals: str, kind: str = "PERSON") -> list[str]:
    """Return the numbers that originals of one type get, in this order: ``1``, ``1_2``, ``2``."""
    tokens = TokenMap(TYPES)
    given_out = [tokens.tokenize(Original(original), kind) for original in originals]
    return [token.removeprefix(f"{{{{{kind}_").removesuffix("}}") for token in given_out]


# --- further spellings ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "first", "second"),
    [
        ("PERSON", "John Smith", "JOHN SMITH"),
        ("PERSON", "John Smith", "john smith"),
        ("PERSON", "John Smith", "John\nSmith"),
        ("PERSON", "Bj\u00f6rn Str\u00f8m", "Bjorn Strom"),
        ("PERSON", "Katarzyna W\u00f3jcik", "KATARZYNA WO\u0301JCIK"),
        ("PERSON", "Wei\u00df", "WEISS"),
        ("PERSON", "Ada", "ADA"),
        ("PERSON", "Sean O'Neil", "Sean O\u2019Neil"),
        ("PERSON", "John Smith", "Smith"),
        ("PERSON", "John Smith", "John"),
        ("PERSON", "John Smith", "SMITH"),
        ("PERSON", "Ana de la Cruz", "de la Cruz"),
        ("PERSON", "Ana de la Cruz", "Cruz"),
        ("PERSON", "Fatima Al-Sayed", "al-sayed"),
        (
            "PERSON",
            "\u041f\u0451\u0442\u0440 \u0426\u043e\u0439",
            "\u041f\u0435\u0442\u0440 \u0426\u043e\u0439",
        ),
        ("PERSON", "\u0623\u062d\u0645\u062f", "\u0627\u064e\u062d\u0652\u0645\u062f"),
        ("ORG", "Smith & Co", "SMITH & CO"),
        ("ORG", "Brightwater Analytics", "Brightwater"),
        ("ORG", "Brightwater Analytics, Inc.", "Brightwater Analytics"),
        ("ORG", "ACME", "Acme"),
        ("LOCATION", "St. Gallen", "St Gallen"),
        ("LOCATION", "Z\u00fcrich", "ZURICH"),
        ("EMAIL", "Ann@Example.org", "ann@example.org"),
        ("SSN", "123-45-6789", "123456789"),
        ("PHONE", "555-0100", "555 0100"),
        ("PHONE", "+1 (555) 555-0100", "1.555.555.0100"),
        ("CREDIT_CARD", "4111 1111 1111 1111", "4111\u20111111\u20111111\u20111111"),
        ("IBAN", "GB33 BUKB 2020 1555 5555 55", "gb33bukb20201555555555"),
    ],
)
def test_another_spelling_of_the_same_is_linked_to_it(kind: str, first: str, second: str) -> None:
    assert names(first, second, kind=kind) == ["1", "1_2"]


@pytest.mark.parametrize(
    ("kind", "first", "second"),
    [
        ("PERSON", "John Smith", "John Brown"),
        ("PERSON", "Mr Smith", "Mrs Smith"),
        ("PERSON", "John Smith Jr.", "John Smith"),
        ("PERSON", "John Paul Smith", "Paul Smith"),
        ("PERSON", "Ann Lee Jones", "Ann Lee"),
        ("PERSON", "John Smith", "Smithson"),
        ("PERSON", "J Smith", "J"),
        ("PERSON", "Ana de la Cruz", "de"),
        ("PERSON", "Dr Smith", "Dr"),
        ("PERSON", "Smith", "John Smith"),
        ("ORG", "First National Bank", "First National"),
        ("ORG", "Brightwater Analytics", "Analytics"),
        ("ORG", "Acme Inc", "Acme Corp"),
        ("LOCATION", "New Springfield", "Springfield"),
        ("EMAIL", "ann@example.org", "ann@example.com"),
        ("IP_ADDRESS", "192.168.11.1", "192.168.1.11"),
        ("SECRET", "sk-ABCDEF0123456789", "sk-abcdef0123456789"),
        ("SSN", "1-2-3", "123"),
        ("PERSON", "!", "?"),
        pytest.param("PERSON", "\u0930\u093e\u092e", "\u0930\u0940\u092e", id="vowels-are-marks"),
        pytest.param("PERSON", "\u305f\u304b\u3060", "\u305f\u304b\u305f", id="kana-with-a-voicing-mark"),
        pytest.param(
            "PERSON",
            "\u0421\u0435\u0440\u0433\u0456\u0439",
            "\u0421\u0435\u0440\u0433\u0456\u0438",
            id="short-i",
        ),
        pytest.param("PERSON", "John & Mary", "John Mary", id="two-people"),
        pytest.param("PERSON", "John/Mary Smith", "John Mary Smith", id="one-or-the-other"),
        pytest.param("GPS_COORDINATES", "-33.8567841", "33.8567841", id="the-other-hemisphere"),
        pytest.param(
            "CRYPTO_WALLET", "1BoatSLRHtKNngkdXEeobR76b53L", "1boatSLRHtKNngkdXEeobR76b53L", id="case"
        ),
        ("PERSON", "a" * 300, "A" * 300),
    ],
)
def test_what_may_be_another_is_not_linked(kind: str, first: str, second: str) -> None:
    assert names(first, second, kind=kind) == ["1", "2"]


def test_a_part_that_two_people_share_is_neithers() -> None:
    assert names("John Smith", "John Brown", "John", "Smith", "Brown", "JOHN", "SMITH") == [
        *("1", "2", "3", "1_2", "2_2", "3_2", "1_3")
    ]
    assert names("Elton John", "John Smith", "John") == ["1", "2", "3"]


def test_what_was_linked_before_another_of_that_name_came_stays_linked_and_nothing_more_is() -> None:
    before = ["John Smith", "John"]
    assert names(*before, "John Brown", "John", "JOHN", "john", "john smith") == [
        *("1", "1_2", "2", "1_2", "3", "3_2", "1_3")
    ]


def test_spellings_of_a_part_that_stands_alone_belong_together() -> None:
    assert names("Smith", "John Smith", "SMITH", "John", "Mary") == ["1", "2", "1_2", "2_2", "3"]


def test_originals_of_other_types_and_numbers_are_never_linked() -> None:
    tokens = TokenMap(TYPES)
    assert tokens.tokenize(Original("John Smith"), "PERSON") == "{{PERSON_1}}"
    assert tokens.tokenize(Original("Smith"), "ORG") == "{{ORG_1}}"
    assert tokens.tokenize(Original("123456789"), "SSN") == "{{SSN_1}}"
    assert tokens.tokenize(Original("123456789", is_number=True), "SSN") == "{{SSN_2}}"
    assert tokens.tokenize(Original("123-45-6789"), "SSN") == "{{SSN_1_2}}"


def test_every_spelling_comes_back_as_it_stood() -> None:
    tokens = TokenMap(TYPES)
    spellings = ["John Smith", "JOHN SMITH", "Smith", "John"]
    sent = " ".join(tokens.tokenize(Original(spelling), "PERSON") for spelling in spellings)
    assert sent == "{{PERSON_1}} {{PERSON_1_2}} {{PERSON_1_3}} {{PERSON_1_4}}"
    assert tokens.restore(sent, Escaping.TEXT) == " ".join(spellings)
    assert tokens.counts == {"PERSON": 4}
    assert tokens.restore("{{PERSON_1_5}} {{PERSON_1_1}} {{PERSON_2}}", Escaping.TEXT) == (
        "{{PERSON_1_5}} {{PERSON_1_1}} {{PERSON_2}}"
    )


# --- reading and reserving -----------------------------------------------------------------------

SPELLINGS = [
    "{{PERSON_1_2}}",
    "{{person_1_2}}",
    "{{ PERSON 1 2 }}",
    "{{PERSON\\_1\\_2}}",
    "{{PERSON_01_002}}",
    "{PERSON_1_2}",
    "{{PERSON_1_2}",
    "&#123;&#123;PERSON_1_2&#125;&#125;",
    "{{**PERSON_1_2**}}",
    "{{__PERSON_1_2__}}",
    "{{PERSON-1-2}}",
    "\\{\\{PERSON\\_1\\_2\\}\\}",
    "\\u007b\\u007bPERSON\\u005f1\\u005F2\\u007d\\u007d",
]


def john() -> TokenMap:
    tokens = TokenMap(TYPES)
    tokens.tokenize(Original("John Smith"), "PERSON")
    tokens.tokenize(Original("John"), "PERSON")
    return tokens


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("escaping", Escaping)
def test_every_tolerated_spelling_of_a_link_is_restored_at_every_cut(
    spelling: str, escaping: Escaping
) -> None:
    text = f'"Dear {spelling} and {{{{PERSON_1}}}}"'
    for places in [*itertools.combinations(range(len(text)), 2), range(len(text))]:
        restorer = john().restorer(escaping)
        edges = [0, *places, len(text)]
        pieces = [restorer.feed(text[start:end]) for start, end in itertools.pairwise(edges)]
        assert "".join([*pieces, restorer.flush()]) == '"Dear John and John Smith"'


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_link_that_the_client_typed_stays_the_clients(spelling: str) -> None:
    tokens = TokenMap(TYPES)
    tokens.reserve(f"x{spelling}x")
    given_out = [tokens.tokenize(Original(text), "PERSON") for text in ("John Smith", "John")]
    assert given_out == ["{{PERSON_1}}", "{{PERSON_1_3}}"]
    assert tokens.restore(spelling, Escaping.TEXT) == spelling
    with pytest.raises(ValueError, match="given out"):
        tokens.reserve("{{PERSON_1_3}}")


@pytest.mark.parametrize(
    ("pieces", "written"),
    [
        (["{{PERSON_1", "_2}}"], ["", "John", ""]),
        (["{{PERSON_1_", "2}}"], ["", "John", ""]),
        (["{{PERSON_1_2", "}}"], ["", "John", ""]),
        (["{{PERSON_1_", "}}"], ["", "John Smith", ""]),
        (["{{PERSON_1}", "}"], ["", "John Smith", ""]),
        (["{{PERSON_1_3", "}}"], ["{{PERSON_1_3", "}}", ""]),
        (["{{PERSON_2", "_2}}"], ["{{PERSON_2", "_2}}", ""]),
    ],
)
def test_a_person_and_its_spellings_are_not_confused_in_a_stream(
    pieces: list[str], written: list[str]
) -> None:
    restorer = john().restorer(Escaping.TEXT)
    assert [*map(restorer.feed, pieces), restorer.flush()] == written


# --- types that end in numbers -------------------------------------------------------------------


@pytest.mark.parametrize("numbered", ["CODE_1", "CODE_01", "CODE_00000001"])
def test_no_link_is_given_out_that_is_another_types_number(numbered: str) -> None:
    tokens = TokenMap(["CODE", numbered])
    originals = ["123-456-789", "123456789", "987-654-321", "987654321"]
    given_out = [tokens.tokenize(Original(original), "CODE") for original in originals]
    assert given_out == ["{{CODE_1}}", "{{CODE_2}}", "{{CODE_3}}", "{{CODE_3_2}}"]


def test_a_typed_look_alike_reserves_both_of_its_readings() -> None:
    tokens = TokenMap(["CODE", "CODE_3"])
    tokens.reserve("{{CODE_3_1}} {{CODE_1_2}}")
    assert tokens.tokenize(Original("x"), "CODE_3") == "{{CODE_3_2}}"
    assert tokens.tokenize(Original("123-456-789"), "CODE") == "{{CODE_1}}"
    assert tokens.tokenize(Original("123456789"), "CODE") == "{{CODE_1_3}}"


def test_a_type_that_came_later_does_not_take_what_earlier_links_look_like() -> None:
    earlier = TokenMap(["CODE"])
    for original in ("123-456-789", "123456789"):
        earlier.tokenize(Original(original), "CODE")
    later = TokenMap(["CODE", "CODE_1"])
    later.load(earlier.dump())
    assert [later.tokenize(Original(text), "CODE_1") for text in "xyz"] == [
        *("{{CODE_1_1}}", "{{CODE_1_3}}", "{{CODE_1_4}}")
    ]
    assert later.restore("{{CODE_1_2}} {{CODE_01_2}}", Escaping.TEXT) == "123456789 123456789"


def test_dumps_whose_tokens_may_be_confused_are_not_loaded_together() -> None:
    links, numbers = TokenMap(["CODE"]), TokenMap(["CODE_1"])
    for original in ("123-456-789", "123456789"):
        links.tokenize(Original(original), "CODE")
    for original in ("x", "y"):
        numbers.tokenize(Original(original), "CODE_1")
    both = TokenMap(["CODE", "CODE_1"])
    both.load(links.dump())
    with pytest.raises(ValueError, match="look-alike"):
        both.load(numbers.dump())


# --- laws ----------------------------------------------------------------------------------------

PEOPLE = [
    *("John Smith", "JOHN SMITH", "John", "JOHN", "john", "Smith", "SMITH", "Mr Smith", "Mary", "mary"),
    *("John Brown", "Brown", "Mary Smith", "Mary Brown", "Elton John", "J\u00f6hn", "Smith-Brown"),
]
people = st.lists(st.sampled_from(PEOPLE), max_size=14)
AMBIGUOUS = ("PERSON", "PERSON_1", "PERSON_1_2", "PERSON_02", "CODE")


def tokenized(tokens: TokenMap, originals: list[str]) -> list[str]:
    return [tokens.tokenize(Original(original), "PERSON") for original in originals]


@given(people, people)
def test_later_originals_change_no_earlier_token(earlier: list[str], later: list[str]) -> None:
    assert tokenized(TokenMap(TYPES), earlier + later)[: len(earlier)] == tokenized(TokenMap(TYPES), earlier)


@given(people, st.integers(0, 14), st.sets(st.sampled_from(["1", "2", "1_2", "1_3", "2_2"])))
def test_a_map_that_was_put_away_links_as_if_it_had_not_been(
    originals: list[str], at: int, typed: set[str]
) -> None:
    text = "".join(f"{{{{PERSON_{number}}}}}" for number in typed)
    whole, early, late = (TokenMap(TYPES) for _ in range(3))
    whole.reserve(text)
    early.reserve(text)
    expected = tokenized(whole, originals)
    before = tokenized(early, originals[:at])
    late.load(early.dump())
    assert before + tokenized(late, originals[at:]) == expected
    assert late.dump() == whole.dump()


@given(people)
def test_two_full_names_never_share_a_number_and_a_part_follows_the_only_one(originals: list[str]) -> None:
    heads: dict[str, set[str]] = {}
    for original, token in zip(originals, tokenized(TokenMap(TYPES), originals), strict=True):
        number = token.strip("{}").split("_")[1]
        if " " in original:
            heads.setdefault(number, set()).add(original.casefold())
    assert all(len(spellings) == 1 for spellings in heads.values())


@given(
    st.lists(st.tuples(st.sampled_from([*PEOPLE, "1234567890", "12345-67890"]), st.sampled_from(AMBIGUOUS))),
    st.lists(st.sampled_from(["{{PERSON_1_2}}", "{person 1}", "{{PERSON_01_02_03}}", "{{PERSON_02_1}}"])),
    st.sampled_from(Escaping),
)
def test_no_text_spells_two_tokens(
    calls: list[tuple[str, str]], typed: list[str], escaping: Escaping
) -> None:
    tokens = TokenMap(AMBIGUOUS)
    tokens.reserve(" ".join(typed))
    for original, entity_type in calls:
        token = tokens.tokenize(Original(original), entity_type)
        padded = token.lower().replace("_1", "_001")
        assert token not in typed
        assert tokens.restore(token, Escaping.RAW) == original
        assert tokens.restore(padded, Escaping.RAW) in (original, padded)
    text = "x " + " ".join(typed)
    assert tokens.restore(text, escaping) == text


@pytest.mark.parametrize("length", range(1, 5))
def test_exactly_what_may_become_a_link_is_held(length: int) -> None:
    tokens = TokenMap(["P"])
    for original in ("1-2-3-4-5-6-7-8-9", "123456789"):
        tokens.tokenize(Original(original), "P")
    wholes = ("{P_1_2}}", "{P_1_ 2}}", "{P 1 2}}", "{P_1}}", "{P_ 1}}", "{P_ 1_ 2}}", "{P_1__}}")
    ends = sorted({text[at:] for text in wholes for at in range(len(text))}, key=len)

    @cache
    def may_become_a_token(text: str) -> bool:
        wholes = (tokens.restore(text + end, Escaping.RAW) for end in ends)
        return any(whole.replace("-", "") == "123456789" for whole in wholes)

    for chars in itertools.product("{}P_12", repeat=length):
        text = "{P_" + "".join(chars)
        restorer = tokens.restorer(Escaping.RAW)
        restorer.feed(text)
        suffixes = (text[at:] for at in range(len(text)))
        assert restorer._held == next(filter(may_become_a_token, suffixes), "")
