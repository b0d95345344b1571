"""What a certificate says of the organisation is the reviewed name, whole, counted in characters. C-089, C-094."""

import msgspec
import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from ca.certificate import Subject, assemble, to_be_signed
from ca.linting import Linted, LintError, lint
from tests.ca.arrange import ISSUER, NOW, WANTED

LIMITS = {"organization": 64, "state_or_province": 128, "locality": 128}
OIDS = {
    "organization": NameOID.ORGANIZATION_NAME,
    "state_or_province": NameOID.STATE_OR_PROVINCE_NAME,
    "locality": NameOID.LOCALITY_NAME,
}
REVIEWED = Subject("株式会社 例", "JP", "東京都", "千代田区")


def linted(subject: Subject) -> Linted:
    wanted = msgspec.structs.replace(WANTED, subject=subject)
    return lint(ISSUER, wanted, to_be_signed(ISSUER, wanted), NOW)


@pytest.mark.std("C-094", "C-089")
@pytest.mark.parametrize("field", LIMITS)
@pytest.mark.parametrize("letter", ["a", "株", "𠮷"], ids=["1 octet", "3 octets", "4 octets"])
def test_the_longest_value_is_whole_in_the_certificate_and_one_character_more_is_refused(
    field: str, letter: str
) -> None:
    longest = letter * LIMITS[field]
    made = linted(msgspec.structs.replace(REVIEWED, **{field: longest}))
    subject = x509.load_der_x509_certificate(assemble(made.tbs, b"\x30\x06\x02\x01\x01\x02\x01\x01")).subject
    assert subject.get_attributes_for_oid(OIDS[field])[0].value == longest
    with pytest.raises(LintError, match=f"C-094: {field} has not 1 to {LIMITS[field]} characters"):
        linted(msgspec.structs.replace(REVIEWED, **{field: longest + letter}))


@pytest.mark.std("C-089", "C-095")
def test_another_name_than_the_reviewed_one_is_not_signed() -> None:
    assert linted(REVIEWED)
    other = msgspec.structs.replace(WANTED, subject=msgspec.structs.replace(REVIEWED, organization="株式会社 霊"))
    with pytest.raises(LintError, match="subject"):
        lint(ISSUER, msgspec.structs.replace(WANTED, subject=REVIEWED), to_be_signed(ISSUER, other), NOW)
