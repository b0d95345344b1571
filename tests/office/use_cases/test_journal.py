"""The journal equals its definition, whatever was recorded late, closed in between, or asked for page by page."""

import random
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

import pytest

from contract_gate.calendar import JST
from office.storage import money_books
from office.storage.money_books import Place, Posting, before
from office.use_cases import ledger
from office.use_cases.asked import Unfit
from sql import Conn, Pool
from sql.rows import many

# The definition: everything that ever happened is dated, and then chosen from.
DEFINITION = """
WITH events AS (
    SELECT i.id, i.issued_on AS happened_on, i.created_at AS at, i.number AS reference, 'invoice' AS kind,
        'receivable' AS debit, 'deferred_revenue' AS credit,
        i.total_yen - CASE i.kind WHEN 'fee' THEN coalesce(t.tax, 0) ELSE i.total_yen END AS yen
    FROM gate.invoices i LEFT JOIN LATERAL (
        SELECT sum(x) AS tax FROM office.invoice_papers p, unnest(p.taxes) x WHERE p.invoice_id = i.id) t ON true
    UNION ALL
    SELECT i.id, i.issued_on, i.created_at, i.number, 'invoice', 'receivable', 'consumption_tax',
        CASE i.kind WHEN 'fee' THEN coalesce(t.tax, 0) ELSE i.total_yen END
    FROM gate.invoices i LEFT JOIN LATERAL (
        SELECT sum(x) AS tax FROM office.invoice_papers p, unnest(p.taxes) x WHERE p.invoice_id = i.id) t ON true
    UNION ALL
    SELECT r.id, r.value_on, r.recorded_at, r.id::text, 'receipt', 'bank', 'suspense', r.amount_yen
    FROM gate.receipts r
    UNION ALL
    SELECT r.id, (r.cancelled_at AT TIME ZONE 'Asia/Tokyo')::date, r.cancelled_at, r.id::text, 'receipt_cancelled',
        'suspense', 'bank', r.amount_yen FROM gate.receipts r WHERE r.cancelled_at IS NOT NULL
    UNION ALL
    SELECT m.id, (m.matched_at AT TIME ZONE 'Asia/Tokyo')::date, m.matched_at, i.number, 'match', 'suspense',
        'receivable', m.amount_yen FROM gate.payment_matches m JOIN gate.invoices i ON i.id = m.invoice_id
    UNION ALL
    SELECT m.id, (m.undone_at AT TIME ZONE 'Asia/Tokyo')::date, m.undone_at, i.number, 'unmatch', 'receivable',
        'suspense', m.amount_yen FROM gate.payment_matches m JOIN gate.invoices i ON i.id = m.invoice_id
    WHERE m.undone_at IS NOT NULL
    UNION ALL
    SELECT a.id, (a.decided_at AT TIME ZONE 'Asia/Tokyo')::date, a.decided_at, coalesce(a.number, i.number), a.kind,
        CASE a.kind WHEN 'credit' THEN 'deferred_revenue' WHEN 'write_off' THEN 'bad_debt'
            WHEN 'recovery' THEN 'receivable' ELSE 'bank_charges' END,
        CASE a.kind WHEN 'recovery' THEN 'bad_debt_recovered' ELSE 'receivable' END, abs(a.amount_yen - a.tax_yen)
    FROM office.adjustments a JOIN gate.invoices i ON i.id = a.invoice_id
    UNION ALL
    SELECT a.id, (a.decided_at AT TIME ZONE 'Asia/Tokyo')::date, a.decided_at, coalesce(a.number, i.number), a.kind,
        CASE WHEN a.kind = 'recovery' THEN 'receivable' ELSE 'consumption_tax' END,
        CASE WHEN a.kind = 'recovery' THEN 'consumption_tax' ELSE 'receivable' END, abs(a.tax_yen)
    FROM office.adjustments a JOIN gate.invoices i ON i.id = a.invoice_id
    UNION ALL
    SELECT f.id, (f.decided_at AT TIME ZONE 'Asia/Tokyo')::date, f.decided_at, f.receipt_id::text, 'refund', 'suspense',
        'bank', f.amount_yen FROM office.refunds f
), dated AS (
    SELECT e.id, greatest(e.happened_on, (SELECT (max(m.month) + interval '1 month')::date FROM office.closed_months m
        WHERE m.closed_at <= e.at)) AS posted_on, e.reference, e.kind, e.debit, e.credit, e.yen, e.at AS recorded_at
    FROM events e WHERE e.yen <> 0
)
SELECT id, posted_on, reference, kind, debit, credit, yen::integer, recorded_at FROM dated
WHERE posted_on BETWEEN $1 AND $2 ORDER BY posted_on, recorded_at, id, debit, credit
"""
FIRST, DAYS = date(2026, 1, 1), 150
EVER = (date(1, 1, 1), date(9999, 12, 31))
EACH = 12  # rows of a table


class Chance:
    """Money that moves on any day, often at one instant with other money or at the edge of a month."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.instants = [self.instant() for _ in range(12)]

    def day(self) -> date:
        edge = date(2026, self.random.randint(1, 6), 1) - timedelta(days=self.random.randint(0, 1))
        return self.random.choice([edge, FIRST + timedelta(days=self.random.randrange(DAYS))])

    def instant(self) -> datetime:
        """On a microsecond after or before an hour of Japan, midnight often."""
        hour = time(self.random.choice([0, 0, 9, 15]))
        off = timedelta(microseconds=self.random.randint(-1, 1))
        return datetime.combine(self.day(), hour, JST).astimezone(UTC) + off

    def at(self) -> datetime:
        return self.random.choice([self.random.choice(self.instants), self.instant()])

    def maybe_at(self) -> datetime | None:
        return self.random.choice([None, self.at()])

    def yen(self) -> int:
        return self.random.choice([1, 641, 60_500])

    def id(self) -> UUID:
        return UUID(int=self.random.getrandbits(128), version=4)


async def moved(pool: Pool, seed: int) -> None:
    """Rows of every table that the journal follows from, bound to no history; some months closed, in any order."""
    by = Chance(seed)
    contract, one, two = by.id(), by.id(), by.id()
    bills, receipts = [by.id() for _ in range(EACH)], [by.id() for _ in range(EACH)]
    async with pool.acquire() as conn, conn.transaction():
        await conn.execute("SET LOCAL session_replication_role = replica")
        for at, bill in enumerate(bills):
            kind = by.random.choice(["fee", "fee", "difference"])
            issued_on, tax = by.day(), by.random.choice([0, 1])
            await conn.execute(
                "INSERT INTO gate.invoices (id, contract_id, number, kind, issued_on, due_on, total_yen, open_yen,"
                " created_at) VALUES ($1, $2, $3, $4, $5, $5, $6, 0, $7)",
                bill, contract, f"I-{at}", kind, issued_on, by.yen(), by.at(),
            )  # fmt: skip
            if by.random.random() < 0.7:
                await conn.execute(
                    "INSERT INTO office.invoice_papers (invoice_id, buyer, period_from, period_end, rates, months,"
                    " bases, taxes) VALUES ($1, 'B', $2, $2, '{800,1000}', '{6,6}', '{0,0}', ARRAY[$3::integer, 0])",
                    bill, issued_on, tax,
                )  # fmt: skip
        await conn.executemany(
            "INSERT INTO gate.receipts (id, amount_yen, value_on, remitter, source, recorded_at, cancelled_at)"
            " VALUES ($1, $2, $3, 'R', 'S', $4, $5)",
            [(each, by.yen(), by.day(), by.at(), by.maybe_at()) for each in receipts],
        )
        await conn.executemany(
            "INSERT INTO gate.payment_matches VALUES ($1, $2, $3, $4, $5, $6)",
            [
                (by.id(), by.random.choice(bills), by.random.choice(receipts), by.yen(), by.at(), by.maybe_at())
                for _ in range(EACH)
            ],
        )
        for at in range(EACH):
            kind = by.random.choice(["credit", "write_off", "small_difference", "recovery"])
            sign, credit = (-1 if kind == "recovery" else 1), kind == "credit"
            await conn.execute(
                "INSERT INTO office.adjustments VALUES ($1, $2, $3, $4, $5, $6, $7, 'r', $8, $9, $10)",
                by.id(), by.random.choice(bills), kind, f"C-{at}" if credit else None, sign * by.yen(),
                sign * by.random.choice([0, 1]), 1000 if credit else None, one, two, by.at(),
            )  # fmt: skip
        await conn.executemany(
            "INSERT INTO office.refunds VALUES ($1, $2, $3, NULL, 'r', $4, $5, $6)",
            [(by.id(), by.random.choice(receipts), by.yen(), one, two, by.at()) for _ in range(EACH)],
        )
        for month in by.random.sample([date(2025, 12, 1), *(date(2026, each, 1) for each in range(1, 6))], 4):
            over = datetime.combine((month + timedelta(days=31)).replace(day=1), time(), JST)
            instants = [each for each in by.instants if each >= over] or [over]  # that of a recording, often
            closed_at = by.random.choice([*instants, over + timedelta(days=by.random.randrange(90))])
            await conn.execute("INSERT INTO office.closed_months VALUES ($1, $2, $3)", month, one, closed_at)


async def defined(conn: Conn, first: date, last: date) -> list[Posting]:
    return many(Posting, await conn.fetch(DEFINITION, first, last))


@pytest.mark.parametrize("seed", range(12))
async def test_the_journal_is_what_it_is_defined_to_be(pool: Pool, seed: int) -> None:
    await moved(pool, seed)
    async with pool.acquire() as conn:
        whole = await defined(conn, *EVER)
        assert len({each.place for each in whole}) == len(whole) > 5 * EACH
        valued = {row["id"]: row["value_on"] for row in await conn.fetch("SELECT id, value_on FROM gate.receipts")}
        assert any(valued[each.id] < each.posted_on for each in whole if each.kind == "receipt")  # late ones
        assert await ledger.journal(conn, *EVER) == whole
        assert [each async for some in ledger.whole(conn, *EVER, at_once=5) for each in some] == whole
        for number, each in enumerate(whole):  # behind each of them, whatever table it is of
            assert await money_books.journal(conn, EVER[1], 2, each.place) == whole[number + 1 : number + 3]
            cursor = ledger.cursor_of(each)
            assert await ledger.entered(conn, *EVER, cursor, 1) == whole[number + 1 : number + 2]


@pytest.mark.parametrize("seed", range(12, 18))
async def test_days_of_the_journal_are_what_they_are_defined_to_be(pool: Pool, seed: int) -> None:
    await moved(pool, seed)
    by = Chance(seed)
    async with pool.acquire() as conn:
        for _ in range(60):
            first = by.day()
            last = first + timedelta(days=by.random.choice([0, 1, 30, 70]))
            assert await ledger.journal(conn, first, last) == await defined(conn, first, last)


async def test_a_place_behind_the_days_has_nothing_behind_it_and_one_before_them_all(pool: Pool) -> None:
    await moved(pool, 1)
    async with pool.acquire() as conn:
        whole = await defined(conn, *EVER)
        early, late = (ledger.cursor_of(each) for each in (whole[0], whole[-1]))
        middle = whole[len(whole) // 2].posted_on
        assert await ledger.entered(conn, middle, middle, late, 9) == []
        assert await ledger.entered(conn, middle, middle, early, 999) == await defined(conn, middle, middle)
        ends = Place(date(9999, 12, 31), datetime(9999, 12, 31, tzinfo=UTC), UUID(int=1), "", "")
        assert await money_books.journal(conn, EVER[1], 9, ends) == []
        assert await money_books.journal(conn, EVER[1], 9, before(EVER[0])) == whole[:9]
        with pytest.raises(Unfit, match="lies before the first"):
            await ledger.journal(conn, middle, middle - timedelta(days=1))


async def test_the_database_closes_no_month_that_is_not_over(pool: Pool) -> None:
    """What is dated by the instant of its recording is in no closed month, so that it is never late."""
    close = "INSERT INTO office.closed_months SELECT '2026-10-01', id, $1 FROM gate.persons LIMIT 1"
    over = datetime(2026, 10, 31, 15, tzinfo=UTC)  # midnight in Japan
    await pool.execute(
        "INSERT INTO gate.persons (id, handle, name, organisation, created_at)"
        " VALUES (gen_random_uuid(), 'closer', 'C', 'CA', now())"
    )
    with pytest.raises(Exception, match="closed_months_over"):
        await pool.execute(close, over - timedelta(microseconds=1))
    await pool.execute(close, over)
