"""What is asked and answered, beside the library's parser and builder. RFC 6960, RFC 9919, RFC 9654."""

from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp as library
from pkilint import finding_filter, loader
from pkilint.cabf import serverauth
from pkilint.cabf.serverauth.serverauth_constants import CertificateType
from pkilint.pkix import certificate as pkix

from ca import issuance, keys, ocsp, responder_certificate
from ca.certificate import assemble
from ca.der import OCTET_STRING, SEQUENCE, integer, oid, tlv
from ca.linting import LintError
from ca.ocsp import Asked, Digest, Malformed, Status
from tests.ca.arrange import ISSUER, KEY, NOW

SERIAL = issuance.new_serial()
ISSUING = x509.load_der_x509_certificate(ISSUER.certificate)
RESPONDER = keys.generate()
RESPONDER_TBS = responder_certificate.to_be_signed(ISSUER, RESPONDER.spki, SERIAL, NOW)
RESPONDER_DER = assemble(RESPONDER_TBS, KEY.sign(RESPONDER_TBS))
ALGORITHMS: dict[Digest, hashes.HashAlgorithm] = {"sha1": hashes.SHA1(), "sha256": hashes.SHA256()}
LEAF = (
    x509.CertificateBuilder().subject_name(x509.Name([])).issuer_name(ISSUING.subject)
    .serial_number(int.from_bytes(SERIAL, "big")).not_valid_before(NOW).not_valid_after(NOW + timedelta(days=90))
    .public_key(RESPONDER.private_key.public_key()).sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
)  # fmt: skip


def request(algorithm: hashes.HashAlgorithm, nonce: bytes | None = None) -> bytes:
    """The library's request about LEAF."""
    builder = library.OCSPRequestBuilder().add_certificate(LEAF, ISSUING, algorithm)
    if nonce is not None:
        builder = builder.add_extension(x509.OCSPNonce(nonce), critical=False)
    return builder.build().public_bytes(Encoding.DER)


def answered(status: Status, digest: Digest = "sha1", nonce: bytes | None = None) -> library.OCSPResponse:
    """The answer, parsed by the library."""
    tbs = ocsp.to_be_signed(ISSUER, RESPONDER.spki, SERIAL, digest, status, NOW, nonce)
    return library.load_der_ocsp_response(ocsp.assemble(tbs, RESPONDER.sign(tbs), RESPONDER_DER))


@pytest.mark.std("C-153")
@pytest.mark.parametrize("digest", ["sha1", "sha256"])
def test_asked_is_what_the_library_asks(digest: Digest) -> None:
    found = ocsp.asked(request(ALGORITHMS[digest]))
    assert found == Asked(digest, *ocsp.issuer_hashes(ISSUER, digest), SERIAL, None)
    assert ocsp.is_about(ISSUER, found)


@pytest.mark.std("C-153")
def test_digests_of_another_kind_are_of_no_issuer() -> None:
    found = ocsp.asked(request(hashes.SHA384()))
    assert found.digest is None
    assert not ocsp.is_about(ISSUER, found)


@pytest.mark.std("C-153")
def test_a_requestors_name_changes_nothing() -> None:
    name, wanted = tlv(0xA1, tlv(0xA4, ISSUER.subject)), tlv(SEQUENCE, tlv(SEQUENCE, certificate_id()))
    plain, named = (ocsp.asked(tlv(SEQUENCE, tlv(SEQUENCE, *fields))) for fields in ((wanted,), (name, wanted)))
    assert plain == named == ocsp.asked(request(hashes.SHA1()))


def certificate_id() -> bytes:
    name_hash, key_hash = ocsp.issuer_hashes(ISSUER, "sha1")
    return tlv(
        SEQUENCE, tlv(SEQUENCE, oid("1.3.14.3.2.26"), b"\x05\x00"), tlv(OCTET_STRING, name_hash),
        tlv(OCTET_STRING, key_hash), integer(int.from_bytes(SERIAL, "big")),
    )  # fmt: skip


@pytest.mark.std("C-155")
@pytest.mark.parametrize(
    ("octets", "kept"),
    [(1, False), (15, False), (16, True), (32, True), (33, False), (128, False)],
)
def test_nonces_of_16_to_32_octets_are_answered_with(octets: int, kept: bool) -> None:
    assert ocsp.asked(request(hashes.SHA1(), b"n" * octets)).nonce == (b"n" * octets if kept else None)


@pytest.mark.std("C-155")
@pytest.mark.parametrize("octets", [0, 129])
def test_a_nonce_of_no_octets_or_of_too_many_is_malformed(octets: int) -> None:
    with pytest.raises(Malformed, match=f"nonce of {octets}"):
        ocsp.asked(request(hashes.SHA1(), b"n" * octets))


@pytest.mark.parametrize(
    "der",
    [b"", b"0", b"\x30\x80", b"x" * 300, request(hashes.SHA1())[:-1]],
    ids=["nothing", "half a tag", "no length", "too long", "cut"],
)
def test_what_is_no_request_is_malformed(der: bytes) -> None:
    with pytest.raises(Malformed):
        ocsp.asked(der)


def test_two_questions_at_once_are_malformed() -> None:
    one = tlv(SEQUENCE, certificate_id())
    with pytest.raises(Malformed, match="more than one"):
        ocsp.asked(tlv(SEQUENCE, tlv(SEQUENCE, tlv(SEQUENCE, one, one))))


@pytest.mark.std("C-150", "C-152", "C-154")
@pytest.mark.parametrize("digest", ["sha1", "sha256"])
def test_a_good_answer_as_the_library_reads_it(digest: Digest) -> None:
    found = answered(Status(), digest)
    (single,) = found.responses
    asked = ocsp.asked(request(ALGORITHMS[digest]))
    assert (single.issuer_name_hash, single.issuer_key_hash) == (asked.name_hash, asked.key_hash)
    assert single.serial_number == int.from_bytes(SERIAL, "big")
    assert single.certificate_status is library.OCSPCertStatus.GOOD
    assert found.responder_name is None
    assert found.responder_key_hash == ocsp._sha1(ocsp.key_bits(RESPONDER.spki))
    assert (found.produced_at_utc, single.this_update_utc) == (NOW, NOW)
    assert single.next_update_utc == NOW + ocsp.LIFETIME
    (certificate,) = found.certificates
    certificate.verify_directly_issued_by(ISSUING)
    RESPONDER.private_key.public_key().verify(found.signature, found.tbs_response_bytes, ec.ECDSA(hashes.SHA256()))


@pytest.mark.std("C-148")
def test_an_answer_lives_as_long_as_it_may_and_is_refreshed_in_time() -> None:
    assert timedelta(hours=8) <= ocsp.LIFETIME <= timedelta(days=10)
    assert min(timedelta(days=4), ocsp.LIFETIME / 2, ocsp.LIFETIME - timedelta(hours=8)) >= ocsp.REFRESH_AFTER
    assert responder_certificate.RENEW_BEFORE > ocsp.LIFETIME


@pytest.mark.std("C-151")
@pytest.mark.parametrize("reason", [None, 1, 3, 4, 5, 9])
def test_a_revoked_answer_has_its_reason_in_revoked_info_alone(reason: int | None) -> None:
    (single,) = answered(Status(NOW - timedelta(hours=1), reason)).responses
    assert single.certificate_status is library.OCSPCertStatus.REVOKED
    assert single.revocation_time_utc == NOW - timedelta(hours=1)
    expected = None if reason is None else ocsp_reason(reason)
    assert single.revocation_reason is expected
    assert list(answered(Status(NOW, reason)).single_extensions) == []


def ocsp_reason(code: int) -> x509.ReasonFlags:
    names = {
        1: "key_compromise",
        3: "affiliation_changed",
        4: "superseded",
        5: "cessation_of_operation",
        9: "privilege_withdrawn",
    }
    return x509.ReasonFlags[names[code]]


@pytest.mark.std("C-155")
def test_an_answer_has_the_nonce_of_its_question() -> None:
    assert answered(Status(), nonce=b"n" * 32).extensions[0].value == x509.OCSPNonce(b"n" * 32)
    assert list(answered(Status()).extensions) == []


@pytest.mark.std("C-118", "C-115")
def test_a_responders_certificate_is_of_its_profile_and_pkilint_finds_nothing() -> None:
    responder_certificate.lint(ISSUER, RESPONDER.spki, SERIAL, RESPONDER_TBS, NOW)
    made = x509.load_der_x509_certificate(RESPONDER_DER)
    shown = {each.oid.dotted_string: (each.critical, each.value.public_bytes().hex()) for each in made.extensions}
    assert shown["2.5.29.15"] == (True, "03020780")
    assert shown["2.5.29.37"] == (False, "300a06082b06010505070309")
    assert shown["1.3.6.1.5.5.7.48.1.5"] == (False, "0500")
    assert len(shown) == 5
    kind = CertificateType.OCSP_RESPONDER
    checks = pkix.create_pkix_certificate_validator_container(
        serverauth.create_decoding_validators(), serverauth.create_validators(kind)
    )
    filters = serverauth.create_serverauth_finding_filters(kind)
    results, _ = finding_filter.filter_results(
        filters, checks.validate(loader.load_certificate(RESPONDER_DER, "r").root)
    )
    found = [
        each.finding.code
        for result in results
        for each in result.finding_descriptions
        if each.finding.severity.name not in ("INFO", "NOTICE")
    ]
    assert found == []


@pytest.mark.std("C-118")
@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("06082b06010505070309", "06082b06010505070301", "C-118"),  # serverAuth
        ("03020780", "030206c0", "C-118"),  # nonRepudiation besides
        ("060355040a", "060355040b", "C-115"),  # OU
        ("0403020430", "0403030430", "C-084|C-112"),
    ],
)
def test_another_certificate_of_a_responder_is_refused(old: str, new: str, said: str) -> None:
    spoilt = RESPONDER_TBS.hex().replace(old, new)
    if spoilt == RESPONDER_TBS.hex():
        spoilt = RESPONDER_TBS.hex().replace("2a8648ce3d040302", "2a8648ce3d040303", 1)
    with pytest.raises(LintError, match=said):
        responder_certificate.lint(ISSUER, RESPONDER.spki, SERIAL, bytes.fromhex(spoilt), NOW)


@pytest.mark.std("C-118")
def test_the_issuers_own_key_is_no_responders() -> None:
    tbs = responder_certificate.to_be_signed(ISSUER, ISSUER.spki, SERIAL, NOW)
    with pytest.raises(LintError, match="C-110"):
        responder_certificate.lint(ISSUER, ISSUER.spki, SERIAL, tbs, NOW)
