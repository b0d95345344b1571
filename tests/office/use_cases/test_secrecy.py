"""Retention, leaks, consultation, subcontractors on the real database."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta

import asyncpg
import pytest

from acme_server.dev.postgres import EmbeddedPostgres
from contract_gate.calendar import jst_date
from office.storage.tokens import Caller
from office.use_cases import (
    consultation,
    contracts,
    deliver,
    documents,
    ending,
    leaks,
    notices,
    payments,
    proposals,
    register,
    retention,
    subcontracting,
)
from office.use_cases.application import Review, review
from office.use_cases.asked import Unfit
from office.use_cases.mail import Posting
from sql import Conn, Pool
from tests.architecture.ids import files
from tests.conftest import NOW

TODAY = jst_date(NOW)


@pytest.fixture
async def office(postgres: EmbeddedPostgres, database: str) -> AsyncIterator[Pool]:
    async with asyncpg.create_pool(postgres.dsn("keiyaku_office", database), min_size=1, max_size=2) as made:
        yield made


@pytest.mark.rule("T16-2")
async def test_what_is_past_its_retention_is_destroyed_and_its_record_stays(
    accepted: Conn, office: Pool, pool: Pool
) -> None:
    await documents.keep(accepted, "acme", "registry", TODAY, b"secret", "ann", bytes(32), NOW)
    await ending.cancel(accepted, "acme", "ann", NOW)
    assert await retention.sweep(office, NOW + timedelta(days=729)) == 0
    later = NOW + timedelta(days=732)
    await pool.execute("SELECT keiyaku.ensure_partitions($1, 0)", later)
    assert await retention.sweep(office, later) > 2
    assert await retention.sweep(office, later) == 0
    row = await accepted.fetchrow("SELECT sha256, sealed_content, destroyed_at FROM office.documents")
    assert row is not None
    assert (row["sealed_content"], row["destroyed_at"]) == (None, later)
    assert await accepted.fetchval("SELECT representative FROM office.applications") == "-"


@pytest.mark.rule("T16-2")
@pytest.mark.parametrize("owed", [False, True])
async def test_contacts_go_two_years_after_the_end_unless_something_is_owed(
    accepted: Conn, office: Pool, pool: Pool, owed: bool
) -> None:
    await notices.set_contact(accepted, "kaisha", "ja", "東京都千代田区 1-1", NOW)
    await notices.set_recipient(accepted, "acme", "payer", "親 太郎", "payer@example.org", "ja", NOW)
    if owed:
        bill = payments.Bill("I-1", "fee", TODAY, None, 60_500)
        await payments.add_invoice(accepted, "acme", bill, NOW)
    later = NOW + timedelta(days=732)
    await pool.execute("SELECT keiyaku.ensure_partitions($1, 0)", later)
    assert await retention.destroy(office, "contacts.postal_address", later) == 0  # the contract runs
    await ending.cancel(accepted, "acme", "ann", NOW)
    for field, look in (
        ("contacts.postal_address", "SELECT postal_address IS NULL FROM office.contacts"),
        ("recipients.email", "SELECT email = '-' AND name = '-' FROM office.recipients"),
    ):
        assert await retention.destroy(office, field, NOW + timedelta(days=729)) == 0
        assert await retention.destroy(office, field, later) == (0 if owed else 1)
        assert await retention.destroy(office, field, later) == 0
        assert await pool.fetchval(look) is not owed


@pytest.mark.rule("T16-2")
async def test_two_recipients_of_one_contract_do_not_end_the_turn(
    accepted: Conn, office: Pool, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A contract is emptied whole, so that a page may hold more rows than were asked for."""
    monkeypatch.setattr(retention, "AT_ONCE", 1)
    await contracts.create(accepted, "beta", "kaisha", "small", NOW)
    for contract in ("acme", "beta"):
        for role in ("payer", "dealer"):
            await notices.set_recipient(accepted, contract, role, "親 太郎", "payer@example.org", "ja", NOW)
    await pool.execute("ALTER TABLE gate.contracts DISABLE TRIGGER USER")
    await pool.execute(
        "UPDATE gate.contracts c SET state = 'ended', ended_at = $1, end_cause = 'cancelled', "
        "end_recorded_at = $1, accepted_at = a.accepted_at, accepted_by_first = a.accepted_by_first, "
        "accepted_by_second = a.accepted_by_second FROM gate.contracts a WHERE a.handle = 'acme'", NOW,
    )  # fmt: skip
    later = NOW + timedelta(days=732)
    await pool.execute("SELECT keiyaku.ensure_partitions($1, 0)", later)
    assert await retention.destroy(office, "recipients.email", later) == 4


@pytest.mark.rule("T16-2")
async def test_what_a_notice_was_written_from_goes_with_its_letters(accepted: Conn, office: Pool, pool: Pool) -> None:
    await leaks.record(accepted, NOW, False, "40 contacts", "closed", ["kaisha"], "ann", NOW)
    await deliver.address_notices(office, NOW, posting=Posting(None, "http://office.test", ""))
    said = "550 <taro@kaisha.example> moved"
    await pool.execute(
        "UPDATE office.deliveries SET state = 'delivered', delivered_at = $1, last_error = $2", NOW, said
    )
    later = NOW + timedelta(days=7 * 366)
    await pool.execute("SELECT keiyaku.ensure_partitions($1, 0)", later)
    assert await retention.destroy(office, "deliveries.body", NOW) == 0
    assert await retention.destroy(office, "deliveries.body", later) == 2  # with the letter of the contract's formation
    assert await pool.fetchval("SELECT count(*) FROM office.deliveries WHERE last_error IS NOT NULL") == 0
    assert await pool.fetchval("SELECT array_agg(DISTINCT given::text) FROM office.notices") == ["{}"]


@pytest.mark.rule("T16-2")
async def test_a_leak_runs_two_clocks_that_check_shows(accepted: Conn) -> None:
    leak = str(await leaks.record(accepted, NOW, True, "40 contacts", "closed", ["kaisha"], "ann", NOW))
    nearest = "SELECT nearest FROM keiyaku.deadlines($1)"
    assert await accepted.fetchval(nearest, NOW) == NOW + timedelta(days=5)
    with pytest.raises(Unfit, match="preliminary report is still to come"):
        await leaks.report(accepted, leak, True, "ann", NOW)
    await leaks.report(accepted, leak, False, "ann", NOW)
    assert await accepted.fetchval(nearest, NOW) == NOW + timedelta(days=60)
    await leaks.report(accepted, leak, True, "ann", NOW)
    assert await accepted.fetchval(nearest, NOW) is None


@pytest.mark.rule("T17-1")
async def test_staff_of_a_subcontractor_carry_it_in_the_evidence(applied: Conn) -> None:
    await register.add_person(applied, "sub", "Sub", "Partner", NOW)
    partner = await subcontracting.add(applied, "Partner", "review_support", TODAY, "ann", NOW)
    await review(applied, "acme", Review("address", "1", "register", TODAY, "positive"), "sub", NOW)
    actor = "SELECT actor FROM evidence.records WHERE actor LIKE '%subcontractor%'"
    assert (await applied.fetchval(actor)).endswith(f" of subcontractor:{partner}")
    with pytest.raises(Unfit, match="CA's own to validate"):
        await review(applied, "acme", Review("domain_right", "1", "register", TODAY, "positive"), "sub", NOW)


@pytest.mark.rule("T28-1")
async def test_a_consultation_has_an_owner_and_a_day_to_look_again(accepted: Conn) -> None:
    with pytest.raises(Unfit, match="lies ahead"):
        await consultation.hold(accepted, "acme", "dispute", "bob", TODAY, "ann", NOW)
    await consultation.hold(accepted, "acme", "dispute", "bob", TODAY + timedelta(days=9), "ann", NOW)
    [held] = await consultation.listed(accepted)
    assert (held.owner, held.review_on) == ("bob", TODAY + timedelta(days=9))
    await consultation.end(accepted, "acme", "bob", NOW)
    assert await consultation.listed(accepted) == []


@pytest.mark.rule("T17-1", "T16-3")
def test_people_are_named_in_evidence_in_one_way_alone() -> None:
    """By id, and of which subcontractor they are: nothing else of the office writes a person as an actor."""
    texts = {path.name: path.read_text("utf-8") for path in files(".py")
             if "office" in path.parts and "tests" not in path.parts}  # fmt: skip
    of_customers = {"renewal.py"}  # the customer's person whose standing consent applies by itself
    assert {name for name, text in texts.items() if 'f"person:' in text} - of_customers == {"asked.py"}
    assert not [name for name, text in texts.items() if re.search(r"\bsecond=\w+\.id\b", text)]


@pytest.mark.rule("T17-1")
async def test_proposals_of_a_subcontractors_staff_say_so(applied: Conn, office: Pool) -> None:
    person = await register.add_person(applied, "sub", "Sub", "Partner", NOW)
    partner = await subcontracting.add(applied, "Partner", "review_support", TODAY, "ann", NOW)
    caller = Caller(person.id, person.id, "sub", None, "officer", None, None, NOW + timedelta(days=1))
    async with office.acquire() as conn:
        await proposals.propose(conn, caller, "contract.accept", {"contract": "acme"}, NOW)
    actor = await applied.fetchval("SELECT actor FROM evidence.records WHERE kind = 'proposal.made'")
    assert actor == f"person:{person.id} of subcontractor:{partner}"
