from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.detection.names.cues import Cues
from sidecar.model import Origin

CUES = Cues()


def found(text: str, entity_type: str = "PERSON") -> list[str]:
    spans = sorted(CUES.find(text), key=lambda span: span.start)
    return list(
        dict.fromkeys(text[span.start : span.end] for span in spans if span.entity_type == entity_type)
    )


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Welcome back, Philomena!", ["Philomena"]),
        ("my name is jonas weller and i need help", ["jonas weller"]),
        ("My name is Priyanka.", ["Priyanka"]),
        ("hi i'm tamsin from accounts", ["tamsin"]),
        ("i am belinda a nurse", ["belinda"]),
        ("I'm Oluchi Eze", ["Oluchi Eze"]),
        ("Hello, this is Farida, how are you", ["Farida"]),
        ("this is marek calling about the lease", ["marek"]),
        ("call me Ishaan", ["Ishaan"]),
        ("mr. tobin, ms. o'shea and dr patel", ["tobin", "o'shea", "patel"]),
        ("DEAR MS OYELARAN, YOUR ORDER IS READY", ["OYELARAN"]),
        ("seen by Dr. Irena\nKovac on the ward", ["Irena\nKovac"]),
        ("ask Prof. Dr. A. von der Heide", ["A. von der Heide"]),
        ("Mrs. Mary-Ann O'Dell's file", ["Mary-Ann O'Dell"]),
        ("with Nurse Adeyemi and Judge Harlan", ["Adeyemi", "Harlan"]),
        ("hi wendeline, can you check", ["wendeline"]),
        ("Dear Ms. Tan, Dear Bruno", ["Tan", "Bruno"]),
        ("write an email to renata pawlak saying no", ["renata pawlak"]),
        ("cc dario and mina yoon pls", ["dario", "mina yoon"]),
        ("can u ask tobias and rachel brown to sign", ["tobias", "rachel brown"]),
        ("i had a meeting with sunil about the rent", ["sunil"]),
        ("lunch with ana maria quispe tomorrow", ["ana maria quispe"]),
        ("my boss keiran o'neal keeps texting", ["keiran o'neal"]),
        ("my wife, joelle, is ill. his manager is dmitri", ["joelle", "dmitri"]),
        ("the patient Hanne Lund was seen", ["Hanne Lund"]),
        ("a woman named Zeynep called", ["Zeynep"]),
        ("Attendees:\n- Wen Li\n- Ifeoma Obi", ["Wen Li", "Ifeoma Obi"]),
        ("thanks for it\n\nkind regards,\ngreta", ["greta"]),
        ("Thanks,\n-- \nRob", ["Rob"]),
        ("Mit freundlichen Grüßen\nJonas Weber", ["Jonas Weber"]),
        ("С уважением,\nПётр Сидоров", ["Пётр Сидоров"]),  # noqa: RUF001 - Cyrillic is meant
        ("geoffrey,\nthe pictures have arrived safely.", ["geoffrey"]),
        ('"The key is to begin."\n— Ada Quill', ["Ada Quill"]),
        ("leona marsh\n\nnurse\n\nphone: none", ["leona marsh"]),
        ("[10:32] dave: hello\n[10:33] priya: hi", ["dave", "priya"]),
        ('Gwen: "Who are you?"', ["Gwen"]),
        ("On Monday at 10:00 AM Lena Fisk wrote:", ["Lena Fisk"]),
        ("summarize lena fisk's performance review", ["lena fisk"]),
        ("the tenant, lena fisk, moved out", ["lena fisk"]),
        ("my coworker's name is lena", ["lena"]),
        ("RE: MEETING WITH LENA FISK AND TOM VRBA", ["LENA FISK", "TOM VRBA"]),
        ("Bill to: Lena Fisk\nShip To:\nBo Ek\n", ["Lena Fisk", "Bo Ek"]),
        ("<p>Dear <b>Lena</b>, hello", ["Lena"]),
        ("Ann Lee <ann@example.org> wrote", ["Ann Lee"]),
        ("[Grace Holm](mailto:grace@example.com)", ["Grace Holm"]),
        ("<td>Hana Whit</td><td><a href='mailto:h@example.net'>", ["Hana Whit"]),
        ('"it is late," said nadia osei, a doctor', ["nadia osei"]),
    ],
    ids=ascii,
)
def test_english_cues_show_names_in_any_letter_case(text: str, names: list[str]) -> None:
    assert found(text) == names


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("ich heiße jürgen schröder und wohne hier", ["jürgen schröder"]),
        (
            "Sehr geehrter Herr Müller-Lenz, an Frau Y\u0131ld\u0131r\u0131m",
            ["Müller-Lenz", "Y\u0131ld\u0131r\u0131m"],
        ),
        ("je m'appelle jean-luc moreau et voilà", ["jean-luc moreau"]),
        ("Cher Monsieur Lefort, Madame Anne-Sophie Dubosc à Lyon", ["Lefort", "Anne-Sophie Dubosc"]),
        ("me llamo lucía y mi jefe Pablo Ruiz", ["lucía", "Pablo Ruiz"]),
        ("Prezada Joana, meu nome é Rui Couto", ["Joana", "Rui Couto"]),
        ("Gentile Dott.ssa Bianchi", ["Bianchi"]),
        ("Geachte mevrouw De Vries", ["De Vries"]),
        ("Szanowna Pani Nowak, nazywam się Ewa Lis", ["Nowak", "Ewa Lis"]),
        ("jag heter Åsa Öberg", ["Åsa Öberg"]),
        ("меня зовут Анна Белова, письмо для Ивана Петрова", ["Анна Белова", "Ивана Петрова"]),
        ("мене звати Олена", ["Олена"]),
        ("hola soy lucía vega y necesito", ["lucía vega"]),
        ("Hoi, ik ben Pieter Vos. Ciao, sono Marco Riva", ["Pieter Vos", "Marco Riva"]),
        ("benim ad\u0131m Zeynep Kaya", ["Zeynep Kaya"]),
        ("我叫王小明\uff0c帮我给张伟发邮件\uff0c李娜女士", ["王小明", "张伟", "李娜"]),
        ("田中さん、鈴木一郎と申します", ["田中", "鈴木一郎"]),
        ("박지훈 씨, 김민수님", ["박지훈", "김민수"]),
        ("اسمي محمد علي وأعيش", ["محمد علي"]),
        ("मेरा नाम राहुल शर्मा है", ["राहुल शर्मा"]),
        ("mevrouw van der Heijden belt", ["van der Heijden"]),
        ("\u53c2\u4f1a\u4eba\u5458:\u674e\u4f1f\u3001", ["\u674e\u4f1f"]),
    ],
    ids=ascii,
)
def test_cues_of_other_languages_show_names(text: str, names: list[str]) -> None:
    assert found(text) == names


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("she works at northwind traders and likes it", ["northwind traders"]),
        ("shares of lumina inc. fell", ["lumina inc"]),
        ("Zenith Widgets, Inc", ["Zenith Widgets, Inc"]),
        ("CLAIM AGAINST HARBOR FREIGHT LTD", ["HARBOR FREIGHT LTD"]),
        ("die Kranz Maschinenbau GmbH in Ulm", ["Kranz Maschinenbau GmbH"]),
        ("Brightmoor University opened", ["Brightmoor University"]),
        ("Kaivonen Oy and Zelinka s.r.o. compete", ["Kaivonen Oy", "Zelinka s.r.o"]),
        (
            "\u0432 \u041e\u041e\u041e \u00ab\u0417\u043e\u0440\u0431\u0438\u043a\u00bb",
            ["\u0417\u043e\u0440\u0431\u0438\u043a"],
        ),
        ("from Zorbik Foods LLP for Mirador Norte S.L.", ["Zorbik Foods LLP", "Mirador Norte S.L"]),
        ("the Zorbik Rowing Club met", ["Zorbik Rowing Club"]),
    ],
    ids=ascii,
)
def test_employers_and_legal_forms_show_organizations(text: str, names: list[str]) -> None:
    assert found(text, "ORG") == names


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("i live in tulsa with my dog", ["tulsa"]),
        ("I'm from San Marcos originally", ["San Marcos"]),
        ("j'habite à nantes", ["nantes"]),
        ("the city of Port Haven", ["Port Haven"]),
    ],
    ids=ascii,
)
def test_homes_show_places(text: str, names: list[str]) -> None:
    assert found(text, "LOCATION") == names


@pytest.mark.parametrize(
    "text",
    [
        "i'm happy to help, i'm so tired, I'm German, I am Sorry",
        "Dear customer, Hi there, Hi team, Hello everyone, Dear Hiring Manager, Dear Sir or Madam",
        "call me tomorrow, call me maybe, email me, text us back",
        "thanks,\nthe team",
        "This is great. This is Python code.",
        "from Python import os\nimport React from 'react'",
        "def name(self) -> str:\n    return self.name",
        "Note: see below\nExample: Foo Bar\nQuestion: what\nKey Features: fast",
        "Q: hello\nA: hi\nQ: bye now then\nA: bye",
        "what is my name? my name is not important, the name is wrong",
        "meeting with legal tomorrow, email to customers, cc everyone, reply to all",
        "my friend said hi. my boss is mean. my mom works hard. my dog ate it. my brother recently moved",
        "i live in a flat, living in fear, based in part on it, born in 1990, moved to production",
        "works at night, work for free, company policy, Company Overview",
        "Dr. Pepper, 10 ms later, MS Word, 12 Elm Dr Apt 4",
        "Mr. President, Prof. of law",
        "today's email, the company's address, my dog's wedding",
        "09:00 Breakfast: eggs\n10:15 - Lunch: pasta",
        "お客様 皆さん お母さん",
        "고객님 선생님",
        "我给你写信",
        "paths according to RFC 3986, an Access Token, per User Account",
        '{"CLIENT PAUSE": ok, "CLIENT GETNAME": ok}',
        "import (\n    Webhook,\n    WebhookInputParam,\n    another thing here\n)",
        "Hi ChatGPT, thanks JavaScript!",
        "limited liability, inc. by law",
        "the patient MRN 0042",
        "func(user.email, my_name is x)",
        "Extra-Dist: one two\nExtra-File: a b\nExtra-Dist: one two\nExtra-File: a b",
        "Keyword: one two\nKeyword: three four\nTopic: one two\nTopic: three four",
        "Dynamic: author\nDynamic: summary",
        "see Alias Targets below",
        "a Contribution incorporated within it",
        "the Major Releases of it",
    ],
    ids=ascii,
)
def test_ordinary_words_after_a_cue_are_no_names(text: str) -> None:
    assert [text[span.start : span.end] for span in CUES.find(text)] == []


def test_a_labels_turns_make_a_dialog() -> None:
    turns = [
        "Interviewer: How are you?",
        "Sanne: I am fine.",
        "Interviewer: Good to hear.",
        "Sanne: Thank you all.",
    ]
    text = "\n".join(turns)
    assert found(text) == ["Sanne"]


def test_a_span_names_its_cue_and_is_no_pattern() -> None:
    (span,) = CUES.find("my name is Priyanka")
    assert (span.rule, span.origin, span.score) == ("cue:introduction", Origin.NER, 0.75)


@given(
    st.text(
        alphabet=st.sampled_from("aB é王田さ김님씨'\n\t.,:-_@<>()[]\"0\ud800mydearhinameis"), max_size=200
    )
)
def test_spans_lie_in_the_text_whatever_it_is(text: str) -> None:
    for span in CUES.find(text):
        assert span.end <= len(text)
        assert any(char.isalpha() for char in text[span.start : span.end])
