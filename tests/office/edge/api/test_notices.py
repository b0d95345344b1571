"""Notices and their delivery through the API (Articles 5 and 23)."""

from datetime import timedelta

import pytest

from contract_gate.calendar import jst_date
from office.use_cases import deliver, service_end
from office.use_cases.mail import Posting
from office.use_cases.notify import notify
from sql import Conn, Pool
from tests.conftest import NOW
from tests.office.edge.api.conftest import Api
from tests.office.edge.api.test_pages import walked
from tests.office.edge.api.test_router import NOBODY
from tests.office.use_cases.conftest import INVOICE
from tests.office.use_cases.test_deliver import report

ADDRESS = {"language": "en", "postal_address": "1-1 Chiyoda, Tokyo"}
PAYER = {"name": "Payer K.K.", "email": "money@payer.example"}
EMPTY = Posting(None, "http://office.test", "officers@ca.example")
FILE = {"Content-Type": "application/octet-stream"}


async def addressed(conn: Conn, pool: Pool) -> None:
    """The notice of an invoice goes to everybody who is told of it."""
    key = await conn.fetchval("SELECT id FROM gate.contracts WHERE handle = 'acme'")
    await notify(conn, "invoice_issued", NOW, contract_id=key, **INVOICE)
    await deliver.address_notices(pool, NOW, posting=EMPTY)


@pytest.mark.rule("T5-2")
async def test_a_letter_is_posted_by_a_person(api: Api, applied: Conn, pool: Pool) -> None:
    assert (await api.call("officer", "PUT", "/customers/kaisha/contact", ADDRESS))[0] == 204
    assert (await api.call("officer", "PUT", "/customers/nobody/contact", ADDRESS))[0] == 404
    assert (await api.call("operator", "PUT", "/customers/kaisha/contact", ADDRESS))[0] == 403
    for email, status in (("info", 422), ("new@kaisha.example", 204)):
        assert (await api.call("officer", "PUT", "/customers/kaisha/contact", {**ADDRESS, "email": email}))[0] == status
    assert await pool.fetchval("SELECT contact_email FROM gate.customers WHERE handle = 'kaisha'") == email
    await pool.execute("UPDATE gate.customers SET contact_email = NULL")  # as of a customer who is written to on paper
    await addressed(applied, pool)
    [letter] = (await api.call("officer", "GET", "/notices", params={"state": "person"}))[1]["items"]
    assert (letter["channel"], letter["address"], letter["contract"]) == ("paper", "1-1 Chiyoda, Tokyo", "acme")
    path = f"/notices/{letter['id']}"
    whole = (await api.call("officer", "GET", path))[1]
    assert "60,500" in whole["body"]
    status, page = await api.call("officer", "GET", path + "/page")
    assert status == 200
    for told in ("1-1 Chiyoda, Tokyo", "<br>To 株式会社 例<", '<article lang="en">', "60,500", "2026-11-22"):
        assert told in page, told
    await pool.execute("UPDATE office.deliveries SET address = ''")  # as of a customer who had none at that time
    assert "1-1 Chiyoda, Tokyo" in (await api.call("officer", "GET", path + "/page"))[1]
    assert (await api.call("applicant", "GET", path + "/page"))[0] == 403
    assert (await api.call("officer", "GET", f"/notices/{NOBODY}/page"))[0] == 404
    assert (await api.call("approver", "POST", path + "/posting", {"posted_on": "2026-11-22"}))[0] == 403
    assert (await api.call("officer", "POST", path + "/posting", {"posted_on": "2026-11-23"}))[0] == 422  # to come
    made = await api.made("officer", path + "/posting", {"posted_on": "2026-11-22"})
    assert made == {"delivered_at": "2026-11-24T15:00:00Z"}  # over a holiday
    assert (await api.call("officer", "POST", path + "/posting", {"posted_on": "2026-11-22"}))[0] == 422
    shown = (await api.call("officer", "GET", path))[1]
    assert (shown["state"], shown["posted_on"]) == ("delivered", "2026-11-22")
    actor = await pool.fetchval("SELECT actor FROM evidence.records WHERE kind = 'notice.posted'")
    assert actor.startswith("person:")


@pytest.mark.rule("T5-2")
async def test_a_contact_keeps_what_is_not_given(api: Api, applied: Conn, pool: Pool) -> None:
    for given, expected in (
        (ADDRESS, ("en", "1-1 Chiyoda, Tokyo")),
        ({"email": "new@kaisha.example"}, ("en", "1-1 Chiyoda, Tokyo")),
        ({"language": "ja"}, ("ja", "1-1 Chiyoda, Tokyo")),
        ({"postal_address": None}, ("ja", None)),
    ):
        assert (await api.call("officer", "PUT", "/customers/kaisha/contact", given))[0] == 204
        row = await pool.fetchrow("SELECT language, postal_address FROM office.contacts")
        assert tuple(row) == expected


async def test_deliveries_come_in_pages(api: Api, applied: Conn, pool: Pool) -> None:
    for _ in range(3):
        await addressed(applied, pool)
    whole = (await api.call("officer", "GET", "/notices", params={"contract": "acme"}))[1]
    assert (len(whole["items"]), whole["next"]) == (3, None)
    assert await walked(api, "officer", "/notices") == whole["items"]
    assert (await api.call("officer", "GET", "/notices", params={"contract": "nothing"}))[0] == 422
    assert (await api.call("officer", "GET", "/notices", params={"state": "lost"}))[0] == 400
    for name in (NOBODY, "x"):
        assert (await api.call("officer", "GET", f"/notices/{name}"))[0] == 404
        assert (await api.call("officer", "POST", f"/notices/{name}/posting", {"posted_on": "2026-11-20"}))[0] == 404
        assert (await api.call("officer", "POST", f"/notices/{name}/retry", {}))[0] == 404


@pytest.mark.rule("T5-3")
async def test_mail_that_came_back_is_told_once_and_tried_again(api: Api, applied: Conn, pool: Pool) -> None:
    await applied.execute("UPDATE gate.customers SET contact_email = 'info@kaisha.example'")
    await addressed(applied, pool)
    [mail] = (await api.call("officer", "GET", "/notices"))[1]["items"]
    octets = report(mail["id"], "failed")
    assert (await api.call("compliance", "POST", "/delivery-reports", data=octets, headers=FILE))[0] == 403
    for _ in range(2):  # a program that watches the mailbox may tell it
        status, told = await api.call("service", "POST", "/delivery-reports", data=octets, headers=FILE)
        assert (status, told["state"], told["bounced_at"]) == (200, "person", "2026-11-22T12:01:00Z")
    assert await pool.fetchval("SELECT count(*) FROM evidence.records WHERE kind = 'notice.bounced'") == 1
    for wrong in (b"", b"\xff\x00", report(NOBODY, "failed"), report(mail["id"], "delayed")):
        assert (await api.call("service", "POST", "/delivery-reports", data=wrong, headers=FILE))[0] == 422
    assert (await api.call("service", "POST", f"/notices/{mail['id']}/retry", {}))[0] == 204
    assert (await api.call("officer", "POST", f"/notices/{mail['id']}/retry", {}))[0] == 422  # it waits already
    assert (await api.call("officer", "GET", f"/notices/{mail['id']}"))[1]["state"] == "waiting"


@pytest.mark.rule("T8-14")
async def test_who_pays_is_told_too(api: Api, applied: Conn, pool: Pool) -> None:
    path = "/contracts/acme/recipients/payer"
    assert (await api.call("officer", "PUT", path, PAYER))[0] == 204
    assert (await api.call("officer", "PUT", path, {**PAYER, "name": "Payer Holdings"}))[0] == 204
    assert (await api.call("officer", "PUT", path, {**PAYER, "email": "nowhere"}))[0] == 422
    assert (await api.call("officer", "PUT", "/contracts/acme/recipients/friend", PAYER))[0] == 422
    assert (await api.call("officer", "PUT", "/contracts/nothing/recipients/payer", PAYER))[0] == 404
    assert (await api.call("operator", "PUT", path, PAYER))[0] == 403
    await addressed(applied, pool)
    told = (await api.call("officer", "GET", "/notices"))[1]["items"]
    assert [each["address"] for each in told if each["recipient"] == "payer"] == ["money@payer.example"]


@pytest.mark.rule("T23-2")
async def test_whom_the_end_of_the_service_reached(api: Api, accepted: Conn, pool: Pool) -> None:
    assert (await api.call("officer", "GET", "/service-end"))[0] == 422  # it is not decided
    ends_on = jst_date(NOW) + timedelta(days=120)
    await service_end.decide(accepted, "the owner retires", ends_on, "run_off", "ann", "bob", NOW)
    await accepted.execute("UPDATE gate.customers SET contact_email = 'info@kaisha.example' WHERE handle = 'kaisha'")
    await deliver.address_notices(pool, NOW, posting=EMPTY)
    assert await walked(api, "officer", "/service-end/told") == [
        {"customer": "kaisha", "delivered_at": None, "announced": False}
    ]
    assert (await api.call("officer", "GET", "/service-end"))[0] == 422
    await pool.execute(
        """UPDATE office.deliveries d SET state = 'delivered', delivered_at = $1 FROM office.notices n
        WHERE n.id = d.notice_id AND n.kind = 'service_end' AND d.customer_id IS NOT NULL""", NOW
    )  # fmt: skip
    assert await api.call("officer", "GET", "/service-end") == (200, {"ends_on": ends_on.isoformat()})
    [told] = await walked(api, "officer", "/service-end/told")
    assert told["delivered_at"] == "2026-11-22T12:00:00Z"
