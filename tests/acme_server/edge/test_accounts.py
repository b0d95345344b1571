"""Accounts: made, found, changed, listed, ended. RFC 8555 §7.1.2, §7.3."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from sql.ids import uuid7
from tests.acme_server.client import LEAVE_OUT, Client, b64, jwk, jws
from tests.acme_server.conftest import Served

ADMIN = "mailto:admin@demo.test"


async def accounts(served: Served) -> int:
    """How many there are."""
    found: int = await served.owner.fetchval("SELECT count(*) FROM acme.accounts")
    return found


@pytest.mark.std("A-075", "A-076", "A-077")
async def test_a_new_account_is_as_the_server_says_not_as_the_client_does(served: Served) -> None:
    client = served.client()
    made = await client.register(
        contact=[ADMIN], status="revoked", orders="https://evil.test", onlyReturnExisting=False, id=7, createdAt="x",
        initialIp="192.0.2.1",
    )  # fmt: skip
    url = made.headers["Location"]
    assert made.status == 201
    assert url.startswith(client.url("/account/"))
    assert made.json == {
        "status": "valid", "contact": [ADMIN], "termsOfServiceAgreed": True, "orders": f"{url}/orders",
    }  # fmt: skip
    read = await client.post(url)
    assert (read.status, read.json) == (200, made.json)
    assert (await client.post(made.json["orders"])).json == {"orders": []}


@pytest.mark.std("A-082", "A-083")
async def test_a_known_key_finds_its_account_unchanged_and_an_unknown_one_none(served: Served) -> None:
    client = served.client()
    absent = await client.register(onlyReturnExisting=True)
    assert (absent.status, absent.error) == (400, "accountDoesNotExist")
    assert await accounts(served) == 0
    made = await client.register(contact=[ADMIN])
    for payload in ({"onlyReturnExisting": True}, {}, {"contact": ["mailto:evil@demo.test"]}, {"contact": ["x:y"]},
                    {"termsOfServiceAgreed": False}, {"onlyReturnExisting": True, "termsOfServiceAgreed": False},
                    {"externalAccountBinding": {"protected": "x"}}, {"status": "deactivated"}):  # fmt: skip
        found = await client.register(**payload)
        assert (found.status, found.headers["Location"]) == (200, made.headers["Location"]), payload
        assert found.json == made.json, payload
    assert await accounts(served) == 1


@pytest.mark.std("A-078")
async def test_no_account_without_agreement_to_the_terms(served: Served) -> None:
    client = served.client()
    terms = served.context.terms_url
    for value in (False, LEAVE_OUT):
        payload = {} if value is LEAVE_OUT else {"termsOfServiceAgreed": value}
        refused = await client.post("/new-account", payload, jwk=jwk(client.key))
        assert (refused.status, refused.error) == (403, "userActionRequired")
        assert refused.json["instance"] == terms
        assert refused.links("terms-of-service") == [terms]
    for value in ("true", 1, None):
        assert (await client.register(termsOfServiceAgreed=value)).error == "malformed"
    assert await accounts(served) == 0
    assert (await client.register()).status == 201


@pytest.mark.rule("T2-1", "T4-1")
async def test_an_order_waits_for_consent_to_the_terms(served: Served) -> None:
    client = await served.registered()
    assert (await client.order("www.demo.test")).status == 201
    consent = "UPDATE gate.consents SET contract_id = $1 WHERE contract_id = $2"
    one, other = [row["id"] for row in await served.owner.fetch("SELECT id FROM gate.contracts ORDER BY handle")]
    await served.owner.execute(consent, other, one)
    refused = await client.order("www.demo.test")
    assert (refused.status, refused.error) == (403, "userActionRequired")
    assert refused.links("terms-of-service") == [served.context.terms_url]
    assert refused.json["instance"].startswith("https://people.test/help/")
    await served.owner.execute(consent, one, other)
    assert (await client.order("www.demo.test")).status == 201


@pytest.mark.std("A-079", "A-080", "A-081")
async def test_contacts_are_mail_addresses(served: Served) -> None:
    client = served.client()
    cases = (
        ("tel:+81312345678", "unsupportedContact"),
        ("https://demo.test/contact", "unsupportedContact"),
        ("mailto:admin@demo.test?subject=x", "invalidContact"),
        ("mailto:a@demo.test,b@demo.test", "invalidContact"),
        ("mailto:admin", "invalidContact"),
        ("admin@demo.test", "invalidContact"),
    )
    for contact, error in cases:
        refused = await client.register(contact=[ADMIN, contact])
        assert (refused.status, refused.error) == (400, error), contact
        assert "mailto" in refused.json["detail"]
    assert await accounts(served) == 0
    assert (await client.register(contact=[ADMIN])).status == 201
    for contact, error in cases:
        assert (await client.post(client.kid or "", {"contact": [ADMIN, contact]})).error == error
    assert (await client.post(client.kid or "")).json["contact"] == [ADMIN]


@pytest.mark.std("A-084", "A-190")
async def test_twenty_registrations_of_one_key_at_once_make_one_account(served: Served) -> None:
    first = served.client()
    eab = (served.demo.admitted.kid, served.demo.admitted.hmac_key)
    clients = [first.another() for _ in range(20)]
    for each in clients:
        each.key = first.key
        await each.send("HEAD", "/new-nonce")
    async with served.owner.acquire() as conn, conn.transaction():  # as many as can be stand before the insert
        await conn.execute("SELECT pg_advisory_xact_lock(7001, number) FROM gate.contracts")
        asked = [asyncio.create_task(each.register(eab if n % 2 else None)) for n, each in enumerate(clients)]
        while await conn.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted") < 5:
            assert not any(each.done() for each in asked)
    answers = await asyncio.gather(*asked)
    assert sorted(answer.status for answer in answers) == [200] * 19 + [201]
    assert len({answer.headers["Location"] for answer in answers}) == 1
    assert await accounts(served) == 1
    assert await served.owner.fetchval("SELECT count(*) FROM gate.binding_uses") == 1


@pytest.mark.std("A-085")
async def test_an_update_changes_contacts_and_nothing_else(served: Served) -> None:
    client = await served.registered()
    kid = client.kid or ""
    before = (await client.post(kid)).json
    for ignored in ({}, {"status": "valid"}, {"status": "revoked"}, {"status": "x"}, {"orders": "https://evil.test"},
                    {"termsOfServiceAgreed": False}, {"onlyReturnExisting": True}, {"x": 1}):  # fmt: skip
        updated = await client.post(kid, ignored)
        assert (updated.status, updated.json) == (200, before), ignored
    changed = await client.post(kid, {"contact": [ADMIN, ADMIN], "status": "valid", "orders": "x"})
    assert (changed.status, changed.json) == (200, before | {"contact": [ADMIN]})
    assert (await client.post(kid)).json == changed.json
    assert (await client.post(kid, {"contact": []})).json == before
    for bad in ({"contact": ADMIN}, {"contact": [1]}, {"status": 1}, {"contact": [ADMIN] * 101}):
        assert (await client.post(kid, bad)).error == "malformed", bad


@pytest.mark.std("A-087", "A-088", "A-089")
async def test_the_orders_list_holds_each_order_of_the_account_once(served: Served) -> None:
    client, stranger = await served.registered(), await served.registered()
    theirs = (await stranger.order("www.demo.test")).headers["Location"]
    assert (await client.post(f"{client.kid}/orders")).json == {"orders": []}
    pending = (await client.order("www.demo.test")).headers["Location"]
    ready, document = await client.ready("api.demo.test")
    valid, of_valid = await client.ready("mail.demo.test")
    await client.finalize(of_valid)
    ended = (await client.order("old.demo.test")).json
    await client.post(ended["authorizations"][0], {"status": "deactivated"})
    listed = await client.post(f"{client.kid}/orders")
    assert listed.json == {"orders": [pending, ready, valid]}
    assert listed.links("next") == []
    assert document["status"] == "ready"
    made = await more_orders(served, pending, 210)
    walked, pages = [], [f"{client.kid}/orders"]
    for page in pages:
        answer = await client.post(page)
        walked += answer.json["orders"]
        pages += answer.links("next")
    assert len(pages) == 3
    assert walked == [pending, ready, valid, *made]
    assert theirs not in walked
    assert (await client.post(f"{client.kid}/orders?after=x")).status == 404


async def more_orders(served: Served, like: str, count: int) -> list[str]:
    """URLs of further orders of the same account, later ones."""
    base, _, id = like.rpartition("/")
    later = datetime.now(UTC) + timedelta(seconds=1)
    ids = [uuid7(later + timedelta(milliseconds=n)) for n in range(count)]
    columns = "account_id, contract_id, admission_id, names, authorization_ids, profile, expires_at, created_at"
    await served.owner.execute(
        f"INSERT INTO acme.orders (id, {columns}) SELECT new, {columns} FROM acme.orders, unnest($2::uuid[]) AS new "
        "WHERE id = $1",
        id, ids,
    )  # fmt: skip
    return [f"{base}/{id}" for id in ids]


async def refusals(client: Client, urls: list[str]) -> set[tuple[int, str]]:
    """What the client gets for every request it can make."""
    paths = ["/dir", "/new-nonce", "/new-order", "/key-change", "/revoke-cert", "/no-such", *urls]
    payloads: tuple[Any, ...] = (None, {}, {"status": "valid"}, {"status": "deactivated"}, "{")
    answers = [await client.post(path, payload) for path in paths for payload in payloads]
    answers += [await client.register(), await client.register(onlyReturnExisting=True)]
    return {(answer.status, answer.error) for answer in answers}


@pytest.mark.std("A-108", "A-109", "A-110")
async def test_a_deactivated_account_can_do_nothing_for_ever_and_its_orders_end(served: Served) -> None:
    client, other = await served.registered(), await served.registered()
    issued, order = await client.ready("www.demo.test")
    await client.finalize(order)
    pending = await client.order("api.demo.test")
    theirs = await other.order("api.demo.test")
    urls = [client.kid or "", f"{client.kid}/orders", issued, pending.headers["Location"], pending.json["finalize"],
            *pending.json["authorizations"], (await client.post(issued)).json["certificate"]]  # fmt: skip
    assert (await other.post(client.kid or "", {"status": "deactivated"})).error == "unauthorized"
    ended = await client.post(client.kid or "", {"status": "deactivated", "contact": [ADMIN]})
    assert (ended.status, ended.json["status"], ended.json["contact"]) == (200, "deactivated", [])
    assert await refusals(client, urls) == {(401, "unauthorized")}
    rows = await served.owner.fetch("SELECT status FROM acme.orders ORDER BY id")
    assert [row["status"] for row in rows] == ["valid", "invalid", "pending"]
    assert await served.owner.fetchval("SELECT count(*) FROM ca.revocations") == 0
    assert (await other.post(theirs.headers["Location"])).json["status"] == "pending"
    url = other.url("/key-change")
    inner = jws(client.key, {"account": other.kid, "oldKey": jwk(other.key)}, {"alg": "ES256", "jwk": jwk(client.key),
                                                                              "url": url})  # fmt: skip
    assert (await other.post(url, inner)).status == 409  # its key is nobody's any more


@pytest.mark.rule("T11-4")
async def test_neither_a_deactivated_account_nor_a_revoked_certificate_ends_its_contract(served: Served) -> None:
    client = await served.registered()
    certificate = x509.load_pem_x509_certificate(await client.certificate("www.demo.test"))
    payload = {"certificate": b64(certificate.public_bytes(Encoding.DER))}
    assert (await client.post("/revoke-cert", payload)).status == 200
    assert (await client.post(client.kid or "", {"status": "deactivated"})).status == 200
    assert await served.owner.fetchval("SELECT count(*) FROM gate.contracts WHERE state <> 'accepted'") == 0
    assert await (await served.registered()).certificate("www.demo.test")


@pytest.mark.std("A-109")
async def test_of_two_deactivations_at_once_one_is_the_deed_and_a_revoked_account_is_ended_too(served: Served) -> None:
    client = await served.registered()
    both = [client, Client(client.session, client.base, client.reach, client.key, client.kid)]
    for each in both:
        await each.send("HEAD", "/new-nonce")
    answers = await asyncio.gather(*(each.post(client.kid or "", {"status": "deactivated"}) for each in both))
    assert sorted(answer.status for answer in answers) == [200, 401]
    deeds = "SELECT count(*) FROM evidence.records WHERE kind = 'account.deactivated'"
    assert await served.owner.fetchval(deeds) == 1
    await served.owner.execute("UPDATE acme.accounts SET status = 'revoked'")
    refused = await client.post(client.kid or "")
    assert (refused.status, refused.error) == (401, "unauthorized")
    assert "revoked" in refused.json["detail"]
