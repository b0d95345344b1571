"""`keiyaku ca init`: a root, an issuing CA, two further roots that cross-certify it, and every first CRL.

Issuer 0 is the root, 1 the issuing CA, 2 and 3 the roots of the alternate chains. RFC 5280; BR 7.1.2.1, 7.1.2.6.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import asyncpg
import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, load_der_public_key
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

from ca import crl, keys, storage
from ca.certificate import Issuer, assemble, issuer_of
from ca.keys import FileKey, SigningKey
from ca.profiles import DAY, OV_POLICY, SECOND

ROOT, ISSUING, ALTERNATE_ROOTS = 0, 1, (2, 3)
ROOT_LIFETIME = 20 * 365 * DAY  # 2922 to 9132 days, C-116
ISSUING_LIFETIME = 10 * 365 * DAY
SHARD_COUNT = 4
KEY_FILES = "issuer-*.key.pem"  # as `key_file` calls them


class AlreadyThere(Exception):
    """Something that must not be overwritten exists; says what."""


class Names(msgspec.Struct, frozen=True):
    """What the CA certificates say of the CA. `status_url` (http) is where CRLs and CA certificates will be served."""

    country: str
    organization: str
    root: str
    issuing: str
    status_url: str


class Made(msgspec.Struct, frozen=True):
    """A CA certificate with its key; a root has no parent."""

    issuer: Issuer
    key: FileKey
    parent_id: int | None

    @property
    def crl_lifetime(self) -> timedelta:
        """From thisUpdate to nextUpdate."""
        return crl_lifetime(of_root=self.parent_id is None)


def crl_lifetime(*, of_root: bool) -> timedelta:
    """From thisUpdate to nextUpdate. C-135."""
    return crl.ROOT_NEXT_UPDATE if of_root else crl.NEXT_UPDATE


def key_label(issuer_id: int) -> str:
    """What the key of an issuer is called in its token."""
    return f"issuer-{issuer_id}"


def key_file(folder: Path, issuer_id: int) -> Path:
    """Where the encrypted key of an issuer is."""
    return folder / f"{key_label(issuer_id)}.key.pem"


async def init(
    folder: Path, dsn: str, passphrase: bytes, names: Names, now: datetime, shard_count: int = SHARD_COUNT
) -> Issuer:
    """Keys in `folder`, certificates and first CRLs in the database: all or nothing. Returns the issuing CA. C-133.

    Raises AlreadyThere when the database has an issuer or the folder a key.
    """
    now = now.replace(microsecond=0)
    conn = await asyncpg.connect(dsn)
    try:
        async with conn.transaction():
            if await storage.issuer_count(conn):
                raise AlreadyThere("the database has a CA already; nothing was changed")
            made = make(names, shard_count, now)
            for one in made:
                await storage.insert_issuer(conn, one.issuer, one.parent_id, now)
                for shard, der in enumerate(first_crls(one, now)):
                    await storage.insert_crl(conn, one.issuer.id, shard, 1, now, now + one.crl_lifetime, der)
            for number, root in enumerate(made[2:], start=1):
                chain = cross_certificate(made[ISSUING], root, now) + root.issuer.certificate
                await storage.insert_cross_certificate(conn, number, ISSUING, chain, now)
            store_keys(folder, made, passphrase)
    finally:
        await conn.close()
    return made[ISSUING].issuer


def make(names: Names, shard_count: int, now: datetime) -> list[Made]:
    """The four issuers, in order of id."""
    root = make_root(ROOT, names, names.root, now)
    subject = distinguished_name(names, names.issuing)
    key = keys.generate()
    certificate = certificate_of(subordinate_tbs(subject, key.spki, root.issuer, now), root.key)
    issuing = Made(issuer_from(ISSUING, names, names.issuing, certificate, shard_count), key, ROOT)
    others = [
        make_root(number, names, f"{names.root} X{position}", now)
        for position, number in enumerate(ALTERNATE_ROOTS, start=1)
    ]
    return [root, issuing, *others]


def make_root(issuer_id: int, names: Names, common_name: str, now: datetime) -> Made:
    """A self-signed root without EKU, with a key in this process."""
    key = keys.generate()
    certificate = certificate_of(root_tbs(names, common_name, key.spki, now), key)
    return Made(issuer_from(issuer_id, names, common_name, certificate, 1), key, None)


def root_tbs(names: Names, common_name: str, spki: bytes, now: datetime) -> bytes:
    """What a root signs of itself. C-115, C-116."""
    subject = distinguished_name(names, common_name)
    public_key = load_der_public_key(spki)
    ski = x509.SubjectKeyIdentifier.from_public_key(public_key)  # type: ignore[arg-type]
    return tbs_of(
        builder(subject, subject, now, now + ROOT_LIFETIME - SECOND)
        .public_key(public_key)  # type: ignore[arg-type]
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(ca_key_usage(), critical=True)
        .add_extension(ski, critical=False)
        .add_extension(x509.AuthorityKeyIdentifier(ski.digest, None, None), critical=False)
    )


def subordinate_tbs(subject: x509.Name, spki: bytes, parent: Issuer, now: datetime) -> bytes:
    """What `parent` signs for an issuing CA of TLS server certificates, which does not outlive it. C-114, C-115."""
    public_key = load_der_public_key(spki)
    of_parent = x509.load_der_x509_certificate(parent.certificate)
    crl_url = x509.UniformResourceIdentifier(parent.crl_url(0))
    parent_url = x509.UniformResourceIdentifier(parent.certificate_url)
    return tbs_of(
        builder(subject, of_parent.subject, now, min(now + ISSUING_LIFETIME - SECOND, of_parent.not_valid_after_utc))
        .public_key(public_key)  # type: ignore[arg-type]
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(ca_key_usage(), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(
            x509.CertificatePolicies([x509.PolicyInformation(x509.ObjectIdentifier(OV_POLICY), None)]), critical=False
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)  # type: ignore[arg-type]
        .add_extension(x509.AuthorityKeyIdentifier(parent.key_id, None, None), critical=False)
        .add_extension(
            x509.AuthorityInformationAccess(
                [x509.AccessDescription(AuthorityInformationAccessOID.CA_ISSUERS, parent_url)]
            ),
            critical=False,
        )
        .add_extension(
            x509.CRLDistributionPoints([x509.DistributionPoint([crl_url], None, None, None)]), critical=False
        )
    )


def tbs_of(unsigned: x509.CertificateBuilder) -> bytes:
    """The to-be-signed bytes; a throwaway key stands in for the real one, which signs nothing unchecked. C-065."""
    return unsigned.sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256()).tbs_certificate_bytes


def certificate_of(tbs: bytes, key: SigningKey) -> x509.Certificate:
    """The certificate of these bytes by this key."""
    return x509.load_der_x509_certificate(assemble(tbs, key.sign(tbs)))


def cross_certificate(issuing: Made, root: Made, now: datetime) -> bytes:
    """The issuing CA's name and key, certified by another root. DER."""
    subject = x509.load_der_x509_certificate(issuing.issuer.certificate).subject
    tbs = subordinate_tbs(subject, issuing.key.spki, root.issuer, now)
    return certificate_of(tbs, root.key).public_bytes(Encoding.DER)


def builder(subject: x509.Name, issuer: x509.Name, starts: datetime, ends: datetime) -> x509.CertificateBuilder:
    """What every CA certificate has; its serial number has 159 random bits. C-079."""
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .serial_number(x509.random_serial_number())
        .not_valid_before(starts)
        .not_valid_after(ends)
    )


def ca_key_usage() -> x509.KeyUsage:
    """certSign, cRLSign, and digitalSignature for OCSP. C-114."""
    return x509.KeyUsage(
        digital_signature=True, key_cert_sign=True, crl_sign=True, content_commitment=False, key_encipherment=False,
        data_encipherment=False, key_agreement=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip


def distinguished_name(names: Names, common_name: str) -> x509.Name:
    """C, O, CN. C-115."""
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, names.country),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, names.organization),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


def issuer_from(issuer_id: int, names: Names, name: str, certificate: x509.Certificate, shard_count: int) -> Issuer:
    """The issuer that this certificate makes."""
    ski = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    return issuer_of(issuer_id, name, certificate.public_bytes(Encoding.DER), ski, names.status_url, shard_count)


def first_crls(made: Made, now: datetime) -> list[bytes]:
    """The first CRL of every shard, in DER. C-133."""
    bodies = first_crl_bodies(made.issuer, now, of_root=made.parent_id is None)
    return [assemble(tbs, made.key.sign(tbs)) for tbs in bodies]


def first_crl_bodies(issuer: Issuer, now: datetime, *, of_root: bool) -> list[bytes]:
    """What is signed as the first CRL of every shard."""
    next_update = now + crl_lifetime(of_root=of_root)
    return [
        crl.to_be_signed(issuer, shard, 1, (), now, next_update, of_ca_certificates=of_root)
        for shard in range(issuer.shard_count)
    ]


def store_keys(folder: Path, made: Sequence[Made], passphrase: bytes) -> None:
    """All keys are in `folder`, or none. Raises AlreadyThere."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    written: list[Path] = []
    try:
        for one in made:
            path = key_file(folder, one.issuer.id)
            keys.store(one.key, path, passphrase)
            written.append(path)
    except BaseException as fault:
        for path in written:
            path.unlink()
        if isinstance(fault, FileExistsError):
            raise AlreadyThere(f"{fault.filename2} exists already; move it away if no CA needs it") from None
        raise
