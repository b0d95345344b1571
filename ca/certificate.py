"""Request, profile and serial to to-be-signed bytes (pure).

Everything that does not vary between two certificates of an issuer is encoded once and kept.
"""

from datetime import datetime
from functools import lru_cache
from ipaddress import ip_address

import msgspec
from cryptography import x509

from ca.der import (
    BIT_STRING,
    INTEGER,
    NULL,
    OCTET_STRING,
    PRINTABLE_STRING,
    SEQUENCE,
    SET,
    UTF8_STRING,
    elements,
    oid,
    time,
    tlv,
)
from ca.profiles import Profile

VERSION_3 = bytes.fromhex("a003020102")
ECDSA_SHA256 = tlv(SEQUENCE, oid("1.2.840.10045.4.3.2"))  # C-112
KEY_USAGE, EXT_KEY_USAGE, SUBJECT_ALT_NAME = oid("2.5.29.15"), oid("2.5.29.37"), oid("2.5.29.17")
AUTHORITY_KEY_ID, AUTHORITY_INFO_ACCESS = oid("2.5.29.35"), oid("1.3.6.1.5.5.7.1.1")
CERTIFICATE_POLICIES, CRL_DISTRIBUTION_POINTS = oid("2.5.29.32"), oid("2.5.29.31")
POISON_ID, SCT_LIST = oid("1.3.6.1.4.1.11129.2.4.3"), oid("1.3.6.1.4.1.11129.2.4.2")
CA_ISSUERS, OCSP, SERVER_AUTH = oid("1.3.6.1.5.5.7.48.2"), oid("1.3.6.1.5.5.7.48.1"), oid("1.3.6.1.5.5.7.3.1")
DIGITAL_SIGNATURE = tlv(BIT_STRING, b"\x07\x80")
COUNTRY, STATE_OR_PROVINCE, LOCALITY, ORGANIZATION = oid("2.5.4.6"), oid("2.5.4.8"), oid("2.5.4.7"), oid("2.5.4.10")
TRUE = b"\x01\x01\xff"
DNS_NAME, URI, IP_ADDRESS = 0x82, 0x86, 0x87


class Subject(msgspec.Struct, frozen=True):
    """The organisation as reviewed: the only source of a certificate's subject (C-095)."""

    organization: str
    country: str
    state_or_province: str | None
    locality: str | None


class Issuer(msgspec.Struct, frozen=True):
    """An issuing CA. `subject` and `spki` are DER out of `certificate`; `status_url` has no slash at its end."""

    id: int
    name: str
    certificate: bytes
    subject: bytes
    spki: bytes
    key_id: bytes
    status_url: str
    shard_count: int

    def crl_url(self, shard: int) -> str:
        """Where the CRL of a shard is, byte for byte as in certificates and in that CRL (C-137)."""
        return f"{self.status_url}/crl/{self.id}/{shard}.crl"

    @property
    def not_after(self) -> datetime:
        """The end of its own certificate, which no certificate that it signs outlives: a chain is valid while each of
        its certificates is (RFC 5280 §6.1.3).
        """
        return _end(self.certificate)

    @property
    def certificate_url(self) -> str:
        """Where this issuer's own certificate is, in DER."""
        return f"{self.status_url}/issuer/{self.id}.cer"

    @property
    def ocsp_url(self) -> str:
        """Where this issuer's certificates are asked about."""
        return f"{self.status_url}/ocsp/{self.id}"


class Wanted(msgspec.Struct, frozen=True):
    """What one certificate shall hold. `names` as in an order; `serial` is the content octets of its INTEGER.

    A precertificate holds the poison besides, after all else. RFC 6962 §3.1.
    """

    profile: Profile
    subject: Subject
    names: tuple[str, ...]
    spki_der: bytes
    serial: bytes
    not_before: datetime
    not_after: datetime
    shard: int
    precertificate: bool = False


@lru_cache(maxsize=64)
def _end(certificate: bytes) -> datetime:
    return x509.load_der_x509_certificate(certificate).not_valid_after_utc


def issuer_of(id: int, name: str, certificate: bytes, key_id: bytes, status_url: str, shard_count: int) -> Issuer:
    """The issuer whose certificate this is."""
    fields = elements(elements(certificate)[0])
    return Issuer(id, name, certificate, fields[5], fields[6], key_id, status_url, shard_count)


def to_be_signed(issuer: Issuer, wanted: Wanted) -> bytes:
    """The TBSCertificate. RFC 5280 §4.1; BR 7.1.2.7.4 (organisation validated)."""
    return tlv(
        SEQUENCE,
        VERSION_3,
        tlv(INTEGER, wanted.serial),
        ECDSA_SHA256,
        issuer.subject,
        tlv(SEQUENCE, time(wanted.not_before), time(wanted.not_after)),
        subject_name(wanted.subject),
        wanted.spki_der,
        tlv(
            0xA3,
            tlv(
                SEQUENCE,
                fixed_extensions(issuer, wanted.profile.policy, wanted.profile.ocsp),
                extension(SUBJECT_ALT_NAME, tlv(SEQUENCE, *map(general_name, wanted.names))),
                crl_pointer(issuer, wanted.shard),
                POISON if wanted.precertificate else b"",
            ),
        ),
    )


def assemble(tbs: bytes, signature: bytes) -> bytes:
    """The certificate of these bytes: inner and outer algorithm are the same bytes (C-084)."""
    return tlv(SEQUENCE, tbs, ECDSA_SHA256, tlv(BIT_STRING, b"\0", signature))


def general_name(name: str) -> bytes:
    """A name of an order as dNSName or iPAddress. C-096."""
    if ":" in name or name.rpartition(".")[2].isdigit():
        return tlv(IP_ADDRESS, ip_address(name).packed)
    return tlv(DNS_NAME, name.encode("ascii"))


def extension(identifier: bytes, value: bytes, *, critical: bool = False) -> bytes:
    """One Extension. RFC 5280 §4.2."""
    return tlv(SEQUENCE, identifier, TRUE if critical else b"", tlv(OCTET_STRING, value))


POISON = extension(POISON_ID, tlv(NULL), critical=True)  # C-121


@lru_cache(maxsize=4096)
def subject_name(subject: Subject) -> bytes:
    """Name with C, ST, L, O in this order, one attribute a RDN; C printable, the others UTF-8. C-092, C-093."""
    attributes = (
        (COUNTRY, PRINTABLE_STRING, subject.country),
        (STATE_OR_PROVINCE, UTF8_STRING, subject.state_or_province),
        (LOCALITY, UTF8_STRING, subject.locality),
        (ORGANIZATION, UTF8_STRING, subject.organization),
    )
    return tlv(
        SEQUENCE,
        *(tlv(SET, tlv(SEQUENCE, kind, tlv(tag, text.encode()))) for kind, tag, text in attributes if text is not None),
    )


@lru_cache(maxsize=64)
def fixed_extensions(issuer: Issuer, policy: str, ocsp: bool) -> bytes:
    """The extensions that all certificates of an issuer and profile share. C-098..C-105."""
    access = tlv(SEQUENCE, CA_ISSUERS, tlv(URI, issuer.certificate_url.encode("ascii")))
    if ocsp:
        access = tlv(SEQUENCE, OCSP, tlv(URI, issuer.ocsp_url.encode("ascii"))) + access
    return b"".join(
        (
            extension(KEY_USAGE, DIGITAL_SIGNATURE, critical=True),
            extension(EXT_KEY_USAGE, tlv(SEQUENCE, SERVER_AUTH)),
            extension(AUTHORITY_KEY_ID, tlv(SEQUENCE, tlv(0x80, issuer.key_id))),
            extension(AUTHORITY_INFO_ACCESS, tlv(SEQUENCE, access)),
            extension(CERTIFICATE_POLICIES, tlv(SEQUENCE, tlv(SEQUENCE, oid(policy)))),
        )
    )


@lru_cache(maxsize=4096)
def crl_pointer(issuer: Issuer, shard: int) -> bytes:
    """crlDistributionPoints with the one address of the shard. C-106."""
    uri = tlv(URI, issuer.crl_url(shard).encode("ascii"))
    return extension(CRL_DISTRIBUTION_POINTS, tlv(SEQUENCE, tlv(SEQUENCE, tlv(0xA0, tlv(0xA0, uri)))))
