"""Certificates as officers look them up."""

import re
from datetime import datetime
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key
from cryptography.x509 import Certificate as Certificate509
from cryptography.x509 import load_pem_x509_certificate

from office.storage import revocations
from office.storage.revocations import Certificate, Scope, Whole
from office.use_cases.asked import MOST, Unfit
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


async def shown(conn: Conn, serial: str) -> Whole:
    """The certificate with its four instants (T11-11). Raises Unfit."""
    if found := await revocations.certificate(conn, serial_of(serial)):
        return found
    raise Unfit(f"this CA has no certificate with serial {serial}")
