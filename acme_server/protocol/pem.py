"""Strict PEM (RFC 7468): no comments, no blank lines, 64 characters a line (A-173)."""

from base64 import b64encode
from collections.abc import Sequence


def pem_chain(chain: Sequence[bytes]) -> bytes:
    """DER certificates as one PEM text, in their order."""
    return b"".join(pem(der) for der in chain)


def pem(der: bytes) -> bytes:
    """One certificate."""
    text = b64encode(der)
    lines = (text[at : at + 64] for at in range(0, len(text), 64))
    return b"-----BEGIN CERTIFICATE-----\n" + b"\n".join(lines) + b"\n-----END CERTIFICATE-----\n"
