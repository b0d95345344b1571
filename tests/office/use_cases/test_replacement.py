"""A certificate that shows what is no longer so lives until the new contract's replaces it (T14-2)."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import asyncpg
import pytest

from acme_server.dev.postgres import EmbeddedPostgres
from contract_gate.calendar import JST
from contract_gate.storage import facts_of
from office.storage import change_reports
from office.storage.contracts import Subject
from office.use_cases import (
    acceptance,
    application,
    case_decisions,
    cases,
    changes,
    contracts,
    keys,
    renewal,
    replacement,
    revocations,
)
from office.use_cases.asked import Unfit
from office.use_cases.cases import Standing
from sql import Conn, Pool
from sql.pool import Pool as OurPool
from tests.conftest import NOW
from tests.office.conftest import ACCESS, stated
from tests.office.use_cases.issued import issue, notices, publish, revoked

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
YESTERDAY = NOW - DAY


@pytest.fixture
async def office(postgres: EmbeddedPostgres, database: str) -> AsyncIterator[OurPool]:
    async with OurPool(lambda: asyncpg.connect(postgres.dsn("keiyaku_office", database)), 1) as made:
        yield made


async def followed(
    conn: Conn, now: datetime, handle: str = "acme-2", after: str = "acme", link: str = "change"
) -> None:
    """The new contract, `acme-2`, with its own review and consent, is accepted."""
    await renewal.apply(conn, handle, after, None, link, now)
    await application.consent(conn, handle, "1", "1", "ann", "web", now, now)
    await application.subject(conn, handle, Subject("Nova K.K.", "JP", "Tokyo", None), "ann", now)
    for kind in application.REVIEWS:
        await application.review(
            conn, handle, application.Review(kind, "1", "r", YESTERDAY.date(), "positive"), "ann", now
        )
    await stated(conn, handle)
    await acceptance.accept(conn, handle, "ann", "bob", ACCESS, now)


async def learned(conn: Conn) -> Standing:
    """The CA has learned of another name: the case that has five days."""
    await changes.report(conn, "acme", "organization", True, NOW)
    [case] = await cases.listed(conn, False)
    return await cases.standing(conn, str(case.id), NOW)


@pytest.mark.rule("T14-2", "T11-2")
async def test_each_certificate_ends_when_it_is_replaced_and_the_case_with_the_last(
    accepted: Conn, pool: Pool, office: OurPool
) -> None:
    first, second = (
        await issue(pool, "acme", 1, NOW),
        await issue(pool, "acme", 2, NOW, names="a.example.jp,b.example.jp"),
    )
    case = str((found := await learned(accepted)).case.id)
    assert found.deadline_at == NOW + 5 * DAY
    await followed(accepted, NOW)
    assert await replacement.sweep(office, NOW + HOUR) == 0
    await issue(pool, "acme-2", 3, NOW + HOUR)
    assert [await replacement.sweep(office, NOW + HOUR) for _ in range(2)] == [1, 0]
    assert await revoked(pool) == {first: 9}
    assert (await cases.standing(accepted, case, NOW)).case.state == "open"
    await issue(pool, "acme-2", 4, NOW + 2 * HOUR, names="a.example.jp,b.example.jp,c.example.jp")
    assert await replacement.sweep(office, NOW + 2 * HOUR) == 1
    assert await revoked(pool) == {first: 9, second: 9}
    done = (await cases.standing(accepted, case, NOW)).case
    assert (done.state, done.revoked, done.attention) == ("revoked", 2, False)
    assert "certificate_revoked" in await notices(pool)
    await publish(pool, NOW + 3 * HOUR)
    await revocations.settle(accepted, NOW + 3 * HOUR)
    assert (await cases.standing(accepted, case, NOW)).case.state == "published"
    rows = await pool.fetch("SELECT content FROM evidence.records WHERE kind = 'revocation.replaced'")
    assert ["T14-2" in row["content"].decode() for row in rows] == [True, True]
    assert (await contracts.shown(accepted, "acme")).state == "accepted"  # a window for a reissue is open (T12-3)


@pytest.mark.rule("T14-2", "T6-5")
async def test_what_the_register_told_of_a_customer_ends_so_too(accepted: Conn, pool: Pool, office: OurPool) -> None:
    """Its case is about the customer; what the new contract issued is none of it."""
    old = await issue(pool, "acme", 1, NOW)
    customer = await pool.fetchval("SELECT customer_id FROM gate.contracts WHERE handle = 'acme'")
    opening = cases.Opening(
        "change_learned", cases.Scope(customer_id=customer), "register", "name", NOW, "own_evidence"
    )
    case = str((await cases.open_case(accepted, opening, NOW)).case.id)
    await followed(accepted, NOW + HOUR)
    await issue(pool, "acme-2", 2, NOW + HOUR)
    assert await replacement.sweep(office, NOW + HOUR) == 1
    assert await revoked(pool) == {old: 9}
    assert (await cases.standing(accepted, case, NOW)).case.state == "revoked"


@pytest.mark.rule("T14-1", "T14-2", "T12-7")
async def test_a_change_follows_a_renewal_that_is_accepted_already(accepted: Conn, pool: Pool, office: OurPool) -> None:
    """Its contract serves the keys of both before it, on the renewal's day too, and replaces what the first one has."""
    began, renewed, changed = NOW - 300 * DAY, NOW + HOUR, NOW + 2 * HOUR
    key = (await keys.new_key(accepted, "acme", "web", [], None, None, NOW)).kid
    await pool.execute(
        "INSERT INTO gate.contract_starts SELECT id, gen_random_uuid(), $1 FROM gate.contracts WHERE handle = 'acme'",
        began,
    )
    await followed(accepted, renewed, link="renewal")
    old = await issue(pool, "acme", 2, renewed)
    await changes.report(accepted, "acme", "organization", True, changed)
    with pytest.raises(Unfit, match="has a successor"):
        await renewal.apply(accepted, "acme-3", "acme", None, "change", changed)
    first = await pool.fetchval("SELECT id FROM gate.contracts WHERE handle = 'acme'")
    assert not await change_reports.has_new_contract(accepted, first)
    await followed(accepted, changed, "acme-3", "acme-2")
    assert await change_reports.has_new_contract(accepted, first)
    for day in (changed, began + 370 * DAY):
        assert await served(accepted, key, day) == "acme-3"
    await issue(pool, "acme-3", 3, changed + HOUR)
    assert await replacement.sweep(office, changed + HOUR) == 1
    assert await revoked(pool) == {old: 9}


async def served(conn: Conn, kid: str, at: datetime) -> str:
    """The contract for which the gate would be asked."""
    key = await conn.fetchval("SELECT id FROM gate.binding_keys WHERE kid = $1", kid)
    facts = (await facts_of(conn, key, ("www.acme.test",), at)).facts
    assert facts.contract is not None
    return facts.contract.handle


@pytest.mark.rule("T6-5", "T14-2")
@pytest.mark.parametrize("what", ["reviewed anew", "reviewed before", "of another ground"])
async def test_people_revoke_what_shows_the_old_data_alone(accepted: Conn, pool: Pool, what: str) -> None:
    """Of a case about a customer, whatever names the new contract's certificate holds."""
    old = await issue(pool, "acme", 1, NOW)
    customer = await pool.fetchval("SELECT customer_id FROM gate.contracts WHERE handle = 'acme'")
    scope, ground = cases.Scope(customer_id=customer), "misissued" if what == "of another ground" else "change_learned"
    opening = cases.Opening(ground, scope, "register", "name", NOW, "own_evidence")
    case = str((await cases.open_case(accepted, opening, NOW)).case.id)
    await followed(accepted, NOW + HOUR)
    if what == "reviewed before":
        await pool.execute("UPDATE gate.reviewed_subjects SET recorded_at = $1", NOW)
    new = await issue(pool, "acme-2", 2, NOW + HOUR, names="b.example.jp")
    concerned = {old} if what == "reviewed anew" else {old, new}
    planned = await cases.plan(accepted, ground, None, scope, NOW, NOW + HOUR)
    assert {each.serial for each in planned.live} == concerned
    decided = await case_decisions.decide(accepted, case, "ann", "bob", "seen", NOW + HOUR)
    assert {each.serial for each in decided.live} == concerned
    await revocations.execute(accepted, case, NOW + HOUR)
    assert set(await revoked(pool)) == concerned


@pytest.mark.rule("T14-2")
@pytest.mark.parametrize("what", ["of another ground", "replaced by what is revoked", "of a renewal", "decided"])
async def test_nothing_else_is_taken_for_replaced(accepted: Conn, pool: Pool, office: OurPool, what: str) -> None:
    old = await issue(pool, "acme", 1, NOW)
    case = str((await learned(accepted)).case.id)
    await followed(accepted, NOW)
    new = await issue(pool, "acme-2", 2, NOW)
    if what == "of another ground":
        await pool.execute("UPDATE office.cases SET ground = 'misissued'")
    elif what == "of a renewal":
        await pool.execute("UPDATE gate.contracts SET link = 'renewal' WHERE handle = 'acme-2'")
    elif what == "decided":
        await case_decisions.decide(accepted, case, "ann", "bob", "seen", NOW)
    else:
        scope = cases.Scope(serials=[new])
        found = await cases.open_case(accepted, cases.Opening("misissued", scope, "r", "n", NOW, "recorded"), NOW)
        await case_decisions.decide(accepted, str(found.case.id), "ann", "bob", "seen", NOW)
        await revocations.execute(accepted, str(found.case.id), NOW)
    assert await replacement.sweep(office, NOW + HOUR) == 0
    assert old not in await revoked(pool)


@pytest.mark.rule("T14-1", "T14-2")
async def test_the_example_of_article_14(accepted: Conn, pool: Pool, office: OurPool) -> None:
    """The CA learns 2026-09-10 12:00: revoked by 2026-09-15 12:00, or when the new contract issues on 2026-09-12."""
    at = datetime(2026, 9, 10, 12, tzinfo=JST)
    await pool.execute("SELECT keiyaku.ensure_partitions($1, 3)", at)
    old = await issue(pool, "acme", 1, NOW)
    async with accepted.transaction():
        acme = (await contracts.shown(accepted, "acme")).id
        await changes.known(accepted, acme, "organization", "own_evidence", at, at)
    [case] = await cases.listed(accepted, False)
    assert case.deadline_at == datetime(2026, 9, 15, 12, tzinfo=JST)
    await followed(accepted, NOW)
    await issue(pool, "acme-2", 2, NOW)
    assert await replacement.sweep(office, NOW) == 1
    assert await revoked(pool) == {old: 9}
