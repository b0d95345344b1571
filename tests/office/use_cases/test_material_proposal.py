"""A material breach that one person proposes and another confirms later: the deadline is the one that both saw."""

from collections.abc import AsyncIterator
from datetime import timedelta

import asyncpg
import pytest

from acme_server.dev.postgres import EmbeddedPostgres
from office.storage.revocations import Scope
from office.storage.tokens import Caller
from office.use_cases import asked, case_decisions, cases, contracts, proposals
from office.use_cases.asked import Unfit
from office.use_cases.cases import Opening
from office.use_cases.proposals import Proposal
from sql import Conn
from tests.conftest import NOW
from tests.office.conftest import ACCESS

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
SOON = NOW + 2 * HOUR


@pytest.fixture
async def office(accepted: Conn, postgres: EmbeddedPostgres, database: str) -> AsyncIterator[Conn]:
    """A connection as the API has it; contract `acme` is accepted."""
    conn = await asyncpg.connect(postgres.dsn("keiyaku_office", database))
    yield conn
    await conn.close()


async def proposed(conn: Conn) -> tuple[str, Proposal]:
    """Case and proposal, with the deadline rounded to the hour, as the console shows it."""
    acme = await contracts.shown(conn, "acme")
    opened = await cases.open_case(conn, Opening("breach", Scope(acme.id), "R", "n", NOW, None), NOW)
    case = str(opened.case.id)
    until = (await case_decisions.material_deadline(conn, case, SOON)).replace(minute=0, second=0)
    given = {"case": case, "reason": "grave", "deadline_at": until.isoformat()}
    return case, await proposals.propose(conn, await caller(conn, "ann", "officer"), "revocation.material", given, SOON)


async def caller(conn: Conn, handle: str, role: str) -> Caller:
    who = await asked.person(conn, handle)
    return Caller(who.id, who.id, handle, None, role, None, None, NOW + 30 * DAY)


@pytest.mark.rule("T11-12", "T11-9")
@pytest.mark.parametrize("later", [HOUR / 2, 3 * DAY, 7 * DAY - HOUR], ids=["soon", "after three days", "at the end"])
async def test_it_can_be_confirmed_while_it_is_open_with_the_deadline_both_saw(office: Conn, later: timedelta) -> None:
    case, made = await proposed(office)
    done = await proposals.confirm(office, await caller(office, "bob", "approver"), str(made.id), ACCESS, SOON + later)
    assert done.confirmed_by == "bob"
    found = await cases.standing(office, case, SOON + later)
    assert found.deadline_at == SOON + 5 * DAY  # counted from the proposal: the CA knew from then on


@pytest.mark.rule("T11-12", "T11-9")
async def test_it_cannot_once_the_deadline_of_the_case_has_moved(office: Conn) -> None:
    case, made = await proposed(office)
    await cases.learn(office, case, "report", NOW - DAY, "ann", SOON)
    with pytest.raises(Unfit, match="not as shown: look again"):
        await proposals.confirm(office, await caller(office, "bob", "approver"), str(made.id), ACCESS, SOON + HOUR)
    assert (await cases.standing(office, case, SOON + HOUR)).case.material_at is None
    kept = await proposals.named(office, await caller(office, "bob", "approver"), str(made.id), SOON + HOUR)
    assert kept.state == "open"


@pytest.mark.rule("T11-12")
async def test_it_cannot_after_seven_days(office: Conn) -> None:
    _, made = await proposed(office)
    with pytest.raises(Unfit, match="has expired"):
        await proposals.confirm(office, await caller(office, "bob", "approver"), str(made.id), ACCESS, SOON + 7 * DAY)


@pytest.mark.rule("T11-12")
async def test_two_people_at_once_see_the_deadline_of_this_hour(office: Conn) -> None:
    case, made = await proposed(office)
    shown = await case_decisions.material_deadline(office, case, SOON)
    with pytest.raises(Unfit, match="not as shown"):
        await case_decisions.record_material(office, case, "ann", "bob", "grave", shown, SOON + 2 * HOUR)
    told = await case_decisions.record_material(office, case, "ann", "bob", "grave", shown, SOON + HOUR / 2)
    assert told.deadline_at == SOON + HOUR / 2 + 5 * DAY
    assert made.state == "open"


@pytest.mark.rule("T11-12")
async def test_who_proposed_it_does_not_confirm_it(office: Conn) -> None:
    _, made = await proposed(office)
    with pytest.raises(Unfit, match="another one than who proposed it confirms it"):
        await proposals.confirm(office, await caller(office, "ann", "approver"), str(made.id), ACCESS, SOON + HOUR)
    with pytest.raises(Unfit, match="is confirmed by approver"):
        await proposals.confirm(office, await caller(office, "bob", "officer"), str(made.id), ACCESS, SOON + HOUR)
    assert (await proposals.named(office, await caller(office, "bob", "officer"), str(made.id), SOON)).state == "open"
