"""Renewal information and `replaces`. RFC 9773."""

import asyncio
import re
from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from cryptography import x509

from acme_server.clock import utc_now
from acme_server.protocol import certid
from acme_server.protocol.errors import ErrorType
from acme_server.validation.outcome import NotProven
from tests.acme_server.client import Answer, Client, b64, der, leaf, unb64
from tests.acme_server.conftest import BASE, Served
from tests.acme_server.edge.arrange import ready, run, same_account

NAME = "www.demo.test"


async def issued(client: Client, *names: str) -> tuple[x509.Certificate, str]:
    """A new certificate and its id (RFC 9773 §4.1), made from the certificate alone."""
    certificate = leaf(await client.certificate(*(names or (NAME,))))
    authority = certificate.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
    number = certificate.serial_number
    assert authority is not None
    return certificate, f"{b64(authority)}.{b64(number.to_bytes(number.bit_length() // 8 + 1, 'big'))}"


async def read(client: Client, name: str) -> Answer:
    """The renewal information, asked for by anybody."""
    return await client.send("GET", f"/renewal-info/{name}")


def window(answer: Answer) -> tuple[datetime, datetime]:
    """The suggested window."""
    found = answer.json["suggestedWindow"]
    for text in found.values():
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", text)
    return datetime.fromisoformat(found["start"]), datetime.fromisoformat(found["end"])


@pytest.mark.std("A-213", "A-214", "A-216")
async def test_anybody_reads_the_window_of_a_certificate(served: Served) -> None:
    client = await served.registered()
    certificate, name = await issued(client)
    assert (await client.send("GET", "/directory")).json["renewalInfo"] == f"{BASE}/renewal-info"
    answer = await read(served.client(), name)
    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/json")
    start, end = window(answer)
    assert certificate.not_valid_before_utc < start < end < certificate.not_valid_after_utc
    assert (await read(client, name)).body == answer.body


@pytest.mark.std("A-217", "A-059")
async def test_the_polling_interval_is_told(served: Served) -> None:
    client = await served.registered()
    _, name = await issued(client)
    assert 0 < int((await read(client, name)).headers["Retry-After"]) <= 24 * 3600


@pytest.mark.std("A-219", "A-215")
async def test_other_ids_name_no_certificate(served: Served) -> None:
    client = await served.registered()
    _, name = await issued(client)
    authority, _, serial = name.partition(".")
    unknown = b64(bytes([1]) + unb64(serial)[1:-1] + bytes([unb64(serial)[-1] ^ 1]))
    cases = [
        (f"{authority}.{unknown}", 404),
        (f"{b64(b'another issuer of ours')}.{serial}", 404),
        ("aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE", 404),
        (authority, 400),
        (f"{authority}=.{serial}", 400),
        (f"{authority}.{serial}=", 400),
        (f"{authority}.{b64(bytes([0]) + unb64(serial))}", 400),
        (f"{authority}.{serial}.{serial}", 400),
        ("!.!", 400),
        ("%00.%00", 400),
    ]
    for text, status in cases:
        answer = await read(client, text)
        assert (answer.status, answer.error) == (status, "malformed"), text
    assert (await read(client, name)).status == 200


@pytest.mark.std("A-220", "A-218")
async def test_a_revoked_certificate_is_to_be_renewed_at_once(served: Served) -> None:
    client = await served.registered()
    certificate, name = await issued(client)
    assert window(await read(client, name))[0] > utc_now()
    await client.post("/revoke-cert", {"certificate": der(certificate)})
    start, end = window(await read(client, name))
    assert start < end <= utc_now()


@pytest.mark.std("A-221", "A-223")
async def test_an_accepted_replaces_is_in_the_order(served: Served) -> None:
    client = await served.registered()
    _, name = await issued(client, NAME, "b.demo.test")
    placed = await client.order("b.demo.test", "c.demo.test", replaces=name)
    assert (placed.status, placed.json["replaces"]) == (201, name)
    assert (await client.post(placed.headers["Location"])).json["replaces"] == name
    assert "replaces" not in (await client.order("b.demo.test")).json


@pytest.mark.std("A-221", "A-189")
async def test_what_may_not_be_replaced_is_refused(served: Served) -> None:
    client, stranger = await served.registered(), await served.registered()
    _, name = await issued(client)
    authority, _, serial = name.partition(".")
    absent = f"{authority}.{b64(bytes([7]) * 16)}"
    foreign, none = await stranger.order(NAME, replaces=name), await stranger.order(NAME, replaces=absent)
    assert (foreign.status, foreign.error) == (400, "malformed")
    assert foreign.body == none.body
    for wrong in (f"{b64(b'another issuer of ours')}.{serial}", "x", "", f"{name}=", name + "A"):
        refused = await client.order(NAME, replaces=wrong)
        assert (refused.status, refused.error) == (400, "malformed"), wrong
    unrelated = await client.order("b.demo.test", replaces=name)
    assert (unrelated.status, unrelated.error) == (400, "malformed")
    assert await served.owner.fetchval("SELECT count(*) FROM acme.orders") == 1
    assert (await client.order(NAME, replaces=name)).status == 201


@pytest.mark.std("A-222", "A-223")
@pytest.mark.parametrize("way", ["deactivated", "expired", "swept", "failed"])
async def test_a_certificate_is_replaced_once_unless_the_order_ends(served: Served, way: str) -> None:
    client = await served.registered()
    _, name = await issued(client)
    first = await client.order(NAME, "b.demo.test", replaces=name)
    assert first.status == 201
    refused = await client.order(NAME, replaces=name)
    assert (refused.status, refused.error) == (409, "alreadyReplaced")
    order = f"WHERE id = '{first.headers['Location'].rpartition('/')[2]}'"
    if way == "deactivated":
        await client.post(first.json["authorizations"][1], {"status": "deactivated"})
    elif way == "failed":
        served.looks.outcomes["b.demo.test"] = NotProven(ErrorType.DNS, "No such name.")
        await client.fulfil(first.json)
    elif way == "expired":
        await run(served, f"UPDATE acme.orders SET expires_at = now() - interval '1 second' {order}")
    else:
        await run(served, f"UPDATE acme.orders SET status = 'invalid' {order}")
    assert (await client.post(first.headers["Location"])).json["status"] == "invalid"
    second = await client.order(NAME, replaces=name)
    assert (second.status, second.json["replaces"]) == (201, name)
    assert (await client.order(NAME, replaces=name)).status == 409


@pytest.mark.std("A-222")
async def test_a_certificate_stays_replaced_by_a_valid_order(served: Served) -> None:
    client = await served.registered()
    _, name = await issued(client)
    url, order = await ready(client, NAME, replaces=name)
    assert (await client.finalize(order)).json["status"] == "valid"
    await run(served, "UPDATE acme.orders SET expires_at = now() - interval '1 second'",
              "UPDATE acme.authorizations SET expires_at = now() - interval '1 second'")  # fmt: skip
    assert (await client.post(url)).json["replaces"] == name
    refused = await client.order(NAME, replaces=name)
    assert (refused.status, refused.error) == (409, "alreadyReplaced")


@pytest.mark.std("A-222")
async def test_of_orders_at_once_one_replaces(served: Served) -> None:
    client = await served.registered()
    _, name = await issued(client)
    answers = await asyncio.gather(*(same_account(client).order(NAME, replaces=name) for _ in range(4)))
    assert sorted(answer.status for answer in answers) == [201, 409, 409, 409]
    won = next(answer for answer in answers if answer.status == 201)
    await run(served, "UPDATE acme.orders SET status = 'invalid' WHERE certificate_id IS NULL")
    assert (await client.post(won.headers["Location"])).json["status"] == "invalid"
    answers = await asyncio.gather(*(same_account(client).order(NAME, replaces=name) for _ in range(4)))
    assert sorted(answer.status for answer in answers) == [201, 409, 409, 409]


@pytest.mark.std("A-218")
async def test_a_window_of_an_operator_is_told_with_its_page(served: Served) -> None:
    client = await served.registered()
    certificate, name = await issued(client)
    assert "explanationURL" not in (await read(client, name)).json
    start = utc_now().replace(microsecond=0)
    await served.owner.execute(
        "INSERT INTO acme.renewal_windows (serial, starts_at, ends_at, explanation_url) VALUES ($1, $2, $3, $4)",
        certid.parse(name)[1], start, start + timedelta(hours=1), "https://people.test/incident",
    )  # fmt: skip
    answer = await read(client, name)
    assert window(answer) == (start, start + timedelta(hours=1))
    assert answer.json["explanationURL"] == "https://people.test/incident"
    assert certificate.not_valid_after_utc > start
    assert (await client.order(NAME, replaces=f"{uuid4().hex}.{name}")).status == 400
