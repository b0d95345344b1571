"""What a signer and its client say to each other, one line each (pure).

    sign <uuid>            signed <uuid>                   refused <uuid> <reason>              failed <uuid> <reason>
                           precertified <uuid>
    crl <issuer> <shard>   crl <issuer> <shard> <number>   refused <issuer>/<shard> <reason>    failed …

`refused` is final for the record as it is; `failed` leaves open what happened, and the same request again is safe.
Anything else gets one `error <reason>` line and the end of the connection.
"""

import re
from typing import TypeAlias
from uuid import UUID

import msgspec

LINE_MAX = 2048
REASON_MAX = 500
SIGN = re.compile(rb"sign ([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\n")
CRL = re.compile(rb"crl (0|[1-9][0-9]{0,4}) (0|[1-9][0-9]{0,3})\n")

Key: TypeAlias = UUID | tuple[int, int]


class Signed(msgspec.Struct, frozen=True):
    """The record's certificate is stored; now or since an earlier request."""


class Precertified(msgspec.Struct, frozen=True):
    """The record's precertificate is stored; the certificate that its SCTs lead to must be recorded next."""


class SignRefused(msgspec.Struct, frozen=True):
    """This will never be signed, as it is; says why."""

    reason: str


class SignerAway(msgspec.Struct, frozen=True):
    """Whether it is signed is unknown; the same request again is safe."""

    reason: str


class CrlMade(msgspec.Struct, frozen=True):
    """A CRL with this number is stored."""

    number: int


SignAnswer: TypeAlias = Signed | Precertified | SignRefused | SignerAway
CrlAnswer: TypeAlias = CrlMade | SignRefused | SignerAway


def parse(line: bytes) -> Key:
    """What a line asks for. Raises ValueError."""
    if found := SIGN.fullmatch(line):
        return UUID(found[1].decode())
    if found := CRL.fullmatch(line):
        return int(found[1]), int(found[2])
    raise ValueError("expected 'sign <uuid>' or 'crl <issuer> <shard>'")


def name_of(key: Key) -> str:
    """How answers name what was asked for."""
    return str(key) if isinstance(key, UUID) else f"{key[0]}/{key[1]}"


def line_of(key: Key, answer: SignAnswer | CrlAnswer) -> bytes:
    """An answer as a line of the protocol."""
    name = name_of(key)
    match answer:
        case Signed():
            return f"signed {name}\n".encode()
        case Precertified():
            return f"precertified {name}\n".encode()
        case CrlMade(number):
            return f"crl {name.replace('/', ' ')} {number}\n".encode()
        case SignRefused(reason):
            return f"refused {name} {one_line(reason)}\n".encode()
        case SignerAway(reason):
            return f"failed {name} {one_line(reason)}\n".encode()


def one_line(reason: str) -> str:
    """At most REASON_MAX characters without a line break."""
    return " ".join(reason.split())[:REASON_MAX]


def answer_of(line: bytes) -> tuple[str, SignAnswer | CrlAnswer]:
    """Whom a line answers (as `name_of`) and how. Raises ValueError."""
    word, name, *rest = line.decode().rstrip("\n").split(" ", 2)
    reason = rest[0] if rest else ""
    match word:
        case "signed":
            return name, Signed()
        case "precertified":
            return name, Precertified()
        case "crl":
            shard, number = reason.split(" ")
            return f"{name}/{shard}", CrlMade(int(number))
        case "refused":
            return name, SignRefused(reason)
        case "failed":
            return name, SignerAway(reason)
        case _:
            raise ValueError(f"unexpected answer: {line[:80]!r}")
