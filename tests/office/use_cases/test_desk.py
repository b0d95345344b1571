"""The officers' queue: everything that waits, ordered by deadline; whose it is, and who stands in."""

import asyncio
from datetime import date, datetime, timedelta

import asyncpg
import click
import pytest

from acme_server.commands import GROUPS
from acme_server.dev.postgres import EmbeddedPostgres
from contract_gate.calendar import jst_date
from office.storage.desk import Place
from office.storage.reports import NewReport
from office.use_cases import (
    acceptance,
    application,
    cases,
    changes,
    contracts,
    desk,
    holds,
    leavers,
    register,
    reports,
    screening,
)
from office.use_cases.asked import Unfit
from office.use_cases.cases import Opening
from office.use_cases.desk import Shown
from office.use_cases.notify import notify
from sql import Conn, Pool
from tests.conftest import NOW
from tests.office.use_cases.issued import issue

DAY, TODAY = timedelta(days=1), jst_date(NOW)


async def queue(conn: Conn, person: str | None = None, now: datetime = NOW, **more: bool) -> list[Shown]:
    return await desk.queue(conn, person, more.get("snoozed", False), None, 100, now)


async def kinds(conn: Conn, person: str | None = None, now: datetime = NOW, **more: bool) -> list[str]:
    return [task.kind for task in await queue(conn, person, now, **more)]


async def reported(conn: Conn, pool: Pool, received_at: datetime) -> str:
    new = NewReport("R", "r@example.org", "spam", [await issue(pool, "acme", 1, NOW)], received_at)
    return str((await reports.take(conn, new, "ann", NOW)).id)


async def dead_job(pool: Pool) -> str:
    made: object = await pool.fetchval(
        "INSERT INTO acme.jobs (id, kind, subject, max_attempts, dead, run_at) "
        "VALUES (gen_random_uuid(), 'crl', '2/0', 1, true, $1) RETURNING id", NOW - timedelta(hours=2),
    )  # fmt: skip
    return str(made)


async def said(pool: Pool, kind: str) -> int:
    found: int = await pool.fetchval("SELECT count(*) FROM evidence.records WHERE kind = $1", kind)
    return found


@pytest.mark.std("C-162", "C-157")
@pytest.mark.rule("T11-9")
async def test_what_waits_is_one_queue_by_deadline(accepted: Conn, pool: Pool) -> None:
    report = await reported(accepted, pool, NOW - timedelta(hours=20))
    scope = await cases.scope_of(accepted, None, None, b"k" * 32, [])
    opening = Opening("compromise", scope, "reader", "a key was found", NOW - timedelta(hours=10), "report")
    await cases.open_case(accepted, opening, NOW)
    await dead_job(pool)
    await contracts.create(accepted, "next", "kaisha", "small", NOW)
    await screening.add(accepted, "next", "payer", "レイ", NOW)
    found = [(t.kind, t.deadline_at, t.binding) for t in await queue(accepted)]
    assert found == [
        ("dead_job", NOW - timedelta(hours=1), False),
        ("report_answer", NOW + timedelta(hours=4), True),
        ("revocation_decide", NOW + timedelta(hours=14), True),
        ("screening", NOW + 2 * DAY, False),
        ("application", NOW + 5 * DAY, False),
    ]
    await reports.answer(accepted, report, "we look into it", "ann", NOW)
    assert "report_answer" not in await kinds(accepted)
    assert (await kinds(accepted))[:2] == ["dead_job", "revocation_decide"]


async def test_pages_go_on_where_they_ended(accepted: Conn, pool: Pool) -> None:
    for handle in ("one", "two", "three"):
        await contracts.create(accepted, handle, "kaisha", "small", NOW)
    whole = await queue(accepted)
    found, page = [], await desk.queue(accepted, None, False, None, 2, NOW)
    while page:
        found += page
        place = Place(page[-1].deadline_at, page[-1].kind, page[-1].subject)
        page = await desk.queue(accepted, None, False, place, 2, NOW)
    assert found == whole
    assert [task.kind for task in whole].count("application") == 3


@pytest.mark.rule("T11-2")
async def test_a_change_of_what_certificates_say_binds_the_ca_for_five_days(accepted: Conn) -> None:
    await changes.report(accepted, "acme", "address", True, NOW)
    await changes.report(accepted, "acme", "other", False, NOW)
    found = {(t.deadline_at, t.binding) for t in await queue(accepted) if t.kind == "information_change"}
    assert found == {(NOW + 5 * DAY, True), (NOW + 30 * DAY, False)}


async def test_every_kind_that_may_wait_has_a_command_that_ends_it(pool: Pool) -> None:
    text = await pool.fetchval("SELECT pg_get_viewdef('office.waiting'::regclass)")
    assert all(f"'{kind}'" in text for kind in desk.ENDED_BY)
    commands = {f"keiyaku {group.name} {name}" for group in GROUPS if isinstance(group, click.Group)
                for name in group.commands}  # fmt: skip
    assert {each for each in desk.ENDED_BY.values() if each.startswith("keiyaku")} <= commands


@pytest.mark.rule("T13-3")
async def test_holds_are_on_no_desk(accepted: Conn) -> None:
    await holds.set_hold(accepted, "acme", "antisocial", "reported", None, "SECRET", "ann", NOW)
    assert await queue(accepted) == []


async def to_deliver(conn: Conn, pool: Pool, channel: str) -> str:
    """A letter that waits for a person."""
    notice = await notify(conn, "contact_stale", NOW, customer_id=await a_customer(pool), since="2026-11-01")
    await pool.execute(
        "INSERT INTO office.deliveries (id, notice_id, recipient, channel, state, address, language, subject, body, "
        "body_sha256, message_id, next_at) VALUES "
        "($1, $1, 'customer', $4, 'person', '', 'ja', 's', 'b', $2, 'm', $3)",
        notice, bytes(32), NOW, channel,
    )  # fmt: skip
    return str(notice)


async def test_a_letter_that_a_person_must_post_waits(accepted: Conn, pool: Pool) -> None:
    letter = await to_deliver(accepted, pool, "paper")
    [task] = await queue(accepted)
    assert (task.kind, task.deadline_at, task.ended_by) == ("letter", NOW + DAY, "keiyaku notice posted")
    with pytest.raises(Unfit, match="when its work is"):
        await desk.done(accepted, "letter", letter, "told by phone", "ann", NOW)


@pytest.mark.rule("T5-1")
async def test_who_has_no_address_may_be_told_otherwise(accepted: Conn, pool: Pool) -> None:
    """A reminder travels by e-mail alone: of a customer without one its task could only be tried again, for years."""
    mail = await to_deliver(accepted, pool, "email")
    [task] = await queue(accepted)
    assert (task.kind, task.ended_by) == ("delivery", "keiyaku notice retry (or told otherwise: keiyaku desk done)")
    await desk.done(accepted, "delivery", mail, "told by phone", "ann", NOW)
    assert (await queue(accepted), await said(pool, "desk.done")) == ([], 1)


async def a_customer(pool: Pool) -> object:
    return await pool.fetchval("SELECT id FROM gate.customers")


async def test_a_task_of_who_is_away_is_their_deputys(accepted: Conn, pool: Pool) -> None:
    job = await dead_job(pool)
    await desk.assign(accepted, "dead_job", job, "ann", "bob", NOW)
    assert (await kinds(accepted, "ann"), await kinds(accepted, "bob")) == (["dead_job"], [])
    await desk.away(accepted, "ann", "bob", TODAY, TODAY + 2 * DAY, "ann", NOW)
    assert (await kinds(accepted, "ann"), await kinds(accepted, "bob")) == ([], ["dead_job"])
    [task] = await queue(accepted)
    assert (task.owner, task.acting, await said(pool, "desk.handed_over")) == ("ann", "bob", 1)
    assert await kinds(accepted, "ann", NOW + 3 * DAY) == ["dead_job"]
    assert await desk.hand_over(accepted, NOW + 3 * DAY) == 1
    assert await desk.hand_over(accepted, NOW + 3 * DAY) == 0


async def test_who_comes_back_early_has_their_tasks_again(accepted: Conn, pool: Pool) -> None:
    job = await dead_job(pool)
    await desk.assign(accepted, "dead_job", job, "ann", "bob", NOW)
    with pytest.raises(Unfit, match="not away"):
        await desk.back(accepted, "ann", "ann", NOW)
    await desk.away(accepted, "ann", "bob", TODAY, TODAY + 9 * DAY, "ann", NOW)
    assert [each.deputy for each in await desk.absences(accepted, NOW)] == ["bob"]
    await desk.back(accepted, "ann", "ann", NOW + DAY)
    assert (await kinds(accepted, "ann", NOW + DAY), await said(pool, "desk.handed_over")) == (["dead_job"], 2)


async def test_deputies_have_deputies_and_two_who_stand_in_for_each_other_do_nothing(
    accepted: Conn, pool: Pool
) -> None:
    await register.add_person(accepted, "eve", "Eve", "CA", NOW)
    job = await dead_job(pool)
    await desk.assign(accepted, "dead_job", job, "ann", "bob", NOW)
    await desk.away(accepted, "ann", "bob", TODAY, TODAY + DAY, "ann", NOW)
    await desk.away(accepted, "bob", "eve", TODAY, TODAY, "ann", NOW)
    assert await kinds(accepted, "eve") == ["dead_job"]
    await desk.away(accepted, "bob", "ann", TODAY, TODAY, "ann", NOW + timedelta(seconds=1))
    [task] = await queue(accepted)
    assert (task.owner, task.acting) == ("ann", None)
    with pytest.raises(Unfit, match="ends today or later"):
        await desk.away(accepted, "eve", "ann", TODAY, TODAY - DAY, "ann", NOW)


@pytest.mark.std("C-176")
async def test_a_task_of_who_left_is_nobodys(accepted: Conn, pool: Pool) -> None:
    job = await dead_job(pool)
    await desk.assign(accepted, "dead_job", job, "ann", "bob", NOW)
    await leavers.leave(accepted, "ann", NOW, "bob", NOW)
    task = next(each for each in await queue(accepted) if each.kind == "dead_job")
    assert (task.owner, task.acting) == ("ann", None)


@pytest.mark.std("C-162")
async def test_only_what_does_not_bind_the_ca_is_put_off(accepted: Conn, pool: Pool) -> None:
    report = await reported(accepted, pool, NOW)
    with pytest.raises(Unfit, match="keiyaku report answer"):
        await desk.snooze(accepted, "report_answer", report, NOW + DAY, "later", "ann", NOW)
    job = await dead_job(pool)
    with pytest.raises(Unfit, match="14 days"):
        await desk.snooze(accepted, "dead_job", job, NOW + 15 * DAY, "later", "ann", NOW)
    await desk.snooze(accepted, "dead_job", job, NOW + DAY, "later", "ann", NOW)
    assert (await kinds(accepted), await kinds(accepted, snoozed=True)) == (
        ["report_answer"], ["dead_job", "report_answer"],
    )  # fmt: skip
    assert "dead_job" in await kinds(accepted, now=NOW + DAY)


@pytest.mark.std("C-162")
async def test_only_what_no_command_ends_is_done_by_saying_so(accepted: Conn, pool: Pool) -> None:
    report, job = await reported(accepted, pool, NOW), await dead_job(pool)
    with pytest.raises(Unfit, match="when its work is"):
        await desk.done(accepted, "report_answer", report, "answered by phone", "ann", NOW)
    await desk.done(accepted, "dead_job", job, "the shard was made again", "ann", NOW)
    assert (await kinds(accepted), await said(pool, "desk.done")) == (["report_answer"], 1)
    with pytest.raises(Unfit, match="keiyaku desk"):
        await desk.done(accepted, "dead_job", "nothing", "-", "ann", NOW)


async def test_a_task_is_done_once(accepted: Conn, pool: Pool, postgres: EmbeddedPostgres, database: str) -> None:
    job = await dead_job(pool)
    other = await asyncpg.connect(postgres.dsn("keiyaku_operator", database))
    both = [desk.done(conn, "dead_job", job, "made again", "ann", NOW) for conn in (accepted, other)]
    answers = await asyncio.gather(*both, return_exceptions=True)
    await other.close()
    assert [isinstance(each, Unfit) for each in answers if each] == [True]
    with pytest.raises(Unfit, match="no task"):
        await desk.done(accepted, "dead_job", job, "made again", "ann", NOW)
    with pytest.raises(Unfit, match="no task"):
        await desk.assign(accepted, "dead_job", job, "ann", "bob", NOW)
    assert await said(pool, "desk.done") == 1
    await pool.execute("UPDATE acme.jobs SET run_at = $1", NOW + timedelta(minutes=1))  # it died again
    await desk.done(accepted, "dead_job", job, "and again", "ann", NOW + DAY)
    assert await said(pool, "desk.done") == 2


async def test_handing_over_is_a_job_of_the_office(
    accepted: Conn, pool: Pool, postgres: EmbeddedPostgres, database: str
) -> None:
    await desk.assign(accepted, "dead_job", await dead_job(pool), "ann", "bob", NOW)
    await desk.away(accepted, "ann", "bob", TODAY + DAY, TODAY + DAY, "ann", NOW)
    one, two = [await asyncpg.connect(postgres.dsn("keiyaku_office", database)) for _ in range(2)]
    handed = await asyncio.gather(desk.hand_over(one, NOW + DAY), desk.hand_over(two, NOW + DAY))
    assert (sum(handed), await said(pool, "desk.handed_over")) == (1, 1)
    await one.close()
    await two.close()


@pytest.mark.rule("T4-4")
async def test_a_review_that_gets_old_is_on_the_desk(accepted: Conn, pool: Pool) -> None:
    await pool.execute("INSERT INTO office.revalidations SELECT id, $1, $2 FROM gate.contracts", date(2027, 2, 13), NOW)
    [task] = await queue(accepted)
    assert (task.kind, task.contract, task.binding) == ("revalidation", "acme", True)
    assert jst_date(task.deadline_at) == date(2027, 2, 13)
    for kind in application.REVIEWS:
        await application.review(accepted, "acme", application.Review(kind, "2", "r", TODAY, "positive"), "ann", NOW)
    assert await queue(accepted) == []


@pytest.mark.rule("T13-1")
@pytest.mark.parametrize("state", ["under_review", "withdrawn", "rejected"])
async def test_nobody_is_screened_for_an_application_that_came_to_nothing(
    reviewed: Conn, pool: Pool, state: str
) -> None:
    await application.state(reviewed, "acme", application.Stated("例 太郎", "ann"), NOW)
    assert "screening" in await kinds(reviewed)
    if state != "under_review":
        await pool.execute("UPDATE gate.contracts SET state = 'under_review'")
    if state == "rejected":
        await acceptance.reject(reviewed, "acme", "no_domain", "ann", "bob", NOW)
    await pool.execute("UPDATE gate.contracts SET state = $1", state)
    assert ("screening" in await kinds(reviewed)) is (state == "under_review")
