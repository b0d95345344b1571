"""Strict DER, as much of it as certificates and CRLs need (X.690 §10, §11). Pure."""

from datetime import UTC, datetime
from typing import TypeAlias

INTEGER, BIT_STRING, OCTET_STRING, NULL, OID = 0x02, 0x03, 0x04, 0x05, 0x06
ENUMERATED, UTF8_STRING, PRINTABLE_STRING, UTC_TIME, GENERALIZED_TIME = 0x0A, 0x0C, 0x13, 0x17, 0x18
SEQUENCE, SET = 0x30, 0x31
LAST_UTC_YEAR = 2049  # RFC 5280 §4.1.2.5, C-083
DEEPEST = 16

Node: TypeAlias = tuple[int, "bytes | tuple[Node, ...]"]


class DerError(ValueError):
    """The bytes are no DER; says at which offset and why."""


def tlv(tag: int, *parts: bytes) -> bytes:
    """One element with the shortest length octets."""
    content = b"".join(parts)
    length = len(content)
    if length < 0x80:
        return bytes((tag, length)) + content
    octets = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(octets))) + octets + content


def integer(value: int) -> bytes:
    """A non-negative INTEGER."""
    return tlv(INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def oid(dotted: str) -> bytes:
    """An OBJECT IDENTIFIER."""
    first, second, *others = (int(arc) for arc in dotted.split("."))
    content = b""
    for arc in (40 * first + second, *others):
        groups = [arc & 0x7F]
        while arc := arc >> 7:
            groups.insert(0, 0x80 | arc & 0x7F)
        content += bytes(groups)
    return tlv(OID, content)


def time(at: datetime) -> bytes:
    """UTCTime to the end of 2049, GeneralizedTime after; Z, whole seconds. RFC 5280 §4.1.2.5, C-083."""
    at = at.astimezone(UTC)
    if at.year <= LAST_UTC_YEAR:
        return tlv(UTC_TIME, at.strftime("%y%m%d%H%M%SZ").encode())
    return tlv(GENERALIZED_TIME, at.strftime("%Y%m%d%H%M%SZ").encode())


def header(data: bytes, at: int, end: int) -> tuple[int, int, int]:
    """Tag, start and stop of the content of the element at offset `at`, which ends before `end`."""
    if end - at < 2:
        raise DerError(f"truncated at offset {at}")
    tag, length, start = data[at], data[at + 1], at + 2
    if tag & 0x1F == 0x1F:
        raise DerError(f"tag of more than one octet at offset {at}")
    if length >= 0x80:
        count = length & 0x7F
        length = int.from_bytes(data[start : start + count], "big")
        if not 1 <= count <= 4 or length < 0x80 or length >> 8 * (count - 1) == 0:
            raise DerError(f"length not in DER at offset {at}")
        start += count
    if start + length > end:
        raise DerError(f"truncated at offset {at}")
    return tag, start, start + length


def children(data: bytes, start: int, stop: int, depth: int = 0) -> tuple[Node, ...]:
    """The elements that fill `data[start:stop]` exactly, constructed ones as the tuple of their own elements."""
    if depth > DEEPEST:
        raise DerError("nested too deep")
    nodes: list[Node] = []
    while start < stop:
        first = start + 2
        if first <= stop and data[start + 1] < 0x80 and data[start] & 0x1F != 0x1F:  # nearly always: a short length
            tag, last = data[start], first + data[start + 1]
            if last > stop:
                raise DerError(f"truncated at offset {start}")
        else:
            tag, first, last = header(data, start, stop)
        nodes.append((tag, children(data, first, last, depth + 1) if tag & 0x20 else data[first:last]))
        start = last
    return tuple(nodes)


def tree(data: bytes) -> Node:
    """The one element that `data` is. Two trees are equal exactly when their bytes are. Raises DerError."""
    nodes = children(data, 0, len(data))
    if len(nodes) != 1:
        raise DerError(f"{len(nodes)} elements where one is expected")
    return nodes[0]


def split(data: bytes) -> list[bytes]:
    """The encodings of the elements that were concatenated to `data`."""
    found, at = [], 0
    while at < len(data):
        stop = header(data, at, len(data))[2]
        found.append(data[at:stop])
        at = stop
    return found


def elements(data: bytes) -> list[bytes]:
    """The encodings of the elements inside the one constructed element that `data` is."""
    _, start, stop = header(data, 0, len(data))
    return split(data[start:stop])
