"""What follows a contract through the API (Articles 3, 12 and 14)."""

from datetime import timedelta

import pytest

from sql import Conn, Pool
from tests.conftest import NOW
from tests.office.edge.api.conftest import Api

ACME = "/contracts/acme"
LIVE = "SELECT count(*) FROM office.renewal_consents WHERE withdrawn_at IS NULL"


@pytest.mark.rule("T12-4", "T14-1")
async def test_a_customer_applies_for_what_follows_its_contract(api: Api, accepted: Conn) -> None:
    new = {"handle": "acme-2", "link": "change"}
    assert (await api.call("stranger", "POST", ACME + "/successors", new))[0] == 404
    assert (await api.call("requester", "POST", ACME + "/successors", new))[0] == 403
    early = await api.call("applicant", "POST", ACME + "/successors", {"handle": "acme-2"})
    assert (early[0], "no certificate yet" in early[1]["detail"]) == (422, True)  # nothing to renew
    made = await api.made("applicant", ACME + "/successors", new)
    assert (made["handle"], made["state"], made["customer"]) == ("acme-2", "applied", "kaisha")
    names = (await api.call("applicant", "GET", "/contracts/acme-2/names"))[1]["items"]
    assert [each["value"] for each in names] == ["a.example.jp"]
    assert (await api.call("officer", "POST", ACME + "/successors", {**new, "handle": "acme-3"}))[0] == 422


@pytest.mark.rule("T12-6")
async def test_a_renewal_is_applied_for_when_it_opens(api: Api, accepted: Conn, pool: Pool) -> None:
    """The term began eleven months ago: less than 90 days of it are left."""
    began = NOW - timedelta(days=330)
    await pool.execute("INSERT INTO gate.contract_starts SELECT id, id, $1 FROM gate.contracts", began)
    made = await api.made("applicant", ACME + "/successors", {"handle": "acme-2", "plan": "small"})
    assert (made["handle"], made["state"], made["term_months"]) == ("acme-2", "applied", 12)


@pytest.mark.rule("T12-4")
async def test_a_standing_consent_is_the_customers_own_or_on_paper(api: Api, accepted: Conn, pool: Pool) -> None:
    path = ACME + "/standing-consent"
    assert (await api.call("officer", "POST", path, {"plan": "small"}))[0] == 422  # whose?
    assert (await api.call("applicant", "POST", path, {"plan": "small", "person": "ann"}))[0] == 422
    await api.made("applicant", path, {"plan": "small"})
    assert await pool.fetchval(LIVE) == 1
    assert (await api.call("officer", "POST", path, {"plan": "small", "person": "hana"}))[0] == 422  # one is there
    assert (await api.call("stranger", "DELETE", path))[0] == 404
    assert (await api.call("applicant", "DELETE", path))[0] == 204
    assert await pool.fetchval(LIVE) == 0
    assert (await api.call("applicant", "DELETE", path))[0] == 422


@pytest.mark.rule("T3-1")
async def test_a_kind_of_organisation_is_approved_once(api: Api, pool: Pool) -> None:
    path, grounds = ACME + "/eligibility-approval", {"grounds": "a school by law"}
    assert (await api.call("operator", "POST", path, grounds))[0] == 403
    await api.made("approver", path, grounds)
    assert (await api.call("officer", "POST", path, grounds))[0] == 422
    assert await pool.fetchval("SELECT grounds FROM office.eligibility_approvals") == "a school by law"
