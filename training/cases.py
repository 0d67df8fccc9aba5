"""The same text in other cases; every entity stays on its own characters."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from training.corpus import GOLD_SETS, Text

Change = Callable[[Text], Text]
_SIGNS = re.compile(r"[,.!?;:'\"]")


def same(text: Text) -> Text:
    """Return the text as it is."""
    return text


def lowered(text: Text) -> Text:
    """Return the text in lower case; characters that would change length stay."""
    return replace(text, text="".join(low if len(low := char.lower()) == 1 else char for char in text.text))


def uppered(text: Text) -> Text:
    """Return the text in capitals; characters that would change length stay."""
    return replace(text, text="".join(up if len(up := char.upper()) == 1 else char for char in text.text))


def titled(text: Text) -> Text:
    """Return the text with every word capitalized, like a heading."""
    return replace(text, text=re.sub(r"\b[a-z]", lambda letter: letter[0].upper(), text.text))


def unpunctuated(text: Text) -> Text:
    """Return the text in lower case and without most signs, as people type on a telephone."""
    lower, gone = lowered(text).text, [0]
    for char in lower:
        gone.append(gone[-1] + bool(_SIGNS.match(char)))
    moved = [(start - gone[start], end - gone[end], label) for start, end, label in text.entities]
    kept = tuple(entity for entity in moved if entity[0] < entity[1])
    return Text(_SIGNS.sub("", lower), kept, text.source)


# The share of texts that each change gets, by kind of source; gold rows are also read as they are.
_GOLD: dict[Change, float] = {lowered: 0.6, unpunctuated: 0.2, uppered: 0.2}
_FILLED: dict[Change, float] = {same: 0.45, lowered: 0.25, unpunctuated: 0.15, uppered: 0.1, titled: 0.05}
_NAMELESS: dict[Change, float] = {same: 0.75, lowered: 0.15, uppered: 0.1}


def in_many_cases(texts: Sequence[Text], seed: int) -> list[Text]:
    """Return the texts, each in a case drawn for it, in a new order."""
    draw = random.Random(seed)
    out = [text for text in texts if text.source in GOLD_SETS]
    for text in texts:
        shares = _GOLD if text.source in GOLD_SETS else _FILLED if text.source == "templates" else _NAMELESS
        (change,) = draw.choices(list(shares), list(shares.values()))
        out.append(change(text))
    draw.shuffle(out)
    return out
