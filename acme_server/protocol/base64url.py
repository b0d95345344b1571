"""base64url without padding, one text for each octet string. RFC 7515 §2, RFC 4648 §3.5, §5, A-004."""

from binascii import a2b_base64, b2a_base64

from acme_server.protocol.errors import AcmeError, ErrorType

_TO_URL = bytes.maketrans(b"+/", b"-_")
_TO_STANDARD = bytes.maketrans(b"-_", b"+/")


def encode(octets: bytes) -> str:
    """The text, without `=`."""
    return b2a_base64(octets, newline=False).translate(_TO_URL).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    """The octets. Raises ValueError for any text that `encode` does not give: padding, `+`, `/`, spaces, stray bits."""
    octets = a2b_base64(text.encode("ascii").translate(_TO_STANDARD) + b"==")
    if encode(octets) != text:
        raise ValueError("not base64url")
    return octets


def field(text: str, what: str) -> bytes:
    """The octets of a member of a request. Raises MALFORMED, which names it by `what`."""
    try:
        return decode(text)
    except ValueError:
        raise AcmeError(
            ErrorType.MALFORMED,
            f"{what} is not base64url: use the letters A-Z a-z 0-9 - _ only, no = padding, no line breaks",
        ) from None
