"""Records of a batch against the leaves that sealed it, a record at a time (design §6). Pure."""

from collections.abc import Iterator
from enum import StrEnum
from uuid import UUID

import msgspec

from contract_gate.evidence import LEAF_SIZE, Record, leaf_hash


class Kind(StrEnum):
    """What can be wrong with a record."""

    CHANGED = "record changed"
    MISSING = "record missing"
    ADDED = "record added"


class Fault(msgspec.Struct, frozen=True):
    """A record, and what is wrong with it."""

    kind: Kind
    id: UUID


class Batch:
    """The leaves of a checkpoint, in order of id; its records are shown to it in the same order."""

    def __init__(self, leaves: bytes) -> None:
        self._leaves = leaves_in_order(leaves)
        self._leaf = next(self._leaves, None)

    def faults(self, record: Record) -> Iterator[Fault]:
        """What the next record shows to be wrong: with those that should have come before it, and with itself."""
        while self._leaf and self._leaf[0] < record.id.bytes:
            yield self._missing(self._leaf)
        if self._leaf is None or self._leaf[0] != record.id.bytes:
            yield Fault(Kind.ADDED, record.id)
            return
        if leaf_hash(record) != self._leaf[1]:
            yield Fault(Kind.CHANGED, record.id)
        self._leaf = next(self._leaves, None)

    def rest(self) -> Iterator[Fault]:
        """After the last record: those that should have followed it."""
        while self._leaf:
            yield self._missing(self._leaf)

    def _missing(self, leaf: tuple[bytes, bytes]) -> Fault:
        self._leaf = next(self._leaves, None)
        return Fault(Kind.MISSING, UUID(bytes=leaf[0]))


def leaves_in_order(leaves: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Id and hash of each leaf."""
    for at in range(0, len(leaves), LEAF_SIZE):
        yield leaves[at : at + 16], leaves[at + 16 : at + LEAF_SIZE]
