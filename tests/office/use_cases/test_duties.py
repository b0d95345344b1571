"""The end of the service, liability, consultations and timers on the real database (Articles 10, 23, 25 and 28)."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta

import asyncpg
import pytest

from acme_server.dev.postgres import EmbeddedPostgres
from ca.profiles import TLSSERVER
from contract_gate.articles.article_25_liability import EXCLUSIONS
from contract_gate.calendar import day_start, jst_date
from office.storage import revocations as stored
from office.storage.contracts import Subject
from office.use_cases import (
    acceptance,
    application,
    case_decisions,
    changes,
    consultation,
    contracts,
    deliver,
    ending,
    liability,
    notices,
    register,
    timers,
)
from office.use_cases import revocations as revoking
from office.use_cases import service_end as ends
from office.use_cases.asked import Unfit
from office.use_cases.explain import explain
from office.use_cases.keys import new_key
from office.use_cases.mail import Posting
from office.use_cases.reminders import remind
from sql import Conn, Pool
from tests.conftest import NOW
from tests.office.conftest import ACCESS, stated
from tests.office.use_cases.issued import issue, revoked
from tests.office.use_cases.test_books import billed as billed
from tests.office.use_cases.test_books import money, payments, told_by_bank
from tests.office.use_cases.test_revocations import opened, unpaid

DAY = timedelta(days=1)
POSTING = Posting(None, "http://office.test", "")
LATER = NOW + 4 * DAY


@pytest.fixture
async def office(postgres: EmbeddedPostgres, database: str) -> AsyncIterator[Pool]:
    """A pool as the office's daily jobs have it."""
    async with asyncpg.create_pool(postgres.dsn("keiyaku_office", database), min_size=1, max_size=2) as made:
        yield made


async def told_on_paper(conn: Conn, office: Pool, posted_on: date, now: datetime = LATER) -> None:
    """The notice of the service's end goes out by post, since the customer has no e-mail."""
    await deliver.address_notices(office, now, posting=POSTING)
    [letter] = [each for each in await notices.listed(conn, None, "person") if each.kind == "service_end"]
    await notices.posted(conn, str(letter.id), posted_on, "ann", now)


@pytest.mark.rule("T23-2", "T23-3", "T23-1")
async def test_a_day_for_which_somebody_was_told_too_late_ends_nothing(
    accepted: Conn, office: Pool, pool: Pool
) -> None:
    """Posted on 2026-11-24, delivered three bank days later: 2027-02-28 is the earliest end for that customer."""
    with pytest.raises(Unfit, match="2027-02-23 at the earliest"):
        await ends.decide(accepted, "law", date(2027, 2, 22), "revoke", "ann", "bob", NOW)
    for far in (date(2036, 11, 23), date.max):
        with pytest.raises(Unfit, match="name a day up to 2036-11-22"):
            await ends.decide(accepted, "law", far, "revoke", "ann", "bob", NOW)
    await ends.decide(accepted, "law", date(2027, 2, 27), "revoke", "ann", "bob", NOW)
    for day in (date(2027, 2, 27), date(2027, 2, 26)):
        with pytest.raises(Unfit, match="service-end-check"):
            await ends.decide(accepted, "law", day, "revoke", "ann", "bob", NOW)
    assert await ends.sweep(office, LATER) == 0
    await told_on_paper(accepted, office, date(2026, 11, 24))
    with pytest.raises(Unfit, match="1 customers were not told"):
        await ends.check_end(accepted)
    assert await ends.sweep(office, day_start(date(2027, 2, 27)) + DAY) == 0
    assert await pool.fetchval("SELECT count(*) FROM gate.suspensions") == 0
    assert (await contracts.shown(accepted, "acme")).state == "accepted"


@pytest.mark.rule("T23-1", "T23-2")
async def test_a_later_day_takes_the_place_of_one_for_which_somebody_was_told_too_late(
    accepted: Conn, office: Pool, pool: Pool
) -> None:
    """Everybody is told anew, and three months count from that; once everybody was in time, the day stands."""
    first, second = date(2027, 2, 27), date(2027, 3, 10)
    again = datetime(2026, 12, 6, tzinfo=UTC)
    await pool.execute("SELECT keiyaku.ensure_partitions($1, 4)", again)
    await ends.decide(accepted, "law", first, "revoke", "ann", "bob", NOW)
    await told_on_paper(accepted, office, date(2026, 11, 24))
    for day, why in ((date(2027, 3, 6), "2027-03-07 at the earliest"), (first, "at the earliest")):
        with pytest.raises(Unfit, match=why):
            await ends.decide(accepted, "law", day, "revoke", "ann", "bob", again)
    await ends.decide(accepted, "law", second, "run_off", "bob", "ann", again)
    assert [(each.customer, each.delivered_at) for each in await ends.told(accepted)] == [("kaisha", None)]
    assert await ends.sweep(office, again) == 0
    await told_on_paper(accepted, office, date(2026, 12, 6), again)  # delivered on 12-09: the last day in time
    assert await ends.check_end(accepted) == second
    assert await ends.sweep(office, day_start(first)) == 0
    starts = await pool.fetch("SELECT starts_at FROM gate.suspensions WHERE clause = 'A23.1'")
    assert [row["starts_at"] for row in starts] == [day_start(second)]
    with pytest.raises(Unfit, match="only a later day takes the place of one for which not everybody was"):
        await ends.decide(accepted, "law", date(2027, 4, 30), "revoke", "ann", "bob", again)
    assert await ends.sweep(office, day_start(second)) == 1


@pytest.mark.rule("T23-1", "T5-1")
async def test_letters_of_an_earlier_day_go_out_no_more(accepted: Conn, office: Pool, pool: Pool) -> None:
    await ends.decide(accepted, "law", date(2027, 2, 27), "revoke", "ann", "bob", NOW)
    await deliver.address_notices(office, NOW, posting=POSTING)
    await ends.decide(accepted, "law", date(2027, 2, 28), "revoke", "ann", "bob", LATER)
    await deliver.address_notices(office, LATER, posting=POSTING)
    found = [each for each in await notices.listed(accepted, None, None) if each.kind == "service_end"]
    assert sorted((each.state, each.queued_at) for each in found) == [("dropped", NOW), ("person", LATER)]


@pytest.mark.rule("T23-3", "T23-2")
@pytest.mark.parametrize("certificates", ["revoke", "run_off"])
async def test_at_the_end_of_the_service_every_contract_ends_and_certificates_as_decided(
    accepted: Conn, office: Pool, pool: Pool, certificates: str
) -> None:
    serial, ends_at = await issue(pool, "acme", 1, NOW + 30 * DAY), day_start(date(2027, 2, 28))
    await new_key(accepted, "acme", "l", [], None, None, NOW)
    await pool.execute("SELECT keiyaku.ensure_partitions($1, 1)", ends_at)
    await ends.decide(accepted, "law", date(2027, 2, 28), certificates, "ann", "bob", NOW)
    await told_on_paper(accepted, office, date(2026, 11, 24))
    assert await ends.check_end(accepted) == date(2027, 2, 28)
    assert await ends.sweep(office, LATER) == 0  # nothing is issued past the end from now on
    for at, gate in ((ends_at - timedelta(seconds=1), None), (ends_at, "G1")):
        assert (await explain(accepted, "acme", None, ["a.example.jp"], at, TLSSERVER)).gate == gate
    assert await ends.sweep(office, ends_at) == 1
    assert await ends.sweep(office, ends_at) == 0
    found = await contracts.shown(accepted, "acme")
    assert (found.state, found.end_cause, found.ended_at) == ("ended", "service_ended", ends_at)
    await revoking.go_on(accepted, ends_at)
    assert await revoked(pool) == ({serial: None} if certificates == "revoke" else {})


@pytest.mark.rule("T23-1", "T23-2")
async def test_who_is_accepted_after_the_notice_went_out_is_told_too_and_moves_the_end_no_further(
    accepted: Conn, office: Pool
) -> None:
    """Told three days before the end; without that telling the same end is refused. Nobody is told twice."""
    late = date(2027, 2, 20)
    await ends.decide(accepted, "law", date(2027, 2, 28), "revoke", "ann", "bob", NOW)
    await told_on_paper(accepted, office, date(2026, 11, 24))
    await second_customer(accepted, LATER)
    with pytest.raises(Unfit, match="1 customers were not told"):
        await ends.check_end(accepted)
    for _ in range(2):
        assert await ends.sweep(office, LATER) == 0
        await deliver.address_notices(office, LATER, posting=POSTING)
    letters = await notices.listed(accepted, None, "person")
    [letter] = [each for each in letters if each.kind == "service_end"]
    with pytest.raises(Unfit, match="1 customers were not told"):
        await ends.check_end(accepted)
    await notices.posted(accepted, str(letter.id), late, "ann", day_start(late) + DAY)
    assert await ends.check_end(accepted) == date(2027, 2, 28)
    assert [(each.customer, each.announced) for each in await ends.told(accepted)] == [
        ("kaisha", False),
        ("nova", True),
    ]


async def second_customer(conn: Conn, now: datetime) -> None:
    """Another customer, `nova`, has a contract accepted."""
    nova = register.customer("nova", "株式会社 新", "juridical_person", "7000012050002", True, None, NOW)
    await register.add_customer(conn, nova, NOW)
    await contracts.create(conn, "nova", "nova", "small", NOW)
    await application.add_name(conn, "nova", "b.example.jp", None, NOW)
    await application.consent(conn, "nova", "1", "1", "ann", "web", NOW, NOW)
    await application.subject(conn, "nova", Subject("Nova K.K.", "JP", "Tokyo", None), "ann", NOW)
    for kind in application.REVIEWS:
        item = application.Review(kind, "1", "register", jst_date(NOW) - DAY, "positive")
        await application.review(conn, "nova", item, "ann", NOW)
    await stated(conn, "nova")
    await acceptance.accept(conn, "nova", "ann", "bob", ACCESS, now)


async def proposed(conn: Conn, damage_yen: int, applies: list[str]) -> tuple[int, int]:
    """Ceiling and proposal for an incident of 2026-08-25 in the term from 2026-03-10."""
    rest = [item for item in EXCLUSIONS if item not in applies]
    made = await liability.propose(conn, "acme", date(2026, 8, 25), damage_yen, applies, rest, "ann", NOW)
    return made.ceiling_yen, made.proposed_yen


@pytest.mark.rule("T25-1", "T25-2", "T25-3")
@pytest.mark.parametrize(
    ("paid", "damage", "applies", "expected"),
    [
        pytest.param(60_500, 30_000, [], (27_500, 27_500), id="T25-1 up to the ceiling"),
        pytest.param(60_500, 9_000, [], (27_500, 9_000), id="T25-1 the damage itself"),
        pytest.param(60_500, 30_000, ["A25.1.4"], (27_500, 0), id="T25-3 one exclusion applies"),
        pytest.param(30_250, 30_000, [], (13_750, 13_750), id="T25-2 half is paid"),
        pytest.param(0, 30_000, [], (0, 0), id="T25-2 nothing is received"),
    ],
)
async def test_the_ceiling_follows_what_was_received(
    billed: Conn, paid: int, damage: int, applies: list[str], expected: tuple[int, int]
) -> None:
    if paid:
        await payments.record_payment(billed, "F00000001", money(paid), NOW)
    assert await proposed(billed, damage, applies) == expected
    [row] = await liability.listed(billed, "acme")
    assert (row.term_months, row.term_end, row.excluded_by, row.answered_by) == (12, date(2027, 3, 10), applies, "ann")
    content = await billed.fetchval("SELECT content FROM evidence.records WHERE kind = 'liability.proposed'")
    told = json.loads(content)
    assert (told["damage_yen"], told["received_fee_yen"], told["terms_version"]) == (damage, paid * 10 // 11, "1")


@pytest.mark.rule("T25-3")
@pytest.mark.parametrize(
    ("incident_on", "damage", "applies", "rest", "why"),
    [
        (date(2026, 8, 25), 1, [], EXCLUSIONS[:-1], "A25.1.11"),
        (date(2026, 8, 25), 1, ["A25.1.1"], EXCLUSIONS, "answered once"),
        (date(2026, 8, 25), 1, ["item 12"], EXCLUSIONS, "is unknown"),
        (date(2026, 8, 25), -1, [], EXCLUSIONS, "an amount of yen"),
        (jst_date(NOW) + DAY, 1, [], EXCLUSIONS, "no later than today"),
    ],
)
async def test_what_no_person_answered_is_not_proposed(
    billed: Conn, incident_on: date, damage: int, applies: list[str], rest: list[str], why: str
) -> None:
    with pytest.raises(Unfit, match=why):
        await liability.propose(billed, "acme", incident_on, damage, applies, rest, "ann", NOW)
    assert await liability.listed(billed, None) == []


@pytest.mark.rule("T28-1")
@pytest.mark.parametrize("ground", ["unpaid", "breach"])
async def test_a_consultation_pauses_the_decision_over_a_fee_and_no_other(
    accepted: Conn, pool: Pool, ground: str
) -> None:
    """Nor does it lift a payment block."""
    await pool.execute("SELECT keiyaku.ensure_partitions($1, 4)", day_start(date(2026, 3, 10)))
    at = await unpaid(accepted)
    await issue(pool, "acme", 1, NOW)
    case = str((await opened(accepted, ground, None, None, at)).case.id)
    await new_key(accepted, "acme", "l", [], None, None, NOW)
    await consultation.hold(accepted, "acme", "dispute", "bob", jst_date(at) + 9 * DAY, "ann", at)
    assert (await explain(accepted, "acme", None, ["a.example.jp"], NOW, TLSSERVER)).gate == "G6"
    if ground == "unpaid":
        with pytest.raises(Unfit, match="consultation pauses"):
            await case_decisions.decide(accepted, case, "ann", "bob", "r", at)
        await consultation.end(accepted, "acme", "bob", at)
    assert (await case_decisions.decide(accepted, case, "ann", "bob", "r", at)).case.state == "decided"


@pytest.mark.rule("T28-1", "T8-17")
async def test_a_consultation_pauses_reminders(billed: Conn, office: Pool) -> None:
    early = datetime(2026, 9, 1, tzinfo=UTC)
    await told_by_bank(billed)
    await consultation.hold(billed, "acme", "dispute", "bob", date(2026, 9, 20), "ann", early)
    assert await remind(office, early) == 0
    await consultation.review(billed, "acme", date(2026, 9, 30), "bob", early)
    assert await remind(office, early) == 0
    await consultation.end(billed, "acme", "bob", early)
    assert await remind(office, early) == 2


@pytest.mark.rule("T10-3", "T12-3")
@pytest.mark.parametrize("extended", [False, True])
async def test_the_wait_for_a_reissue_may_be_extended(accepted: Conn, pool: Pool, extended: bool) -> None:
    contract = await contracts.shown(accepted, "acme")
    await stored.reissue_pending(accepted, contract.id, NOW, NOW + 30 * DAY)
    suspension = str(await changes.suspend(accepted, "A10.1", "flood", NOW, None, "ann", NOW))
    for until, why in ((NOW + 29 * DAY, "waits for no reissue, or until later"), (NOW, "lies ahead")):
        with pytest.raises(Unfit, match=why):
            await timers.extend(accepted, suspension, "acme", "reissue", until, "flood", "bob", NOW)
    if extended:
        await timers.extend(accepted, suspension, "acme", "reissue", NOW + 40 * DAY, "flood", "bob", NOW)
    await pool.execute("SELECT keiyaku.ensure_partitions($1, 2)", NOW)
    assert await ending.sweep_revoked(accepted, NOW + 30 * DAY) == (0 if extended else 1)
    assert await ending.sweep_revoked(accepted, NOW + 40 * DAY) == (1 if extended else 0)
    assert (await contracts.shown(accepted, "acme")).end_cause == "revoked"
