"""Signed certificate timestamps: TLS encoding, and what makes one good (pure). RFC 6962 §3.2, §3.3."""

import struct
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import msgspec
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key

V1 = 0
CERTIFICATE_TIMESTAMP, PRECERT_ENTRY = 0, 1
ECDSA_SHA256, RSA_SHA256 = b"\x04\x03", b"\x04\x01"  # RFC 5246 §7.4.1.4.1
LOG_ID_OCTETS = 32
AHEAD = timedelta(seconds=5)  # a log's clock may be so far before ours
BEHIND = timedelta(minutes=5)  # or so far after: no log has seen a precertificate before it was signed
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class SctError(ValueError):
    """The bytes are no SCT, or no list of them; says why."""


class Sct(msgspec.Struct, frozen=True):
    """A log's promise to include an entry. `algorithm` is hash and signature of TLS 1.2."""

    log_id: bytes
    timestamp_ms: int
    extensions: bytes
    algorithm: bytes
    signature: bytes

    @property
    def at(self) -> datetime:
        """When the log made it. Raises OverflowError for an instant that no calendar has."""
        return EPOCH + timedelta(milliseconds=self.timestamp_ms)


def encode(sct: Sct) -> bytes:
    """SignedCertificateTimestamp. RFC 6962 §3.2."""
    head = struct.pack(">B32sQH", V1, sct.log_id, sct.timestamp_ms, len(sct.extensions))
    return head + sct.extensions + sct.algorithm + vector(sct.signature)


def parse(raw: bytes) -> Sct:
    """The one SCT that these bytes are. Raises SctError."""
    try:
        version, log_id, timestamp, size = struct.unpack_from(">B32sQH", raw)
        extensions, rest = raw[43 : 43 + size], raw[43 + size :]
        (length,) = struct.unpack_from(">H", rest, 2)
    except struct.error:
        raise SctError("truncated SCT") from None
    if version != V1:
        raise SctError(f"SCT of version {version + 1}, not v1")
    if len(rest) != 4 + length:
        raise SctError("SCT with a length that is not its own")
    return Sct(log_id, timestamp, extensions, rest[:2], rest[4:])


def encode_list(scts: Sequence[Sct]) -> bytes:
    """SignedCertificateTimestampList. RFC 6962 §3.3."""
    return vector(b"".join(vector(encode(sct)) for sct in scts))


def parse_list(raw: bytes) -> list[Sct]:
    """The SCTs of a list, at least one. Raises SctError."""
    items, found = opened(raw), []
    while items:
        (size,) = struct.unpack_from(">H", items) if len(items) > 2 else (0xFFFF,)
        if size == 0 or len(items) < 2 + size:
            raise SctError("SCT list with a length that is not its own")
        found.append(parse(items[2 : 2 + size]))
        items = items[2 + size :]
    if not found:
        raise SctError("empty SCT list")
    return found


def vector(content: bytes) -> bytes:
    """opaque content<0..2^16-1>."""
    return struct.pack(">H", len(content)) + content


def opened(raw: bytes) -> bytes:
    """The content of the vector that `raw` is. Raises SctError."""
    if len(raw) < 2 or struct.unpack_from(">H", raw)[0] != len(raw) - 2:
        raise SctError("SCT list with a length that is not its own")
    return raw[2:]


def signed_by_log(sct: Sct, issuer_key_hash: bytes, entry: bytes) -> bytes:
    """What the log has signed: the timestamped precert entry. RFC 6962 §3.2."""
    head = struct.pack(">BBQH", V1, CERTIFICATE_TIMESTAMP, sct.timestamp_ms, PRECERT_ENTRY)
    return head + issuer_key_hash + len(entry).to_bytes(3, "big") + entry + vector(sct.extensions)


def fault(
    sct: Sct, log_id: bytes, log_key: bytes, issuer_key_hash: bytes, entry: bytes, signed_at: datetime, now: datetime
) -> str | None:
    """Why this is not that log's SCT for the entry of a precertificate signed at `signed_at`; None: it is. C-127."""
    if sct.log_id != log_id:
        return "it names another log"
    try:
        if sct.at > now + AHEAD:
            return f"its timestamp is in the future: {sct.at:%FT%TZ}"
        if sct.at < signed_at - BEHIND:
            return f"its timestamp is older than the precertificate: {sct.at:%FT%TZ}"
    except OverflowError:
        return "its timestamp is no instant"
    return None if verified(sct, log_key, signed_by_log(sct, issuer_key_hash, entry)) else "its signature is wrong"


def verified(sct: Sct, log_key: bytes, signed: bytes) -> bool:
    """Whether the log's key (SPKI) has signed these bytes, by one of the two algorithms of RFC 6962 §2.1.4."""
    try:
        match load_der_public_key(log_key), sct.algorithm:
            case ec.EllipticCurvePublicKey() as key, algorithm if algorithm == ECDSA_SHA256:
                key.verify(sct.signature, signed, ec.ECDSA(hashes.SHA256()))
            case rsa.RSAPublicKey() as key, algorithm if algorithm == RSA_SHA256:
                key.verify(sct.signature, signed, padding.PKCS1v15(), hashes.SHA256())
            case _:
                return False
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        return False
    return True
