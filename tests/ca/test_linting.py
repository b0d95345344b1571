from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from ca import hierarchy
from ca.certificate import Subject, to_be_signed
from ca.der import Node, tlv, tree
from ca.linting import Linted, LintError, is_dns_name, lint, recorded_key
from ca.profiles import SHORTLIVED
from tests.ca.arrange import ISSUER, NAMES, NOW, ROOT, WANTED, spki_of

SECOND = timedelta(seconds=1)
TBS = to_be_signed(ISSUER, WANTED)
VERSION, SERIAL, ALGORITHM, NAME, VALIDITY, SUBJECT_FIELD, SPKI, EXTENSIONS = range(8)
KU, EKU, AKI, AIA, POLICIES, SAN, CDP = range(7)
Fields = list[Any]


def encode(node: Node) -> bytes:
    """The bytes of a tree."""
    tag, content = node
    return tlv(tag, content) if isinstance(content, bytes) else tlv(tag, *map(encode, content))


def hexed(text: str) -> Node:
    return tree(bytes.fromhex(text))


def mutated(change: Callable[[Fields], None]) -> bytes:
    """The good bytes with one change of their fields."""
    fields = list(tree(TBS)[1])
    change(fields)
    return encode((0x30, tuple(fields)))


def put(field: int, node: Node) -> Callable[[Fields], None]:
    def change(fields: Fields) -> None:
        fields[field] = node

    return change


def on_extensions(change: Callable[[list[Node]], None]) -> Callable[[Fields], None]:
    def change_field(fields: Fields) -> None:
        extensions = list(fields[EXTENSIONS][1][0][1])
        change(extensions)
        fields[EXTENSIONS] = (0xA3, ((0x30, tuple(extensions)),))

    return change_field


def value(extension: int, new: str) -> Callable[[Fields], None]:
    """Another content of one extension, in hex."""

    def change(extensions: list[Node]) -> None:
        parts = extensions[extension][1]
        extensions[extension] = (0x30, (*parts[:-1], (0x04, bytes.fromhex(new))))

    return on_extensions(change)


def critical(extension: int, *flag: Node) -> Callable[[Fields], None]:
    def change(extensions: list[Node]) -> None:
        parts = extensions[extension][1]
        extensions[extension] = (0x30, (parts[0], *flag, parts[-1]))

    return on_extensions(change)


def rdns(change: Callable[[list[Node]], None]) -> Callable[[Fields], None]:
    def change_field(fields: Fields) -> None:
        parts = list(fields[SUBJECT_FIELD][1])
        change(parts)
        fields[SUBJECT_FIELD] = (0x30, tuple(parts))

    return change_field


def rdn(oid: str, tag: int, text: str) -> Node:
    return (0x31, ((0x30, ((0x06, bytes.fromhex(oid)), (tag, text.encode()))),))


def san(*names: tuple[int, bytes]) -> Callable[[Fields], None]:
    return value(SAN, tlv(0x30, *(tlv(tag, content) for tag, content in names)).hex())


def url(text: str) -> bytes:
    return tlv(0x86, text.encode())


def cdp(*names: bytes, tail: bytes = b"") -> Callable[[Fields], None]:
    return value(CDP, tlv(0x30, tlv(0x30, tlv(0xA0, tlv(0xA0, *names)), tail)).hex())


def validity(starts: str, ends: str, tag: int = 0x17) -> Callable[[Fields], None]:
    return put(VALIDITY, (0x30, ((tag, starts.encode()), (0x17, ends.encode()))))


GOOD_NAMES = [
    (0x82, b"www.demo.test"), (0x82, b"*.demo.test"), (0x87, b"\x7f\0\0\1"), (0x87, bytes(15) + b"\1"),
]  # fmt: skip
GOOD_CDP = url(ISSUER.crl_url(2))
ENDS = "270609115959Z"
TLS_FEATURE = hexed("3011 0608 2b06010505070118 0405 3003020105".replace(" ", ""))
FAULTS = [
    ("C-079 v1", "C-079", put(VERSION, hexed("a003020100"))),
    ("C-079 another serial", "C-079", put(SERIAL, (0x02, bytes([1] * 16)))),
    ("C-079 serial with a zero before it", "C-079", put(SERIAL, (0x02, b"\0" + WANTED.serial))),
    ("C-112 another hash", "C-112", put(ALGORITHM, hexed("300a06082a8648ce3d040303"))),
    ("C-112 parameters", "C-112", put(ALGORITHM, hexed("300c06082a8648ce3d0403020500"))),
    ("C-111 SHA-1", "C-112", put(ALGORITHM, hexed("300906072a8648ce3d0401"))),
    ("C-084 another issuer", "C-084", put(NAME, tree(ROOT.issuer.subject))),
    ("C-084 unique id", "C-084", lambda fields: fields.insert(7, (0x81, b"\0\1"))),
    ("C-083 generalized before 2050", "C-083", validity("20261122120000Z", ENDS, 0x18)),
    ("C-083 fraction", "C-083", validity("261122120000.0Z", ENDS)),
    ("C-083 offset", "C-083", validity("261122120000+0000", ENDS)),
    ("C-083 no seconds", "C-083", validity("2611221200Z", ENDS)),
    ("C-080 a second longer than recorded", "C-083", validity("261122120000Z", "270609120000Z")),
    ("C-087 organizational unit", "C-092", rdns(lambda parts: parts.append(rdn("55040b", 0x0C, "IT")))),
    ("C-090 common name", "C-092", rdns(lambda parts: parts.append(rdn("550403", 0x0C, "www.demo.test")))),
    ("C-086 no organization", "C-092", rdns(lambda parts: parts.pop())),
    ("C-086 no country", "C-092", rdns(lambda parts: parts.pop(0))),
    ("C-092 another order", "C-092", rdns(lambda parts: parts.reverse())),
    ("C-092 type twice", "C-092", rdns(lambda parts: parts.insert(1, parts[1]))),
    ("C-092 two attributes in one", "C-092", rdns(lambda parts: parts.append((0x31, parts[0][1] + parts[0][1])))),
    ("C-093 country as UTF-8", "C-093", rdns(lambda parts: parts.__setitem__(0, rdn("550406", 0x0C, "JP")))),
    ("C-093 Teletex", "C-093", rdns(lambda parts: parts.__setitem__(1, rdn("550408", 0x14, "Tokyo")))),
    ("C-095 another organization", "C-092", rdns(lambda parts: parts.__setitem__(3, rdn("55040a", 0x0C, "Evil")))),
    ("C-110 another key", "C-110", put(SPKI, tree(spki_of(ec.generate_private_key(ec.SECP256R1()))))),
    ("C-107 extension more", "C-107", on_extensions(lambda present: present.append(TLS_FEATURE))),
    ("C-107 extension less", "C-107", on_extensions(lambda present: present.pop(AIA))),
    ("C-107 extension instead", "C-107", on_extensions(lambda present: present.__setitem__(EKU, TLS_FEATURE))),
    ("C-109 extension twice", "C-107", on_extensions(lambda present: present.__setitem__(EKU, present[KU]))),
    ("C-107 another order", "C-107", on_extensions(lambda present: present.reverse())),
    ("C-102 not critical", "C-102", critical(KU)),
    ("C-102 keyEncipherment too", "C-102", value(KU, "030205a0")),
    ("C-102 certSign too", "C-102", value(KU, "03020284")),
    ("C-102 padded", "C-102", value(KU, "03020080")),
    ("C-100 critical", "C-100", critical(EKU, (0x01, b"\xff"))),
    ("C-101 clientAuth too", "C-100", value(EKU, "301406082b0601050507030106082b06010505070302")),
    ("C-100 any purpose", "C-100", value(EKU, "30060604551d2500")),
    ("C-105 another key id", "C-105", value(AKI, "30168014" + "00" * 20)),
    ("C-105 with issuer and serial", "C-105", value(AKI, "30198014" + ISSUER.key_id.hex() + "820101")),
    ("C-104 https", "C-104", value(AIA, "301d301b06082b06010505073002860f68747470733a2f2f782e746573742f")),
    ("C-104 empty", "C-104", value(AIA, "3000")),
    ("C-098 domain validated", "C-098", value(POLICIES, "300a3008060667810c010201")),
    ("C-098 any policy", "C-098", value(POLICIES, "30083006060455 1d2000".replace(" ", ""))),
    ("C-098 two reserved", "C-098", value(POLICIES, "30143008060667810c0102023008060667810c010201")),
    ("C-099 qualifier", "C-098", value(POLICIES, "300c300a060667810c0102020500")),
    ("C-096 critical", "C-096", critical(SAN, (0x01, b"\xff"))),
    ("C-096 name more", "C-096", san(*GOOD_NAMES, (0x82, b"evil.test"))),
    ("C-096 name less", "C-096", san(*GOOD_NAMES[:3])),
    ("C-096 name twice", "C-096", san(*GOOD_NAMES, GOOD_NAMES[0])),
    ("C-096 e-mail", "C-096", san(*GOOD_NAMES[:3], (0x81, b"a@demo.test"))),
    ("C-096 address as DNS name", "C-096", san(*GOOD_NAMES[:2], (0x82, b"127.0.0.1"), GOOD_NAMES[3])),
    ("C-096 address and mask", "C-096", san(*GOOD_NAMES[:2], (0x87, b"\x7f\0\0\1\xff\0\0\0"), GOOD_NAMES[3])),
    ("C-096 NUL", "C-096", san((0x82, b"www.demo.test\0.evil.test"), *GOOD_NAMES[1:])),
    ("C-096 other case", "C-096", san((0x82, b"WWW.demo.test"), *GOOD_NAMES[1:])),
    ("C-096 empty", "C-096", san()),
    ("C-096 no DER", "C-096", value(SAN, "3005")),
    ("C-106 another shard", "C-106", cdp(url(ISSUER.crl_url(3)))),
    ("C-106 two addresses", "C-106", cdp(GOOD_CDP, url("http://other.test/"))),
    ("C-106 reasons", "C-106", cdp(GOOD_CDP, tail=bytes.fromhex("81020780"))),
    ("C-106 critical", "C-106", critical(CDP, (0x01, b"\xff"))),
    ("C-106 FALSE encoded", "C-106", critical(CDP, (0x01, b"\x00"))),
    ("no sequence of extensions", "C-107", put(EXTENSIONS, (0xA3, ((0x31, ()),)))),
]  # fmt: skip


@pytest.mark.std("C-064")
def test_lint_passes_what_the_profile_wants() -> None:
    assert lint(ISSUER, WANTED, TBS, NOW) == Linted(TBS)
    assert mutated(lambda fields: None) == TBS


@pytest.mark.parametrize(("rule", "change"), [pytest.param(*fault[1:], id=fault[0]) for fault in FAULTS])
def test_lint_finds(rule: str, change: Callable[[Fields], None]) -> None:
    with pytest.raises(LintError) as refused:
        lint(ISSUER, WANTED, mutated(change), NOW)
    assert any(rule in finding for finding in refused.value.findings)


@pytest.mark.std("C-098", "C-100", "C-104")
def test_lint_checks_policy_purpose_and_addresses() -> None:
    changes = [change for name, rule, change in FAULTS if rule in ("C-098", "C-100", "C-104")]
    assert len(changes) >= 9
    for change in changes:
        with pytest.raises(LintError):
            lint(ISSUER, WANTED, mutated(change), NOW)
    lint(ISSUER, WANTED, TBS, NOW)


@pytest.mark.std("C-096", "C-105", "C-106")
def test_lint_checks_names_key_id_and_crl_address() -> None:
    changes = [change for name, rule, change in FAULTS if rule in ("C-096", "C-105", "C-106")]
    assert len(changes) >= 15
    for change in changes:
        with pytest.raises(LintError):
            lint(ISSUER, WANTED, mutated(change), NOW)
    lint(ISSUER, WANTED, TBS, NOW)


@pytest.mark.std("C-086", "C-092", "C-093")
def test_lint_checks_the_subject() -> None:
    changes = [change for name, rule, change in FAULTS if rule in ("C-086", "C-092", "C-093")]
    assert len(changes) >= 9
    for change in changes:
        with pytest.raises(LintError):
            lint(ISSUER, WANTED, mutated(change), NOW)
    lint(ISSUER, WANTED, TBS, NOW)


@pytest.mark.std("C-101", "C-102", "C-113")
def test_lint_checks_usage_and_signature_algorithm() -> None:
    named = ("C-101", "C-102", "C-111")
    changes = [change for name, rule, change in FAULTS if name.startswith(named)]
    assert len(changes) >= 6
    for change in changes:
        with pytest.raises(LintError):
            lint(ISSUER, WANTED, mutated(change), NOW)
    lint(ISSUER, WANTED, TBS, NOW)


@pytest.mark.std("C-087", "C-095", "C-099")
def test_lint_takes_subject_and_policy_from_records_only() -> None:
    changes = [change for name, rule, change in FAULTS if name.startswith(("C-087", "C-095", "C-099"))]
    assert len(changes) == 3
    for change in changes:
        with pytest.raises(LintError):
            lint(ISSUER, WANTED, mutated(change), NOW)
    lint(ISSUER, WANTED, TBS, NOW)


@pytest.mark.std("C-109")
@pytest.mark.parametrize("number", range(KU, CDP + 1))
def test_lint_takes_no_extension_twice(number: int) -> None:
    twice = mutated(on_extensions(lambda present: present.append(present[number])))
    instead = mutated(on_extensions(lambda present: present.__setitem__(KU if number else EKU, present[number])))
    for tbs in (twice, instead):
        with pytest.raises(LintError):
            lint(ISSUER, WANTED, tbs, NOW)


@pytest.mark.std("C-091")
@pytest.mark.parametrize(
    "extension",
    [
        pytest.param("300c0603551d130101ff04023000", id="C-103 basicConstraints, even as allowed"),
        pytest.param("301106082b060105050701180405300302010 5".replace(" ", ""), id="C-108 TLS feature"),
        pytest.param("3013060a2b06010401d6790204030101ff04020500", id="C-121 poison"),
    ],
)
def test_lint_knows_no_extension_beside_the_profile(extension: str) -> None:
    with_it = mutated(on_extensions(lambda present: present.append(hexed(extension))))
    with_name = mutated(rdns(lambda parts: parts.append(rdn("550403", 0x0C, "www.demo.test"))))
    for tbs in (with_it, with_name):
        with pytest.raises(LintError):
            lint(ISSUER, WANTED, tbs, NOW)
    lint(ISSUER, WANTED, TBS, NOW)


@pytest.mark.std("C-084")
@pytest.mark.parametrize("at", range(0, len(TBS), 7))
def test_lint_finds_any_flipped_bit(at: int) -> None:
    with pytest.raises(LintError):
        lint(ISSUER, WANTED, TBS[:at] + bytes((TBS[at] ^ 1 << at % 8,)) + TBS[at + 1 :], NOW)


@pytest.mark.parametrize("tbs", [b"", b"0", b"0\x80\0\0", TBS[:-1], TBS + b"\0", b"\x30\x81\x01\0", b"0\x82" * 50])
def test_lint_refuses_what_is_no_der(tbs: bytes) -> None:
    with pytest.raises(LintError):
        lint(ISSUER, WANTED, tbs, NOW)


WISHES = [
    ("C-079 short serial", "C-079", {"serial": b"\x7f" * 7}),
    ("C-079 negative serial", "C-079", {"serial": b"\xff" + b"\1" * 15}),
    ("C-079 long serial", "C-079", {"serial": b"\x01" * 21}),
    ("C-079 zero", "C-079", {"serial": b"\0"}),
    ("C-080 a second too long", "C-080", {"not_after": WANTED.not_after + SECOND}),
    ("C-080 ends before it starts", "C-080", {"not_after": NOW - SECOND}),
    ("C-082 49 hours ago", "C-082", {"not_before": NOW - timedelta(hours=49), "not_after": NOW}),
    ("C-082 in 49 hours", "C-082", {"not_before": NOW + timedelta(hours=49), "not_after": NOW + timedelta(days=9)}),
    ("C-085 seven days of shortlived", "C-080", {"profile": SHORTLIVED, "not_after": NOW + timedelta(days=7)}),
    ("C-086 neither state nor locality", "C-086", {"subject": Subject("Demo", "JP", None, None)}),
    ("C-086 three letters", "C-086", {"subject": Subject("Demo", "JPN", "Tokyo", None)}),
    ("C-086 small letters", "C-086", {"subject": Subject("Demo", "jp", "Tokyo", None)}),
    ("C-088 dash", "C-088", {"subject": Subject("Demo", "JP", "-", None)}),
    ("C-088 dots", "C-088", {"subject": Subject("...", "JP", "Tokyo", None)}),
    ("C-088 full-width dash", "C-088", {"subject": Subject("Demo", "JP", "Tokyo", "－")}),
    ("C-088 control character", "C-088", {"subject": Subject("De\0mo", "JP", "Tokyo", None)}),
    ("C-088 outer space", "C-088", {"subject": Subject("Demo ", "JP", "Tokyo", None)}),
    ("C-094 empty", "C-094", {"subject": Subject("", "JP", "Tokyo", None)}),
    ("C-094 65 characters", "C-094", {"subject": Subject("社" * 65, "JP", "Tokyo", None)}),
    ("C-094 129 characters", "C-094", {"subject": Subject("Demo", "JP", "都" * 129, None)}),
    ("C-068 RSA-1024", "C-068", {"spki_der": spki_of(rsa.generate_private_key(65537, 1024))}),
    ("C-069 exponent 3", "C-069", {"spki_der": spki_of(rsa.generate_private_key(3, 2048))}),
    ("C-071 Ed25519", "C-071", {"spki_der": spki_of(ed25519.Ed25519PrivateKey.generate())}),
    ("C-071 secp256k1", "C-071", {"spki_der": spki_of(ec.generate_private_key(ec.SECP256K1()))}),
    ("C-097 underscore", "C-097", {"names": ("a_b.demo.test",)}),
    ("C-097 trailing dot", "C-097", {"names": ("www.demo.test.",)}),
    ("C-097 two wildcards", "C-097", {"names": ("*.*.demo.test",)}),
    ("C-097 partial wildcard", "C-097", {"names": ("w*.demo.test",)}),
    ("C-097 reserved label", "C-097", {"names": ("ab--c.demo.test",)}),
    ("C-097 label of 64", "C-097", {"names": ("a" * 64 + ".test",)}),
    ("C-097 name of 254", "C-097", {"names": (".".join(["a" * 49] * 5) + ".test",)}),
    ("C-096 no name", "C-096", {"names": ()}),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "changes"), [pytest.param(*wish[1:], id=wish[0]) for wish in WISHES])
def test_lint_refuses_what_must_not_be_wanted(rule: str, changes: dict[str, Any]) -> None:
    wanted = msgspec.structs.replace(WANTED, **changes)
    with pytest.raises(LintError) as refused:
        lint(ISSUER, wanted, to_be_signed(ISSUER, wanted), NOW)
    assert any(rule in finding for finding in refused.value.findings)


EDGES = [
    ("C-079 64 bits", {"serial": b"\0\x80" + b"\0" * 7}),
    ("C-079 159 bits", {"serial": b"\x7f" + b"\xff" * 19}),
    ("C-082 48 hours ago", {"not_before": NOW - timedelta(hours=48), "not_after": NOW}),
    ("C-085 six days", {"profile": SHORTLIVED, "not_after": NOW + timedelta(days=6) - SECOND}),
    ("C-094 64 Japanese characters", {"subject": Subject("社" * 64, "JP", "都" * 128, None)}),
    ("C-086 locality alone", {"subject": Subject("Demo", "JP", None, "Chiyoda-ku")}),
    ("C-097 punycode", {"names": ("xn--wgv71a119e.test",)}),
    ("C-097 253 characters", {"names": (".".join([*["a" * 49] * 4, "a" * 48]) + ".test",)}),
    ("100 names", {"names": tuple(f"h{number}.demo.test" for number in range(100))}),
    *((f"C-070 {curve.name}", {"spki_der": spki_of(ec.generate_private_key(curve))})
      for curve in (ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1())),
    ("C-068 RSA-2048", {"spki_der": spki_of(rsa.generate_private_key(65537, 2048))}),
]  # fmt: skip


@pytest.mark.std("C-085", "C-088")
@pytest.mark.parametrize("changes", [pytest.param(edge[1], id=edge[0]) for edge in EDGES])
def test_lint_passes_the_edge(changes: dict[str, Any]) -> None:
    wanted = msgspec.structs.replace(WANTED, **changes)
    assert lint(ISSUER, wanted, to_be_signed(ISSUER, wanted), NOW).tbs


@pytest.mark.std("C-083")
def test_lint_knows_generalized_time_from_2050_on() -> None:
    starts = datetime(2049, 12, 1, tzinfo=UTC)
    wanted = msgspec.structs.replace(WANTED, not_before=starts, not_after=starts + timedelta(days=46) - SECOND)
    issuer = hierarchy.make(NAMES, 4, starts)[1].issuer  # a certificate ends before its issuing CA's
    tbs = to_be_signed(issuer, wanted)
    assert b"\x17\x0d491201000000Z\x18\x0f20500115235959Z" in tbs
    assert lint(issuer, wanted, tbs, starts).tbs == tbs


def test_lint_says_all_that_is_wrong() -> None:
    def change(fields: Fields) -> None:
        fields[VERSION], fields[ALGORITHM] = hexed("a003020100"), hexed("300c06082a8648ce3d0403020500")

    with pytest.raises(LintError) as refused:
        lint(ISSUER, WANTED, mutated(change), NOW)
    assert len(refused.value.findings) == 2


def test_recorded_key_is_the_one_of_the_hash() -> None:
    digest = sha256(WANTED.spki_der).digest()
    assert recorded_key(TBS, digest) == WANTED.spki_der
    with pytest.raises(LintError, match="not the recorded one"):
        recorded_key(TBS, sha256(b"another").digest())


@pytest.mark.std("C-097")
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("www.demo.test", True), ("*.demo.test", True), ("xn--wgv71a119e.test", True), ("1.demo.test", True),
        ("*", False), ("*.", False), ("", False), ("demo..test", False), ("-a.test", False), ("a-.test", False),
        ("日本.test", False), ("xn--.test", False), ("xn--\0.test", False), ("Demo.test", False), ("a b.test", False),
    ],
)  # fmt: skip
def test_is_dns_name(name: str, expected: bool) -> None:
    assert is_dns_name(name) is expected
