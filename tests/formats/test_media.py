from __future__ import annotations

import base64

import pytest

from sidecar.formats.base64_text import Base64Text
from sidecar.formats.json_text import Edits, read
from sidecar.formats.media import SHORT, Verdict, inspected
from sidecar.formats.shapes import Treatment

LONG = base64.b64encode(bytes(range(90))).decode()
TEXT = base64.b64encode("naïve Ada".encode()).decode()


@pytest.mark.parametrize(
    ("text", "treatment", "siblings", "verdict"),
    [
        pytest.param(f"data:image/png;base64,{LONG}", "IMAGE", {}, "MEDIA", id="a data URL that agrees"),
        pytest.param(f"DATA:Image/PNG;BASE64,{LONG}", "IMAGE", {}, "MEDIA", id="in any case"),
        pytest.param(
            f"data:audio/wav;base64,{LONG}", "IMAGE", {}, "UNREADABLE", id="sound where images stand"
        ),
        pytest.param(
            f"data:image/png;base64,{LONG}", "FILE", {}, "UNREADABLE", id="an image where files stand"
        ),
        pytest.param(f"data:image/svg+xml;base64,{TEXT}", "IMAGE", {}, "ENCODED_TEXT", id="SVG is text"),
        pytest.param(f"data:text/plain;charset=utf-8;base64,{TEXT}", "FILE", {}, "ENCODED_TEXT", id="text"),
        pytest.param(f"data:application/json;base64,{TEXT}", "FILE", {}, "ENCODED_TEXT", id="JSON"),
        pytest.param(
            f"data:text/plain;charset=utf-7;base64,{TEXT}", "FILE", {}, "UNREADABLE", id="text in UTF-7"
        ),
        pytest.param(
            TEXT, "MEDIA", {"mimeType": {"text/plain; charset=utf-16"}}, "UNREADABLE", id="text in UTF-16"
        ),
        pytest.param(
            f"data:text/plain;base64,{TEXT[:8]} {TEXT[8:]}",
            "FILE",
            {},
            "UNREADABLE",
            id="a space in base64",
        ),
        pytest.param(
            f"data:text/plain;base64,{TEXT}%3D", "FILE", {}, "UNREADABLE", id="percent-encoded base64"
        ),
        pytest.param(TEXT, "FILE", {}, "ENCODED_TEXT", id="a short text that declares nothing"),
        pytest.param("4111111111111111", "FILE", {}, "TEXT", id="a number in the place of a file"),
        pytest.param(f"data:application/pdf;base64,{LONG}", "FILE", {}, "UNREADABLE", id="a PDF"),
        pytest.param(f"data:;base64,{LONG}", "IMAGE", {}, "UNREADABLE", id="no type at all"),
        pytest.param("data:text/plain,hello", "FILE", {}, "UNREADABLE", id="percent-encoded text"),
        pytest.param("data:image/png;base64,Ada Park", "IMAGE", {}, "TEXT", id="prose in a data URL"),
        pytest.param("data:image/png;base64,QUJD", "IMAGE", {}, "SHORT", id="hardly anything in a data URL"),
        pytest.param("https://example.org/i.png", "IMAGE", {}, "TEXT", id="a URL"),
        pytest.param(LONG, "IMAGE", {"media_type": {"image/png"}}, "MEDIA", id="base64 that agrees"),
        pytest.param(LONG, "AUDIO", {"format": {"wav"}}, "MEDIA", id="sound by its format"),
        pytest.param(LONG, "IMAGE", {"format": {"png"}}, "TEXT", id="a format says nothing of images"),
        pytest.param(LONG, "MEDIA", {"mimeType": {"video/mp4"}}, "MEDIA", id="any media"),
        pytest.param(LONG, "MEDIA", {"mimeType": {"application/zip"}}, "UNREADABLE", id="an archive"),
        pytest.param(
            LONG, "IMAGE", {"media_type": {"image/png", "text/plain"}}, "UNREADABLE", id="two types"
        ),
        pytest.param(LONG, "IMAGE", {}, "TEXT", id="base64 that declares nothing is looked at"),
        pytest.param(LONG, "FILE", {}, "UNREADABLE", id="a file that declares nothing"),
        pytest.param(
            "Ada Park", "IMAGE", {"media_type": {"image/png"}}, "TEXT", id="prose declared as image"
        ),
        pytest.param("ada@example.org", "IMAGE", {"media_type": {"image/png"}}, "TEXT", id="an address"),
        pytest.param("4111111111111111", "IMAGE", {"media_type": {"image/png"}}, "SHORT", id="a number"),
        pytest.param(LONG + "\n", "IMAGE", {"media_type": {"image/png"}}, "MEDIA", id="a line end behind it"),
        pytest.param(LONG.replace("+", "-"), "IMAGE", {"media_type": {"image/png"}}, "MEDIA", id="URL-safe"),
        pytest.param(LONG, "IMAGE_BYTES", {}, "UNREADABLE", id="bytes that begin like no image"),
        pytest.param(
            LONG, "IMAGE_BYTES", {"mimeType": {"image/png"}}, "UNREADABLE", id="whatever is declared"
        ),
        pytest.param("Ada Park", "IMAGE_BYTES", {}, "TEXT", id="prose instead of bytes"),
        pytest.param("4111111111111111", "IMAGE_BYTES", {}, "SHORT", id="a number instead of bytes"),
        pytest.param(f"data:image/png;base64,{LONG}", "IMAGE_BYTES", {}, "MEDIA", id="a data URL for bytes"),
        pytest.param(
            f"data:text/csv;base64,{TEXT}", "IMAGE_BYTES", {}, "ENCODED_TEXT", id="a table for bytes"
        ),
    ],
)
def test_only_what_agrees_in_all_respects_passes(
    text: str, treatment: str, siblings: dict[str, set[str]], verdict: str
) -> None:
    assert len(LONG) > SHORT
    assert inspected(text, Treatment[treatment], siblings).verdict is Verdict[verdict]


@pytest.mark.parametrize("spell", [base64.b64encode, base64.urlsafe_b64encode], ids=["standard", "URL-safe"])
@pytest.mark.parametrize("padded", [True, False])
def test_text_in_base64_is_edited_as_text(spell: object, padded: bool) -> None:
    encode = spell
    assert callable(encode)
    encoded = encode("Ada ÿÿÿ>>> Park".encode()).decode()
    literal = read(f'"data:text/plain;base64,{encoded if padded else encoded.rstrip("=")}"').literal(0)
    text = Base64Text(literal, 23)
    assert text.text == "Ada ÿÿÿ>>> Park"
    edits = Edits()
    text.write(edits, 0, 3, "{{PERSON_1}}")
    edited = read(edits.apply(literal.document)).decoded(0)
    assert edited.startswith("data:text/plain;base64,")
    assert Base64Text(read(f'"{edited}"').literal(0), 23).text == "{{PERSON_1}} ÿÿÿ>>> Park"


def test_a_document_in_base64_is_edited_as_json() -> None:
    encoded = base64.b64encode(b'{"n": "A\\u0064a", "card": 4111}').decode()
    outer = read(f'["{encoded}"]')
    inner = Base64Text(outer.literal(1), 0).inner()
    assert inner is not None
    edits = Edits()
    entry = inner.find("n")
    assert entry is not None
    edits.put(inner.literal(entry), 1, 2, '"')
    edited = read(edits.apply(outer)).decoded(1)
    assert base64.b64decode(edited) == b'{"n": "A\\"a", "card": 4111}'


@pytest.mark.parametrize("encoded", ["/////w==", "A", "QUJD QQ=Q", "QQBkAGEA"])
def test_what_is_no_text_in_base64_is_a_value_error(encoded: str) -> None:
    with pytest.raises(ValueError, match=r"base64|utf-8"):
        Base64Text(read(f'"{encoded}"').literal(0), 0)


@pytest.mark.parametrize(
    ("head", "passes"),
    [
        pytest.param(b"\x89PNG\r\n\x1a\n", True, id="PNG"),
        pytest.param(b"\xff\xd8\xff\xe0", True, id="JPEG"),
        pytest.param(b"GIF89a", True, id="GIF"),
        pytest.param(b"RIFF\x10\0\0\0WEBP", True, id="WebP"),
        pytest.param(b"RIFF\x10\0\0\0WAVE", False, id="sound"),
        pytest.param(b"BM\x10\0\0\0\0\0\0\0", True, id="BMP"),
        pytest.param(b"BMW 320, Ada Park", False, id="text that begins like BMP"),
        pytest.param(b"\0\0\0\x1cftypavif", True, id="AVIF"),
        pytest.param(b"%PDF-1.7", False, id="PDF"),
        pytest.param(b"Ada Park, 41", False, id="text"),
    ],
)
@pytest.mark.parametrize("alphabet", [None, b"-_"], ids=["standard", "URL-safe"])
def test_an_image_without_a_type_is_known_by_its_first_bytes(
    head: bytes, passes: bool, alphabet: bytes | None
) -> None:
    text = base64.b64encode(head + bytes(range(80)), alphabet).decode()
    verdict = inspected(text, Treatment.IMAGE_BYTES, {}).verdict
    assert verdict is (Verdict.MEDIA if passes else Verdict.UNREADABLE)
