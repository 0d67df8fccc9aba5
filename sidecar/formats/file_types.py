"""What an uploaded file is: by its first bytes, its declared type and the end of its name, which must agree.

Images, audio and video pass byte for byte, since nobody looks into pictures. Text is looked at. What is
neither (PDF, office files, archives) cannot be inspected.
"""

from __future__ import annotations

import re
from enum import Enum, auto

from sidecar.formats.plain_text import is_binary
from sidecar.formats.text_body import Claim


class FileKind(Enum):
    """What is done with a file."""

    MEDIA = auto()
    TEXT = auto()
    DOCUMENT = auto()  # cannot be inspected


_IMAGE, _AUDIO, _VIDEO = frozenset({"image"}), frozenset({"audio"}), frozenset({"video"})
_CONTAINER = _AUDIO | _VIDEO
_MAGIC: tuple[tuple[re.Pattern[bytes], frozenset[str]], ...] = tuple(
    (re.compile(start, re.DOTALL), classes)
    for start, classes in (
        (rb"\x89PNG\r\n\x1a\n", _IMAGE),
        (rb"\xff\xd8\xff", _IMAGE),
        (rb"GIF8[79]a", _IMAGE),
        (rb"RIFF.{4}WEBP", _IMAGE),
        (rb"II\*\x00|MM\x00\*", _IMAGE),
        (rb"BM.{4}\x00{4}", _IMAGE),
        (rb".{4}ftyp(?:avif|avis|heic|heix|heim|hevc|mif1|msf1)", _IMAGE),
        (rb"(?:RIFF|RF64).{4}WAVE", _AUDIO),
        (rb"ID3|\xff[\xe0-\xfd]", _AUDIO),  # FF FE begins text in UTF-16
        (rb"fLaC", _AUDIO),
        (rb"FORM.{4}AIF[FC]", _AUDIO),
        (rb"#!AMR", _AUDIO),
        (rb"OggS", _CONTAINER),
        (rb"\x1aE\xdf\xa3", _CONTAINER),
        (rb".{4}ftyp", _CONTAINER),
        (rb"\x00\x00\x01[\xb3\xba]", _CONTAINER),
        (rb"RIFF.{4}AVI ", _VIDEO),
    )
)
_ENDINGS = {
    **dict.fromkeys(
        ("png", "jpg", "jpeg", "gif", "webp", "tif", "tiff", "bmp", "avif", "heic", "heif"), _IMAGE
    ),
    **dict.fromkeys(
        ("wav", "mp3", "mpga", "flac", "aac", "aif", "aiff", "amr", "m4a", "oga", "opus"), _AUDIO
    ),
    **dict.fromkeys(("ogg", "mp4", "mpeg", "mpg", "webm", "mkv", "mov", "m4v"), _CONTAINER),
    "avi": _VIDEO,
}
_CLASSES = {"application/ogg": _CONTAINER, "application/mp4": _CONTAINER}
_UNDECLARED = frozenset({"", "application/octet-stream", "binary/octet-stream"})
# Text that a reader turns into something else than it says.
_document = re.compile(rb"(?s:.{0,1024}?)%PDF-|(?:\xef\xbb\xbf)?\s*+(?:\{\\rtf|%!PS)").match
_lines = re.compile(r"(?:application|text)/(?:x-)?(?:ndjson|jsonl|jsonlines|json-lines)").fullmatch
_json = re.compile(r"(?:application|text)/json|.*\+json").fullmatch
_MAGIC_BYTES = 64


def file_kind(body: bytes, media_type: str, name: str) -> FileKind:
    """Say what a file is.

    Args:
        body: All its bytes.
        media_type: The declared type without parameters, in lower case; empty if there is none.
        name: Its file name; empty if there is none.
    """
    if not is_binary(body) and _is_utf8(body):
        return FileKind.DOCUMENT if _document(body) else FileKind.TEXT
    return FileKind.MEDIA if _agreed(body, media_type, name) else FileKind.DOCUMENT


def claim_of(media_type: str, name: str) -> Claim:
    """Say what a text is declared to be, by its type or by the end of its name."""
    ending = name.lower().rpartition(".")[2]
    if is_json_lines(media_type) or ending in ("jsonl", "ndjson"):
        return Claim.LINES
    return Claim.JSON if _json(media_type) or ending == "json" else Claim.TEXT


def is_json_lines(media_type: str) -> bool:
    """Tell whether a type is one of the names of JSON lines."""
    return _lines(media_type) is not None


def _agreed(body: bytes, media_type: str, name: str) -> bool:
    """Tell whether the bytes begin like media of the class that is declared."""
    if media_type in _UNDECLARED:
        declared = _ENDINGS.get(name.lower().rpartition(".")[2], frozenset())
    else:
        declared = _CLASSES.get(media_type, frozenset({media_type.partition("/")[0]}))
    head = body[:_MAGIC_BYTES]
    found = next((classes for magic, classes in _MAGIC if magic.match(head)), frozenset[str]())
    return bool(found & declared)


def _is_utf8(body: bytes) -> bool:
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
