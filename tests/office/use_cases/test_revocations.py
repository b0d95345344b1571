"""Cases from the first word to the CRL: decisions, clocks, voiding, interruption. Article 11."""

from datetime import date, datetime, timedelta
from hashlib import sha256
from typing import Any

import asyncpg
import pytest

from acme_server.dev.postgres import EmbeddedPostgres
from ca import storage as ca
from ca.profiles import TLSSERVER
from contract_gate.calendar import JST, day_start
from office.storage import revocations as stored
from office.storage.revocations import Scope
from office.use_cases import (
    acme_cases,
    bank,
    case_decisions,
    cases,
    contracts,
    ending,
    holds,
    ledger,
    payments,
    revocations,
    seal,
)
from office.use_cases.asked import Unfit
from office.use_cases.cases import Opening, Standing
from office.use_cases.explain import explain
from office.use_cases.keys import new_key
from sql import Conn, Pool
from sql.pool import Pool as OurPool
from tests.conftest import NOW
from tests.office.use_cases.issued import issue, notices, publish, revoked
from tests.office.use_cases.test_races import at_once

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


async def contract_scope(conn: Conn, contract: str = "acme") -> Scope:
    return await cases.scope_of(conn, contract, None, None, [])


async def opened(conn: Conn, ground: str, scope: Scope | None = None, known: cases.Known | None = "recorded",
                 at: datetime = NOW, **more: Any) -> Standing:  # fmt: skip
    found = scope or await contract_scope(conn)
    return await cases.open_case(conn, Opening(ground, found, "somebody", "why", at, known, **more), NOW)  # type: ignore[arg-type]


async def decided(conn: Conn, found: Standing, now: datetime = NOW) -> str:
    await case_decisions.decide(conn, str(found.case.id), "ann", "bob", "seen", now)
    return str(found.case.id)


async def swept(conn: Conn, now: datetime) -> None:
    await acme_cases.take_acme(conn, now)
    await revocations.go_on(conn, now)
    await revocations.settle(conn, now)


@pytest.mark.rule("T11-7", "T12-3", "T11-10")
@pytest.mark.parametrize("sealed", [False, True])
async def test_a_decision_revokes_all_and_ends_the_contract_at_once(accepted: Conn, pool: Pool, sealed: bool) -> None:
    serials = {await issue(pool, "acme", n, NOW) for n in range(3)}
    if sealed:
        await seal.request(accepted, "acme", "ann", NOW)
    found = await opened(accepted, "damage")
    assert await revoked(pool) == {}
    with pytest.raises(Unfit, match="two people decide first"):
        await revocations.execute(accepted, str(found.case.id), NOW)
    case = await decided(accepted, found)
    contract = await contracts.shown(accepted, "acme")
    assert (contract.state, contract.end_cause, contract.ended_at) == ("ended", "revoked", NOW)
    assert await revoked(pool) == {}
    done = await revocations.execute(accepted, case, NOW)
    assert await revoked(pool) == dict.fromkeys(serials, 9)
    assert (done.case.state, done.case.revoked, done.live) == ("revoked", 3, [])
    told = ["certificate_revoked", "contract_ended", "seal_deletion_after_revocation"]
    assert sorted(await notices(pool)) == told[: 3 if sealed else 2]
    jobs = await pool.fetch("SELECT subject FROM acme.jobs WHERE kind = 'crl' ORDER BY subject")
    assert [row["subject"] for row in jobs] == ["2/0", "2/1", "2/2"]


@pytest.mark.rule("T12-3")
@pytest.mark.parametrize(
    ("ground", "more"),
    [
        ("breach", {}), ("conduct", {}), ("unpaid", {}), ("dishonoured", {}), ("insolvency", {}), ("damage", {}),
        ("guideline_ignored", {"underlying": "compromise"}),
    ],
)  # fmt: skip
async def test_what_ends_a_contract_covers_all_of_it(
    accepted: Conn, pool: Pool, ground: str, more: dict[str, str]
) -> None:
    serial = await issue(pool, "acme", 1, NOW)
    for scope in (Scope(serials=[serial]), Scope(spki_sha256=sha256(b"key").digest())):
        with pytest.raises(Unfit, match="name the contract or the customer"):
            await opened(accepted, ground, scope, **more)
    assert [live.serial for live in (await opened(accepted, ground, **more)).live] == [serial]


@pytest.mark.rule("T11-6", "T11-11")
@pytest.mark.std("C-159")
async def test_a_request_notice_then_revoked_then_published_then_result(accepted: Conn, pool: Pool) -> None:
    serial = await issue(pool, "acme", 1, NOW)
    asked_at = NOW - timedelta(seconds=2)
    case = await decided(accepted, await opened(accepted, "request", Scope(serials=[serial]), "request", asked_at))
    found = await revocations.execute(accepted, case, NOW)
    assert (found.case.state, found.deadline_at) == ("executing", asked_at + DAY)
    assert await notices(pool) == ["revocation_requested"]
    assert await revoked(pool) == {}
    await pool.execute("UPDATE office.notices SET addressed_at = $1", NOW)
    await swept(accepted, NOW + timedelta(seconds=1))
    assert await revoked(pool) == {serial: None}
    assert [each.late for each in (await cases.standing(accepted, case, NOW)).case.notices] == [None]
    await publish(pool, NOW + timedelta(seconds=40))
    await swept(accepted, NOW + timedelta(seconds=41))
    last = (await cases.standing(accepted, case, NOW)).case
    assert (last.state, last.published_at) == ("published", NOW + timedelta(seconds=40))
    assert (await notices(pool))[-1] == "request_result"
    row = await pool.fetchrow("SELECT requested_at, revoked_at, published_at FROM ca.revocations")
    assert tuple(row or ()) == (asked_at, NOW + timedelta(seconds=1), NOW + timedelta(seconds=40))


@pytest.mark.rule("T11-4")
async def test_no_case_is_a_cancellation(accepted: Conn) -> None:
    """Else certificates would go by A11.2 and the contract stay; the customer's own act ends it."""
    with pytest.raises(Unfit, match="ground"):
        await opened(accepted, "cancellation")
    await ending.cancel(accepted, "acme", "ann", NOW)
    [case] = await cases.listed(accepted, False)
    assert (case.ground, (await contracts.shown(accepted, "acme")).end_cause) == ("cancellation", "cancelled")


@pytest.mark.rule("T11-6")
@pytest.mark.parametrize("of", ["contract", "serial"])
async def test_who_asked_and_is_refused_hears_it_once(accepted: Conn, pool: Pool, of: str) -> None:
    serial = await issue(pool, "acme", 1, NOW)
    asked = Scope(serials=[serial]) if of == "serial" else None
    for ground in ("request", "names_holder"):  # the other was asked for by nobody who is told of it
        case = str((await opened(accepted, ground, asked, "request")).case.id)
        await cases.close(accepted, case, "ann", "not the customer's wish", NOW + HOUR)
        with pytest.raises(Unfit, match="not open"):
            await cases.close(accepted, case, "ann", "again", NOW + HOUR)
    results = await pool.fetch("SELECT given->>'result' AS result FROM office.notices WHERE kind = 'request_result'")
    assert [row["result"] for row in results] == ["refused"]
    assert await revoked(pool) == {}


@pytest.mark.rule("T11-5")
async def test_a_notice_that_does_not_leave_holds_nothing_up(accepted: Conn, pool: Pool) -> None:
    serial = await issue(pool, "acme", 1, NOW)
    case = await decided(accepted, await opened(accepted, "request", Scope(serials=[serial]), "request"))
    await revocations.execute(accepted, case, NOW)
    await swept(accepted, NOW + timedelta(minutes=4))
    assert await revoked(pool) == {}
    await swept(accepted, NOW + timedelta(minutes=5))
    assert await revoked(pool) == {serial: None}
    [told] = (await cases.standing(accepted, case, NOW)).case.notices
    assert (told.contract, told.late) == ("acme", "not sent before revoking")


@pytest.mark.rule("T12-3")
async def test_one_certificate_revoked_on_request_leaves_the_contract_and_the_others(
    accepted: Conn, pool: Pool
) -> None:
    first, other = await issue(pool, "acme", 1, NOW), await issue(pool, "acme", 2, NOW)
    for serial, pending in ((first, 0), (other, 1)):
        case = await decided(accepted, await opened(accepted, "names_holder", Scope(serials=[serial])))
        await revocations.execute(accepted, case, NOW)
        assert (await contracts.shown(accepted, "acme")).state == "accepted"
        waits = await pool.fetch("SELECT ends_at FROM office.reissues_pending")
        assert [row["ends_at"] for row in waits] == [NOW + 30 * DAY] * pending
    assert set(await revoked(pool)) == {first, other}


@pytest.mark.rule("T12-3", "T11-1")
@pytest.mark.parametrize("reissued", [False, True])
async def test_a_contract_that_got_another_certificate_in_the_window_goes_on(
    accepted: Conn, pool: Pool, reissued: bool
) -> None:
    await pool.execute("SELECT keiyaku.ensure_partitions($1, 3)", NOW)
    case = await decided(
        accepted, await opened(accepted, "request", Scope(serials=[await issue(pool, "acme", 1, NOW)]))
    )
    await revocations.execute(accepted, case, NOW)
    await swept(accepted, NOW + timedelta(minutes=5))
    if reissued:
        await issue(pool, "acme", 2, NOW + 29 * DAY)
    assert await ending.sweep_revoked(accepted, NOW + 31 * DAY) == (0 if reissued else 1)
    assert (await contracts.shown(accepted, "acme")).state == ("accepted" if reissued else "ended")
    assert await pool.fetchval("SELECT count(*) FROM office.reissues_pending WHERE closed_at IS NULL") == 0


@pytest.mark.rule("T12-3")
async def test_a_contract_that_waits_for_a_reissue_and_is_ended_by_a_decision_waits_no_more(
    accepted: Conn, pool: Pool
) -> None:
    serial = await issue(pool, "acme", 1, NOW)
    case = await decided(accepted, await opened(accepted, "names_holder", Scope(serials=[serial])))
    await revocations.execute(accepted, case, NOW)
    assert await pool.fetchval("SELECT count(*) FROM office.reissues_pending WHERE closed_at IS NULL") == 1
    await decided(accepted, await opened(accepted, "damage"), NOW + DAY)
    assert await pool.fetchval("SELECT closed_at FROM office.reissues_pending") == NOW + DAY
    assert await ending.sweep_revoked(accepted, NOW + 40 * DAY) == 0
    assert (await notices(pool)).count("contract_ended") == 1


@pytest.mark.rule("T3-3", "T3-4")
async def test_a_suspicion_revokes_nothing_and_a_confirmation_restarts_no_clock(accepted: Conn, pool: Pool) -> None:
    await issue(pool, "acme", 1, NOW - 3 * DAY)
    hold = str(await holds.set_hold(accepted, "acme", "conduct", "reported", 5, "spam", "ann", NOW - 2 * DAY))
    found = await opened(accepted, "conduct", None, "report", NOW - 2 * DAY)
    due = NOW - 2 * DAY + 5 * DAY
    assert found.deadline_at == due
    for change in (None, holds.suspect):
        if change is not None:
            await change(accepted, hold, "ann", NOW - DAY)
        with pytest.raises(Unfit, match="not confirmed"):
            await decided(accepted, found)
    assert (await revoked(pool), (await contracts.shown(accepted, "acme")).state) == ({}, "accepted")
    await holds.confirm(accepted, hold, "ann", "bob", NOW)
    await cases.learn(accepted, str(found.case.id), "own_evidence", NOW, "ann", NOW)
    case = await decided(accepted, found)
    assert (await cases.standing(accepted, case, NOW)).deadline_at == due
    await revocations.execute(accepted, case, NOW)
    assert list((await revoked(pool)).values()) == [9]


@pytest.mark.rule("T11-9")
async def test_of_two_who_learn_at_once_the_earlier_instant_counts(
    accepted: Conn, pool: Pool, postgres: EmbeddedPostgres, database: str
) -> None:
    case = str((await opened(accepted, "damage", at=NOW)).case.id)
    await case_decisions.record_material(accepted, case, "ann", "bob", "grave", NOW + 5 * DAY, NOW)
    other = await asyncpg.connect(postgres.dsn("keiyaku_operator", database))
    both = [cases.learn(conn, case, "report", NOW - days * DAY, "ann", NOW)
            for conn, days in ((accepted, 2), (other, 1))]  # fmt: skip
    await at_once(pool, "SELECT FROM office.cases FOR NO KEY UPDATE", *both)
    await other.close()
    assert (await cases.standing(accepted, case, NOW)).deadline_at == NOW + 3 * DAY


@pytest.mark.rule("T12-3")
async def test_a_contract_that_ends_while_its_last_certificate_is_revoked_waits_for_no_other(
    accepted: Conn, pool: Pool, postgres: EmbeddedPostgres, database: str
) -> None:
    """Else the window for a reissue closed over a contract that had ended, and no other could end."""
    case = await decided(
        accepted, await opened(accepted, "names_holder", Scope(serials=[await issue(pool, "acme", 1, NOW)]))
    )
    other = await asyncpg.connect(postgres.dsn("keiyaku_operator", database))
    await at_once(
        pool, "SELECT FROM gate.contracts FOR NO KEY UPDATE", ending.cancel(other, "acme", "ann", NOW),
        revocations.execute(accepted, case, NOW),
    )  # fmt: skip
    await other.close()
    assert await pool.fetchval("SELECT count(*) FROM office.reissues_pending WHERE closed_at IS NULL") == 0
    assert await ending.sweep_revoked(accepted, NOW + 31 * DAY) == 0


@pytest.mark.rule("T11-9", "T11-12")
async def test_a_record_of_materiality_restarts_no_clock_that_a_report_began(accepted: Conn) -> None:
    found = await opened(accepted, "breach", None, "report", NOW - 2 * DAY)
    case, until = str(found.case.id), NOW + 3 * DAY
    assert (found.deadline_at, await case_decisions.material_deadline(accepted, case, NOW)) == (None, until)
    told = await case_decisions.record_material(accepted, case, "ann", "bob", "grave", until, NOW)
    assert told.deadline_at == until
    assert (await cases.learn(accepted, case, "own_evidence", NOW, "ann", NOW)).deadline_at == until


async def unpaid(conn: Conn) -> datetime:
    """A fee is overdue: issued 2026-03-10, due 2026-04-30, bank data through it. The instant of the decision."""
    await bank.open_account(conn, "main", date(2026, 3, 10), "file", NOW)
    await bank.add_days(conn, "main", date(2026, 3, 10), date(2026, 4, 30), "file", None, NOW)
    bill = payments.Bill("I-1", "fee", date(2026, 3, 10), None, 60_500)
    await payments.add_invoice(conn, "acme", bill, day_start(date(2026, 3, 10)))
    return datetime(2026, 5, 20, 10, tzinfo=JST)


async def unpaid_case(conn: Conn, pool: Pool, material: bool) -> tuple[str, datetime]:
    """The worked example: two people decide 2026-05-20 10:00."""
    await pool.execute("SELECT keiyaku.ensure_partitions($1, 4)", day_start(date(2026, 3, 10)))
    at = await unpaid(conn)
    await issue(pool, "acme", 1, NOW)
    opening = Opening("unpaid", await contract_scope(conn), "ledger", "I-1", at, None)
    found = await cases.open_case(conn, opening, at)
    assert found.deadline_at is None
    case = str(found.case.id)
    if material:
        until = await case_decisions.material_deadline(conn, case, at)
        assert until == datetime(2026, 5, 25, 10, tzinfo=JST)
        with pytest.raises(Unfit, match="not as shown"):
            await case_decisions.record_material(conn, case, "ann", "bob", "r", until + 2 * HOUR, at)
        told = await case_decisions.record_material(conn, case, "ann", "bob", "r", until, at)
        assert told.deadline_at == until
    await case_decisions.decide(conn, case, "ann", "bob", "r", at)
    return case, at


async def pay(conn: Conn, on: date, now: datetime) -> None:
    await payments.record_payment(conn, "I-1", payments.Payment(60_500, on, "レイ (カ", "file"), now)


@pytest.mark.rule("T11-12", "T11-9", "T9-1")
async def test_unpaid_material_is_revoked_with_code_9_and_the_fee_stays_owed(accepted: Conn, pool: Pool) -> None:
    case, at = await unpaid_case(accepted, pool, material=True)
    await revocations.execute(accepted, case, at + HOUR)
    assert list((await revoked(pool)).values()) == [9]
    assert (await payments.invoice(accepted, "I-1")).open_yen == 60_500
    assert (await contracts.shown(accepted, "acme")).end_cause == "revoked"


@pytest.mark.rule("T11-12")
@pytest.mark.parametrize("material", [True, False])
async def test_paid_by_the_day_of_the_decision_two_people_withdraw(accepted: Conn, pool: Pool, material: bool) -> None:
    case, at = await unpaid_case(accepted, pool, material)
    await pay(accepted, date(2026, 5, 20), at + HOUR)
    with pytest.raises(Unfit, match="two people"):
        await revocations.execute(accepted, case, at + 2 * HOUR)
    assert (await revoked(pool), (await contracts.shown(accepted, "acme")).state) == ({}, "accepted")
    back = await case_decisions.withdraw(accepted, case, "bob", "ann", "paid in time", at + 3 * HOUR)
    assert (back.case.state, back.deadline_at, back.case.material_at) == ("open", None, None)
    with pytest.raises(Unfit, match="two people decide"):
        await revocations.execute(accepted, case, at + 4 * HOUR)


@pytest.mark.rule("T11-12")
@pytest.mark.parametrize(("material", "codes"), [(True, [9]), (False, [])])
async def test_paid_later_a_material_breach_proceeds_and_another_lapses(
    accepted: Conn, pool: Pool, material: bool, codes: list[int]
) -> None:
    case, at = await unpaid_case(accepted, pool, material)
    await pay(accepted, date(2026, 5, 21), at + DAY)
    if not material:
        with pytest.raises(Unfit, match="lapsed"):
            await revocations.execute(accepted, case, at + 2 * DAY)
        assert (await cases.standing(accepted, case, at)).case.state == "open"
        assert (await contracts.shown(accepted, "acme")).state == "accepted"
    else:
        await revocations.execute(accepted, case, at + 2 * DAY)
    assert list((await revoked(pool)).values()) == codes


@pytest.mark.rule("T11-12")
@pytest.mark.parametrize(("after", "said"), [(timedelta(0), "two people"), (DAY, "lapsed")])
async def test_a_fee_that_two_people_gave_up_revokes_nothing(
    accepted: Conn, pool: Pool, after: timedelta, said: str
) -> None:
    case, at = await unpaid_case(accepted, pool, material=False)
    await ledger.write_off(accepted, "I-1", "write_off", "agreed", "ann", "bob", at + after)
    with pytest.raises(Unfit, match=said):
        await revocations.execute(accepted, case, at + after + HOUR)
    assert (await revoked(pool), (await contracts.shown(accepted, "acme")).state) == ({}, "accepted")


@pytest.mark.rule("T11-12", "T9-1")
@pytest.mark.parametrize("given_up", [False, True])
async def test_a_payment_after_the_execution_undoes_nothing_and_is_an_incident_for_a_person(
    accepted: Conn, pool: Pool, given_up: bool
) -> None:
    case, at = await unpaid_case(accepted, pool, material=False)
    await revocations.execute(accepted, case, at + HOUR)
    await publish(pool, at + HOUR)
    await swept(accepted, at + HOUR)
    assert await cases.listed(accepted, False) == []
    if given_up:
        await ledger.write_off(accepted, "I-1", "write_off", "agreed", "ann", "bob", at + HOUR)
        money = payments.Payment(1_000, date(2026, 5, 20), "REI", "statement")
        late = str(await payments.record_unexplained(accepted, money, at + DAY))
        await ledger.recover(accepted, late, "I-1", "paid", "ann", "bob", at + DAY)
    else:
        await pay(accepted, date(2026, 5, 20), at + DAY)
    [found] = await cases.listed(accepted, False)
    assert (str(found.id), found.state, found.attention) == (case, "published", True)
    assert (len(await revoked(pool)), (await contracts.shown(accepted, "acme")).state) == (1, "ended")
    [row] = await pool.fetch("SELECT content FROM evidence.records WHERE kind = 'revocation.paid_after'")
    [receipt] = await payments.receipts(accepted)
    assert str(receipt.id).encode() in row["content"]
    assert "payment_unblocked" not in await notices(pool)
    await cases.close(accepted, case, "ann", "sent back", at + DAY)
    assert await cases.listed(accepted, False) == []


@pytest.mark.rule("T8-15")
async def test_without_an_overdue_fee_nobody_decides_for_non_payment(accepted: Conn, pool: Pool) -> None:
    found = await opened(accepted, "unpaid", known=None)
    with pytest.raises(Unfit, match="no fee"):
        await decided(accepted, found)


@pytest.mark.rule("T8-15", "T11-12")
@pytest.mark.parametrize(("paid_yen", "spared"), [(60_060, True), (59_499, False)])
async def test_a_payment_less_a_bank_charge_takes_the_decision_away_too(
    accepted: Conn, pool: Pool, paid_yen: int, spared: bool
) -> None:
    case, at = await unpaid_case(accepted, pool, material=False)
    paid = payments.Payment(paid_yen, date(2026, 5, 21), "レイ (カ", "file")
    await payments.record_payment(accepted, "I-1", paid, at + DAY)
    if spared:
        with pytest.raises(Unfit, match="lapsed"):
            await revocations.execute(accepted, case, at + 2 * DAY)
    else:
        await revocations.execute(accepted, case, at + 2 * DAY)
    assert len(await revoked(pool)) == (0 if spared else 1)


@pytest.mark.rule("T8-15", "T8-11")
@pytest.mark.parametrize(("paid_yen", "refused"), [(60_060, True), (59_500, True), (59_499, False)])
async def test_a_deducted_bank_charge_never_revokes(accepted: Conn, pool: Pool, paid_yen: int, refused: bool) -> None:
    """440 yen of the worked example; 1,000 is the small difference, a yen more is a default."""
    await pool.execute("SELECT keiyaku.ensure_partitions($1, 4)", day_start(date(2026, 3, 10)))
    at = await unpaid(accepted)
    await payments.record_payment(
        accepted, "I-1", payments.Payment(paid_yen, date(2026, 4, 20), "レイ (カ", "file"), at
    )
    found = await opened(accepted, "unpaid", known=None, at=at)
    case = str(found.case.id)
    if refused:
        with pytest.raises(Unfit, match="by a small rest alone"):
            await case_decisions.decide(accepted, case, "ann", "bob", "r", at)
    else:
        assert (await case_decisions.decide(accepted, case, "ann", "bob", "r", at)).case.state == "decided"


@pytest.mark.rule("T11-3")
@pytest.mark.std("C-163", "C-164")
async def test_a_compromised_key_is_blocked_and_all_its_certificates_revoked(accepted: Conn, pool: Pool) -> None:
    one, two = [await issue(pool, "acme", n, NOW, key=b"k") for n in (1, 2)]
    other = await issue(pool, "acme", 3, NOW)
    for serial in (two, other):  # revoked before for no reason: the code of the compromised key's is upgraded (T11-8)
        case = await decided(accepted, await opened(accepted, "names_holder", Scope(serials=[serial])))
        await revocations.execute(accepted, case, NOW)
    digest = sha256(b"k").digest()
    with pytest.raises(Unfit, match="covers a key"):
        await opened(accepted, "compromise", Scope(serials=[one]))
    case = await decided(accepted, await opened(accepted, "compromise", Scope(spki_sha256=digest)))
    await revocations.execute(accepted, case, NOW)
    assert await revoked(pool) == {one: 1, two: 1, other: None}
    assert await pool.fetchval("SELECT spki_sha256 FROM ca.blocked_keys") == digest


@pytest.mark.rule("T11-3")
@pytest.mark.std("C-076")
@pytest.mark.parametrize(("underlying", "code"), [("compromise", 1), ("misissued", 4)])
async def test_every_key_that_a_case_over_a_contract_revokes_as_compromised_is_blocked(
    accepted: Conn, pool: Pool, underlying: str, code: int
) -> None:
    serials = [await issue(pool, "acme", n, NOW, key=b"%d" % n) for n in (1, 2)]
    case = await decided(accepted, await opened(accepted, "guideline_ignored", underlying=underlying))
    await revocations.execute(accepted, case, NOW)
    assert await revoked(pool) == dict.fromkeys(serials, code)
    blocked = {row["spki_sha256"] for row in await pool.fetch("SELECT spki_sha256 FROM ca.blocked_keys")}
    assert blocked == ({sha256(b"%d" % n).digest() for n in (1, 2)} if code == 1 else set())


class Died(Exception):
    """The process is no more."""


@pytest.mark.std("C-142", "C-166")
async def test_a_bulk_killed_in_the_middle_goes_on_and_revokes_nothing_twice(
    accepted: Conn, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(revocations, "AT_ONCE", 2)
    serials = {await issue(pool, "acme", n, NOW) for n in range(5)}
    case = await decided(accepted, await opened(accepted, "damage"))
    seen: list[int] = []

    def die(done: int) -> None:
        seen.append(done)
        if done == 4:
            raise Died

    with pytest.raises(Died):
        await revocations.execute(accepted, case, NOW, die)
    assert len(await revoked(pool)) == 4
    await revocations.go_on(accepted, NOW + HOUR)
    assert set(await revoked(pool)) == serials
    again = await revocations.go_on(accepted, NOW + HOUR)
    proofs = await pool.fetchval("SELECT count(*) FROM evidence.records WHERE kind = 'certificate.revoked'")
    assert (again, proofs, seen) == (0, 5, [2, 4])
    done = (await cases.standing(accepted, case, NOW)).case
    assert (done.state, done.revoked) == ("revoked", 5)
    assert (await notices(pool)).count("certificate_revoked") == 1


@pytest.mark.rule("T11-7", "T11-12")
@pytest.mark.parametrize("kind", ["material", "revoke"])
async def test_the_database_wants_two_persons(accepted: Conn, kind: str) -> None:
    found = await opened(accepted, "breach")
    ann, bob = [row["id"] for row in await accepted.fetch("SELECT id FROM gate.persons ORDER BY handle")]
    made = stored.Decision(found.case.id, kind, ann, ann, "r", None, None)
    with pytest.raises(asyncpg.CheckViolationError):
        await stored.insert_decision(accepted, made, NOW)
    with pytest.raises(Unfit, match="named twice"):
        await case_decisions.decide(accepted, str(found.case.id), "ann", "ann", "r", NOW)
    assert await stored.insert_decision(accepted, stored.Decision(found.case.id, kind, ann, bob, "r", None, None), NOW)
    with pytest.raises(asyncpg.CheckViolationError):
        await stored.end_decisions(accepted, found.case.id, "withdrawn", (bob, bob), (kind,), NOW)


async def acme_revokes(pool: Pool, serial: bytes, ground: str, by: str, reason: int | None) -> None:
    """As acme_server/use_cases/revoke.py does."""
    await pool.execute(
        "INSERT INTO ca.revocations (serial, issuer_id, to_be_signed_id, shard, reason, ground, requested_by,"
        " requested_at, revoked_at, not_after) SELECT serial, 2, id, shard, $2, $3, $4, $5, $5, not_after"
        " FROM ca.to_be_signed WHERE serial = $1", serial, reason, ground, by, NOW,
    )  # fmt: skip


@pytest.mark.rule("T11-5", "T11-6")
@pytest.mark.parametrize(
    ("ground", "by", "reason", "case", "notice", "attention"),
    [
        ("requested by its account (A11.3)", "account:1", None, "request", "revocation_requested", False),
        ("requested with its key (A11.1.2)", "key:1", 1, "compromise", "revoked_with_certificate_key", False),
        ("requested with its key (A11.1.2)", "key:1", None, "request", "revoked_with_certificate_key", True),
        (
            "requested by the holder of its names (T2-3)",
            "account:2",
            4,
            "names_holder",
            "revoked_with_certificate_key",
            True,
        ),
    ],
)
async def test_a_revocation_through_acme_is_one_case(
    accepted: Conn, pool: Pool, ground: str, by: str, reason: int | None, case: str, notice: str, attention: bool
) -> None:
    serial = await issue(pool, "acme", 1, NOW)
    await acme_revokes(pool, serial, ground, by, reason)
    assert await acme_cases.take_acme(accepted, NOW + HOUR) == 1
    assert await acme_cases.take_acme(accepted, NOW + HOUR) == 0
    [found] = await cases.listed(accepted, True)
    assert (found.ground, found.state, found.attention, found.revoked) == (case, "revoked", attention, 1)
    assert notice in await notices(pool)
    assert "certificate_revoked" not in await notices(pool)
    assert (await contracts.shown(accepted, "acme")).state == "accepted"
    await publish(pool, NOW + HOUR)
    await swept(accepted, NOW + HOUR)
    assert ("request_result" in await notices(pool)) is (case == "request")
    assert [one.attention for one in await cases.listed(accepted, False)] == ([True] if attention else [])
    if attention:
        await cases.close(accepted, str(found.id), "ann", "called the customer", NOW)
        assert await cases.listed(accepted, False) == []


@pytest.mark.rule("T11-8", "T11-3")
@pytest.mark.std("C-143")
@pytest.mark.parametrize(("by", "ground"), [("key:1", "compromise"), ("account:1", "compromise_asked")])
async def test_a_compromise_told_through_acme_after_the_revocation_is_a_case_too(
    accepted: Conn, pool: Pool, by: str, ground: str
) -> None:
    serial = await issue(pool, "acme", 1, NOW)
    await seal.request(accepted, "acme", "ann", NOW)
    await acme_revokes(pool, serial, "requested by its account (A11.3)", "account:1", 4)
    await swept(accepted, NOW)
    await publish(pool, NOW + HOUR)
    await swept(accepted, NOW + HOUR)
    async with pool.acquire() as conn:
        await ca.upgrade_reason_to_key_compromise(conn, serial, requested_by=by, now=NOW + DAY)
    assert [await acme_cases.take_acme(accepted, NOW + DAY) for _ in range(2)] == [1, 0]
    found = max(await cases.listed(accepted, True), key=lambda one: one.received_at)
    assert (found.ground, found.reporter, found.received_at) == (ground, by, NOW + DAY)
    assert (found.state, found.revoked, found.deadline_at) == ("revoked", 1, NOW + 2 * DAY)
    assert ("revoked_with_certificate_key" in await notices(pool)) is (ground == "compromise")
    assert (await notices(pool)).count("seal_deletion_after_revocation") == 1
    await publish(pool, NOW + DAY + HOUR)
    await swept(accepted, NOW + DAY + HOUR)
    again = (await cases.standing(accepted, str(found.id), NOW)).case
    assert (again.state, again.published_at) == ("published", NOW + DAY + HOUR)
    assert (await notices(pool)).count("request_result") == (1 if ground == "compromise" else 2)


@pytest.mark.rule("T11-8")
async def test_a_code_that_the_ca_changes_by_a_case_is_no_other_case(accepted: Conn, pool: Pool) -> None:
    serial = await issue(pool, "acme", 1, NOW, key=b"k")
    await acme_revokes(pool, serial, "requested by its account (A11.3)", "account:1", None)
    await swept(accepted, NOW)
    case = await decided(accepted, await opened(accepted, "compromise", Scope(spki_sha256=sha256(b"k").digest())))
    await revocations.execute(accepted, case, NOW)
    assert await revoked(pool) == {serial: 1}
    assert await acme_cases.take_acme(accepted, NOW + HOUR) == 0
    assert len(await cases.listed(accepted, True)) == 2


@pytest.mark.rule("T13-2", "T23-3", "T11-4")
@pytest.mark.parametrize(
    ("cause", "code", "clause"),
    [("antisocial", 9, "A11.4.9"), ("rescinded", None, "A11.4.9"), ("service_ended", None, "A23.1"),
     ("cancelled", None, "A11.2")],
)  # fmt: skip
async def test_the_end_of_a_contract_revokes_its_certificates(
    accepted: Conn, pool: Pool, cause: str, code: int | None, clause: str
) -> None:
    serials = {await issue(pool, "acme", n, NOW) for n in range(2)}
    contract = await contracts.shown(accepted, "acme")
    case = await revocations.on_end(accepted, contract.id, cause, NOW)
    assert (await cases.standing(accepted, str(case), NOW)).clause == clause
    await revocations.go_on(accepted, NOW)
    if cause == "cancelled":
        assert (await notices(pool), await revoked(pool)) == (["revocation_requested"], {})
        await pool.execute("UPDATE office.notices SET addressed_at = $1", NOW)
        await revocations.go_on(accepted, NOW)
    assert await revoked(pool) == dict.fromkeys(serials, code)


@pytest.mark.rule("T11-13")
async def test_the_cas_own_key_tells_everybody_and_reissues_for_nothing(accepted: Conn, pool: Pool) -> None:
    serial = await issue(pool, "acme", 1, NOW)
    await new_key(accepted, "acme", "l", [], None, None, NOW)
    await pool.execute("SELECT keiyaku.ensure_partitions($1, 4)", day_start(date(2026, 3, 10)))
    await unpaid(accepted)
    assert (await explain(accepted, "acme", None, ["a.example.jp"], NOW, TLSSERVER)).gate == "G6"
    with pytest.raises(Unfit, match="'other' is unknown: choose issuing"):
        await cases.scope_of(accepted, None, None, None, [], "other")
    with pytest.raises(Unfit, match="exactly one"):
        await cases.scope_of(accepted, "acme", None, None, [], "issuing")
    found = await opened(accepted, "ca_key", await cases.scope_of(accepted, None, None, None, [], "issuing"))
    case = await decided(accepted, found)
    await revocations.execute(accepted, case, NOW)
    assert await revoked(pool) == {serial: 4}
    contract = await contracts.shown(accepted, "acme")
    row = await pool.fetchrow("SELECT contract_id, granted_at FROM gate.free_reissues")
    assert (contract.state, tuple(row or ())) == ("accepted", (contract.id, NOW))
    assert "ca_key_compromised" in await notices(pool)
    assert (await explain(accepted, "acme", None, ["a.example.jp"], NOW, TLSSERVER)).outcome == "admitted"
    late = await explain(accepted, "acme", None, ["a.example.jp"], NOW + 31 * DAY, TLSSERVER)
    assert late.gate == "G6"
    await holds.set_hold(accepted, "acme", "conduct", "suspected", 5, "r", "ann", NOW)
    assert (await explain(accepted, "acme", None, ["a.example.jp"], NOW, TLSSERVER)).gate == "G7"


@pytest.mark.rule("T11-9")
async def test_officers_hear_of_the_nearest_deadline_however_many_cases_have_none(
    accepted: Conn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(revocations, "WATCHED", 1)
    await opened(accepted, "breach", None, None, NOW - 9 * DAY)
    late = await opened(accepted, "change_learned")
    assert [each.subject for each in await revocations.dangers(accepted, NOW)] == [late.case.id]


@pytest.mark.rule("T11-9")
async def test_nodes_that_begin_the_same_case_disturb_each_other_in_nothing(
    accepted: Conn, pool: Pool, postgres: EmbeddedPostgres, database: str
) -> None:
    serial = await issue(pool, "acme", 1, NOW)
    acme = (await contracts.shown(accepted, "acme")).id
    case = await cases.case_named(accepted, str(await revocations.on_end(accepted, acme, "rescinded", NOW)))
    await revocations.go_on(accepted, NOW)
    await revocations.begin(accepted, case, NOW)  # as another that had found it decided
    await publish(pool, NOW)
    await swept(accepted, NOW)
    await revocations.begin(accepted, case, NOW)
    assert (await cases.standing(accepted, str(case.id), NOW)).case.state == "published"
    assert (await revoked(pool), (await notices(pool)).count("certificate_revoked")) == ({serial: None}, 1)


@pytest.mark.rule("T11-9")
@pytest.mark.std("C-157")
async def test_officers_hear_of_a_deadline_once_at_each_threshold(accepted: Conn, pool: Pool) -> None:
    await issue(pool, "acme", 1, NOW)
    await opened(accepted, "change_learned")
    told = [await revocations.warn(accepted, NOW + h * HOUR) for h in (0, 95, 96, 97, 108, 119, 119, 121, 500)]
    assert told == [0, 0, 1, 0, 1, 1, 0, 1, 0]
    assert await pool.fetchval("SELECT overdue FROM keiyaku.deadlines($1)", NOW + 121 * HOUR) == 1
    assert await pool.fetchval("SELECT nearest FROM keiyaku.deadlines($1)", NOW) == NOW + 120 * HOUR


@pytest.mark.rule("T11-9")
async def test_a_case_of_a_day_is_in_no_danger_while_more_than_half_of_it_is_left(accepted: Conn, pool: Pool) -> None:
    serial = await issue(pool, "acme", 1, NOW)
    found = await opened(accepted, "request", Scope(serials=[serial]), "request")
    assert found.deadline_at == NOW + 24 * HOUR
    told = [await revocations.warn(accepted, NOW + h * HOUR) for h in (0, 11, 12, 13, 20, 23, 24, 25)]
    assert told == [0, 0, 1, 0, 1, 1, 1, 0]


@pytest.mark.rule("T11-8")
async def test_a_code_that_no_customer_may_choose_is_refused_and_0_means_none(accepted: Conn, pool: Pool) -> None:
    serial = await issue(pool, "acme", 1, NOW)
    with pytest.raises(Unfit, match="T11-8"):
        await opened(accepted, "request", Scope(serials=[serial]), "request", asked_code=9)
    assert (await opened(accepted, "request", Scope(serials=[serial]), "request", asked_code=0)).code is None
    assert (await opened(accepted, "request", Scope(serials=[serial]), "request", asked_code=4)).code == 4


async def test_the_sweep_does_all_of_it_as_the_office(
    accepted: Conn, pool: Pool, postgres: object, database: str
) -> None:
    serial = await issue(pool, "acme", 1, NOW)
    await issue(pool, "acme", 2, NOW)
    await acme_revokes(pool, serial, "requested by its account (A11.3)", "account:1", None)
    await revocations.on_end(accepted, (await contracts.shown(accepted, "acme")).id, "rescinded", NOW)

    async def connect() -> Conn:
        return await asyncpg.connect(postgres.dsn("keiyaku_office", database))  # type: ignore[attr-defined]

    async with OurPool(connect, 1) as office:
        await revocations.sweep(office, NOW)
        await publish(pool, NOW)
        await revocations.sweep(office, NOW)
    assert {found.state for found in await cases.listed(accepted, True)} == {"published"}
    assert len(await revoked(pool)) == 2
