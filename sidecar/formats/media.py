"""Inline media: what may pass byte for byte, what is text in disguise, and what is refused.

Media pass only where the place, the declared type and the alphabet agree. Text in base64 is looked at
like any other text; what is neither cannot be inspected and does not pass.
"""

from __future__ import annotations

import base64
import re
from enum import Enum, auto
from typing import NamedTuple

from sidecar.formats.base64_text import decoded_text
from sidecar.formats.shapes import AUDIO_FORMAT_KEY, MEDIA_TYPE_KEYS, Siblings, Treatment

SHORT = 64
"""Base64 below this many code points is looked at as well: it may be a word or a number."""


class Verdict(Enum):
    """What a string at a media place turned out to be."""

    TEXT = auto()  # a URL, or no base64 at all
    SHORT = auto()  # too short to tell; looked at for patterns only
    MEDIA = auto()  # passes
    ENCODED_TEXT = auto()  # base64 of text
    UNREADABLE = auto()  # refused


class Inspected(NamedTuple):
    """A verdict; ``start`` is where the base64 begins, ``declared`` the media type in lower case."""

    verdict: Verdict
    start: int = 0
    declared: str = ""


_CLASSES = {
    Treatment.IMAGE: ("image",),
    Treatment.AUDIO: ("audio",),
    Treatment.VIDEO: ("video",),
    Treatment.FILE: (),
    Treatment.MEDIA: ("image", "audio", "video"),
    Treatment.IMAGE_BYTES: ("image",),
}
_TEXTUAL = re.compile(
    r"text/.*|.*[/+](?:json|xml|yaml)|application/(?:x-)?(?:ndjson|jsonl|json-lines|csv|yaml|javascript|toml|sql|sh)"
    r"|message/rfc822",
).fullmatch
_data_url = re.compile(r"\s*data:([^,;]*)((?:;[^,;]*)*),", re.IGNORECASE).match
_BASE64 = re.compile(r"\s*+(?:[A-Za-z0-9+/\r\n]*+|[A-Za-z0-9_\-\r\n]*+)={0,2}\s*+").fullmatch

_UTF8 = frozenset({"", "utf-8", "utf8", "us-ascii"})
_NO_TYPE = "none that anything agrees with"
_LOOKED_AT = 32  # code points of base64, of which each four are three bytes
_HEAD = re.compile(rf"[A-Za-z0-9+/_\-]{{{_LOOKED_AT}}}").fullmatch
# PNG, JPEG, GIF, WebP, BMP, TIFF, HEIC and AVIF.
_IMAGE = re.compile(
    rb"\x89PNG\r\n\x1a\n|\xff\xd8\xff|GIF8[79]a|RIFF.{4}WEBP|BM.{4}\0{4}|II\*\0|MM\0\*|\0\0\0.ftyp",
    re.DOTALL,
).match


def inspected(text: str, treatment: Treatment, siblings: Siblings) -> Inspected:
    """Say what the string at a media place is.

    Args:
        text: The decoded string.
        treatment: What the format expects there.
        siblings: The strings beside it, for the declared type.
    """
    url = _data_url(text)
    if url is not None:
        declared = url[1].strip().lower() if is_utf8(url[1] + url[2]) else _NO_TYPE
        agrees = declared.partition("/")[0] in _CLASSES[treatment] and not _TEXTUAL(declared)
        if not url[2].lower().endswith(";base64") or not (agrees or is_base64(text, url.end())):
            return Inspected(Verdict.UNREADABLE, declared=declared)
        return _judged(text, url.end(), treatment, declared)
    if treatment is Treatment.IMAGE_BYTES:
        return _recognized(text)
    declared = _declared(treatment, siblings)
    if declared:
        return _judged(text, 0, treatment, declared)
    if treatment is Treatment.FILE and is_base64(text, 0):
        return Inspected(_verdict_on_undeclared(text))
    return Inspected(Verdict.TEXT)


def is_utf8(media_type: str) -> bool:
    """Tell whether every charset that a type declares, in whatever way it is spelled, is part of UTF-8."""
    declared = (parameter.partition("=") for parameter in media_type.lower().split(";")[1:])
    charsets = {text.strip(" \t\"'") for name, _, text in declared if name.strip().startswith("charset")}
    return charsets <= _UTF8


def _judged(text: str, start: int, treatment: Treatment, declared: str) -> Inspected:
    if not is_base64(text, start):
        return Inspected(Verdict.TEXT)
    if _TEXTUAL(declared):
        return Inspected(Verdict.ENCODED_TEXT, start, declared)
    if declared.partition("/")[0] not in _CLASSES[treatment]:
        return Inspected(Verdict.UNREADABLE, start, declared)
    return Inspected(Verdict.SHORT if len(text) - start < SHORT else Verdict.MEDIA, start, declared)


def _verdict_on_undeclared(text: str) -> Verdict:
    """Judge base64 of a file: where it is short, it may be a word instead."""
    if len(text) >= SHORT:
        return Verdict.UNREADABLE
    try:
        decoded_text(text)
    except ValueError:
        return Verdict.TEXT
    return Verdict.ENCODED_TEXT


def _recognized(text: str) -> Inspected:
    """Judge base64 by the bytes that it begins with."""
    if not is_base64(text, 0):
        return Inspected(Verdict.TEXT)
    if len(text) < SHORT:
        return Inspected(Verdict.SHORT)
    head = text.lstrip()[:_LOOKED_AT]
    is_image = _HEAD(head) is not None and _IMAGE(
        base64.b64decode(head, b"-_" if {*"-_"} & {*head} else None)
    )
    return Inspected(Verdict.MEDIA if is_image else Verdict.UNREADABLE)


def is_base64(text: str, start: int) -> bool:
    """Tell whether all from ``start`` on has the alphabet of base64."""
    return _BASE64(text, start) is not None


def _declared(treatment: Treatment, siblings: Siblings) -> str:
    """Return the media type that the siblings declare; where they differ, one that nothing agrees with."""
    found = {text for key in MEDIA_TYPE_KEYS for text in siblings.get(key, ()) if text}
    if treatment is Treatment.AUDIO:
        found |= {f"audio/{text}" for text in siblings.get(AUDIO_FORMAT_KEY, ()) if text}
    types = {each.partition(";")[0].strip().lower() for each in found}
    if len(types) > 1 or not all(map(is_utf8, found)):
        return _NO_TYPE
    return types.pop() if types else ""
