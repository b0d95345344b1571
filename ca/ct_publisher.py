"""Who publishes the list of logs, and whether a list is theirs (pure). C-130.

Google signs `log_list.json` with RSA and SHA-256 (PKCS #1, version 1.5); `log_list.sig` is the signature.
"""

import re
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import load_pem_public_key

LEAST_BITS = 2048
PEM = re.compile(rb"-----BEGIN [A-Z ]+-----.*?-----END [A-Z ]+-----", re.DOTALL)


class PublisherUnfit(ValueError):
    """The file holds no key that a list of logs could be signed by; says why."""


class Publisher(NamedTuple):
    """Whose lists are believed. More than one key: while the publisher changes it, both count."""

    keys: tuple[rsa.RSAPublicKey, ...]

    def signed(self, content: bytes, signature: bytes) -> bool:
        """Whether one of the keys made this signature of these octets."""
        return any(verifies(key, content, signature) for key in self.keys)


def publisher(pem: bytes) -> Publisher:
    """The publisher whose keys these are. Raises PublisherUnfit."""
    try:
        keys = [load_pem_public_key(block) for block in PEM.findall(pem)]
    except (ValueError, UnsupportedAlgorithm) as fault:
        raise PublisherUnfit(f"no public key in PEM: {fault}") from None
    fit = tuple(key for key in keys if isinstance(key, rsa.RSAPublicKey) and key.key_size >= LEAST_BITS)
    if not fit or len(fit) != len(keys):
        raise PublisherUnfit(f"it must hold RSA public keys of {LEAST_BITS} bits or more, in PEM, and nothing else")
    return Publisher(fit)


def verifies(key: rsa.RSAPublicKey, content: bytes, signature: bytes) -> bool:
    """Whether the key made this signature."""
    try:
        key.verify(signature, content, padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature:
        return False
    return True
