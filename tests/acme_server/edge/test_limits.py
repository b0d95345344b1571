"""Limits of what may happen how often, over HTTP; each refusal beside the same request within the limit."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from typing import Any

import asyncpg
import msgspec
import pytest
from aiohttp.test_utils import TestClient, TestServer, make_mocked_request

from acme_server.clock import utc_now
from acme_server.dev.postgres import EmbeddedPostgres
from acme_server.edge.client_address import client_network
from acme_server.protocol.errors import ErrorType
from acme_server.protocol.limits import Rate
from acme_server.validation.outcome import NotProven, Proven
from office.edge.app import make_app
from office.use_cases import limits as office
from tests.acme_server.client import Answer, Client, new_key
from tests.acme_server.conftest import PEOPLE, Served
from tests.acme_server.edge.arrange import CONTRACT, OTHER, ready, run
from tests.acme_server.edge.test_renewal_info import issued

DAY = timedelta(days=1)
NAMES = ("www.demo.test", "api.demo.test", "mail.demo.test")
WRONG = NotProven(ErrorType.INCORRECT_RESPONSE, "Not what was expected.")
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


def limited(served: Served, **rates: Any) -> None:
    """The server keeps these limits from now on."""
    served.context.rates = msgspec.structs.replace(served.context.rates, **rates)


def seconds(answer: Answer) -> int:
    """What a refusal for a limit says, which it is."""
    assert (answer.status, answer.json["type"].rpartition(":")[2]) == (429, "rateLimited"), answer.body
    assert answer.headers["Link"] == f'<{PEOPLE}/supported#limits>;rel="help"'
    return int(answer.headers["Retry-After"])


async def until_now(served: Served) -> None:
    """The time that the refusals named has passed."""
    await served.owner.execute("UPDATE acme.limits SET full_at = full_at - interval '12 hours'")


@pytest.mark.std("A-057", "A-058", "A-191")
@pytest.mark.parametrize("limit", ["orders_of_account", "orders_of_contract", "orders_of_names"])
async def test_orders(served: Served, limit: str) -> None:
    client = await served.registered()
    limited(served, **{limit: Rate(2, DAY)})
    for _ in range(2):
        assert (await client.order(*NAMES)).status == 201
    refused = await client.order(*NAMES)
    assert 12 * 3600 - 10 <= seconds(refused) <= 12 * 3600
    assert "2/1d" in refused.json["detail"]
    assert await served.owner.fetchval("SELECT count(*) FROM acme.orders") == 2
    await until_now(served)
    assert (await client.order(*NAMES)).status == 201


@pytest.mark.parametrize(
    ("limit", "expected"),
    [("orders_of_account", 201), ("orders_of_contract", 429), ("orders_of_names", 429)],
)
async def test_whose_orders_count(served: Served, limit: str, expected: int) -> None:
    first, second = await served.registered(), await served.registered()
    limited(served, **{limit: Rate(1, DAY)})
    assert (await first.order(*NAMES)).status == 201
    assert (await second.order(*reversed(NAMES))).status == expected
    others = await second.order(NAMES[0])
    assert others.status == (201 if limit == "orders_of_names" else 429)


@pytest.mark.std("A-224")
async def test_a_renewal_takes_nothing(served: Served) -> None:
    client = await served.registered()
    _, certificate = await issued(client)
    limited(served, orders_of_account=Rate(1, DAY), orders_of_contract=Rate(1, DAY), orders_of_names=Rate(1, DAY))
    assert (await client.order(NAMES[0])).status == 201
    seconds(await client.order(NAMES[0]))
    assert (await client.order(NAMES[0], replaces=certificate)).status == 201


async def test_of_sixteen_at_once_as_many_are_admitted_as_the_limit_says(served: Served) -> None:
    first = await served.registered()
    clients = [first, *(Client(first.session, first.base, first.reach, first.key, first.kid) for _ in range(15))]
    limited(served, orders_of_account=Rate(5, DAY), orders_of_contract=Rate(9, DAY))
    answers = await asyncio.gather(*(client.order(NAMES[0]) for client in clients))
    assert sorted(answer.status for answer in answers) == [201] * 5 + [429] * 11


@pytest.mark.std("A-057")
async def test_new_accounts_of_an_address(served: Served) -> None:
    limited(served, new_accounts=Rate(1, DAY))
    first = await served.registered()
    second, key = served.client(), served.demo.admitted
    refused = await second.register((key.kid, key.hmac_key))
    assert 24 * 3600 - 10 <= seconds(refused) <= 24 * 3600
    assert (await first.register()).status == 200  # finding an account takes nothing
    assert await served.owner.fetchval("SELECT count(*) FROM gate.binding_uses") == 1
    await served.owner.execute("UPDATE acme.limits SET full_at = full_at - interval '1 day'")
    assert (await second.register((key.kid, key.hmac_key))).status == 201


async def test_a_contract_may_have_numbers_of_its_own(served: Served) -> None:
    client = await served.registered()
    limited(served, orders_of_account=Rate(1, DAY))
    assert (await client.order(NAMES[0])).status == 201
    assert (await client.order(NAMES[0])).status == 429
    now = utc_now()
    async with served.owner.acquire() as conn:
        person = await conn.fetchval("SELECT handle FROM gate.persons LIMIT 1")
        for number, starts_at in ((3, now), (1, now + DAY)):
            await office.set_limit(conn, "demo", "orders_of_account", number, starts_at, "a fleet", person, now)
        assert [each.number for each in await office.listed(conn, "demo")] == [1, 3]
    assert [(await client.order(NAMES[0])).status for _ in range(3)] == [201, 201, 429]
    kinds = await served.owner.fetch("SELECT kind FROM evidence.records WHERE kind = 'limit.set'")
    assert len(kinds) == 2


async def fail(client: Client, name: str) -> None:
    """The account fails to validate the name once."""
    placed = (await client.order(name)).json
    url = placed["authorizations"][0]
    await client.post((await client.post(url)).json["challenges"][0]["url"], {})
    assert (await client.post(url)).json["status"] == "invalid"


@pytest.mark.std("A-057", "A-191")
async def test_failed_validations(served: Served) -> None:
    client, other = await served.registered(), await served.registered()
    limited(served, failed_validations=Rate(2, DAY))
    served.looks.outcomes[NAMES[0]] = WRONG
    await fail(client, NAMES[0])
    await fail(client, NAMES[0])
    refused = await client.order(*NAMES)
    assert seconds(refused) <= 12 * 3600
    assert [each["identifier"]["value"] for each in refused.json["subproblems"]] == [NAMES[0]]
    assert (await client.order(NAMES[1])).status == 201
    assert (await other.order(NAMES[0])).status == 201


async def test_a_failure_of_ours_does_not_count(served: Served) -> None:
    client = await served.registered()
    limited(served, failed_validations=Rate(1, DAY))
    served.looks.outcomes[NAMES[0]] = NotProven(ErrorType.SERVER_INTERNAL, "The server failed to look.")
    await fail(client, NAMES[0])
    assert (await client.order(NAMES[0])).status == 201


@pytest.fixture
async def people(postgres: EmbeddedPostgres, database: str) -> AsyncIterator[TestClient[Any, Any]]:
    """The office's pages."""
    async with (
        asyncpg.create_pool(postgres.dsn("keiyaku_office", database), min_size=1, max_size=2) as pool,
        TestClient(TestServer(make_app(pool, utc_now, "https://office.test"))) as made,
    ):
        yield made


@pytest.mark.std("A-060")
async def test_who_keeps_failing_is_paused_until_somebody_resumes(served: Served, people: TestClient[Any, Any]) -> None:
    client = await served.registered()
    limited(served, pause_failures=3, pause_span=timedelta(0))
    served.looks.outcomes[NAMES[0]] = WRONG
    for _ in range(3):
        await fail(client, NAMES[0])
    refused = await client.order(NAMES[0])
    page = refused.headers["Link"].partition("<")[2].partition(">")[0]
    assert (refused.status, page in refused.json["detail"], "Retry-After" in refused.headers) == (429, True, False)
    assert (await client.order(NAMES[1])).status == 201
    path = page.removeprefix(PEOPLE)
    assert "Resume" in await (await people.get(path)).text()
    assert (await people.post(path, headers={"Sec-Fetch-Site": "cross-site"})).status == 404
    assert (await client.order(NAMES[0])).status == 429  # reading the page, or another site's form, changes nothing
    assert (await people.post("/resume/AAAAAAAAAAAAAAAAAAAAAA")).status == 404
    assert (await people.post(path)).status == 200
    assert (await client.order(NAMES[0])).status == 201
    kinds = await served.owner.fetch("SELECT kind FROM evidence.records WHERE kind LIKE 'account.%' ORDER BY id")
    assert [row["kind"] for row in kinds] == ["account.created", "account.paused", "account.resumed"]


@pytest.mark.rule("T12-7")
@pytest.mark.parametrize("renewed", [False, True])
async def test_failures_are_those_of_the_contract_that_the_key_serves(
    served: Served, people: TestClient[Any, Any], renewed: bool
) -> None:
    client = await served.registered()
    limited(served, pause_failures=1, pause_span=timedelta(0))
    placed = (await client.order(NAMES[0])).json
    if renewed:
        await run(
            served,
            f"INSERT INTO gate.successions (contract_id, successor_id, starts_at) VALUES ({CONTRACT}, {OTHER}, now())",
        )
    served.looks.outcomes[NAMES[0]] = WRONG
    await client.fulfil(placed)
    token = await served.owner.fetchval("SELECT token FROM acme.failures")
    assert (await people.post(f"/resume/{token}")).status == 200
    found = await served.owner.fetch(
        "SELECT e.kind, c.handle FROM evidence.records e JOIN gate.contracts c ON c.id = e.contract_id"
        " WHERE e.kind IN ('authorization.validated', 'account.paused', 'account.resumed') ORDER BY e.kind"
    )
    handle = "demo-overdue" if renewed else "demo"
    kinds = ("account.paused", "account.resumed", "authorization.validated")
    assert [tuple(row) for row in found] == [(kind, handle) for kind in kinds]


async def test_a_success_between_failures_is_no_row(served: Served) -> None:
    client = await served.registered()
    limited(served, pause_failures=2, pause_span=timedelta(0))
    served.looks.outcomes[NAMES[0]] = WRONG
    await fail(client, NAMES[0])
    served.looks.outcomes[NAMES[0]] = Proven(None, {})
    url, _ = await ready(client, NAMES[0])
    authorization = (await client.post(url)).json["authorizations"][0]
    await client.post(authorization, {"status": "deactivated"})
    served.looks.outcomes[NAMES[0]] = WRONG
    await fail(client, NAMES[0])
    assert (await client.order(NAMES[0])).status == 201


async def test_a_key_of_a_certificate_is_no_accounts(served: Served) -> None:
    """RFC 8555 §11.1."""
    client, shared = await served.registered(), new_key()
    _, order = await ready(client, NAMES[0])
    assert (await client.finalize(order, shared)).status == 200
    binding = (served.demo.admitted.kid, served.demo.admitted.hmac_key)
    for key, expected in ((shared, (400, "badPublicKey")), (new_key(), (201, ""))):
        fresh = served.client()
        fresh.key = key
        answer = await fresh.register(binding)
        assert (answer.status, answer.json.get("type", "").rpartition(":")[2]) == expected


async def test_new_contacts_leave_evidence(served: Served) -> None:
    client = await served.registered()
    assert (await client.post(client.kid or "", {"contact": ["mailto:new@demo.test"]})).status == 200
    row = await served.owner.fetchrow(
        "SELECT content, contract_id FROM evidence.records WHERE kind = 'account.updated'"
    )
    assert row is not None
    assert row["contract_id"] is not None
    assert b"new@demo.test" not in row["content"]


@pytest.mark.parametrize(
    ("peer", "said", "expected"),
    [
        pytest.param("198.51.100.9", "192.0.2.1", "198.51.100.9", id="a stranger says what it likes"),
        pytest.param("10.0.0.1", "192.0.2.1", "192.0.2.1", id="our proxy is believed"),
        pytest.param("10.0.0.1", "192.0.2.99, 192.0.2.1", "192.0.2.1", id="in what it added itself"),
        pytest.param("10.0.0.1", "anything", "10.0.0.1", id="what is no address counts as the proxy"),
        pytest.param("10.0.0.1", None, "10.0.0.1", id="so does nothing"),
    ],
)
def test_client_network(peer: str, said: str | None, expected: str) -> None:
    headers = {} if said is None else {"X-Forwarded-For": said}
    request = make_mocked_request("POST", "/new-account", headers=headers).clone(remote=peer)
    assert client_network(request, (ip_network("10.0.0.0/8"),)) == expected


async def test_what_has_come_back_is_forgotten(served: Served) -> None:
    client = await served.registered()
    assert (await client.order(NAMES[0])).status == 201
    assert await served.owner.fetchval("SELECT count(*) FROM acme.limits") == 4
    await served.owner.execute("SELECT acme.forget_limits($1)", EPOCH)
    assert await served.owner.fetchval("SELECT count(*) FROM acme.limits") == 4
    await served.owner.execute("SELECT acme.forget_limits($1)", utc_now() + DAY)
    assert await served.owner.fetchval("SELECT count(*) FROM acme.limits") == 0


async def test_what_is_forgotten_waits_for_no_order_that_takes_of_it(served: Served) -> None:
    """An order that waits for the sweep while the sweep waits for it would fail: orders take of several limits."""
    client = await served.registered()
    assert (await client.order(NAMES[0])).status == 201
    async with served.owner.acquire() as conn, conn.transaction():
        await conn.execute("SELECT FROM acme.limits WHERE name = 'orders_of_account' FOR UPDATE")
        async with asyncio.timeout(10):
            await served.owner.execute("SELECT acme.forget_limits($1)", utc_now() + DAY)
    assert [row["name"] for row in await served.owner.fetch("SELECT name FROM acme.limits")] == ["orders_of_account"]
