"""Keys that nobody may use are refused when they are shown, before anything is recorded or signed. C-078."""

from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key

from acme_server.protocol.errors import AcmeError, ErrorType
from acme_server.use_cases.context import Context
from ca.blocklist import why_listed
from ca.weak_keys import weakness


def refuse_weak(context: Context, spki_der: bytes, type: ErrorType, whose: str) -> None:
    """Returns if the key is not weak, not public and none of the CA's own. Raises an error of the type that says why.

    C-069, C-073, C-074, C-075, C-077.
    """
    key = load_der_public_key(spki_der)
    if isinstance(key, rsa.RSAPublicKey) and (why := weakness(key.public_numbers().n)):
        raise AcmeError(type, f"The key of the {whose} can be factored by anybody ({reason(why)}). Make a new key.")
    if why := why_listed(context.blocklist, spki_der):
        raise AcmeError(type, f"The key of the {whose} is no secret: {reason(why)}. Make a new key.")
    if sha256(spki_der).digest() in context.own_keys:
        raise AcmeError(type, f"The key of the {whose} is one of this CA's own. Make a new key.")


def reason(why: str) -> str:
    """The sentence behind the id of a rule."""
    return why.partition(": ")[2]
