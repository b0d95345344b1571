"""Application, documents, review, acceptance, rejection, screening and end, with the database's own promises."""

import asyncio
import os
from datetime import date, timedelta

import asyncpg
import pytest

from acme_server.dev.postgres import EmbeddedPostgres
from office.storage import revocations
from office.storage.revocations import Scope
from office.use_cases import (
    acceptance,
    application,
    cases,
    contracts,
    documents,
    ending,
    holds,
    keys,
    plans,
    register,
    renewal,
    review,
    screening,
    seal,
    timers,
)
from office.use_cases.asked import Unfit
from sql import Conn, Pool
from tests.conftest import NOW
from tests.office.conftest import ACCESS, stated
from tests.office.use_cases.issued import issue

KEY = os.urandom(32)
TODAY = NOW.date()


@pytest.fixture
async def years_ahead(postgres: EmbeddedPostgres, database: str) -> None:
    """Partitions for what the tests do at later instants."""
    owner = await asyncpg.connect(postgres.dsn(database=database))
    for months in (0, 9):
        await owner.execute("SELECT keiyaku.ensure_partitions($1, 9)", NOW + timedelta(days=31 * months))
    await owner.execute("SELECT keiyaku.ensure_partitions($1, 1)", NOW + timedelta(days=730))
    await owner.close()


async def kinds(conn: Conn) -> list[str]:
    """Kinds of the notices in the outbox."""
    return [row["kind"] for row in await conn.fetch("SELECT kind FROM office.notices ORDER BY queued_at, id")]


@pytest.mark.rule("T4-5", "T8-3")
async def test_acceptance_tells_the_customer_and_bills_nothing(applied: Conn) -> None:
    await acceptance.accept(applied, "acme", "ann", "bob", ACCESS, NOW)
    assert await kinds(applied) == ["contract_formed"]
    assert await applied.fetchval("SELECT count(*) FROM gate.invoices") == 0


@pytest.mark.rule("T12-1", "T12-2")
async def test_a_contract_is_active_from_its_first_certificate_on(accepted: Conn, pool: Pool) -> None:
    """As §0.3 names the states; whoever lists contracts, seals or what a case covers sees the same."""
    serial = await issue(pool, "acme", 1, NOW)
    await seal.request(accepted, "acme", "ann", NOW)
    for state in ("accepted", "active"):
        contract = await contracts.shown(accepted, "acme")
        [listed], [sealed] = await contracts.listed(accepted), await seal.listed(accepted, None)
        [covered] = (await cases.plan(accepted, "request", None, Scope(serials=[serial]), NOW, NOW)).covered
        assert {contract.state, listed.state, sealed.state, covered.state} == {state}
        await pool.execute(
            "INSERT INTO gate.contract_starts (contract_id, certificate_id, issued_at)"
            " SELECT id, id, $1 FROM gate.contracts ON CONFLICT DO NOTHING",
            NOW,
        )
    await ending.cancel(accepted, "acme", "ann", NOW)
    assert (await contracts.shown(accepted, "acme")).state == "ended"


@pytest.mark.rule("T4-5", "T4-7")
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE gate.contracts SET state = 'accepted', accepted_at = now(), accepted_by_first = $1, "
        "accepted_by_second = $1",
        "INSERT INTO office.rejections SELECT id, 'r', $1, $1, now() FROM gate.contracts",
    ],
)
async def test_the_database_itself_wants_two_people(applied: Conn, statement: str) -> None:
    ann = await applied.fetchval("SELECT id FROM gate.persons WHERE handle = 'ann'")
    with pytest.raises(asyncpg.CheckViolationError):
        await applied.execute(statement, ann)


@pytest.mark.rule("T12-3")
@pytest.mark.parametrize("state", ["applied", "under_review", "accepted", "withdrawn"])
async def test_ended_is_final_in_the_database(accepted: Conn, state: str) -> None:
    await ending.cancel(accepted, "acme", "ann", NOW)
    with pytest.raises(asyncpg.CheckViolationError, match="cannot go from ended"):
        await accepted.execute("UPDATE gate.contracts SET state = $1", state)


@pytest.mark.rule("T4-7")
async def test_a_rejection_destroys_the_documents_and_keeps_their_hashes(applied: Conn) -> None:
    issued_on = TODAY - timedelta(days=10)
    made = await documents.keep(applied, "acme", "registry", issued_on, b"secret", "ann", KEY, NOW)
    stored = await applied.fetchrow("SELECT sealed_key, sealed_content FROM office.documents")
    assert b"secret" not in stored["sealed_content"]
    assert await documents.opened(applied, str(made), "ann", KEY, NOW) == b"secret"
    with pytest.raises(Unfit, match="another key"):
        await documents.opened(applied, str(made), "ann", os.urandom(32), NOW)
    found = await acceptance.reject(applied, "acme", "address-unproven", "ann", "bob", NOW)
    assert found.state == "rejected"
    [left] = await documents.listed(applied, "acme")
    assert (left.destroyed_at, left.kind, len(left.sha256)) == (NOW, "registry", 32)
    with pytest.raises(Unfit, match="destroyed"):
        await documents.opened(applied, str(made), "ann", KEY, NOW)
    assert await kinds(applied) == ["contract_not_formed"]
    with pytest.raises(Unfit, match="not under review"):
        await acceptance.reject(applied, "acme", "again", "ann", "bob", NOW)


@pytest.mark.rule("T4-7")
@pytest.mark.usefixtures("years_ahead")
async def test_an_archive_duty_moves_the_destruction(applied: Conn) -> None:
    await applied.execute(
        "INSERT INTO gate.readings SELECT 'review.rejected_docs', $1, '730', a.id, b.id "
        "FROM gate.persons a, gate.persons b WHERE a.handle = 'ann' AND b.handle = 'bob'",
        NOW - timedelta(days=1),
    )
    await documents.keep(applied, "acme", "registry", TODAY, b"secret", "ann", KEY, NOW)
    await acceptance.withdraw(applied, "acme", "ann", NOW)
    at = NOW + timedelta(days=730)
    [left] = await documents.listed(applied, "acme")
    assert (left.destroy_at, left.destroyed_at) == (at, None)
    assert await documents.sweep(applied, at - timedelta(seconds=1)) == 0
    assert await documents.sweep(applied, at) == 1
    assert await documents.sweep(applied, at) == 0


@pytest.mark.rule("T4-3")
async def test_an_old_document_is_refused(applied: Conn) -> None:
    with pytest.raises(Unfit, match="not at most 3 months"):
        await documents.keep(applied, "acme", "registry", date(2026, 8, 22), b"x", "ann", KEY, NOW)
    await documents.keep(applied, "acme", "registry", date(2026, 8, 23), b"x", "ann", KEY, NOW)


async def test_the_review_waits_for_the_customer_and_goes_on(applied: Conn) -> None:
    await review.ask_customer(applied, "acme", "a registry certificate", "ann", NOW)
    with pytest.raises(Unfit, match="no application under review"):
        await acceptance.accept(applied, "acme", "ann", "bob", ACCESS, NOW)
    await review.resume(applied, "acme", "ann", NOW)
    assert (await acceptance.accept(applied, "acme", "ann", "bob", ACCESS, NOW)).state == "accepted"


async def test_accept_and_withdraw_at_once_leave_one_of_them(
    applied: Conn, postgres: EmbeddedPostgres, database: str
) -> None:
    other = await asyncpg.connect(postgres.dsn("keiyaku_operator", database))
    done = await asyncio.gather(
        acceptance.accept(applied, "acme", "ann", "bob", ACCESS, NOW),
        acceptance.withdraw(other, "acme", "ann", NOW),
        return_exceptions=True,
    )
    await other.close()
    assert sorted(isinstance(each, Unfit) for each in done) == [False, True]
    assert await kinds(applied) in (["contract_formed"], [])
    assert (await contracts.shown(applied, "acme")).state in ("accepted", "withdrawn")


async def test_a_kill_before_the_commit_leaves_an_application(applied: Conn) -> None:
    killed = applied.transaction()
    await killed.start()
    await acceptance.accept(applied, "acme", "ann", "bob", ACCESS, NOW)
    await killed.rollback()
    assert (await contracts.shown(applied, "acme")).state == "under_review"
    assert await kinds(applied) == []


@pytest.mark.rule("T4-2")
@pytest.mark.std("C-007")
async def test_keys_go_to_named_requesters_only(accepted: Conn) -> None:
    await application.withdraw_requester(accepted, "acme", "ann", "ann", NOW)
    with pytest.raises(Unfit, match="named by the customer"):
        await keys.new_key(accepted, "acme", "l", [], None, None, NOW)
    await application.name_requester(accepted, "acme", "bob", "ann", NOW)
    await application.name_requester(accepted, "acme", "ann", "ann", NOW)
    with pytest.raises(Unfit, match="choose with --for"):
        await keys.new_key(accepted, "acme", "l", [], None, None, NOW)
    assert (await keys.new_key(accepted, "acme", "l", [], None, None, NOW, "bob")).kid


@pytest.mark.rule("T13-1")
async def test_a_new_payer_holds_acceptance_until_screened(applied: Conn) -> None:
    await screening.add(applied, "acme", "payer", "Payer K.K.", NOW)
    with pytest.raises(Unfit, match="screening of the payer"):
        await acceptance.accept(applied, "acme", "ann", "bob", ACCESS, NOW)
    assert await screening.clear(applied, "acme", "list", "bob", NOW) == 1
    await acceptance.accept(applied, "acme", "ann", "bob", ACCESS, NOW)


@pytest.mark.rule("T13-1", "T13-2", "T13-3")
async def test_a_hit_holds_a_running_contract_and_only_compliance_reads_why(
    accepted: Conn, postgres: EmbeddedPostgres, database: str
) -> None:
    await screening.add(accepted, "acme", "payer", "Payer K.K.", NOW)
    assert not (await contracts.dossier(accepted, "acme")).held
    [payer] = await screening.listed(accepted, "acme", pending=True)
    hold = await screening.hit(accepted, str(payer.id), "list 7", "line 12", "bob", NOW)
    assert (await contracts.dossier(accepted, "acme")).held
    for role in ("operator", "acme", "office", "work"):
        conn = await asyncpg.connect(postgres.dsn(f"keiyaku_{role}", database))
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await conn.fetch("SELECT grounds FROM office.screenings")
        await conn.close()
    compliance = await asyncpg.connect(postgres.dsn("keiyaku_compliance", database))
    assert "line 12" in [each.grounds for each in await screening.findings(compliance, None)]
    await compliance.close()
    with pytest.raises(Unfit, match="no anti-social finding"):
        await ending.rescind(accepted, "acme", "A13.1", "ann", "bob", NOW)
    with pytest.raises(Unfit, match=r"nothing is rescinded under 'a13\.1': name one of A11\.4\.1, "):
        await ending.rescind(accepted, "acme", "a13.1", "ann", "bob", NOW)
    await holds.confirm(accepted, str(hold), "ann", "bob", NOW)
    found = await ending.rescind(accepted, "acme", "A13.1", "ann", "bob", NOW)
    assert (found.end_cause, set(await kinds(accepted))) == ("rescinded", {"contract_formed", "contract_ended"})


@pytest.mark.rule("T12-8")
@pytest.mark.usefixtures("years_ahead")
async def test_an_unused_contract_lapses_once_announced_thirty_days_before(accepted: Conn) -> None:
    near, at = NOW + timedelta(days=150), NOW + timedelta(days=180)
    assert await ending.sweep_lapsed(accepted, near - timedelta(seconds=1)) == 0
    assert await kinds(accepted) == ["contract_formed"]
    for _ in range(2):
        assert await ending.sweep_lapsed(accepted, near) == 0
    assert await kinds(accepted) == ["contract_formed", "lapse_announced"]
    assert await ending.sweep_lapsed(accepted, at - timedelta(seconds=1)) == 0
    assert await ending.sweep_lapsed(accepted, at) == 1
    found = await contracts.shown(accepted, "acme")
    assert (found.state, found.end_cause, found.ended_at) == ("ended", "lapsed", at)
    assert await accepted.fetchval("SELECT count(*) FROM gate.invoices") == 0


@pytest.mark.rule("T15-1")
async def test_no_contract_passes_to_another_customer_without_consent_of_two(accepted: Conn) -> None:
    await register.add_customer(
        accepted, register.customer("other", "Other", "sole_proprietor", None, True, None, NOW), NOW
    )
    with pytest.raises(asyncpg.CheckViolationError, match="not transferable"):
        await accepted.execute(
            "UPDATE gate.contracts SET customer_id = (SELECT id FROM gate.customers WHERE handle = 'other')"
        )
    with pytest.raises(Unfit, match="two different people"):
        await application.assign(accepted, "acme", "other", bytes(32), "ann", "ann", NOW)
    await application.assign(accepted, "acme", "other", bytes(32), "ann", "bob", NOW)
    assert (await contracts.shown(accepted, "acme")).customer == "other"


@pytest.mark.rule("T8-1")
async def test_a_closed_plan_takes_no_application_and_stays_with_its_contracts(accepted: Conn) -> None:
    await plans.close(accepted, "small", NOW, NOW)
    with pytest.raises(Unfit, match="not on offer"):
        await contracts.create(accepted, "late", "kaisha", "small", NOW)
    assert (await contracts.shown(accepted, "acme")).fee_yen == 55_000


@pytest.mark.rule("T12-4", "T12-6")
@pytest.mark.usefixtures("years_ahead")
async def test_a_renewal_opens_ninety_days_before_the_old_end(
    accepted: Conn, postgres: EmbeddedPostgres, database: str
) -> None:
    with pytest.raises(Unfit, match="no certificate yet"):
        await renewal.apply(accepted, "acme-2", "acme", None, "renewal", NOW)
    owner = await asyncpg.connect(postgres.dsn(database=database))
    await owner.execute("INSERT INTO gate.contract_starts SELECT id, id, $1 FROM gate.contracts", NOW)
    await owner.close()
    ends_at = await accepted.fetchval("SELECT timestamptz '2027-11-22 00:00+09'")
    opens_at = ends_at - timedelta(days=90)
    assert await renewal.sweep(accepted, "https://people.example", opens_at - timedelta(seconds=1)) == 0
    with pytest.raises(Unfit, match="90 days before"):
        await renewal.apply(accepted, "acme-2", "acme", None, "renewal", opens_at - timedelta(seconds=1))
    assert await renewal.sweep(accepted, "https://people.example", opens_at) == 1
    assert await renewal.sweep(accepted, "https://people.example", opens_at) == 0
    made = await renewal.apply(accepted, "acme-2", "acme", None, "renewal", opens_at)
    assert (made.state, made.customer) == ("applied", "kaisha")
    with pytest.raises(Unfit, match="has a successor"):
        await renewal.apply(accepted, "acme-3", "acme", None, "renewal", opens_at)
    assert [each.value for each in (await contracts.dossier(accepted, "acme-2")).names] == ["a.example.jp"]
    assert await ending.sweep_expired(accepted, ends_at - timedelta(seconds=1)) == 0
    assert await ending.sweep_expired(accepted, ends_at) == 1
    assert (await contracts.shown(accepted, "acme")).end_cause == "expired"


@pytest.mark.rule("T12-3")
@pytest.mark.usefixtures("years_ahead")
async def test_without_a_certificate_the_contract_ends_when_the_window_closes(accepted: Conn) -> None:
    """Nothing was signed here, so nothing is alive when the window, of thirty days, closes."""
    contract_id = (await contracts.shown(accepted, "acme")).id
    await revocations.reissue_pending(accepted, contract_id, NOW, NOW + timedelta(days=30))
    at = NOW + timedelta(days=30)
    assert await ending.sweep_revoked(accepted, at - timedelta(seconds=1)) == 0
    assert (await contracts.shown(accepted, "acme")).state == "accepted"
    assert await ending.sweep_revoked(accepted, at + timedelta(hours=1)) == 1
    found = await contracts.shown(accepted, "acme")
    assert (found.end_cause, found.ended_at) == ("revoked", at + timedelta(hours=1))


@pytest.mark.usefixtures("years_ahead")
async def test_the_daily_jobs_run_under_the_role_of_the_office(
    accepted: Conn, postgres: EmbeddedPostgres, database: str
) -> None:
    office = await asyncpg.connect(postgres.dsn("keiyaku_office", database))
    near = NOW + timedelta(days=150)
    await ending.sweep_lapsed(office, near)
    assert await ending.sweep_lapsed(office, near + timedelta(days=30)) == 1
    assert await ending.sweep_expired(office, near) + await ending.sweep_revoked(office, near) == 0
    assert await documents.sweep(office, near) + await renewal.sweep(office, "p", near) == 0
    await office.close()


@pytest.mark.rule("T4-9")
async def test_declared_servers_are_kept_and_looked_at_by_nobody(reviewed: Conn) -> None:
    """Where a certificate is installed is the customer's act: a server that nobody could reach stops nothing."""
    servers = ["web1.acme.test", "unreachable.invalid"]
    await stated(reviewed, "acme", servers)
    await acceptance.accept(reviewed, "acme", "ann", "bob", ACCESS, NOW)
    assert await reviewed.fetchval("SELECT servers FROM office.applications") == servers


@pytest.mark.rule("T10-3", "T12-8")
@pytest.mark.usefixtures("years_ahead")
@pytest.mark.parametrize("extended", [False, True])
async def test_a_suspension_stops_no_timer_but_a_person_may_extend_one(accepted: Conn, extended: bool) -> None:
    began, lapses_at = NOW + timedelta(days=100), NOW + timedelta(days=180)
    suspension = await accepted.fetchval(
        "INSERT INTO gate.suspensions (id, clause, cause, starts_at, ends_at, set_by)"
        " SELECT gen_random_uuid(), 'A10.1', 'flood', $1, $2, id FROM gate.persons WHERE handle = 'ann' RETURNING id",
        began,
        began + timedelta(days=20),
    )
    until = lapses_at + timedelta(days=20)
    with pytest.raises(Unfit, match="lies ahead"):
        await timers.extend(accepted, str(suspension), "acme", "lapse", began, "flood", "ann", began)
    if extended:
        await timers.extend(accepted, str(suspension), "acme", "lapse", until, "flood", "ann", began)
    assert await ending.sweep_lapsed(accepted, NOW + timedelta(days=150)) == 0
    assert await ending.sweep_lapsed(accepted, lapses_at) == (0 if extended else 1)
    assert await ending.sweep_lapsed(accepted, until) == (1 if extended else 0)
