"""DNS messages of the few kinds validation needs (pure). RFC 1035 §4, RFC 6891, RFC 8659 §4.1, RFC 8914.

Queries and answers here cost a tenth of a general library's; the tests compare both byte for byte.
"""

from collections.abc import Iterator
from enum import IntEnum
from struct import Struct, error

import msgspec

PAYLOAD = 1232
MAX_CHAIN = 16
MAX_NAME = 255
MAX_LABELS = 128
HEADER = Struct("!HHHHHH")
RR_FIXED = Struct("!HHIH")
QUESTION_FIXED = Struct("!HH")
SIGNED = Struct("!HBBI")  # what RRSIG data begins with: type covered, algorithm, labels, original TTL
OPT = b"\x00" + Struct("!HHIH").pack(41, PAYLOAD, 0x8000, 0)  # root, OPT, payload, DO, no option
QR, TC, RD, AD, RCODE = 0x8000, 0x0200, 0x0100, 0x0020, 0x000F
IN = 1


class RecordType(IntEnum):
    """Types asked for, and those that appear beside answers."""

    A = 1
    CNAME = 5
    SOA = 6
    TXT = 16
    AAAA = 28
    OPT = 41
    RRSIG = 46
    CAA = 257


class MalformedMessage(Exception):
    """The bytes are no DNS message, or one that says nothing sensible."""


class Answer(msgspec.Struct, frozen=True):
    """The RDATA found at the end of the alias chain. `extended_errors` are RFC 8914 codes.

    `authentic`: the resolver proved it by DNSSEC (AD). `ttl`: seconds for which all of it holds, as its zones say.
    """

    rcode: int
    truncated: bool
    rdatas: list[bytes]
    extended_errors: tuple[int, ...]
    authentic: bool = False
    ttl: int = 0


class Record(msgspec.Struct, frozen=True):
    """One resource record; `target` is the name a CNAME points to."""

    name: bytes
    type: int
    rdata: bytes
    target: bytes = b""
    ttl: int = 0


def encode_name(name: str) -> bytes:
    """Wire form of an ASCII name, lower case. Raises MalformedMessage for an empty or too long label or name."""
    if name == ".":
        return b"\x00"
    labels = name.lower().rstrip(".").encode().split(b".")
    if not all(labels) or len(name) > MAX_NAME - 2 or max(map(len, labels)) > 63:
        raise MalformedMessage(f"{name[:64]} is no domain name")
    return b"".join([b"%c%b" % (len(label), label) for label in labels]) + b"\x00"


def encode_query(message_id: int, qname: bytes, rtype: RecordType) -> bytes:
    """A recursive query with EDNS, DO and AD set, so that a validating resolver says what it found."""
    return HEADER.pack(message_id, RD | AD, 1, 0, 0, 1) + qname + QUESTION_FIXED.pack(rtype, IN) + OPT


def read_name(message: bytes, at: int) -> tuple[bytes, int]:
    """The uncompressed lower-case name at an offset and the offset after it. Pointers only go backwards."""
    labels: list[bytes] = []
    after, limit = -1, at
    while (length := message[at]) != 0:
        if len(labels) > MAX_LABELS:
            raise MalformedMessage("a name is too long")
        if length >= 0xC0:
            pointer = (length & 0x3F) << 8 | message[at + 1]
            if pointer >= limit:
                raise MalformedMessage("a name points forward")
            labels.append(b"")  # a jump counts as a label, so that they are bounded too
            after, at, limit = (at + 2 if after < 0 else after), pointer, pointer
        elif length < 64:
            labels.append(message[at : at + 1 + length])
            at += 1 + length
        else:
            raise MalformedMessage("a label has an unknown type")
    name = b"".join(labels).lower() + b"\x00"
    if len(name) > MAX_NAME:
        raise MalformedMessage("a name is too long")
    return name, (at + 1 if after < 0 else after)


def read_records(message: bytes, at: int, count: int) -> Iterator[Record]:
    """`count` records from an offset on; `type` is 0 for a class other than IN (OPT puts its payload there)."""
    for _ in range(count):
        name, at = read_name(message, at)
        rtype, rclass, ttl, length = RR_FIXED.unpack_from(message, at)
        start, at = at + 10, at + 10 + length
        if at > len(message):
            raise MalformedMessage("a record is cut off")
        rtype = rtype if rclass == IN or rtype == RecordType.OPT else 0
        target = read_name(message, start)[0] if rtype == RecordType.CNAME else b""
        yield Record(name, rtype, message[start:at], target, ttl)


def extended_errors(options: bytes) -> Iterator[int]:
    """INFO-CODEs of the Extended DNS Error options in the RDATA of an OPT record. RFC 8914 §2."""
    at = 0
    while at + 4 <= len(options):
        code, length = QUESTION_FIXED.unpack_from(options, at)
        if code == 15 and length >= 2:
            yield int.from_bytes(options[at + 4 : at + 6], "big")
        at += 4 + length


def chain(records: list[Record], qname: bytes) -> list[bytes]:
    """The names from `qname` to where its CNAME records lead; a loop or a chain over 16 names is refused."""
    aliases = {r.name: r.target for r in records if r.type == RecordType.CNAME}
    names = [qname]
    while names[-1] in aliases:
        if len(names) == MAX_CHAIN:
            raise MalformedMessage("its aliases form a loop")
        names.append(aliases[names[-1]])
    return names


def ttl_of(records: list[Record], names: list[bytes], rtype: RecordType, authentic: bool) -> int:
    """The least TTL of what was found, the aliases included.

    A proven answer says which TTL the zone itself gave (RFC 4034 §3.1.4); a cache may have lowered the other.
    """
    signed: dict[tuple[bytes, int], int] = {}
    for record in records:
        if authentic and record.type == RecordType.RRSIG and len(record.rdata) > SIGNED.size:
            covered, _, _, original = SIGNED.unpack_from(record.rdata)
            signed[record.name, covered] = original
    wanted = [r for r in records if r.name in names and r.type in (rtype, RecordType.CNAME)]
    return min((signed.get((r.name, r.type), r.ttl) for r in wanted), default=0)


def decode_answer(message: bytes, message_id: int, qname: bytes, rtype: RecordType) -> Answer | None:
    """The answer, aliases followed; None if it answers another query. Raises MalformedMessage for one cut off."""
    try:
        got_id, flags, questions, answers, authorities, additionals = HEADER.unpack_from(message)
        asked = qname + QUESTION_FIXED.pack(rtype, IN)
        after = 12 + len(asked)
        if got_id != message_id or not flags & QR or questions != 1 or message[12:after].lower() != asked.lower():
            return None
        if flags & TC:
            return Answer(flags & RCODE, True, [], ())
        records = list(read_records(message, after, answers + authorities + additionals))
    except (error, IndexError):
        raise MalformedMessage("it is cut off") from None
    found, authentic = records[:answers], bool(flags & AD)
    names = chain(found, qname)
    errors = tuple(c for r in records if r.type == RecordType.OPT for c in extended_errors(r.rdata))
    rdatas = [r.rdata for r in found if r.name == names[-1] and r.type == rtype]
    return Answer(flags & RCODE, False, rdatas, errors, authentic, ttl_of(found, names, rtype, authentic))


def txt_value(rdata: bytes) -> bytes:
    """The character-strings of one TXT record, joined. A-169."""
    strings, at = [], 0
    while at < len(rdata):
        end = at + 1 + rdata[at]
        strings.append(rdata[at + 1 : end])
        at = end
    if at != len(rdata):
        raise MalformedMessage("a TXT record is cut off")
    return b"".join(strings)


def caa_fields(rdata: bytes) -> tuple[int, str, bytes]:
    """Flags, tag in lower case, value. RFC 8659 §4.1."""
    length = rdata[1] if len(rdata) > 1 else 0
    tag = rdata[2 : 2 + length]
    if not tag.isalnum() or len(tag) != length:
        raise MalformedMessage("a CAA record has no proper tag")
    return rdata[0], tag.decode().lower(), rdata[2 + length :]
