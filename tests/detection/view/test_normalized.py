# ruff: noqa: RUF001 - look-alikes are what this is about
from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.detection.view.normalized import normalized

PLAIN = st.text(st.characters(max_codepoint=126, exclude_characters="%&\\"), max_size=40)
FRAGMENTS = st.sampled_from(
    [
        "John", " ", "\n", ".", "@", "555", "-", "\u200b", "\u00ad", "\ufe0f", "\u0301", "\u0336", "e\u0301",
        "\uff4a\uff4f", "\uff20", "\u0665", "\u2013", "\u00a0", "\u2466", "\ufb01", "\u2167", "\u2075",
        "\u3002", "\u0430", "\u0418\u0432\u0430\u043d", "\u4f60\u597d", "\u1112\u1161\u11ab", "\u304b\u3099",
        "\ud800", "\udc00", "\U0001d409", "\U000e0041",
        "%", "%40", "%25", "%C3%A9", "%e9", "&amp;", "&#64;", "&eacute;",
        "&", ";", "\\", "\\n", "\\u00e9", "\\ud83d\\ude00", "\\xc3\\xa9", '\\"', "C:\\new\\t", "\\\\srv\\new",
        " at ", "[at]", " AT ", " dot ", "dot", "[dot]", "com", "gmail", "one ", "five ", "five, ", "oh-",
    ]
)  # fmt: skip
MIXED = st.one_of(st.text(max_size=30), st.lists(FRAGMENTS, max_size=30).map("".join))


def read(text: str) -> str:
    return normalized(text).text


def fullwidth(text: str) -> str:
    shift = {code: code + 0xFEE0 for code in range(0x21, 0x7F)} | {0x20: 0x3000}
    return text.translate(shift)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        pytest.param("ＪＯＨＮ＠ｅｘａｍｐｌｅ．ｃｏｍ", "JOHN@example.com", id="fullwidth"),
        pytest.param("john@example。com", "john@example.com", id="ideographic-stop-in-a-host"),
        pytest.param("用户@例子。公司", "用户@例子.公司", id="ideographic-stop-in-an-idn"),
        pytest.param("你好。今天", "你好。今天", id="ideographic-stop-of-a-sentence"),
        pytest.param("٠١٢ ५५५", "012 555", id="digits-of-other-scripts"),
        pytest.param("𝐉𝐨𝐡𝐧 ⓙⓞⓗⓝ 🅙🅹🄹 ᴊᴏʜɴ", "John john JJJ john", id="styled-letters"),
        pytest.param("5\ufe0f\u20e35\ufe0f\u20e3", "55", id="keycaps"),
        pytest.param("⑩ Ⅷ ﬁn", "10 VIII fin", id="one-sign-for-many"),
        pytest.param("⁵⁵⁵-⁰¹⁰⁰", "555-0100", id="raised-runs"),
        pytest.param("x² nº 5 ½ 3™", "x² nº 5 ½ 3™", id="signs-with-a-sense"),
        pytest.param("4111\u200b1111\u00ad1111\u20601111", "4111111111111111", id="invisible"),
        pytest.param("\ufeffa\u202eb\U000e0041", "ab", id="mark-bidi-tag"),
        pytest.param("Jose\u0301 u\u0308", "José ü", id="composed"),
        pytest.param("e\u200d\u0301", "é", id="composed-over-the-invisible"),
        pytest.param("J\u0336o\u0336h\u0336n\u0301\u0336\u0337", "Johń", id="struck-through"),
        pytest.param("か\u3099 한", "が 한", id="kana-and-jamo"),
        pytest.param("4539–1488—0343−6467‑0", "4539-1488-0343-6467-0", id="dashes"),
        pytest.param("a\u00a0b\u2003c\u3000d\ne\tf", "a b c d\ne\tf", id="blanks"),
        pytest.param("\ud800a\u0301\udc00", "\ud800á\udc00", id="lone-surrogates"),
        pytest.param("ที่ हिन्दी שָׁלוֹם", "ที่ हिन्दी שָׁלוֹם", id="scripts-with-marks"),
    ],
)
def test_characters_are_folded(written: str, expected: str) -> None:
    assert read(written) == expected


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        pytest.param("jоhn pаypal Ѕmіth", "john paypal Smith", id="cyrillic-in-latin"),
        pytest.param("Μaria Αnna", "Maria Anna", id="greek-in-latin"),
        pytest.param("john@example.сом", "john@example.com", id="address"),
        pytest.param("GВ82 АА123456", "GB82 AA123456", id="number-form"),
        pytest.param("Иван рос Κώστας", "Иван рос Κώστας", id="words-of-another-script"),
        pytest.param("Ивaн", "Ивaн", id="latin-in-cyrillic"),
        pytest.param("рос@рос.рф", "рос@рос.рф", id="address-of-another-script"),
    ],
)
def test_look_alikes_are_latin_only_among_latin(written: str, expected: str) -> None:
    assert read(written) == expected


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        pytest.param("bob%40example.com", "bob@example.com", id="percent"),
        pytest.param("%2540 %252540", "@ @", id="percent-of-percent"),
        pytest.param("Jos%C3%A9", "José", id="percent-utf-8"),
        pytest.param("%E9 %de %C3 user%tag 100% %00", "%E9 %de %C3 user%tag 100% %00", id="no-utf-8"),
        pytest.param("&#64;&#x40;&commat;&amp;#64;", "@@@@", id="references"),
        pytest.param("AT&T &copy=1 &bogus; &#0; &#xD800;", "AT&T &copy=1 &bogus; \ufffd \ufffd", id="none"),
        pytest.param(r"\u00e9 \xe9 Jos\xc3\xa9 \ud83d\ude00 \\u0040", "é é José \U0001f600 @", id="code"),
        pytest.param(r"\ud800 \u0000 \u12 \x4", r"\ud800 \u0000 \u12 \x4", id="no-character"),
        pytest.param(r"Hi,\nJohn\tSmith", "Hi,\nJohn\tSmith", id="capital"),
        pytest.param(r"bye.\njohn\n\nann", "bye.\njohn\n\nann", id="small-letter"),
        pytest.param(r"{\"name\": \"Ann\"} https:\/\/x", '{"name": "Ann"} https://x', id="quotes"),
        pytest.param(r"C:\new\table\Notes C:\\new\\Tab", r"C:\new\table\Notes C:\\new\\Tab", id="drive"),
        pytest.param(r"\\server\new\Table src\new\table", r"\\server\new\Table src\new\table", id="folders"),
    ],
)  # fmt: skip
def test_escapes_are_decoded(written: str, expected: str) -> None:
    assert read(written) == expected


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("jane dot doe at gmail dot com", "jane.doe@gmail.com"),
        ("it is j.smith [at] company [dot] com", "it is j.smith@company.com"),
        ("j.smith(at)example.museum", "j.smith@example.museum"),
        ("ann {at} example {dot} org, bob", "ann@example.org, bob"),
        ("ann AT example.com", "ann@example.com"),
        ("li.na @ example.com", "li.na@example.com"),
        ("li.na@ example.com", "li.na@example.com"),
        ("name _at_ host dot org", "name@host.org"),
        ("name_at_host_dot_com", "name@host.com"),
        ("a.b [@] example [.] com", "a.b@example.com"),
        ("ann(a)example.se", "ann@example.se"),
        ("john underscore smith at mail dash host dot co dot uk.", "john_smith@mail-host.co.uk."),
        ("max punkt muster at firma punkt de", "max.muster@firma.de"),
        ("ana arroba empresa punto es", "ana@empresa.es"),
        ("ann at example dot com or bob at example dot org", "ann@example.com or bob@example.org"),
    ],
)  # fmt: skip
def test_spelled_addresses_are_written_as_usual(written: str, expected: str) -> None:
    assert read(written) == expected


@pytest.mark.parametrize(
    "text",
    [
        "look at this dot product",
        "meet at noon",
        "look at stripe dot com",
        "the value at the dot in question",
        "see you at example.com",
        "rows[at].length f(at) self.name",
        "option (a) example.io",
        "stay-at-home.mom",
        "created_at_utc.isoformat()",
        "at dot com",
        "x = a @ b",
        "y = q @ k.T + w@ v.data",
        "meet us @ example.com",
        "lunch @ 12.30",
    ],
)
def test_plain_prose_and_code_hold_no_spelled_address(text: str) -> None:
    assert read(text) == text


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("five five five, 867-5309", "555-867-5309"),
        ("call five five five eight six seven five three oh nine now", "call 555-867-5309 now"),
        ("double five five 555 0100", "555-555-0100"),
        ("Room 12, five five five 867 5309", "Room 12, 555-867-5309"),
        ("oh two oh, seven nine four six oh nine five eight", "02079460958"),
        ("cinco cinco cinco cero uno cero cero", "5550100"),
        ("four" + " one" * 15, "4111111111111111"),
    ],
)
def test_spelled_numbers_are_written_as_usual(written: str, expected: str) -> None:
    assert read(written) == expected


@pytest.mark.parametrize(
    "text",
    [
        "one two three",
        "chapter one, 2023-11-05",
        "one, two, three, four, five, six, seven, eight",
        "nine eight seven six five four three two one",
        "one of two or three",
        "someone one two",
        "nine one one",
        "one " * 40,
    ],
)
def test_counting_and_few_digits_stay_words(text: str) -> None:
    assert read(text) == text


@pytest.mark.parametrize(
    ("text", "part", "original"),
    [
        pytest.param("to ＪＯ＠ｘ．ｃｏｍ!", "JO@x.com", "ＪＯ＠ｘ．ｃｏｍ", id="one-to-one"),
        pytest.param("a 4\u200b1\u200b b", "41", "4\u200b1", id="invisible-edges-stay-outside"),
        pytest.param("x Jose\u0301\u0336 y", "José", "Jose\u0301\u0336", id="marks-go-with-their-letter"),
        pytest.param("b%40x.com", "@", "%40", id="escape"),
        pytest.param("\u200bJos%C3%A9&nbsp;&Eacute;d", "José Éd", "Jos%C3%A9&nbsp;&Eacute;d", id="steps"),
        pytest.param("⑩5", "0", "⑩", id="part-of-an-outcome"),
        pytest.param(
            "my cell is five five five, 867-5309 lol", "555-867-5309", "five five five, 867-5309", id="digits"
        ),
        pytest.param(
            "mail ｊ [at] company [dot] com.", "j@company.com", "ｊ [at] company [dot] com", id="address"
        ),
    ],
)  # fmt: skip
def test_stretches_lead_back_to_what_gave_them(text: str, part: str, original: str) -> None:
    view = normalized(text)
    at = view.text.index(part)
    start, end = view.original_stretch(at, at + len(part))
    assert text[start:end] == original


@given(MIXED)
def test_every_stretch_lies_inside_and_in_order(text: str) -> None:
    view = normalized(text)
    assert view.original == text
    last = (0, 0)
    for place in range(len(view.text)):
        start, end = view.original_stretch(place, place + 1)
        assert 0 <= start < end <= len(text)
        assert start >= last[1] or (start, end) == last
        last = (start, end)
        assert view.original_stretch(place, place) == (start, start)
    if view.text:
        first, final = view.original_stretch(0, 1), last
        assert view.original_stretch(0, len(view.text)) == (first[0], final[1])


@given(PLAIN.filter(lambda text: not any(word in text.lower() for word in ("at", "one", "(a", "[@", "(@"))))
def test_plain_text_is_the_same_object(text: str) -> None:
    view = normalized(text)
    assert view.text is text
    assert view.original_stretch(0, len(text)) == (0, len(text))


@given(PLAIN)
def test_fullwidth_text_reads_like_its_plain_form(text: str) -> None:
    assert read(fullwidth(text)) == read(text)


FOLDED = st.text(
    st.sampled_from("aé\u0301\u0336\u200b\uff21\u2460\ufb01\u2013\u00a0\u4f60 \n\u0665\U0001d409\ud800")
)


@given(FOLDED)
def test_folding_twice_folds_no_more(text: str) -> None:
    once = read(text)
    assert read(once) == once


@given(FOLDED, st.data())
def test_a_stretch_reads_alone_as_it_read_in_its_text(text: str, data: st.DataObject) -> None:
    view = normalized(text)
    start = data.draw(st.integers(0, len(view.text)))
    end = data.draw(st.integers(start, len(view.text)))
    low, high = view.original_stretch(start, end)
    assert view.text[start:end] in read(text[low:high])


@given(st.text(st.characters(categories=["Lu", "Ll", "Lo", "Nd", "Zs"], max_codepoint=0x24F), max_size=40))
def test_composed_letters_stay_and_decomposed_ones_compose(text: str) -> None:
    composed = unicodedata.normalize("NFC", text)
    assert read(unicodedata.normalize("NFD", composed)) == read(composed)


@pytest.mark.parametrize(
    "unit", ["%41 ", "&amp; ", "\\u0041 ", "\u200ba "], ids=["percent", "html", "backslash", "invisible"]
)
def test_the_time_is_checked_while_a_text_of_many_changes_is_read(unit: str) -> None:
    ticks: list[None] = []
    normalized(unit * 20_000, lambda: ticks.append(None))
    assert len(ticks) >= 4
