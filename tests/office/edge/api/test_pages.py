"""Every long listing comes in pages that lose nothing and repeat nothing."""

from typing import Any

import pytest

from sql import Conn, Pool
from tests.conftest import NOW
from tests.office.edge.api.conftest import Api
from tests.office.edge.api.test_router import OURS, things

CONTRACTS = ("b", "c")
REPORT = {"reporter": "R", "email": "r@example.org", "what": "spam", "serials": [OURS["serial"]]}
LEAK = {"found_at": "2026-11-21T00:00:00Z", "malicious": True, "affected": "3 addresses", "measures": "closed"}
WINDOW = {"reason": "disks", "starts_at": "2026-12-20T00:00:00Z", "ends_at": "2026-12-20T01:00:00Z"}
CASE = {"ground": "request", "reporter": "R", "note": "n", "contract": "acme"}

# Listing: who makes one of it, where, and with what; {each} is another contract each time.
MADE: dict[str, tuple[str, str, dict[str, Any]]] = {
    "/revocation-cases": ("officer", "/revocation-cases", CASE),
    "/problem-reports": ("", "/problem-reports", REPORT),
    "/holds": ("compliance", "/contracts/{each}/holds", {"kind": "antisocial", "reason": "r"}),
    "/seals": ("officer", "/contracts/{each}/seal", {}),
    "/leaks": ("officer", "/leaks", LEAK),
    "/maintenance": ("operator", "/maintenance", WINDOW),
    "/consultations": (
        "officer", "/contracts/{each}/consultation", {"reason": "r", "owner": "bob", "review_on": "2026-12-01"}
    ),
    "/subcontractors": (
        "officer", "/subcontractors", {"organisation": "{each}", "role": "hosting", "from_on": "2026-11-01"}
    ),
}  # fmt: skip
STORED = {
    "/register-states": """
        INSERT INTO office.register_states (customer_id, name, prefecture, city, street, checked_at)
        SELECT id, 'N', 'P', 'C', 'S', $1 FROM gate.customers""",
    "/settlements": """
        INSERT INTO office.settlements (contract_id, end_cause, ended_on, outcome, owed_yen, open_yen, returned_yen,
            reason, decided_by_first, decided_by_second, decided_at)
        SELECT c.id, 'cancelled', $1::timestamptz::date, 'nothing_owed', 0, 0, 0, 'r', a.id, b.id, $1
        FROM gate.contracts c, gate.persons a, gate.persons b WHERE a.handle = 'ann' AND b.handle = 'bob'""",
    "/tax-credits": """
        WITH bills AS (
            INSERT INTO gate.invoices
                (id, contract_id, number, kind, issued_on, due_on, total_yen, open_yen, created_at)
            SELECT gen_random_uuid(), c.id, 'I-2-' || c.handle, 'fee', '2026-11-01', '2026-12-31', 10, 10, $1
            FROM gate.contracts c RETURNING id)
        INSERT INTO office.tax_credits (id, invoice_id, amount_yen, basis_points, found_at, rates, months)
        SELECT gen_random_uuid(), id, 1, 1000, $1, '{800}', '{12}' FROM bills""",
}


async def walked(api: Api, role: str, path: str) -> list[Any]:
    """Every thing of a listing, one a page."""
    seen: list[Any] = []
    query: dict[str, Any] = {"limit": 1}
    while True:
        status, page = await api.call(role, "GET", path, params=query)
        assert status == 200, page
        seen += page["items"]
        if page["next"] is None:
            return seen
        assert len(page["items"]) == 1
        query["cursor"] = page["next"]


async def test_a_listing_walked_one_by_one_is_the_listing(api: Api, applied: Conn, pool: Pool) -> None:
    """Three of each or more; many are of the same instant, so that their ids decide."""
    await things(pool)
    for handle in CONTRACTS:
        await api.made("officer", "/applications", {"handle": handle, "plan": "small", "customer": "kaisha"})
    for role, path, body in MADE.values():
        for each in ("acme", *CONTRACTS):
            filled = {name: value.format(each=each) if value == "{each}" else value for name, value in body.items()}
            await api.made(role, path.format(each=each), filled)
    for statement in STORED.values():
        await pool.execute(statement, NOW)
    for listing in [*MADE, *STORED]:
        role = "compliance" if listing == "/holds" else "auditor"
        whole = (await api.call(role, "GET", listing))[1]
        assert (len(whole["items"]) >= (2 if listing == "/register-states" else 3), whole["next"]) == (True, None), (
            listing
        )
        assert await walked(api, role, listing) == whole["items"], listing


@pytest.mark.parametrize(
    "path", ["/revocation-cases", "/problem-reports", "/leaks", "/maintenance", "/tax-credits", "/consultations"]
)
async def test_a_cursor_of_nobody_is_refused(api: Api, path: str) -> None:
    assert (await api.call("auditor", "GET", path, params={"cursor": "x"}))[0] == 422


async def test_what_was_looked_at_and_changed_meanwhile_hides_nothing_behind_it(api: Api, applied: Conn) -> None:
    """The day of a consultation moves, a leak has its final report: both go to the back, nothing is lost."""
    role, path, body = MADE["/consultations"]
    for handle in CONTRACTS:
        await api.made("officer", "/applications", {"handle": handle, "plan": "small", "customer": "kaisha"})
    for each in ("acme", *CONTRACTS):
        await api.made(role, path.format(each=each), body)
    first = (await api.call("auditor", "GET", "/consultations", params={"limit": 1}))[1]
    again = {"review_on": "2027-01-10"}
    await api.made("officer", "/contracts/acme/consultation/review", again)
    behind = (await api.call("auditor", "GET", "/consultations", params={"cursor": first["next"]}))[1]
    assert [each["contract"] for each in behind["items"]] == [*CONTRACTS, "acme"]

    ids = [(await api.made("officer", "/leaks", LEAK))["id"] for _ in range(3)]
    first = (await api.call("auditor", "GET", "/leaks", params={"limit": 1}))[1]
    for final in ("preliminary", "final"):
        await api.made("officer", f"/leaks/{first['items'][0]['id']}/reports", {"report": final})
    behind = (await api.call("auditor", "GET", "/leaks", params={"cursor": first["next"]}))[1]
    assert {each["id"] for each in behind["items"]} == set(ids)
    assert behind["items"][-1]["id"] == first["items"][0]["id"]
