"""Keys and signatures, with josepy as the oracle in both directions."""

import hashlib
import json
from typing import Any

import josepy
import msgspec
import pytest
from acme import jws as client
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa, x25519
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from acme_server.protocol import keys
from acme_server.protocol.errors import AcmeError, ErrorType
from acme_server.protocol.jws import ALGORITHMS, Jwk, Signed, parse_request
from tests.acme_server.protocol.clients import (
    ALL_ALGS,
    EC_ALGS,
    URL,
    attempt,
    b64,
    b64_int,
    body,
    header,
    josepy_key,
    jwk_of,
    private_key,
    refused,
)

JOSEPY_ALGS = {"ES256": josepy.ES256, "ES384": josepy.ES384, "ES512": josepy.ES512, "RS256": josepy.RS256}


def jwk(members: dict[str, Any]) -> Jwk:
    return msgspec.convert(members, Jwk)


def signed_by(alg: str, which: int = 0) -> Signed:
    key = private_key(alg, which)
    return parse_request(body(header(alg, kid=None, jwk=jwk_of(key)), b"payload", key, alg))


def spki(key: Any) -> bytes:
    return bytes(key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


@pytest.mark.parametrize("alg", ALL_ALGS)
def test_every_algorithm_signs_a_request(alg: str) -> None:
    signed = signed_by(alg)
    key = keys.of_signed(signed)
    keys.verify(signed, key)
    assert key.algs == (alg,)
    assert key.spki_der == spki(private_key(alg))
    assert key.spki_sha256 == hashlib.sha256(key.spki_der).digest()


def test_the_algorithms_are_those() -> None:
    assert set(keys.ALGORITHMS) == set(ALL_ALGS)
    assert keys.ALGORITHMS is ALGORITHMS


@pytest.mark.parametrize("alg", JOSEPY_ALGS)
def test_what_the_reference_client_signs_verifies(alg: str) -> None:
    sent = client.JWS.sign(
        b"payload", key=josepy_key(private_key(alg)), alg=JOSEPY_ALGS[alg], nonce=b"nonce", url=URL
    ).json_dumps()
    signed = parse_request(sent.encode())
    keys.verify(signed, keys.of_signed(signed))


@pytest.mark.parametrize("alg", JOSEPY_ALGS)
def test_what_we_accept_the_reference_client_verifies(alg: str) -> None:
    key = private_key(alg)
    text = body(header(alg, kid=None, jwk=jwk_of(key)), b"payload", key, alg)
    keys.verify(parse_request(text), keys.of_signed(parse_request(text)))
    assert client.JWS.from_json(json.loads(text)).verify()


@pytest.mark.std("A-154")
@pytest.mark.parametrize("alg", JOSEPY_ALGS)
def test_thumbprints_are_those_of_the_reference_client(alg: str) -> None:
    theirs = josepy_key(private_key(alg)).public_key()
    ours = keys.of_jwk(jwk(theirs.to_json()))
    assert ours.thumbprint == theirs.thumbprint()
    assert keys.of_spki(spki(private_key(alg))).thumbprint == theirs.thumbprint()


@pytest.mark.std("A-154")
@pytest.mark.parametrize("alg", EC_ALGS)
def test_a_coordinate_with_leading_zeros_keeps_its_width_in_the_thumbprint(alg: str) -> None:
    key, members = with_a_short_coordinate(alg)
    by_hand = json.dumps(members, sort_keys=True, separators=(",", ":")).encode()
    assert keys.of_jwk(jwk(members)).thumbprint == hashlib.sha256(by_hand).digest()
    assert keys.of_spki(spki(key)) == keys.of_jwk(jwk(members))


def with_a_short_coordinate(alg: str) -> tuple[Any, dict[str, Any]]:
    size, curve = EC_ALGS[alg][1], EC_ALGS[alg][2]
    for scalar in range(1, 5000):
        key = ec.derive_private_key(scalar, curve)
        if key.public_key().public_numbers().x.bit_length() <= 8 * (size - 1):
            return key, jwk_of(key)
    raise AssertionError("no such key")


@pytest.mark.std("A-154")
def test_thumbprint_of_the_rfc() -> None:
    """RFC 7638 §3.1, and RFC 8037 A.3 for Ed25519."""
    n = (
        "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3o"
        "knjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZH"
        "zu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEg"
        "U8awapJzKnqDKgw"
    )
    assert b64(keys.of_jwk(Jwk("RSA", n=n, e="AQAB")).thumbprint) == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
    x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
    assert b64(keys.of_jwk(Jwk("OKP", "Ed25519", x)).thumbprint) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


@pytest.mark.std("A-023", "A-019")
@pytest.mark.parametrize(
    "alg", ["none", "HS256", "HS384", "HS512", "RS384", "RS512", "PS256", "ES256K", "es256", "", "EdDSA "]
)
def test_an_unsupported_alg_is_told_what_is_supported(alg: str) -> None:
    good = signed_by("ES256")
    bad = msgspec.structs.replace(good, alg=alg)
    key = keys.of_signed(good)
    with refused(ErrorType.BAD_SIGNATURE_ALGORITHM, "ES256") as it:
        keys.verify(bad, key)
    assert it.error.fields == {"algorithms": list(ALGORITHMS)}
    with refused(ErrorType.BAD_SIGNATURE_ALGORITHM):
        keys.of_signed(msgspec.structs.replace(bad, jwk=Jwk("oct", k="AA")))


@pytest.mark.std("A-025")
@pytest.mark.parametrize("alg", ALL_ALGS)
@pytest.mark.parametrize("key_of", ALL_ALGS)
def test_alg_and_key_agree(alg: str, key_of: str) -> None:
    signed, key = signed_by(alg), keys.of_signed(signed_by(key_of))
    if alg == key_of:
        keys.verify(signed, key)
    else:
        with refused(ErrorType.BAD_PUBLIC_KEY, f"Sign with {key_of}"):
            keys.verify(signed, key)


@pytest.mark.parametrize("alg", ALL_ALGS)
def test_another_signature_does_not_verify(alg: str) -> None:
    signed = signed_by(alg)
    key = keys.of_signed(signed)
    keys.verify(signed, key)
    flipped = bytes([signed.signature[0], signed.signature[1] ^ 1]) + signed.signature[2:]
    for bad in (
        msgspec.structs.replace(signed, signature=flipped),
        msgspec.structs.replace(signed, signature=b""),
        msgspec.structs.replace(signed, signature=bytes(len(signed.signature))),
        msgspec.structs.replace(signed, signature=b"\xff" * len(signed.signature)),
        msgspec.structs.replace(signed, signature=signed.signature + b"\0"),
        msgspec.structs.replace(signed, signing_input=signed.signing_input + b"A"),
        signed_by(alg, which=1),
    ):
        with refused(ErrorType.MALFORMED, "does not verify"):
            keys.verify(bad, key)


@pytest.mark.std("A-027")
@pytest.mark.parametrize("alg", EC_ALGS)
def test_an_ecdsa_signature_has_its_fixed_length(alg: str) -> None:
    size = EC_ALGS[alg][1]
    signed = signed_by(alg)
    key = keys.of_signed(signed)
    assert len(signed.signature) == 2 * size
    keys.verify(signed, key)
    r, s = (int.from_bytes(part) for part in (signed.signature[:size], signed.signature[size:]))
    padded = b"\0" + r.to_bytes(size) + b"\0" + s.to_bytes(size)
    for bad in (encode_dss_signature(r, s), padded, signed.signature[1:], signed.signature[:-1]):
        with refused(ErrorType.MALFORMED):
            keys.verify(msgspec.structs.replace(signed, signature=bad), key)


EC, OKP, RSA = (jwk_of(private_key(alg)) for alg in ("ES256", "EdDSA", "RS256"))
P = 2**255 - 19
ORDER_8 = "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"
N = int.from_bytes(b"\xc1" * 256)


def rsa_jwk(n: int = N, e: int = 65537) -> dict[str, Any]:
    return {"kty": "RSA", "n": b64_int(n), "e": b64_int(e)}


def test_the_keys_of_the_next_table_are_good_without_their_fault() -> None:
    for good in (EC, OKP, RSA, rsa_jwk(), rsa_jwk(n=(1 << 4095) + 1), rsa_jwk(e=(1 << 64) - 1)):
        keys.of_jwk(jwk(good))


@pytest.mark.std("A-024")
@pytest.mark.parametrize(
    "members",
    [
        pytest.param(EC | {"d": "AA"}, id="a private EC key"),
        pytest.param(EC | {"d": None}, id="a private member that is null"),
        pytest.param(OKP | {"d": "AA"}, id="a private Ed25519 key"),
        pytest.param(RSA | {"p": "AA"}, id="a prime of an RSA key"),
        pytest.param({"kty": "oct", "k": "AA"}, id="a symmetric key"),
        pytest.param({"kty": "ec"} | {k: EC[k] for k in "xy"}, id="kty in lower case"),
        pytest.param({"kty": "XXX"}, id="an unknown kty"),
        pytest.param(EC | {"crv": "secp256k1"}, id="a curve that is not accepted"),
        pytest.param(EC | {"crv": "P-384"}, id="coordinates of another curve"),
        pytest.param(EC | {"y": EC["x"]}, id="a point not on the curve"),
        pytest.param(EC | {"x": b64(bytes(32)), "y": b64(bytes(32))}, id="the origin"),
        pytest.param(EC | {"x": b64(b"\xff" * 32)}, id="a coordinate beyond the field"),
        pytest.param(EC | {"x": b64(b"\0" + bytes(32))}, id="a coordinate of 33 octets"),
        pytest.param({k: EC[k] for k in ("kty", "crv", "x")}, id="no y"),
        pytest.param(OKP | {"crv": "X25519"}, id="a key agreement curve"),
        pytest.param(OKP | {"crv": "Ed448"}, id="Ed448"),
        pytest.param(OKP | {"x": b64(bytes(31))}, id="Ed25519 of 31 octets"),
        *(
            pytest.param(OKP | {"x": b64((y | sign << 255).to_bytes(32, "little"))}, id=f"small order {number}, {sign}")
            for number, y in enumerate((0, 1, P - 1, P, P + 1, int.from_bytes(bytes.fromhex(ORDER_8), "little")))
            for sign in (0, 1)
        ),
        pytest.param(OKP | {"x": b64((2).to_bytes(32, "little"))}, id="Ed25519 not on the curve"),
        pytest.param(rsa_jwk(n=(1 << 2046) + 1), id="RSA of 2047 bits"),
        pytest.param(rsa_jwk(n=(1 << 4096) + 1), id="RSA of 4097 bits"),
        pytest.param(rsa_jwk(n=(1 << 9000) + 1), id="RSA of 9001 bits"),
        pytest.param(rsa_jwk(n=N - 1), id="an even modulus"),
        pytest.param(rsa_jwk(e=1), id="exponent 1"),
        pytest.param(rsa_jwk(e=3), id="exponent 3"),
        pytest.param(rsa_jwk(e=65538), id="an even exponent"),
        pytest.param(rsa_jwk(e=(1 << 64) + 1), id="an exponent of 65 bits"),
        pytest.param(RSA | {"n": b64(b"\0" + N.to_bytes(256))}, id="a modulus with a leading zero octet"),
        pytest.param(RSA | {"e": b64(b"\0\1\0\1")}, id="an exponent with a leading zero octet"),
        pytest.param({"kty": "RSA"}, id="RSA without numbers"),
    ],
)
def test_a_key_that_is_not_accepted_is_told_why(members: dict[str, Any]) -> None:
    with refused(ErrorType.BAD_PUBLIC_KEY) as it:
        keys.of_jwk(jwk(members))
    assert len(it.error.detail) > 20


@pytest.mark.std("A-004")
@pytest.mark.parametrize("member", ["x", "y"])
def test_a_padded_coordinate_is_malformed(member: str) -> None:
    keys.of_jwk(jwk(EC))
    with refused(ErrorType.MALFORMED, "base64url"):
        keys.of_jwk(jwk(EC | {member: EC[member] + "="}))


def test_a_request_with_kid_has_no_key_in_it() -> None:
    with refused(ErrorType.MALFORMED, "jwk"):
        keys.of_signed(parse_request(body(header())))


@pytest.mark.parametrize(
    "der",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\x30\x03\x02\x01\x00", id="not a key"),
        pytest.param(spki(ec.generate_private_key(ec.SECP256K1())), id="another curve"),
        pytest.param(spki(ed448.Ed448PrivateKey.generate()), id="Ed448"),
        pytest.param(spki(x25519.X25519PrivateKey.generate()), id="X25519"),
        pytest.param(spki(dsa.generate_private_key(1024)), id="DSA"),
        pytest.param(spki(rsa.generate_private_key(65537, 1024)), id="RSA of 1024 bits"),
        pytest.param(spki(rsa.generate_private_key(3, 2048)), id="RSA with exponent 3"),
    ],
)
def test_a_stored_key_is_under_the_same_policy(der: bytes) -> None:
    assert keys.of_spki(spki(private_key("ES256"))) == keys.of_jwk(jwk(EC))
    with refused(ErrorType.BAD_PUBLIC_KEY):
        keys.of_spki(der)


texts = st.text(max_size=8) | st.binary(max_size=40).map(b64) | st.sampled_from([EC["x"], OKP["x"], RSA["n"], "AQAB"])


@given(
    st.fixed_dictionaries(
        {"kty": st.sampled_from(["EC", "OKP", "RSA", "oct"])},
        optional={"crv": st.sampled_from(["P-256", "P-521", "Ed25519", ""])} | dict.fromkeys("xyne", texts),
    )
)
def test_any_jwk_is_a_key_or_refused(members: dict[str, Any]) -> None:
    match attempt(lambda: keys.of_jwk(jwk(members))):
        case AcmeError(type=type_):
            assert type_ in (ErrorType.BAD_PUBLIC_KEY, ErrorType.MALFORMED)
        case key:
            assert keys.of_spki(key.spki_der) == key


@given(st.binary(min_size=32, max_size=32))
def test_an_ed25519_key_we_accept_is_a_point(octets: bytes) -> None:
    """Every key made by the library is accepted, also when its octets are any at all."""
    made = ed25519.Ed25519PrivateKey.from_private_bytes(octets)
    assert keys.of_jwk(jwk(jwk_of(made))).public_key == made.public_key()


@pytest.mark.parametrize("alg", ALL_ALGS)
@given(st.data())
def test_any_octets_as_signature_are_refused(alg: str, data: st.DataObject) -> None:
    signed = signed_by(alg)
    size = len(signed.signature)
    octets = data.draw(st.binary(max_size=140) | st.binary(min_size=size, max_size=size))
    with refused(ErrorType.MALFORMED):
        keys.verify(msgspec.structs.replace(signed, signature=octets), keys.of_signed(signed))
