"""Fixed-length records: a layout is a table of fields; a record is all legal or its first bad byte is named."""

import codecs
import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from types import MappingProxyType
from typing import Final

from contract_gate.formats.receipt import BadFile

LENGTH: Final = 200

DIGITS = frozenset(b"0123456789")
# JIS X 0201: half-width kana without ｦ, small kana and the long-vowel mark
PLAIN = DIGITS | frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ ") | frozenset(range(0xB1, 0xE0))
LEGAL: Mapping[str, frozenset[int]] = MappingProxyType(
    {
        "number": DIGITS,
        "optional": DIGITS,
        "bank": PLAIN | frozenset(b"-"),
        "name": PLAIN | frozenset(b"()-."),
        "edi": PLAIN | frozenset(b"()-.\\/") | {0xA2, 0xA3, 0xA6},
        "filler": frozenset(b" "),
    }
)
AS_UTF8 = (b"\xef\xbd", b"\xef\xbe")  # how every half-width kana begins there
# cp932, byte by byte: no legal byte begins a character of two
CHARACTERS: Final = "".join(
    chr(octet) if octet < 0x80 else bytes((octet,)).decode("cp932", "replace") for octet in range(256)
)


def departs(value: str, allowed: Sequence[str]) -> int | None:
    """Where a value departs from each of the allowed ones, which are as long; None: it is one of them."""
    return next((at for at in range(len(value)) if not any(a.startswith(value[: at + 1]) for a in allowed)), None)


class Field:
    """Bytes `first` to `last` of a record, counted from 1. `number` must be there, `optional` may be blank.

    `allowed`: the only values a number may have.
    """

    def __init__(self, name: str, first: int, last: int, kind: str, allowed: tuple[str, ...] = ()) -> None:
        self.name, self.first, self.last, self.kind, self.allowed = name, first, last, kind, allowed
        self.size = last - first + 1

    @property
    def pattern(self) -> bytes:
        """What matches exactly the legal values."""
        if self.allowed:
            return b"(" + b"|".join(value.encode() for value in self.allowed) + b")"
        one = b"[" + b"".join(re.escape(bytes((octet,))) for octet in sorted(LEGAL[self.kind])) + b"]"
        many = one + b"{%d}" % self.size
        return b"(" + many + (b"| {%d})" % self.size if self.kind == "optional" else b")")

    def fault(self, value: bytes) -> tuple[int, str] | None:
        """Position in the record and reason of the first byte that is not legal."""
        if self.allowed:
            at = departs(value.decode("latin-1"), self.allowed)
            return None if at is None else (self.first + at, f"must be one of {', '.join(self.allowed)}")
        if self.kind == "optional" and not value.strip(b" "):
            return None
        legal = LEGAL[self.kind]
        if self.kind == "optional" and legal.isdisjoint(value):
            legal = frozenset(b" ")  # a blank field with something in it
        for at, octet in enumerate(value):
            if octet not in legal:
                saved = ": saved as UTF-8? import the file as the bank sent it" if value[at : at + 2] in AS_UTF8 else ""
                return self.first + at, f"0x{octet:02X} is not legal here{saved}"
        return None


class Layout:
    """The fields of a record, without gap from byte 1 to byte 200."""

    def __init__(self, *fields: Field) -> None:
        ends = [0, *(field.last for field in fields)]
        if [field.first for field in fields] != [end + 1 for end in ends[:-1]] or ends[-1] != LENGTH:
            raise ValueError("a layout covers bytes 1 to 200 without a gap")
        self.fields = fields
        self.at = {field.name: field for field in fields}

    @cached_property
    def _pattern(self) -> re.Pattern[bytes]:
        return re.compile(b"".join(field.pattern for field in self.fields), re.DOTALL)

    def read(self, raw: bytes, record: int) -> dict[str, str]:
        """The values by name, spaces at their right end cut. Raises BadFile."""
        if found := self._pattern.fullmatch(raw):
            text, _ = codecs.charmap_decode(b"\0".join(found.groups()), "strict", CHARACTERS)
            return dict(
                zip(self.at, map(str.rstrip, text.split("\0")), strict=True)
            )  # no legal byte but 0x20 is a space
        raise self._first_fault(raw, record)

    def _first_fault(self, raw: bytes, record: int) -> BadFile:
        for field in self.fields:
            if fault := field.fault(raw[field.first - 1 : field.last]):
                return BadFile(record, fault[0], field.name, fault[1])
        raise AssertionError("a record that does not match has a fault")

    def bad(self, record: int, field: str, reason: str) -> BadFile:
        """The record is refused for what this field says."""
        return BadFile(record, self.at[field].first, field, reason)
