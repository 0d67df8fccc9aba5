"""HPACK: header blocks of HTTP/2 into fields, and fields into blocks.

What is read may use all of the format; what is written uses none of its tables, so that no block of ours
depends on another.

Source: RFC 7541.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from sidecar.extproc.rpc.hpack_tables import HUFFMAN_STEPS, PADDING_NODES, STATIC_TABLE

Field = tuple[bytes, bytes]

TABLE_BYTES = 4096  # the default, which an encoder may use before it has read anybody's settings
FIELDS_BYTES = 64 * 1024  # of one block, decoded
_ENTRY_BYTES = 32  # what each entry counts for beside its text (section 4.1)
_STATIC_FIELDS = len(STATIC_TABLE)


class HpackBroken(Exception):
    """A header block does not follow the format, or is too large."""


class FieldDecoder:
    """Decodes the header blocks of one connection, all of them and in their order."""

    def __init__(self) -> None:
        self._dynamic: deque[Field] = deque()
        self._bytes = 0
        self._limit = TABLE_BYTES

    def decode(self, block: bytes) -> list[Field]:
        """Return the fields of one block.

        Raises:
            HpackBroken: It breaks the format, or its fields take more than ``FIELDS_BYTES``.
        """
        try:
            return self._fields(block)
        except IndexError as exc:
            raise HpackBroken(
                "a header block ends within a field, or names an entry that is not there"
            ) from exc

    def _fields(self, block: bytes) -> list[Field]:
        fields: list[Field] = []
        at = total = 0
        while at < len(block):
            first = block[at]
            if first & 0x80:
                index, at = _integer(block, at, 7)
                field = self._entry(index)
            elif first & 0xE0 == 0x20:
                if fields:
                    raise HpackBroken("the header table changes its size within a block")
                limit, at = _integer(block, at, 5)
                self._resize(limit)
                continue
            else:
                remembered = first & 0x40
                index, at = _integer(block, at, 6 if remembered else 4)
                name, at = (self._entry(index)[0], at) if index else _string(block, at)
                text, at = _string(block, at)
                field = name, text
                if remembered:
                    self._remember(field)
            fields.append(field)
            total += len(field[0]) + len(field[1]) + _ENTRY_BYTES
            if total > FIELDS_BYTES:
                raise HpackBroken("header fields are too large")
        return fields

    def _entry(self, index: int) -> Field:
        if index == 0:
            raise HpackBroken("entry 0 of the header tables does not exist")
        return (
            STATIC_TABLE[index - 1] if index <= _STATIC_FIELDS else self._dynamic[index - _STATIC_FIELDS - 1]
        )

    def _remember(self, field: Field) -> None:
        self._bytes += len(field[0]) + len(field[1]) + _ENTRY_BYTES
        self._dynamic.appendleft(field)
        self._evict()

    def _resize(self, limit: int) -> None:
        if limit > TABLE_BYTES:
            raise HpackBroken("the header table is made larger than allowed")
        self._limit = limit
        self._evict()

    def _evict(self) -> None:
        while self._bytes > self._limit:
            name, text = self._dynamic.pop()
            self._bytes -= len(name) + len(text) + _ENTRY_BYTES


def encode(fields: Iterable[Field]) -> bytes:
    """Return a block that holds the fields as they are."""
    return b"".join(b"\0" + _length(len(name)) + name + _length(len(text)) + text for name, text in fields)


def _length(number: int) -> bytes:
    if number < 0x7F:
        return bytes((number,))
    out = bytearray(b"\x7f")
    number -= 0x7F
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _integer(block: bytes, at: int, bits: int) -> tuple[int, int]:
    """Return a number and where the next one begins (section 5.1)."""
    most = (1 << bits) - 1
    number = block[at] & most
    at += 1
    if number < most:
        return number, at
    for shift in range(0, 28, 7):
        byte = block[at]
        at += 1
        number += (byte & 0x7F) << shift
        if byte < 0x80:
            return number, at
    raise HpackBroken("a number in a header block is too large")


def _string(block: bytes, at: int) -> tuple[bytes, int]:
    """Return a string and where the next field begins (section 5.2)."""
    coded = block[at] & 0x80
    length, at = _integer(block, at, 7)
    end = at + length
    if end > len(block):
        raise HpackBroken("a string ends beyond its header block")
    text = block[at:end]
    return (_from_huffman(text) if coded else text), end


def _from_huffman(coded: bytes) -> bytes:
    node = 0
    said = []
    for byte in coded:
        node, some = HUFFMAN_STEPS[node << 4 | byte >> 4]
        if some:
            said.append(some)
        if node >= 0:
            node, some = HUFFMAN_STEPS[node << 4 | byte & 15]
            if some:
                said.append(some)
        if node < 0:
            raise HpackBroken("a string holds the code of its end")
    if node not in PADDING_NODES:
        raise HpackBroken("a string ends within a code")
    return b"".join(said)
