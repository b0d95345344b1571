"""What is known of parts changes no finding: ours beside those of stock pkilint, which reads each certificate whole."""

import random
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from pkilint import finding_filter, loader, validation
from pkilint.cabf.serverauth.serverauth_constants import CertificateType
from pkilint.document import PDUNode
from pyasn1.codec.der.encoder import encode as encoded

from ca import pkilint_parts
from ca.der import tree
from ca.lint_report import FAULTS as FORBIDDING
from ca.lint_report import Finding, unsigned
from ca.pkilint_parts import PART_MAX, Part, Parts, outlined
from ca.pkilint_walk import remember
from ca.pkilint_worker import Linter
from tests.ca.arrange import spki_of
from tests.ca.test_linting import FAULTS, KU, SAN, SPKI, TBS, encode, mutated, put
from tests.ca.test_pkilint import FAULTY, tbs_of

STOCK = validation.ValidatorContainer._validate_rec
CURVE, RSA = ec.generate_private_key(ec.SECP256R1()), rsa.generate_private_key(65537, 2048)
KEYS = [
    spki_of(key) for key in (CURVE, RSA, ec.generate_private_key(ec.SECP384R1()), ed25519.Ed25519PrivateKey.generate())
]
CORPUS = [
    TBS,
    tbs_of(),
    tbs_of(precertificate=True),
    tbs_of(names=tuple(f"h{number}.keiyaku.jp" for number in range(100))),
    *(mutated(change) for _, _, change in FAULTS),
    *(tbs for _, tbs, _ in FAULTY),
    *(mutated(put(SPKI, tree(key))) for key in KEYS),
]
KINDS = CertificateType.OV_FINAL_CERTIFICATE, CertificateType.OV_PRE_CERTIFICATE


@pytest.fixture(scope="module", params=KINDS, ids=lambda kind: kind.name)
def validators(request: pytest.FixtureRequest) -> Linter:
    """Made once: it takes half a second."""
    return Linter(request.param)


@pytest.fixture
def linter(validators: Linter) -> Iterator[Linter]:
    """As in a worker, with nothing known yet; stock pkilint afterwards."""
    remember()
    validators.parts, before = Parts(), tuple(validators.validators.validators)
    yield validators
    validators.validators.validators[:] = before
    validation.ValidatorContainer._validate_rec = STOCK


def stock(linter: Linter, tbs: bytes) -> tuple[Finding, ...] | None:
    """What the validators find without anything of ours; None for what pkilint cannot read."""
    ours, validation.ValidatorContainer._validate_rec = validation.ValidatorContainer._validate_rec, STOCK
    try:
        root = loader.load_certificate(unsigned(tbs), "tbs").root
        found, _ = finding_filter.filter_results(linter.filters, linter.validators.validate(root))
    except ValueError:
        return None
    finally:
        validation.ValidatorContainer._validate_rec = ours
    return tuple(
        Finding(one.finding.severity.name, one.finding.code, one.message or "")
        for result in found
        for one in result.finding_descriptions
    )


def ours(linter: Linter, tbs: bytes) -> tuple[Finding, ...] | None:
    """What a linter of ours finds."""
    findings = linter.lint(tbs).findings
    return None if [one.code for one in findings] == ["keiyaku.not_linted"] else findings


@pytest.mark.std("C-064")
def test_every_finding_of_stock_pkilint_is_ours_in_whatever_order(linter: Linter) -> None:
    expected = [stock(linter, tbs) for tbs in CORPUS]
    codes = {one.code for found in expected if found for one in found if one.severity in FORBIDDING}
    assert len(codes) >= 20, codes
    assert None in expected
    order = list(range(len(CORPUS))) * 2
    random.Random(4).shuffle(order)
    for at in (*range(len(CORPUS)), *order):
        assert ours(linter, CORPUS[at]) == expected[at], at


@pytest.mark.std("C-064")
def test_parts_that_are_right_alone_are_found_when_they_do_not_fit(linter: Linter) -> None:
    """Each field and extension as some certificate of the corpus has it: each was seen before, few of them together."""
    trees = [tree(tbs)[1] for tbs in CORPUS if outlined(unsigned(tbs))]
    fields = [[each[at] for each in trees] for at in range(7)]
    places = range(max(len(each[7][1][0][1]) for each in trees))
    listed = [[each[7][1][0][1][at] for each in trees if at < len(each[7][1][0][1])] for at in places]
    for tbs in CORPUS:
        linter.lint(tbs)
    drawn = random.Random(73)
    for _ in range(40):
        usual = drawn.random()  # most parts are right in one, few in another
        chosen = [of[1] if drawn.random() < usual else drawn.choice(of) for of in fields]
        extensions = [of[1] if drawn.random() < usual else drawn.choice(of) for of in listed[: drawn.choice((6, 7, 8))]]
        tbs = encode((0x30, (*chosen, (0xA3, ((0x30, tuple(extensions)),)))))
        assert outlined(unsigned(tbs)) is not None
        assert ours(linter, tbs) == stock(linter, tbs), tbs.hex()


def test_who_looked_at_known_parts_alone_is_not_asked_again(linter: Linter, monkeypatch: pytest.MonkeyPatch) -> None:
    counted = []
    wrapper = validation.Validator.validate_wrapper
    monkeypatch.setattr(
        validation.Validator, "validate_wrapper", lambda self, node: counted.append(self) or wrapper(self, node)
    )
    numbers = []
    for serial in range(3):
        linter.lint(tbs_of(serial=bytes((1, serial)) * 8, names=(f"h{serial}.keiyaku.jp",)))
        numbers.append(len(counted))
        counted.clear()
    assert numbers[1] == numbers[2] < numbers[0] * 0.7


class Curious(validation.Validator):  # type: ignore[misc]
    """Finds something at the key usage when the serial number is another one than usual."""

    def __init__(self, way: Any) -> None:
        finding = validation.ValidationFinding(validation.ValidationFindingSeverity.ERROR, "test.serial")
        super().__init__(validations=[finding], path="certificate.tbsCertificate.extensions.0")
        self.way, self.asked = way, 0

    def validate(self, node: PDUNode) -> None:
        self.asked += 1
        if self.way(node) % 2:
            raise validation.ValidationFindingEncountered(self.validations[0])


SERIAL = "tbsCertificate.serialNumber"
WAYS = [
    pytest.param(lambda node: int(node.navigate(f":certificate.{SERIAL}").pdu), id="an absolute path"),
    pytest.param(lambda node: int(node.navigate("^.^.serialNumber").pdu), id="a relative path"),
    pytest.param(lambda node: int(node.parents[1].children["serialNumber"].pdu), id="all that is above"),
    pytest.param(lambda node: int(node.document.root.navigate(SERIAL).pdu), id="the root"),
    pytest.param(lambda node: node.document.cryptography_object.serial_number, id="the octets, read once"),
    pytest.param(lambda node: node.document.substrate[15 + 15], id="the octets"),
]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("at", ["by itself", "in a container", "second"])
def test_who_looks_beyond_a_part_is_asked_each_time(linter: Linter, way: Any, at: str) -> None:
    curious = Curious(way)
    added = [Curious(way), curious] if at == "second" else [curious]
    within = validation.ValidatorContainer(validators=added, path=curious._path)
    linter.validators.validators += [within] if at == "in a container" else added
    usual, other = (tbs_of(serial=b"\1" * 15 + bytes((last,))) for last in (2, 3))
    for tbs, wrong in ((usual, False), (usual, False), (other, True), (usual, False), (other, True)):
        assert ("test.serial" in {one.code for one in linter.lint(tbs).findings}) is wrong
    assert curious.asked == 5


class Elsewhere(Curious):
    """Matches in a way of its own, not at its path."""

    def match(self, node: PDUNode) -> bool:
        return str(node.path).endswith(".serialNumber")


def test_who_matches_in_a_way_of_its_own_is_asked_at_each_node(linter: Linter) -> None:
    linter.validators.validators.append(Elsewhere(lambda node: int(node.pdu)))
    for last in (2, 3, 2, 3):
        tbs = tbs_of(serial=b"\1" * 15 + bytes((last,)))
        assert ("test.serial" in {one.code for one in linter.lint(tbs).findings}) is (last == 3)
        assert ours(linter, tbs) == stock(linter, tbs)


def test_who_finds_something_in_a_part_finds_it_each_time(linter: Linter) -> None:
    usual, content, curious = stock(linter, tbs_of()), Curious(lambda node: 0), Curious(lambda node: 1)
    linter.validators.validators += [content, curious]
    for _ in range(3):
        assert [one for one in linter.lint(tbs_of()).findings if one.code == "test.serial"]
    linter.validators.validators.remove(curious)
    remember()  # who may match where is another matter
    for _ in range(3):
        assert linter.lint(tbs_of()).findings == usual
    assert (curious.asked, content.asked) == (3, 4)


@pytest.mark.parametrize("tbs", [tbs_of(), tbs_of(precertificate=True), TBS])
def test_what_is_put_together_is_what_pkilint_reads(tbs: bytes) -> None:
    def all_of(node: PDUNode) -> list[Any]:
        return [
            (node.path, type(node.pdu), repr(node)),
            *(each for child in node.children.values() for each in all_of(child)),
        ]

    whole = loader.load_certificate(unsigned(tbs), "tbs").root
    parts = Parts()
    for _ in range(2):
        root = parts.root(unsigned(tbs))
        assert all_of(root) == all_of(whole)
        assert encoded(root.pdu) == unsigned(tbs)
        assert root.pdu == whole.pdu


FIELDS = tree(TBS)[1]
LISTED = FIELDS[7][1][0]


@pytest.mark.parametrize(
    "der",
    [
        b"",
        b"0",
        b"\x30\x00",
        unsigned(TBS) + b"\0",
        unsigned(TBS) * 2,
        unsigned(TBS)[:-1],
        b"\x31" + unsigned(TBS)[1:],
        unsigned(TBS).replace(pkilint_parts.V3, bytes.fromhex("a003020100")),
        unsigned(encode((0x30, FIELDS[:7]))),
        unsigned(encode((0x31, FIELDS))),
        unsigned(encode((0x30, (*FIELDS[:7], (0xA3, ((0x30, ()),)))))),
        unsigned(encode((0x30, (*FIELDS[:7], (0xA3, (LISTED, LISTED)))))),
        unsigned(encode((0x30, (*FIELDS[:7], (0xA3, ((0x31, LISTED[1]),)))))),
        unsigned(encode((0x30, (*FIELDS[:6], (0x30, ()), FIELDS[7])))),
    ],
)
def test_what_is_outwardly_another_thing_is_left_to_pkilint(der: bytes) -> None:
    assert Parts().root(der) is None
    assert Parts().root(unsigned(TBS)) is not None


def test_what_is_remembered_is_bounded(linter: Linter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pkilint_parts, "PARTS_MAX", 20)
    for number in range(9):
        linter.lint(tbs_of(names=(f"h{number}.keiyaku.jp",), serial=bytes((1, number)) * 8))
    assert len(linter.parts.known) == 20
    subject = linter.parts.whole.root.navigate("tbsCertificate.subject")
    assert isinstance(subject, Part)
    assert subject in linter.parts.known.values(), "what every certificate has stays"
    linter.lint(tbs_of(names=tuple(f"h{number}.keiyaku.jp" for number in range(100))))
    assert all(len(octets) <= PART_MAX for _, octets in linter.parts.known)


@pytest.mark.parametrize("fault", ["C-096 no DER", "C-102 padded"])
def test_a_part_that_could_not_be_decoded_is_not_kept(linter: Linter, fault: str) -> None:
    bad = mutated(next(change for name, _, change in FAULTS if name == fault))
    expected = stock(linter, bad)
    assert expected
    assert [ours(linter, bad) for _ in range(3)] == [expected] * 3
    place = {"C-096 no DER": SAN, "C-102 padded": KU}[fault]
    assert f"certificate.tbsCertificate.extensions.{place}" not in {path for path, _ in linter.parts.known}
    assert len(linter.parts.known) == len(FIELDS) + len(LISTED[1])
