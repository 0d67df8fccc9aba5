"""Passes frames that cannot matter straight off the stream, without cutting them out or reading them.

A frame is passed only if it differs from one already read in nothing but padding and a delta of plain
text: no character of ``model.SPECIAL``, and UTF-8 for certain. What a restorer makes of such a text when it
is settled is the text itself, so whoever asks here must know that it is.
"""

from __future__ import annotations

import re

from sidecar.formats.template import Template, match_digits, match_padding

_ASCII = rb"[ !#-%'-\[\]-z|}~]*+"  # without quote, ampersand, backslash, opening brace and control characters
# Two and three bytes, but not those that may be overlong, a surrogate or the fullwidth brace.
_WIDE = rb"(?:[\xc2-\xdf][\x80-\xbf]|[\xe1-\xec\xee][\x80-\xbf]{2})++"
_match_plain = re.compile(_ASCII + rb"(?:" + _WIDE + _ASCII + rb")*+").match
_match_closing = re.compile(rb"[ \t\]}]*+").match
_BLANK = b" \t"


class PlainFrames:
    """The plain frames of one look.

    Args:
        template: The look of their data.
        around: What stands before and behind the data in each frame.
    """

    __slots__ = ("_before", "_behind", "_closing", "_head", "_line_end", "_tail")

    def __init__(self, template: Template, around: tuple[bytes, bytes]) -> None:
        first, last = around
        if template.head is None:
            self._head, self._before = None, first + template.before
        else:
            self._head, self._before = first + template.head, template.before
        if template.tail is None:
            self._behind, self._tail = b'"' + template.behind + last, None
        else:
            self._behind, self._tail = b'"' + template.behind, template.tail + last
        self._closing = template.behind.translate(None, _BLANK) if template.closes else None
        self._line_end = last

    def end(self, stream: bytes, at: int) -> int:
        """Return where the frame at ``at`` ends, or -1 if it is none of these or not all of it is there."""
        if self._head is not None:
            if not stream.startswith(self._head, at):
                return -1
            digits = match_digits(stream, at + len(self._head))
            if digits is None:
                return -1
            at = digits.end()
        if not stream.startswith(self._before, at):
            return -1
        plain = _match_plain(stream, at + len(self._before))
        if plain is None:
            return -1
        at = plain.end()
        if not stream.startswith(self._behind, at):
            return self._closed_otherwise(stream, at)
        at += len(self._behind)
        if self._tail is None:
            return at
        padding = match_padding(stream, at)
        if padding is None or not stream.startswith(self._tail, padding.end()):
            return -1
        return padding.end() + len(self._tail)

    def _closed_otherwise(self, stream: bytes, at: int) -> int:
        """Return where a frame ends that has other white space among its closing brackets, or -1."""
        if self._closing is None or not stream.startswith(b'"', at):
            return -1
        closing = _match_closing(stream, at + 1)
        if closing is None or closing[0].translate(None, _BLANK) != self._closing:
            return -1
        return closing.end() + len(self._line_end) if stream.startswith(self._line_end, closing.end()) else -1


def around(frame: bytes, data: bytes) -> tuple[bytes, bytes] | None:
    """Return what stands before and behind the data in a frame's bytes, or None if that is not certain.

    A frame that does not end in a line feed may end with its next byte only.
    """
    if frame.count(data) != 1 or not frame.endswith(b"\n"):
        return None
    before, _, behind = frame.partition(data)
    return before, behind
