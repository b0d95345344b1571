import random
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from ca import crl
from ca.certificate import assemble
from ca.crl import Revocation
from ca.issuance import new_serial
from tests.ca.arrange import ISSUER, ISSUING, KEY, NOW, ROOT

REASONS = {
    None: None,
    1: x509.ReasonFlags.key_compromise,
    3: x509.ReasonFlags.affiliation_changed,
    4: x509.ReasonFlags.superseded,
    5: x509.ReasonFlags.cessation_of_operation,
    9: x509.ReasonFlags.privilege_withdrawn,
}
THROWAWAY = ec.generate_private_key(ec.SECP256R1())
NEXT = NOW + crl.NEXT_UPDATE


def built(shard: int, number: int, revocations: list[Revocation]) -> bytes:
    """The same by the library's builder."""
    issuer = x509.load_der_x509_certificate(ISSUER.certificate)
    builder = x509.CertificateRevocationListBuilder(issuer.subject, NOW, NEXT)
    for one in revocations:
        entry = x509.RevokedCertificateBuilder(int.from_bytes(one.serial, "big"), one.revoked_at)
        reason = REASONS[one.reason]
        if reason is not None:
            entry = entry.add_extension(x509.CRLReason(reason), critical=False)
        builder = builder.add_revoked_certificate(entry.build())
    point = x509.IssuingDistributionPoint(
        [x509.UniformResourceIdentifier(ISSUER.crl_url(shard))], None, True, False, None, False, False
    )
    return (
        builder.add_extension(x509.AuthorityKeyIdentifier(ISSUER.key_id, None, None), critical=False)
        .add_extension(x509.CRLNumber(number), critical=False)
        .add_extension(point, critical=True)
        .sign(THROWAWAY, hashes.SHA256())
        .tbs_certlist_bytes
    )


@pytest.mark.std("C-137", "C-139", "C-140")
@pytest.mark.parametrize("seed", range(60))
def test_to_be_signed_is_what_the_library_builds(seed: int) -> None:
    chance = random.Random(seed)
    revocations = [
        Revocation(new_serial(), chance.choice(list(REASONS)), NOW - timedelta(seconds=chance.randrange(10**8)))
        for _ in range(chance.choice([0, 1, 2, 300]))
    ]
    number = chance.choice([0, 1, 127, 128, 2**40, 2**158])
    assert crl.to_be_signed(ISSUER, 3, number, revocations, NOW, NEXT) == built(3, number, revocations)


def parsed(*revocations: Revocation, of_ca_certificates: bool = False) -> x509.CertificateRevocationList:
    tbs = crl.to_be_signed(ISSUER, 2, 7, revocations, NOW, NEXT, of_ca_certificates=of_ca_certificates)
    return x509.load_der_x509_crl(assemble(tbs, KEY.sign(tbs)))


@pytest.mark.std("C-135", "C-136", "C-138")
def test_to_be_signed_has_the_fields_of_the_requirements() -> None:
    made = parsed()
    issuer = x509.load_der_x509_certificate(ISSUING.issuer.certificate)
    assert made.is_signature_valid(issuer.public_key())  # type: ignore[arg-type]
    assert made.issuer.public_bytes() == issuer.subject.public_bytes()
    assert made.next_update_utc is not None
    assert made.next_update_utc - made.last_update_utc <= timedelta(days=10)
    assert [(extension.oid._name, extension.critical) for extension in made.extensions] == [
        ("authorityKeyIdentifier", False),
        ("cRLNumber", False),
        ("issuingDistributionPoint", True),
    ]
    point = made.extensions.get_extension_for_class(x509.IssuingDistributionPoint).value
    assert (point.only_contains_user_certs, point.only_contains_ca_certs) == (True, False)
    assert not point.indirect_crl
    assert not point.only_contains_attribute_certs


@pytest.mark.std("C-135", "C-138")
def test_crl_of_ca_certificates_is_full_and_has_no_distribution_point() -> None:
    found = [type(each.value) for each in parsed(of_ca_certificates=True).extensions]
    assert found == [x509.AuthorityKeyIdentifier, x509.CRLNumber]
    assert timedelta(days=365) >= crl.ROOT_NEXT_UPDATE
    assert ROOT.crl_lifetime == crl.ROOT_NEXT_UPDATE


@pytest.mark.std("C-139", "C-140")
def test_empty_parts_are_absent() -> None:
    assert list(parsed()) == []
    assert b"\x30\x00" not in crl.to_be_signed(ISSUER, 2, 7, (), NOW, NEXT)
    (unspecified,) = parsed(Revocation(new_serial(), None, NOW))
    assert list(unspecified.extensions) == []
    (compromised,) = parsed(Revocation(new_serial(), 1, NOW))
    assert [(one.value.reason.name, one.critical) for one in compromised.extensions] == [("key_compromise", False)]  # type: ignore[attr-defined]
