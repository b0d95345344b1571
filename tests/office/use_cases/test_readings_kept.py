"""A running contract keeps the readings it was made with; what two people adopt later is for what comes (§0.3)."""

from collections.abc import AsyncIterator
from datetime import date, timedelta

import asyncpg
import pytest

from acme_server.dev.postgres import EmbeddedPostgres
from contract_gate.readings import KEPT, Kept
from office.storage import consultations, notices, seals
from office.storage import readings as stored
from office.use_cases import consultation, contracts, documents, ending, ledger, nonpayment, payments, readings, seal
from office.use_cases.asked import Unfit
from sql import Conn, Pool
from sql.pool import Pool as OurPool
from tests.conftest import NOW
from tests.office.use_cases.issued import issue
from tests.office.use_cases.test_nonpayment import ISSUED, START, at
from tests.office.use_cases.test_nonpayment import unpaid as unpaid

DAY = timedelta(days=1)
LATER = NOW + DAY
VALUES = {
    "accept.lapse_days": "90", "block.scope": "customer", "breach.material": "decided", "cert.min_lifetime": "7",
    "consultation.scope": "reminders", "domains.swap": "no", "due.roll": "none", "eligibility.base_all": "no",
    "invoice.names": "payer", "money.rounding": "ceiling", "nonpayment.revoke": "30", "notice.postal_days": "5",
    "notice.result_within": "2",
    "payment.small_difference": "5", "payment.tolerance": "5", "period.first_day": "counted", "reissue.window": "7",
    "renewal.issues": "20", "renewal.opens": "45",
    "review.document_max_age": "1", "review.rejected_docs": "730", "seal.scope": "same_host",
    "service_end.certs": "revoke", "tax.apportion": "whole_at_end", "tax.diff_due": "claim_date",
    "term.first_day": "not_counted", "terms.min_notice_days": "60",
}  # fmt: skip


async def adopt(conn: Conn, key: str, value: str | None = None) -> None:
    await readings.set_reading(conn, key, value or VALUES[key], LATER, "ann", "bob", NOW)


@pytest.fixture
async def office(postgres: EmbeddedPostgres, database: str) -> AsyncIterator[OurPool]:
    async with OurPool(lambda: asyncpg.connect(postgres.dsn("keiyaku_office", database)), 1) as made:
        yield made


@pytest.mark.parametrize("key", sorted(KEPT))
async def test_a_contract_and_an_application_read_each_key_as_of_their_own_instant(accepted: Conn, key: str) -> None:
    """The contract `acme` was accepted before the value was adopted; `later` is an application, so it reads today's."""
    await contracts.create(accepted, "later", "kaisha", "small", NOW)
    ids = {r["handle"]: r["id"] for r in await accepted.fetch("SELECT handle, id FROM gate.contracts")}
    await adopt(accepted, key)
    now = LATER + DAY
    match KEPT[key]:
        case Kept.CONTRACT:
            assert await stored.of_contract(accepted, key, ids["acme"], now) is None
            assert await stored.of_contract(accepted, key, ids["later"], now) == VALUES[key]
        case Kept.NEITHER:
            assert await stored.of_neither(accepted, key, now) == VALUES[key]
            assert await stored.of_neither(accepted, key, NOW) is None
        case Kept.INVOICE:
            with pytest.raises(ValueError, match="is one of invoice"):
                await stored.of_contract(accepted, key, ids["acme"], now)


@pytest.mark.rule("T12-8")
async def test_a_shorter_lapse_adopted_later_ends_no_running_contract(accepted: Conn, pool: Pool) -> None:
    await pool.execute("SELECT keiyaku.ensure_partitions($1, 8)", NOW)
    await adopt(accepted, "accept.lapse_days")
    for days in (61, 91, 149):
        assert await ending.sweep_lapsed(accepted, NOW + days * DAY) == 0
    assert await accepted.fetchval("SELECT count(*) FROM office.notices WHERE kind = 'lapse_announced'") == 0
    assert await ending.sweep_lapsed(accepted, NOW + 150 * DAY) == 0  # announced
    assert await ending.sweep_lapsed(accepted, NOW + 180 * DAY) == 1


@pytest.mark.rule("T11-7")
async def test_what_revokes_by_itself_was_adopted_before_the_contract(
    unpaid: Conn, office: OurPool, pool: Pool
) -> None:
    """R-16: the CA turns it on for contracts to come, and off for all."""
    await pool.execute("UPDATE gate.readings SET effective_at = accepted_at + '1 s' FROM gate.contracts")
    assert await nonpayment.sweep(office, at(20, 6)) == 0
    await pool.execute("UPDATE gate.readings SET effective_at = $1", START)
    await readings.set_reading(unpaid, "nonpayment.revoke", "90", at(1), "ann", "bob", START)
    assert await nonpayment.sweep(office, at(20, 6)) == 0  # spared by today's
    await pool.execute("DELETE FROM gate.readings WHERE value = '90'")
    assert await nonpayment.sweep(office, at(20, 6)) == 1


@pytest.mark.rule("T28-1")
async def test_what_a_consultation_pauses_was_adopted_before_the_contract(
    unpaid: Conn, office: OurPool, pool: Pool
) -> None:
    await consultation.hold(unpaid, "acme", "dispute", "ann", date(2026, 7, 1), "bob", at(2))
    acme = (await contracts.shown(unpaid, "acme")).id
    made = await pool.fetchval("SELECT accepted_at FROM gate.contracts")
    await readings.set_reading(unpaid, "consultation.scope", "reminders", made + DAY, "ann", "bob", START)
    assert await consultations.scope(unpaid, acme, made + 2 * DAY) == "reminders,auto,A11.4.4"
    assert await nonpayment.sweep(office, at(20, 6)) == 0
    await pool.execute("UPDATE gate.readings SET effective_at = $1 WHERE key = 'consultation.scope'", START)
    assert await consultations.scope(unpaid, acme, made + 2 * DAY) == "reminders"
    assert await nonpayment.sweep(office, at(20, 6)) == 1


@pytest.mark.rule("T8-15")
async def test_a_small_rest_is_one_by_the_reading_the_invoice_was_made_under(accepted: Conn) -> None:
    await payments.add_invoice(accepted, "acme", payments.Bill("I-1", "fee", ISSUED, ISSUED, 900), NOW)
    await adopt(accepted, "payment.small_difference")
    assert [each.number for each in await ledger.small_rests(accepted, LATER)] == ["I-1"]
    await payments.add_invoice(accepted, "acme", payments.Bill("I-2", "fee", ISSUED, ISSUED, 900), LATER)
    assert [each.number for each in await ledger.small_rests(accepted, LATER)] == ["I-1"]
    assert await ledger.write_off(accepted, "I-1", "small_difference", "r", "ann", "bob", LATER) == 900
    with pytest.raises(Unfit, match="1 to 5 yen"):
        await ledger.write_off(accepted, "I-2", "small_difference", "r", "ann", "bob", LATER)


@pytest.mark.rule("T4-10")
async def test_the_seal_shows_where_it_could_when_the_contract_was_made(accepted: Conn, pool: Pool) -> None:
    await issue(pool, "acme", 1, NOW)
    token = await seal.request(accepted, "acme", "ann", NOW)
    await adopt(accepted, "seal.scope")
    assert (await seals.seal_of(accepted, token, LATER + DAY)).scope is None  # type: ignore[union-attr]
    assert (await seal.check(accepted, "acme", "https://www.example.jp/", LATER + DAY)).on_host
    await pool.execute("UPDATE gate.readings SET effective_at = $1", NOW - 9 * DAY)
    assert not (await seal.check(accepted, "acme", "https://www.example.jp/", LATER + DAY)).on_host


@pytest.mark.rule("T4-3")
async def test_papers_of_a_running_contract_may_be_as_old_as_when_it_was_made(accepted: Conn) -> None:
    await adopt(accepted, "review.document_max_age")
    await contracts.create(accepted, "later", "kaisha", "small", NOW)
    old, now = date(2026, 9, 30), LATER + DAY
    await documents.keep(accepted, "acme", "register", old, b"%PDF", "ann", bytes(32), now)
    with pytest.raises(Unfit, match="not at most 1 months old"):
        await documents.keep(accepted, "later", "register", old, b"%PDF", "ann", bytes(32), now)


@pytest.mark.rule("T5-2", "T20-1")
async def test_what_is_of_no_contract_counts_when_it_happens(accepted: Conn) -> None:
    for key in ("notice.postal_days", "terms.min_notice_days"):
        await adopt(accepted, key)
    assert (await notices.postal_days(accepted, NOW), await notices.min_notice_days(accepted, NOW)) == (3, 30)
    assert (await notices.postal_days(accepted, LATER), await notices.min_notice_days(accepted, LATER)) == (5, 60)
