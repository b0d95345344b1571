"""Problem documents: every type the server can raise, its status, and what none of them tells. RFC 8555 §6.6, §6.7."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from cryptography.x509 import AuthorityKeyIdentifier

from acme_server.protocol.errors import ErrorType
from acme_server.validation.outcome import NotProven
from tests.acme_server.client import LEAVE_OUT, Answer, Client, Json, b64, csr, der, jwk, leaf, new_key
from tests.acme_server.conftest import BASE, Served

URN = "urn:ietf:params:acme:error:"
REGISTRY = {
    "accountDoesNotExist", "alreadyReplaced", "alreadyRevoked", "badCSR", "badNonce", "badPublicKey",
    "badRevocationReason", "badSignatureAlgorithm", "caa", "compound", "connection", "dns", "externalAccountRequired",
    "incorrectResponse", "invalidContact", "invalidProfile", "malformed", "orderNotReady", "rateLimited",
    "rejectedIdentifier", "serverInternal", "tls", "unauthorized", "unsupportedContact", "unsupportedIdentifier",
    "userActionRequired",
}  # fmt: skip
# of RFC 8555 §6.7, RFC 9773 §7.4 and draft-ietf-acme-profiles §6.3
LIMITED = {"rateLimited"}  # test_limits.py
IN_A_CHALLENGE = {"caa", "connection", "dns", "incorrectResponse", "tls"}
Ask = Callable[[], Awaitable[Answer]]


@pytest.mark.std("A-062")
def test_the_types_are_those_of_the_registry() -> None:
    assert {each.value for each in ErrorType} == REGISTRY


async def failed_challenge(served: Served, client: Client, type: ErrorType) -> Json:
    """The error of a challenge whose look ended so, and of its order."""
    name = f"{type.value.lower()}.demo.test"
    outcome = NotProven(type, f"scripted {type.value}", temporary=False)
    (served.looks.caa_outcomes if type is ErrorType.CAA else served.looks.outcomes)[name] = outcome
    placed = await client.order(name)
    await client.fulfil(placed.json)
    error: Json = (await client.post(placed.headers["Location"])).json["error"]
    challenges = (await client.post(placed.json["authorizations"][0])).json["challenges"]
    assert [each["error"] for each in challenges] == [error]
    return error


async def requests_that_fail(served: Served) -> dict[str, tuple[int, Ask]]:
    """For each type, a request that gets it, and the status it comes with."""
    client, overdue, late = await served.registered(), served.client(), served.client()
    await overdue.register((served.demo.overdue.kid, served.demo.overdue.hmac_key))
    await late.register()
    late_url, late_order = await late.ready("www.demo.test")
    assert late_url
    certificate = der(leaf(await client.certificate("www.demo.test")))
    revoked = der(leaf(await client.certificate("api.demo.test")))
    await client.post("/revoke-cert", {"certificate": revoked})
    pending = (await client.order("mail.demo.test")).json

    def order(*identifiers: tuple[str, str], **members: Any) -> Ask:
        listed = [{"type": type, "value": value} for type, value in identifiers]
        return lambda: client.post("/new-order", {"identifiers": listed} | members)

    return {
        "accountDoesNotExist": (400, lambda: client.post("/new-order", {}, kid=f"{client.kid}x")),
        "alreadyRevoked": (400, lambda: client.post("/revoke-cert", {"certificate": revoked})),
        "badCSR": (400, lambda: late.finalize(late_order, names=["other.demo.test"])),
        "badNonce": (400, lambda: client.post("/new-order", {}, nonce="AAAA")),
        "badPublicKey": (400, lambda: client.another().post("/new-account", {}, jwk={"kty": "EC", "crv": "P-1"})),
        "badRevocationReason": (400, lambda: client.post("/revoke-cert", {"certificate": certificate, "reason": 6})),
        "badSignatureAlgorithm": (400, lambda: client.post("/new-order", {}, alg="none")),
        "compound": (400, order(("dns", "bad_name.demo.test"), ("tel", "110"))),
        "invalidContact": (400, lambda: client.post(client.kid or "", {"contact": ["mailto:x"]})),
        "invalidProfile": (400, order(("dns", "www.demo.test"), profile="none-such")),
        "malformed": (400, order()),
        "orderNotReady": (403, lambda: client.finalize(pending)),
        "rejectedIdentifier": (400, order(("dns", "www.elsewhere.test"))),
        "unauthorized": (403, lambda: client.post("/new-order", {}, url=client.url("/new-account"))),
        "unsupportedContact": (400, lambda: client.post(client.kid or "", {"contact": ["tel:110"]})),
        "unsupportedIdentifier": (400, order(("tel", "110"))),
        "userActionRequired": (403, lambda: overdue.order("www.overdue.test")),
    }


@pytest.mark.std("A-061", "A-063", "A-064")
async def test_each_type_is_produced_as_a_problem_document_with_its_status(served: Served) -> None:
    produced = set()
    for type, (status, ask) in (await requests_that_fail(served)).items():
        answer = await ask()
        assert (answer.error, answer.status) == (type, status), answer.body
        assert answer.links("index")
        produced.add(type)
    client = await served.registered()
    for type in sorted(IN_A_CHALLENGE):
        error = await failed_challenge(served, client, ErrorType(type))
        assert error["type"] == URN + type
        assert error["detail"]
        produced.add(type)
    elsewhere = {
        "alreadyReplaced",  # orders that replace: RFC 9773
        "externalAccountRequired",  # test_directory.py
        "serverInternal",  # below
    }
    assert produced | elsewhere | LIMITED == REGISTRY


@pytest.mark.std("A-065")
async def test_an_identifier_stands_in_subproblems_only(served: Served) -> None:
    client = await served.registered()
    names = [("dns", "bad_name.demo.test"), ("dns", "*.*.demo.test"), ("dns", "www.demo.test")]
    refused = await client.post("/new-order", {"identifiers": [{"type": t, "value": v} for t, v in names]})
    outside = await client.order("www.elsewhere.test", "www.demo.test", "192.0.2.1")
    for answer, failed in ((refused, names[:2]), (outside, [("dns", "www.elsewhere.test"), ("ip", "192.0.2.1")])):
        assert "identifier" not in answer.json
        subproblems = answer.json["subproblems"]
        assert sorted((s["identifier"]["type"], s["identifier"]["value"]) for s in subproblems) == sorted(failed)
        assert all(set(s) == {"type", "detail", "identifier"} and s["type"].startswith(URN) for s in subproblems)
    alone = await client.order("bad_name.demo.test")
    assert "identifier" not in alone.json


@pytest.mark.std("A-059", "A-067")
async def test_our_own_failure_tells_nothing_and_a_passing_one_when_to_come_back(served: Served) -> None:
    client = await served.registered()
    orders = f"{client.kid}/orders"
    await served.owner.execute("REVOKE SELECT ON acme.orders FROM keiyaku_acme")
    refused = await client.post(orders)
    assert (refused.status, refused.error) == (500, "serverInternal")
    assert set(refused.json) == {"type", "detail", "status"}
    for word in ("acme.", "permission", "Traceback", "SELECT", "sql", "postgres"):
        assert word not in refused.body.decode()
    await served.owner.execute("GRANT SELECT ON acme.orders TO keiyaku_acme")
    assert (await client.post(orders)).status == 200
    database = await served.owner.fetchval("SELECT current_database()")
    await served.owner.execute(f"ALTER DATABASE {database} CONNECTION LIMIT 0")
    ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'keiyaku_acme' AND datname = $1"
    await served.owner.execute(ended, database)
    away = await client.post(orders)
    assert (away.status, away.error) == (503, "serverInternal")
    assert away.headers["Retry-After"].isdecimal()
    assert (await client.send("HEAD", "/new-nonce")).status == 200  # needs no database
    await served.owner.execute(f"ALTER DATABASE {database} CONNECTION LIMIT -1")
    assert (await client.post(orders)).status == 200


@pytest.mark.std("A-059")
async def test_every_retry_after_is_a_whole_number_of_seconds(served: Served) -> None:
    client = await served.registered()
    chain = leaf(await client.certificate("www.demo.test"))
    key_id = chain.extensions.get_extension_for_class(AuthorityKeyIdentifier).value.key_identifier or b""
    serial = chain.serial_number.to_bytes(chain.serial_number.bit_length() // 8 + 1, "big")
    answers = [await client.send("GET", f"/renewal-info/{b64(key_id)}.{b64(serial)}")]
    served.looks.outcomes["slow.demo.test"] = NotProven(ErrorType.CONNECTION, "not there yet", temporary=True)
    placed = await client.order("slow.demo.test")
    authorization = placed.json["authorizations"][0]
    challenge = (await client.post(authorization)).json["challenges"][0]["url"]
    answers += [await client.post(challenge, {}), await client.post(challenge), await client.post(authorization)]
    await served.owner.execute("UPDATE evidence.seal_state SET sealed_through_at = now() - interval '1 hour'")
    _, order = await client.ready("api.demo.test")
    answers.append(await client.finalize(order))
    assert [answer.status for answer in answers] == [200, 200, 200, 200, 503]
    for answer in answers:
        assert answer.headers["Retry-After"].isdecimal()


@pytest.mark.std("A-061")
async def test_what_http_itself_refuses_is_a_problem_document_too(served: Served) -> None:
    client = await served.registered()
    answers = [
        await client.send("GET", "/no-such"),
        await client.send("DELETE", "/directory"),
        await client.send("POST", "/new-order", b"{}", Content_Type="text/html"),
        await client.send("GET", "/renewal-info/x"),
        await client.post("/new-order", None, kid=LEAVE_OUT),
        await client.post(f"/order/{'0' * 3000}"),
        await client.post("/new-order", {"csr": b64(csr(new_key(), ["a.demo.test"]))}, jwk=jwk(client.key)),
    ]
    assert [answer.status for answer in answers] == [404, 405, 415, 400, 400, 404, 400]
    assert {answer.error for answer in answers} == {"malformed"}
    for mistyped in (
        "/",
        "/directory/",
        "/Directory",
        "/acme/directory",
    ):  # as people write it into a client's settings
        found = await client.send("GET", mistyped)
        assert (found.status, found.json["detail"]) == (
            404, f"There is no such resource. The directory is {BASE}/directory",
        ), mistyped  # fmt: skip
