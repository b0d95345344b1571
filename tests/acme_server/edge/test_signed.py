"""Who may be told apart from whom: signed requests over HTTP. RFC 8555 §6.1, §6.2, §6.4.

The forms of a JWS that are refused stand in protocol/test_jws.py; here, that the server asks all this of each resource.
"""

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.acme_server.client import LEAVE_OUT, Client, Json, Key, b64, der, jwk, jws, leaf, new_key, signature, unb64
from tests.acme_server.conftest import BASE, Served

NIL = "00000000-0000-0000-0000-000000000000"
SIGNED_BY_ACCOUNT = (
    "/dir",
    "/new-nonce",
    f"/account/{NIL}",
    f"/account/{NIL}/orders",
    "/key-change",
    "/new-order",
    f"/order/{NIL}",
    f"/order/{NIL}/finalize",
    f"/authorization/{NIL}",
    f"/challenge/{NIL}/http-01",
    f"/certificate/{NIL}",
    f"/certificate/{NIL}/1",
    "/no-such-resource",
)


async def reads_account(client: Client) -> bool:
    """The good request beside each bad one: the account reads itself."""
    assert client.kid is not None
    return (await client.post(client.kid)).status == 200


@pytest.mark.std("A-015", "A-016")
async def test_each_resource_takes_the_kind_of_key_it_is_for(served: Served) -> None:
    client = await served.registered()
    for path in SIGNED_BY_ACCOUNT:
        refused = await client.post(path, None, kid=LEAVE_OUT, jwk=jwk(client.key))
        assert (refused.status, refused.error) == (400, "malformed"), path
        assert "kid" in refused.json["detail"]
        assert (await client.post(path)).status in (200, 400, 403, 404), path  # past authentication
    refused = await client.post("/new-account", {"termsOfServiceAgreed": True})
    assert (refused.status, refused.error) == (400, "malformed")
    assert "jwk" in refused.json["detail"]
    found = await client.register()
    assert found.status == 200
    for changes in ({}, {"kid": LEAVE_OUT, "jwk": jwk(client.key)}):
        answer = await client.post("/revoke-cert", {"certificate": "AAAA"}, **changes)
        assert "certificate" in answer.json["detail"]  # signed well both ways; the certificate is none


@pytest.mark.std("A-014", "A-016")
async def test_both_kinds_of_key_or_none_are_refused(served: Served) -> None:
    client = await served.registered()
    assert client.kid is not None
    for changes in ({"jwk": jwk(client.key)}, {"kid": LEAVE_OUT}):
        for path in (client.kid, "/revoke-cert", "/new-account"):
            refused = await client.post(path, None, **changes)
            assert (refused.status, refused.error) == (400, "malformed")
    assert await reads_account(client)


@pytest.mark.std("A-017", "A-018")
async def test_a_kid_is_the_account_url_to_the_letter(served: Served) -> None:
    client = await served.registered()
    kid = client.kid
    assert kid is not None
    id = kid.rpartition("/")[2]
    for wrong in (id, f"/account/{id}", f"{kid}/", f"{kid}?a=b", kid.upper(), f"{BASE}/account/{id.upper()}",
                  f"https://other.test/account/{id}", kid.replace("https", "http"), kid.replace("-", ""),
                  f"{BASE}/account/{{{id}}}", f"{BASE}/account/{NIL}", "", f" {kid}"):  # fmt: skip
        refused = await client.post(kid, None, kid=wrong)
        assert (refused.status, refused.error) == (400, "accountDoesNotExist"), wrong
    assert await reads_account(client)


@pytest.mark.std("A-020", "A-021", "A-022")
@pytest.mark.parametrize(
    "key",
    [
        pytest.param(new_key(), id="ES256"),
        pytest.param(ec.generate_private_key(ec.SECP384R1()), id="ES384"),
        pytest.param(ec.generate_private_key(ec.SECP521R1()), id="ES512"),
        pytest.param(ed25519.Ed25519PrivateKey.generate(), id="EdDSA"),
        pytest.param(rsa.generate_private_key(65537, 2048), id="RS256"),
    ],
)
async def test_an_account_key_works_end_to_end(served: Served, key: Key) -> None:
    client = served.client()
    client.key = key
    assert (await client.register((served.demo.admitted.kid, served.demo.admitted.hmac_key))).status == 201
    assert b"BEGIN CERTIFICATE" in await client.certificate("www.demo.test")
    stranger = await served.registered()
    assert (await stranger.post("/new-order", {}, kid=client.kid)).status == 400  # another key's signature


@pytest.mark.std("A-019", "A-023")
async def test_an_alg_that_is_not_accepted_is_answered_with_those_that_are(served: Served) -> None:
    client = await served.registered()
    assert client.kid is not None
    symmetric = {"kty": "oct", "k": b64(b"k" * 32)}
    for alg in ("none", "HS256", "HS512", "RS384", "PS256", "ES256K", "", "es256"):
        for path, changes in (
            (client.kid, {}),
            ("/new-account", {"kid": LEAVE_OUT, "jwk": jwk(client.key)}),
            ("/new-account", {"kid": LEAVE_OUT, "jwk": symmetric}),
            ("/revoke-cert", {"kid": LEAVE_OUT, "jwk": symmetric}),
        ):
            refused = await client.post(path, None, alg=alg, **changes)
            assert (refused.status, refused.error) == (400, "badSignatureAlgorithm"), (alg, path)
            assert refused.json["algorithms"] == ["ES256", "ES384", "ES512", "EdDSA", "RS256"]
    assert await reads_account(client)


@pytest.mark.std("A-024", "A-025")
async def test_a_key_that_is_not_accepted_opens_no_account_and_the_detail_says_why(served: Served) -> None:
    good = jwk(new_key())
    small = rsa.generate_private_key(65537, 1024)
    for alg, key, why in (
        ("RS256", jwk(small), "2048"),
        ("ES256", good | {"crv": "secp256k1"}, "curve"),
        ("ES256", good | {"y": good["x"]}, "point"),
        ("RS256", good, "lg RS256"),
        ("ES256", jwk(ed25519.Ed25519PrivateKey.generate()), "lg ES256"),
        ("ES256", {"kty": "oct", "k": b64(b"k" * 32)}, "symmetric"),
    ):
        refused = await served.client().post("/new-account", {"termsOfServiceAgreed": True}, alg=alg, jwk=key)
        assert (refused.status, refused.error) == (400, "badPublicKey"), why
        assert why in refused.json["detail"]
    assert await served.owner.fetchval("SELECT count(*) FROM acme.accounts") == 0
    assert (await served.client().register()).status == 201


@pytest.mark.std("A-024", "A-104")
async def test_a_key_known_as_compromised_opens_no_account_and_takes_none_over(served: Served) -> None:
    client, shown = await served.registered(), served.client()
    chain = await client.certificate("www.demo.test", key=shown.key)

    reported = {"certificate": der(leaf(chain)), "reason": 1}
    revoked = await shown.post("/revoke-cert", reported)
    assert revoked.status == 200, revoked.body
    refused = await shown.register()
    assert (refused.status, refused.error) == (400, "badPublicKey")
    assert "compromised" in refused.json["detail"]
    url = client.url("/key-change")
    inner = {"account": client.kid, "oldKey": jwk(client.key)}
    refused = await client.post(url, jws(shown.key, inner, {"alg": "ES256", "jwk": jwk(shown.key), "url": url}))
    assert (refused.status, refused.error) == (400, "badPublicKey")
    assert await reads_account(client)
    assert (await served.client().register()).status == 201


@pytest.mark.std("A-024", "C-076")
async def test_a_key_that_was_only_reported_opens_no_account_and_takes_none_over(served: Served) -> None:
    client, shown = await served.registered(), served.client()
    spki = shown.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    block = "INSERT INTO ca.blocked_keys (spki_sha256, cause, blocked_at) VALUES (sha256($1), 'reported', now())"
    await served.owner.execute(block, spki)
    url = client.url("/key-change")
    inner = {"account": client.kid, "oldKey": jwk(client.key)}
    change = jws(shown.key, inner, {"alg": "ES256", "jwk": jwk(shown.key), "url": url})
    for refused in (await shown.register(), await client.post(url, change)):
        assert (refused.status, refused.error) == (400, "badPublicKey")
        assert "compromised" in refused.json["detail"]
    await served.owner.execute("DELETE FROM ca.blocked_keys")
    assert (await client.post(url, change)).status == 200


@pytest.mark.std("A-026")
async def test_the_signature_is_verified_before_the_payload_is_looked_at(served: Served) -> None:
    client = await served.registered()
    assert client.kid is not None
    contact = {"contact": ["mailto:new@demo.test"]}
    for payload in (contact, "not JSON", "{}"):
        refused = await client.post(client.kid, payload, key=new_key())
        assert (refused.status, refused.error) == (400, "malformed")
        assert "signature" in refused.json["detail"]
    assert (await client.post(client.kid)).json["contact"] == []
    assert (await client.post(client.kid, "not JSON")).json["detail"].startswith("The payload")
    assert (await client.post(client.kid, contact)).json["contact"] == contact["contact"]
    unborn = served.client()
    refused = await unborn.post("/new-account", {"termsOfServiceAgreed": True}, key=new_key())
    assert refused.error == "malformed"
    assert await served.owner.fetchval("SELECT count(*) FROM acme.accounts") == 1


@pytest.mark.std("A-027", "A-028", "A-029")
async def test_a_signature_of_another_form_and_an_ambiguous_header_are_refused(served: Served) -> None:
    client = await served.registered()
    assert client.kid is not None
    good = jws(client.key, None, await client.protected(client.kid))
    octets = unb64(good["signature"])
    as_der = encode_dss_signature(int.from_bytes(octets[:32], "big"), int.from_bytes(octets[32:], "big"))
    assert (await client.post_body(client.kid, good | {"signature": b64(as_der)})).error == "malformed"
    header = await client.protected(client.kid)
    assert (await client.post_body(client.kid, signed_as(client, json.dumps(header)))).status == 200
    header = await client.protected(client.kid, crit=["exp"], exp=1)
    assert (await client.post_body(client.kid, signed_as(client, json.dumps(header)))).error == "malformed"
    header = await client.protected(client.kid)
    twice = json.dumps(header)[:-1] + ', "alg": "ES256"}'
    assert (await client.post_body(client.kid, signed_as(client, twice))).error == "malformed"


def signed_as(client: Client, header: str) -> Json:
    """A POST-as-GET whose protected header is that text."""
    parts = jws(client.key, None, {})
    first = b64(header.encode())

    return parts | {"protected": first, "signature": b64(signature(client.key, f"{first}.".encode()))}


@pytest.mark.std("A-009", "A-010", "A-011")
async def test_a_body_is_a_flattened_jws_and_nothing_else(served: Served) -> None:
    client = await served.registered()
    assert client.kid is not None

    async def good() -> Json:
        return jws(client.key, None, await client.protected(client.kid or ""))

    one = await good()
    sole = {name: one[name] for name in ("protected", "signature")}
    bodies: list[Any] = [
        f"{one['protected']}.{one['payload']}.{one['signature']}".encode(),
        json.dumps(f"{one['protected']}.{one['payload']}.{one['signature']}").encode(),
        {"payload": "", "signatures": [sole]},
        one | {"signatures": [sole]},
        {"payload": "", "signatures": [sole, sole]},
        (await good()) | {"header": {"kid": client.kid}},
        {"contact": []},
        b"",
        b"\xff\xfe",
        b"[" * 60_000,
    ]
    for body in bodies:
        refused = await client.post_body(client.kid, body)
        assert (refused.status, refused.error) == (400, "malformed"), body
    assert (await client.post_body(client.kid, await good())).status == 200


@pytest.mark.std("A-012", "A-013", "A-042")
async def test_an_absent_payload_or_url_and_an_unencoded_payload_are_refused(served: Served) -> None:
    client = await served.registered()
    assert client.kid is not None
    kid = client.kid
    good = jws(client.key, None, await client.protected(kid))
    detached = await client.post_body(kid, {name: good[name] for name in ("protected", "signature")})
    assert (detached.status, detached.error) == (400, "malformed")
    changes: tuple[dict[str, Any], ...] = ({"b64": False, "crit": ["b64"]}, {"b64": False}, {"url": LEAVE_OUT},
                                           {"url": [kid]}, {"url": None})  # fmt: skip
    for change in changes:
        refused = await client.post(kid, None, **change)
        assert (refused.status, refused.error) == (400, "malformed"), change
    assert await reads_account(client)


@pytest.mark.std("A-040", "A-041", "A-043")
async def test_the_signed_url_is_the_published_one_of_the_request_to_the_letter(served: Served) -> None:
    client = await served.registered()
    kid = client.kid
    assert kid is not None
    for wrong in (client.url("/new-order"), kid + "/", kid + "?", kid + "#", kid.replace("https", "http"),
                  kid.replace("acme.test", "ACME.test"), kid.replace("acme.test", "acme.test:443"),
                  kid.replace(BASE, served.reach), kid.replace("/account", "/%61ccount"), kid + " "):  # fmt: skip
        refused = await client.post(kid, None, url=wrong)
        assert (refused.status, refused.error) == (403, "unauthorized"), wrong
    header = await client.protected(kid, url=f"https://evil.test/{kid.removeprefix(BASE + '/')}")
    body = json.dumps(jws(client.key, None, header)).encode()
    forwarded = {"Content_Type": "application/jose+json", "Host": "evil.test", "X_Forwarded_Host": "evil.test",
                 "Forwarded": "host=evil.test", "X_Forwarded_Proto": "http"}  # fmt: skip
    assert (await client.send("POST", kid, body, **forwarded)).error == "unauthorized"
    body = json.dumps(jws(client.key, None, await client.protected(kid))).encode()
    answer = await client.send("POST", kid, body, **forwarded)
    assert (answer.status, answer.json["orders"]) == (200, f"{kid}/orders")  # published URLs, as ever
    with_query = await client.post(f"{kid}/orders?after={NIL}")
    assert with_query.status == 200
    assert (await client.post(f"{kid}/orders?after={NIL}", None, url=f"{kid}/orders")).error == "unauthorized"


@pytest.mark.std("A-030")
async def test_another_content_type_is_415(served: Served) -> None:
    client = await served.registered()
    kid = client.kid
    assert kid is not None
    for wrong in ("application/json", "application/jose", "text/plain", "application/jose+json2"):
        refused = await client.post_body(kid, jws(client.key, None, await client.protected(kid)), wrong)
        assert (refused.status, refused.error) == (415, "malformed"), wrong
        assert refused.headers["Accept"] == "application/jose+json"
    without = json.dumps(jws(client.key, None, await client.protected(kid))).encode()
    async with client.session.post(
        kid.replace(BASE, served.reach), data=without, skip_auto_headers=("Content-Type",)
    ) as response:
        assert "Content-Type" not in response.request_info.headers
        assert (response.status, response.content_type) == (415, "application/problem+json")
        client.nonce = response.headers["Replay-Nonce"]
    for right in ("application/jose+json", "application/jose+json; charset=utf-8", "Application/JOSE+JSON"):
        body = jws(client.key, None, await client.protected(kid))
        assert (await client.post_body(kid, body, right)).status == 200, right


@pytest.mark.std("A-031")
async def test_a_body_beyond_the_limit_is_413(served: Served) -> None:
    client = await served.registered()
    kid = client.kid
    assert kid is not None

    async def padded(length: int) -> bytes:
        body = json.dumps(jws(client.key, None, await client.protected(kid))).encode()
        return body + b" " * (length - len(body))

    assert (await client.post_body(kid, await padded(64 * 1024))).status == 200
    for length in (64 * 1024 + 1, 1024 * 1024):
        refused = await client.post_body(kid, await padded(length))
        assert (refused.status, refused.error) == (413, "malformed")
    async with client.session.post(
        kid.replace(BASE, served.reach), data=chunks(), headers={"Content-Type": "application/jose+json"}
    ) as response:
        assert (response.status, response.content_type) == (413, "application/problem+json")


async def chunks() -> Any:
    """A body without a length."""
    for _ in range(80):
        yield b" " * 1024


@pytest.mark.std("A-007")
async def test_no_user_agent_is_refused(served: Served) -> None:
    client = await served.registered()
    assert client.kid is not None
    for agent in ("curl/8", "", "x" * 2000, "日本"):
        body = json.dumps(jws(client.key, None, await client.protected(client.kid))).encode()
        sent = await client.send("POST", client.kid, body, Content_Type="application/jose+json", User_Agent=agent)
        assert sent.status == 200, agent
