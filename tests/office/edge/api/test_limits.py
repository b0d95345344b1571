"""Limits of a contract, imported bank files and what became of personal data, through the API."""

from datetime import timedelta

import pytest

from sql import Conn, Pool
from tests.conftest import NOW
from tests.office.edge.api.conftest import Api
from tests.office.edge.api.test_pages import walked
from tests.office.use_cases.test_bank_import import BY_REFERENCE, YESTERDAY, file_of, ready
from tests.simulators.bank_files import Credit

PATH = "/contracts/acme/limits"
NEW = {"name": "orders_of_contract", "number": 900, "reason": "a fleet of 900"}


async def test_a_contract_has_its_own_numbers_from_an_instant_on(api: Api, pool: Pool) -> None:
    later = (NOW + timedelta(days=1)).isoformat().replace("+00:00", "Z")
    await api.made("officer", PATH, NEW)
    await api.made("officer", PATH, {**NEW, "number": 0, "starts_at": later})
    await api.made("officer", PATH, {**NEW, "number": None})
    earlier = (NOW - timedelta(seconds=1)).isoformat()
    assert (await api.call("officer", "POST", PATH, {**NEW, "starts_at": earlier}))[0] == 422
    assert (await api.call("officer", "POST", PATH, {"name": "new_accounts", "reason": "r"}))[0] == 400  # which number
    assert (await api.call("officer", "POST", PATH, {**NEW, "number": -1}))[0] == 400
    assert (await api.call("officer", "POST", "/contracts/nothing/limits", NEW))[0] == 404
    assert (await api.call("operator", "POST", PATH, NEW))[0] == 403
    whole = await walked(api, "auditor", PATH)
    assert (whole[0]["number"], whole[0]["set_by"]) == (0, "ann")
    assert {each["number"] for each in whole} == {0, 900, None}
    actors = await pool.fetch("SELECT actor FROM evidence.records WHERE kind = 'limit.set'")
    assert [row["actor"].partition(":")[0] for row in actors] == ["person"] * 3


@pytest.mark.rule("T8-5")
async def test_imported_files_come_in_pages(api: Api, accepted: Conn) -> None:
    await ready(accepted)
    for number in (1, 2, 3):
        octets = file_of(BY_REFERENCE, Credit(number, "ﾀﾞﾚｶ", day=YESTERDAY))
        given = {"data": octets, "headers": {"Content-Type": "application/octet-stream"}}
        assert (await api.call("operator", "POST", "/bank-files", **given))[0] == 200
    whole = (await api.call("auditor", "GET", "/bank-files"))[1]
    assert (len(whole["items"]), whole["next"], whole["items"][0]["accounts"]) == (3, None, ["main"])
    assert await walked(api, "auditor", "/bank-files") == whole["items"]
    assert (await api.call("applicant", "GET", "/bank-files"))[0] == 403


@pytest.mark.rule("T16-2")
async def test_what_is_kept_and_what_was_destroyed_come_in_pages(api: Api, pool: Pool) -> None:
    kept = await walked(api, "auditor", "/retention")
    assert {"receipts.remitter", "dealer_aliases.name"} <= {each["field"] for each in kept}
    assert len(kept) > 20
    for at, field in ((NOW, "b"), (NOW, "a"), (NOW - timedelta(microseconds=1), "c")):
        await pool.execute("INSERT INTO office.destructions VALUES ($2, $1, 7)", at, field)
    gone = await walked(api, "auditor", "/destructions")
    assert [(each["field"], each["rows"]) for each in gone] == [("a", 7), ("b", 7), ("c", 7)]
    for path in ("/retention", "/destructions"):
        assert (await api.call("auditor", "GET", path, params={"cursor": "x"}))[0] == 422
