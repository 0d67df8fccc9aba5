"""Request bodies: which tokens are given out, and in what order."""

from __future__ import annotations

import json
import re
import tempfile
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidecar.detection.pipeline import Detection, load_detection
from sidecar.errors import RequestRefused
from sidecar.formats.registry import format_for_path
from sidecar.model import Escaping
from sidecar.request_body import Deadline, tokenize_body
from sidecar.tokens.token_map import TokenMap

UNSURE = "4532-1234-5678-9010"  # a card only where a word says so


@cache
def detection() -> Detection:
    return load_detection(None, ner=False)


@cache
def people() -> Detection:
    """Return what finds a few full names, and single ones after a greeting."""
    names = {"name": "people", "type": "PERSON", "regex": "(?i:John Smith|John Brown|Mary Brown)"}
    greeted = {"name": "greeted", "type": "PERSON", "regex": "(?<=Hi )(?i:John|Smith|Brown|Mary)"}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "patterns.json"
        file.write_text(json.dumps({"patterns": [names, greeted], "ner": {}}))
        return load_detection(file, ner=False)


def sent(*contents: object) -> list[object]:
    """Return the contents of messages as the provider sees them."""
    return tokenized(detection(), TokenMap(detection().entity_types), *contents)


def said(*contents: str) -> list[object]:
    """Return the same for texts in which full names are found."""
    return tokenized(people(), TokenMap(people().entity_types), *contents)


def tokenized(finder: Detection, token_map: TokenMap, *contents: object) -> list[object]:
    body = json.dumps({"messages": [{"role": "user", "content": content} for content in contents]}).encode()
    fmt = format_for_path("/v1/chat/completions")
    seen = tokenize_body(body, fmt, finder, token_map, Deadline(20.0))
    assert json.loads(token_map.restore(seen.decode(), Escaping.JSON)) == json.loads(body)
    return [message["content"] for message in json.loads(seen)["messages"]]


class Counted(Deadline):
    """A deadline that counts how often it is asked, and ends after so many times."""

    def __init__(self, ends_after: int = 1 << 30) -> None:
        super().__init__(20.0)
        self.asked, self._ends_after = 0, ends_after

    def check(self) -> None:
        self.asked += 1
        if self.asked > self._ends_after:
            self.end_now()
        super().check()


SIGNED = {"type": "thinking", "thinking": "so it goes. " * 50, "signature": "c2lnbmVk"}


@pytest.mark.parametrize(
    "contents",
    [
        pytest.param(["nothing " * 50] * 300, id="many-texts"),
        pytest.param([" ".join(f"u{number}@example.org" for number in range(9000))], id="many-originals"),
        pytest.param(["ann@example.org", [SIGNED] * 300], id="signed-text"),
    ],
)
def test_the_time_is_checked_all_along(contents: list[object]) -> None:
    body = json.dumps({"messages": [{"role": "user", "content": each} for each in contents]}).encode()
    fmt = format_for_path("/v1/messages")
    whole = Counted()
    tokenize_body(body, fmt, detection(), TokenMap(detection().entity_types), whole)
    pieces = sum(len(each) if isinstance(each, list) else 1 for each in contents)
    assert whole.asked > pieces
    for asked in {1, whole.asked // 2, whole.asked - 1}:
        with pytest.raises(RequestRefused, match="too long"):
            tokenize_body(body, fmt, detection(), TokenMap(detection().entity_types), Counted(asked))


def test_an_original_that_later_text_gives_away_renumbers_nothing_before_it() -> None:
    first = f"{UNSURE} or 4111 1111 1111 1111"
    assert sent(first) == [f"{UNSURE} or {{{{CREDIT_CARD_1}}}}"]
    assert sent(first, f"my card {UNSURE}") == [
        "{{CREDIT_CARD_2}} or {{CREDIT_CARD_1}}",
        "my card {{CREDIT_CARD_2}}",
    ]


@pytest.mark.parametrize(
    "later",
    [
        pytest.param([f"my card {UNSURE}"], id="given-away-later"),
        pytest.param(["5555 5555 5555 4444"], id="another-one"),
        pytest.param([{"card": 4111111111111111}], id="a-number-spelled-alike"),
    ],
)
def test_what_has_a_token_keeps_it_when_the_conversation_goes_on(later: list[object]) -> None:
    first = [f"{UNSURE} or 4111 1111 1111 1111", "4111111111111111 then 5555555555554444"]
    known = " ".join(str(content) for content in sent(*first)).replace(UNSURE, "{{CREDIT_CARD_3}}")
    after = " ".join(str(content) for content in sent(*first, later)[:2]).replace(UNSURE, "{{CREDIT_CARD_3}}")
    assert after == known


@pytest.mark.parametrize("number", ["4111111111111111", "4111111111111111.0", "4111111111111111.00"])
def test_a_number_is_looked_at_as_the_whole_number_that_it_is(number: str) -> None:
    body = f'{{"rows": [{number}]}}'.encode()
    token_map = TokenMap(detection().entity_types)
    seen = tokenize_body(body, format_for_path("/v1/x"), detection(), token_map, Deadline(20.0))
    assert seen == b'{"rows": ["{{CREDIT_CARD_1}}"]}'
    assert token_map.restore('{"rows": ["{{CREDIT_CARD_1}}"]}', Escaping.JSON).encode() == body


# --- linked tokens ---------------------------------------------------------------------------------


def test_one_person_keeps_one_number_in_every_spelling() -> None:
    assert said("John Smith came. Smith sat, JOHN SMITH stood; then John\u2019s wife.") == [
        "{{PERSON_1}} came. {{PERSON_1_2}} sat, {{PERSON_1_3}} stood; then {{PERSON_1_4}}\u2019s wife."
    ]


def test_a_first_name_that_two_share_is_neithers() -> None:
    assert said("John Smith and John Brown met. John left with Brown.") == [
        "{{PERSON_1}} and {{PERSON_2}} met. {{PERSON_3}} left with {{PERSON_2_2}}."
    ]


def test_the_table_of_the_readme_holds() -> None:
    assert said("John Smith", "so JOHN SMITH, so Smith, so John", "John Brown", "and JOHN; John") == [
        "{{PERSON_1}}",
        "so {{PERSON_1_2}}, so {{PERSON_1_3}}, so {{PERSON_1_4}}",
        "{{PERSON_2}}",
        "and {{PERSON_3}}; {{PERSON_1_4}}",
    ]


def test_what_was_linked_stays_so_when_a_namesake_comes() -> None:
    assert said("John Smith", "so John", "and John Brown", "and John, JOHN") == [
        "{{PERSON_1}}",
        "so {{PERSON_1_2}}",
        "and {{PERSON_2}}",
        "and {{PERSON_1_2}}, {{PERSON_3}}",
    ]


def test_a_part_that_a_later_full_name_gives_away_renumbers_nothing_before_it() -> None:
    assert said("ask Smith or Mary Brown") == ["ask Smith or {{PERSON_1}}"]
    assert said("ask Smith or Mary Brown", "I mean John Smith") == [
        "ask {{PERSON_2_2}} or {{PERSON_1}}",
        "I mean {{PERSON_2}}",
    ]


def test_a_name_of_two_known_parts_is_somebody_else() -> None:
    assert said("John Smith, Mary Brown", "it was Mary Smith") == [
        "{{PERSON_1}}, {{PERSON_2}}",
        "it was {{PERSON_3}}",
    ]


def test_what_an_earlier_exchange_knew_is_linked_to_in_the_next() -> None:
    earlier = TokenMap(people().entity_types)
    tokenized(people(), earlier, "John Smith")
    later = TokenMap(people().entity_types)
    later.load(earlier.dump())
    assert tokenized(people(), later, "Mary Brown: Smith?", "so Brown") == [
        "{{PERSON_2}}: {{PERSON_1_2}}?",
        "so {{PERSON_2_2}}",
    ]


SAID = st.lists(
    st.sampled_from(
        [
            *("John Smith", "JOHN SMITH", "john brown", "John Brown", "Mary Brown", "John", "JOHN", "Smith"),
            *(
                "Hi John",
                "Hi smith",
                "Hi Brown",
                "Hi Mary",
                "smith",
                "Brown",
                "Mary",
                "hello",
                "{{PERSON_1_2}}",
                "{person 2}",
                "and",
                ".",
            ),
        ]
    ),
    max_size=6,
).map(" , ".join)
TOKEN = re.compile(r"\{\{PERSON_[0-9_]+\}\}")


def given_out(token_map: TokenMap) -> dict[str, str]:
    return {original.text: token_map.tokenize(original, "PERSON") for original, _ in token_map}


@settings(max_examples=200, deadline=None)
@given(st.lists(SAID, min_size=2, max_size=6).filter(lambda turns: "{" not in turns[-1]))
def test_a_longer_conversation_changes_no_token_and_no_byte_but_for_what_it_gives_away(
    turns: list[str],
) -> None:
    one, other = TokenMap(["PERSON"]), TokenMap(["PERSON"])
    before, after = tokenized(people(), one, *turns[:-1]), tokenized(people(), other, *turns)[:-1]
    assert given_out(one).items() <= given_out(other).items()
    covered = [[TOKEN.sub("", str(text)) for text in texts] for texts in (before, after)]
    assert before == after or covered[0] != covered[1]
