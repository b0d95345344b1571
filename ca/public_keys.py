"""Which public keys a certificate may hold (pure): kind, size, exact encoding."""

from ca.der import DerError, Node, tree
from ca.profiles import Profile
from ca.weak_keys import weakness

RSA_ALGORITHM = tree(bytes.fromhex("300d06092a864886f70d0101010500"))  # C-110
EC_ALGORITHMS = {
    tree(bytes.fromhex("301306072a8648ce3d020106082a8648ce3d030107")): "P-256",
    tree(bytes.fromhex("301006072a8648ce3d020106052b81040022")): "P-384",
    tree(bytes.fromhex("301006072a8648ce3d020106052b81040023")): "P-521",
}
# prime and b of y² = x³ - 3x + b (FIPS 186-4 D.1.2)
CURVES = {
    "P-256": (
        2**256 - 2**224 + 2**192 + 2**96 - 1,
        0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B,
    ),
    "P-384": (
        2**384 - 2**128 - 2**96 + 2**32 - 1,
        0xB3312FA7E23EE7E4988E056BE3F82D19181D9C6EFE8141120314088F5013875AC656398D8A2ED19D2A85C8EDD3EC2AEF,
    ),
    "P-521": (
        2**521 - 1,
        int(
            "51953eb9618e1c9a1f929a21a0b68540eea2da725b99b315f3b8b489918ef109e"
            "156193951ec7e937b1652c0bd3bb1bf073573df883d2c34f1ef451fd46b503f00",
            16,
        ),
    ),
}


def key_findings(profile: Profile, spki: Node) -> list[str]:
    """What forbids this SubjectPublicKeyInfo in a certificate of the profile; empty when nothing does. C-068..C-071.

    The encoding must be the one of C-110, octet for octet.
    """
    match spki:
        case (0x30, (algorithm, (0x03, bytes(bits)))) if bits[:1] == b"\0":
            if algorithm == RSA_ALGORITHM:
                try:
                    return rsa_findings(profile, tree(bits[1:]))
                except DerError as fault:
                    return [f"C-110: RSA key is no DER: {fault}"]
            if (curve := EC_ALGORITHMS.get(algorithm)) in profile.curves:
                return ec_findings(curve, bits[1:])
    return [f"C-071, C-110: public key is neither RSA nor on {', '.join(profile.curves)}, or is encoded otherwise"]


def rsa_findings(profile: Profile, key: Node) -> list[str]:
    """Modulus of a permitted size and not weak, odd exponent from 2^16+1 to 2^256-1. C-068, C-069, C-074, C-075."""
    match key:
        case (0x30, ((0x02, bytes(n)), (0x02, bytes(e)))):
            modulus, exponent = int.from_bytes(n, "big", signed=True), int.from_bytes(e, "big", signed=True)
        case _:
            return ["C-110: RSA key is not modulus and exponent"]
    found = []
    size = modulus.bit_length()
    if n != modulus.to_bytes(size // 8 + 1, "big", signed=True) or e != exponent.to_bytes(
        exponent.bit_length() // 8 + 1, "big", signed=True
    ):
        found.append("C-110: modulus or exponent is not in its shortest form")
    if not profile.rsa_bits_min <= size <= profile.rsa_bits_max or size % 8:
        found.append(
            f"C-068: RSA key has {size} bits; {profile.rsa_bits_min} to {profile.rsa_bits_max} by 8 are allowed"
        )
    if modulus <= 0 or modulus % 2 == 0:
        found.append("C-069: RSA modulus is even or negative")
    if not 2**16 < exponent < 2**256 or exponent % 2 == 0:
        found.append("C-069: RSA exponent is even or outside 2^16+1 to 2^256-1")
    if not found and (why := weakness(modulus)):
        found.append(why)
    return found


def ec_findings(curve: str, point: bytes) -> list[str]:
    """An uncompressed point on the curve. C-070."""
    prime, b = CURVES[curve]
    size = (prime.bit_length() + 7) // 8
    x, y = int.from_bytes(point[1 : 1 + size], "big"), int.from_bytes(point[1 + size :], "big")
    if len(point) != 1 + 2 * size or point[0] != 4 or x >= prime or y >= prime:
        return [f"C-070: public key is not an uncompressed point of {curve}"]
    if (y * y - x * x * x + 3 * x - b) % prime:
        return [f"C-070: public key is not on {curve}"]
    return []
