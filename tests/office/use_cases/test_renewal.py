"""Renewal: whom the sweep tells that it is open, and for whom it applies (T12-4, T12-6)."""

import json
from collections.abc import AsyncIterator
from datetime import date, datetime, timedelta

import asyncpg
import pytest

from acme_server.dev.postgres import EmbeddedPostgres
from contract_gate.calendar import JST, jst_date
from contract_gate.readings import Reading
from office.storage import readings as stored
from office.storage import renewals
from office.use_cases import acceptance, contracts, ending, plans, renewal, service_end
from office.use_cases.asked import Unfit
from office.use_cases.notify import LANGUAGES, rendered
from sql import Conn
from tests.conftest import NOW
from tests.office.conftest import ACCESS
from tests.office.use_cases.issued import notices

PORTAL = "https://people.example"
ENDS_AT = datetime(2027, 11, 22, tzinfo=JST)
OPENS_AT = ENDS_AT - timedelta(days=90)


@pytest.fixture
async def running(accepted: Conn, postgres: EmbeddedPostgres, database: str) -> Conn:
    """The contract `acme`, issued for on 2026-11-22 for twelve months; there is room for evidence of its last ones."""
    owner = await asyncpg.connect(postgres.dsn(database=database))
    await owner.execute("INSERT INTO gate.contract_starts SELECT id, id, $1 FROM gate.contracts", NOW)
    await owner.execute("SELECT keiyaku.ensure_partitions($1, 4)", OPENS_AT)
    await owner.close()
    return accepted


@pytest.fixture
async def office(postgres: EmbeddedPostgres, database: str) -> AsyncIterator[Conn]:
    """A connection as the worker has it."""
    conn = await asyncpg.connect(postgres.dsn("keiyaku_office", database))
    yield conn
    await conn.close()


@pytest.mark.rule("T23-3", "T12-6")
@pytest.mark.parametrize(
    ("ends_on", "told"),
    [
        pytest.param(date(2028, 11, 21), 0, id="T23-3 a day before the new term would end"),
        pytest.param(date(2028, 11, 22), 1, id="T23-3 with the end of the new term"),
    ],
)
async def test_nobody_is_told_of_a_renewal_past_the_end_of_the_service(running: Conn, ends_on: date, told: int) -> None:
    await service_end.decide(running, "unavoidable", ends_on, "revoke", "ann", "bob", NOW)
    assert await renewal.sweep(running, PORTAL, OPENS_AT) == told
    assert (await notices(running)).count("renewal_open") == told
    if not told:
        with pytest.raises(Unfit, match="no renewal past it"):
            await renewal.apply(running, "acme-2", "acme", None, "renewal", OPENS_AT)


async def successors(conn: Conn) -> list[str]:
    return [
        row["handle"] for row in await conn.fetch("SELECT handle FROM gate.contracts WHERE predecessor_id IS NOT NULL")
    ]


@pytest.mark.rule("T12-4", "T12-6")
async def test_a_standing_consent_makes_the_application_when_renewal_opens_and_no_paid_contract(
    running: Conn, office: Conn
) -> None:
    await renewal.consent(running, "acme", "small", "ann", NOW)
    await renewal.sweep(office, PORTAL, OPENS_AT - timedelta(seconds=1))
    assert await successors(running) == []
    await renewal.sweep(office, PORTAL, OPENS_AT)
    await renewal.sweep(office, PORTAL, OPENS_AT + timedelta(hours=1))
    assert await successors(running) == ["acme-2"]
    made = await contracts.shown(running, "acme-2")
    assert (made.state, made.customer, made.plan, made.accepted_at) == ("applied", "kaisha", "small", None)
    assert [each.value for each in (await contracts.dossier(running, "acme-2")).names] == ["a.example.jp"]
    with pytest.raises(Unfit, match="cannot be accepted yet"):
        await acceptance.accept(running, "acme-2", "ann", "bob", ACCESS, OPENS_AT)
    row = await running.fetchrow(
        "SELECT e.actor, p.handle FROM evidence.records e JOIN gate.persons p ON e.actor = 'person:' || p.id "
        "WHERE e.kind = 'contract.applied' AND e.contract_id = $1", made.id,
    )  # fmt: skip
    assert row is not None
    assert row["handle"] == "ann"


@pytest.mark.rule("T12-6", "T12-7")
@pytest.mark.parametrize(("since", "opens", "issues"), [(-1, 45, 20), (1, 90, 30)])
async def test_a_contract_keeps_the_window_of_its_acceptance(
    running: Conn, since: int, opens: int, issues: int
) -> None:
    """Readings adopted a day before the old contract was accepted count for it, those of a day after do not."""
    who = [row["id"] for row in await running.fetch("SELECT id FROM gate.persons ORDER BY handle LIMIT 2")]
    for key, value in (("renewal.opens", "45"), ("renewal.issues", "20")):
        await stored.insert(running, Reading(key, NOW + timedelta(days=since), value), *who)
    opens_at = ENDS_AT - timedelta(days=opens)
    assert await renewal.sweep(running, PORTAL, opens_at - timedelta(seconds=1)) == 0
    with pytest.raises(Unfit, match=f"{opens} days before its end"):
        await renewal.apply(running, "acme-2", "acme", None, "renewal", opens_at - timedelta(seconds=1))
    assert await renewal.sweep(running, PORTAL, opens_at) == 1
    given = json.loads(await running.fetchval("SELECT given FROM office.notices WHERE kind = 'renewal_open'"))
    assert given["issuance_opens_on"] == str(jst_date(ENDS_AT - timedelta(days=issues)))
    made = await renewal.apply(running, "acme-2", "acme", None, "renewal", opens_at)
    await renewal.begin_serving(running, made.id, opens_at)
    served = await running.fetchval("SELECT min(starts_at) FROM gate.successions WHERE successor_id = $1", made.id)
    assert served == ENDS_AT - timedelta(days=issues)


@pytest.mark.rule("T12-4")
async def test_the_customer_is_told_what_a_standing_consent_applies_for_and_how_to_object(
    running: Conn, office: Conn
) -> None:
    await renewal.consent(running, "acme", "small", "ann", NOW)
    for at in (OPENS_AT, OPENS_AT + timedelta(hours=1)):
        await renewal.sweep(office, PORTAL, at)
    [told] = await running.fetch("SELECT contract_id, kind, given FROM office.notices WHERE kind LIKE 'renewal%'")
    assert (told["kind"], told["contract_id"]) == ("renewal_applied", (await contracts.shown(running, "acme")).id)
    given = json.loads(told["given"])
    assert given == {
        "application": "acme-2", "plan": "small", "fee_yen": "55000", "ends_on": "2027-11-22", "portal": PORTAL,
    }  # fmt: skip
    for language in LANGUAGES:
        body = rendered("renewal_applied", language, {**given, "recipient": "R", "contract": "acme"})[1]
        assert all(value in body for value in {**given, "fee_yen": "55,000"}.values())


@pytest.mark.rule("T12-4")
@pytest.mark.parametrize("case", ["none", "withdrawn", "plan closed", "service ends", "came to nothing before"])
async def test_without_a_consent_that_counts_nothing_is_applied_for(running: Conn, office: Conn, case: str) -> None:
    if case != "none":
        await renewal.consent(running, "acme", "small", "ann", NOW)
    match case:
        case "withdrawn":
            await renewal.withdraw_consent(running, "acme", "ann", NOW)
        case "plan closed":
            await plans.close(running, "small", NOW, NOW)
        case "service ends":
            await service_end.decide(running, "unavoidable", date(2028, 11, 21), "revoke", "ann", "bob", NOW)
        case "came to nothing before":
            await renewal.apply(running, "other", "acme", None, "renewal", OPENS_AT)
            await acceptance.withdraw(running, "other", "ann", OPENS_AT)
    await renewal.sweep(office, PORTAL, OPENS_AT)
    assert await successors(running) == (["other"] if case == "came to nothing before" else [])


@pytest.mark.rule("T12-4", "T11-4")
async def test_a_contract_cancelled_after_the_sweep_chose_it_is_not_renewed(running: Conn, office: Conn) -> None:
    await renewal.consent(running, "acme", "small", "ann", NOW)
    [due] = await renewals.consented(office, ENDS_AT, OPENS_AT, 0, 10)
    await ending.cancel(running, "acme", "ann", OPENS_AT)
    assert not await renewal.applied_by_consent(office, due, PORTAL, OPENS_AT)
    assert await successors(running) == []


@pytest.mark.parametrize(
    ("handle", "first"),
    [("acme", "acme-2"), ("acme-2", "acme-3"), ("rei-2026", "rei-2026-2"), ("a" * 63, "a" * 61 + "-2"), ("-9", "-9-2")],
)
def test_the_handle_after_another(handle: str, first: str) -> None:
    wanted = renewal.following(handle)
    assert wanted[0] == first
    assert len(set(wanted)) == len(wanted)
    assert max(map(len, wanted)) <= 63
