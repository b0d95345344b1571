"""Keys that anybody can factor are refused when they are shown, before anything is recorded or signed. C-078."""

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key

from acme_server.protocol.errors import AcmeError, ErrorType
from ca.weak_keys import weakness


def refuse_weak(spki_der: bytes, type: ErrorType, whose: str) -> None:
    """Returns if the key is not a weak RSA key. Raises an error of the type that says why. C-069, C-074, C-075."""
    key = load_der_public_key(spki_der)
    if isinstance(key, rsa.RSAPublicKey) and (why := weakness(key.public_numbers().n)):
        _, _, reason = why.partition(": ")
        raise AcmeError(type, f"The key of the {whose} can be factored by anybody ({reason}). Make a new key.")
