"""The native tokenizer against spaCy's: the same words with the same features, and nothing kept."""

from __future__ import annotations

import json
import random
import re
import string
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.attrs import NORM, ORTH, SHAPE
from spacy.language import Language
from spacy.tokenizer import Tokenizer
from spacy.tokens import Doc

from sidecar.detection import native, word_tables
from sidecar.detection.native_words import COLUMNS, Features, NativeWords, Offsets
from sidecar.detection.ner_models import DEFAULT_MODELS, Group, load
from sidecar.detection.word_affixes import UnknownError, class_ranges
from tests.detection.word_mixtures import AFFIXES, mixture, random_ids

pytestmark = [
    pytest.mark.model,
    pytest.mark.skipif(native.kernel is None, reason="there is no native kernel here"),
]

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data"
FILES = ("README.md", "sidecar/*.py", "sidecar/detection/native/tokenizer*.[ch]")


class Both:
    """The pipeline of the default models, and its tokenizer in native form."""

    def __init__(self) -> None:
        (self.group,) = load(DEFAULT_MODELS)
        self.nlp = self.group.nlp
        assert self.group.words is not None
        self.words: NativeWords = self.group.words
        self.rules = list(self.nlp.tokenizer.rules)

    def assert_equal(self, texts: Sequence[str]) -> None:
        """Check the law: words, features and lengths are spaCy's."""
        found = self.words.read(texts)
        assert found.lengths == self._assert_equal(texts, found.features, found.offsets)

    def _assert_equal(self, texts: Sequence[str], features: Features, offsets: Offsets) -> tuple[int, ...]:
        lengths, row = [], 0
        with self.nlp.memory_zone():
            for text in texts:
                doc = self.nlp.make_doc(text)
                rows = slice(row, row + len(doc))
                expected = [text[word.idx : word.idx + len(word)] for word in doc]
                assert [text[start:end] for start, end in offsets[rows].tolist()] == expected
                assert offsets[rows, 0].tolist() == [word.idx for word in doc]
                assert np.array_equal(features[rows], doc.to_array([*COLUMNS, "IS_SPACE"]).reshape(-1, 5))
                lengths.append(len(doc))
                row += len(doc)
        assert row == len(features) == len(offsets)
        return tuple(lengths)

    def foreign(self, texts: Sequence[str]) -> tuple[int, int]:
        """Return how many chunks spaCy has to read, and how many words there are."""
        features, _, _, foreign = self.words.kernel.words_read(self.words.handle, tuple(texts))
        return len(foreign), len(features) // 40


@pytest.fixture(scope="module")
def both() -> Both:
    return Both()


def texts_of(file: Path) -> list[str]:
    return [json.loads(line)["text"] for line in file.read_text(encoding="utf-8").splitlines()]


def test_the_same_words_in_all_development_texts(both: Both) -> None:
    files = sorted(DATA.glob("*.jsonl"))
    if not files:
        pytest.skip("the development texts are not here")
    for file in files:
        texts = texts_of(file)
        both.assert_equal(texts)
        foreign, words = both.foreign(texts)
        assert foreign <= words / 1000


def test_the_same_words_in_prose_and_code(both: Both) -> None:
    files = [file for pattern in FILES for file in sorted(ROOT.glob(pattern))]
    texts = [file.read_text(encoding="utf-8") for file in files]
    assert len(texts) > 20
    both.assert_equal(texts)
    foreign, words = both.foreign(texts)
    assert foreign <= words / 1000


@pytest.mark.parametrize("mark", sorted({*AFFIXES} - {" "}), ids=ascii)
def test_the_same_words_where_marks_stand_around_rules(both: Both, mark: str) -> None:
    rules = random.Random(mark).sample(both.rules, 90)
    both.assert_equal([" ".join(f"{mark}{rule} {rule}{mark} {mark}{rule}{mark} {rule}'s" for rule in rules)])


def test_the_same_words_for_every_rule(both: Both) -> None:
    for form in ("{}", "{}.", "({})", '"{}"', "{},", "x{}", "{}x", "{} {}", "{}-{}", "{}{}"):
        both.assert_equal([form.format(rule, rule) for rule in both.rules])


@settings(max_examples=150, deadline=None)
@given(st.lists(st.text(max_size=120), max_size=6))
def test_the_same_words_in_any_text(both: Both, texts: list[str]) -> None:
    both.assert_equal(texts)


@settings(max_examples=120, deadline=None)
@given(st.integers(min_value=0))
def test_the_same_words_in_any_mixture(both: Both, seed: int) -> None:
    rng = random.Random(seed)
    both.assert_equal([mixture(rng, both.rules) for _ in range(8)])


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "  ",
        "\n",
        " a",
        "a ",
        "a  b",
        "\u00a0",
        "a\u00a0b",
        "\x85\x1c",
        "ΟΔΟΣ ΣΟΦΙΑΣ",
        "'ΟΔΟΣ' :) ΟΔΟΣ: )",
        "(ΟΔΟΣ :(",
        "can't ΟΔΟΣ's won't",
        "1.2.3.٤ a.b.cd:٤٤",
        "İzmir İ",
        ": ) : -) :-) :'( ; )",
        "8-) 8 -) don't do n't",
        "x" * 99 + " " + "x" * 100 + " " + "X1-" * 50,
    ],
    ids=ascii,
)
def test_the_same_words_at_the_edges(both: Both, text: str) -> None:
    both.assert_equal([text, text, f"{text}{text}", f"Ada {text} Bob"])


@pytest.mark.parametrize(
    "text",
    [
        *("example.org", "Example.Org", "a.b", "a.bc", "a.bC", "a-.bc", "-a.bc", "a_b.cd", "x" * 64 + ".com"),
        *(
            "x" * 65 + ".com",
            "a." + "x" * 63,
            "a." + "x" * 64,
            "www.example.org:80/x?y#z",
            "a.bc:1",
            "a.bc:123456",
        ),
        *(
            "ftp://a.bc",
            "x://a.bc",
            "a+b-c.d://a.bc",
            "é1_://a.bc",
            "@a.bc",
            "u@a.bc",
            "u:p@a.bc",
            "u@v@a.bc",
        ),
        *("1.2.3.4", "1.2.3.4:80", "1.2.3.4x", "256.1.1.1", "1.256.1.1", "1.1.1.255", "1.01.1.1", "1.1.1.01"),
        *("10.1.1.1", "127.0.0.1", "169.254.1.1", "169.253.1.1", "192.168.1.1", "172.15.1.1", "172.31.1.1"),
        *("http://10.1.1.1.example.org", "a..bc", "a.bc/", "a.bc,d", "https://é.中文", "a.bc?x", "a.bc@"),
    ],
)
def test_the_same_words_in_what_looks_like_a_url(both: Both, text: str) -> None:
    both.assert_equal([text, f"({text})", f"{text}.", f'"{text}",', f"{text}-x", f"x,{text}"])


def test_one_batch_reads_as_its_texts_do(both: Both) -> None:
    texts = ["Ada isn't here.", "", "ΟΔΟΣ ΣΟΦΙΑΣ", ":ΟΔΟΣ :)", " \n", "Bob's e-mail: bob@example.org"]
    whole, alone = both.words.read(texts), [both.words.read([text]) for text in texts]
    assert np.array_equal(whole.features, np.concatenate([each.features for each in alone]))
    assert np.array_equal(whole.offsets, np.concatenate([each.offsets for each in alone]))
    assert whole.lengths == tuple(each.lengths[0] for each in alone)


@pytest.mark.parametrize(
    "unit", ["(", ".", "x", "a-", "'s", "a.b@", "1.", "1.1.1.", "(x)", "'", "http://", "é,"]
)
def test_a_run_without_blanks_is_read_whole(both: Both, unit: str) -> None:
    both.assert_equal([unit * 300])
    count = 100_000
    long = both.words.read([unit * count])
    assert int(long.offsets[-1, 1]) == count * len(unit)
    assert np.array_equal(long.offsets[1:, 0], long.offsets[:-1, 1])


def test_words_never_seen_are_all_read_natively(both: Both) -> None:
    assert both.foreign([random_ids(random.Random(1), 2000)])[0] == 0


def resident() -> int:
    """Return the bytes of memory that this process uses."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * 4096


def test_two_hundred_thousand_new_words_leave_nothing_behind(both: Both) -> None:
    rng = random.Random(2)
    batches = [random_ids(rng, 2000) for _ in range(25)]
    for batch in batches[:5]:
        both.words.read([batch] * 4)
    has_proc = Path("/proc/self/statm").is_file()
    strings, vocabulary, before = (
        len(both.nlp.vocab.strings),
        len(both.nlp.vocab),
        resident() if has_proc else 0,
    )
    for batch in batches:
        both.words.read([batch] * 4)
    both.words.read(["ΑΒΓΔΣ"])
    assert len(both.nlp.vocab.strings) == strings
    assert "ΑΒΓΔΣ" not in both.nlp.vocab.strings
    assert len(both.nlp.vocab) <= vocabulary + 1  # spaCy never takes from its count
    assert not has_proc or resident() - before < 4_000_000


_MIX, _ALL = 0xC6A4A7935BD1E995, 2**64 - 1
_UNMIX = pow(_MIX, -1, 2**64)


def colliding(target: int, rng: random.Random) -> str:
    """Return 16 letters and digits with a given MurmurHash64A: all its steps can be taken back."""
    wanted = target ^ (target >> 47)
    wanted = wanted * _UNMIX & _ALL
    wanted = (wanted ^ (wanted >> 47)) * _UNMIX & _ALL
    while True:
        first = "".join(rng.choices(string.ascii_letters, k=8)).encode()
        block = int.from_bytes(first, "little") * _MIX & _ALL
        state = ((1 ^ 16 * _MIX) ^ ((block ^ (block >> 47)) * _MIX)) * _MIX & _ALL
        second = (wanted ^ state) * _UNMIX & _ALL
        second = (second ^ (second >> 47)) * _UNMIX & _ALL
        data = first + second.to_bytes(8, "little")
        if data.isalnum():
            return data.decode()


@pytest.mark.parametrize(("named", "behind"), [(":)", ""), (":", ")")])
def test_a_word_with_the_hash_of_a_rule_is_not_taken_for_it(both: Both, named: str, behind: str) -> None:
    strings = both.nlp.vocab.strings
    word = colliding(strings[named.encode()], random.Random(named))
    assert strings[word.encode()] == strings[named.encode()]
    text = f"{word}{behind} Ada"
    for start, end in both.words.read([text]).offsets.tolist():
        assert text[start:end] in {word, behind, "Ada", f"{word}{behind}"}


def test_threads_read_at_once(both: Both) -> None:
    texts = [random_ids(random.Random(seed), 500) for seed in range(8)]
    expected = [both.words.read([text]).features for text in texts]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda text: both.words.read([text]).features, texts * 3))
    assert all(np.array_equal(one, other) for one, other in zip(found, expected * 3, strict=True))


def test_a_lone_surrogate_is_an_error(both: Both) -> None:
    with pytest.raises(UnicodeEncodeError):
        both.words.read(["a\ud800b"])


def test_entities_are_those_of_words_cut_by_spacy(both: Both) -> None:
    by_spacy = Group(both.nlp, both.group.readers)
    texts = [
        "Ada Lovelace of Acme Corp. didn't go to Springfield.",
        "",
        "ΣΟΦΙΑ Smith met Bob Jones (Berlin).",
    ]
    assert both.group.entities(texts) == by_spacy.entities(texts)
    assert both.group.entities(texts)


def test_wrong_sizes_are_refused(both: Both) -> None:
    kernel = both.words.kernel
    parts = word_tables._parts(both.nlp)
    assert kernel.words_load(parts)
    for index, part in enumerate(parts):
        with pytest.raises(ValueError, match="out of bounds"):
            kernel.words_load((*parts[:index], part.ravel()[:-1].copy(), *parts[index + 1 :]))
    with pytest.raises(ValueError, match="parts"):
        kernel.words_load(parts[:-1])


@pytest.mark.parametrize("which", [2, 3, 4, 6], ids=["prefixes", "suffixes", "hyphens", "rule_words"])
@pytest.mark.parametrize("number", [0, 2**31, 2**32 - 1], ids=["none", "negative", "huge"])
def test_lengths_out_of_bounds_are_refused(both: Both, which: int, number: int) -> None:
    parts = list(word_tables._parts(both.nlp))
    parts[which] = parts[which].copy()
    if which == 6:
        parts[which].reshape(-1, 8, 2)[3, 0, 0] = number
    else:
        parts[which][0, -2] = number
    with pytest.raises(ValueError, match="out of bounds"):
        both.words.kernel.words_load(tuple(parts))


def blank(language: str = "en") -> Language:
    """Return a pipeline that has a tokenizer and nothing else."""
    return spacy.blank(language)


def test_a_blank_english_pipeline_is_read() -> None:
    nlp = blank()
    words = word_tables.read(nlp)
    assert words is not None
    text = "Ada's colour isn't :) there, U.S.A. (5km)..."
    with nlp.memory_zone():
        doc = nlp.make_doc(text)
        assert np.array_equal(words.read([text]).features, doc.to_array([*COLUMNS, "IS_SPACE"]))


class _Tokenizer:
    """Wraps a tokenizer: of another class, whatever it does."""

    def __init__(self, wrapped: Tokenizer) -> None:
        self.wrapped = wrapped

    def __getattr__(self, name: str) -> object:
        return getattr(self.wrapped, name)


def _other_class(nlp: Language) -> None:
    nlp.tokenizer = _Tokenizer(nlp.tokenizer)


def _token_match(nlp: Language) -> None:
    nlp.tokenizer.token_match = re.compile("x").match


def _prefix(nlp: Language) -> None:
    nlp.tokenizer.prefix_search = re.compile(nlp.tokenizer.prefix_search.__self__.pattern + r"|^\d").search


def _suffix(nlp: Language) -> None:
    nlp.tokenizer.suffix_search = re.compile(
        nlp.tokenizer.suffix_search.__self__.pattern + "|(?<=a)b$"
    ).search


def _infix(nlp: Language) -> None:
    nlp.tokenizer.infix_finditer = re.compile(nlp.tokenizer.infix_finditer.__self__.pattern + "|x").finditer


def _url(nlp: Language) -> None:
    nlp.tokenizer.url_match = re.compile(r"^\S+\.[a-z]{2}$").match


def _ignoring_case(nlp: Language) -> None:
    nlp.tokenizer.prefix_search = re.compile(
        nlp.tokenizer.prefix_search.__self__.pattern, re.IGNORECASE
    ).search


def _no_heuristics(nlp: Language) -> None:
    nlp.tokenizer.faster_heuristics = False


def _blank_in_rule(nlp: Language) -> None:
    nlp.tokenizer.add_special_case("New York", [{"ORTH": "New York"}])


def _sigma_in_rule(nlp: Language) -> None:
    nlp.tokenizer.add_special_case("ΟΔΟΣ", [{"ORTH": "ΟΔ"}, {"ORTH": "ΟΣ"}])


def _shape(nlp: Language) -> None:
    nlp.vocab.lex_attr_getters[SHAPE] = str.lower


def _norm(nlp: Language) -> None:
    nlp.vocab.lex_attr_getters[NORM] = str.upper


def _stored_norm(nlp: Language) -> None:
    nlp.vocab["Ada"].norm_ = "somebody"


def _make_doc(nlp: Language) -> None:
    class Other(type(nlp)):
        def make_doc(self, text: str) -> Doc:
            return super().make_doc(text.lower())

    nlp.__class__ = Other


CHANGES: list[Callable[[Language], None]] = [
    *(_other_class, _token_match, _prefix, _suffix, _infix, _url, _ignoring_case, _no_heuristics),
    *(_blank_in_rule, _sigma_in_rule, _shape, _norm, _stored_norm, _make_doc),
]


@pytest.mark.parametrize("change", CHANGES, ids=[change.__name__.strip("_") for change in CHANGES])
def test_a_tokenizer_that_does_something_else_is_left_to_spacy(change: Callable[[Language], None]) -> None:
    nlp = blank()
    change(nlp)
    assert word_tables.read(nlp) is None


@pytest.mark.parametrize("language", ["de", "es", "xx"])
def test_another_language_is_left_to_spacy_or_read_as_spacy_reads_it(language: str) -> None:
    nlp = blank(language)
    words = word_tables.read(nlp)
    text = "L'été d'Ada: 5km, z.B. «Müller-Lüdenscheidt» (U.S.A.) don't 3,5% ... aujourd'hui"
    if words is not None:
        with nlp.memory_zone():
            doc = nlp.make_doc(text)
            assert np.array_equal(words.read([text]).features, doc.to_array([*COLUMNS, "IS_SPACE"]))


def test_rules_of_a_pipeline_of_its_own_are_read() -> None:
    nlp = blank()
    nlp.tokenizer.add_special_case("gimme:)", [{ORTH: "gim", NORM: "give"}, {ORTH: "me:)"}])
    words = word_tables.read(nlp)
    assert words is not None
    for text in ("gimme:) now", "(gimme:)", "gimme :)", "gimme:))"):
        with nlp.memory_zone():
            doc = nlp.make_doc(text)
            assert np.array_equal(words.read([text]).features, doc.to_array([*COLUMNS, "IS_SPACE"]))


def test_without_the_extension_nothing_is_read() -> None:
    assert word_tables.read(blank(), None) is None
    (group,) = load(DEFAULT_MODELS[:1], kernel=None)
    assert group.words is None


def classes(both: Both) -> Iterator[str]:
    for name in ("prefix_search", "suffix_search", "infix_finditer", "url_match"):
        pattern = getattr(both.nlp.tokenizer, name).__self__.pattern
        yield from re.findall(r"\[((?:[^\]\\]|\\[^dwS])+)\]", pattern)


def test_classes_hold_what_they_hold_for_python(both: Both) -> None:
    everything = "".join(map(chr, range(0x30000)))
    distinct = {*classes(both)}
    assert len(distinct) > 5
    for source in distinct:
        if "\\w" not in source:
            expected = {
                point for found in re.finditer(f"[{source}]+", everything) for point in range(*found.span())
            }
            held = {point for low, high in class_ranges(source) for point in range(low, high + 1)}
            assert {point for point in held if point < len(everything)} == expected


@pytest.mark.parametrize(
    "source", ["^a", r"\d", "z-a", "a\\"], ids=["negated", "escape", "backwards", "open"]
)
def test_classes_of_other_forms_are_refused(source: str) -> None:
    with pytest.raises(UnknownError):
        class_ranges(source)
