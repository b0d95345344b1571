"""tls-alpn-01: the host presents a certificate made for the challenge. RFC 8737, RFC 8738 §6, BR §3.2.2.4.20."""

import asyncio
import hashlib
import ipaddress
import ssl

import msgspec
from cryptography import x509

from acme_server.protocol.challenges import tls_alpn_digest
from acme_server.protocol.errors import ErrorType
from acme_server.protocol.identifiers import is_ip
from acme_server.validation import dial
from acme_server.validation.outcome import NotProven, Proven
from acme_server.validation.resolver import Lookups
from acme_server.validation.settings import ValidationSettings

ALPN = "acme-tls/1"
ID_PE_ACME_IDENTIFIER = x509.ObjectIdentifier("1.3.6.1.5.5.7.1.31")
OCTET_STRING_OF_32 = b"\x04\x20"
CONTEXT = dial.tls_context([ALPN])


class Presented(msgspec.Struct, frozen=True):
    """What the host answered in the handshake."""

    protocol: str | None
    certificate: bytes


def server_name(name: str) -> str:
    """The SNI: the domain itself, or the reverse-map name of an address. A-194, A-204."""
    return ipaddress.ip_address(name).reverse_pointer if is_ip(name) else name


def expected_extension(key_authorization: str) -> bytes:
    """The value of id-pe-acmeIdentifier: a DER OCTET STRING of the digest. A-197."""
    return OCTET_STRING_OF_32 + tls_alpn_digest(key_authorization)


def fault_of(presented: Presented, name: str, key_authorization: str) -> str | None:
    """Why what was presented proves nothing; None when it proves control of `name`. A-195 to A-197, A-204."""
    if presented.protocol != ALPN:
        return f"the server did not select the ALPN protocol {ALPN}"
    try:
        extensions = x509.load_der_x509_certificate(presented.certificate).extensions
    except (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        return "the certificate cannot be read, or repeats an extension"
    return _fault_of_names(extensions, name) or _fault_of_identifier(extensions, key_authorization)


def _fault_of_names(extensions: x509.Extensions, name: str) -> str | None:
    try:
        names = list(extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
    except x509.ExtensionNotFound:
        names = []
    if len(names) != 1:
        return f"the certificate must have exactly one subject alternative name, {name}; it has {len(names)}"
    match names[0]:
        case x509.DNSName(value=value) if not is_ip(name) and value.lower() == name.lower():
            return None
        case x509.IPAddress(value=address) if is_ip(name) and address == ipaddress.ip_address(name):
            return None
    return f"the certificate is for another name than {name}"


def _fault_of_identifier(extensions: x509.Extensions, key_authorization: str) -> str | None:
    try:
        found = extensions.get_extension_for_oid(ID_PE_ACME_IDENTIFIER)
    except x509.ExtensionNotFound:
        return "the certificate has no acmeIdentifier extension (1.3.6.1.5.5.7.1.31)"
    if not found.critical:
        return "the acmeIdentifier extension is not critical"
    expected = expected_extension(key_authorization)
    if not isinstance(found.value, x509.UnrecognizedExtension) or found.value.value != expected:
        return f"the acmeIdentifier extension must be {expected.hex()}, the digest of the key authorization"
    return None


async def look(
    name: str, key_authorization: str, resolver: Lookups, settings: ValidationSettings
) -> Proven | NotProven:
    """Whether the host `name` presents the challenge certificate. A-193 to A-201, A-204."""
    try:
        async with asyncio.timeout(settings.timeout):
            return await _look(name, key_authorization, resolver, settings)
    except TimeoutError:
        return dial.timed_out(f"tls-alpn-01 of {name} on port {settings.tls_port}", settings.timeout)


async def _look(
    name: str, key_authorization: str, resolver: Lookups, settings: ValidationSettings
) -> Proven | NotProven:
    connected = await dial.connect(name, settings.tls_port, resolver, settings)
    if isinstance(connected, NotProven):
        return connected
    sni = server_name(name)
    where = f"{name} ({connected.address} port {settings.tls_port})"
    try:
        presented = await _handshake(connected, sni)
    except ssl.SSLError as fault:
        return NotProven(ErrorType.TLS, f"{where}: TLS handshake failed: {(fault.reason or 'unknown').lower()}")
    except OSError:
        return NotProven(ErrorType.TLS, f"{where}: the server broke the TLS handshake off", temporary=True)
    if wrong := fault_of(presented, name, key_authorization):
        return NotProven(ErrorType.INCORRECT_RESPONSE, f"{where}: {wrong}")
    certificate = hashlib.sha256(presented.certificate).hexdigest()
    evidence = {
        "method": "tls-alpn-01",
        "name": sni,
        "addresses": connected.addresses,
        "address": connected.address,
        "certificate_sha256": certificate,
    }
    return Proven(connected.address, evidence)


async def _handshake(connected: dial.Connected, sni: str) -> Presented:
    """The handshake and nothing more: no byte of application data is sent, and the connection closes. A-199."""
    _, writer = await dial.open_streams(connected.sock, CONTEXT, sni)
    try:
        session = writer.get_extra_info("ssl_object")
        return Presented(session.selected_alpn_protocol(), session.getpeercert(binary_form=True) or b"")
    finally:
        writer.close()
