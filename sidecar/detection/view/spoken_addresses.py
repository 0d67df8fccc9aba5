"""Reads e-mail addresses whose signs are spelled out or stand apart: "j.smith [at] company [dot] com".

Only where the whole form is plausible: a sign for ``@`` in brackets before a host, or the bare word
before a host whose dots are spelled out too and that ends in a top-level domain; and never behind "look",
nor before "the". Each sign is one edit, so offsets are exact; the work for one sign is bounded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from sidecar.detection.linear import LinearPattern, TextView
from sidecar.detection.view.offsets import Edit

_AT = "at|ät|æt|arroba|arobase|arobas|chiocciola|apenstaartje|apestaart|klammeraffe"
_DOT = "dot|punkt|punto|ponto|point|punt"
_SIGNS = {"underscore": "_", "dash": "-", "hyphen": "-", "minus": "-", "plus": "+", "guion": "-"}
_OPEN, _CLOSE = r"[\[({<]{1,2}[ \t]?", r"[ \t]?[\])}>]{1,2}"
_SIGN_AT = re.compile(
    rf"[ \t]{{0,2}}{_OPEN}(?:{_AT}|@){_CLOSE}[ \t]{{0,2}}|(?<=\w)\(a\)(?=\w)"
    r"|[ \t]_at_[ \t]|_at_(?=[^\W_]{1,63}_dot_)"
    rf"|(?<=\w)[ \t]{{1,3}}(?P<bare>{_AT}|@)[ \t]{{1,3}}|(?<=\w)(?P<apart>@)[ \t]{{1,2}}",
    re.IGNORECASE,
)
_SPELLED_DOT = (
    rf"[ \t]{{0,2}}{_OPEN}(?:{_DOT}|\.){_CLOSE}[ \t]{{0,2}}|[ \t]{{1,2}}(?:{_DOT})[ \t]{{1,2}}|_dot_"
)
_SPELLED = re.compile(
    rf"(?:{_SPELLED_DOT})|[ \t]{{1,2}}(?P<sign>{'|'.join(_SIGNS)})[ \t]{{1,2}}", re.IGNORECASE
)
_LABEL = r"[^\W_](?:[^\W_]|-(?=[^\W_])){0,62}"
_HOST = re.compile(
    rf"{_LABEL}(?:[ \t]{{1,2}}(?:dash|hyphen|minus|guion)[ \t]{{1,2}}{_LABEL}){{0,2}}"
    rf"(?:(?:{_SPELLED_DOT}|\.){_LABEL}){{1,5}}",
    re.IGNORECASE,
)
_HOST_DOT = re.compile(rf"(?P<spelled>{_SPELLED_DOT})|\.", re.IGNORECASE)
_LOCAL = re.compile(
    rf"(?<![\w.+%'-])[\w.+%'-]++(?:(?:{_SPELLED.pattern.replace('?P<sign>', '?:')})[\w.+%'-]++){{0,4}}\Z",
    re.IGNORECASE,
)
_LOCAL_ROOM = 96  # code points before the sign that a local part may lie in
ADDRESS = LinearPattern(
    rf"[ \t]?(?:[\[({{<][ \t]?(?:{_AT}|@)[ \t]?[\])}}>]|\(a\)"
    rf"|[ \t_]_?(?:{_AT})(?:[ \t]{{1,3}}|_[ \t]?)[^\s]{{1,80}}"
    rf"(?:[ \t]{{0,2}}[\[({{<][ \t]?|[ \t]{{1,2}}|_)(?:{_DOT}|dash|hyphen|minus|guion|\.)[\])}}> \t_])"
    r"|[ \t](?-i:AT|@)[ \t]{1,3}[^\s.]{1,80}\.[a-z]|@[ \t]{1,2}[^\s.@]{1,80}\.[a-z]",
    re.IGNORECASE,
)
"""Matches in every text that has an address to edit."""

_DOMAINS = frozenset(
    """
    com net org edu gov mil int info biz name pro mobi io co ai app dev me tv cc xyz online site tech
    store shop cloud email example test eu us uk ca au nz ie de at ch fr be nl lu es pt it gr pl cz sk
    hu ro bg hr si rs ua ru by lt lv ee fi se no dk is tr il ae sa eg za ng ke ma in pk bd lk cn hk tw
    jp kr sg my th vn ph id br mx ar cl pe ve uy
    """.split()  # noqa: SIM905 - a list that people read
)
_OLD_DOMAINS = frozenset(("com", "net", "org", "edu", "gov", "de", "fr", "se", "dk", "no", "nl", "at", "ch"))
_DOMAIN_SIZES = range(2, 25)
_NO_LOCAL = frozenset(
    """
    a an and are arrive arrived available based be book both buy call check download find found get
    glance go good he here hosted i is it join keep live located look looked looking looks mail me meet
    met more now only open or order out page read see seen she shop shot site sign start stay stop stare
    stared staring the them they this up us visit was we were website work worked working works you
    """.split()  # noqa: SIM905 - a list that people read
)
_NO_HOST = frozenset(
    """
    a all an any each every first her his its last least most my no one our that the their this your
    """.split()  # noqa: SIM905 - a list that people read
)


def address_edits(view: TextView) -> Iterator[Edit]:
    """Yield an edit for each spelled sign of each address, ascending."""
    scan, done = ADDRESS.scan(view), 0
    while candidate := scan.next():
        sign = _SIGN_AT.match(view.text, candidate[0])
        place = _place(view.text, sign, done) if sign else None
        if sign is None or place is None:
            scan.stand_at(candidate[0] + 1)
            continue
        start, done = place
        yield from _signs(view.text, start, sign.start())
        yield *sign.span(), "@"
        yield from _signs(view.text, sign.end(), done)
        scan.stand_at(done)


def _signs(text: str, start: int, end: int) -> Iterator[Edit]:
    for spelled in _SPELLED.finditer(text, start, end):
        yield *spelled.span(), _SIGNS.get((spelled["sign"] or "").lower(), ".")


def _place(text: str, sign: re.Match[str], done: int) -> tuple[int, int] | None:
    """Return where the address around a sign stands, not before ``done``; None if there is none."""
    end = _host_end(text, sign)
    local = _LOCAL.search(text, max(done, sign.start() - _LOCAL_ROOM), sign.start()) if end else None
    return (local.start(), end) if end and local and _plausible(sign, local[0]) else None


def _host_end(text: str, sign: re.Match[str]) -> int | None:
    """Return where the host behind a sign ends: at its last plausible top-level domain."""
    found = _HOST.match(text, sign.end())
    if found is None:
        return None
    dots = list(_HOST_DOT.finditer(text, *found.span()))
    ends = [*(dot.start() for dot in dots[1:]), found.end()]
    spelled = [dot["spelled"] is not None for dot in dots]
    for at in reversed(range(len(dots))):
        domain = text[dots[at].end() : ends[at]]
        if _is_domain(domain, sign, spelled=any(spelled[: at + 1])):
            first = text[found.start() : dots[0].start()].lower()
            return None if sign["bare"] and first in _NO_HOST else ends[at]
    return None


def _is_domain(domain: str, sign: re.Match[str], *, spelled: bool) -> bool:
    """Tell whether a host behind a sign may end so; ``spelled``: one of its dots is spelled out."""
    common = domain.lower() in _DOMAINS
    if sign["bare"] or sign["apart"]:
        return common and (spelled or sign["bare"] in (None, "AT", "@"))
    even = sign[0][:1].isspace() == sign[0][-1:].isspace()
    if not spelled and (not even or sign[0] == "(a)"):  # a call, a list
        return domain.lower() in _OLD_DOMAINS
    return common or (domain.isalpha() and len(domain) in _DOMAIN_SIZES)


def _plausible(sign: re.Match[str], local: str) -> bool:
    """Tell whether what stands before a sign may be a local part."""
    if not any(char.isalnum() for char in local):
        return False
    return not (sign["bare"] or sign["apart"]) or local.lower() not in _NO_LOCAL
