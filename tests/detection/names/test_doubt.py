from __future__ import annotations

import pytest

from sidecar.detection.names.doubt import Doubt
from sidecar.detection.names.gazetteer_list import load_word_list
from sidecar.detection.names.rules import Gates
from sidecar.detection.names.stretches import Stretches
from sidecar.detection.names.text_kind import NEEDS, TextKind
from sidecar.model import Origin, Span

FACTS = load_word_list().facts
GATES = Gates(NEEDS)
STOCK, OURS = "en_core_web_sm", "en_sidecar_names"


def is_weak(text: str, name: str, entity_type: str = "PERSON", rule: str = STOCK, *others: str) -> bool:
    start = text.index(name)
    found = [
        Span(start, start + len(name), entity_type, 0.7, Origin.NER, each)
        for each in dict.fromkeys((rule, *others))
    ]
    return 0 in Doubt(Stretches(text, FACTS), found, TextKind(text, GATES.open(text))).weak()


@pytest.mark.parametrize(
    ("text", "name", "entity_type", "rule"),
    [
        pytest.param(
            "Then run asyncio in a loop.", "asyncio", "PERSON", STOCK, id="lower-case-word-of-edited-model"
        ),
        pytest.param("We sat in the town all day.", "town", "LOCATION", OURS, id="everyday-word-as-a-place"),
        pytest.param(
            "They Keep Away From Children.", "Children", "LOCATION", OURS, id="capitalized-everyday-place"
        ),
        pytest.param(
            "He asked Customer Service.", "Customer Service", "ORG", STOCK, id="firm-of-two-everyday-words"
        ),
        pytest.param(
            "She cuts condo matters short.", "condo matters", "PERSON", OURS, id="everyday-words-as-a-name"
        ),
        pytest.param("It returns an AbortSignal now.", "AbortSignal", "ORG", STOCK, id="name-of-a-class"),
        pytest.param("Build-Profile: fast", "Build-Profile", "PERSON", STOCK, id="key-of-a-header"),
        pytest.param(
            "There, click Manage Devices.", "Manage Devices", "ORG", STOCK, id="label-that-is-pressed"
        ),
        pytest.param("See the Forgot button.", "Forgot", "PERSON", OURS, id="label-of-a-button"),
        pytest.param("Mark the day in red.", "Mark", "PERSON", STOCK, id="verb-before-its-object"),
        pytest.param(
            "Rank Zorbik by speed.", "Zorbik", "ORG", STOCK, id="one-model-in-a-request-without-names"
        ),
        pytest.param(
            "The python Zorbik is slow.", "Zorbik", "LOCATION", OURS, id="one-model-in-a-technical-text"
        ),
        pytest.param("Wie ist das mit der Themenliste?", "Themenliste", "PERSON", STOCK, id="german-noun"),
        pytest.param(
            "Que dois-je faire avec la fièvre ?", "dois-je faire", "PERSON", OURS, id="clause-abroad"
        ),
        pytest.param(
            "Escribe un poema corto sobre ella",
            "corto sobre",
            "PERSON",
            "gazetteer:full name",
            id="listed-small-words",
        ),
        pytest.param(
            "Explain the Press Release.", "Press Release", "ORG", STOCK, id="everyday-words-in-a-request"
        ),
        pytest.param(
            "머신러닝이 무엇인지 설명해", "머신러닝이", "PERSON", STOCK, id="script-the-model-never-saw"
        ),
    ],
)
def test_a_weak_finding_of_one_model_does_not_stand(
    text: str, name: str, entity_type: str, rule: str
) -> None:
    assert is_weak(text, name, entity_type, rule)


@pytest.mark.parametrize(
    ("text", "name", "entity_type", "rule", "others"),
    [
        pytest.param("Then Zorbik came by.", "Zorbik", "PERSON", STOCK, (), id="unknown-name-in-a-story"),
        pytest.param("Rank Zorbik by speed.", "Zorbik", "ORG", STOCK, (OURS,), id="both-models"),
        pytest.param(
            "We met tomasz there.", "tomasz", "PERSON", STOCK, ("gazetteer:given",), id="listed-too"
        ),
        pytest.param("the town of zorbik", "zorbik", "PERSON", OURS, (), id="no-capitals-to-go-by"),
        pytest.param(
            "Who told Mark the news?", "Mark", "PERSON", STOCK, (), id="same-word-within-a-sentence"
        ),
        pytest.param("Rank these.", "Rank", "PERSON", "cue:title", (), id="a-cue-is-not-doubted"),
        pytest.param("Explain it to Brannagh.", "Brannagh", "PERSON", OURS, (), id="person-in-a-request"),
    ],
)
def test_what_has_support_or_may_be_a_name_stands(
    text: str, name: str, entity_type: str, rule: str, others: tuple[str, ...]
) -> None:
    assert not is_weak(text, name, entity_type, rule, *others)
