"""What a value of unknown meaning may be, in any API: looked at throughout, but for a few names.

It is how the generic format reads whole bodies, and how every other format reads what it does not name,
so that a part of one provider's shape is treated alike in the body of another.
"""

from __future__ import annotations

from collections.abc import Mapping

from sidecar.formats.shapes import (
    AUDIO,
    ENCRYPTED,
    FILE,
    IMAGE,
    KEYWORD,
    MEDIA,
    SIGNED,
    VIDEO,
    Treatment,
    compiled,
)

ANY: Mapping[str, Treatment | str] = {
    "[]": "any",
    "*": "any",
    "type": KEYWORD,
    "role": KEYWORD,
    "object": KEYWORD,
    "image_url": IMAGE,
    "image_url.url": IMAGE,
    "audio_url": AUDIO,
    "audio_url.url": AUDIO,
    "video_url": VIDEO,
    "video_url.url": VIDEO,
    "input_audio.data": AUDIO,
    "file_data": FILE,
    "file_url": FILE,
    "document_url": FILE,
    "document_url.url": FILE,
    "data": "any",
    "data if media_type": MEDIA,
    "data if mime_type": MEDIA,
    "data if mimeType": MEDIA,
    "data if type=redacted_thinking": ENCRYPTED,
    "thinking": "any",
    "thinking if type=thinking and signature": SIGNED,
    "signature": ENCRYPTED,
    "encrypted_content": ENCRYPTED,
    "thought_signature": ENCRYPTED,
    "thoughtSignature": ENCRYPTED,
}

UNKNOWN = compiled({"any": ANY}, "any")
"""The shape of such a value."""
