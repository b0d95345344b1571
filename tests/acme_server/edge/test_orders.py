"""newOrder, orders and the orders list. RFC 8555 §7.4, §7.1.2.1, §7.1.3, §7.1.6."""

from datetime import timedelta
from ipaddress import ip_address

import pytest
from cryptography.x509 import DNSName, IPAddress, SubjectAlternativeName

from acme_server.clock import utc_now
from acme_server.protocol.errors import ErrorType
from acme_server.use_cases.sweep import sweep_expired
from acme_server.validation.outcome import NotProven
from tests.acme_server.client import Client, Json, leaf
from tests.acme_server.conftest import BASE, Served
from tests.acme_server.edge.arrange import id_of, ready, rfc3339, run

NAME = "www.demo.test"
LATE = "UPDATE acme.%s SET expires_at = now() - interval '1 second'"
MISSING = object()


@pytest.mark.std("A-111", "A-112", "A-125")
async def test_an_order_has_its_url_and_every_member(served: Served) -> None:
    client = await served.registered()
    placed = await client.order(NAME, "127.0.0.1")
    url, document = placed.headers["Location"], placed.json
    assert placed.status == 201
    assert url.startswith(f"{BASE}/order/")
    assert document["status"] == "pending"
    assert document["identifiers"] == [{"type": "dns", "value": NAME}, {"type": "ip", "value": "127.0.0.1"}]
    assert len(document["authorizations"]) == 2
    assert document["finalize"] == f"{url}/finalize"
    week = utc_now() + timedelta(days=7)
    assert rfc3339(week - timedelta(minutes=5)) < document["expires"] <= rfc3339(week)
    assert {"certificate", "error", "notBefore", "notAfter"}.isdisjoint(document)
    await client.fulfil(document)
    done = (await client.finalize(document)).json
    assert (done["status"], done["expires"]) == ("valid", document["expires"])


@pytest.mark.std("A-113", "A-123", "A-135")
async def test_an_order_goes_from_pending_to_valid_and_keeps_what_it_was(served: Served) -> None:
    client = await served.registered()
    placed = await client.order(NAME, "b.demo.test")
    url, document = placed.headers["Location"], placed.json
    seen: list[Json] = [document]
    for authorization in document["authorizations"]:
        challenge = (await client.post(authorization)).json["challenges"][0]["url"]
        await client.post(challenge, {})
        seen.append((await client.post(url)).json)
    seen += [(await client.finalize(document)).json, (await client.post(url)).json]
    assert [each["status"] for each in seen] == ["pending", "pending", "ready", "valid", "valid"]
    assert ["certificate" in each for each in seen] == [False, False, False, True, True]
    for each in seen:
        assert each["identifiers"] == document["identifiers"]
        assert each["authorizations"] == document["authorizations"]


@pytest.mark.std("A-115")
@pytest.mark.parametrize(
    ("before", "after", "met"),
    [
        pytest.param(None, timedelta(days=30), True, id="an end"),
        pytest.param(timedelta(hours=12), timedelta(days=40), True, id="a start ahead"),
        pytest.param(timedelta(minutes=-50), None, True, id="a start past, no end"),
        pytest.param(timedelta(minutes=-50), timedelta(days=198), True, id="a start past and an end"),
        pytest.param(timedelta(hours=-2), None, False, id="a start too long ago"),
        pytest.param(timedelta(hours=25), None, False, id="a start too far ahead"),
        pytest.param(None, timedelta(days=200), False, id="an end later than the profile's"),
        pytest.param(timedelta(minutes=-50), timedelta(days=199), False, id="longer than the profile's from its start"),
        pytest.param(None, timedelta(hours=1), False, id="an end too soon"),
        pytest.param(None, timedelta(days=-1), False, id="an end past"),
    ],
)
async def test_a_wanted_validity_is_met_to_the_second_or_refused(
    served: Served, before: timedelta | None, after: timedelta | None, met: bool
) -> None:
    client, now = await served.registered(), utc_now().replace(microsecond=0)
    spans = {"notBefore": before, "notAfter": after}
    wanted = {member: rfc3339(now + span) for member, span in spans.items() if span is not None}
    placed = await client.order(NAME, **wanted)
    if not met:
        assert (placed.status, placed.error) == (400, "malformed")
        assert "notBefore" in placed.json["detail"] or "notAfter" in placed.json["detail"]
        return
    assert {member: placed.json[member] for member in wanted} == wanted
    await client.fulfil(placed.json)
    done = (await client.finalize(placed.json)).json
    assert {member: done[member] for member in wanted} == wanted
    certificate = leaf((await client.post(done["certificate"])).body)
    if before is not None:
        assert certificate.not_valid_before_utc == now + before
    if after is not None:
        assert certificate.not_valid_after_utc == now + after
    lifetime = certificate.not_valid_after_utc - certificate.not_valid_before_utc
    assert lifetime < timedelta(days=199)


@pytest.mark.std("A-115")
async def test_a_fraction_of_a_second_is_refused_rather_than_cut(served: Served) -> None:
    client, end = await served.registered(), utc_now() + timedelta(days=30)
    for fraction, status in ((".5", 400), (".000", 201), ("", 201)):
        wanted = end.strftime(f"%Y-%m-%dT%H:%M:%S{fraction}+09:00")
        assert (await client.order(NAME, notAfter=wanted)).status == status


async def decided(served: Served) -> list[tuple[object, ...]]:
    """Stage and outcome of each decision, and how many records of evidence are about it."""
    rows = await served.owner.fetch(
        """SELECT d.stage, d.outcome, count(e.*) FROM gate.decisions d LEFT JOIN evidence.records e
        ON e.kind = 'gate.decided' AND position(convert_to(d.id::text, 'UTF8') IN e.content) > 0
        GROUP BY d.id ORDER BY d.id"""
    )
    return [tuple(row) for row in rows]


@pytest.mark.rule("T12-5")
async def test_no_certificate_outlives_the_term_of_its_contract(served: Served) -> None:
    client, now = await served.registered(), utc_now()
    await run(
        served,
        """INSERT INTO gate.contract_starts (contract_id, certificate_id, issued_at)
        SELECT id, gen_random_uuid(), now() - interval '120 months' + interval '60 days'
        FROM gate.contracts WHERE handle = 'demo'""",
    )
    later = await client.order(NAME, notAfter=rfc3339(now + timedelta(days=63)))
    assert (later.status, later.error) == (400, "malformed")
    assert await decided(served) == [("new_order", "admitted", 1)]  # the gate was asked: recorded, with evidence
    end = leaf(await client.certificate(NAME)).not_valid_after_utc
    assert (end.hour, end.minute, end.second) == (14, 59, 59)
    assert timedelta(days=57) < end - now < timedelta(days=62)


@pytest.mark.std("A-116", "A-117", "A-118")
async def test_identifiers_that_no_order_can_have(served: Served) -> None:
    client = await served.registered()
    right = {"type": "dns", "value": NAME}
    cases = [
        ([right], 201, None),
        (MISSING, 400, "malformed"),
        ([], 400, "malformed"),
        (right, 400, "malformed"),
        ([{"type": "dns"}], 400, "malformed"),
        ([{"value": NAME}], 400, "malformed"),
        ([{"type": "email", "value": "a@demo.test"}], 400, "unsupportedIdentifier"),
        ([{"type": "dns", "value": "*.*.demo.test"}], 400, "malformed"),
        ([{"type": "dns", "value": "www.*.demo.test"}], 400, "malformed"),
        ([{"type": "dns", "value": "*"}], 400, "malformed"),
        ([{"type": "dns", "value": "*.demo.test"}], 201, None),
    ]
    for identifiers, status, error in cases:
        answer = await client.post("/new-order", {} if identifiers is MISSING else {"identifiers": identifiers})
        assert answer.status == status, (identifiers, answer.body)
        if error:
            assert answer.error in (error, "rejectedIdentifier"), (identifiers, answer.body)
            assert answer.error == error or "*" in str(identifiers)


@pytest.mark.std("A-119", "A-120", "A-121")
async def test_names_are_taken_in_one_form_only(served: Served) -> None:
    client = await served.registered()
    placed = await client.order("WWW.Demo.Test", NAME, "B.demo.test")
    assert [each["value"] for each in placed.json["identifiers"]] == [NAME, "b.demo.test"]
    for bad in ("www.demo.test.", "büro.demo.test", "a_b.demo.test", "xn--zzzzzz.demo.test", "-a.demo.test"):
        answer = await client.order(bad)
        assert (answer.status, answer.error in ("malformed", "rejectedIdentifier")) == (400, True), bad
    assert (await client.order("xn--bro-hoa.demo.test")).status == 201


@pytest.mark.std("A-202", "A-205", "A-206")
async def test_addresses_are_identifiers_of_their_own_kind(served: Served) -> None:
    client = await served.registered()
    for value, status in (("::1", 201), ("127.0.0.1", 201), ("0:0::1", 400), ("::1%eth0", 400), ("127.0.0.0/8", 400)):
        answer = await client.post("/new-order", {"identifiers": [{"type": "ip", "value": value}]})
        assert answer.status == status, (value, answer.body)
    written_as_name = await client.post("/new-order", {"identifiers": [{"type": "dns", "value": "127.0.0.1"}]})
    assert written_as_name.status == 400
    _, order = await ready(client, "127.0.0.1", "::1")
    for authorization in order["authorizations"]:
        found = (await client.post(authorization)).json
        assert found["identifier"]["type"] == "ip"
        assert "wildcard" not in found
    pending = (await client.post((await client.order("127.0.0.2")).json["authorizations"][0])).json
    assert [each["type"] for each in pending["challenges"]] == ["http-01", "tls-alpn-01"]
    certificate = (await client.finalize(order)).json["certificate"]
    names = leaf((await client.post(certificate)).body).extensions.get_extension_for_class(SubjectAlternativeName).value
    assert names.get_values_for_type(IPAddress) == [ip_address("127.0.0.1"), ip_address("::1")]
    assert names.get_values_for_type(DNSName) == []


@pytest.mark.std("A-114", "A-122", "A-192")
async def test_valid_authorizations_are_used_again_by_their_account_only(served: Served) -> None:
    client, stranger = await served.registered(), await served.registered()
    _, first = await ready(client, NAME)
    again = (await client.order(NAME)).json
    assert (again["status"], again["authorizations"]) == ("ready", first["authorizations"])
    mixed = (await client.order("new.demo.test", NAME)).json
    assert mixed["status"] == "pending"
    assert mixed["authorizations"][1] == first["authorizations"][0]
    other = (await stranger.order(NAME)).json
    assert other["status"] == "pending"
    assert set(other["authorizations"]).isdisjoint(first["authorizations"])
    for wildcard in ("*.demo.test", "*.www.demo.test"):
        assert (await client.order(wildcard)).json["status"] == "pending"
    assert (await client.finalize(again)).json["status"] == "valid"


@pytest.mark.std("A-122", "A-140")
async def test_a_wildcard_authorization_and_that_of_its_base_never_stand_for_each_other(served: Served) -> None:
    client = await served.registered()
    _, wildcard = await ready(client, "*.demo.test")
    base = (await client.order("demo.test")).json
    assert base["status"] == "pending"
    assert base["authorizations"] != wildcard["authorizations"]
    await client.fulfil(base)
    both = (await client.order("demo.test", "*.demo.test")).json
    assert both["status"] == "ready"
    assert both["authorizations"] == base["authorizations"] + wildcard["authorizations"]


@pytest.mark.std("A-124", "A-136", "A-125")
@pytest.mark.parametrize("table", ["orders", "authorizations"])
async def test_what_has_expired_is_not_used_and_ends_its_order(served: Served, table: str) -> None:
    client = await served.registered()
    url, order = await ready(client, NAME)
    await run(served, LATE % table)
    late = (await client.post(url)).json
    assert late["status"] == "invalid"
    assert "expired" in late["error"]["detail"]
    refused = await client.finalize(order)
    assert (refused.status, refused.error) == (403, "orderNotReady")
    fresh = (await client.order(NAME)).json
    assert fresh["status"] == ("ready" if table == "orders" else "pending")
    shown = (await client.post(order["authorizations"][0])).json["status"]
    assert shown == ("valid" if table == "orders" else "expired")
    if table == "orders":
        assert await sweep_expired(served.context, utc_now() + timedelta(days=6)) == 0
        assert await sweep_expired(served.context, utc_now() + timedelta(days=7)) == 2
        stored = await served.owner.fetchrow("SELECT status, error FROM acme.orders WHERE id = $1", id_of(url))
        assert (stored["status"], b"expired" in stored["error"]) == ("invalid", True)
        assert (await client.post(url)).json["error"] == late["error"]


@pytest.mark.std("A-124", "A-125")
async def test_an_order_ends_with_the_error_of_its_failed_challenge(served: Served) -> None:
    client = await served.registered()
    served.looks.outcomes[NAME] = NotProven(ErrorType.UNAUTHORIZED, "Something else is there.")
    placed = await client.order(NAME, "b.demo.test")
    await client.fulfil(placed.json)
    ended = (await client.post(placed.headers["Location"])).json
    assert ended["status"] == "invalid"
    assert ended["error"] == {"type": "urn:ietf:params:acme:error:unauthorized", "detail": "Something else is there."}
    served.looks.outcomes.clear()
    assert (await ready(client, NAME))[1]["status"] == "ready"
    assert (await client.post(placed.headers["Location"])).json == ended


async def pages_of(client: Client) -> list[str]:
    """Every order URL that the pages list, in their order."""
    url: str | None = f"{client.kid}/orders"
    listed: list[str] = []
    while url:
        page = await client.post(url)
        listed += page.json["orders"]
        url = next(iter(page.links("next")), None)
    return listed


@pytest.mark.std("A-087", "A-088", "A-089")
async def test_the_pages_of_the_orders_list_hold_each_order_once(served: Served) -> None:
    client, stranger = await served.registered(), await served.registered()
    assert await pages_of(client) == []
    foreign = (await stranger.order(NAME)).headers["Location"]
    first = (await client.order(NAME)).headers["Location"]
    await served.owner.execute(
        """INSERT INTO acme.orders (id, account_id, contract_id, admission_id, names, authorization_ids, profile,
            expires_at, created_at, status)
        SELECT (overlay(o.id::text placing lpad(to_hex(i), 12, '0') from 25))::uuid, account_id, contract_id,
            admission_id, names, authorization_ids, profile, expires_at, created_at,
            CASE WHEN i % 50 = 0 THEN 'invalid' ELSE 'pending' END
        FROM acme.orders o, generate_series(1, 250) AS i WHERE o.id = $1""",
        id_of(first),
    )
    rows = await served.owner.fetch("SELECT id FROM acme.orders WHERE status <> 'invalid' AND account_id::text = $1",
                                    id_of(client.kid or ""))  # fmt: skip
    listed = await pages_of(client)
    assert len(listed) == len(set(listed)) == 246
    assert set(listed) == {f"{BASE}/order/{row['id']}" for row in rows}
    assert await pages_of(stranger) == [foreign]
