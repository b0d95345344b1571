from datetime import timedelta
from hashlib import sha256

import msgspec
import pytest

from ca.issuance import new_serial, prepare
from ca.linting import LintError
from ca.profiles import TLSSERVER
from sql.ids import uuid7
from tests.ca.arrange import DEADLINE, ISSUER, NOW, SUBJECT, WANTED, record


@pytest.mark.std("C-079")
def test_new_serial_is_random_positive_and_never_short() -> None:
    serials = {new_serial() for _ in range(20_000)}
    assert len(serials) == 20_000
    assert {len(serial) for serial in serials} == {16}
    assert all(0 < serial[0] < 0x80 for serial in serials)
    ones = sum(int.from_bytes(serial, "big").bit_count() for serial in serials)
    assert 0.49 < ones / (20_000 * 127) < 0.52


def test_prepare_says_what_step_5_records() -> None:
    row = record()
    assert (row.issuer_id, row.profile, row.names) == (1, "tlsserver", ["www.demo.test", "*.demo.test"])
    assert row.spki_sha256 == sha256(WANTED.spki_der).digest()
    assert row.serial in row.tbs
    assert ISSUER.crl_url(row.shard).encode() in row.tbs
    assert 0 <= row.shard < ISSUER.shard_count
    assert (row.deadline_at, row.created_at) == (DEADLINE, NOW)


@pytest.mark.std("C-083")
def test_prepare_cuts_to_whole_seconds() -> None:
    late = NOW + timedelta(microseconds=999_999)
    row = prepare(
        ISSUER, TLSSERVER, SUBJECT, ["www.demo.test"], WANTED.spki_der, late, late + timedelta(days=1),
        uuid7(NOW), uuid7(NOW), DEADLINE, late,
    )  # fmt: skip
    assert (row.not_before, row.not_after) == (NOW, NOW + timedelta(days=1))


@pytest.mark.std("C-064", "C-078", "C-124")
def test_prepare_refuses_what_lint_finds() -> None:
    bad = msgspec.structs.replace(SUBJECT, country="jp")
    for subject, spki in ((bad, WANTED.spki_der), (SUBJECT, WANTED.spki_der[:-1] + b"\0")):
        with pytest.raises(LintError):
            prepare(
                ISSUER, TLSSERVER, subject, ["www.demo.test"], spki, NOW, WANTED.not_after,
                uuid7(NOW), uuid7(NOW), DEADLINE, NOW,
            )  # fmt: skip


def test_shards_are_spread() -> None:
    assert {record().shard for _ in range(200)} == set(range(ISSUER.shard_count))
