"""Turns texts into spaCy's training examples; what our texts do not label, the stock model labels.

People, organizations and places come from the texts alone. Dates, amounts, nationalities and the like are
kept as the stock model sees them in the text's own case, so that the copy does not forget them and
does not take them for names.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from spacy.tokens import Doc, Span
from spacy.training import Example
from spacy.util import filter_spans

from training.corpus import GOLD_SETS, Text
from training.templates import Entity

PLACES = {"GPE", "LOC", "FAC"}
AMOUNTS = {"DATE", "TIME", "CARDINAL", "ORDINAL", "MONEY", "PERCENT", "QUANTITY"}
OTHERS = AMOUNTS | {"NORP", "EVENT", "WORK_OF_ART", "PRODUCT", "LANGUAGE", "LAW"}
UNKNOWN = "?"  # may or may not be an entity: learned neither way


def completed(texts: Sequence[Text], teacher: Any) -> list[Text]:
    """Return the texts with the stock model's word on what they do not label; code stays as it is."""
    docs = teacher.pipe([text.text for text in texts], batch_size=64)
    return [
        text if text.source == "code" else replace(text, entities=tuple(sorted(_all(text, doc))))
        for text, doc in zip(texts, docs, strict=True)
    ]


def example(text: Text, nlp: Any) -> Example:
    """Return the example; an entity that cuts a word covers the whole of it."""
    doc = nlp.make_doc(text.text)
    known, unknown = [], []
    for start, end, label in text.entities:
        span = doc.char_span(start, end, label=label, alignment_mode="expand")
        if span is not None and (span := _without_blanks(doc, span)):
            (unknown if label == UNKNOWN else known).append(span)
    known = filter_spans(known)
    taken = {index for span in known for index in range(span.start, span.end)}
    missing = [span for span in filter_spans(unknown) if taken.isdisjoint(range(span.start, span.end))]
    doc.set_ents(known, missing=missing, default="outside")
    return Example(nlp.make_doc(text.text), doc)


def _all(text: Text, doc: Doc) -> Iterator[Entity]:
    for start, end, label in text.entities:
        kinds = [each.label_ for each in doc.ents if each.start_char < end and start < each.end_char]
        place = label == "GPE" and text.source in GOLD_SETS  # these sets do not part towns from rivers
        yield start, end, next((kind for kind in kinds if place and kind in PLACES), label)
    wanted = AMOUNTS if text.source == "templates" else OTHERS
    for each in doc.ents:
        start, end = each.start_char, each.end_char
        if any(start < other_end and other < end for other, other_end, _ in text.entities):
            continue
        if each.label_ in wanted:
            yield start, end, each.label_
        elif text.source == "prose" and each.label_ == "PERSON" and len(each) > 1:
            yield start, end, UNKNOWN


def _without_blanks(doc: Doc, span: Span) -> Span | None:
    start, end = span.start, span.end
    while start < end and doc[start].is_space:
        start += 1
    while start < end and doc[end - 1].is_space:
        end -= 1
    return Span(doc, start, end, label=span.label) if start < end else None
