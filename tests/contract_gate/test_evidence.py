from datetime import UTC, datetime, timedelta
from hashlib import sha256
from uuid import UUID

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from contract_gate.evidence import (
    Checkpoint,
    Record,
    breaks_between,
    faults_of,
    hashes_of,
    inclusion_proof,
    is_included,
    leaf_hash,
    leaves_of,
    merkle_root,
    seal,
)

AT = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
RECORD = Record(UUID(int=7), 1, 99, "order.refused", UUID(int=8), "account:1", AT, b'{"a":1}')
# The certificate transparency reference trees: roots of 1 to 8 of these leaves.
CT_LEAVES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
CT_ROOTS = {
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    5: "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}


def tree(size: int) -> list[bytes]:
    return [sha256(b"\0" + bytes.fromhex(data)).digest() for data in CT_LEAVES[:size]]


def rfc6962(hashes: list[bytes]) -> bytes:
    """The Merkle tree hash as RFC 6962 §2.1 words it."""
    if len(hashes) == 1:
        return hashes[0]
    k = 1 << (len(hashes) - 1).bit_length() - 1
    return sha256(b"\1" + rfc6962(hashes[:k]) + rfc6962(hashes[k:])).digest()


@pytest.mark.parametrize(("size", "root"), CT_ROOTS.items())
def test_root_of_the_reference_trees(size: int, root: str) -> None:
    assert merkle_root(tree(size)).hex() == root


@given(st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=70))
def test_root_and_proofs_of_any_tree(hashes: list[bytes]) -> None:
    root = merkle_root(hashes)
    assert root == rfc6962(hashes)
    for index, leaf in enumerate(hashes):
        path = inclusion_proof(hashes, index)
        assert is_included(leaf, index, len(hashes), path, root)
        assert not is_included(sha256(leaf).digest(), index, len(hashes), path, root)
        assert not is_included(leaf, index, len(hashes), [*path, root], root)
        assert not path or not is_included(leaf, index, len(hashes), path[:-1], root)


def test_no_tree_and_no_proof_without_a_leaf() -> None:
    with pytest.raises(ValueError, match="needs a leaf"):
        merkle_root([])
    with pytest.raises(ValueError, match="no leaf 3 among 3"):
        inclusion_proof(tree(3), 3)
    assert not is_included(tree(3)[0], 3, 3, [], merkle_root(tree(3)))


@pytest.mark.parametrize(
    "change",
    [
        {"id": UUID(int=6)},
        {"era": 2},
        {"transaction_id": 100},
        {"kind": "order.refuse"},
        {"contract_id": None},
        {"contract_id": UUID(int=0)},
        {"actor": "account:2"},
        {"recorded_at": AT + timedelta(microseconds=1)},
        {"recorded_at": datetime.max},  # noqa: DTZ901 (as PostgreSQL's 'infinity' arrives)
        {"content": b""},
        {"kind": "order.refuse", "actor": "daccount:1"},
    ],
    ids=str,
)
def test_leaf_differs_with_every_column(change: dict[str, object]) -> None:
    assert leaf_hash(msgspec.structs.replace(RECORD, **change)) != leaf_hash(RECORD)


def test_no_contract_is_not_a_contract_of_zeros() -> None:
    without, zeros = (msgspec.structs.replace(RECORD, contract_id=c) for c in (None, UUID(int=0)))
    assert leaf_hash(without) != leaf_hash(zeros)


def test_leaf_never_changes_its_meaning() -> None:
    """The encoding of rows sealed long ago: this value may never change."""
    assert leaf_hash(RECORD).hex() == "20bd8ba1339fae4633abdfcea560904a93b58096bfa232344267befd736b58b4"


def records(*ids: int, era: int = 1) -> list[Record]:
    return [msgspec.structs.replace(RECORD, id=UUID(int=i), era=era) for i in ids]


def test_leaves_are_in_order_of_id() -> None:
    leaves = leaves_of(records(3, 1, 2))
    assert [leaves[at + 15] for at in range(0, len(leaves), 48)] == [1, 2, 3]
    assert hashes_of(leaves)[0] == leaf_hash(records(1)[0])


FIRST = seal(records(1, 2), 100, None, KEY, AT)
SECOND = seal(records(3), 200, FIRST, KEY, AT)
RESTORED = seal(records(4, era=2), 50, SECOND, KEY, AT)


def test_sealed_chain_has_no_fault() -> None:
    for one in (FIRST, SECOND, RESTORED):
        assert faults_of(one, KEY.public_key()) == []
    assert [breaks_between(*pair) for pair in ((None, FIRST), (FIRST, SECOND), (SECOND, RESTORED))] == [[], [], []]
    assert [(one.number, one.era, one.from_transaction) for one in (FIRST, SECOND, RESTORED)] == [
        (1, 1, 0),
        (2, 1, 100),
        (3, 2, 0),
    ]


HASH, SIGNATURE = "its hash is not that of its content", "its signature is not by this key"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"number": 3}, [HASH]),
        ({"era": 2}, [HASH]),
        ({"from_transaction": 1}, [HASH]),
        ({"to_transaction": 1}, [HASH]),
        ({"to_transaction": -1}, ["its numbers are out of range"]),
        ({"previous": bytes(32)}, [HASH]),
        ({"sealed_at": AT + timedelta(seconds=1)}, [HASH]),
        ({"record_count": 2}, ["its number of leaves is wrong"]),
        ({"root": bytes(32)}, ["its leaves are not those of its root", HASH]),
        ({"leaves": leaves_of(records(9))}, ["its leaves are not those of its root"]),
        ({"hash": bytes(32)}, [HASH, SIGNATURE]),
        ({"signature": bytes(64)}, [SIGNATURE]),
    ],
    ids=str,
)
def test_faults_of_a_forged_checkpoint(change: dict[str, object], expected: list[str]) -> None:
    assert faults_of(msgspec.structs.replace(SECOND, **change), KEY.public_key()) == expected


def test_another_key_is_not_ours() -> None:
    assert faults_of(FIRST, Ed25519PrivateKey.generate().public_key()) == [SIGNATURE]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        pytest.param(None, SECOND, 3, id="first one removed"),
        pytest.param(SECOND, SECOND, 3, id="twice"),
        pytest.param(RESTORED, FIRST, 3, id="backwards"),
        pytest.param(FIRST, seal(records(3), 200, seal(records(1), 100, None, KEY, AT), KEY, AT), 1, id="another past"),
    ],
)
def test_breaks_of_a_chain(before: Checkpoint | None, after: Checkpoint, expected: int) -> None:
    assert len(breaks_between(before, after)) == expected
