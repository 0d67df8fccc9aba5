# ruff: noqa: RUF001 - look-alikes are what this is about
"""Reads letters of other scripts that look like Latin ones as Latin, where the word around them is.

A word is read so if all its other letters are Latin or look so, and at least one is Latin or a digit; in
an address (a run with ``@`` in it and a Latin letter) every word whose letters all look Latin is. A word
of another script stays what it is. One code point becomes one, so offsets stay; time is linear.
"""

from __future__ import annotations

import re

from sidecar.detection.stretches import matches

# A letter and what looks like it: Cyrillic, Greek, Armenian, Cherokee, Coptic, Lisu, phonetic script.
_TABLE = """
    AАΑᎪꓮ BВΒᏴꓐ CСϹᏟⲤꓚ DᎠꓓ EЕΕᎬꓰ Fꓝ Gꓖ HНΗᎻꓧ IІӀΙꓲ JЈᎫꓙ KКΚᏦꓗ LԼᏞꓡ MМΜᎷⲘꓟ NΝⲚꓠ OОΟՕⲞꓳ PРΡᏢⲢꓑ QԚ RᎡꓣ
    SЅՏᏚꓢ TТΤᎢꓔ UՍꓴ Vꓦ WԜᎳꓪ XХΧꓫ YУҮΥꓬ ZΖᏃꓜ aаαɑ cсϲⲥ dԁ eе gցɡ hһհ iіιɩ jјϳյ kкκ lӏ nո oоοօⲟ pрρⲣ
    qԛզ sѕ uυս vѵν wԝѡω xхχ yуүγ mм tт
"""
_LOOKS = {look: word[0] for word in _TABLE.split() for look in word[1:]}
LOOKALIKES = frozenset(_LOOKS)

_LATIN_LOOK = str.maketrans(_LOOKS)
_RUN = re.compile(r"[\w.@+%-]+")
_WORD = re.compile(r"[^\W_]+")
_LATIN = re.compile(r"[0-9A-Za-z\u00c0-\u024f\u1e00-\u1eff]")
_LIKE_LATIN = re.compile(rf"[0-9A-Za-z\u00c0-\u024f\u1e00-\u1eff{''.join(LOOKALIKES)}]+")


def read_as_latin(text: str) -> str:
    """Return the text, of the same length, with look-alike letters in Latin words made Latin."""
    pieces: list[str] = []
    done = 0
    for run in matches(_RUN, text):
        if not run[0].isascii() and (read := _read(run[0])) != run[0]:
            pieces += (text[done : run.start()], read)
            done = run.end()
    pieces.append(text[done:])
    return "".join(pieces)


def _read(run: str) -> str:
    is_address = "@" in run and _LATIN.search(run) is not None
    return _WORD.sub(lambda word: _word(word[0], is_address=is_address), run)


def _word(word: str, *, is_address: bool) -> str:
    if _LIKE_LATIN.fullmatch(word) and (is_address or _LATIN.search(word)):
        return word.translate(_LATIN_LOOK)
    return word
