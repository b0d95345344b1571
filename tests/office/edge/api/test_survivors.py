"""Checks that no other test would miss: each was switched off once, and everything stayed green."""

from datetime import timedelta

import pytest

from office.use_cases.asked import Unfit
from office.use_cases.tokens import LONGEST, USUAL, Wanted, new
from sql import Conn, Pool
from tests.conftest import NOW
from tests.office.edge.api.conftest import Api
from tests.office.edge.api.test_notices import PAYER, addressed
from tests.office.edge.api.test_router import NEW, things

SECOND = timedelta(seconds=1)


@pytest.mark.rule("T17-1")
async def test_a_token_ends_at_its_instant(api: Api) -> None:
    for at, status in ((NOW + USUAL - SECOND, 200), (NOW + USUAL, 401)):
        api.clock.at = at
        assert (await api.call("officer", "GET", "/token"))[0] == status


@pytest.mark.rule("T17-1")
async def test_a_token_lives_a_year_at_most_and_names_a_customer_where_its_role_is_of_one(applied: Conn) -> None:
    for wanted, why in (
        (Wanted("ann", "officer", expires_at=NOW + LONGEST + SECOND), "lives at most"),
        (Wanted("ann", "officer", "kaisha"), "name their --customer"),
        (Wanted("ann", "applicant"), "name their --customer"),
    ):
        with pytest.raises(Unfit, match=why):
            await new(applied, wanted, "ann", "bob", NOW)
    await new(applied, Wanted("ann", "officer", expires_at=NOW + LONGEST), "ann", "bob", NOW)


async def test_nothing_is_made_without_a_key(api: Api) -> None:
    for key, status in (("", 400), ("a b", 400), ("a", 201)):
        assert (await api.call("officer", "POST", "/persons", NEW, headers={"Idempotency-Key": key}))[0] == status


async def test_an_applicant_applies_for_their_own_customer_alone(api: Api) -> None:
    for customer, status in (("other", 422), ("kaisha", 201)):
        wanted = {"handle": "second", "plan": "small", "customer": customer}
        assert (await api.call("applicant", "POST", "/applications", wanted))[0] == status


@pytest.mark.rule("T17-1")
async def test_who_may_not_propose_a_decision_proposes_none(api: Api) -> None:
    wanted = {"kind": "contract.accept", "arguments": {"contract": "acme"}}
    for role, status in (("compliance", 422), ("officer", 201)):
        assert (await api.call(role, "POST", "/proposals", wanted))[0] == status


async def test_certificates_of_a_contract_are_of_that_contract(api: Api, pool: Pool) -> None:
    await api.made("applicant", "/applications", {"handle": "second", "plan": "small"})
    await things(pool)
    for contract, number in (("acme", 1), ("second", 0)):
        status, page = await api.call("auditor", "GET", f"/contracts/{contract}/certificates")
        assert (status, len(page["items"])) == (200, number), contract


@pytest.mark.rule("T5-2")
async def test_notices_of_a_contract_are_of_that_contract_and_a_customer_sees_its_own(
    api: Api, applied: Conn, pool: Pool
) -> None:
    await api.made("applicant", "/applications", {"handle": "second", "plan": "small"})
    assert (await api.call("officer", "PUT", "/contracts/acme/recipients/payer", PAYER))[0] == 204
    await addressed(applied, pool)
    for role, contract, told in (
        ("auditor", "acme", {"customer", "payer"}), ("applicant", "acme", {"customer"}), ("auditor", "second", set()),
    ):  # fmt: skip
        status, page = await api.call(role, "GET", f"/contracts/{contract}/notices")
        assert (status, {each["recipient"] for each in page["items"]}) == (200, told), (role, contract)
