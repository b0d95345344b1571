"""Tokens, and what a client makes of them. RFC 8555 §8.1, §8.4, RFC 8737 §3."""

import hashlib

from acme_server.protocol import base64url


def new_token(random16: bytes) -> str:
    """A token of 128 random bits, 22 characters of base64url. A-156, A-193."""
    if len(random16) != 16:
        raise ValueError("a token takes 16 random octets")
    return base64url.encode(random16)


def key_authorization(token: str, thumbprint: bytes) -> str:
    """What a client must show for a token; `thumbprint` is of the account's key. RFC 8555 §8.1, A-154."""
    return f"{token}.{base64url.encode(thumbprint)}"


def dns_value(key_authorization: str) -> str:
    """The TXT value of dns-01. RFC 8555 §8.4, A-167."""
    return base64url.encode(tls_alpn_digest(key_authorization))


def tls_alpn_digest(key_authorization: str) -> bytes:
    """The 32 octets in the acmeIdentifier extension of tls-alpn-01. RFC 8737 §3, A-197."""
    return hashlib.sha256(key_authorization.encode()).digest()
