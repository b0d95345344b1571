"""The worked examples of the articles that take a database, with exactly their dates and amounts."""

import os
from datetime import date, datetime, timedelta

import pytest

from contract_gate.calendar import JST, jst_date, next_month_end
from contract_gate.storage import facts_of_contract
from office.storage.revocations import Scope
from office.use_cases import (
    acceptance,
    application,
    case_decisions,
    cases,
    contracts,
    documents,
    holds,
    revocations,
    screening,
)
from office.use_cases.asked import Unfit
from office.use_cases.cases import Opening
from sql import Conn, Pool
from tests.conftest import NOW
from tests.office.conftest import ACCESS
from tests.office.use_cases.issued import issue, notices, publish, revoked


def jst(month: int, day: int, hour: int = 10, minute: int = 0, second: int = 0) -> datetime:
    """An instant of 2026 in Japan."""
    return datetime(2026, month, day, hour, minute, second, tzinfo=JST)


@pytest.fixture(autouse=True)
async def months(pool: Pool) -> None:
    """Partitions for what is done in 2026."""
    await pool.execute("SELECT keiyaku.ensure_partitions($1, 9)", jst(5, 1))


@pytest.mark.rule("T4-7")
async def test_article_4_rejected(applied: Conn, pool: Pool) -> None:
    """Rejected 06-05: non-formation notice 06-05, files destroyed 06-05, hash list kept, 0 yen."""
    kept = await documents.keep(
        applied, "acme", "registry", date(2026, 5, 20), b"registry", "ann", os.urandom(32), jst(6, 1)
    )
    await acceptance.reject(applied, "acme", "authority", "ann", "bob", jst(6, 5))
    [notice] = await pool.fetch("SELECT kind, queued_at, given FROM office.notices")
    assert (notice["kind"], jst_date(notice["queued_at"])) == ("contract_not_formed", date(2026, 6, 5))
    assert "2026-06-05" in notice["given"]
    row = await pool.fetchrow("SELECT sealed_content, destroyed_at, sha256 FROM office.documents WHERE id = $1", kept)
    assert row is not None
    assert (row["sealed_content"], jst_date(row["destroyed_at"]), len(row["sha256"])) == (None, date(2026, 6, 5), 32)
    assert await pool.fetchval("SELECT count(*) FROM gate.invoices") == 0


@pytest.mark.rule("T3-3", "T3-4")
async def test_article_3_suspected_then_confirmed(accepted: Conn, pool: Pool) -> None:
    """Report 05-01 10:00, suspected 10:20, confirmed 05-03 15:00; the deadline stays 05-06 10:00."""
    serial = await issue(pool, "acme", 1, NOW)
    reported = jst(5, 1)
    hold = str(await holds.set_hold(accepted, "acme", "conduct", "reported", 5, "libel", "ann", reported))
    scope = Scope(contract_id=(await contracts.shown(accepted, "acme")).id)
    found = await cases.open_case(
        accepted, Opening("conduct", scope, "a reader", "libel", reported, "report"), reported
    )
    case = str(found.case.id)
    await holds.suspect(accepted, hold, "ann", jst(5, 1, 10, 20))
    assert await held(accepted)
    with pytest.raises(Unfit, match="not confirmed"):
        await case_decisions.decide(accepted, case, "ann", "bob", "libel", jst(5, 2))
    assert await revoked(pool) == {}
    await holds.confirm(accepted, hold, "ann", "bob", jst(5, 3, 15))
    decided = await case_decisions.decide(accepted, case, "ann", "bob", "libel", jst(5, 3, 15))
    assert decided.deadline_at == jst(5, 6)
    await revocations.execute(accepted, case, jst(5, 3, 15))
    assert await revoked(pool) == {serial: 9}


async def held(conn: Conn) -> bool:
    loaded = await facts_of_contract(conn, (await contracts.shown(conn, "acme")).id, [], NOW, None)
    return loaded is not None and loaded.facts.held


@pytest.mark.rule("T11-5", "T11-6", "T11-9")
async def test_article_11_request(accepted: Conn, pool: Pool) -> None:
    """Asked 06-01 09:00:00, notice 09:00:01, revoked 09:00:02, status published, result notice."""
    at = jst(6, 1, 9)
    second = timedelta(seconds=1)
    serial = await issue(pool, "acme", 1, at - second)
    opening = Opening("request", Scope(serials=[serial]), "the customer", "by letter", at, "request")
    case = str((await cases.open_case(accepted, opening, at)).case.id)
    await case_decisions.decide(accepted, case, "ann", "bob", "it is the customer", at)
    assert (await revocations.execute(accepted, case, at + second)).deadline_at == at + timedelta(seconds=86_400)
    assert (await notices(pool), await revoked(pool)) == (["revocation_requested"], {})
    await pool.execute("UPDATE office.notices SET addressed_at = $1", at + second)
    await revocations.go_on(accepted, at + 2 * second)
    assert await pool.fetchval("SELECT revoked_at FROM ca.revocations") == jst(6, 1, 9, 0, 2)
    await publish(pool, at + 3 * second)
    await revocations.settle(accepted, at + 4 * second)
    kinds = await pool.fetch("SELECT kind, queued_at FROM office.notices WHERE kind LIKE 're%' ORDER BY queued_at")
    assert [tuple(row) for row in kinds] == [
        ("revocation_requested", jst(6, 1, 9, 0, 1)), ("request_result", jst(6, 1, 9, 0, 4)),
    ]  # fmt: skip


@pytest.mark.rule("T13-1")
async def test_article_13_a_payer_added(applied: Conn) -> None:
    """Payer added 2026-07-01, screening pending: a new contract is not accepted; a running one goes on."""
    await screening.add(applied, "acme", "payer", "親会社 株式会社", jst(7, 1))
    with pytest.raises(Unfit, match="screening of the payer"):
        await acceptance.accept(applied, "acme", "ann", "bob", ACCESS, jst(7, 1))
    await screening.clear(applied, "acme", "list", "bob", jst(7, 1))
    await acceptance.accept(applied, "acme", "ann", "bob", ACCESS, jst(7, 1))
    await screening.add(applied, "acme", "payer", "別会社 株式会社", jst(7, 1))
    assert not await held(applied)


@pytest.mark.rule("T8-13")
async def test_article_8_fewer_names(accepted: Conn) -> None:
    """3 names contracted, 1 removed 2026-06-01: the invoice is unchanged, a third name may be added back."""
    for name in ("b.example.jp", "c.example.jp"):
        await application.add_name(accepted, "acme", name, None, jst(5, 1))
    await application.remove_name(accepted, "acme", "b.example.jp", None, jst(6, 1))
    found = await contracts.shown(accepted, "acme")
    assert (found.fee_yen, found.names_max) == (55_000, 3)
    await application.add_name(accepted, "acme", "d.example.jp", None, jst(6, 1))


@pytest.mark.rule("T14-1", "T8-2")
def test_article_14_the_new_contract_s_own_due_date() -> None:
    """Issued 2026-09-12: due 2026-10-31."""
    assert next_month_end(date(2026, 9, 12)) == date(2026, 10, 31)
