"""Tables of HPACK, the compression of HTTP/2's header fields.

Source: RFC 7541, appendix A (static table) and appendix B (Huffman code). The code is canonical, so the
lengths say all of it: codes of one length follow each other in the order of their symbols.
"""

from __future__ import annotations

from itertools import accumulate

END_OF_STRING = 256
_CODE_LENGTHS = """
13 23 28 28 28 28 28 28 28 24 30 28 28 30 28 28 28 28 28 28 28 28 30 28 28 28 28 28 28 28 28 28 6 10
10 12 13 6 8 11 10 10 8 11 8 6 6 6 5 5 5 6 6 6 6 6 6 6 7 8 15 6 12 10 13 6 7 7 7 7 7 7 7 7 7 7 7 7 7
7 7 7 7 7 7 7 7 7 8 7 8 13 19 13 14 6 15 5 6 5 6 5 6 6 6 5 7 7 6 6 6 5 6 7 6 5 5 6 7 7 7 7 7 15 11
14 13 28 20 22 20 20 22 22 22 23 22 23 23 23 23 23 24 23 24 24 22 23 24 23 23 23 23 21 22 23 22 23
23 24 22 21 20 22 22 23 23 21 23 22 22 24 21 22 23 23 21 21 22 21 23 22 23 23 20 22 22 22 23 22 22
23 26 26 20 19 22 23 22 25 26 26 26 27 27 26 24 25 19 21 26 27 27 26 27 24 21 21 26 26 28 27 27 27
20 24 20 21 22 21 21 23 22 22 25 25 24 24 26 23 26 27 26 26 27 27 27 27 27 28 27 27 27 27 27 26 30
"""
_STATIC = """
:authority
:method GET
:method POST
:path /
:path /index.html
:scheme http
:scheme https
:status 200
:status 204
:status 206
:status 304
:status 400
:status 404
:status 500
accept-charset
accept-encoding gzip, deflate
accept-language
accept-ranges
accept
access-control-allow-origin
age
allow
authorization
cache-control
content-disposition
content-encoding
content-language
content-length
content-location
content-range
content-type
cookie
date
etag
expect
expires
from
host
if-match
if-modified-since
if-none-match
if-range
if-unmodified-since
last-modified
link
location
max-forwards
proxy-authenticate
proxy-authorization
range
referer
refresh
retry-after
server
set-cookie
strict-transport-security
transfer-encoding
user-agent
vary
via
www-authenticate
"""


def _static() -> tuple[tuple[bytes, bytes], ...]:
    lines = (line.partition(" ") for line in _STATIC.split("\n")[1:-1])
    return tuple((name.encode(), text.encode()) for name, _, text in lines)


def _tree() -> list[list[int]]:
    """Return the code as a binary tree: per node the next one for bit 0 and 1, or ``~symbol`` at its end."""
    lengths = [int(length) for length in _CODE_LENGTHS.split()]
    tree = [[0, 0]]
    code = length = 0
    for symbol in sorted(range(END_OF_STRING + 1), key=lambda each: (lengths[each], each)):
        code <<= lengths[symbol] - length
        length = lengths[symbol]
        node = 0
        for shift in range(length - 1, 0, -1):
            bit = code >> shift & 1
            if not tree[node][bit]:
                tree.append([0, 0])
                tree[node][bit] = len(tree) - 1
            node = tree[node][bit]
        tree[node][code & 1] = ~symbol
        code += 1
    return tree


def _steps(tree: list[list[int]]) -> list[tuple[int, bytes]]:
    """Return, at ``16 * node + half a byte``, the node after these four bits and what they complete.

    A node of -1: the bits hold the code of the end, which no string may.
    """
    return [_step(tree, node, half) for node in range(len(tree)) for half in range(16)]


def _step(tree: list[list[int]], node: int, half: int) -> tuple[int, bytes]:
    said = b""
    for shift in (3, 2, 1, 0):
        node = tree[node][half >> shift & 1]
        if node == ~END_OF_STRING:
            return -1, b""
        if node < 0:
            said += bytes((~node,))
            node = 0
    return node, said


STATIC_TABLE = _static()
_TREE = _tree()
HUFFMAN_STEPS = _steps(_TREE)
# Where a string may end: up to seven bits into the code of the end, which is all ones.
PADDING_NODES = frozenset(accumulate(range(7), lambda node, _: _TREE[node][1], initial=0))
