"""Keys whose private half is public, in the file format of badkeys: Debian's weak keys and many more. C-073.

`blocklist.dat` is blocks of 16 octets in ascending order: the first 15 of SHA-256 over the number that tells the public
key from others, in as few octets as it has, and the number of the list it is from (1: Debian's OpenSSL, CVE-2008-0166).
That number is an RSA key's modulus, whatever its exponent, the x of an EC key's point, an Edwards key's octets read as
one. The file stays where it is; a look-up reads some thirty blocks of it.
"""

import mmap
import os
from bisect import bisect_left
from collections.abc import Sequence
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from typing import overload

from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.serialization import load_der_public_key

BLOCK, DIGEST = 16, 15
SAMPLES = 4096  # of blocks that are looked at before a file is believed
LISTS = {1: "Debian's OpenSSL of 2006 to 2008, CVE-2008-0166"}


class BlocklistUnusable(Exception):
    """The file is none; says which and why."""


class Blocks(Sequence[bytes]):
    """The blocks of a file's octets."""

    def __init__(self, octets: "bytes | mmap.mmap") -> None:
        self.octets = octets

    def __len__(self) -> int:
        return len(self.octets) // BLOCK

    @overload
    def __getitem__(self, index: int) -> bytes: ...
    @overload
    def __getitem__(self, index: slice) -> list[bytes]: ...
    def __getitem__(self, index: "int | slice") -> "bytes | list[bytes]":
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        if not 0 <= index < len(self):
            raise IndexError(index)
        return self.octets[index * BLOCK : (index + 1) * BLOCK]


class Blocklist:
    """A file that is read again when another has taken its place (by rename: it is mapped into memory)."""

    def __init__(self, path: Path) -> None:
        """Raises BlocklistUnusable."""
        self.path = path
        self._stamp, self._blocks = stamp_of(path), blocks_of(path)

    def list_of(self, key: PublicKeyTypes) -> int | None:
        """The number of the list that the key is on. Raises BlocklistUnusable: nobody can say."""
        if (stamp := stamp_of(self.path)) != self._stamp:
            self._stamp, self._blocks = stamp, blocks_of(self.path)
        return found_in(self._blocks, digest_of(key))


def found_in(blocks: Sequence[bytes], digest: bytes) -> int | None:
    """The list of the block that begins with the digest."""
    at = bisect_left(blocks, digest)
    return blocks[at][DIGEST] if at < len(blocks) and blocks[at][:DIGEST] == digest else None


def digest_of(key: PublicKeyTypes) -> bytes:
    """What a block about the key begins with."""
    number = number_of(key)
    return sha256(number.to_bytes((number.bit_length() + 7) // 8, "big")).digest()[:DIGEST]


def number_of(key: PublicKeyTypes) -> int:
    """The number that tells the public key from others. Raises ValueError for a kind that nobody has here."""
    match key:
        case rsa.RSAPublicKey():
            return key.public_numbers().n
        case ec.EllipticCurvePublicKey():
            return key.public_numbers().x
        case ed25519.Ed25519PublicKey() | ed448.Ed448PublicKey():
            return int.from_bytes(key.public_bytes_raw(), "big")
        case _:
            raise ValueError(f"no list knows keys such as {type(key).__name__}")


def blocks_of(path: Path) -> Blocks:
    """The file's blocks, mapped. Raises BlocklistUnusable if it is empty, cut short or, by samples, unsorted."""
    try:
        with path.open("rb") as file:
            blocks = Blocks(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    except (OSError, ValueError) as fault:
        raise BlocklistUnusable(f"{path}: {getattr(fault, 'strerror', None) or fault}") from None
    if len(blocks.octets) % BLOCK:
        raise BlocklistUnusable(f"{path}: {len(blocks.octets)} octets are no whole number of blocks of {BLOCK}")
    samples = [blocks[i] for i in range(0, len(blocks), len(blocks) // SAMPLES + 1)]
    if any(one > other for one, other in pairwise(samples)):
        raise BlocklistUnusable(f"{path}: its blocks are not in ascending order: it is no blocklist of badkeys")
    return blocks


def stamp_of(path: Path) -> tuple[int, int, int]:
    """What tells the file from another in its place. Raises BlocklistUnusable."""
    try:
        found = os.stat(path)
    except OSError as fault:
        raise BlocklistUnusable(f"{path}: {fault.strerror}") from None
    return found.st_ino, found.st_size, found.st_mtime_ns


def why_listed(blocklist: Blocklist | None, spki: bytes) -> str | None:
    """Why nobody may use the key, if it is on the list. Raises BlocklistUnusable, ValueError."""
    if blocklist is None or (number := blocklist.list_of(load_der_public_key(spki))) is None:
        return None
    return f"C-073: the private key is public ({LISTS.get(number, f'badkeys list {number}')})"
