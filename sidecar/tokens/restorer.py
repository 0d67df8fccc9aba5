"""Restores one run of text that arrives in arbitrary pieces.

For every way of cutting a text, feeding the pieces and flushing gives exactly ``TokenMap.restore`` of
the whole. Nothing is held back but the longest suffix that may still become a live token (with its
opening quote, where a number may have to lose its quotes). What has been restored is never read again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from sidecar.model import Escaping
from sidecar.tokens.grammar import CLOSED, MAY_CLOSE, MAY_END, MAY_START, Grammar, Name, begins_name, readings
from sidecar.tokens.json_context import JsonContext


@dataclass(frozen=True, slots=True)
class Writing:
    """How one original is written: as it is, and within a JSON string."""

    text: str
    json: str
    is_number: bool


class LiveTokens:
    """The tokens that an exchange has given out, as the restorer looks for them.

    Args:
        grammar: What a token may look like.
        writings: For each token its name and its original.
    """

    __slots__ = ("_grammar", "_heads", "_numbers", "_writings", "json_matters", "numeric")

    def __init__(self, grammar: Grammar, writings: Mapping[Name, Writing]) -> None:
        self._grammar = grammar
        self._writings = writings
        types = {entity_type for entity_type, _ in writings}
        self._heads = {f"{name}_"[:end] for name in types for end in range(len(name) + 2)}
        self._numbers = {(name, number[:end]) for name, number in writings for end in range(len(number) + 1)}
        numeric = {name: writing for name, writing in writings.items() if writing.is_number}
        self.numeric: LiveTokens | None = None
        """The tokens whose originals are numbers, or None without any."""
        if len(numeric) == len(writings):
            self.numeric = self if numeric else None
        elif numeric:
            self.numeric = LiveTokens(grammar, numeric)
        self.json_matters = bool(numeric) or any(each.json != each.text for each in writings.values())
        """Whether it makes a difference for any original that it stands in JSON."""

    def __len__(self) -> int:
        return len(self._writings)

    def find(self, text: str, at: int) -> tuple[int, int, Writing] | None:
        """Return start, end and original of the first live token at or after ``at``."""
        while (first := MAY_START.search(text, at)) and MAY_END.search(text, first.end()):
            found = self._grammar.token.search(text, first.start())
            if found is None:
                break
            for name in readings(found["body"]):
                if writing := self._writings.get(name):
                    return found.start(), found.end(), writing
            at = found.start() + 1
        return None

    def may_become(self, text: str, start: int) -> bool:
        """Tell whether the text from ``start`` on is a proper prefix of a live token."""
        begun = self._grammar.begun.match(text, start)
        return begun is not None and self._may_become(text, begun)

    def may_go_on(self, text: str, start: int, end: int) -> bool:
        """Tell whether the token ``[start, end)``, up to the end of the text, may get another brace."""
        if text[end] not in MAY_CLOSE if end < len(text) else text.endswith(CLOSED, start):
            return False
        return self.may_become(text, start)

    def _may_become(self, text: str, begun: re.Match[str]) -> bool:
        stem, body = begun["stem"], begun["body"]
        if stem is not None:
            if begins_name(stem, self._heads, self._numbers):
                return True
            closing = self._grammar.closing.match(text, begun.start())
            body = closing["body"] if closing else None
            if body is None:
                return False
        return body is None or any(name in self._writings for name in readings(body))

    def hold_from(self, text: str, at: int) -> int:
        """Return where the longest suffix starts that may become a live token; at most its length.

        Args:
            text: What has not been written yet, with what the grammar needs to see before it.
            at: The first code point that may be held back.
        """
        at = max(at, len(text) - self._grammar.longest)
        while first := MAY_START.search(text, at):
            begun = self._grammar.begun.search(text, first.start())
            if begun is None:
                break
            if self._may_become(text, begun):
                return begun.start()
            at = begun.start() + 1
        return len(text)


class Restorer:
    """Restores one channel.

    Prose is written as it is, with one exception: as long as the channel is the start of one JSON object
    or array, as structured outputs are, an original inside a string of it is escaped, for the client
    will parse it. Prose that only looks so (a user's own JSON, echoed) is treated alike: valid JSON comes
    before the exact echo.
    """

    __slots__ = ("_before", "_context", "_escaping", "_followed", "_held", "_live")

    def __init__(self, live: LiveTokens, escaping: Escaping) -> None:
        self._live = live
        self._escaping = escaping
        self._held = ""
        self._before = ""  # the backslash before what is held, if there is one
        self._followed = 0  # how much of what is held the context has seen: a quote, or nothing
        self._context: JsonContext | None = None
        match escaping:
            case Escaping.JSON:
                self._context = JsonContext(strict=False)
            case Escaping.TEXT:
                self._context = JsonContext(strict=True) if live.json_matters else None
            case Escaping.RAW:
                pass

    @property
    def settled(self) -> bool:
        """Whether pieces without ``SPECIAL`` or control characters come out as they are, and leave it so."""
        if self._held or self._before:
            return False
        return self._context is None or self._context.settled

    def may_change(self, text: str) -> bool:
        """Tell whether a whole text may come out otherwise than it is, if nothing was fed before."""
        return MAY_START.search(text) is not None

    def feed(self, delta: str) -> str:
        """Take the next piece; return what is now certain."""
        if not delta or not self._live:
            return delta
        if self._held or MAY_START.search(delta) or self._may_end_fresh(delta):
            return self._run(delta, final=False)
        self._before = ""
        self._follow(delta)
        return delta

    def flush(self) -> str:
        """Return what was held back; the channel is over."""
        rest = self._run("", final=True) if self._held else ""
        if self._context:
            self._context.fresh = False  # a quote that has been written cannot be taken back
        return rest

    def _run(self, delta: str, *, final: bool) -> str:
        text = self._before + self._held + delta
        done = len(self._before)
        followed = done + self._followed
        stop = len(text)
        awaits_quote = False
        out: list[str] = []
        while found := self._live.find(text, done):
            start, end, writing = found
            if not final and self._live.may_go_on(text, start, end):
                break  # a second closing brace may follow
            self._follow(text[followed:start])
            followed = start
            if writing.is_number and self._at_fresh_string():
                if end == len(text) and not final:
                    awaits_quote = True
                    stop = start
                    break
                if text.startswith('"', end):
                    out += text[done : start - 1], self._write_bare(writing)
                    done = followed = end + 1
                    continue
            out += text[done:start], self._write(writing)
            done = followed = end
        if not final and not awaits_quote:
            stop = self._live.hold_from(text, done)
        self._follow(text[followed:stop])
        holds_quote = awaits_quote or (not final and self._may_lose_quotes(text, stop))
        stop -= holds_quote
        self._keep(text, stop, holds_quote)
        return "".join((*out, text[done:stop]))

    def _keep(self, text: str, stop: int, holds_quote: bool) -> None:
        self._held = text[stop:]
        self._followed = int(holds_quote)
        self._before = "\\" if text[:stop].endswith("\\") else ""

    def _follow(self, text: str) -> None:
        if self._context:
            self._context.feed(text)
            self._give_up_on_prose()

    def _give_up_on_prose(self) -> None:
        if self._context and self._context.broken and self._escaping is Escaping.TEXT:
            self._context = None

    def _at_fresh_string(self) -> bool:
        return self._context is not None and self._context.fresh

    def _may_end_fresh(self, delta: str) -> bool:
        """Tell whether a delta may end in a quote that the token of a number has to take with it."""
        return self._context is not None and self._live.numeric is not None and delta.endswith('"')

    def _may_lose_quotes(self, text: str, at: int) -> bool:
        """Tell whether ``at`` follows the opening quote of what may become a lone number."""
        numeric = self._live.numeric
        if numeric is None or not self._at_fresh_string():
            return False
        return at == len(text) or numeric.may_become(text, at)

    def _write_bare(self, writing: Writing) -> str:
        if self._context:
            self._context.replace_string()
        return writing.text

    def _write(self, writing: Writing) -> str:
        if self._context and self._context.in_string:
            self._context.pass_original()
            self._give_up_on_prose()
            return writing.json if self._context else writing.text
        written = writing.text
        if self._escaping is Escaping.JSON and self._context:
            if self._context.key_expected or not writing.is_number:
                written = f'"{writing.json}"'
        elif self._context and not self._context.begun:
            self._context = None  # a text that starts with a token is prose
        self._follow(written)
        if self._context:
            self._context.fresh = False  # a quote that ends an original is not the channel's
        return written
