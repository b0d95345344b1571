"""Certificates as officers look them up."""

import re
from datetime import datetime
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key
from cryptography.x509 import Certificate as Certificate509
from cryptography.x509 import load_pem_x509_certificate

from ca import storage as ca
from ca.storage import KEY_COMPROMISE
from office.storage import revocations
from office.storage.revocations import Certificate, Scope, Whole
from office.use_cases.asked import MOST, Unfit, actor, two_persons
from office.use_cases.revocations import CRL_ATTEMPTS
from sql import Conn

SERIAL = re.compile(r"(?:[0-9a-f]{2}){9,20}")
DIGEST = re.compile(r"[0-9a-f]{64}")


def serial_of(text: str) -> bytes:
    """The serial number that the text spells in hexadecimal, colons allowed. Raises Unfit."""
    bare = text.strip().lower().replace(":", "")
    if not SERIAL.fullmatch(bare):
        raise Unfit(f"'{text}' is no serial number: write it in hexadecimal, as `keiyaku certificate list` shows it")
    return bytes.fromhex(bare)


def key_of(text: str) -> bytes:
    """SHA-256 of the SubjectPublicKeyInfo: in hexadecimal, or of a PEM public key or certificate. Raises Unfit."""
    bare = text.strip()
    if DIGEST.fullmatch(bare.lower()):
        return bytes.fromhex(bare)
    try:
        certificate = "BEGIN CERTIFICATE" in bare
        spki = _spki(load_pem_x509_certificate(bare.encode()) if certificate else load_pem_public_key(bare.encode()))
    except ValueError:
        raise Unfit("no key: give SHA-256 of its SubjectPublicKeyInfo, or a PEM public key or certificate") from None
    return sha256(spki).digest()


def _spki(found: Certificate509 | PublicKeyTypes) -> bytes:
    public = found.public_key() if isinstance(found, Certificate509) else found
    return public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


async def listed(conn: Conn, scope: Scope, now: datetime, dead: bool) -> list[Certificate]:
    """Certificates of a contract, a customer or a key, newest first; live ones only unless `dead`."""
    return await revocations.certificates(conn, scope, now, dead, MOST)


async def date_compromise(
    conn: Conn, serial: str, since: datetime, first: str, second: str, note: str, now: datetime
) -> Whole:
    """Two people say since when the key of a certificate was compromised, as was proven later (C-143). Raises Unfit.

    CRL and OCSP show that instant as the date of the revocation, within minutes.
    """
    people, found = await two_persons(conn, first, second), await shown(conn, serial)
    if found.reason != KEY_COMPROMISE or found.revoked_at is None:
        raise Unfit(
            "it is not revoked for a compromised key (code 1): revoke it so first, see `keiyaku certificate revoke`"
        )
    if not found.not_before <= since < found.revoked_at:
        span = f"{found.not_before:%Y-%m-%dT%H:%M:%SZ} to {found.revoked_at:%Y-%m-%dT%H:%M:%SZ}"
        raise Unfit(f"the compromise must lie between the certificate's beginning and its revocation: {span}")
    decided_by = actor(people[0]), actor(people[1])
    async with conn.transaction():
        shard = await ca.date_compromise(conn, found.serial, since, decided_by=decided_by, note=note, now=now)
        if shard is None:
            raise Unfit("CRL and OCSP show a date as early as that already: nothing was changed")
        await revocations.enqueue_crl(conn, f"{shard.issuer_id}/{shard.shard}", CRL_ATTEMPTS, now)
    return await shown(conn, serial)


async def shown(conn: Conn, serial: str) -> Whole:
    """The certificate with its four instants (T11-11). Raises Unfit."""
    if found := await revocations.certificate(conn, serial_of(serial)):
        return found
    raise Unfit(f"this CA has no certificate with serial {serial}")
