"""Problem reports: taken, answered within a day, leading to a case whose clock they started."""

from datetime import datetime, timedelta

import pytest

from office.storage.reports import NewReport, Report
from office.use_cases import case_decisions, contracts, deliver, reports, revocations
from office.use_cases.asked import Unfit
from office.use_cases.mail import Posting
from sql import Conn, Pool
from tests.conftest import NOW
from tests.office.use_cases.issued import issue, notices, revoked
from tests.office.use_cases.test_duties import second_customer

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


@pytest.mark.std("C-162")
@pytest.mark.parametrize(
    ("name", "addressee"), [("A. Reader", "A. Reader 様"), ("例示 株式会社", "例示 株式会社 御中")]
)
async def test_the_reporter_reads_the_answer_in_both_languages_under_their_name(
    accepted: Conn, pool: Pool, office: Pool, posting: Posting, name: str, addressee: str
) -> None:
    report = await taken(accepted, await issue(pool, "acme", 1, NOW), reporter=name)
    await reports.answer(accepted, str(report.id), "we look into it", "bob", NOW)
    await deliver.address_notices(office, NOW, posting=posting)
    [found] = await pool.fetch("SELECT address, subject, body FROM office.deliveries WHERE recipient = 'reporter'")
    assert (found["address"], found["subject"]) == (
        "reader@example.org", "問題報告の受付と速報 / Your certificate problem report",
    )  # fmt: skip
    assert found["body"].startswith(f"{addressee}\n")
    for told in (f"\nTo {name}\n", "現時点の調査結果: we look into it\n", "Findings so far: we look into it\n"):
        assert told in found["body"]


@pytest.mark.std("C-162", "C-159")
@pytest.mark.rule("T11-9")
async def test_the_clock_of_the_case_counts_from_the_report(accepted: Conn, pool: Pool) -> None:
    received = NOW - timedelta(hours=20)
    report = await taken(accepted, await issue(pool, "acme", 1, NOW), received)
    found = await reports.lead(accepted, str(report.id), "conduct", "ann", NOW)
    assert (found.case.contract, found.deadline_at) == ("acme", received + 5 * DAY)
    assert (await reports.named(accepted, str(report.id))).case_ids == [found.case.id]
    assert await revoked(pool) == {}
    with pytest.raises(Unfit, match="before"):
        await reports.lead(accepted, str(report.id), "conduct", "ann", NOW)


@pytest.mark.std("C-162")
@pytest.mark.rule("T12-3", "T11-9")
async def test_a_report_about_several_contracts_leads_to_a_case_of_each(accepted: Conn, pool: Pool) -> None:
    """A ground that ends contracts ends the one that the case names, and no other that the report named too."""
    await second_customer(accepted, NOW)
    serials = [await issue(pool, "acme", 1, NOW), await issue(pool, "nova", 2, NOW)]
    new = NewReport("a reader", "reader@example.org", "phishing", serials, NOW - DAY)
    report = str((await reports.take(accepted, new, "ann", NOW)).id)
    for contract, key, why in (
        (None, None, "name one of (acme, nova|nova, acme)"),
        ("nobody", None, "no contract"),
        ("acme", b"1" * 32, "no key"),
    ):
        with pytest.raises(Unfit, match=why):
            await reports.lead(accepted, report, "breach", "ann", NOW, key, contract)
    with pytest.raises(Unfit, match="ends no contract"):
        await reports.lead(accepted, report, "misissued", "ann", NOW, None, "acme")
    made = [await reports.lead(accepted, report, "breach", "ann", NOW, None, each) for each in ("acme", "nova")]
    assert [(each.case.contract, each.case.known[0].at) for each in made] == [("acme", NOW - DAY), ("nova", NOW - DAY)]
    await case_decisions.decide(accepted, str(made[1].case.id), "ann", "bob", "phishing", NOW)
    assert [(await contracts.shown(accepted, each)).state for each in ("acme", "nova")] == ["accepted", "ended"]
    led = await reports.lead(accepted, report, "misissued", "ann", NOW)
    found = [*(each.case.id for each in made), led.case.id]
    assert sorted((await reports.named(accepted, report)).case_ids) == sorted(found)


async def test_a_case_is_of_a_contract_that_the_report_names(accepted: Conn, pool: Pool) -> None:
    await second_customer(accepted, NOW)
    report = await taken(accepted, await issue(pool, "acme", 1, NOW))
    with pytest.raises(Unfit, match="no certificate of the report is of contract 'nova'"):
        await reports.lead(accepted, str(report.id), "breach", "ann", NOW, None, "nova")


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
