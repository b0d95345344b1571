"""Problem reports: taken, answered within a day, leading to a case whose clock they started."""

from datetime import datetime, timedelta

import pytest

from office.storage.reports import NewReport, Report
from office.use_cases import reports, revocations
from office.use_cases.asked import Unfit
from sql import Conn, Pool
from tests.conftest import NOW
from tests.office.use_cases.issued import issue, notices, revoked

DAY = timedelta(days=1)


async def taken(conn: Conn, serial: bytes, at: datetime = NOW, **changed: str) -> Report:
    given = {"reporter": "a reader", "email": "reader@example.org", "what": "phishing", **changed}
    return await reports.take(conn, NewReport(**given, serials=[serial], received_at=at), "ann", NOW)


@pytest.mark.std("C-161", "C-162")
@pytest.mark.rule("T24-1")
async def test_a_report_is_answered_to_its_reporter_and_to_the_subscriber(accepted: Conn, pool: Pool) -> None:
    serial = await issue(pool, "acme", 1, NOW)
    report = await taken(accepted, serial, NOW - timedelta(hours=3))
    [danger] = await revocations.dangers(accepted, NOW)
    assert (danger.kind, danger.deadline_at) == ("problem report", NOW - timedelta(hours=3) + DAY)
    with pytest.raises(Unfit, match="not answered"):
        await reports.close(accepted, str(report.id), "ann", NOW)
    answered = await reports.answer(accepted, str(report.id), "we look into it", "bob", NOW)
    assert answered.preliminary_at == NOW
    assert sorted(await notices(pool)) == ["problem_report_answer", "problem_report_preliminary"]
    assert await revocations.dangers(accepted, NOW) == []
    with pytest.raises(Unfit, match="before"):
        await reports.answer(accepted, str(report.id), "again", "bob", NOW)
    assert (await reports.close(accepted, str(report.id), "ann", NOW)).closed_at == NOW
    assert await reports.listed(accepted, False) == []


@pytest.mark.std("C-162", "C-159")
@pytest.mark.rule("T11-9")
async def test_the_clock_of_the_case_counts_from_the_report(accepted: Conn, pool: Pool) -> None:
    received = NOW - timedelta(hours=20)
    report = await taken(accepted, await issue(pool, "acme", 1, NOW), received)
    found = await reports.lead(accepted, str(report.id), "conduct", "ann", NOW)
    assert (found.case.contract, found.deadline_at) == ("acme", received + 5 * DAY)
    assert (await reports.named(accepted, str(report.id))).case_id == found.case.id
    assert await revoked(pool) == {}
    with pytest.raises(Unfit, match="before"):
        await reports.lead(accepted, str(report.id), "misissued", "ann", NOW)


@pytest.mark.rule("T16-2")
async def test_a_case_names_the_report_and_repeats_nothing_of_it(accepted: Conn, pool: Pool) -> None:
    report = await taken(accepted, await issue(pool, "acme", 1, NOW), reporter="Hanako", what="she phished Taro")
    found = (await reports.lead(accepted, str(report.id), "misissued", "ann", NOW)).case
    assert str(report.id) in found.reporter
    said = await pool.fetchval("SELECT c::text FROM office.cases c")
    assert not [name for name in ("Hanako", "Taro", "reader@") if name in said]


@pytest.mark.parametrize(
    ("changed", "why"),
    [({"email": "nobody"}, "no e-mail"), ({"what": " "}, "one line"), ({"reporter": ""}, "one line")],
)
async def test_a_report_that_cannot_be_answered_is_refused(
    accepted: Conn, pool: Pool, changed: dict[str, str], why: str
) -> None:
    serial = await issue(pool, "acme", 1, NOW)
    with pytest.raises(Unfit, match=why):
        await taken(accepted, serial, NOW, **changed)
    with pytest.raises(Unfit, match="issued no certificate"):
        await taken(accepted, b"\1" * 16)
    with pytest.raises(Unfit, match="after now"):
        await taken(accepted, serial, NOW + DAY)
    assert (await taken(accepted, serial)).what == "phishing"
