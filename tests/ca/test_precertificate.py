"""Precertificates and their certificates: byte for byte the same but for poison and SCT list."""

from collections.abc import Callable

import msgspec
import pytest
from cryptography import x509

from ca import precertificate
from ca.certificate import POISON, assemble, to_be_signed
from ca.der import DerError, tlv
from ca.linting import LintError, lint
from ca.precertificate import entry_of, faults, final_tbs, is_precertificate, scts_of
from ca.sct import Sct, SctError, encode_list
from tests.ca.arrange import ISSUER, KEY, NOW, WANTED, certificate_of

POISONED = msgspec.structs.replace(WANTED, precertificate=True)
TBS = to_be_signed(ISSUER, POISONED)
SCTS = [Sct(bytes((n,)) * 32, 1_700_000_000_000 + n, b"", b"\x04\x03", b"s" * 70) for n in range(3)]
FINAL, LIST = final_tbs(TBS, SCTS), precertificate.sct_list(SCTS)


@pytest.mark.std("C-121", "C-123")
def test_a_precertificate_is_poisoned_and_signed_by_the_issuing_ca() -> None:
    made = certificate_of(assemble(TBS, KEY.sign(TBS)))
    poison = made.extensions[len(made.extensions) - 1]
    assert (poison.oid.dotted_string, poison.critical) == ("1.3.6.1.4.1.11129.2.4.3", True)
    assert POISON.endswith(bytes.fromhex("04020500"))
    with pytest.raises(x509.ExtensionNotFound):
        made.extensions.get_extension_for_class(x509.PrecertificateSignedCertificateTimestamps)
    made.verify_directly_issued_by(certificate_of(ISSUER.certificate))
    assert is_precertificate(TBS)
    assert not is_precertificate(FINAL)
    assert not is_precertificate(to_be_signed(ISSUER, WANTED))


@pytest.mark.std("C-121", "C-122", "C-126")
def test_the_certificate_is_the_precertificate_with_scts_for_its_poison() -> None:
    made, pre = (certificate_of(assemble(tbs, KEY.sign(tbs))) for tbs in (FINAL, TBS))
    scts = made.extensions.get_extension_for_class(x509.PrecertificateSignedCertificateTimestamps)
    assert [sct.log_id for sct in scts.value] == [sct.log_id for sct in SCTS]
    assert made.tbs_precertificate_bytes == entry_of(TBS) == to_be_signed(ISSUER, WANTED)
    assert (made.serial_number, made.subject, made.not_valid_after_utc) == (
        pre.serial_number, pre.subject, pre.not_valid_after_utc
    )  # fmt: skip
    ours, theirs = ([(one.oid, one.critical) for one in each.extensions] for each in (made, pre))
    assert ours[:-1] == theirs[:-1]
    assert scts_of(FINAL) == SCTS
    assert faults(FINAL, TBS) is None


def with_extension(extension: bytes) -> bytes:
    fields, extensions = precertificate.parted(TBS)
    return precertificate.joined(fields, [*extensions[:-1], extension])


OTHER = to_be_signed(ISSUER, msgspec.structs.replace(POISONED, names=("other.demo.test",)))
TWO_IN_ONE = tlv(0x30, precertificate.SCT_LIST, tlv(0x04, 2 * tlv(0x04, encode_list(SCTS[:1]))))
SHORT = tlv(0x30, precertificate.SCT_LIST, tlv(0x04, tlv(0x04, b"\0\x05\0\0")))


@pytest.mark.std("C-122", "C-124", "C-066")
@pytest.mark.parametrize(
    ("final", "says"),
    [
        pytest.param(final_tbs(OTHER, SCTS), "C-122", id="of another precertificate"),
        pytest.param(FINAL.replace(b"www.demo.test", b"xxx.demo.test"), "C-122", id="another name"),
        pytest.param(FINAL.replace(WANTED.serial, bytes((WANTED.serial[0] ^ 1, *WANTED.serial[1:]))), "C-122",
                     id="another serial number"),
        pytest.param(TBS, "C-126", id="still poisoned"),
        pytest.param(with_extension(SHORT), "C-126", id="no list"),
        pytest.param(with_extension(precertificate.sct_list([])), "C-126", id="empty list"),
        pytest.param(with_extension(LIST + LIST), "C-122", id="twice"),
        pytest.param(with_extension(LIST.replace(b"\x04\x82", b"\x0c\x82")), "C-126", id="tag"),
        pytest.param(with_extension(TWO_IN_ONE), "C-126", id="two lists in one extension"),
        pytest.param(entry_of(TBS), "C-122", id="neither"),
        pytest.param(FINAL[:-1], "C-126", id="cut"),
        pytest.param(b"", "C-126", id="nothing"),
    ],
)  # fmt: skip
def test_what_is_not_the_certificate_of_a_precertificate(final: bytes, says: str) -> None:
    assert (faults(final, TBS) or "").startswith(says)


@pytest.mark.std("C-066", "C-122")
def test_a_certificate_goes_with_a_precertificate_only() -> None:
    assert faults(FINAL, entry_of(TBS)) == "C-121: what was signed is no precertificate"


def test_scts_of_what_has_none() -> None:
    with pytest.raises(SctError):
        scts_of(TBS)
    with pytest.raises((SctError, DerError)):
        scts_of(tlv(0x30, tlv(0x02, b"\x01")))


POISONS: list[tuple[str, Callable[[bytes], bytes]]] = [
    ("not critical", lambda tbs: with_extension(POISON.replace(b"\x01\x01\xff", b""))),
    ("with content", lambda tbs: with_extension(POISON.replace(b"\x04\x02\x05\x00", b"\x04\x02\x04\x00"))),
    ("an SCT list instead", lambda tbs: FINAL),
    ("none", entry_of),
]


@pytest.mark.std("C-121", "C-107", "C-124")
@pytest.mark.parametrize(("spoil"), [pytest.param(spoil, id=name) for name, spoil in POISONS])
def test_the_profile_check_knows_the_poison(spoil: Callable[[bytes], bytes]) -> None:
    assert lint(ISSUER, POISONED, TBS, NOW).tbs == TBS
    with pytest.raises(LintError):
        lint(ISSUER, POISONED, spoil(TBS), NOW)
    with pytest.raises(LintError):  # and poison is no part of a certificate
        lint(ISSUER, WANTED, TBS, NOW)
