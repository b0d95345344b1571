"""Non-payment that revokes by itself, where two people adopted that (A11.4.4)."""

from collections.abc import AsyncIterator
from datetime import date, datetime, timedelta

import asyncpg
import pytest

from acme_server.dev.postgres import EmbeddedPostgres
from contract_gate.calendar import JST, day_start
from office.storage.revocations import Scope
from office.use_cases import bank, cases, consultation, contracts, nonpayment, payments, readings, revocations
from office.use_cases.asked import Unfit
from office.use_cases.cases import Opening
from sql import Conn, Pool
from sql.pool import Pool as OurPool
from tests.conftest import NOW
from tests.office.use_cases.issued import issue, notices, revoked

ISSUED, LAST_DAY = date(2026, 3, 10), date(2026, 4, 30)
START = day_start(ISSUED)


@pytest.fixture
async def office(postgres: EmbeddedPostgres, database: str) -> AsyncIterator[OurPool]:
    async with OurPool(lambda: asyncpg.connect(postgres.dsn("keiyaku_office", database)), 1) as made:
        yield made


@pytest.fixture
async def unpaid(accepted: Conn, pool: Pool) -> Conn:
    """A certificate, a fee of 60,500 yen overdue from 1 May on, and 30 days of grace that two people adopted."""
    await pool.execute("SELECT keiyaku.ensure_partitions($1, 4)", START)
    await bank.open_account(accepted, "main", ISSUED, "file", NOW)
    await bank.add_days(accepted, "main", ISSUED, date(2026, 6, 20), "file", None, NOW)
    await payments.add_invoice(accepted, "acme", payments.Bill("I-1", "fee", ISSUED, None, 60_500), START)
    await readings.set_reading(accepted, "nonpayment.revoke", "30", START, "ann", "bob", START)
    await issue(pool, "acme", 1, NOW)
    return accepted


def at(day: int, month: int = 5) -> datetime:
    return datetime(2026, month, day, 10, tzinfo=JST)


@pytest.mark.rule("T11-7", "T12-3")
async def test_after_the_grace_it_is_revoked_without_a_code_and_told_of(
    unpaid: Conn, office: OurPool, pool: Pool
) -> None:
    assert await nonpayment.sweep(office, at(30)) == 0
    assert [await nonpayment.sweep(office, at(31)) for _ in range(2)] == [1, 0]
    found = await contracts.shown(unpaid, "acme")
    assert (found.state, found.end_cause) == ("ended", "revoked")
    await revocations.sweep(office, at(31))
    assert list((await revoked(pool)).values()) == [None]
    assert {"contract_ended", "certificate_revoked"} <= set(await notices(pool))
    [case] = await cases.listed(unpaid, True)
    assert (case.ground, case.state, case.deadline_at, case.attention) == ("unpaid", "revoked", None, True)
    assert (await payments.invoice(unpaid, "I-1")).open_yen == 60_500
    [row] = await pool.fetch("SELECT content FROM evidence.records WHERE kind = 'revocation.automatic'")
    assert b'"grace_days":30' in row["content"]


@pytest.mark.rule("T11-7", "T8-15", "T28-1")
@pytest.mark.parametrize("case", ["manual", "small rest", "paid", "consultation", "people's own case", "no bank data"])
async def test_nothing_goes_by_itself(unpaid: Conn, office: OurPool, pool: Pool, case: str) -> None:
    match case:
        case "manual":
            await readings.set_reading(unpaid, "nonpayment.revoke", "manual", at(1), "ann", "bob", START)
        case "small rest" | "paid":
            yen = 59_500 if case == "small rest" else 60_500
            await payments.record_payment(unpaid, "I-1", payments.Payment(yen, at(2).date(), "レイ", "file"), at(2))
        case "consultation":
            await consultation.hold(unpaid, "acme", "dispute", "ann", date(2026, 7, 1), "bob", at(2))
        case "people's own case":
            contract = await contracts.shown(unpaid, "acme")
            await cases.open_case(unpaid, Opening("unpaid", Scope(contract.id), "ledger", "I-1", at(2), None), at(2))
        case "no bank data":
            await pool.execute("UPDATE gate.bank_accounts SET covered_through = '2026-04-29'")
    assert await nonpayment.sweep(office, at(20, 6)) == 0
    assert (await contracts.shown(unpaid, "acme")).state == "accepted"


@pytest.mark.rule("T11-7")
@pytest.mark.parametrize("value", ["0", "-1", "auto", ""])
async def test_a_grace_is_a_day_or_more(accepted: Conn, value: str) -> None:
    with pytest.raises(Unfit, match="cannot be"):
        await readings.set_reading(accepted, "nonpayment.revoke", value, NOW + timedelta(1), "ann", "bob", NOW)
