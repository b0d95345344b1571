"""Keys whose private half is public, found in a file of badkeys' format. C-073."""

import os
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ca.blocklist import SAMPLES, Blocklist, BlocklistUnusable, Blocks, found_in, number_of, why_listed

RSA = rsa.generate_private_key(65537, 2048).public_key()
EC = ec.generate_private_key(ec.SECP256R1()).public_key()
EDWARDS = ed25519.Ed25519PrivateKey.generate().public_key()
DEBIAN, OTHER = 1, 7


def spki(key: PublicKeyTypes) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def block(number: int, of_list: int = DEBIAN) -> bytes:
    """As the format is described: 120 bits of SHA-256 of the number without leading zeros, and the list."""
    return sha256(number.to_bytes((number.bit_length() + 7) // 8, "big")).digest()[:15] + bytes([of_list])


def written(path: Path, *blocks: bytes) -> Path:
    """The file with these blocks in order, put in the place of another at once."""
    part = path.with_suffix(".part")
    part.write_bytes(b"".join(sorted(blocks)))
    os.replace(part, path)
    return path


def others(count: int = 5000) -> list[bytes]:
    return [block(number, OTHER) for number in range(2, count + 2)]


@pytest.mark.std("C-073")
@pytest.mark.parametrize(
    ("key", "number"),
    [
        pytest.param(RSA, RSA.public_numbers().n, id="RSA modulus"),
        pytest.param(EC, EC.public_numbers().x, id="EC x"),
        pytest.param(EDWARDS, int.from_bytes(EDWARDS.public_bytes_raw(), "big"), id="Edwards octets"),
    ],
)
def test_a_key_on_the_list_is_found_and_no_other(tmp_path: Path, key: PublicKeyTypes, number: int) -> None:
    listed = Blocklist(written(tmp_path / "blocklist.dat", *others(), block(number)))
    free = Blocklist(written(tmp_path / "other.dat", *others()))
    assert why_listed(listed, spki(key)) == (
        "C-073: the private key is public (Debian's OpenSSL of 2006 to 2008, CVE-2008-0166)"
    )
    assert why_listed(free, spki(key)) is None
    assert why_listed(None, spki(key)) is None


@pytest.mark.std("C-073")
def test_a_modulus_is_listed_whatever_its_exponent(tmp_path: Path) -> None:
    n = RSA.public_numbers().n
    listed = Blocklist(written(tmp_path / "blocklist.dat", block(n, OTHER)))
    third = rsa.RSAPublicNumbers(3, n).public_key()
    assert why_listed(listed, spki(third)) == "C-073: the private key is public (badkeys list 7)"


@pytest.mark.parametrize("count", [1, 2, 3, 1000])
def test_every_block_is_found_the_first_and_the_last_too(count: int) -> None:
    blocks = Blocks(b"".join(sorted(others(count))))
    assert [found_in(blocks, one[:15]) for one in blocks] == [OTHER] * count
    assert found_in(blocks, bytes(15)) is found_in(blocks, b"\xff" * 15) is None


def test_a_look_up_reads_a_bounded_number_of_blocks() -> None:
    class Counting(Blocks):
        read = 0

        def __getitem__(self, index):  # type: ignore[no-untyped-def]
            self.read += 1
            return super().__getitem__(index)

    blocks = Counting(b"".join(sorted(others(4096))))
    assert found_in(blocks, block(9)[:15]) == OTHER
    assert blocks.read <= 13 + 2


def test_a_new_file_counts_at_once_and_a_lost_one_lets_nothing_through(tmp_path: Path) -> None:
    path = tmp_path / "blocklist.dat"
    listed = Blocklist(written(path, *others()))
    assert why_listed(listed, spki(EC)) is None
    written(path, *others(), block(EC.public_numbers().x))
    assert why_listed(listed, spki(EC)) is not None
    path.unlink()
    with pytest.raises(BlocklistUnusable, match="No such file"):
        why_listed(listed, spki(EC))


@pytest.mark.parametrize(
    ("octets", "why"),
    [
        pytest.param(b"", "empty", id="empty"),
        pytest.param(block(2) + b"\0", "no whole number of blocks", id="cut short"),
        pytest.param(b"".join(sorted(others(), reverse=True)), "ascending order", id="unsorted"),
        pytest.param(b"".join(sorted(others(2 * SAMPLES), reverse=True)), "ascending order", id="unsorted and large"),
    ],
)
def test_a_file_that_is_no_blocklist_is_refused_at_the_start(tmp_path: Path, octets: bytes, why: str) -> None:
    path = tmp_path / "blocklist.dat"
    path.write_bytes(octets)
    with pytest.raises(BlocklistUnusable, match=why):
        Blocklist(path)


def test_a_kind_that_nobody_has_here_is_no_key() -> None:
    with pytest.raises(ValueError, match="DSA"):
        number_of(dsa.generate_private_key(1024).public_key())
