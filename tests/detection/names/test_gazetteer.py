import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.detection.names.gazetteer import Gazetteer
from sidecar.detection.names.gazetteer_list import fold, load_word_list, parse
from sidecar.model import Origin

WORDS = load_word_list()
GAZETTEER = Gazetteer(WORDS)
NER_SCORE = 0.7


def found(text: str) -> list[str]:
    return [text[span.start : span.end] for span in GAZETTEER.find(text)]


def typed(text: str) -> list[tuple[str, str]]:
    return [(text[span.start : span.end], span.entity_type) for span in GAZETTEER.find(text)]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        pytest.param("Ask Priya Nair about it", ["Priya Nair"], id="given and family name"),
        pytest.param("we saw Oluwaseun there", ["Oluwaseun"], id="a given name that is no word"),
        pytest.param("a call with sandeep today", ["sandeep"], id="lower case, no word"),
        pytest.param("tell maria gonzalez that", ["maria gonzalez"], id="lower case, both listed"),
        pytest.param("tell karen o'neill that", ["karen o'neill"], id="apostrophe"),
        pytest.param("TO EWAN VAN QWRZYK NOW", ["EWAN VAN QWRZYK"], id="capitals, particle"),
        pytest.param("THAT EWAN QWRZYK LEFT", ["EWAN QWRZYK"], id="capitals, unlisted family name"),
        pytest.param("CLAIM OF JONATHAN PETERSON", ["JONATHAN PETERSON"], id="capitals"),
        pytest.param("Bill for Will Parker", ["Will Parker"], id="ambiguous, with a family name"),
        pytest.param("Katarzyna Qwrzyk left", ["Katarzyna Qwrzyk"], id="unlisted family name"),
        pytest.param("Debra B. Qwrzyk left", ["Debra B. Qwrzyk"], id="initial between"),
        pytest.param("Anne-Sophie Dupont", ["Anne-Sophie Dupont"], id="hyphen"),
        pytest.param("Fatima Al-Sayed", ["Fatima Al-Sayed"], id="article with hyphen"),
        pytest.param("Maria de la Cruz", ["Maria de la Cruz"], id="particles"),
        pytest.param("by Hugh\nGrantham", ["Hugh\nGrantham"], id="line break between"),
        pytest.param("Björn and Bjorn", ["Björn", "Bjorn"], id="with and without accents"),
        pytest.param("Sandeep's and Sandeep\u2019s", ["Sandeep", "Sandeep"], id="possessive stays outside"),
        pytest.param("ask Sandeep's Team", ["Sandeep"], id="nothing after a possessive"),
        pytest.param("my boss karen o'neill", ["karen o'neill"], id="word before a name"),
        pytest.param("письмо для Ивана Петрова", ["Ивана Петрова"], id="Russian genitive"),
        pytest.param("में प्रिया शर्मा से", ["प्रिया शर्मा"], id="Devanagari"),
    ],
)
def test_a_name_is_found(text: str, names: list[str]) -> None:
    assert typed(text) == [(name, "PERSON") for name in names]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        pytest.param("请给王小明写信", ["王小明"], id="Chinese, word before and behind"),
        pytest.param("请问李先生在吗", ["李"], id="Chinese, form of address"),
        pytest.param("山田太郎に連絡", ["山田太郎"], id="Japanese, both listed"),
        pytest.param("田中様、お願いします", ["田中"], id="Japanese, form of address"),
        pytest.param("김민준 씨에게 전화", ["김민준"], id="Korean, listed"),
        pytest.param("홍길동님께", ["홍길동"], id="Korean, form of address"),
        pytest.param("方便的时候请安全到达", [], id="Chinese words that start like family names"),
        pytest.param("日本語の文章を書く", [], id="Japanese words"),
        pytest.param("이것은 한국어 문장입니다", [], id="Korean words"),
    ],
)
def test_an_east_asian_name_needs_support(text: str, names: list[str]) -> None:
    assert found(text) == names


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("mark the bill, will you? may I hope so, rich or not", id="lower-case words"),
        pytest.param("Will the bill pass? Mark the date. May I?", id="words at the start of a sentence"),
        pytest.param("We meet on Monday in April or August or June", id="calendar"),
        pytest.param("Python, Java, Ruby, Rust, Julia, Jenkins, Django and Docker", id="programs"),
        pytest.param("Kelvin, Celsius, Hilbert space, Euler's formula, Fourier transform", id="eponyms"),
        pytest.param("Taylor series, Pearson correlation and Kendall's theorem", id="named after people"),
        pytest.param("These aren't what I've asked for; you'll see", id="contractions"),
        pytest.param("a Nice place for Reading by the Mobile phone", id="towns that are words"),
        pytest.param("an IBAN or a Muslim feast", id="acronyms and peoples"),
    ],
)
def test_an_ordinary_word_is_no_name(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("get_maria_lopez(mariaLopez)", id="identifiers"),
        pytest.param("self.sandeep = row.priya", id="attributes"),
        pytest.param("/home/priya/sandeep.txt and C:\\Users\\priya\\x", id="paths"),
        pytest.param("priya.nair@example.org", id="address"),
        pytest.param("https://example.org/priya?user=sandeep", id="link"),
        pytest.param("@sandeep #priya $sandeep", id="handles and variables"),
        pytest.param("priya2 sandeep_1 x86priya", id="digits"),
        pytest.param("sandeep(1), priya=2, Sandeep::Priya", id="calls and scopes"),
        pytest.param("`sandeep`", id="marked as code"),
        pytest.param("sandeep = 1", id="assignment"),
        pytest.param("import sandeep", id="import"),
        pytest.param('{"priya": 1}', id="key"),
    ],
)
def test_code_is_left_alone(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize(
    ("text", "places"),
    [
        pytest.param("moved to Nantes", ["Nantes"], id="town"),
        pytest.param("a trip to germany", ["germany"], id="country in lower case"),
        pytest.param("born in New York or san francisco", ["New York", "san francisco"], id="several words"),
        pytest.param("in Reading, PA 19601", ["Reading, PA"], id="a town that is a word, with its state"),
        pytest.param("springfield, il 62701", ["springfield, il"], id="lower case, with its state"),
        pytest.param("San Francisco, CA", ["San Francisco, CA"], id="several words and a state"),
        pytest.param("\u0130zmir'de bir ev", ["\u0130zmir"], id="Turkish case behind an apostrophe"),
    ],
)
def test_a_place_is_found(text: str, places: list[str]) -> None:
    assert typed(text) == [(place, "LOCATION") for place in places]


def test_spans_are_weaker_than_those_of_the_model_and_say_their_rule() -> None:
    spans = GAZETTEER.find("Priya Nair saw Sandeep in Nantes")
    assert [span.rule for span in spans] == ["gazetteer:full name", "gazetteer:given", "gazetteer:place"]
    assert all(span.score < NER_SCORE and span.origin is Origin.NER for span in spans)


def test_what_is_taken_is_not_looked_for() -> None:
    text = "Priya Nair saw Sandeep"
    assert [span.start for span in GAZETTEER.find(text, [(0, 10)])] == [text.index("Sandeep")]
    assert [span.start for span in GAZETTEER.find(text, [(0, 5)])] == [0, text.index("Sandeep")]


def test_a_word_list_is_made_of_sections() -> None:
    words = parse("# about\n\n[given alone]\nzyx\n\n[place names]\nport zyx\n[phrase]\nport\n")
    text = "Zyx in Port Zyx"
    spans = Gazetteer(words).find(text)
    assert [text[span.start : span.end] for span in spans] == ["Zyx", "Port Zyx"]


def test_every_listed_word_is_folded() -> None:
    assert [word for word in WORDS.facts if fold(word) != word] == []


names = st.sampled_from(
    ["Priya", "priya", "NAIR", "will", "Will", "san", "Francisco", "王小明", "Ивану", "O'Neill"]
)
joints = st.sampled_from([" ", "-", ", ", "\n", "'s ", " de la ", " B. ", ".", "_", "", "\ud800", "\u0301"])


@given(st.lists(st.one_of(names, joints, st.text(max_size=3)), max_size=30).map("".join))
def test_spans_are_disjoint_ascending_and_bound_at_words(text: str) -> None:
    end = 0
    for span in GAZETTEER.find(text):
        assert end <= span.start < span.end <= len(text)
        assert text[span.start].isalpha() or not text[span.start].isascii()
        assert text[span.end - 1].isalnum() or not text[span.end - 1].isascii()
        end = span.end


@pytest.mark.parametrize(
    "unit",
    [
        "maria ",
        "Maria ",
        "will ",
        "san ",
        "a'",
        "Maria-",
        "é",
        "e\u0301",
        "王",
        "김",
        "Иван ",
        "Maria B. ",
        "x",
        " ",
    ],
)
def test_time_is_linear(unit: str) -> None:
    def seconds(size: int) -> float:
        text = unit * (size // len(unit))
        best = float("inf")
        for _ in range(3):
            began = time.perf_counter()
            GAZETTEER.find(text)
            best = min(best, time.perf_counter() - began)
        return best

    assert seconds(24_000) < 4 * 5 * seconds(6_000) + 0.01
