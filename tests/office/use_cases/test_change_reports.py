"""Changes that customers report (Article 6), and what they do to certificates (A14)."""

import asyncio
from datetime import date, datetime, timedelta

import pytest

from ca.profiles import TLSSERVER
from contract_gate.calendar import JST, jst_date
from contract_gate.storage import facts_of_contract, lock_exclusive
from office.storage.contracts import Subject
from office.use_cases import (
    acceptance,
    application,
    change_reports,
    changes,
    contracts,
    desk,
    documents,
    ending,
    keys,
    renewal,
)
from office.use_cases.asked import Unfit
from office.use_cases.change_reports import Reported
from office.use_cases.explain import explain
from sql import Conn, Pool
from tests.conftest import NOW
from tests.office.conftest import ACCESS, stated, told
from tests.office.use_cases.issued import issue, notices

KEY = bytes(32)
TODAY = jst_date(NOW)


async def proof(conn: Conn, at: datetime) -> str:
    """A document that arrived then."""
    return str(await documents.keep(conn, "acme", "registry", jst_date(at), b"proof", "ann", KEY, at))


async def blocked(conn: Conn, now: datetime, handle: str = "acme") -> bool:
    contract = await conn.fetchval("SELECT id FROM gate.contracts WHERE handle = $1", handle)
    loaded = await facts_of_contract(conn, contract, [], now, None)
    return bool(loaded and loaded.facts.changes)


@pytest.mark.rule("T6-1", "T6-2")
async def test_a_change_counts_from_the_latest_of_three_instants(accepted: Conn) -> None:
    arrived, at = NOW + timedelta(days=1), NOW + timedelta(days=4)
    new = Reported("address", await proof(accepted, arrived))
    report = await change_reports.report(accepted, "acme", new, "ann", at)
    assert (report.arrived_at, report.handling) == (arrived, "register")
    with pytest.raises(Unfit, match="not confirmed yet"):
        await change_reports.finish(accepted, str(report.id), "ann", None, None, at)
    await change_reports.confirm(accepted, str(report.id), "corporate-number register", "bob", at)
    done = at + timedelta(days=1)
    buyer = "SELECT name FROM gate.customers WHERE handle = 'kaisha'"
    assert await accepted.fetchval(buyer) == "株式会社 例"  # an invoice made now keeps the old name
    await change_reports.finish(accepted, str(report.id), "bob", "株式会社 新", None, done)
    assert await accepted.fetchval(buyer) == "株式会社 新"
    given = await accepted.fetchval("SELECT given->>'effective_at' FROM office.notices WHERE kind = 'change_confirmed'")
    assert given == f"{done.astimezone(JST):%Y-%m-%d %H:%M} JST"
    with pytest.raises(Unfit, match="was done before"):
        await change_reports.finish(accepted, str(report.id), "bob", None, None, done)


@pytest.mark.rule("T6-4", "T14-1", "T11-2")
async def test_what_certificates_show_blocks_and_starts_five_days(accepted: Conn, pool: Pool) -> None:
    await issue(pool, "acme", 1, NOW)
    arrived = NOW + timedelta(hours=1)
    new = Reported("name", await proof(accepted, arrived), organization="Nova K.K.")
    report = await change_reports.report(accepted, "acme", new, "ann", arrived + timedelta(hours=2))
    assert report.handling == "new_contract"
    assert await blocked(accepted, arrived + timedelta(hours=2))
    case = await accepted.fetchrow("SELECT ground, deadline_at FROM office.cases")
    assert case is not None
    assert tuple(case) == ("change_learned", arrived + timedelta(days=5))
    assert "change_needs_contract" in await notices(accepted)
    await change_reports.confirm(accepted, str(report.id), "registry", "bob", arrived + timedelta(hours=3))
    with pytest.raises(Unfit, match="takes a new contract"):
        await change_reports.finish(accepted, str(report.id), "bob", None, None, arrived + timedelta(hours=3))


@pytest.mark.rule("T6-4")
@pytest.mark.parametrize(
    ("new", "block"),
    [
        pytest.param(Reported("representative", ""), False, id="representative only"),
        pytest.param(Reported("address", "", state_or_province="Tokyo"), False, id="another street"),
        pytest.param(Reported("address", "", state_or_province="Osaka"), True, id="the next certificate would show it"),
    ],
)
async def test_what_the_next_certificate_would_show_blocks_alone(accepted: Conn, new: Reported, block: bool) -> None:
    document = await proof(accepted, NOW)
    shown = Reported(new.item, document, new.organization, new.state_or_province, new.locality, new.succeeded_on)
    await change_reports.report(accepted, "acme", shown, "ann", NOW)
    assert await blocked(accepted, NOW) is block
    assert await accepted.fetchval("SELECT count(*) FROM office.cases") == 0  # no certificate lives


async def another(conn: Conn, handle: str, organization: str) -> None:
    """One more contract of the same customer is accepted, whose certificates say that organisation."""
    await contracts.create(conn, handle, "kaisha", "small", NOW)
    await application.add_name(conn, handle, f"{handle}.example.jp", None, NOW)
    await accept(conn, handle, organization, NOW)


async def accept(conn: Conn, handle: str, organization: str, now: datetime) -> None:
    """The contract that was applied for is reviewed with that organisation, and accepted."""
    await application.consent(conn, handle, "1", "1", "ann", "web", now, now)
    await application.subject(conn, handle, Subject(organization, "JP", "Tokyo", None), "ann", now)
    for kind in application.REVIEWS:
        item = application.Review(kind, "1", "register", TODAY, "positive")
        await application.review(conn, handle, item, "ann", now)
    await stated(conn, handle)
    await acceptance.accept(conn, handle, "ann", "bob", ACCESS, now)
    await told(conn)


@pytest.mark.rule("T6-4", "T14-1", "T11-2")
async def test_what_other_contracts_of_the_customer_say_just_so_is_reported_of_them_too(
    accepted: Conn, pool: Pool
) -> None:
    await another(accepted, "same", "Rei K.K.")
    await another(accepted, "branch", "Rei K.K. Osaka Branch")
    await issue(pool, "same", 1, NOW)
    new = Reported("name", await proof(accepted, NOW), organization="Nova K.K.")
    made = await change_reports.report(accepted, "acme", new, "ann", NOW)
    assert made.contract == "acme"
    assert [await blocked(accepted, NOW, handle) for handle in ("acme", "same", "branch")] == [True, True, False]
    cases = await accepted.fetch("SELECT c.handle FROM office.cases k JOIN gate.contracts c ON c.id = k.contract_id")
    assert [row["handle"] for row in cases] == ["same"]  # the one with a live certificate: its five days run

    (other,) = await change_reports.listed(accepted, "same")
    await change_reports.confirm(accepted, str(other.id), "registry", "bob", NOW)
    with pytest.raises(Unfit, match="would still show what changed"):
        await changes.resolve(accepted, str(other.block_id), "bob", NOW)
    assert await change_reports.listed(accepted, "branch") == []


@pytest.mark.rule("T6-4")
@pytest.mark.parametrize("applied_for", ["before", "meanwhile"])
async def test_a_contract_accepted_while_the_report_waits_is_reported_of_too(
    accepted: Conn, pool: Pool, applied_for: str
) -> None:
    new = Reported("name", await proof(accepted, NOW), organization="Nova K.K.")
    if applied_for == "before":
        await contracts.create(accepted, "same", "kaisha", "small", NOW)
    async with pool.acquire() as reporting, pool.acquire() as holder:
        async with holder.transaction():
            await lock_exclusive(holder, (await contracts.shown(accepted, "acme")).number)
            report = asyncio.create_task(change_reports.report(reporting, "acme", new, "ann", NOW))
            while not await pool.fetchval("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)"):
                assert not report.done()
            if applied_for == "meanwhile":
                await contracts.create(accepted, "same", "kaisha", "small", NOW)
            await application.add_name(accepted, "same", "same.example.jp", None, NOW)
            await accept(accepted, "same", "Rei K.K.", NOW)
        await report
    assert [await blocked(accepted, NOW, handle) for handle in ("acme", "same")] == [True, True]


@pytest.mark.rule("T6-4")
@pytest.mark.parametrize("applied_for", ["before", "meanwhile"])
async def test_no_other_contract_of_the_customer_is_accepted_while_a_report_is_recorded(
    accepted: Conn, pool: Pool, applied_for: str
) -> None:
    """Whoever accepts holds that contract; the report waits for them too."""
    new = Reported("name", await proof(accepted, NOW), organization="Nova K.K.")
    if applied_for == "before":
        await contracts.create(accepted, "same", "kaisha", "small", NOW)
    waits = "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)"
    async with pool.acquire() as reporting, pool.acquire() as first, pool.acquire() as second:
        accepting = second.transaction()
        async with first.transaction():
            await lock_exclusive(first, (await contracts.shown(accepted, "acme")).number)
            report = asyncio.create_task(change_reports.report(reporting, "acme", new, "ann", NOW))
            while not await pool.fetchval(waits):
                assert not report.done()
            if applied_for == "meanwhile":
                await contracts.create(accepted, "same", "kaisha", "small", NOW)
            await accepting.start()
            await lock_exclusive(second, (await contracts.shown(accepted, "same")).number)
        while not report.done() and not await pool.fetchval(waits):
            pass
        assert not report.done()
        await accepting.rollback()
        await report


@pytest.mark.rule("T6-4")
async def test_a_new_representative_is_reported_of_no_other_contract(accepted: Conn) -> None:
    await another(accepted, "same", "Rei K.K.")
    new = Reported("representative", await proof(accepted, NOW))
    await change_reports.report(accepted, "acme", new, "ann", NOW)
    assert await change_reports.listed(accepted, "same") == []


@pytest.mark.rule("T6-4", "T13-1")
async def test_a_new_representative_is_registered_and_screened(accepted: Conn) -> None:
    report = await change_reports.report(
        accepted, "acme", Reported("representative", await proof(accepted, NOW)), "ann", NOW
    )
    await change_reports.confirm(accepted, str(report.id), "registry", "bob", NOW)
    await change_reports.finish(accepted, str(report.id), "bob", None, "例 花子", NOW)
    assert await accepted.fetchval("SELECT representative FROM office.applications") == "例 花子"
    pending = "SELECT role, subject FROM office.screenings WHERE verdict = 'pending'"
    assert [tuple(row) for row in await accepted.fetch(pending)] == [("representative", "例 花子")]


@pytest.mark.rule("T6-3")
@pytest.mark.parametrize(("days", "breach"), [(30, False), (31, True)])
async def test_a_succession_reported_late_is_a_breach_and_ends_nothing(accepted: Conn, days: int, breach: bool) -> None:
    new = Reported("succession", await proof(accepted, NOW), succeeded_on=TODAY - timedelta(days=days))
    report = await change_reports.report(accepted, "acme", new, "ann", NOW)
    assert (report.late_case_id is not None) is breach
    cases = [tuple(row) for row in await accepted.fetch("SELECT ground, deadline_at, state FROM office.cases")]
    assert cases == ([("breach", None, "open")] if breach else [])
    assert await accepted.fetchval("SELECT state FROM gate.contracts WHERE handle = 'acme'") == "accepted"


@pytest.mark.rule("T6-1")
async def test_a_report_without_its_proof_is_refused(accepted: Conn) -> None:
    good = await proof(accepted, NOW)
    for new, said in (
        (Reported("address", "00000000-0000-0000-0000-000000000000"), "is none of 'acme'"),
        (Reported("address", "x"), "the id of no document"),
        (Reported("succession", good), "legal effective date"),
        (Reported("address", good, succeeded_on=date(2026, 1, 1)), "legal effective date"),
        (Reported("representative", good, organization="X"), "changes nothing"),
        (Reported("name", good), "says the name"),
    ):
        with pytest.raises(Unfit, match=said):
            await change_reports.report(accepted, "acme", new, "ann", NOW)
    assert await change_reports.listed(accepted, "acme") == []


async def follow(conn: Conn, now: datetime) -> None:
    """The contract `acme-2` under the new name is applied for, reviewed and accepted."""
    await renewal.apply(conn, "acme-2", "acme", None, "change", now)
    await accept(conn, "acme-2", "Nova K.K.", now)


@pytest.mark.rule("T14-1", "T12-7", "T6-4")
async def test_a_new_name_takes_a_new_contract_which_the_old_key_serves(accepted: Conn, pool: Pool) -> None:
    await issue(pool, "acme", 1, NOW)
    key = (await keys.new_key(accepted, "acme", "www", [], None, None, NOW)).kid
    new = Reported("name", await proof(accepted, NOW), organization="Nova K.K.")
    report = str((await change_reports.report(accepted, "acme", new, "ann", NOW)).id)
    await change_reports.confirm(accepted, report, "registry", "bob", NOW)
    assert (await explain(accepted, "acme", key, ["a.example.jp"], NOW, TLSSERVER)).gate == "G8"
    await follow(accepted, NOW)
    assert (await explain(accepted, "acme-2", key, ["a.example.jp"], NOW, TLSSERVER)).outcome == "admitted"
    assert await blocked(accepted, NOW)  # nothing with the old name is ever issued again
    done = await change_reports.finish(accepted, report, "bob", "株式会社 ノヴァ", None, NOW + timedelta(hours=1))
    assert done.done_at == NOW + timedelta(hours=1)
    fees = await pool.fetch("SELECT fee_yen, state FROM gate.contracts ORDER BY number")
    assert [tuple(row) for row in fees] == [(55_000, "accepted")] * 2  # full fee, the old one stays owed
    with pytest.raises(Unfit, match="takes the new contract"):
        await changes.resolve(accepted, str(done.block_id), "bob", NOW + timedelta(hours=2))
    assert await blocked(accepted, NOW + timedelta(hours=2))
    assert (await explain(accepted, "acme-2", key, ["a.example.jp"], NOW, TLSSERVER)).outcome == "admitted"
    assert "information_change" in await waiting(accepted)
    await ending.cancel(accepted, "acme", "ann", NOW + timedelta(hours=3))
    assert "information_change" not in await waiting(accepted)


async def waiting(conn: Conn) -> set[str]:
    """Kinds of what the desk has to do for the contract `acme`."""
    return {task.kind for task in await desk.queue(conn, None, False, None, 100, NOW) if task.contract == "acme"}


@pytest.mark.rule("T6-4", "T14-1")
@pytest.mark.parametrize("confirmed", [False, True])
async def test_a_block_closes_only_where_certificates_say_what_was_confirmed(accepted: Conn, confirmed: bool) -> None:
    new = Reported("name", await proof(accepted, NOW), organization="Nova K.K.")
    report = await change_reports.report(accepted, "acme", new, "ann", NOW)
    if confirmed:
        await change_reports.confirm(accepted, str(report.id), "registry", "bob", NOW)
        with pytest.raises(Unfit, match="would still show what changed"):
            await changes.resolve(accepted, str(report.block_id), "bob", NOW)
        assert await blocked(accepted, NOW)
        later = NOW + timedelta(hours=1)
        await application.subject(accepted, "acme", Subject("Nova K.K.", "JP", "Tokyo", None), "ann", later)
    await changes.resolve(accepted, str(report.block_id), "bob", NOW + timedelta(hours=2))
    assert not await blocked(accepted, NOW + timedelta(hours=2))
