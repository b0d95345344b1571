import random
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

from ca.certificate import Issuer, Subject, Wanted, assemble, to_be_signed
from ca.issuance import new_serial
from ca.profiles import PROFILES
from tests.ca.arrange import ISSUER, ISSUING, KEY, NOW, WANTED, spki_of

THROWAWAY = ec.generate_private_key(ec.SECP256R1())
SPKIS = [
    *(spki_of(ec.generate_private_key(curve)) for curve in (ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1())),
    spki_of(rsa.generate_private_key(65537, 2048)),
    spki_of(rsa.generate_private_key(65537, 3072)),
]
TEXTS = ("株式会社デモ", "Demo K.K.", "D", "é" * 64, "東京都", "O'Neill & Sons, Inc.")
NAMES = ("www.demo.test", "*.demo.test", "127.0.0.1", "::1", "2001:db8::8", "xn--wgv71a.demo.test", "a" * 63 + ".test")


def random_wanted(random: random.Random) -> Wanted:
    """Anything that may be wanted, also at the edges of lengths."""
    state, locality = random.choice([("Tokyo", None), (None, "千代田区"), ("大阪府", "大阪市")])
    starts = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=random.randrange(30 * 365 * 86_400))
    names = random.sample(NAMES, random.randrange(1, len(NAMES) + 1))
    names += [f"h{number}.demo.test" for number in range(random.choice([0, 0, 10, 93]))]
    return Wanted(
        profile=random.choice(list(PROFILES.values())),
        subject=Subject(random.choice(TEXTS), random.choice(["JP", "US"]), state, locality),
        names=tuple(names),
        spki_der=random.choice(SPKIS),
        serial=new_serial(),
        not_before=starts,
        not_after=starts + timedelta(seconds=random.randrange(1, 398 * 86_400)),
        shard=random.randrange(1024),
    )


def built(issuer: Issuer, wanted: Wanted) -> bytes:
    """The same by the library's builder, in the profile's order of extensions."""
    subject = wanted.subject
    attributes = [
        (NameOID.COUNTRY_NAME, subject.country),
        (NameOID.STATE_OR_PROVINCE_NAME, subject.state_or_province),
        (NameOID.LOCALITY_NAME, subject.locality),
        (NameOID.ORGANIZATION_NAME, subject.organization),
    ]
    usage = x509.KeyUsage(True, False, False, False, False, False, False, False, False)
    ca_issuers = x509.AccessDescription(
        AuthorityInformationAccessOID.CA_ISSUERS, x509.UniformResourceIdentifier(issuer.certificate_url)
    )
    ocsp = x509.AccessDescription(AuthorityInformationAccessOID.OCSP, x509.UniformResourceIdentifier(issuer.ocsp_url))
    policy = x509.PolicyInformation(x509.ObjectIdentifier(wanted.profile.policy), None)
    crl = x509.DistributionPoint([x509.UniformResourceIdentifier(issuer.crl_url(wanted.shard))], None, None, None)
    extensions = [
        (usage, True),
        (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False),
        (x509.AuthorityKeyIdentifier(issuer.key_id, None, None), False),
        (x509.AuthorityInformationAccess([ocsp, ca_issuers] if wanted.profile.ocsp else [ca_issuers]), False),
        (x509.CertificatePolicies([policy]), False),
        (x509.SubjectAlternativeName([general_name(name) for name in wanted.names]), False),
        (x509.CRLDistributionPoints([crl]), False),
    ]
    builder = x509.CertificateBuilder(
        issuer_name=x509.load_der_x509_certificate(issuer.certificate).subject,
        subject_name=x509.Name([x509.NameAttribute(kind, text) for kind, text in attributes if text is not None]),
        public_key=load_der_public_key(wanted.spki_der),
        serial_number=int.from_bytes(wanted.serial, "big"),
        not_valid_before=wanted.not_before,
        not_valid_after=wanted.not_after,
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    return builder.sign(THROWAWAY, hashes.SHA256()).tbs_certificate_bytes


def general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


@pytest.mark.std("C-083", "C-093", "C-096")
@pytest.mark.parametrize("seed", range(400))
def test_to_be_signed_is_what_the_library_builds(seed: int) -> None:
    wanted = random_wanted(random.Random(seed))
    assert to_be_signed(ISSUER, wanted) == built(ISSUER, wanted)


def test_to_be_signed_with_long_addresses() -> None:
    issuer = msgspec.structs.replace(ISSUER, status_url="http://" + "s" * 250 + ".test/" + "p" * 200)
    assert to_be_signed(issuer, WANTED) == built(issuer, WANTED)


@pytest.mark.std("C-084", "C-112")
def test_assemble_verifies_and_has_one_algorithm() -> None:
    tbs = to_be_signed(ISSUER, WANTED)
    certificate = x509.load_der_x509_certificate(assemble(tbs, KEY.sign(tbs)))
    certificate.verify_directly_issued_by(x509.load_der_x509_certificate(ISSUING.issuer.certificate))
    assert certificate.tbs_certificate_bytes == tbs
    assert certificate.signature_algorithm_oid == x509.SignatureAlgorithmOID.ECDSA_WITH_SHA256
    assert assemble(tbs, b"s").count(bytes.fromhex("300a06082a8648ce3d040302")) == 2
    with pytest.raises(Exception):
        x509.load_der_x509_certificate(assemble(tbs, b"no signature")).verify_directly_issued_by(
            x509.load_der_x509_certificate(ISSUING.issuer.certificate)
        )


@pytest.mark.std("C-087", "C-090", "C-107")
def test_to_be_signed_holds_the_profile_and_nothing_else() -> None:
    tbs = to_be_signed(ISSUER, WANTED)
    certificate = x509.load_der_x509_certificate(assemble(tbs, KEY.sign(tbs)))
    assert certificate.subject.rfc4514_string() == "O=株式会社デモ,L=千代田区,ST=Tokyo,C=JP"
    assert [extension.oid._name for extension in certificate.extensions] == [
        "keyUsage",
        "extendedKeyUsage",
        "authorityKeyIdentifier",
        "authorityInfoAccess",
        "certificatePolicies",
        "subjectAltName",
        "cRLDistributionPoints",
    ]
    assert certificate.not_valid_before_utc == NOW
