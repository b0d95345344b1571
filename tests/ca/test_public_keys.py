from itertools import count

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ca.der import Node, tlv, tree
from ca.profiles import TLSSERVER
from ca.public_keys import key_findings
from ca.weak_keys import weakness
from tests.ca.arrange import spki_of

RSA = bytes.fromhex("300d06092a864886f70d0101010500")
P256 = bytes.fromhex("301306072a8648ce3d020106082a8648ce3d030107")
GOOD = rsa.generate_private_key(65537, 2048).public_key().public_numbers()
LARGEST = next(n for n in count((1 << 8191) + 1, 2) if weakness(n) is None)
TRIPLED = next(3 * n for n in count((1 << 2047) // 3 + 1) if n % 2)
POINT = ec.generate_private_key(ec.SECP256R1()).public_key()
OCTETS = POINT.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
SHORT = POINT.public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
PRIME = 2**256 - 2**224 + 2**192 + 2**96 - 1


def number(value: int, *, pad: bytes = b"") -> bytes:
    return tlv(0x02, pad + value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))


def rsa_key(n: bytes, e: bytes, algorithm: bytes = RSA) -> Node:
    return tree(tlv(0x30, algorithm, tlv(0x03, b"\0", tlv(0x30, n, e))))


def ec_key(point: bytes, algorithm: bytes = P256, unused: bytes = b"\0") -> Node:
    return tree(tlv(0x30, algorithm, tlv(0x03, unused, point)))


@pytest.mark.std("C-068", "C-069", "C-110")
@pytest.mark.parametrize(
    ("key", "finding"),
    [
        pytest.param(rsa_key(number(GOOD.n), number(GOOD.e)), None, id="RSA-2048"),
        pytest.param(rsa_key(number(LARGEST), number(65537)), None, id="C-068 8192 bits"),
        pytest.param(rsa_key(number(TRIPLED), number(65537)), "C-069", id="C-069 a factor of three"),
        pytest.param(rsa_key(number((1 << 8199) + 1), number(65537)), "C-068", id="C-068 8200 bits"),
        pytest.param(rsa_key(number((1 << 2039) + 1), number(65537)), "C-068", id="C-068 2040 bits"),
        pytest.param(rsa_key(number((1 << 2048) + 1), number(65537)), "C-068", id="C-068 2049 bits"),
        pytest.param(rsa_key(number(GOOD.n - 1), number(65537)), "C-069", id="C-069 even modulus"),
        pytest.param(rsa_key(number(-GOOD.n), number(65537)), "C-069", id="C-069 negative modulus"),
        pytest.param(rsa_key(number(GOOD.n), number(3)), "C-069", id="C-069 exponent 3"),
        pytest.param(rsa_key(number(GOOD.n), number(65538)), "C-069", id="C-069 even exponent"),
        pytest.param(rsa_key(number(GOOD.n), number((1 << 256) + 1)), "C-069", id="C-069 exponent of 257 bits"),
        pytest.param(rsa_key(number(GOOD.n), number((1 << 256) - 1)), None, id="C-069 exponent of 256 bits"),
        pytest.param(rsa_key(number(GOOD.n, pad=b"\0"), number(65537)), "C-110", id="C-110 padded modulus"),
        pytest.param(rsa_key(number(GOOD.n), number(65537, pad=b"\0")), "C-110", id="C-110 padded exponent"),
        pytest.param(rsa_key(number(GOOD.n), b""), "C-110", id="C-110 no exponent"),
        pytest.param(rsa_key(b"\x02\x05", b""), "C-110", id="C-110 truncated"),
        pytest.param(
            rsa_key(number(GOOD.n), number(65537), bytes.fromhex("300b06092a864886f70d010101")), "C-110",
            id="C-110 no NULL",
        ),
        pytest.param(
            rsa_key(number(GOOD.n), number(65537), bytes.fromhex("300d06092a864886f70d01010a0500")), "C-110",
            id="C-110 id-RSASSA-PSS",
        ),
    ],
)  # fmt: skip
def test_rsa(key: Node, finding: str | None) -> None:
    findings = key_findings(TLSSERVER, key)
    assert [text for text in findings if finding and finding in text] if finding else findings == []


@pytest.mark.std("C-070", "C-071", "C-110")
@pytest.mark.parametrize(
    ("key", "finding"),
    [
        pytest.param(ec_key(OCTETS), None, id="P-256"),
        pytest.param(tree(spki_of(ec.generate_private_key(ec.SECP384R1()))), None, id="P-384"),
        pytest.param(tree(spki_of(ec.generate_private_key(ec.SECP521R1()))), None, id="P-521"),
        pytest.param(tree(spki_of(ec.generate_private_key(ec.SECP256K1()))), "C-071", id="C-071 secp256k1"),
        pytest.param(tree(spki_of(ec.generate_private_key(ec.SECP224R1()))), "C-071", id="C-071 P-224"),
        pytest.param(ec_key(OCTETS[:-1] + bytes((OCTETS[-1] ^ 1,))), "C-070", id="C-070 not on the curve"),
        pytest.param(ec_key(SHORT), "C-070", id="C-070 compressed"),
        pytest.param(ec_key(b"\0"), "C-070", id="C-070 infinity"),
        pytest.param(ec_key(b""), "C-070", id="C-070 no point"),
        pytest.param(ec_key(b"\4" + PRIME.to_bytes(32, "big") + OCTETS[33:]), "C-070", id="C-070 beyond the field"),
        pytest.param(ec_key(OCTETS, unused=b"\1"), "C-110", id="C-110 unused bits"),
        pytest.param(ec_key(OCTETS, bytes.fromhex("300906072a8648ce3d0201")), "C-110", id="C-110 no curve"),
        pytest.param(ec_key(OCTETS, bytes.fromhex("300b06072a8648ce3d02013000")), "C-110", id="C-110 explicit"),
    ],
)
def test_ec(key: Node, finding: str | None) -> None:
    findings = key_findings(TLSSERVER, key)
    assert [text for text in findings if finding and finding in text] if finding else findings == []
