"""Texts, tax rates, issuers, bank accounts and names of dealers through the API (Articles 2 and 8)."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from sql import Pool
from tests.office.edge.api.conftest import Api
from tests.office.edge.api.test_pages import walked

TEXT = {
    "kind": "cps", "version": "2", "sha256": "ab" * 32, "url": "https://ca.example/cps-2",
    "effective_at": "2027-01-01T00:00:00Z",
}  # fmt: skip
ISSUER = {"name": "Rei CA K.K.", "address": "Tokyo", "registration_number": "T7000012050002"}
ACCOUNT = {"account": "main", "first_day": "2026-11-01", "source": "statement of October"}
DIALECT = {"bank": "0001", "branch": "001", "number": "1234567"}
INTO = {
    "bank": "0009", "bank_name": "例示銀行", "branch": "200", "branch_name": "丸の内支店", "kind": "2",
    "number": "7654321", "holder": "ｶ)ｹｲﾔｸ",
}  # fmt: skip


async def refused(api: Api, role: str, path: str, body: Any) -> int:
    """The status of what is not done."""
    status, problem = await api.call(role, "POST", path, body)
    assert problem["status"] == status
    return status


async def proofs(pool: Pool, kind: str) -> int:
    """Rows of evidence that name a token."""
    query = "SELECT count(*) FROM evidence.records WHERE kind = $1 AND convert_from(content, 'UTF8')::jsonb ? 'through'"
    return int(await pool.fetchval(query, kind))


@pytest.mark.rule("T2-1", "T20-1")
async def test_a_text_is_added_once_and_later_terms_are_announced(api: Api, pool: Pool) -> None:
    assert await api.made("operator", "/texts", TEXT) == TEXT
    assert await refused(api, "officer", "/texts", {**TEXT, "version": "3"}) == 403
    assert await refused(api, "operator", "/texts", {**TEXT, "sha256": "cd" * 32}) == 422  # a text never changes
    assert await refused(api, "operator", "/texts", {**TEXT, "kind": "terms"}) == 422
    assert await refused(api, "operator", "/texts", {**TEXT, "version": "3", "url": "http://ca.example"}) == 400
    assert TEXT in (await api.call("applicant", "GET", "/texts"))[1]["items"]
    assert await proofs(pool, "text.added") == 1


@pytest.mark.rule("T8-8")
async def test_a_tax_rate_is_added_before_it_takes_effect(api: Api, pool: Pool) -> None:
    rate = {"effective_on": "2027-04-01", "basis_points": 1200}
    assert await refused(api, "officer", "/tax-rates", rate) == 405  # two people decide it
    proposed = {"kind": "tax_rate.add", "arguments": rate}
    assert await refused(api, "auditor", "/proposals", proposed) == 403
    waiting = (await api.made("officer", "/proposals", {**proposed, "arguments": {**rate, "basis_points": 800}}))["id"]
    await decided(api, "tax_rate.add", rate)
    assert await refused(api, "approver", f"/proposals/{waiting}/confirm", {}) == 422  # that day has one by now
    for wrong in (rate, {**rate, "effective_on": "2026-11-22"}, {**rate, "basis_points": 10_001}):
        assert await refused(api, "officer", "/proposals", {**proposed, "arguments": wrong}) == 422
    whole = await walked(api, "auditor", "/tax-rates")
    assert [each["basis_points"] for each in whole] == [300, 500, 800, 1000, 1200]
    assert [(each["first"], each["second"]) for each in whole[-2:]] == [(None, None), ("ann", "bob")]
    assert (await api.call("auditor", "GET", "/tax-rates", params={"cursor": "x"}))[0] == 422
    await decided(api, "tax_rate.remove", {**rate, "reason": "misread"})
    assert len(await walked(api, "auditor", "/tax-rates")) == 4
    assert (await proofs(pool, "tax_rate.added"), await proofs(pool, "tax_rate.removed")) == (1, 1)


@pytest.mark.rule("T8-8")
async def test_a_rate_whose_day_came_before_it_was_confirmed_is_none(api: Api) -> None:
    tomorrow = {"effective_on": "2026-11-23", "basis_points": 1200}
    proposal = (await api.made("officer", "/proposals", {"kind": "tax_rate.add", "arguments": tomorrow}))["id"]
    before, api.clock.at = api.clock.at, datetime(2026, 11, 22, 15, tzinfo=UTC)  # midnight in Japan
    assert await refused(api, "approver", f"/proposals/{proposal}/confirm", {}) == 422
    api.clock.at = before
    assert (await api.made("approver", f"/proposals/{proposal}/confirm", {}))["state"] == "confirmed"


@pytest.mark.rule("T8-8")
async def test_a_confirmation_sent_twice_under_its_key_is_one_and_two_confirm_once(api: Api, pool: Pool) -> None:
    rate = {"effective_on": "2027-04-01", "basis_points": 1200}
    proposal = (await api.made("officer", "/proposals", {"kind": "tax_rate.add", "arguments": rate}))["id"]
    path, key = f"/proposals/{proposal}/confirm", {"Idempotency-Key": "confirmed-as-one"}
    first = await api.call("approver", "POST", path, {}, headers=key)
    assert first[1]["state"] == "confirmed"
    assert await api.call("approver", "POST", path, {}, headers=key) == first
    removal = {"kind": "tax_rate.remove", "arguments": {**rate, "reason": "misread"}}
    path = f"/proposals/{(await api.made('officer', '/proposals', removal))['id']}/confirm"
    both = await asyncio.gather(*(api.call("approver", "POST", path, {}) for _ in range(2)))
    assert sorted(status for status, _ in both) == [first[0], 422]
    assert (await proofs(pool, "tax_rate.added"), await proofs(pool, "tax_rate.removed")) == (1, 1)


@pytest.mark.rule("T8-3")
async def test_who_issues_invoices_is_known_since_when(api: Api, pool: Pool) -> None:
    await decided(api, "invoice.issuer", ISSUER)
    assert (await api.call("officer", "POST", "/invoice-issuers", ISSUER))[0] == 405  # two people decide it
    api.clock.at = api.clock.at.replace(microsecond=7)
    other = {**ISSUER, "registration_number": "T1234567890123", "pay_into": INTO}
    proposal = await api.made("officer", "/proposals", {"kind": "invoice.issuer", "arguments": other})
    assert proposal["arguments"]["pay_into"] == {**INTO, "account": None}  # what both see
    await api.made("approver", f"/proposals/{proposal['id']}/confirm", {})
    whole = (await api.call("auditor", "GET", "/invoice-issuers"))[1]["items"]
    assert [(each["registration_number"][:2], each["set_by"], each["confirmed_by"]) for each in whole] == [
        ("T1", "ann", "bob"), ("T7", "ann", "bob"),
    ]  # fmt: skip
    assert [(each["pay_into"], each["of_corporation"]) for each in whole] == [
        ({**INTO, "account": None}, False),
        (None, True),
    ]
    assert await walked(api, "auditor", "/invoice-issuers") == whole
    for cursor in ("x", "2026-11-22", "0001-01-01T00:00:00+23:00"):
        assert (await api.call("auditor", "GET", "/invoice-issuers", params={"cursor": cursor}))[0] == 422
    assert await proofs(pool, "invoice.seller_set") == 2


@pytest.mark.rule("T8-3", "T8-6")
async def test_an_account_of_ours_is_named_by_its_digits_then_corrected_and_closed(api: Api) -> None:
    for account, number in (("main", "1234567"), ("other", "7654321")):
        await api.made("officer", "/bank-accounts", {**ACCOUNT, "account": account})
        await api.made("officer", f"/bank-accounts/{account}/dialect", {**DIALECT, "number": number})
    names = {name: INTO[name] for name in ("bank_name", "branch_name", "holder")}
    arguments = {**ISSUER, "pay_into": {"account": "main", **names}}
    proposal = await api.made("officer", "/proposals", {"kind": "invoice.issuer", "arguments": arguments})
    seen = proposal["arguments"]["pay_into"]
    assert seen == {"account": "main", **DIALECT, "kind": "1", **names}
    api.clock.at = api.clock.at.replace(microsecond=7)
    await decided(api, "bank.correct", {"account": "main", **DIALECT, "number": "1111111", "reason": "misread"})
    status, problem = await api.call("approver", "POST", f"/proposals/{proposal['id']}/confirm", {})
    assert (status, "0001 001 1 1111111 in its files" in problem["detail"]) == (422, True), "not what was proposed"
    closing = {"account": "main", "closed_from": "2026-11-22", "reason": "merged"}
    await decided(api, "bank.close", closing)
    items = (await api.call("auditor", "GET", "/bank-accounts"))[1]["items"]
    assert [(each["handle"], each["closed_from"]) for each in items] == [("main", "2026-11-22"), ("other", None)]


async def decided(api: Api, kind: str, arguments: Any) -> None:
    """An officer proposed it and an approver confirmed it."""
    proposal = await api.made("officer", "/proposals", {"kind": kind, "arguments": arguments})
    assert (await api.made("approver", f"/proposals/{proposal['id']}/confirm", {}))["state"] == "confirmed"


@pytest.mark.rule("T8-5", "T8-6")
async def test_a_bank_account_is_opened_and_its_files_are_told(api: Api, pool: Pool) -> None:
    path = "/bank-accounts/main/dialect"
    assert (await api.call("auditor", "GET", path))[0] == 404
    assert await refused(api, "officer", path, DIALECT) == 422  # there is no such account yet
    assert await refused(api, "operator", "/bank-accounts", ACCOUNT) == 403
    assert (await api.made("officer", "/bank-accounts", ACCOUNT))["covered_through"] == "2026-11-01"
    assert await refused(api, "officer", "/bank-accounts", ACCOUNT) == 422
    assert await refused(api, "officer", path, {**DIALECT, "virtual_in": "header"}) == 422  # of which branch
    assert await refused(api, "officer", path, {**DIALECT, "number": "12"}) == 400
    told = await api.made("officer", path, DIALECT)
    assert (told["handle"], told["format"], told["years"], told["virtual_branch"]) == ("main", "zengin-01", "era", None)
    assert await refused(api, "officer", path, {**DIALECT, "number": "7654321"}) == 422  # told once
    assert await api.call("auditor", "GET", path) == (200, told)
    assert (await proofs(pool, "bank.opened"), await proofs(pool, "bank.dialect_set")) == (1, 1)


@pytest.mark.rule("T8-16")
async def test_names_of_dealers_come_in_pages_and_go(api: Api, pool: Pool) -> None:
    assert await refused(api, "officer", "/dealer-aliases", {"dealer": "Dealer", "name": "ﾀﾞﾚｶ"}) == 422  # nobody's
    await pool.execute("UPDATE office.applications SET dealer = 'Dealer'")
    for name in ("ﾀﾞﾚｶ", "ｶ)ﾄﾞｺｶ", "ﾅﾆｶ"):
        await api.made("officer", "/dealer-aliases", {"dealer": "Dealer", "name": name})
    assert await refused(api, "officer", "/dealer-aliases", {"dealer": "Dealer", "name": "ﾄﾞｺｶ(ｶ"}) == 422  # theirs
    assert await refused(api, "compliance", "/dealer-aliases", {"dealer": "Dealer", "name": "x"}) == 403
    whole = (await api.call("officer", "GET", "/dealer-aliases"))[1]["items"]
    assert (await walked(api, "officer", "/dealer-aliases"), len(whole)) == (whole, 3)
    assert (await api.call("officer", "DELETE", f"/dealer-aliases/{whole[0]['id']}"))[0] == 204
    assert (await api.call("officer", "DELETE", f"/dealer-aliases/{whole[0]['id']}"))[0] == 404
    assert len(await walked(api, "officer", "/dealer-aliases")) == 2
    assert await proofs(pool, "dealer.alias_removed") == 1
