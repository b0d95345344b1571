"""What makes a CA is exactly what the profile says, or it is not signed: a table with one fault at a time."""

from datetime import datetime, timedelta

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ca import crl, hierarchy, keys
from ca.authority_linting import Authority, lint_authority, lint_crl
from ca.certificate import Issuer
from ca.crl import Revocation
from ca.der import elements
from ca.linting import LintError
from tests.ca.arrange import ISSUER, NAMES, NOW, ROOT, certificate_of, spki_of

KEY = keys.generate()
OF_ROOT = Authority("JP", NAMES.organization, NAMES.root, KEY.spki, None, NOW)
OF_ISSUING = Authority("JP", NAMES.organization, NAMES.issuing, KEY.spki, ROOT.issuer, NOW)
ROOT_TBS = hierarchy.root_tbs(NAMES, NAMES.root, KEY.spki, NOW)
DN = hierarchy.distinguished_name(NAMES, NAMES.issuing)
ISSUING_TBS = hierarchy.subordinate_tbs(DN, KEY.spki, ROOT.issuer, NOW)
DAY, SECOND = timedelta(days=1), timedelta(seconds=1)


def findings(wanted: Authority, tbs: bytes, at: datetime = NOW) -> str:
    """What is wrong with it."""
    with pytest.raises(LintError) as refused:
        lint_authority(wanted, tbs, at)
    return str(refused.value)


@pytest.mark.std("C-114", "C-115", "C-116")
def test_root_and_issuing_ca_as_they_are_made_pass() -> None:
    for at in (NOW, NOW + DAY):
        lint_authority(OF_ROOT, ROOT_TBS, at)
        lint_authority(OF_ISSUING, ISSUING_TBS, at)


def swapped(tbs: bytes, old: str, new: str) -> bytes:
    """The bytes with one piece exchanged for another of the same length."""
    assert tbs.count(bytes.fromhex(old)) == 1
    assert len(old) == len(new)
    return tbs.replace(bytes.fromhex(old), bytes.fromhex(new))


def root(**changes: timedelta) -> bytes:
    """A root of another lifetime."""
    subject = hierarchy.distinguished_name(NAMES, NAMES.root)
    return hierarchy.tbs_of(
        hierarchy.builder(subject, subject, NOW, NOW + changes["lifetime"] - SECOND)
        .public_key(ec.generate_private_key(ec.SECP256R1()).public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    )


def with_ou() -> bytes:
    """An issuing CA whose subject has an OU."""
    attributes = [*DN, x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "PKI")]
    return hierarchy.subordinate_tbs(x509.Name(attributes), KEY.spki, ROOT.issuer, NOW)


EKU_SERVER, EKU_CLIENT = "06082b06010505070301", "06082b06010505070302"
FAULTS = [
    pytest.param(OF_ISSUING, ISSUING_TBS, "30060101ff020100", "30060101ff020101", "C-114: basicConstraints", id="path"),
    pytest.param(OF_ISSUING, ISSUING_TBS, "03020186", "03020106", "C-114: keyUsage", id="no digitalSignature"),
    pytest.param(OF_ISSUING, ISSUING_TBS, EKU_SERVER, EKU_CLIENT, "C-114: extKeyUsage", id="clientAuth"),
    pytest.param(OF_ISSUING, ISSUING_TBS, "67810c010202", "67810c010201", "C-114: certificatePolicies", id="DV"),
    pytest.param(OF_ISSUING, ISSUING_TBS, "551d0f0101ff", "551d0f010100", "C-114: keyUsage", id="not critical"),
    pytest.param(OF_ISSUING, ISSUING_TBS, "551d1f", "551d2e", "C-114: cRLDistributionPoints", id="freshest CRL"),
    pytest.param(OF_ROOT, ROOT_TBS, "03020186", "03020106", "C-116: keyUsage", id="root's usage"),
    pytest.param(OF_ROOT, ROOT_TBS, "30030101ff", "3003010100", "C-116: basicConstraints", id="no CA"),
    pytest.param(OF_ROOT, ROOT_TBS, "551d0e", "551d25", "C-116: subjectKeyIdentifier", id="root with an EKU"),
    pytest.param(OF_ROOT, ROOT_TBS, "300a06082a8648ce3d040302", "300a06082a8648ce3d040303", "C-112", id="SHA-384"),
    pytest.param(OF_ROOT, ROOT_TBS, "a003020102", "a003020101", "C-079: version", id="v2"),
]  # fmt: skip


@pytest.mark.std("C-114", "C-116", "C-112")
@pytest.mark.parametrize(("wanted", "tbs", "old", "new", "said"), FAULTS)
def test_one_octet_off_is_found(wanted: Authority, tbs: bytes, old: str, new: str, said: str) -> None:
    assert said in findings(wanted, swapped(tbs, old, new))


@pytest.mark.std("C-115")
def test_a_subject_has_c_o_cn_and_no_ou() -> None:
    assert "C-115" in findings(OF_ISSUING, with_ou())
    assert "C-115" in findings(msgspec.structs.replace(OF_ISSUING, common_name="Another"), ISSUING_TBS)


@pytest.mark.std("C-116")
@pytest.mark.parametrize("days", [2921, 7299, 7301, 9133])
def test_a_root_of_other_days_is_found(days: int) -> None:
    found = findings(OF_ROOT, root(lifetime=timedelta(days=days)))
    assert "validity is not 7300 days" in found
    assert "1 extensions where the profile has 4" in found


@pytest.mark.parametrize(
    ("at", "said"),
    [(NOW - SECOND, "notBefore"), (NOW + DAY + SECOND, "notBefore is not within the day")],
    ids=["future", "older than a day"],
)
def test_it_is_signed_within_a_day(at: datetime, said: str) -> None:
    assert said in findings(OF_ROOT, ROOT_TBS, at)
    assert said in findings(OF_ISSUING, ISSUING_TBS, at)


@pytest.mark.std("C-114")
def test_an_issuing_ca_does_not_outlive_its_root() -> None:
    late = NOW + 7200 * DAY
    wanted, tbs = (
        msgspec.structs.replace(OF_ISSUING, not_before=late),
        hierarchy.subordinate_tbs(DN, KEY.spki, ROOT.issuer, late),
    )
    lint_authority(wanted, tbs, late)
    root = certificate_of(ROOT.issuer.certificate)
    made = hierarchy.certificate_of(tbs, ROOT.key)
    assert (made.not_valid_before_utc, made.not_valid_after_utc) == (late, root.not_valid_after_utc)
    longer = msgspec.structs.replace(wanted, parent=hierarchy.make_root(0, NAMES, NAMES.root, late).issuer)
    assert "validity is not 3650 days" in findings(longer, tbs, late)


@pytest.mark.std("C-110")
def test_another_key_or_issuer_is_found() -> None:
    other = keys.generate().spki
    assert "C-110" in findings(msgspec.structs.replace(OF_ROOT, spki=other), ROOT_TBS)
    assert "C-084" in findings(msgspec.structs.replace(OF_ISSUING, parent=ISSUER), ISSUING_TBS)
    p384 = spki_of(ec.generate_private_key(ec.SECP384R1()))
    wanted = msgspec.structs.replace(OF_ROOT, spki=p384)
    assert "C-110" in findings(wanted, hierarchy.root_tbs(NAMES, NAMES.root, p384, NOW))


def test_garbage_is_no_certificate() -> None:
    assert "no DER" in findings(OF_ROOT, b"\x30\x05garbage")


# CRLs -----------------------------------------------------------------------------------------------------------------
def body(issuer: Issuer = ISSUER, shard: int = 1, number: int = 1, days: int = 7, of_root: bool = False) -> bytes:
    """A first CRL, or nearly."""
    return crl.to_be_signed(issuer, shard, number, (), NOW, NOW + days * DAY, of_ca_certificates=of_root)


@pytest.mark.std("C-135", "C-137", "C-138")
def test_first_crls_as_they_are_made_pass() -> None:
    lint_crl(ISSUER, 1, body(), NOW, of_root=False)
    for each in hierarchy.first_crl_bodies(ROOT.issuer, NOW, of_root=True):
        lint_crl(ROOT.issuer, 0, each, NOW + DAY, of_root=True)


ENTRY = Revocation(b"\x11" * 16, None, NOW)
REVOKED = [Revocation(b"\x11" * 16, 9, NOW), Revocation(b"\x12" * 16, 1, NOW)]
OTHERS = [
    pytest.param([], "C-139, C-160: 0 entries, not 2", id="none"),
    pytest.param(REVOKED[:1], "C-139, C-160: 1 entries, not 2", id="one is missing"),
    pytest.param(REVOKED[::-1], "C-139, C-160: not the entries", id="another order"),
    pytest.param([REVOKED[0], Revocation(b"\x13" * 16, 1, NOW)], "C-139, C-160: not the", id="another serial number"),
    pytest.param([REVOKED[0], Revocation(b"\x12" * 16, 4, NOW)], "C-139, C-160: not the", id="another reason"),
    pytest.param(
        [REVOKED[0], Revocation(b"\x12" * 16, 1, NOW - SECOND)], "C-139, C-160: not the", id="another instant"
    ),
    pytest.param([REVOKED[0], Revocation(b"\x12" * 16, None, NOW)], "C-140: an entry has no reason", id="no reason"),
    pytest.param([REVOKED[0], Revocation(b"\x12" * 16, 2, NOW)], "C-139, C-160: not the", id="cACompromise"),
]
CRL_FAULTS = [
    pytest.param(body(number=2), "C-136", id="number"),
    pytest.param(body(shard=2), "C-137", id="another shard"),
    pytest.param(body(of_root=True), "C-138", id="scope"),
    pytest.param(body(days=11), "C-135: not made", id="too long"),
    pytest.param(body(ROOT.issuer), "C-135: issuer", id="issuer"),
    pytest.param(crl.to_be_signed(ISSUER, 1, 1, [ENTRY], NOW, NOW + DAY), "C-139", id="not empty"),
    pytest.param(b"\x30\x00", "no CRL", id="empty"),
    pytest.param(elements(ISSUER.certificate)[0], "no CRL", id="a certificate"),
]


@pytest.mark.std("C-136", "C-139")
@pytest.mark.parametrize(("tbs", "said"), CRL_FAULTS)
def test_another_crl_is_found(tbs: bytes, said: str) -> None:
    with pytest.raises(LintError, match=said):
        lint_crl(ISSUER, 1, tbs, NOW, of_root=False)


def test_an_old_crl_is_found() -> None:
    with pytest.raises(LintError, match="C-135"):
        lint_crl(ISSUER, 1, body(), NOW + DAY + SECOND, of_root=False)


@pytest.mark.std("C-140", "C-160")
@pytest.mark.parametrize(("entries", "said"), OTHERS)
def test_a_crl_with_other_entries_than_were_decided_is_found(entries: list[Revocation], said: str) -> None:
    def made(shown: list[Revocation]) -> bytes:
        return crl.to_be_signed(ROOT.issuer, 0, 1, shown, NOW, NOW + DAY, of_ca_certificates=True)

    lint_crl(ROOT.issuer, 0, made(REVOKED), NOW, of_root=True, entries=REVOKED)
    with pytest.raises(LintError, match=said):
        lint_crl(ROOT.issuer, 0, made(entries), NOW, of_root=True, entries=REVOKED)
