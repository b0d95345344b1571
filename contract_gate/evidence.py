"""The hash chain over evidence: leaves, Merkle roots, signed checkpoints, inclusion proofs (design §6). Pure.

Trees are those of RFC 6962 §2.1 with SHA-256. A leaf is a row: each column in a fixed place or with its length.
"""

import struct
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from uuid import UUID

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
GENESIS = bytes(32)  # what the first checkpoint names as its predecessor
NOBODY = bytes(16)  # contract_id where there is none; a flag tells it from an id of zeros
LEAF_SIZE = 48
ROW = struct.Struct(">c16shQ?16sqIII")  # 0x00, id, era, transaction_id, has contract, contract_id, µs, three lengths
HEAD = struct.Struct(">24sQhQQI32s32sq")
CONTEXT = b"keiyaku checkpoint 1".ljust(24, b"\0")


class Record(msgspec.Struct, frozen=True):
    """A row of evidence.records, all columns."""

    id: UUID
    era: int
    transaction_id: int
    kind: str
    contract_id: UUID | None
    actor: str
    recorded_at: datetime
    content: bytes


class Checkpoint(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A sealed batch: the records of `era` whose transaction id is in [from_transaction, to_transaction).

    `leaves` is id (16 octets) + leaf hash (32 octets) per record, in order of id.
    """

    number: int
    era: int
    from_transaction: int
    to_transaction: int
    record_count: int
    leaves: bytes
    root: bytes
    previous: bytes
    sealed_at: datetime
    hash: bytes
    signature: bytes


def microseconds(at: datetime) -> int:
    """Microseconds since 1970. PostgreSQL's infinite instants come without a zone, as the ends of the calendar."""
    return ((at if at.tzinfo else at.replace(tzinfo=UTC)) - EPOCH) // MICROSECOND


def leaf_hash(record: Record) -> bytes:
    """SHA-256 over 0x00 and every column of the row; differs whenever any column does. RFC 6962 §2.1."""
    kind, actor, contract, content = record.kind.encode(), record.actor.encode(), record.contract_id, record.content
    head = ROW.pack(
        b"\0", record.id.bytes, record.era, record.transaction_id,
        contract is not None, NOBODY if contract is None else contract.bytes,
        microseconds(record.recorded_at), len(kind), len(actor), len(content),
    )  # fmt: skip
    return sha256(b"".join((head, kind, actor, content))).digest()


def leaves_of(records: Iterable[Record]) -> bytes:
    """Id and leaf hash of each record, in order of id."""
    return b"".join(sorted([record.id.bytes + leaf_hash(record) for record in records]))


def hashes_of(leaves: bytes) -> list[bytes]:
    """The leaf hashes of a checkpoint's `leaves`."""
    return [leaves[at + 16 : at + LEAF_SIZE] for at in range(0, len(leaves), LEAF_SIZE)]


def levels(hashes: Sequence[bytes]) -> Iterable[list[bytes]]:
    """The tree from its leaves to its root. A node without a sibling rises as it is, which is RFC 6962's split."""
    level = list(hashes)
    yield level
    while len(level) > 1:
        pairs = zip(level[::2], level[1::2], strict=False)
        level = [sha256(b"\1" + left + right).digest() for left, right in pairs] + level[len(level) & ~1 :]
        yield level


def merkle_root(hashes: Sequence[bytes]) -> bytes:
    """The Merkle tree hash of leaves that are hashed already. RFC 6962 §2.1. Raises ValueError when there are none."""
    *_, top = levels(hashes)
    if not top:
        raise ValueError("a tree needs a leaf")
    return top[0]


def inclusion_proof(hashes: Sequence[bytes], index: int) -> list[bytes]:
    """The audit path of leaf `index`, nearest sibling first. RFC 6962 §2.1.1."""
    if not 0 <= index < len(hashes):
        raise ValueError(f"no leaf {index} among {len(hashes)}")
    path = []
    for level in levels(hashes):
        if (sibling := index ^ 1) < len(level):
            path.append(level[sibling])
        index >>= 1
    return path


def is_included(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """Whether `path` proves that `leaf` is number `index` of the `size` leaves under `root`. RFC 9162 §2.1.3.2."""
    if not 0 <= index < size:
        return False
    node, last, rest = leaf, size - 1, list(reversed(path))
    while last > 0:
        if index & 1 or index < last:
            if not rest:
                return False
            sibling = rest.pop()
            node = sha256(b"\1" + (sibling + node if index & 1 else node + sibling)).digest()
        index, last = index >> 1, last >> 1
    return not rest and node == root


def checkpoint_hash(checkpoint: Checkpoint) -> bytes:
    """SHA-256 over everything in the checkpoint but the leaves, for which `root` stands. Raises struct.error."""
    one = checkpoint
    return sha256(
        HEAD.pack(
            CONTEXT, one.number, one.era, one.from_transaction, one.to_transaction, one.record_count,
            one.root, one.previous, microseconds(one.sealed_at),
        )
    ).digest()  # fmt: skip


def seal(
    records: Sequence[Record], to_transaction: int, previous: Checkpoint | None, key: Ed25519PrivateKey, at: datetime
) -> Checkpoint:
    """The signed checkpoint over `records`, of one era and not empty, that follows `previous`."""
    leaves = leaves_of(records)
    era = records[0].era
    draft = Checkpoint(
        number=previous.number + 1 if previous else 1,
        era=era,
        from_transaction=previous.to_transaction if previous and previous.era == era else 0,
        to_transaction=to_transaction,
        record_count=len(records),
        leaves=leaves,
        root=merkle_root(hashes_of(leaves)),
        previous=previous.hash if previous else GENESIS,
        sealed_at=at,
        hash=b"",
        signature=b"",
    )
    digest = checkpoint_hash(draft)
    return msgspec.structs.replace(draft, hash=digest, signature=key.sign(digest))


def faults_of(checkpoint: Checkpoint, key: Ed25519PublicKey) -> list[str]:
    """What is wrong with the checkpoint in itself: its leaves against its root, its hash, its signature."""
    found = faults_within(checkpoint)
    try:
        key.verify(checkpoint.signature, checkpoint.hash)
    except InvalidSignature:
        found.append("its signature is not by this key")
    return found


def faults_within(checkpoint: Checkpoint) -> list[str]:
    """The same without the signature, for who has no key of it."""
    one, found = checkpoint, []
    if len(one.leaves) != LEAF_SIZE * one.record_count or not one.leaves:
        return ["its number of leaves is wrong"]
    if merkle_root(hashes_of(one.leaves)) != one.root:
        found.append("its leaves are not those of its root")
    try:
        if checkpoint_hash(one) != one.hash:
            found.append("its hash is not that of its content")
    except struct.error:
        found.append("its numbers are out of range")
    return found


def breaks_between(before: Checkpoint | None, after: Checkpoint) -> list[str]:
    """What is wrong with `after` as the successor of `before` (None: as the first of all)."""
    found = []
    if after.previous != (before.hash if before else GENESIS):
        found.append("it does not name the hash of the one before it")
    if after.number != (before.number + 1 if before else 1):
        found.append("its number does not follow")
    if after.from_transaction != (before.to_transaction if before and before.era == after.era else 0):
        found.append("its range does not begin where the last one ended")
    if after.to_transaction <= after.from_transaction or (before and after.era < before.era):
        found.append("its range runs backwards")
    return found
