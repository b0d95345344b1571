"""Revocations and time to the CRL of one shard, to be signed (pure). RFC 5280 §5; BR 7.2."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from ca.certificate import AUTHORITY_KEY_ID, ECDSA_SHA256, URI, Issuer, extension
from ca.der import ENUMERATED, INTEGER, SEQUENCE, integer, oid, time, tlv

CRL_NUMBER, ISSUING_DISTRIBUTION_POINT, REASON_CODE = oid("2.5.29.20"), oid("2.5.29.28"), oid("2.5.29.21")
VERSION_2 = integer(1)
NEXT_UPDATE = timedelta(days=7)  # at most 10 days, C-135
ROOT_NEXT_UPDATE = timedelta(days=364)  # at most 12 months, C-135
ONLY_USER_CERTIFICATES, ONLY_CA_CERTIFICATES = b"\x81\x01\xff", b"\x82\x01\xff"


class Revocation(msgspec.Struct, frozen=True):
    """A revoked serial number; `reason` None means unspecified."""

    serial: bytes
    reason: int | None
    revoked_at: datetime


def to_be_signed(
    issuer: Issuer,
    shard: int,
    number: int,
    revocations: Sequence[Revocation],
    this_update: datetime,
    next_update: datetime,
    *,
    of_ca_certificates: bool = False,
) -> bytes:
    """The TBSCertList of a shard. C-135..C-140."""
    revoked = tlv(SEQUENCE, *map(entry, revocations)) if revocations else b""  # absent when empty, C-139
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


def entry(revocation: Revocation) -> bytes:
    """One revoked certificate; reasonCode absent when unspecified, never critical. C-140."""
    reason = b""
    if revocation.reason is not None:
        reason = tlv(SEQUENCE, extension(REASON_CODE, tlv(ENUMERATED, bytes((revocation.reason,)))))
    return tlv(SEQUENCE, tlv(INTEGER, revocation.serial), time(revocation.revoked_at), reason)


def extensions(issuer: Issuer, shard: int, number: int, of_ca_certificates: bool) -> tuple[bytes, bytes, bytes]:
    """AKI, CRLNumber, and critical IssuingDistributionPoint with the address in the certificates. C-136..C-138."""
    url = tlv(0xA0, tlv(0xA0, tlv(URI, issuer.crl_url(shard).encode("ascii"))))
    scope = ONLY_CA_CERTIFICATES if of_ca_certificates else ONLY_USER_CERTIFICATES
    return (
        extension(AUTHORITY_KEY_ID, tlv(SEQUENCE, tlv(0x80, issuer.key_id))),
        extension(CRL_NUMBER, integer(number)),
        extension(ISSUING_DISTRIBUTION_POINT, tlv(SEQUENCE, url, scope), critical=True),
    )
