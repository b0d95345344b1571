"""The accountants' books as listings, and invoices recorded by hand, through the API (Articles 8 and 9)."""

import csv
from collections import Counter
from collections.abc import Mapping
from datetime import date
from io import StringIO
from typing import Any

import pytest
from yarl import URL

from contract_gate.calendar import DAY, period_end
from office.use_cases import ledger, payments
from sql import Conn, Pool
from tests.conftest import NOW
from tests.office.edge.api.conftest import Api
from tests.office.use_cases.test_books import billed as billed
from tests.office.use_cases.test_books import money

NEW = {"number": "I-7", "total_yen": 1_000, "issued_on": "2026-09-20"}
YEAR = {"first": "2026-01-01", "last": "2026-12-31"}


async def walked(api: Api, path: str, query: Mapping[str, Any], limit: int = 1) -> list[Any]:
    """Every thing of a listing, page by page."""
    seen: list[Any] = []
    given = {**query, "limit": limit}
    while True:
        status, page = await api.call("auditor", "GET", path, params=given)
        assert (status, len(page["items"]) <= limit) == (200, True), page
        seen += page["items"]
        if page["next"] is None:
            return seen
        given["cursor"] = page["next"]


@pytest.mark.rule("T8-2")
async def test_an_invoice_made_elsewhere_is_recorded_once(api: Api, accepted: Conn, pool: Pool) -> None:
    path, key = "/contracts/acme/invoices", {"Idempotency-Key": "bill"}
    first = await api.call("officer", "POST", path, NEW, headers=key)
    assert (first[0], first[1]["due_on"], first[1]["open_yen"]) == (201, "2026-10-31", 1_000)
    assert await api.call("officer", "POST", path, NEW, headers=key) == first
    assert (await api.call("officer", "POST", path, NEW))[0] == 422  # the number is taken
    assert (await api.call("officer", "POST", path, {**NEW, "number": "F00000009"}))[0] == 422  # the books' own
    assert (await api.call("officer", "POST", path, {**NEW, "number": "I-8", "due_on": "2026-09-19"}))[0] == 422
    assert (await api.call("officer", "POST", "/contracts/nothing/invoices", NEW))[0] == 404
    assert (await api.call("approver", "POST", path, NEW))[0] == 403
    [stored] = (await api.call("applicant", "GET", "/invoices"))[1]["items"]
    assert stored == first[1]
    told = "SELECT count(*) FROM evidence.records WHERE kind = 'invoice.issued'"
    assert await pool.fetchval(told) == 1


@pytest.mark.rule("T8-2")
async def test_the_database_takes_no_invoice_by_hand_under_a_number_of_the_books(accepted: Conn) -> None:
    record = """SELECT gate.record_invoice(gen_random_uuid(), id, $1, 'fee', '2026-09-20', '2026-10-31', 5, now())
        FROM gate.contracts WHERE handle = 'acme'"""
    assert await accepted.fetchval(record, "F00000009") is None
    assert await accepted.fetchval(record, "F-9") is not None


@pytest.mark.rule("T8-5", "T13-1")
async def test_money_that_pays_nothing_is_listed_page_by_page(api: Api, billed: Conn) -> None:
    for yen in (60_600, 5, 7):  # the first pays and 100 yen are left
        receipt = await payments.record_unexplained(billed, money(yen), NOW)
        if yen == 60_600:
            await payments.match(billed, str(receipt), "F00000001", NOW)
    gone = await payments.record_unexplained(billed, money(9), NOW)
    await payments.cancel(billed, str(gone), NOW)
    back = await payments.record_unexplained(billed, money(11), NOW)
    await ledger.refund(billed, str(back), 11, "not ours", "ann", "bob", NOW)
    refused = await payments.record_unexplained(billed, money(13), NOW)
    await ledger.refund(billed, str(refused), 4, "not ours", "ann", "bob", NOW)
    await payments.cancel(billed, str(refused), NOW)
    whole = (await api.call("auditor", "GET", "/books/suspense"))[1]
    assert (Counter(each["rest_yen"] for each in whole["items"]), whole["next"]) == (Counter([100, 5, 7, -4]), None)
    assert await walked(api, "/books/suspense", {}) == whole["items"]
    assert (await api.call("auditor", "GET", "/books/suspense", params={"cursor": "x"}))[0] == 422
    assert (await api.call("applicant", "GET", "/books/suspense"))[0] == 403


@pytest.mark.rule("T8-15")
async def test_what_is_open_is_listed_by_age_and_small_rests_apart(api: Api, billed: Conn) -> None:
    for number, yen in (("I-1", 900), ("I-2", 2_000), ("I-3", 400)):
        bill = payments.Bill(number, "fee", date(2026, 9, 20), None, yen)
        await payments.add_invoice(billed, "acme", bill, NOW)
    coming = payments.Bill("I-4", "fee", date(2026, 11, 20), None, 300)
    await payments.add_invoice(billed, "acme", coming, NOW)
    whole = await walked(api, "/books/ageing", {})
    assert [(each["number"], each["days"]) for each in whole] == [
        ("F00000001", 206), ("I-1", 22), ("I-2", 22), ("I-3", 22), ("I-4", 0),
    ]  # fmt: skip
    earlier = (await api.call("auditor", "GET", "/books/ageing", params={"on": "2026-11-01"}))[1]["items"]
    assert [each["days"] for each in earlier] == [185, 1, 1, 1, 0]
    for limit in (1, 2, 50):
        assert [each["number"] for each in await walked(api, "/books/small-rests", {}, limit)] == ["I-1", "I-3"]


@pytest.mark.rule("T8-9", "T8-10")
async def test_what_the_fees_earn_is_listed_for_months(api: Api, billed: Conn) -> None:
    whole = await walked(api, "/books/deferred", {})
    assert [(each["month"], each["deferred_yen"]) for each in whole[:2]] == [
        ("2026-03-01", 55_000), ("2026-04-01", 50_417),
    ]  # fmt: skip
    assert len(whole) == 13
    some = await walked(api, "/books/deferred", {"first": "2026-05-20", "last": "2026-08-01"}, 3)
    assert some == whole[2:6]


@pytest.mark.rule("T8-9", "T8-10")
async def test_fees_together_earn_what_they_earn_one_by_one(billed: Conn, pool: Pool) -> None:
    """Whatever the day of the month on which the term began, how long it is, and whether the fee divides."""
    begun = [date(2023, 12, 31), date(2024, 1, 1), *(date(2024, 1, day) for day in (2, 28, 29, 30, 31)),
             date(2024, 2, 1), date(2024, 2, 29), date(2024, 3, 1)]  # fmt: skip
    contract = "SELECT id FROM gate.contracts WHERE handle = 'acme'"
    expected: Counter[date] = Counter()
    for at, (first_day, base) in enumerate(zip(begun, (55_000, 13, 7, 12, 25, 1, 100, 99, 11, 23), strict=True)):
        await pool.execute(
            f"""WITH i AS (INSERT INTO gate.invoices (id, contract_id, number, kind, issued_on, due_on, total_yen,
                open_yen, created_at)
                SELECT gen_random_uuid(), ({contract}), $1, 'fee', $2, $2, $3, $3, now() RETURNING id)
            INSERT INTO office.invoice_papers (invoice_id, buyer, period_from, period_end, rates, months, bases, taxes)
            SELECT id, 'Rei', $2, $2::date + 366, '{{1000}}', '{{12}}', ARRAY[$3::integer], '{{0}}' FROM i""",
            f"X-{at}", first_day, base,
        )  # fmt: skip
        parts = [base // 12] * 11 + [base - base // 12 * 11]
        for number, yen in enumerate(parts, 1):
            expected[(period_end(first_day, number) - DAY).replace(day=1)] += yen
    found = {each.month: each.earned_yen for each in await ledger.deferred(billed) if each.month.year < 2026}
    assert {month: yen for month, yen in found.items() if yen} == {month: yen for month, yen in expected.items() if yen}


@pytest.mark.rule("T8-5")
async def test_the_journal_comes_in_pages_and_as_csv(api: Api, billed: Conn) -> None:
    for _ in range(2):  # of one instant, with one reference: their ids tell them apart
        await payments.record_payment(billed, "F00000001", money(100), NOW)
    whole = (await api.call("auditor", "GET", "/books/journal", params=YEAR))[1]
    assert (len(whole["items"]), whole["next"]) == (6, None)
    for limit in (1, 4):
        assert await walked(api, "/books/journal", YEAR, limit) == whole["items"]
    status, text = await api.call("auditor", "GET", "/books/journal.csv", params=YEAR)
    rows = list(csv.DictReader(StringIO(text)))
    assert (status, len(rows)) == (200, 12)
    assert sum(int(row["debit_yen"]) for row in rows) == sum(each["yen"] for each in whole["items"])
    april = {"first": "2026-04-01", "last": "2026-04-30"}
    assert {each["kind"] for each in await walked(api, "/books/journal", april)} == {"receipt"}


@pytest.mark.parametrize(
    ("query", "status"),
    [
        pytest.param({}, 400, id="no days"),
        pytest.param({"first": "2026-01-01"}, 400, id="no last day"),
        pytest.param({"first": "2026-01-02", "last": "2026-01-01"}, 422, id="the last before the first"),
        pytest.param({**YEAR, "limit": "0"}, 400, id="no movement"),
        pytest.param({**YEAR, "limit": "200001"}, 400, id="a part that is too long"),
        pytest.param({**YEAR, "limit": "1", "cursor": "x"}, 422, id="a part behind nothing"),
    ],
)
async def test_days_of_the_journal_are_asked_for(api: Api, query: dict[str, str], status: int) -> None:
    assert (await api.call("auditor", "GET", "/books/journal.csv", params=query))[0] == status


@pytest.mark.parametrize(
    "cursor",
    ["x", "~~~~", "2026-11-22~x~y~a~b", "2026-11-22~2026-11-22T12:00:00Z~1~a~b",
     "x~2026-11-22T12:00:00Z~01a205e8-0fbf-7cf9-9a6c-880c39c88b08~a~b"],
)  # fmt: skip
async def test_a_place_that_is_none_is_refused(api: Api, cursor: str) -> None:
    assert (await api.call("auditor", "GET", "/books/journal", params={**YEAR, "cursor": cursor}))[0] == 422


@pytest.mark.rule("T8-5")
@pytest.mark.parametrize("at_once", [2, 10_000])
@pytest.mark.parametrize(("limit", "parts"), [(1, 6), (2, 3), (4, 2), (6, 1), (7, 1)])
async def test_parts_of_the_journal_make_the_whole_file(
    api: Api, billed: Conn, monkeypatch: pytest.MonkeyPatch, limit: int, parts: int, at_once: int
) -> None:
    """However many are read at once; more than one file may hold, too."""
    for _ in range(2):
        await payments.record_payment(billed, "F00000001", money(100), NOW)
    whole = (await api.call("auditor", "GET", "/books/journal.csv", params=YEAR))[1]
    monkeypatch.setattr("office.edge.api.ledger.MOST_AT_ONCE", 3)
    monkeypatch.setattr("office.use_cases.ledger.whole.__defaults__", (None, None, at_once))
    headers, found = {"Authorization": f"Bearer {api.secrets['auditor']}"}, []
    url: URL | None = URL("/api/books/journal.csv").with_query({**YEAR, "limit": limit})
    while url is not None:
        async with api.client.get(url, headers=headers) as response:
            assert response.status == 200
            found.append(await response.text())
            url = URL(response.links["next"]["url"]).relative() if "next" in response.links else None
    assert ("".join(found), len(found)) == (whole, parts)


async def test_a_part_is_asked_for_by_the_cursor_of_the_same_days(api: Api, billed: Conn) -> None:
    headers = {"Authorization": f"Bearer {api.secrets['auditor']}"}
    async with api.client.get("/api/books/journal.csv", params={**YEAR, "limit": "1"}, headers=headers) as response:
        cursor = URL(response.links["next"]["url"]).query["cursor"]
    assert "2026" not in cursor
    other = {**YEAR, "first": "2026-01-02", "limit": "1", "cursor": cursor}
    assert (await api.call("auditor", "GET", "/books/journal.csv", params=other))[0] == 422
    longer = {**YEAR, "limit": "2", "cursor": cursor}
    assert (await api.call("auditor", "GET", "/books/journal.csv", params=longer))[0] == 200


async def test_the_file_of_the_journal_has_its_type_and_is_bounded(
    api: Api, billed: Conn, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers = {"Authorization": f"Bearer {api.secrets['auditor']}"}
    async with api.client.get("/api/books/journal.csv", params=YEAR, headers=headers) as response:
        assert (response.status, response.headers["Content-Type"]) == (200, "text/csv; charset=utf-8")
    monkeypatch.setattr("office.edge.api.ledger.MOST_AT_ONCE", 1)
    assert (await api.call("auditor", "GET", "/books/journal.csv", params=YEAR))[0] == 422
