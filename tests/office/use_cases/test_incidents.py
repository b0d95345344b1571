"""Many certificates revoked for one cause: planned, decided, paced, interrupted, rehearsed. C-158, C-159, C-166."""

import asyncio
import sys
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

import asyncpg
import pytest

from acme_server.dev.postgres import EmbeddedPostgres
from acme_server.protocol.renewal import Window, suggested_window
from contract_gate.articles.article_11_revocation import GROUNDS
from office.storage.incidents import Incident, Query
from office.use_cases import case_decisions, cases, incident_steps, incidents, revocations
from office.use_cases.asked import Unfit
from office.use_cases.incidents import Pace, Plan
from sql import Conn, Pool
from tests.conftest import NOW
from tests.office.use_cases.issued import issue, notices, publish, revoked

SECOND, HOUR, DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)
PAGE = "https://ca.example/incident-1"
AT_ONCE = Pace(100, timedelta(0))
WANTED = Plan("wrong profile", "misissued", NOW - HOUR, PAGE)
EVERYTHING = Query(profile="ov")


@pytest.fixture
async def office(postgres: EmbeddedPostgres, database: str, accepted: Conn) -> AsyncIterator[Conn]:
    """The role of the worker."""
    conn = await asyncpg.connect(postgres.dsn("keiyaku_office", database))
    yield conn
    await conn.close()


async def issued(pool: Pool, count: int, at: datetime = NOW) -> set[bytes]:
    return {await issue(pool, "acme", number, at) for number in range(count)}


async def planned(conn: Conn, wanted: Plan = WANTED, query: Query = EVERYTHING, **more: bool) -> Incident:
    return (await incidents.plan(conn, wanted, query, "ann", NOW, **more)).incident


async def begun(conn: Conn, pace: Pace = AT_ONCE, **more: Any) -> Incident:
    found = await planned(conn, **more)
    return await incidents.begin(conn, str(found.id), "ann", "bob", "seen", pace, NOW)


async def stepped(conn: Conn, found: Incident, now: datetime, steps: int = 100) -> Incident:
    """After steps at one instant, until none does anything."""
    for _ in range(steps):
        after = await incident_steps.advance(conn, found, now)
        if after == found:
            return after
        found = after
    return found


async def live_state(pool: Pool) -> list[str]:
    """All that relying parties, clients and customers may see."""
    tables = ("ca.revocations", "ca.blocked_keys", "ca.crls", "acme.renewal_windows", "acme.jobs", "office.notices",
              "office.cases", "gate.contracts", "ca.certificates", "ca.to_be_signed")  # fmt: skip
    return [str(await pool.fetch(f"SELECT t::text FROM {name} t ORDER BY 1")) for name in tables]


@pytest.mark.std("C-166", "C-159")
async def test_a_plan_is_a_frozen_list_with_a_clock_and_revokes_nothing(accepted: Conn, pool: Pool) -> None:
    await issued(pool, 3)
    found = await incidents.plan(accepted, WANTED, EVERYTHING, "ann", NOW)
    assert found.incident.deadline_at == WANTED.known_at + 5 * DAY
    assert [(each.contract, each.certificates, each.revoked) for each in found.counts] == [("acme", 3, 0)]
    await issue(pool, "acme", 9, NOW)
    assert (await incidents.standing(accepted, str(found.incident.id))).incident.certificates == 3
    assert (await revoked(pool), await pool.fetchval("SELECT count(*) FROM acme.renewal_windows")) == ({}, 0)
    [danger] = await revocations.dangers(accepted, NOW)
    assert danger.deadline_at == WANTED.known_at + 5 * DAY


@pytest.mark.std("C-157", "C-158")
async def test_the_deadline_and_the_code_follow_from_the_ground(accepted: Conn, pool: Pool) -> None:
    expected = {}
    for number, ground in enumerate(incidents.CAUSES):
        serial = await issue(pool, "acme", number, NOW)
        found = await planned(accepted, Plan("t", ground, NOW - HOUR, PAGE), Query(serials=[serial]))
        assert found.deadline_at == NOW - HOUR + GROUNDS[ground].span
        found = await incidents.begin(accepted, str(found.id), "ann", "bob", "seen", AT_ONCE, NOW)
        await stepped(accepted, found, NOW + SECOND)
        expected[serial] = GROUNDS[ground].code
    assert await revoked(pool) == expected
    assert len(set(expected.values())) == 5


QUERIES = [
    pytest.param({"profile": "ov"}, {1, 2, 3}, id="profile"),
    pytest.param({"profile": "dv"}, set(), id="another profile"),
    pytest.param({"since": NOW - DAY}, {2, 3}, id="issued from"),
    pytest.param({"until": NOW - DAY}, {1}, id="issued before"),
    pytest.param({"since": NOW - 2 * DAY, "until": NOW}, {1}, id="a period"),
    pytest.param({"key": sha256(b"k").digest()}, {3}, id="key"),
    pytest.param({"method": "http-01"}, {2}, id="method"),
    pytest.param({"method": "dns-01"}, set(), id="another method"),
    pytest.param({"serials": [2, 3, 77]}, {2, 3}, id="serials"),
    pytest.param({"profile": "ov", "serials": [1], "since": NOW - DAY}, set(), id="all of them must fit"),
]
VALIDATED = """
WITH a AS (
    INSERT INTO acme.authorizations (id, account_id, identifier_type, identifier_value, wildcard, status, tokens,
        challenge_type, challenge_status, validated_at, expires_at, created_at)
    VALUES ($1, $1, 'dns', 'a.example.jp', false, 'valid', '{t}', 'http-01', 'valid', $2, $2, $2) RETURNING id)
INSERT INTO acme.orders (id, account_id, contract_id, admission_id, names, authorization_ids, profile, expires_at,
    created_at) SELECT $1, $1, i.contract_id, t.admission_id, '{a.example.jp}', ARRAY[a.id], 'ov', $2, $2
FROM a, acme.issuances i JOIN ca.to_be_signed t ON t.id = i.to_be_signed_id WHERE i.order_id = $1
"""


@pytest.mark.std("C-166")
@pytest.mark.parametrize(("asked", "numbers"), QUERIES)
async def test_what_a_query_chooses(accepted: Conn, pool: Pool, asked: dict[str, Any], numbers: set[int]) -> None:
    at = {1: NOW - 2 * DAY, 2: NOW, 3: NOW}
    serials = {n: await issue(pool, "acme", n, at[n], key=b"k" if n == 3 else b"") for n in at}
    order = await pool.fetchval("SELECT id FROM ca.to_be_signed WHERE serial = $1", serials[2])
    await pool.execute(VALIDATED, order, NOW)
    if "serials" in asked:
        asked = {**asked, "serials": [serials.get(n, b"\1" * 16) for n in asked["serials"]]}
    if not numbers:
        with pytest.raises(Unfit, match="no live certificate fits"):
            await planned(accepted, query=Query(**asked))
        assert await pool.fetchval("SELECT count(*) FROM office.incidents") == 0
        return
    found = await planned(accepted, query=Query(**asked))
    listed = await pool.fetch("SELECT serial FROM office.incident_certificates WHERE incident_id = $1", found.id)
    assert {row["serial"] for row in listed} == {serials[n] for n in numbers}


async def test_of_a_contract_only_its_live_certificates_are_listed(accepted: Conn, pool: Pool) -> None:
    one = await issue(pool, "acme", 1, NOW)
    await issue(pool, "acme", 2, NOW - 91 * DAY)
    found = await planned(accepted, query=Query(contract_id=await incidents.contract_id(accepted, "acme")))
    assert found.certificates == 1
    with pytest.raises(Unfit, match="say which"):
        await planned(accepted, query=Query())
    done = await stepped(accepted, await incidents.begin(accepted, str(found.id), "ann", "bob", "r", AT_ONCE, NOW), NOW)
    assert (await revoked(pool), done.certificates) == ({one: 4}, 1)


@pytest.mark.std("C-163", "C-076")
async def test_where_keys_are_compromised_all_certificates_of_each_are_in_the_list(accepted: Conn, pool: Pool) -> None:
    one, same = [await issue(pool, "acme", n, NOW, key=b"k") for n in (1, 2)]
    other = await issue(pool, "acme", 3, NOW)
    case = await cases.open_case(
        accepted, cases.Opening("misissued", cases.Scope(serials=[same]), "r", "n", NOW, "recorded"), NOW
    )
    await case_decisions.decide(accepted, str(case.case.id), "ann", "bob", "seen", NOW)
    await revocations.execute(accepted, str(case.case.id), NOW)
    found = await begun(accepted, wanted=Plan("t", "weak_key", NOW, PAGE), query=Query(serials=[one]))
    await stepped(accepted, found, NOW)
    assert await revoked(pool) == {one: 1, same: 1}
    assert other not in await revoked(pool)
    assert await pool.fetchval("SELECT array_agg(spki_sha256) FROM ca.blocked_keys") == [sha256(b"k").digest()]


@pytest.mark.rule("T11-7")
async def test_two_people_decide_it_and_nothing_begins_without_them(accepted: Conn, pool: Pool) -> None:
    await issued(pool, 1)
    found = await planned(accepted)
    with pytest.raises(Unfit, match="two different people"):
        await incidents.begin(accepted, str(found.id), "ann", "ann", "r", AT_ONCE, NOW)
    assert await stepped(accepted, found, NOW) == found
    with pytest.raises(Unfit, match="two people decide"):
        await revocations.begin(accepted, await cases.case_named(accepted, str(found.case_id)), NOW)
    with pytest.raises(Unfit, match="incident run"):
        await revocations.execute(accepted, str(found.case_id), NOW)
    await cases.close(accepted, str(found.case_id), "ann", "a mistake", NOW)
    with pytest.raises(Unfit, match="was closed"):
        await incidents.begin(accepted, str(found.id), "ann", "bob", "r", AT_ONCE, NOW)
    assert await revoked(pool) == {}
    assert await incidents.listed(accepted, False) == []


@pytest.mark.rule("T11-7")
async def test_what_was_closed_or_has_begun_is_not_proposed_to_begin(accepted: Conn, pool: Pool) -> None:
    await issued(pool, 1)
    found = await planned(accepted)
    assert await incidents.fit(accepted, str(found.id), AT_ONCE, NOW) == found
    await cases.close(accepted, str(found.case_id), "ann", "a mistake", NOW)
    for each, why in ((found, "closed without a revocation"), (await begun(accepted), "tells how far it is")):
        with pytest.raises(Unfit, match=why):
            await incidents.fit(accepted, str(each.id), AT_ONCE, NOW)


@pytest.mark.std("A-220", "A-218", "C-166")
async def test_clients_are_told_first_then_it_waits_then_it_keeps_its_pace(
    office: Conn, accepted: Conn, pool: Pool
) -> None:
    serials = await issued(pool, 7)
    found = await begun(accepted, Pace(3, 6 * HOUR))
    found = await stepped(office, found, NOW)
    windows = await pool.fetch("SELECT * FROM acme.renewal_windows")
    assert {row["serial"] for row in windows} == serials
    assert {(row["ends_at"] < NOW, row["explanation_url"]) for row in windows} == {(True, PAGE)}
    given = Window(windows[0]["starts_at"], windows[0]["ends_at"])
    assert suggested_window(NOW, NOW + 90 * DAY, None, given, NOW, serial=b"s") == given
    assert (await revoked(pool), found.next_at) == ({}, NOW + 6 * HOUR)
    await stepped(office, found, NOW + 6 * HOUR - SECOND)
    assert await revoked(pool) == {}
    seen = []
    for second in range(4):
        found = await stepped(office, found, NOW + 6 * HOUR + second * SECOND)
        seen.append(len(await revoked(pool)))
    assert seen == [3, 6, 7, 7]
    assert found.finished_at == NOW + 6 * HOUR + 2 * SECOND
    jobs = await pool.fetch("SELECT subject FROM acme.jobs WHERE kind = 'crl' ORDER BY subject")
    assert [row["subject"] for row in jobs] == ["2/0", "2/1", "2/2", "2/3"]
    assert (await notices(pool)).count("certificate_revoked") == 1


async def test_after_a_stop_it_does_not_make_up_for_lost_time(office: Conn, accepted: Conn, pool: Pool) -> None:
    await issued(pool, 12)
    found = await stepped(office, await begun(accepted, Pace(2, timedelta(0))), NOW)
    assert len(await revoked(pool)) == 2
    await stepped(office, found, NOW + HOUR)
    assert len(await revoked(pool)) == 6  # a second's worth that was due, and one of its own


@pytest.mark.std("C-159")
async def test_the_report_counts_from_knowledge_to_publication(accepted: Conn, pool: Pool) -> None:
    serials = await issued(pool, 2)
    found = await stepped(accepted, await begun(accepted), NOW + SECOND)
    early = await incidents.report(accepted, str(found.id), NOW + HOUR)
    assert (early.published_at, early.took, early.in_time) == (None, 2 * HOUR, True)
    late = await incidents.report(accepted, str(found.id), NOW + 5 * DAY)
    assert late.in_time is False
    await pool.execute(
        "INSERT INTO acme.orders (id, account_id, contract_id, admission_id, status, names, authorization_ids, profile,"
        " certificate_id, expires_at, created_at) SELECT t.id, t.id, i.contract_id, t.admission_id, 'valid', t.names,"
        " '{}', 'ov', t.id, $1, $1 FROM ca.to_be_signed t JOIN acme.issuances i ON i.to_be_signed_id = t.id LIMIT 1",
        NOW,
    )
    await pool.execute("INSERT INTO acme.replacements SELECT $1, id FROM acme.orders", min(serials))
    await publish(pool, NOW + 10 * SECOND)
    await revocations.settle(accepted, NOW + 20 * SECOND)
    done = await incidents.report(accepted, str(found.id), NOW + 9 * DAY)
    assert (done.published_at, done.took, done.in_time) == (NOW + 10 * SECOND, HOUR + 10 * SECOND, True)
    assert (done.span.first_at, done.span.last_at, done.span.unpublished) == (NOW + SECOND, NOW + SECOND, 0)
    [count] = done.counts
    assert (count.certificates, count.windows, count.revoked, count.published, count.replaced) == (2, 2, 2, 2, 1)


async def test_a_pace_that_misses_the_deadline_is_refused_but_being_late_never_stops_it(
    accepted: Conn, pool: Pool
) -> None:
    await issued(pool, 3)
    found = await planned(accepted, Plan("t", "validation_unreliable", NOW - 20 * HOUR, PAGE))
    with pytest.raises(Unfit, match="after the deadline"):
        await incidents.begin(accepted, str(found.id), "ann", "bob", "r", Pace(20, 4 * HOUR), NOW)
    for wrong in (Pace(0, HOUR), Pace(1001, HOUR), Pace(1, -HOUR)):
        with pytest.raises(Unfit):
            await incidents.fit(accepted, str(found.id), wrong, NOW)
    late = NOW + 10 * DAY
    began = await incidents.begin(accepted, str(found.id), "ann", "bob", "r", Pace(20, timedelta(0)), late)
    assert (await stepped(accepted, began, late + SECOND)).finished_at is not None
    assert len(await revoked(pool)) == 3


async def test_paused_it_does_nothing_and_resumed_it_goes_on(accepted: Conn, pool: Pool) -> None:
    await issued(pool, 4)
    found = await stepped(accepted, await begun(accepted, Pace(1, timedelta(0))), NOW)
    assert len(await revoked(pool)) == 1
    await incidents.pause(accepted, str(found.id), "bob", "CRLs are slow", NOW)
    assert len(await revoked(pool)) == 1
    await stepped(accepted, found, NOW + HOUR)
    assert len(await revoked(pool)) == 1
    with pytest.raises(Unfit, match="is so already"):
        await incidents.pause(accepted, str(found.id), "bob", "r", NOW)
    await incidents.resume(accepted, str(found.id), "ann", "mended", NOW + HOUR)
    for second in range(5):
        found = await stepped(accepted, found, NOW + HOUR + second * SECOND)
    assert len(await revoked(pool)) == 4
    kinds = [
        row["kind"]
        for row in await pool.fetch("SELECT kind FROM evidence.records WHERE kind LIKE 'incident.%' ORDER BY id")
    ]
    assert kinds == [f"incident.{k}" for k in ("planned", "begun", "windows", "paused", "resumed", "revoked")]


@pytest.mark.std("C-166")
async def test_a_drill_touches_nothing_live_and_leaves_evidence(office: Conn, accepted: Conn, pool: Pool) -> None:
    await issued(pool, 5)
    before = await live_state(pool)
    found = await begun(accepted, Pace(2, timedelta(0)), drill=True)
    for second in range(5):
        found = await stepped(office, found, NOW + second * SECOND)
    assert found.finished_at is not None
    assert await live_state(pool) == before
    report = await incidents.report(accepted, str(found.id), NOW)
    assert (report.in_time, [(c.windows, c.revoked, c.published) for c in report.counts]) == (True, [(5, 5, 0)])
    kinds = [
        row["kind"]
        for row in await pool.fetch("SELECT kind FROM evidence.records WHERE kind LIKE 'incident.%' ORDER BY id")
    ]
    assert kinds == ["incident.planned", "incident.begun", "incident.windows", "incident.drilled"]


@pytest.mark.std("C-166")
async def test_the_database_itself_lets_no_case_cover_a_drill(accepted: Conn, pool: Pool) -> None:
    await issued(pool, 1)
    found = await planned(accepted, drill=True)
    true = await planned(accepted)
    for drill in ("true", "false"):
        with pytest.raises((asyncpg.ForeignKeyViolationError, asyncpg.CheckViolationError)):
            await pool.execute(
                "UPDATE office.cases SET incident_id = $1, incident_is_drill = " + drill + " WHERE incident_id = $2",
                found.id, true.id,
            )  # fmt: skip
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        await pool.execute("UPDATE office.incidents SET drill = true WHERE id = $1", true.id)


DRIVEN = """
import asyncio, sys
from datetime import datetime, timedelta
from time import monotonic
import asyncpg
from office.use_cases import incident_steps, incidents

async def main(dsn, incident, at):
    conn, began = await asyncpg.connect(dsn), monotonic()
    clock = lambda: datetime.fromisoformat(at) + timedelta(seconds=50 * (monotonic() - began))
    found = await incidents.named(conn, incident)
    await incident_steps.drive(conn, found, clock, lambda found, done: print(done, flush=True))

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.mark.std("C-142", "C-166")
async def test_killed_in_the_middle_it_goes_on_and_revokes_nothing_twice(
    postgres: EmbeddedPostgres, database: str, office: Conn, accepted: Conn, pool: Pool
) -> None:
    serials = await issued(pool, 40)
    found = await begun(accepted, Pace(2, timedelta(0)))
    arguments = ("-c", DRIVEN, postgres.dsn("keiyaku_office", database), str(found.id), NOW.isoformat())
    driver = await asyncio.create_subprocess_exec(sys.executable, *arguments, stdout=asyncio.subprocess.PIPE)
    assert driver.stdout is not None
    async with asyncio.timeout(60):
        while int(await driver.stdout.readline() or b"40") < 10:
            pass
        driver.kill()  # SIGKILL, wherever it is
        await driver.wait()
    done = len(await revoked(pool))
    assert 10 <= done < 40
    later = NOW + DAY
    while found.finished_at is None:
        later += SECOND
        await incident_steps.sweep(pool, later)  # type: ignore[arg-type]  # asyncpg's own pool does as well
        found = await incidents.named(accepted, str(found.id))
    assert set(await revoked(pool)) == serials
    proofs = await pool.fetchval("SELECT count(*) FROM evidence.records WHERE kind = 'certificate.revoked'")
    assert proofs == await pool.fetchval("SELECT count(*) FROM office.case_certificates") == 40
    assert (await notices(pool)).count("certificate_revoked") == 1


async def test_two_workers_and_a_command_together_keep_the_pace_and_revoke_each_once(
    postgres: EmbeddedPostgres, database: str, accepted: Conn, pool: Pool
) -> None:
    serials = await issued(pool, 30)
    found = await begun(accepted, Pace(5, timedelta(0)))
    conns = [await asyncpg.connect(postgres.dsn("keiyaku_office", database)) for _ in range(3)]
    for second in range(8):
        at = NOW + second * SECOND
        await asyncio.gather(*(stepped(conn, found, at) for conn in conns))
        assert len(await revoked(pool)) == min(5 * (second + 1), 30)
    for conn in conns:
        await conn.close()
    assert set(await revoked(pool)) == serials
    assert await pool.fetchval("SELECT count(*) FROM evidence.records WHERE kind = 'incident.revoked'") == 1
