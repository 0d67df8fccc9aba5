"""Finds the deltas of frames of a known look straight in the stream, without cutting the frames out.

A frame is known if it differs from one already read in nothing but padding and a delta. Its text is
plain if it holds no character of ``model.SPECIAL``, no control character, and is UTF-8 for certain: what a
settled restorer makes of it is the text itself.
"""

from __future__ import annotations

import re

from sidecar.formats.template import Template, match_string

_ASCII = rb"[ !#-%'-\[\]-z|}~]*+"  # without quote, ampersand, backslash, opening brace and control characters
# Two and three bytes, but not those that may be overlong, a surrogate or the fullwidth brace.
_WIDE = rb"(?:[\xc2-\xdf][\x80-\xbf]|[\xe1-\xec\xee][\x80-\xbf]{2})++"
_match_plain = re.compile(_ASCII + rb"(?:" + _WIDE + _ASCII + rb")*+").match
_match_closing = re.compile(rb"[ \t\]}]*+").match
_BLANK = b" \t"


Sighting = tuple[int, int, int, bool]
"""One frame: where its delta's source starts and stops, without quotes, where it ends; is its text plain?"""


class KnownFrames:
    """The frames of one look.

    Args:
        template: The look of their data.
        around: What stands before and behind the data in each frame.
    """

    __slots__ = (
        "_before",
        "_behind",
        "_closing",
        "_head",
        "_line_end",
        "_match_head",
        "_match_padding",
        "_tail",
    )

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
        self._match_head = template.match_head
        self._match_padding = template.match_padding
        self._closing = template.behind.translate(None, _BLANK) if template.closes else None
        self._line_end = last

    def find(self, stream: bytes, at: int) -> Sighting | None:
        """Return the frame at ``at``, or None if it is none of these or not all of it is there."""
        if self._head is not None:
            if not stream.startswith(self._head, at):
                return None
            padding = self._match_head(stream, at + len(self._head))
            if padding is None:
                return None
            at = padding.end()
        if not stream.startswith(self._before, at):
            return None
        start = at + len(self._before)
        plain = _match_plain(stream, start)
        is_plain = plain is not None and stream.startswith(b'"', plain.end())
        text = plain if is_plain else match_string(stream, start)
        if text is None:
            return None
        stop = text.end() if is_plain else text.end() - 1
        end = self._end(stream, stop)
        return (start, stop, end, is_plain) if end else None

    def _end(self, stream: bytes, stop: int) -> int:
        """Return where a frame ends whose delta stops at ``stop``, or 0."""
        if not stream.startswith(self._behind, stop):
            return self._closed_otherwise(stream, stop)
        end = stop + len(self._behind)
        if self._tail is None:
            return end
        padding = self._match_padding(stream, end)
        if padding is None or not stream.startswith(self._tail, padding.end()):
            return 0
        return padding.end() + len(self._tail)

    def _closed_otherwise(self, stream: bytes, stop: int) -> int:
        """Return where a frame ends that has other white space among its closing brackets, or 0."""
        closing = _match_closing(stream, stop + 1) if self._closing is not None else None
        if closing is None or closing[0].translate(None, _BLANK) != self._closing:
            return 0
        return closing.end() + len(self._line_end) if stream.startswith(self._line_end, closing.end()) else 0


def around(frame: bytes, data: bytes) -> tuple[bytes, bytes] | None:
    """Return what stands before and behind the data in a frame's bytes, or None if that is not certain.

    A frame that does not end in a line feed may end with its next byte only.
    """
    if frame.count(data) != 1 or not frame.endswith(b"\n"):
        return None
    before, _, behind = frame.partition(data)
    return before, behind
