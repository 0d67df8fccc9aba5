"""Uploads as multipart/form-data: each part is read by what it is, the bytes around the texts stay.

Known form fields pass as parameters do in JSON; all others, and files that are text, are looked at. What
stands in a part's header cannot be edited, so a file name that holds something refuses the upload.

Source: OpenAI API reference, "Files", "Audio", "Images", "Videos"; Anthropic, "Files".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final
from urllib.parse import unquote

from sidecar.errors import RequestRefused
from sidecar.formats.file_types import FileKind, claim_of, file_kind
from sidecar.formats.format import FieldKind, ParsedRequest, Passing, Replacement, RequestReader, TextField
from sidecar.formats.json_request import UNREADABLE, is_identifier
from sidecar.formats.media import Verdict, inspected
from sidecar.formats.multipart import Part, fields, parameters, parts
from sidecar.formats.plain_text import PlainText, TextRun, Untouched
from sidecar.formats.sections import Section, Sections
from sidecar.formats.shapes import AUDIO, IMAGE, NO_SIBLINGS, NUMERIC, STRUCTURAL, Treatment
from sidecar.formats.text_body import Claim, TextBody

FIELDS: Final[Mapping[str, Treatment]] = {
    "purpose": STRUCTURAL,
    "model": STRUCTURAL,
    "language": STRUCTURAL,
    "response_format": STRUCTURAL,
    "timestamp_granularities": STRUCTURAL,
    "include": STRUCTURAL,
    "chunking_strategy": STRUCTURAL,
    "chunking_strategy[type]": STRUCTURAL,
    "chunking_strategy[prefix_padding_ms]": NUMERIC,
    "chunking_strategy[silence_duration_ms]": NUMERIC,
    "chunking_strategy[threshold]": NUMERIC,
    "temperature": NUMERIC,
    "stream": STRUCTURAL,
    "background": STRUCTURAL,
    "input_fidelity": STRUCTURAL,
    "moderation": STRUCTURAL,
    "n": NUMERIC,
    "output_compression": NUMERIC,
    "output_format": STRUCTURAL,
    "partial_images": NUMERIC,
    "quality": STRUCTURAL,
    "size": STRUCTURAL,
    "style": STRUCTURAL,
    "seconds": NUMERIC,
    "expires_after[anchor]": STRUCTURAL,
    "expires_after[seconds]": NUMERIC,
    "known_speaker_references": AUDIO,
    "input_reference": IMAGE,
}
"""Form fields that are the providers' own, without the brackets of a list; all others are looked at."""

_is_number = re.compile(r"-?[0-9]{1,6}(?:\.[0-9]{1,6})?|[0-9]{1,5}x[0-9]{1,5}").fullmatch
_OWN_FIELDS = frozenset(
    {"content-disposition", "content-type", "content-transfer-encoding", "content-length"}
)
_ENCODINGS = frozenset({"", "7bit", "8bit", "binary"})
_UTF8 = frozenset({"", "utf-8", "utf8", "us-ascii", "ascii"})
_length = re.compile(rb"(?i)(?<=\ncontent-length:)[ \t]*[0-9]+(?=[ \t]*\r)")


class FormData:
    """Reads bodies with one boundary; see ``formats.format.RequestReader``.

    Args:
        boundary: What separates the parts.
        document: Reads one JSON document of a file.
        lines: Reads JSON lines of a file.
        passing: What passes instead of being refused.
    """

    name = "form_data"

    def __init__(
        self,
        boundary: str,
        document: Callable[[bytes], ParsedRequest],
        lines: RequestReader,
        *,
        passing: Passing = Passing.NOTHING,
    ) -> None:
        self._boundary = boundary
        self._document = document
        self._lines = lines
        self._passing = passing

    def parse_request(self, body: bytes) -> Sections:
        """Find the text fields of all parts, as they stand.

        Raises:
            RequestRefused: (400) The body is not valid. (413) It holds too much. (415, 422) A part
                cannot be inspected.
        """
        sections: list[Section] = []
        for number, part in enumerate(parts(body, self._boundary), 1):
            try:
                parsed = self._part(body, part)
            except RequestRefused as refused:
                raise RequestRefused(refused.status, f"part {number}: {refused.message}") from None
            sections.append(Section(part.start, part.end, parsed))
        return Sections(body, sections)

    def _part(self, body: bytes, part: Part) -> FormPart:
        head, content = body[part.start : part.content], body[part.content : part.end]
        try:
            text = head.decode("utf-8")[: -len("\r\n\r\n")]
        except UnicodeDecodeError:
            raise RequestRefused(400, "its header fields are not UTF-8") from None
        field = _FormField(text, len(content))
        return FormPart(head, field.fixed(), content, self._content(field, content))

    def _content(self, field: _FormField, content: bytes) -> ParsedRequest:
        if not field.is_file:
            return _form_field(field.name, content) or self._text(field, Claim.TEXT).parse_request(content)
        match file_kind(content, field.media_type, field.file_name):
            case FileKind.MEDIA:
                return Untouched(content)
            case FileKind.TEXT:
                claim = claim_of(field.media_type, field.file_name)
                return self._text(field, claim).parse_request(content)
            case FileKind.DOCUMENT if Passing.DOCUMENTS in self._passing:
                return Untouched(content)
            case FileKind.DOCUMENT:
                raise RequestRefused(415, UNREADABLE)

    def _text(self, field: _FormField, claim: Claim) -> TextBody:
        return TextBody(claim, self._document, self._lines, hint=field.name)


class FormPart:
    """One part with its head; see ``formats.format.ParsedRequest``."""

    def __init__(self, head: bytes, fixed: Sequence[TextRun], content: bytes, parsed: ParsedRequest) -> None:
        self._head = head
        self._fixed = len(fixed)
        self._content = content
        self._parsed = parsed
        self.fields: Sequence[TextField] = (*fixed, *parsed.fields)

    lasting: int | None = None

    @property
    def signed(self) -> Sequence[str]:
        """The signed texts of the content."""
        return self._parsed.signed

    def edited(self, replacements: Sequence[Sequence[Replacement]]) -> bytes:
        """Return the part with only these stretches of its content changed.

        Raises:
            ValueError: There is a replacement in the head.
        """
        if any(replacements[: self._fixed]):
            raise ValueError("what stands in the head of a part cannot be replaced")
        content = self._parsed.edited(replacements[self._fixed :])
        head = self._head
        if len(content) != len(self._content):
            head = _length.sub(b" %d" % len(content), b"\n" + head)[1:]
        return head + content


class _FormField:
    """What the head of a part says."""

    def __init__(self, head: str, length: int) -> None:
        found = fields(head)
        disposition, said = parameters(found.get("content-disposition", ""))
        self.media_type, typed = parameters(found.get("content-type", ""))
        self.name = said.get("name", "")
        self.file_name = said.get("filename", "") or unquote(said.get("filename*", ""))
        self.is_file = "filename" in said or "filename*" in said or self.media_type not in ("", "text/plain")
        self._said = [
            *said.values(),
            *typed.values(),
            self.media_type,
            *(f"{name}: {text}" for name, text in found.items() if name not in _OWN_FIELDS),
        ]
        if disposition != "form-data" or "name" not in said or '"' in self.name or "\\" in self.name:
            raise RequestRefused(400, "it is no form-data with a plain name")
        if found.get("content-transfer-encoding", "").lower() not in _ENCODINGS:
            raise RequestRefused(415, "its content-transfer-encoding cannot be inspected; send it as it is")
        if self.media_type.startswith(("multipart/", "message/")):
            raise RequestRefused(415, "parts inside a part cannot be inspected")
        if typed.get("charset", "").lower() not in _UTF8:
            raise RequestRefused(415, "only UTF-8 can be inspected")
        if found.get("content-length", str(length)) != str(length):
            raise RequestRefused(400, "its content-length is wrong")
        if "=?" in head or any("*" in name[:-1] for name in (*said, *typed)):
            raise RequestRefused(415, "encoded or split words in its header fields cannot be inspected")

    def fixed(self) -> tuple[TextRun, ...]:
        """Return what the head says beyond the format's own words, also as readers may decode it."""
        texts = dict.fromkeys((*self._said, *(unquote(text) for text in self._said)))
        return tuple(TextRun(text, "filename", FieldKind.FIXED) for text in texts if text)


def _form_field(name: str, content: bytes) -> ParsedRequest | None:
    """Return a known form field as its treatment asks, or None if it is to be looked at like any text."""
    treatment = FIELDS.get(name.removesuffix("[]"))
    if treatment is None:
        return None
    parsed = PlainText(content, name, FieldKind.KEY)
    text = parsed.fields[0].text if parsed.fields else ""
    if treatment in (STRUCTURAL, NUMERIC):
        if _is_number(text) or (treatment is STRUCTURAL and is_identifier(text)):
            return Untouched(content)
        return None if any(each.isspace() for each in text) else parsed
    match inspected(text, treatment, NO_SIBLINGS).verdict:
        case Verdict.MEDIA:
            return Untouched(content)
        case Verdict.SHORT:
            return parsed
        case _:
            return None
