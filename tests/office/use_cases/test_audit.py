"""What auditors read, with a role that reads and no more; the quarterly review; readings by two people."""

from collections.abc import AsyncIterator
from datetime import timedelta

import asyncpg
import pytest

from acme_server.dev.postgres import EmbeddedPostgres
from office.use_cases import audit, leavers, readings
from office.use_cases.asked import Unfit
from sql import Conn, Pool
from tests.conftest import NOW
from tests.office.use_cases.issued import issue

DAY, KEY = timedelta(days=1), bytes(range(32))


@pytest.fixture
async def auditor(postgres: EmbeddedPostgres, database: str) -> AsyncIterator[Conn]:
    """A connection as keiyaku_auditor."""
    conn = await asyncpg.connect(postgres.dsn("keiyaku_auditor", database))
    yield conn
    await conn.close()


@pytest.mark.rule("T16-3")
async def test_populations_name_nobody(accepted: Conn, auditor: Conn, pool: Pool) -> None:
    serial = await issue(pool, "acme", 1, NOW)
    certificates = [row async for row in audit.population(auditor, "certificates", NOW - DAY, NOW + DAY, KEY, NOW)]
    assert [row["serial"] for row in certificates] == [serial.hex()]
    assert [row async for row in audit.population(auditor, "certificates", NOW + DAY, NOW + 2 * DAY, KEY, NOW)] == []
    contracts = [row async for row in audit.population(auditor, "contracts", NOW - DAY, NOW + DAY, KEY, NOW)]
    assert len(contracts) == 1
    ids = await pool.fetch("SELECT id::text FROM gate.persons UNION SELECT id::text FROM gate.customers")
    said = {str(v) for row in (*contracts, *certificates) for v in row.values()}
    assert not {"株式会社 例", "Ann", "kaisha", "ann", *(row["id"] for row in ids)} & said
    assert certificates[0]["customer_id"] == contracts[0]["customer_id"]
    assert contracts[0]["accepted_by_first"] != contracts[0]["accepted_by_second"]
    open_ = [row async for row in audit.population(auditor, "contracts", NOW - DAY, NOW + DAY, None, NOW)]
    assert str(open_[0]["customer_id"]) in {row["id"] for row in ids}


@pytest.mark.rule("T16-3", "T13-3")
@pytest.mark.parametrize(
    "secret",
    [
        "name FROM gate.persons", "name FROM gate.customers", "email FROM office.problem_reports",
        "reason FROM gate.holds", "grounds FROM office.screenings", "hmac_key FROM gate.binding_keys",
        "sealed_content FROM office.documents", "sha256 FROM office.tokens",
    ],
)  # fmt: skip
async def test_auditors_do_not_see(auditor: Conn, secret: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await auditor.fetch(f"SELECT {secret}")


@pytest.mark.std("C-176")
async def test_who_may_do_what_is_reviewed_by_two(accepted: Conn, auditor: Conn) -> None:
    listed = await audit.access(auditor, NOW)
    assert {("person", "ann"), ("requester", "ann"), ("database", "keiyaku_sign")} <= {
        (each.kind, each.holder) for each in listed
    }
    digest = audit.digest_of(listed)
    with pytest.raises(Unfit, match="two different"):
        await audit.review(accepted, "ann", "ann", digest, "as it should be", NOW)
    with pytest.raises(Unfit, match="another one now"):
        await audit.review(accepted, "ann", "bob", "00", "as it should be", NOW)
    await audit.review(accepted, "ann", "bob", digest, "as it should be", NOW)
    assert [(each.first, each.second) for each in await audit.reviews(auditor)] == [("ann", "bob")]
    await leavers.leave(accepted, "ann", NOW, "bob", NOW)
    assert ("person", "ann") not in {(each.kind, each.holder) for each in await audit.access(auditor, NOW)}
    for later, in_time in ((timedelta(hours=24), None), (timedelta(hours=24, seconds=1), False)):
        assert [each.in_time for each in await audit.leavers(auditor, NOW + later)] == [in_time]


async def test_two_people_change_a_reading_from_now_on(accepted: Conn, auditor: Conn) -> None:
    for key, value, at, why in (
        ("due.roll", "sometimes", NOW, "cannot be"),
        ("due.roll", "none", NOW - DAY, "from now on"),
        ("due.date", "none", NOW, "unknown"),
    ):
        with pytest.raises(Unfit, match=why):
            await readings.set_reading(accepted, key, value, at, "ann", "bob", NOW)
    with pytest.raises(Unfit, match="two different"):
        await readings.set_reading(accepted, "due.roll", "none", NOW, "ann", "ann", NOW)
    await readings.set_reading(accepted, "due.roll", "none", NOW + DAY, "ann", "bob", NOW)
    assert [(each.key, each.first, each.second) for each in await audit.readings(auditor)] == [
        ("due.roll", "ann", "bob")
    ]
    assert [each.value for each in await readings.listed(accepted, NOW) if each.key == "due.roll"] == ["next", "none"]
