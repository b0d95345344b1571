"""The accountants' work by hand through the API (Articles 8 and 9)."""

from collections.abc import AsyncIterator
from datetime import date, timedelta

import msgspec
import pytest

from office.use_cases import ledger, payments
from sql import Conn, Pool
from tests.conftest import NOW
from tests.office.edge.api.conftest import Api
from tests.office.use_cases.test_bank_import import BY_REFERENCE, YESTERDAY, file_of, ready
from tests.office.use_cases.test_books import billed as billed
from tests.office.use_cases.test_books import money
from tests.simulators.bank_files import Credit

NEW = {"amount_yen": 60_500, "value_on": "2026-04-30", "remitter": "レイ", "source": "passbook, line 4"}
INVOICE = {"invoice": "F00000001"}


async def open_yen(api: Api) -> int:
    return int((await api.call("applicant", "GET", "/invoices/F00000001"))[1]["open_yen"])


async def said(pool: Pool, kind: str) -> list[str]:
    """Who acted, of each row of evidence."""
    rows = await pool.fetch("SELECT actor FROM evidence.records WHERE kind = $1 ORDER BY id", kind)
    return [row["actor"].partition(":")[0] for row in rows]


@pytest.mark.rule("T8-5", "T13-1")
async def test_money_that_nobody_explained_pays_and_does_not_after_all(api: Api, billed: Conn, pool: Pool) -> None:
    receipt = f"/receipts/{(await api.made('officer', '/receipts', NEW))['id']}"
    assert (await api.call("approver", "POST", receipt + "/match", INVOICE))[0] == 403
    assert (await api.made("officer", receipt + "/match", INVOICE))["open_yen"] == 0
    assert (await api.call("officer", "POST", receipt + "/match", INVOICE))[0] == 422
    key = {"Idempotency-Key": "unmatch"}
    again = await api.call("officer", "POST", receipt + "/unmatch", INVOICE, headers=key)
    assert again == (200, {"invoice": "F00000001", "reopened_yen": 60_500})
    assert await api.call("officer", "POST", receipt + "/unmatch", INVOICE, headers=key) == again
    assert (await api.call("officer", "POST", receipt + "/unmatch", INVOICE))[0] == 422
    assert (await open_yen(api), await said(pool, "payment.unmatched")) == (60_500, ["person"])


@pytest.mark.rule("T8-5")
async def test_what_the_bank_took_back_is_open_again(api: Api, billed: Conn) -> None:
    receipt = (await payments.record_payment(billed, "F00000001", money(60_500), NOW)).receipt
    assert await open_yen(api) == 0
    await api.made("officer", f"/receipts/{receipt}/cancel", {})
    assert await open_yen(api) == 60_500
    assert (await api.call("officer", "POST", f"/receipts/{receipt}/cancel", {}))[0] == 422


@pytest.mark.rule("T8-5")
async def test_a_bank_line_is_dismissed(api: Api, accepted: Conn, pool: Pool) -> None:
    await ready(accepted)
    octets = {
        "data": file_of(BY_REFERENCE, Credit(1, "ﾀﾞﾚｶ", day=YESTERDAY)),
        "headers": {"Content-Type": "application/octet-stream"},
    }
    assert (await api.call("operator", "POST", "/bank-files", **octets))[0] == 200
    [line] = (await api.call("officer", "GET", "/bank-queue"))[1]["items"]
    path = f"/bank-queue/{line['id']}/dismiss"
    await api.made("officer", path, {"reason": "a test of the bank"})
    assert (await api.call("officer", "GET", "/bank-queue"))[1]["items"] == []
    assert (await api.call("officer", "POST", path, {"reason": "again"}))[0] == 422
    assert (await api.call("officer", "POST", "/bank-queue/first/dismiss", {"reason": "r"}))[0] == 404
    assert await said(pool, "bank.line_dismissed") == ["person"]


@pytest.mark.rule("T9-4")
async def test_a_claim_is_evidence_alone(api: Api, billed: Conn, pool: Pool) -> None:
    claim = {"amount_yen": 70_000, "evidence": "letter of 1 November"}
    assert (await api.call("officer", "POST", "/contracts/nothing/claims", claim))[0] == 404
    await api.made("officer", "/contracts/acme/claims", claim)
    assert (await open_yen(api), await said(pool, "claim.recorded")) == (60_500, ["person"])


@pytest.mark.rule("T8-16")
async def test_a_default_is_stated_where_a_dealer_collects(api: Api, billed: Conn, pool: Pool) -> None:
    path, statement = "/invoices/F00000001/default", {"evidence": "letter of the dealer"}
    assert (await api.call("officer", "POST", path, statement))[0] == 422  # it has no dealer
    await pool.execute("UPDATE gate.invoices SET dealer = 'Dealer K.K.'")
    await api.made("officer", path, statement)
    assert await pool.fetchval("SELECT dealer_states_default FROM gate.invoices")
    assert (await api.call("officer", "POST", "/invoices/F9/default", statement))[0] == 404


async def test_a_month_is_closed_once_when_it_is_over(api: Api, pool: Pool) -> None:
    assert await api.made("officer", "/closed-months", {"month": "2026-10-01"}) == {"month": "2026-10-01"}
    for month in ("2026-10-01", "2026-11-01", "2026-09-02"):
        assert (await api.call("officer", "POST", "/closed-months", {"month": month}))[0] == 422
    assert await said(pool, "books.closed") == ["person"]


@pytest.mark.rule("T8-5")
async def test_what_comes_slowly_is_of_the_moment_when_it_is_here(api: Api, billed: Conn) -> None:
    """A month closed while the body of a call still comes does not change by it."""
    body = msgspec.json.encode(NEW)

    async def slowly() -> AsyncIterator[bytes]:
        api.clock.asked.clear()
        yield body[:9]
        await api.clock.asked.wait()
        api.clock.at = NOW + timedelta(seconds=1)
        await api.made("officer", "/closed-months", {"month": "2026-04-01"})
        api.clock.at = NOW + timedelta(seconds=2)
        yield body[9:]

    as_json = {"Content-Type": "application/json"}
    assert (await api.call("officer", "POST", "/receipts", data=slowly(), headers=as_json))[0] == 201
    assert not await ledger.journal(billed, date(2026, 4, 1), date(2026, 4, 30))
    assert [each.yen for each in await ledger.journal(billed, date(2026, 5, 1), date(2026, 5, 1))] == [60_500]
