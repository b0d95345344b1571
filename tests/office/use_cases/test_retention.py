"""What is known of people goes at its date, field by field, and the records that name them by id stay (T16-2)."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import nullcontext
from datetime import datetime, timedelta

import asyncpg
import pytest

from acme_server.dev.postgres import EmbeddedPostgres
from ca.hierarchy import ROOT_LIFETIME
from contract_gate.articles.article_16_secrecy import RETENTION, kept_since
from contract_gate.calendar import JST, jst_date
from office.storage.retention import Gone
from office.use_cases import (
    acceptance,
    application,
    asked,
    bank_desk,
    contracts,
    deliver,
    ending,
    notices,
    payments,
    register,
    renewal,
    retention,
)
from office.use_cases.asked import Unfit
from office.use_cases.mail import Posting
from office.use_cases.notify import notify
from sql import Conn, Pool
from sql.evidence import Entry
from tests.conftest import NOW
from tests.office.use_cases.known import TYPED, beside, everything

DAY = timedelta(days=1)
TODAY = jst_date(NOW)
EVERYWHERE = """
SELECT n.nspname || '.' || c.relname AS place, a.attname AS col
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname IN ('gate', 'office', 'acme', 'ca', 'evidence') AND c.relkind IN ('r', 'p') AND NOT c.relispartition
  AND a.attnum > 0 AND NOT a.attisdropped AND a.atttypid IN ('text'::regtype, 'text[]'::regtype, 'jsonb'::regtype)
"""


@pytest.fixture
async def office(postgres: EmbeddedPostgres, database: str) -> AsyncIterator[Pool]:
    async with asyncpg.create_pool(postgres.dsn("keiyaku_office", database), min_size=1, max_size=2) as made:
        yield made


def years_on(count: int, days: int = 0) -> datetime:
    """NOW, so many years and days later in Japan."""
    local = NOW.astimezone(JST)
    return local.replace(year=local.year + count).astimezone(NOW.tzinfo) + days * DAY


async def swept(pool: Pool, office: Pool, at: datetime) -> int:
    await pool.execute("SELECT keiyaku.ensure_partitions($1, 0)", at)
    return await retention.sweep(office, at)


async def left_over(pool: Pool) -> set[str]:
    """Columns that hold any of what was typed in."""
    found = set()
    for row in await pool.fetch(EVERYWHERE):
        like = " OR ".join(f"\"{row['col']}\"::text LIKE '%{each}%'" for each in TYPED)
        if await pool.fetchval(f"SELECT EXISTS (SELECT FROM {row['place']} WHERE {like})"):
            found.add(f"{row['place']}.{row['col']}")
    return found


OF_TWO_YEARS = {
    "office.applications.representative", "office.applications.payer", "gate.holds.reason", "office.payer_aliases.name",
    "office.payer_aliases.key", "office.dealer_aliases.name", "office.dealer_aliases.key", "office.screenings.subject",
    "office.problem_reports.reporter", "office.problem_reports.email", "office.problem_reports.what",
    "office.key_proofs.reporter", "office.key_proofs.email", "office.cases.reporter", "office.contacts.postal_address",
    "office.recipients.name", "office.recipients.email", "gate.customers.contact_email", "acme.accounts.contacts",
}  # fmt: skip
OF_SEVEN = {
    "office.invoice_papers.buyer", "office.invoice_papers.payer", "gate.receipts.remitter",
    "office.bank_lines.remitter", "office.bank_lines.remitter_code", "office.bank_lines.edi",
    "office.proposals.arguments", "gate.customers.name",
    "office.deliveries.body", "office.deliveries.address", "office.notices.given",
}  # fmt: skip
LAST = {"office.ceremonies.transcript", "office.root_crls.transcript", "gate.persons.name"}


@pytest.mark.rule("T16-2", "T16-3")
async def test_of_what_is_known_of_people_each_field_goes_at_its_date(accepted: Conn, office: Pool, pool: Pool) -> None:
    await everything(accepted, pool)
    await deliver.address_notices(office, NOW, posting=Posting(None, "http://office.test", ""))
    await pool.execute("UPDATE office.deliveries SET state = 'delivered', delivered_at = $1", NOW)
    for who in ("ann", "bob"):
        await pool.execute("UPDATE gate.persons SET left_at = $1 WHERE handle = $2", NOW, who)
    known = OF_TWO_YEARS | OF_SEVEN | LAST
    assert await left_over(pool) >= known - {"office.notices.given"}
    assert await swept(pool, office, years_on(2, -1)) == 0
    # the certificate lives 90 days more than the contract
    await swept(pool, office, years_on(2, 89))
    assert {"office.applications.representative", "office.screenings.subject"} <= await left_over(pool)
    assert await swept(pool, office, years_on(2, 91)) > 0
    assert await left_over(pool) <= OF_SEVEN | LAST
    assert {*OF_SEVEN - {"office.notices.given"}, *LAST} <= await left_over(pool)
    await swept(pool, office, years_on(7, 1))
    assert await left_over(pool) == LAST  # the transcripts of the CA's keys name those who made them
    await swept(pool, office, years_on(22, 1))
    assert await left_over(pool) == set()
    assert await swept(pool, office, years_on(22, 1)) == 0
    row = await pool.fetchrow("SELECT * FROM gate.contracts")
    assert row is not None
    assert row["accepted_by_first"] != row["accepted_by_second"]  # the proof of two people stays
    assert await pool.fetchval("SELECT sum(amount_yen) FROM gate.receipts") == 1000
    gone = {row["field"] for row in await pool.fetch("SELECT field FROM office.destructions")}
    assert gone >= set(RETENTION) - {
        "documents.content", "requesters.name", "applicants.name", "notices.given", "deliveries.address",
    }  # fmt: skip


@pytest.mark.rule("T4-7", "T16-2")
@pytest.mark.parametrize(("kept", "days"), [("destroy", 0), ("90", 90)])
@pytest.mark.parametrize("how", ["rejected", "withdrawn"])
async def test_what_an_application_that_came_to_nothing_stated_goes_with_its_documents(
    applied: Conn, office: Pool, pool: Pool, kept: str, days: int, how: str
) -> None:
    await applied.execute(
        "INSERT INTO gate.readings SELECT 'review.rejected_docs', $1, $2, a.id, b.id"
        " FROM gate.persons a, gate.persons b WHERE a.handle = 'ann' AND b.handle = 'bob'", NOW - DAY, kept,
    )  # fmt: skip
    await notices.set_recipient(applied, "acme", "payer", "親 太郎", "payer@typed.example", "ja", NOW)
    await pool.execute("UPDATE office.applications SET payer = '親 太郎'")
    if how == "rejected":
        await acceptance.reject(applied, "acme", "documents", "ann", "bob", NOW)
        await deliver.address_notices(office, NOW, posting=Posting(None, "http://office.test", ""))
        await pool.execute("UPDATE office.deliveries SET state = 'delivered', delivered_at = $1", NOW)
    else:
        await acceptance.withdraw(applied, "acme", "ann", NOW)
    stated = {"office.applications.representative", "office.applications.payer", "office.screenings.subject",
              "office.recipients.name", "office.recipients.email"}  # fmt: skip
    if days:
        await swept(pool, office, NOW + (days - 1) * DAY)
        assert await left_over(pool) >= stated
    assert await swept(pool, office, NOW + days * DAY) >= 4
    assert not stated & await left_over(pool)
    assert await pool.fetchval("SELECT name FROM gate.customers") == "株式会社 例"  # who may apply again
    await swept(pool, office, years_on(2, days - 1))
    assert await pool.fetchval("SELECT name FROM gate.customers") == "株式会社 例"
    await swept(pool, office, years_on(2, days + 1))
    row = await pool.fetchrow("SELECT name, handle, id FROM gate.customers")
    assert row is not None
    assert (row["name"], row["handle"]) == ("-", f"gone-{row['id'].hex}")
    assert await pool.fetchval("SELECT state FROM gate.contracts") == how


@pytest.mark.rule("T4-7", "T16-2")
async def test_a_customer_stays_known_while_a_letter_waits(applied: Conn, office: Pool, pool: Pool) -> None:
    await pool.execute("UPDATE gate.customers SET contact_email = 'info@typed.example'")
    await acceptance.reject(applied, "acme", "documents", "ann", "bob", NOW)
    later = years_on(2, 1)
    await pool.execute("UPDATE office.notices SET queued_at = $1", later - DAY)  # nobody wrote it until then
    await swept(pool, office, later)
    assert await pool.fetchval("SELECT contact_email FROM gate.customers") == "info@typed.example"
    await deliver.address_notices(office, later, posting=Posting(None, "http://office.test", ""))
    await swept(pool, office, later)
    assert await pool.fetchval("SELECT contact_email FROM gate.customers") == "info@typed.example"
    await pool.execute("UPDATE office.deliveries SET state = 'delivered', delivered_at = $1", later)
    await swept(pool, office, later)
    assert await pool.fetchval("SELECT contact_email FROM gate.customers") is None


@pytest.mark.rule("T16-2")
async def test_no_letter_goes_to_a_payer_whose_address_is_destroyed(accepted: Conn, office: Pool, pool: Pool) -> None:
    """Who still must be told is a task for a person: the customer."""
    await notices.set_recipient(accepted, "acme", "payer", "例 太郎", "taro@typed.example", "ja", NOW)
    await ending.cancel(accepted, "acme", "ann", NOW)
    late, posting = years_on(2, 1), Posting(None, "http://office.test", "")
    await deliver.address_notices(office, NOW, posting=posting)
    await pool.execute("UPDATE office.deliveries SET state = 'delivered', delivered_at = $1", NOW)
    await swept(pool, office, late)
    await pool.execute("DELETE FROM office.deliveries")
    told = {"credit": "C1", "invoice": "F1", "total_yen": "5"}
    contract = await pool.fetchval("SELECT id FROM gate.contracts")
    await notify(accepted, "credit_invoice_issued", late, contract_id=contract, **told)
    await deliver.address_notices(office, late, posting=posting)
    rows = await pool.fetch("SELECT recipient, address, state FROM office.deliveries")
    assert [tuple(row) for row in rows] == [("customer", "", "person")]


@pytest.mark.rule("T16-2")
async def test_a_letter_that_nobody_could_deliver_is_dropped_after_seven_years(
    accepted: Conn, office: Pool, pool: Pool
) -> None:
    posting = Posting(None, "http://office.test", "")
    await deliver.address_notices(office, NOW, posting=posting)
    await pool.execute(
        "UPDATE office.deliveries SET state = 'waiting', address = 'info@typed.example', locked_until = now()"
    )
    await swept(pool, office, years_on(7, -1))
    assert await pool.fetchval("SELECT state FROM office.deliveries") == "waiting"
    await swept(pool, office, years_on(7, 1))
    row = await pool.fetchrow("SELECT state, address, body, fence FROM office.deliveries")
    assert tuple(row or ()) == ("dropped", "", "-", 1)
    assert await pool.fetchval("SELECT array_agg(DISTINCT given::text) FROM office.notices") == ["{}"]
    await pool.execute('UPDATE office.notices SET addressed_at = NULL, given = \'{"a": "例 太郎"}\'')
    await pool.execute("DELETE FROM office.deliveries")
    await swept(pool, office, years_on(7, 1))
    assert await left_over(pool) & {"office.notices.given"} == set()
    await deliver.address_notices(office, years_on(7, 1), posting=posting)
    assert await pool.fetchval("SELECT count(*) FROM office.deliveries") == 0  # nor is it ever written


@pytest.mark.rule("T16-2")
async def test_a_name_stays_while_money_is_left_or_somebody_must_look(accepted: Conn, office: Pool, pool: Pool) -> None:
    payment = payments.Payment(600, TODAY, "レイ ハナコ", "file 1, line 1")
    receipt = await payments.record_unexplained(accepted, payment, NOW)
    await beside(pool)
    await pool.execute("UPDATE office.line_outcomes SET state = 'waiting'")
    remitters = {"gate.receipts.remitter", "office.bank_lines.remitter"}
    await swept(pool, office, years_on(7, 1))
    assert await left_over(pool) >= remitters
    await payments.cancel(accepted, str(receipt), NOW)
    await pool.execute("UPDATE office.line_outcomes SET state = 'dismissed'")
    await swept(pool, office, years_on(7, 1))
    assert not await left_over(pool) & remitters
    row = await pool.fetchrow("SELECT remitter, amount_yen FROM office.bank_lines")
    assert row is not None
    assert re.fullmatch(r"#\d+", row["remitter"])


async def names(pool: Pool) -> dict[str, str]:
    """Names of people by the handles they have now."""
    rows = await pool.fetch("SELECT handle, name FROM gate.persons ORDER BY handle")
    return {"gone" if row["handle"].startswith("gone-") else row["handle"]: row["name"] for row in rows}


@pytest.mark.rule("T16-2")
async def test_people_of_customers_go_after_the_last_contract_that_names_them(
    accepted: Conn, office: Pool, pool: Pool
) -> None:
    """Who decided for the CA stays until they have left, whatever customer they are of too."""
    await register.add_person(accepted, "hana", "例 花子", "Kaisha", NOW)
    await contracts.create(accepted, "beta", "kaisha", "small", NOW)
    await application.consent(accepted, "beta", "1", "1", "hana", "web", NOW, NOW)
    await application.name_requester(accepted, "beta", "hana", "hana", NOW)
    await acceptance.withdraw(accepted, "beta", "hana", NOW)
    await application.name_requester(accepted, "acme", "hana", "ann", NOW)
    later = years_on(2, 1)
    await swept(pool, office, later)
    assert await names(pool) == {"ann": "Ann", "bob": "Bob", "hana": "例 花子"}  # acme runs
    await ending.cancel(accepted, "acme", "hana", NOW)
    await swept(pool, office, years_on(2, -1))
    assert "hana" in await names(pool)
    await swept(pool, office, later)
    assert await names(pool) == {"ann": "Ann", "bob": "Bob", "gone": "-"}
    assert await pool.fetchval("SELECT count(*) FROM gate.consents") == 2


@pytest.mark.rule("T16-2")
@pytest.mark.parametrize("gone", [False, True])
async def test_a_pseudonym_is_named_for_nothing_new(accepted: Conn, pool: Pool, gone: bool) -> None:
    other = register.customer("other", "Other", "sole_proprietor", None, True, None, NOW)
    await register.add_customer(accepted, other, NOW)
    await register.add_person(accepted, "eve", "Eve", "CA", NOW)
    await contracts.create(accepted, "gamma", "other", "small", NOW)
    if gone:
        for table, handle in (("customers", "kaisha"), ("persons", "bob")):
            await pool.execute(
                f"UPDATE gate.{table} SET handle = 'gone-1', personal_data_destroyed_at = $1 WHERE handle = $2",
                NOW, handle,
            )  # fmt: skip
    customer, person = ("gone-1", "gone-1") if gone else ("kaisha", "bob")
    for named in (
        contracts.create(accepted, "beta", customer, "small", NOW),
        renewal.apply(accepted, "acme-2", "acme", None, "change", NOW),
        application.assign(accepted, "gamma", customer, bytes(32), "ann", "eve", NOW),
        bank_desk.add_alias(accepted, customer, "ｶ)ﾚｲ", "ann", NOW),
        asked.person(accepted, person),
    ):
        with pytest.raises(Unfit, match=r"there is no|destroyed") if gone else nullcontext():
            await named


@pytest.mark.rule("T16-2")
@pytest.mark.parametrize("running", [True, False])
async def test_who_left_the_ca_goes_seven_years_later_unless_a_contract_they_accepted_is_kept(
    accepted: Conn, office: Pool, pool: Pool, running: bool
) -> None:
    await pool.execute("UPDATE gate.persons SET left_at = $1 WHERE handle = 'bob'", NOW)
    if not running:
        await ending.cancel(accepted, "acme", "ann", NOW)
    await swept(pool, office, years_on(7, -1))
    assert await names(pool) == {"ann": "Ann", "bob": "Bob"}
    await swept(pool, office, years_on(7, 1))
    assert await names(pool) == ({"ann": "Ann", "bob": "Bob"} if running else {"ann": "Ann", "gone": "-"})


@pytest.mark.rule("T16-2")
async def test_a_sweep_cut_short_goes_on_and_two_at_once_record_each_row_once(
    accepted: Conn, office: Pool, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "AT_ONCE", 1)
    await everything(accepted, pool)
    later = years_on(8)
    await pool.execute("SELECT keiyaku.ensure_partitions($1, 0)", later)
    proofs, cut = retention.proofs, iter(range(3))

    def dies(field: str, gone: list[Gone], now: datetime) -> Iterator[Entry]:
        if next(cut, None) is None:
            raise ConnectionResetError
        return proofs(field, gone, now)

    monkeypatch.setattr(retention, "proofs", dies)
    with pytest.raises(ConnectionResetError):
        await retention.sweep(office, later)
    monkeypatch.setattr(retention, "proofs", proofs)
    assert await pool.fetchval("SELECT sum(rows) FROM office.destructions") == 3
    rest = await asyncio.gather(retention.sweep(office, later), retention.sweep(office, later))
    recorded = await pool.fetch("SELECT content FROM evidence.records WHERE kind = 'personal_data.destroyed'")
    rows = [
        (found["field"], row) for each in recorded for found in [json.loads(each["content"])] for row in found["rows"]
    ]
    assert len(rows) == len(set(rows)) == 3 + sum(rest)
    assert sum(rest) == await pool.fetchval("SELECT sum(rows) FROM office.destructions") - 3
    assert min(rest) >= 0


@pytest.mark.rule("T16-2")
def test_transcripts_of_ceremonies_outlive_the_root_by_two_years() -> None:
    """C-172: records of CA keys, two years after the last certificate ends."""
    for field in ("ceremonies.transcript", "root_crls.transcript"):
        assert kept_since(field, NOW) <= NOW - ROOT_LIFETIME - 730 * DAY
