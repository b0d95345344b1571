"""How renewal information names a certificate. RFC 9773 §4.1."""

from acme_server.protocol import base64url
from acme_server.protocol.errors import AcmeError, ErrorType

MAX_AKI = 64
MAX_SERIAL = 21  # 20 octets (RFC 5280 §4.1.2.2), and a leading 00


def format(aki: bytes, serial_octets: bytes) -> str:
    """The id: key identifier of the authority key identifier, and DER content octets of the serial. A-214, A-215."""
    return f"{base64url.encode(aki)}.{base64url.encode(serial_octets)}"


def parse(text: str) -> tuple[bytes, bytes]:
    """Key identifier and serial of an id, the serial as minimal DER content octets. Raises MALFORMED. A-215, A-219."""
    aki, dot, serial = text.partition(".")
    if not dot or "." in serial:
        raise _malformed("must be base64url(key identifier), a dot, base64url(serial)")
    aki_octets = base64url.field(aki, "certificate id: key identifier")
    serial_octets = base64url.field(serial, "certificate id: serial")
    if not 1 <= len(aki_octets) <= MAX_AKI:
        raise _malformed(f"must have a key identifier of 1 to {MAX_AKI} octets")
    if not _is_serial(serial_octets):
        raise _malformed(
            "must have as serial the minimal DER octets of a positive integer, with 00 first if 80 or more"
        )
    return aki_octets, serial_octets


def _is_serial(octets: bytes) -> bool:
    if not 1 <= len(octets) <= MAX_SERIAL or octets[0] >= 0x80 or octets == b"\0":
        return False
    return octets[0] != 0 or octets[1] >= 0x80


def _malformed(why: str) -> AcmeError:
    return AcmeError(ErrorType.MALFORMED, f"The certificate id {why} (RFC 9773 section 4.1)")
