"""Revocations and time to the CRL of one shard, to be signed (pure). RFC 5280 §5; BR 7.2."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import lru_cache

import msgspec

from ca.certificate import AUTHORITY_KEY_ID, ECDSA_SHA256, URI, Issuer, extension
from ca.der import ENUMERATED, INTEGER, SEQUENCE, elements, header, integer, oid, time, tlv

CRL_NUMBER, ISSUING_DISTRIBUTION_POINT, REASON_CODE = oid("2.5.29.20"), oid("2.5.29.28"), oid("2.5.29.21")
VERSION_2 = integer(1)
NEXT_UPDATE = timedelta(days=7)  # at most 10 days, C-135
ROOT_NEXT_UPDATE = timedelta(days=364)  # at most 12 months, C-135
ONLY_USER_CERTIFICATES = b"\x81\x01\xff"


class Revocation(msgspec.Struct, frozen=True):
    """A revoked serial number; `reason` None means unspecified. `revoked_at`: since when not to be trusted (C-143)."""

    serial: bytes
    reason: int | None
    revoked_at: datetime


def to_be_signed(
    issuer: Issuer,
    shard: int,
    number: int,
    revocations: Iterable[Revocation],
    this_update: datetime,
    next_update: datetime,
    *,
    of_ca_certificates: bool = False,
) -> bytes:
    """The TBSCertList of a shard. C-135..C-140."""
    entries = (entry(one.serial, one.reason, one.revoked_at) for one in revocations)
    return of_entries(
        issuer, shard, number, entries, this_update, next_update, of_ca_certificates=of_ca_certificates
    )  # fmt: skip


def of_entries(
    issuer: Issuer,
    shard: int,
    number: int,
    entries: Iterable[bytes],
    this_update: datetime,
    next_update: datetime,
    *,
    of_ca_certificates: bool = False,
) -> bytes:
    """The same of entries that are encoded already: what a shard with many revocations is made of, part by part."""
    encoded = b"".join(entries)
    revoked = tlv(SEQUENCE, encoded) if encoded else b""  # absent when empty, C-139
    return tlv(
        SEQUENCE,
        VERSION_2,
        ECDSA_SHA256,
        issuer.subject,
        time(this_update),
        time(next_update),
        revoked,
        tlv(0xA0, tlv(SEQUENCE, *extensions(issuer, shard, number, of_ca_certificates))),
    )


def entry(serial: bytes, reason: int | None, revoked_at: datetime) -> bytes:
    """One revoked certificate, given the content octets of its serial number. `revoked_at` is UTC. C-140.

    A CRL may have hundreds of thousands: what recurs is encoded once.
    """
    clock = _clock(revoked_at.hour, revoked_at.minute, revoked_at.second)
    end = _day(revoked_at.toordinal()) + clock + _reason(reason)
    return _start(len(serial), len(end)) + serial + end


@lru_cache(maxsize=1024)
def _start(serial_length: int, end_length: int) -> bytes:
    """Tags and lengths of the entry and its serial number; all of it is far shorter than 128 octets."""
    return bytes((SEQUENCE, 2 + serial_length + end_length, INTEGER, serial_length))


@lru_cache(maxsize=8192)
def _day(ordinal: int) -> bytes:
    """What the encodings of all times of a day begin with. RFC 5280 §5.1.2.6, C-083."""
    return time(datetime.fromordinal(ordinal).replace(tzinfo=UTC))[: -len(b"hhmmssZ")]


@lru_cache(maxsize=86_400)
def _clock(hour: int, minute: int, second: int) -> bytes:
    """The rest of a time."""
    return b"%02d%02d%02dZ" % (hour, minute, second)


@lru_cache(maxsize=16)
def _reason(reason: int | None) -> bytes:
    """crlEntryExtensions: reasonCode, never critical; absent when unspecified. C-140."""
    if reason is None:
        return b""
    return tlv(SEQUENCE, extension(REASON_CODE, tlv(ENUMERATED, bytes((reason,)))))


def number_of(der: bytes) -> int | None:
    """The number of a CRL, ours or not; None for anything else."""
    try:
        optional = elements(elements(der)[0])[-1]
        _, start, stop = header(optional, 0, len(optional))
        found = [elements(each) for each in elements(optional[start:stop])]
        (value,) = (each[-1] for each in found if each[0] == CRL_NUMBER)
        _, start, stop = header(value, 0, len(value))
        number = value[start:stop]
        _, start, stop = header(number, 0, len(number))
    except (ValueError, IndexError):
        return None
    return int.from_bytes(number[start:stop], "big")


def extensions(issuer: Issuer, shard: int, number: int, of_ca_certificates: bool) -> tuple[bytes, ...]:
    """AKI, CRLNumber, and of a shard critical IssuingDistributionPoint with the address in its certificates.

    A root's CRL is full: it has no scope, and so is one of the root's own certificate, which names no address, too.
    C-136..C-138.
    """
    both = (
        extension(AUTHORITY_KEY_ID, tlv(SEQUENCE, tlv(0x80, issuer.key_id))),
        extension(CRL_NUMBER, integer(number)),
    )
    if of_ca_certificates:
        return both
    url = tlv(0xA0, tlv(0xA0, tlv(URI, issuer.crl_url(shard).encode("ascii"))))
    return (*both, extension(ISSUING_DISTRIBUTION_POINT, tlv(SEQUENCE, url, ONLY_USER_CERTIFICATES), critical=True))
