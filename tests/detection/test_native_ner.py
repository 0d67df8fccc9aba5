"""The equality law: the native kernel finds what spaCy finds, span for span and label for label."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from spacy.language import Language
from spacy.pipeline import EntityRecognizer
from spacy.tokens import Doc

from sidecar.detection import native, native_ner, word_tables
from sidecar.detection.common_words import common_words
from sidecar.detection.native import Kernel
from sidecar.detection.native_ner import NativeModel
from sidecar.detection.ner import Ner
from sidecar.detection.ner_models import DEFAULT_MODELS, Group, load
from sidecar.model import Passage
from tests.detection.native_models import RandomModel, encoded, ner_component, random_batch, random_model
from tests.detection.spacy_entities import SETS, digests, recorded
from tests.detection.spacy_entities import texts as development_texts

if TYPE_CHECKING:
    from tests.detection.conftest import Allowance

ROWS_DIFFER_BY = 1e-5  # measured: at most 6e-6 where the largest number is 7; the order of additions alone
JUDGED_AGAIN = 24  # one text of so many is read by spaCy here and now, the others were when it was recorded

pytestmark = [
    pytest.mark.model,
    pytest.mark.skipif(native.kernel is None, reason="this installation has no native kernel"),
]

Entities = list[tuple[int, int, int, str]]


def kernel() -> Kernel:
    assert native.kernel is not None
    return native.kernel


VARIANTS = [name for name in (native.kernel.kernels() if native.kernel else []) if name != "reference"]


class Pair:
    """Both default models, in spaCy and in the kernel."""

    def __init__(self) -> None:
        (self.group,) = load(DEFAULT_MODELS)
        self.nlp = self.group.nlp
        self.pipes = [ner_component(reader.pipe) for reader in self.group.readers]
        self.models = [self.read(pipe) for pipe in self.pipes]

    def read(self, pipe: EntityRecognizer, variant: str | None = None) -> NativeModel:
        model = native_ner.read(pipe, variant=variant)
        assert model is not None
        return model

    def by_spacy(self, docs: Sequence[Doc], pipes: Sequence[EntityRecognizer] = ()) -> list[Entities]:
        found: list[Entities] = []
        for pipe in pipes or self.pipes:
            for doc in docs:
                doc.set_ents([], default="missing")
            list(pipe.pipe(docs, batch_size=64))
            found.append(
                [(i, ent.start, ent.end, ent.label_) for i, doc in enumerate(docs) for ent in doc.ents]
            )
        return found

    def by_kernel(self, docs: Sequence[Doc], models: Sequence[NativeModel] = ()) -> list[Entities]:
        found = native_ner.entities(models or self.models, docs)
        return [[(each.doc, each.start, each.end, each.label) for each in of_model] for of_model in found]

    def assert_equal(self, texts: Sequence[str]) -> int:
        """Check the law; return how many entities there are."""
        with self.nlp.memory_zone():
            docs = [self.nlp.make_doc(text) for text in texts]
            found = self.by_kernel(docs)
            assert found == self.by_spacy(docs)
        return sum(map(len, found))


@pytest.fixture(scope="module")
def pair() -> Pair:
    return Pair()


@pytest.fixture(scope="module")
def by_spacy() -> Group:
    (group,) = load(DEFAULT_MODELS, kernel=None)
    return group


@pytest.mark.parametrize("name", SETS)
def test_the_same_entities_on_all_development_texts(pair: Pair, by_spacy: Group, name: str) -> None:
    try:
        texts = development_texts(name)
    except FileNotFoundError as missing:
        pytest.skip(f"one of {len(SETS)} sets is not here: {missing.filename}")
    records = recorded(name)
    assert list(digests(by_spacy, texts[::JUDGED_AGAIN])) == records[::JUDGED_AGAIN]
    found = list(digests(pair.group, texts))
    assert [index for index, each in enumerate(found) if each != records[index]] == []
    assert len(found) == len(records)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.text(max_size=120), max_size=6))
def test_the_same_entities_in_any_text(pair: Pair, texts: list[str]) -> None:
    pair.assert_equal(texts)


WORDS = st.sampled_from(
    [
        "Ada",
        "Lovelace",
        "of",
        "Acme",
        "Corp.",
        "in",
        "Springfield",
        "\n",
        "  ",
        "\t",
        "on",
        "May",
        "5",
        ",",
        "'s",
    ]
)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(WORDS, max_size=25).map(" ".join), min_size=1, max_size=6))
def test_the_same_entities_where_names_meet_white_space(pair: Pair, texts: list[str]) -> None:
    pair.assert_equal(texts)


@pytest.mark.parametrize(
    "texts",
    [
        [],
        [""],
        ["", "", ""],
        ["Paris"],
        [" "],
        ["\n\n \t"],
        ["\n", "Berlin", "", "   ", "Ada Lovelace"],
        ["Ada Lovelace "],
        ["Ada\nLovelace\n\n"],
        ["x" * 5000],
    ],
    ids=[
        "no-text",
        "empty",
        "only-empty",
        "one-word",
        "one-space",
        "white-space",
        "mixed",
        "space-at-the-end",
        "lines",
        "one-long-word",
    ],
)
def test_the_same_entities_at_the_edges(pair: Pair, texts: list[str]) -> None:
    pair.assert_equal(texts)


SENTENCE = (
    "On 5 May {} wrote to Ada Lovelace, who ran the office of Acme Corp. in Springfield for $ 30 million. "
)


def test_the_same_entities_in_twenty_thousand_words(pair: Pair) -> None:
    pair.nlp.max_length = 10**7
    text = "".join(SENTENCE.format(f"Person{number}") for number in range(900))
    assert len(text.split()) > 17_000
    with pair.nlp.memory_zone():
        docs = [pair.nlp.make_doc(text)]
        found = pair.by_kernel(docs, pair.models[1:])
        assert found == pair.by_spacy(docs, pair.pipes[1:])
    assert len(found[0]) > 3_000


def test_the_same_entities_in_a_batch_as_in_documents_of_their_own(pair: Pair) -> None:
    texts = [SENTENCE[: 7 * number % len(SENTENCE)] for number in range(300)]
    docs = [pair.nlp.make_doc(text) for text in texts]
    alone = [
        [(index, *each[1:]) for index, doc in enumerate(docs) for each in pair.by_kernel([doc], [model])[0]]
        for model in pair.models
    ]
    assert pair.by_kernel(docs) == alone
    pair.assert_equal(texts)


@pytest.mark.parametrize("variant", [*VARIANTS, "reference"])
def test_every_implementation_gives_the_rows_and_entities_of_spacy(pair: Pair, variant: str) -> None:
    docs = [pair.nlp.make_doc(SENTENCE * count) for count in (2, 0, 1)]
    lengths = [len(doc) for doc in docs]
    for pipe, expected in zip(pair.pipes, pair.by_spacy(docs), strict=True):
        model = pair.read(pipe, variant)
        assert pair.by_kernel(docs, [model]) == [expected]
        tok2vec = pipe.model.get_ref("tok2vec").layers[0]
        rows = native_ner.encoded(model, native_ner.features(docs, model.columns), lengths)
        assert np.abs(rows - np.concatenate(tok2vec.predict(docs))).max() < ROWS_DIFFER_BY


@pytest.mark.parametrize("seed", range(25))
def test_vectors_agree_with_the_scalar_reference_whatever_the_model(seed: int) -> None:
    rng = np.random.default_rng(seed)
    model = random_model(rng)
    features, lengths = random_batch(rng, len(model.rows))
    width = model.sizes[0]
    spans, rows = encoded(kernel(), model.load(kernel(), "reference"), features, lengths, width)
    for variant in VARIANTS:
        loaded = model.load(kernel(), variant)
        assert kernel().run((loaded,), features, lengths) == [spans]
        others = encoded(kernel(), loaded, features, lengths, width)
        assert others[0] == spans
        np.testing.assert_allclose(others[1], rows, rtol=0, atol=1e-4)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("seed", range(6))
def test_a_document_has_the_same_bits_wherever_it_stands(seed: int, variant: str) -> None:
    rng = np.random.default_rng(seed)
    model = random_model(rng)
    features, _ = random_batch(rng, len(model.rows), most=3000)
    features = np.resize(features, (2400, len(model.rows) + 1))
    lengths = (3, 1, 0, 511, 516, 5, 1300, 64)  # some longer than a window, which is cut
    loaded = model.load(kernel(), variant)
    spans, rows = encoded(kernel(), loaded, features, lengths, model.sizes[0])
    first = 0
    for doc, length in enumerate(lengths):
        alone = encoded(kernel(), loaded, features[first : first + length], (length,), model.sizes[0])
        assert [(doc, *span[1:]) for span in alone[0]] == [span for span in spans if span[0] == doc]
        np.testing.assert_array_equal(alone[1], rows[first : first + length])
        first += length


@pytest.mark.parametrize("variant", [*VARIANTS, "reference"])
@pytest.mark.parametrize("share", [0.1, 1.0], ids=["some", "all"])
def test_common_words_change_not_one_bit(variant: str, share: float) -> None:
    rng = np.random.default_rng(8)
    model = random_model(rng)
    features, lengths = random_batch(rng, len(model.rows))
    common = features[rng.random(len(features)) < share, : len(model.rows)]
    plain = encoded(kernel(), model.load(kernel(), variant), features, lengths, model.sizes[0])
    prepared = model.load(kernel(), variant, np.ascontiguousarray(common))
    spans, rows = encoded(kernel(), prepared, features, lengths, model.sizes[0])
    assert spans == plain[0]
    np.testing.assert_array_equal(rows, plain[1])


@pytest.mark.parametrize(
    "common",
    [np.zeros(1, np.uint8), np.zeros((2**16 + 1, 5), np.uint64)],
    ids=["no-whole-word", "too-many"],
)
def test_common_words_that_do_not_fit_are_refused(common: NDArray[Any]) -> None:
    model: RandomModel = random_model(np.random.default_rng(1), tables=4)
    with pytest.raises(ValueError, match="common"):
        model.load(kernel(), VARIANTS[0], common)


def test_common_words_are_the_same_read_natively_or_by_spacy(pair: Pair) -> None:
    columns = pair.models[0].columns
    natively = common_words(pair.nlp, columns, word_tables.read(pair.nlp))
    assert np.array_equal(natively, common_words(pair.nlp, columns))


def test_the_common_words_of_both_models_take_less_than_40_mb(pair: Pair) -> None:
    words = common_words(pair.nlp, pair.models[0].columns)
    assert len(words) > 4000
    assert len(words) * 2 * (4 * 96 + 4 * 3 * 3 * 96) < 40e6


def test_no_common_word_stays_in_the_vocabulary_for_having_been_looked_up(pair: Pair) -> None:
    before = len(pair.nlp.vocab.strings)
    common_words(pair.nlp, pair.models[0].columns)
    assert len(pair.nlp.vocab.strings) == before


def test_models_in_one_pass_find_what_each_finds_alone(pair: Pair) -> None:
    docs = [pair.nlp.make_doc(SENTENCE)]
    both = pair.by_kernel(docs)
    assert both == [pair.by_kernel(docs, [model])[0] for model in pair.models]
    assert pair.by_kernel(docs, pair.models[::-1]) == both[::-1]


def test_threads_may_share_a_model(pair: Pair) -> None:
    docs = [pair.nlp.make_doc(SENTENCE * 40)]
    features, lengths = native_ner.features(docs, pair.models[0].columns), [len(docs[0])]
    alone = native_ner.spans(pair.models, features, lengths)
    with ThreadPoolExecutor(4) as pool:
        jobs = [pool.submit(native_ner.spans, pair.models, features, lengths) for _ in range(12)]
        assert all(job.result() == alone for job in jobs)


def test_without_the_extension_no_model_is_read(pair: Pair) -> None:
    assert native_ner.read(pair.pipes[0], kernel=None) is None


TYPES = {"PERSON": "PERSON", "ORG": "ORG", "GPE": "LOCATION", "LOC": "LOCATION", "FAC": "LOCATION"}


def test_ner_finds_the_same_spans_without_the_extension(plenty: Allowance) -> None:
    texts = [SENTENCE * 3, "", "  ", "jane doe met Dr. Grace Hopper,\n\nin New York City\tat Initech Inc."]
    passages = [Passage(text) for text in texts]
    fast, slow = Ner(TYPES), Ner(TYPES, kernel=None)
    assert (fast.slower_models, slow.slower_models) == ((), DEFAULT_MODELS)
    spans = slow.start(passages, plenty).result()
    assert any(spans)
    assert fast.start(passages, plenty).result() == spans
    assert [each.rule for each in fast.start(passages, plenty).result()[0]] == [
        each.rule for each in spans[0]
    ]


def test_a_model_that_the_kernel_cannot_run_does_not_slow_down_the_others(tmp_path: Path) -> None:
    nlp, _ = trained({"model": parser(use_upper=False)})
    nlp.to_disk(tmp_path / "names")
    ner = Ner(TYPES, models=[*DEFAULT_MODELS, str(tmp_path / "names")])
    assert ner.slower_models == (str(tmp_path / "names"),)


def test_a_pipeline_with_rules_of_its_own_is_left_to_spacy(tmp_path: Path) -> None:
    nlp, _ = trained({"model": parser()})
    nlp.add_pipe("entity_ruler", before="ner").add_patterns([{"label": "ORG", "pattern": "Zorblaxia"}])
    nlp.to_disk(tmp_path / "rules")
    assert Ner(TYPES, models=[str(tmp_path / "rules")]).slower_models == (str(tmp_path / "rules"),)


def trained(ner: dict[str, object]) -> tuple[Language, EntityRecognizer]:
    """Return a ``ner`` component with random weights of the configuration given."""
    spacy.util.fix_random_seed(7)
    nlp = spacy.blank("en")
    pipe = nlp.add_pipe("ner", config=ner)
    for label in ("PERSON", "ORG"):
        pipe.add_label(label)
    nlp.initialize()
    return nlp, pipe


def hash_embed_cnn(**changes: object) -> dict[str, object]:
    return {
        "@architectures": "spacy.HashEmbedCNN.v2",
        "pretrained_vectors": None,
        "width": 32,
        "depth": 2,
        "embed_size": 50,
        "window_size": 1,
        "maxout_pieces": 3,
        "subword_features": True,
    } | changes


def parser(tok2vec: dict[str, object] | None = None, **changes: object) -> dict[str, object]:
    return {
        "@architectures": "spacy.TransitionBasedParser.v2",
        "state_type": "ner",
        "extra_state_tokens": False,
        "hidden_width": 32,
        "maxout_pieces": 2,
        "use_upper": True,
        "nO": None,
        "tok2vec": tok2vec or hash_embed_cnn(),
    } | changes


@pytest.mark.parametrize("ties", [True, False], ids=["all-scores-equal", "any-scores"])
@pytest.mark.parametrize(
    "model",
    [
        parser(),
        parser(hash_embed_cnn(depth=1, width=16)),
        parser(maxout_pieces=3, hidden_width=48),
        parser(hash_embed_cnn(subword_features=False)),
    ],
    ids=["small", "one-layer", "three-pieces", "one-table"],
)
def test_other_sizes_of_the_architecture_give_the_same_entities(model: dict[str, object], ties: bool) -> None:
    nlp, pipe = trained({"model": model})
    upper = pipe.model.get_ref("upper")
    if not ties:  # spaCy begins with zeros
        upper.set_param("W", np.random.default_rng(7).normal(size=upper.get_param("W").shape).astype("f4"))
    read = native_ner.read(pipe)
    assert read is not None
    (doc,) = pipe.pipe([nlp.make_doc(SENTENCE)])
    found = native_ner.entities([read], [nlp.make_doc(SENTENCE)])[0]
    assert [(each.start, each.end, each.label) for each in found] == [
        (ent.start, ent.end, ent.label_) for ent in doc.ents
    ]
    assert found or ties


@pytest.mark.parametrize(
    "config",
    [
        {"model": parser(extra_state_tokens=True)},
        {"model": parser(use_upper=False)},
        {"model": parser(maxout_pieces=1)},
        {"model": parser(hidden_width=20)},
        {"model": parser(hash_embed_cnn(window_size=2))},
        {"model": parser(hash_embed_cnn(maxout_pieces=2))},
        {"model": parser(hash_embed_cnn(width=40))},
        {"model": parser(hash_embed_cnn(depth=9))},
    ],
    ids=[
        "six-words-of-state",
        "no-upper-layer",
        "no-maxout",
        "hidden-width",
        "wider-window",
        "mixer-and-encoder-differ",
        "width",
        "too-deep",
    ],
)
def test_an_architecture_that_the_kernel_does_not_know_is_left_to_spacy(config: dict[str, object]) -> None:
    _, pipe = trained(config)
    assert native_ner.read(pipe) is None


def test_a_beam_is_left_to_spacy() -> None:
    nlp = spacy.blank("en")
    beam = nlp.add_pipe("beam_ner", config={"model": parser()})
    beam.add_label("PERSON")
    nlp.initialize()
    assert native_ner.read(beam) is None


@pytest.mark.parametrize(
    ("words", "lengths"),
    [(3, (2,)), (3, (4,)), (3, (4, -1)), (0, (1,)), (3, (2**62, 3))],
    ids=["too-few", "too-many", "negative", "none", "huge"],
)
def test_sizes_that_do_not_fit_are_refused(pair: Pair, words: int, lengths: tuple[int, ...]) -> None:
    model = pair.models[0]
    features = np.zeros((words, len(model.columns) + 1), np.uint64)
    with pytest.raises(ValueError, match=r"^(features|lengths)"):
        kernel().run((model.handle,), features, lengths)
