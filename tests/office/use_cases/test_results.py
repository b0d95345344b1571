"""Who asked for a revocation hears the result within a bank day: on the desk until then, measured, told to each."""

from collections.abc import AsyncIterator
from datetime import date, datetime, timedelta
from hashlib import sha256
from uuid import UUID

import asyncpg
import pytest

from acme_server.config import Settings
from acme_server.dev.postgres import EmbeddedPostgres
from acme_server.use_cases.check_duties import revocation_deadlines
from ca import storage as ca
from contract_gate.calendar import day_start
from office.storage.revocations import Scope
from office.use_cases import audit, case_decisions, cases, desk, readings, revocations
from office.use_cases.desk import Shown
from sql import Conn, Pool
from tests.conftest import NOW
from tests.office.use_cases.issued import issue, publish
from tests.office.use_cases.test_revocations import acme_revokes, decided, opened, swept
from tests.office.use_cases.test_whole_customer import BETA

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SECOND = timedelta(seconds=1)
ACCOUNT = "requested by its account (A11.3)", "account:1", None
TOLD = """
SELECT c.handle, n.given->>'result' AS result FROM office.notices n JOIN gate.contracts c ON c.id = n.contract_id
WHERE n.kind = 'request_result' ORDER BY n.queued_at, c.handle
"""


@pytest.fixture
async def auditor(postgres: EmbeddedPostgres, database: str) -> AsyncIterator[Conn]:
    """A connection as keiyaku_auditor."""
    conn = await asyncpg.connect(postgres.dsn("keiyaku_auditor", database))
    yield conn
    await conn.close()


async def waiting(conn: Conn, now: datetime) -> list[Shown]:
    """Results that the desk waits for."""
    return await desk.queue(conn, None, False, None, 100, now, "revocation_result")


async def told(pool: Pool) -> list[tuple[str, str]]:
    """Contract and result of every notice of one."""
    return [(row["handle"], row["result"]) for row in await pool.fetch(TOLD)]


async def overdue(conn: Conn, now: datetime) -> str:
    """What `keiyaku check` says of deadlines."""
    return " ".join(fault.what for fault in await revocation_deadlines(Settings(), conn, now))


async def measured(conn: Conn, now: datetime) -> list[tuple[object, ...]]:
    """Results in the auditor's report: when revoked, when told, and whether in time."""
    rows = audit.population(conn, "deadlines", NOW - DAY, NOW + DAY, None, now)
    return [(r["acted_at"], r["ended_at"], r["in_time"]) async for r in rows if r["kind"] == "result"]


async def case_of(conn: Conn, case: UUID | str) -> revocations.Case:
    return (await cases.standing(conn, str(case), NOW)).case


@pytest.mark.rule("T11-6")
@pytest.mark.parametrize(
    ("holiday", "within", "last"),
    [
        pytest.param(None, None, date(2026, 11, 23), id="on a Sunday: all of Monday"),
        pytest.param(date(2026, 11, 23), None, date(2026, 11, 24), id="Monday is a holiday: all of Tuesday"),
        pytest.param(date(2026, 11, 23), "2", date(2026, 11, 25), id="two bank days by a reading of before"),
    ],
)
async def test_a_result_waits_for_the_crl_and_is_late_after_a_bank_day(
    accepted: Conn, auditor: Conn, pool: Pool, holiday: date | None, within: str | None, last: date
) -> None:
    if holiday is not None:
        await pool.execute("INSERT INTO gate.holidays VALUES ($1, 'x')", holiday)
    if within is not None:
        at = NOW - HOUR
        await readings.set_reading(accepted, "notice.result_within", within, at, "ann", "bob", at)
    await readings.set_reading(accepted, "notice.result_within", "9", NOW + SECOND, "ann", "bob", NOW)  # of later ones
    await acme_revokes(pool, await issue(pool, "acme", 1, NOW), *ACCOUNT)
    await swept(accepted, NOW + HOUR)
    due = day_start(last + DAY)
    [task] = await waiting(accepted, NOW + HOUR)
    assert (task.since, task.deadline_at, task.binding, task.overdue) == (NOW, due, True, False)
    assert (task.ended_by, await told(pool)) == ("the CRL that shows it (keiyaku work, keiyaku sign)", [])
    assert [each.overdue for at in (due, due + SECOND) for each in await waiting(accepted, at)] == [False, True]
    assert await overdue(accepted, due) == "1 deadlines are missed"  # that of the revocation
    assert await overdue(accepted, due + SECOND) == "2 deadlines are missed"
    assert await measured(auditor, due + SECOND) == [(NOW, None, False)]
    await publish(pool, due + HOUR)
    await swept(accepted, due + HOUR)
    assert (await waiting(accepted, due + HOUR), await told(pool)) == ([], [("acme", "revoked")])
    assert await overdue(accepted, due + HOUR) == ""
    assert await measured(auditor, due + DAY) == [(NOW, due + HOUR, False)]


@pytest.mark.rule("T11-6")
async def test_a_result_told_in_time_waits_no_more_and_is_measured_so(
    accepted: Conn, auditor: Conn, pool: Pool
) -> None:
    await acme_revokes(pool, await issue(pool, "acme", 1, NOW), *ACCOUNT)
    await swept(accepted, NOW + SECOND)
    assert await measured(auditor, NOW + SECOND) == [(NOW, None, None)]
    await publish(pool, NOW + 40 * SECOND)
    await swept(accepted, NOW + 41 * SECOND)
    assert (await waiting(accepted, NOW + 9 * DAY), await overdue(accepted, NOW + 9 * DAY)) == ([], "")
    assert await measured(auditor, NOW + 9 * DAY) == [(NOW, NOW + 41 * SECOND, True)]
    [found] = await cases.listed(accepted, True)
    assert (found.result_due_at, found.result_told_at) == (day_start(date(2026, 11, 24)), NOW + 41 * SECOND)


@pytest.mark.rule("T11-6")
@pytest.mark.parametrize(("ground", "due"), [("request", True), ("names_holder", False)])
async def test_a_refusal_is_told_with_it_and_never_waits(
    accepted: Conn, auditor: Conn, pool: Pool, ground: str, due: bool
) -> None:
    """The other ground was asked for by nobody who is told of it."""
    serial = await issue(pool, "acme", 1, NOW)
    case = (await opened(accepted, ground, Scope(serials=[serial]), "request")).case.id
    await cases.close(accepted, str(case), "ann", "not the customer's wish", NOW + HOUR)
    found = await case_of(accepted, case)
    expected = (day_start(date(2026, 11, 24)), NOW + HOUR) if due else (None, None)
    assert (found.result_due_at, found.result_told_at) == expected
    assert await told(pool) == ([("acme", "refused")] if due else [])
    assert await waiting(accepted, NOW + 9 * DAY) == []
    assert await measured(auditor, NOW + 9 * DAY) == ([(None, NOW + HOUR, True)] if due else [])


@pytest.mark.rule("T11-6")
@pytest.mark.parametrize("contract", [True, False])
async def test_where_no_contract_is_concerned_nothing_is_due(accepted: Conn, pool: Pool, contract: bool) -> None:
    await acme_revokes(pool, await issue(pool, "acme", 1, NOW), *ACCOUNT)
    if not contract:
        await pool.execute("DELETE FROM acme.issuances")
    await swept(accepted, NOW)
    assert len(await waiting(accepted, NOW)) == contract
    await publish(pool, NOW + HOUR)
    await swept(accepted, NOW + HOUR)
    [found] = await cases.listed(accepted, True)
    assert (found.state, found.result_told_at is not None) == ("published", contract)
    assert (len(await told(pool)), await waiting(accepted, NOW + 9 * DAY)) == (contract, [])
    assert await overdue(accepted, NOW + 9 * DAY) == ""


@pytest.mark.rule("T11-6")
async def test_what_nobody_asked_for_has_no_result_to_tell(accepted: Conn, pool: Pool) -> None:
    await issue(pool, "acme", 1, NOW)
    await revocations.execute(accepted, await decided(accepted, await opened(accepted, "damage")), NOW)
    assert (await cases.listed(accepted, True))[0].state == "revoked"
    assert await waiting(accepted, NOW + 9 * DAY) == []


@pytest.mark.rule("T11-6")
@pytest.mark.parametrize("asked", ["certificate", "key", "contract"])
@pytest.mark.parametrize("end", ["executed", "closed"])
async def test_who_asks_for_what_is_revoked_already_hears_so(accepted: Conn, pool: Pool, asked: str, end: str) -> None:
    serial = await issue(pool, "acme", 1, NOW, key=b"k")
    acme: UUID = await accepted.fetchval("SELECT id FROM gate.contracts")
    found = {"certificate": Scope(serials=[serial]), "key": Scope(spki_sha256=sha256(b"k").digest()),
             "contract": Scope(contract_id=acme)}[asked]  # fmt: skip
    case = (await opened(accepted, "request", found, "request")).case.id
    await acme_revokes(pool, serial, *ACCOUNT)
    await publish(pool, NOW)
    await swept(accepted, NOW)
    if end == "executed":
        await case_decisions.decide(accepted, str(case), "ann", "bob", "asked by phone", NOW + HOUR)
        await revocations.execute(accepted, str(case), NOW + HOUR)
        assert [task.subject for task in await waiting(accepted, NOW + HOUR)] == [str(case)]
        await swept(accepted, NOW + HOUR)
    else:
        await cases.close(accepted, str(case), "ann", "its client did it", NOW + HOUR)
    assert await told(pool) == [("acme", "revoked"), ("acme", "nothing_left")]
    assert ((await case_of(accepted, case)).result_told_at, await waiting(accepted, NOW + HOUR)) == (NOW + HOUR, [])


REFUSES = """
CREATE FUNCTION public.no_notice() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF NEW.kind = 'request_result' AND NEW.contract_id = (SELECT id FROM gate.contracts WHERE handle = 'beta') THEN
        RAISE EXCEPTION 'no room'; END IF; RETURN NEW; END $$;
CREATE TRIGGER no_notice BEFORE INSERT ON office.notices FOR EACH ROW EXECUTE FUNCTION public.no_notice()
"""


@pytest.mark.rule("T11-6", "T11-3")
async def test_a_case_of_two_contracts_is_told_to_both_or_still_waits(accepted: Conn, pool: Pool) -> None:
    await pool.execute(BETA)
    for number, contract in enumerate(("acme", "beta")):
        await issue(pool, contract, number, NOW, key=b"k")
    key = Scope(spki_sha256=sha256(b"k").digest())
    case = await decided(accepted, await opened(accepted, "compromise_asked", key, "request"))
    await revocations.execute(accepted, case, NOW)
    await swept(accepted, NOW + timedelta(minutes=5))
    await publish(pool, NOW + HOUR)
    await pool.execute(REFUSES)
    with pytest.raises(asyncpg.RaiseError, match="no room"):
        await revocations.settle(accepted, NOW + HOUR)
    assert (await told(pool), len(await waiting(accepted, NOW + HOUR))) == ([], 1)
    await pool.execute("DROP TRIGGER no_notice ON office.notices")
    assert [await revocations.settle(accepted, NOW + HOUR) for _ in range(2)] == [1, 0]
    assert await told(pool) == [("acme", "revoked"), ("beta", "revoked")]
    assert ((await case_of(accepted, case)).result_told_at, await waiting(accepted, NOW + HOUR)) == (NOW + HOUR, [])


@pytest.mark.rule("T11-6", "T11-9")
async def test_officers_hear_of_a_result_in_danger_beside_the_revocation_itself(accepted: Conn, pool: Pool) -> None:
    """Sunday 21:00 to Tuesday 00:00 in Japan are 27 hours; the revocation is due after 24."""
    await acme_revokes(pool, await issue(pool, "acme", 1, NOW), *ACCOUNT)
    await swept(accepted, NOW)
    warned = [await revocations.warn(accepted, NOW + h * HOUR) for h in (0, 11, 12, 15, 15, 22, 25, 28, 29)]
    assert warned == [0, 0, 1, 1, 0, 1, 2, 1, 0]
    said = (
        "SELECT given->>'subject' FROM office.notices WHERE kind = 'deadline_in_danger' ORDER BY queued_at DESC LIMIT 1"
    )
    [found] = await cases.listed(accepted, True)
    assert await pool.fetchval(said) == f"result of a revocation {found.id}"


@pytest.mark.rule("T11-6")
@pytest.mark.parametrize("issuer", ["signs", "is silent"])
async def test_a_case_whose_crl_does_not_come_holds_up_no_other(
    accepted: Conn, pool: Pool, monkeypatch: pytest.MonkeyPatch, issuer: str
) -> None:
    monkeypatch.setattr(revocations, "CASES_AT_ONCE", 1)
    first, second = [await issue(pool, "acme", n, NOW) for n in (1, 2)]
    for serial in (first, second):
        await acme_revokes(pool, serial, ACCOUNT[0], f"account:{serial.hex()}", None)
    await swept(accepted, NOW)
    await pool.execute(
        "UPDATE ca.revocations SET published_at = $1 WHERE serial = ANY ($2)", NOW,
        [first, second] if issuer == "signs" else [second],
    )  # fmt: skip
    for _ in range(2):
        await revocations.settle(accepted, NOW)
    assert (len(await told(pool)), len(await waiting(accepted, NOW))) == ((2, 0) if issuer == "signs" else (1, 1))


@pytest.mark.rule("T11-4", "T11-6")
async def test_a_cancellation_waits_for_no_case_that_people_decided(
    accepted: Conn, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """People execute what people decided; the office begins with what the end of a contract decided."""
    monkeypatch.setattr(revocations, "CASES_AT_ONCE", 1)
    serial = await issue(pool, "acme", 1, NOW)
    by_people = await decided(accepted, await opened(accepted, "names_holder", Scope(serials=[serial])))
    acme = await accepted.fetchval("SELECT id FROM gate.contracts")
    ended = await revocations.on_end(accepted, acme, "cancelled", NOW + SECOND)
    await revocations.go_on(accepted, NOW + SECOND)
    assert [(await case_of(accepted, each)).state for each in (by_people, ended)] == ["decided", "executing"]


@pytest.mark.rule("T11-8", "T11-6")
async def test_a_compromise_told_after_the_revocation_has_a_result_of_its_own(accepted: Conn, pool: Pool) -> None:
    serial = await issue(pool, "acme", 1, NOW)
    await acme_revokes(pool, serial, *ACCOUNT)
    await publish(pool, NOW)
    await swept(accepted, NOW)
    async with pool.acquire() as conn:
        await ca.upgrade_reason_to_key_compromise(conn, serial, requested_by="account:1", now=NOW + DAY)
    await swept(accepted, NOW + DAY)
    [task] = await waiting(accepted, NOW + DAY)
    assert (task.since, task.deadline_at) == (NOW + DAY, day_start(date(2026, 11, 25)))
    await publish(pool, NOW + DAY)
    await swept(accepted, NOW + DAY)
    assert (await waiting(accepted, NOW + DAY), len(await told(pool))) == ([], 2)
