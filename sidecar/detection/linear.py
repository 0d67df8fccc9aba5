"""Runs one pattern over one text in time linear in the text, whatever pattern and text are.

Patterns without lookarounds run on RE2. Patterns with bounded lookarounds run on RE2 without them, which
finds every place a match can start, and on ``re`` from there, for a bounded stretch and a bounded number
of backtracking paths; the matches are those of ``re.finditer``. Everything else is refused.

A group named ``original`` narrows a match to that group; such a pattern is bounded like one with
lookarounds, and the search goes on behind the group, not behind the match.

A pattern of unbounded width is run in windows, because each search of RE2 may look ahead to the end of
the text: an attempt that has neither matched nor failed after ``WINDOW`` bytes is given up. A match that
reaches the window's end is followed as far as it goes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import re2

from sidecar.detection.bounds import Bounds, bounds
from sidecar.detection.known_signs import known_signs
from sidecar.detection.sign_choice import Sign
from sidecar.detection.signs import signs
from sidecar.detection.stretches import STRETCH, encoded, in_slices
from sidecar.detection.syntax import MARK, Dialect, ForeignSyntax, Node, Unsupported, parse, source

WINDOW = 2048  # bytes of room that every attempt of an unbounded pattern gets
MAX_VERIFIED_WIDTH = 512  # code points that a pattern with lookarounds may touch
MAX_LEAVES = 4096  # backtracking paths of one attempt
_BLOCK = 256  # start positions at most that ``re`` tries after a candidate before RE2 looks for the next
_GROWTH = 8  # how many times more it tries if there was a candidate just before, and was none
_NEAR = 16  # code points between two candidates that count as that
_MEMORY = 8 << 20  # bytes RE2 may use for one pattern: of text that is random, it fills them with states
_MOST_MEMORY = 32 << 20  # the same for a pattern that is too large for that
_UNANCHORED = re2._Anchor.UNANCHORED  # noqa: SLF001 - see _compiled
_Match = Callable[[bytes, int, int], "tuple[int, int] | None"]
_SURROGATE = re.compile("[\ud800-\udfff]")
_BYTES_PER_POINT = 4


def re2_options(memory: int = _MEMORY) -> re2.Options:
    """Return how RE2 is run: UTF-8, silent, no groups, in so many bytes."""
    options = re2.Options()
    options.max_mem = memory
    options.log_errors = False
    options.never_capture = True
    return options


def without_surrogates(text: str) -> str:
    """Return ``text`` with each lone surrogate replaced by U+FFFD; offsets stay."""
    return text if text.isascii() else in_slices(text, lambda part: _SURROGATE.sub("\ufffd", part))


class TextView:
    """A text as code points and as UTF-8."""

    __slots__ = ("data", "is_ascii", "text")

    def __init__(self, text: str) -> None:
        """Encode the text; lone surrogates count as U+FFFD."""
        self.is_ascii = text.isascii()
        self.text = without_surrogates(text)
        self.data = encoded(self.text)


class LinearPattern:
    r"""A compiled pattern.

    Args:
        regex: Python or RE2 syntax; ``\d \w \s \b`` are ASCII.
        flags: ``re.IGNORECASE``, ``re.MULTILINE``, ``re.DOTALL`` and ``re.VERBOSE``.
        trusted: It is known to run in linear time; it is read and compiled, for each engine, when it is first
            needed.

    Raises:
        Unsupported: The pattern does not compile, cannot run in linear time, or can match nothing.
    """

    __slots__ = (
        "_bounds",
        "_direct",
        "_group",
        "_match",
        "_spelled",
        "_trusted",
        "_verifier",
        "flags",
        "regex",
    )

    def __init__(self, regex: str, flags: int = 0, *, trusted: bool = False) -> None:
        self.regex = regex
        self.flags = flags
        self._trusted = trusted
        self._bounds: Bounds | None = None
        self._spelled = ""  # for ``re``, which is to verify what RE2 finds, if anything is
        self._verifier: re.Pattern[str] | None = None
        self._match: _Match | None = None
        self._group: str | int = 0
        self._direct = False
        if not trusted:
            self.compile()

    @property
    def coarse(self) -> str:
        """The pattern in RE2's syntax, without lookarounds: it matches wherever the pattern does.

        Raises:
            Unsupported: The pattern does not compile.
        """
        tree = self._parsed()
        return tree if isinstance(tree, str) else source(tree, Dialect.COARSE)

    def compile(self) -> _Match:
        """Read and compile the pattern unless that is done; return the search that knows no lookarounds.

        Raises:
            Unsupported: It does not compile, or cannot run in linear time.
        """
        if self._match is not None:
            return self._match
        tree = self._parsed()
        if isinstance(tree, str):
            self._match = _compiled(tree)
            return self._match
        self._bounds = found = bounds(tree, count_leaves=False) if self._trusted else _checked(tree)
        self._direct = found.most * _BYTES_PER_POINT <= WINDOW
        if found.marks:
            self._group = MARK
        if found.looks or found.marks:
            self._spelled = source(tree, Dialect.PYTHON)
            if not self._trusted:
                self.verifier()
        self._match = _compiled(source(tree, Dialect.RE2))
        return self._match

    def verifier(self) -> re.Pattern[str]:
        """Return what tells whether there is a match where RE2 found one but for lookarounds.

        Raises:
            Unsupported: ``re`` refuses a lookbehind whose width may vary.
        """
        if self._verifier is None:
            try:
                self._verifier = re.compile(self._spelled, re.ASCII)
            except re.error as exc:
                raise Unsupported(f"it does not compile: {exc}") from exc
        return self._verifier

    def signs(self, *, anew: bool = False) -> tuple[Sign, ...]:
        """Return sequences one of which stands in every text that it matches; none if there are none.

        Args:
            anew: Work them out, even if they are known.
        """
        known = None if anew else known_signs(self.regex, self.flags)
        if known is not None:
            return known
        tree = self._parsed()
        return () if isinstance(tree, str) else signs(tree)

    def _parsed(self) -> Node | str:
        """Return the pattern's tree, or the pattern as RE2 reads it if its syntax is RE2's alone."""
        try:
            return parse(self.regex, self.flags)
        except ForeignSyntax as exc:
            return _foreign(self.regex, self.flags, exc)

    def scan(self, view: TextView, tick: Callable[[], None] = lambda: None) -> Scan:
        """Start looking through a text; ``tick`` is called after each bounded piece of work."""
        return Scan(self, view, tick)

    def may_match(self, view: TextView) -> bool:
        """Tell whether there is a match but for lookarounds."""
        return self.compile()(view.data, 0, len(view.data)) is not None

    def finditer(self, text: str) -> Iterator[tuple[int, int]]:
        """Yield all matches as ``(start, end)`` in code points."""
        scan = self.scan(TextView(text))
        while found := scan.next():
            yield found


class Scan:
    """One pass of one pattern over one text; matches come in ascending order, disjoint."""

    __slots__ = ("_byte", "_match", "_pattern", "_point", "_tick", "_view")

    def __init__(self, pattern: LinearPattern, view: TextView, tick: Callable[[], None]) -> None:
        """Stand at the start of the text."""
        self._match = pattern.compile()
        self._pattern = pattern
        self._view = view
        self._tick = tick
        self._byte = 0
        self._point = 0

    def next(self) -> tuple[int, int] | None:
        """Return the next match, in code points, and stand behind it; None if there is no more."""
        while self._byte < len(self._view.data):
            self._tick()
            found = self._search()
            if found is None:
                return None
            start, end = found
            if start < end:
                self._stand_at(end)
                return found
            self._stand_at(start + 1)
        return None

    def stand_at(self, point: int) -> None:
        """Go on from code point ``point``, which may lie before the end of the last match."""
        self._stand_at(point)

    def _search(self) -> tuple[int, int] | None:
        if self._pattern._spelled:  # noqa: SLF001 - the two classes are one machine
            return self._verified()
        found = self._direct() if self._pattern._direct else self._windowed()  # noqa: SLF001
        if found is None:
            return None
        start, end = found
        self._go_to_byte(start)
        return self._point, self._point + self._points(start, end)

    def _direct(self) -> tuple[int, int] | None:
        return self._match(self._view.data, self._byte, len(self._view.data))

    def _windowed(self) -> tuple[int, int] | None:
        data, match = self._view.data, self._match
        position, room = self._byte, 2 * WINDOW
        while position < len(data):
            end = min(position + room, len(data))
            found = match(data, position, end)
            if found is not None and found[0] < position + room // 2:
                if found[1] < end or end == len(data):
                    return found
                position, room = found[0], 2 * room
                continue
            if end == len(data):
                return found
            position = _boundary(data, position + room // 2)
            self._tick()
        return None

    def _verified(self) -> tuple[int, int] | None:
        reach = self._pattern._bounds  # noqa: SLF001
        assert reach is not None  # noqa: S101 - a verifier comes with bounds
        text, room = self._view.text, reach.most + reach.ahead + 2
        size, tried = 1, -_NEAR
        verifier = self._pattern._verifier  # noqa: SLF001
        while candidate := self._direct():
            verifier = verifier or self._pattern.verifier()
            self._go_to_byte(candidate[0])
            start = self._point
            size = min(size * _GROWTH, _BLOCK) if start < tried + _NEAR else 1
            tried = min(start + size, len(text))
            look = verifier.match if size == 1 else verifier.search
            found = look(text, start, min(tried + room, len(text)))
            if found is not None and found.start() < tried:
                return found.span(self._pattern._group)  # noqa: SLF001
            self._stand_at(tried)
            self._tick()
        return None

    def _points(self, start: int, end: int) -> int:
        """Return how many code points the bytes ``[start, end)`` are."""
        if self._view.is_ascii:
            return end - start
        data, points = self._view.data, 0
        while end - start > STRETCH:
            part = _boundary(data, start + STRETCH)
            points += len(data[start:part].decode())
            start = part
        return points + len(data[start:end].decode())

    def _go_to_byte(self, byte: int) -> None:
        self._point += self._points(self._byte, byte)
        self._byte = byte

    def _stand_at(self, point: int) -> None:
        text = self._view.text
        if self._view.is_ascii:
            self._byte = point
        elif point >= self._point:
            self._byte += len(encoded(text[self._point : point]))
        else:
            self._byte -= len(encoded(text[point : self._point]))
        self._point = point


def _checked(tree: Node) -> Bounds:
    """Return the bounds of a pattern that can run; refuse it otherwise."""
    found = bounds(tree)
    if found.least == 0:
        raise Unsupported("it can match the empty text")
    if not found.looks and not found.marks:
        return found
    if found.most + found.ahead + found.behind > MAX_VERIFIED_WIDTH:
        raise Unsupported(
            f"with lookarounds or a group 'original', it may touch {MAX_VERIFIED_WIDTH} characters at most; "
            "bound its repeats"
        )
    if found.leaves > MAX_LEAVES:
        raise Unsupported(
            f"with lookarounds or a group 'original', it may backtrack over {MAX_LEAVES} paths at most; "
            "make its parts distinct"
        )
    return found


def _foreign(regex: str, flags: int, reason: Exception) -> str:
    """Return the pattern as RE2 is to read it, for syntax that only RE2 knows."""
    if flags & re.VERBOSE:
        raise Unsupported(f"it does not compile: {reason}")
    letters = "".join(
        letter
        for letter, flag in (("i", re.IGNORECASE), ("m", re.MULTILINE), ("s", re.DOTALL))
        if flags & flag
    )
    spelled = f"(?{letters}:{regex})" if letters else regex
    try:
        if re2.compile(spelled.encode(), re2_options(_MOST_MEMORY)).search(b""):
            raise Unsupported("it can match the empty text")
    except (re2.error, UnicodeEncodeError):
        raise Unsupported(f"it does not compile: {reason}") from reason
    return spelled


def _compiled(regex: str) -> _Match:
    """Compile for RE2; return a search of bytes between two offsets, blind to no context around them."""
    try:
        compiled = re2.compile(regex.encode(), re2_options())
    except re2.error:
        try:
            compiled = re2.compile(regex.encode(), re2_options(_MOST_MEMORY))
        except re2.error as exc:
            raise Unsupported(f"RE2 refuses it: {_reason(exc)}") from exc

    match = compiled._regexp.Match  # noqa: SLF001 - the public search makes two more objects for each call

    def search(data: bytes, start: int, end: int) -> tuple[int, int] | None:
        span: tuple[int, int] = match(_UNANCHORED, data, start, end)[0]
        return span if span[0] >= 0 else None

    return search


def _reason(exc: Exception) -> str:
    text = exc.args[0] if exc.args else exc
    return text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)


def _boundary(data: bytes, position: int) -> int:
    """Return the first offset from ``position`` on where a code point starts."""
    while position < len(data) and data[position] & 0xC0 == 0x80:
        position += 1
    return position
