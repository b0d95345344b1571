"""Bank accounts, payers' names and virtual accounts through the API (Article 8)."""

from datetime import timedelta

import pytest

from office.use_cases import bank
from sql import Conn, Pool
from tests.conftest import NOW
from tests.office.edge.api.conftest import Api
from tests.office.use_cases.test_bank_import import FIRST

VIRTUAL = {"account": "main", "number": "0000001", "contract": "acme"}


@pytest.fixture
async def opened(applied: Conn) -> None:
    """The account `main`."""
    await bank.open_account(applied, "main", FIRST, "statement", NOW)


@pytest.mark.rule("T8-6")
@pytest.mark.usefixtures("opened")
async def test_a_person_confirms_days_that_no_file_covers(api: Api, pool: Pool) -> None:
    path, days = "/bank-accounts/main/days", {"first": FIRST.isoformat(), "last": "2026-11-20", "source": "the branch"}
    assert (await api.call("auditor", "POST", path, days))[0] == 403
    assert (await api.made("officer", path, days))["covered_through"] == "2026-11-20"
    assert (await api.call("officer", "POST", path, {"first": "2026-11-22", "source": "s"}))[0] == 422  # not over yet
    assert (await api.call("officer", "POST", "/bank-accounts/other/days", days))[0] == 404
    [account] = (await api.call("auditor", "GET", "/bank-accounts"))[1]["items"]
    assert (account["handle"], account["covered_through"]) == ("main", "2026-11-20")
    before = (FIRST - timedelta(days=1)).isoformat()
    assert (await api.made("officer", path, {"first": before, "source": "the branch"}))["covered_from"] == before
    actor = await pool.fetchval("SELECT actor FROM evidence.records WHERE kind = 'bank.covered'")
    assert actor.startswith("person:")


@pytest.mark.rule("T13-1")
async def test_names_under_which_customers_pay_come_in_pages_and_go(api: Api) -> None:
    for customer, name in (("kaisha", "ｶ)ﾚｲ"), ("other", "ｱｻﾋ"), ("kaisha", "ﾀﾛｳ")):
        await api.made("officer", "/payer-aliases", {"customer": customer, "name": name})
    assert (await api.call("officer", "POST", "/payer-aliases", {"customer": "kaisha", "name": "ﾚｲ(ｶ"}))[0] == 422
    whole = (await api.call("officer", "GET", "/payer-aliases"))[1]["items"]
    first = (await api.call("officer", "GET", "/payer-aliases", params={"limit": 2}))[1]
    rest = (await api.call("officer", "GET", "/payer-aliases", params={"limit": 2, "cursor": first["next"]}))[1]
    assert (first["items"] + rest["items"], rest["next"], len(whole)) == (whole, None, 3)
    [theirs] = (await api.call("officer", "GET", "/payer-aliases", params={"customer": "other"}))[1]["items"]
    assert (await api.call("officer", "DELETE", f"/payer-aliases/{theirs['id']}"))[0] == 204
    assert (await api.call("officer", "DELETE", f"/payer-aliases/{theirs['id']}"))[0] == 404


@pytest.mark.rule("T8-5")
@pytest.mark.usefixtures("opened")
async def test_a_virtual_account_is_one_contracts_for_long(api: Api) -> None:
    assert await api.made("officer", "/virtual-accounts", VIRTUAL) == VIRTUAL
    assert (await api.call("officer", "POST", "/virtual-accounts", VIRTUAL))[0] == 422
    assert (await api.call("officer", "POST", "/virtual-accounts", {**VIRTUAL, "contract": "nothing"}))[0] == 422
    assert (await api.call("officer", "DELETE", "/virtual-accounts/main/0000001"))[0] == 204
    assert (await api.call("officer", "DELETE", "/virtual-accounts/main/0000001"))[0] == 404
    assert (await api.call("officer", "POST", "/virtual-accounts", VIRTUAL))[0] == 422  # within twelve months
