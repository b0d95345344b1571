"""What the contract's lock promises: facts and certificates of a contract come one after the other. Design §4, T0-5."""

import asyncio
from collections.abc import Awaitable, Callable
from uuid import UUID

import pytest

from acme_server.clock import utc_now
from office.use_cases import holds, keys
from sql import Conn
from tests.acme_server.client import Answer, Client, Json
from tests.acme_server.conftest import Served

ROUNDS, ORDERS = 4, 6


@pytest.mark.rule("T8-3", "T12-2")
async def test_the_term_begins_once_under_twenty_first_certificates(served: Served) -> None:
    client = await served.registered()
    ready = [(await client.ready(f"n{number}.demo.test"))[1] for number in range(20)]
    answers = await at_once(client, ready)
    assert [answer.json["status"] for answer in answers] == ["valid"] * 20
    starts = await served.owner.fetch("SELECT contract_id, certificate_id, issued_at FROM gate.contract_starts")
    assert len(starts) == 1
    signed_at = await served.owner.fetchval(
        "SELECT signed_at FROM ca.certificates WHERE id = $1", starts[0]["certificate_id"]
    )
    assert signed_at == starts[0]["issued_at"]
    assert signed_at == await served.owner.fetchval("SELECT min(signed_at) FROM ca.certificates")


async def hold(conn: Conn, kid: str) -> Callable[[], Awaitable[None]]:
    """The contract is held; what lifts it again."""
    made = await holds.set_hold(conn, "demo", "conduct", "suspected", 1, "a test", "demo-officer-1", utc_now())
    return lambda: holds.lift(conn, str(made), "demo-officer-1", "demo-officer-2", utc_now())


async def withdraw(conn: Conn, kid: str) -> Callable[[], Awaitable[None]]:
    """The account's key is withdrawn, for good."""
    await keys.withdraw(conn, kid, utc_now())
    return nothing


async def nothing() -> None:
    """Nothing to undo."""


@pytest.mark.rule("T0-5")
@pytest.mark.parametrize("change", [hold, withdraw])
async def test_no_certificate_is_recorded_after_a_fact_that_forbids_it(
    served: Served, change: Callable[[Conn, str], Awaitable[Callable[[], Awaitable[None]]]]
) -> None:
    """Whoever comes first: every order has either its record and an admission, or a refusal and no record."""
    issued = refused = 0
    async with served.owner.acquire() as conn:
        for _ in range(ROUNDS):
            key = await keys.new_key(conn, "demo", "a test", [], None, None, utc_now())
            client = served.client()
            await client.register((key.kid, key.hmac_key))
            orders = [await client.ready(f"n{number}.demo.test") for number in range(ORDERS)]
            first = await clients_of(client, 1)[0].finalize(orders[0][1])
            async with asyncio.TaskGroup() as group:
                racing = group.create_task(at_once(client, [order for _, order in orders[1:-1]]))
                undo = await change(conn, key.kid)
                recorded = await served.owner.fetchval("SELECT count(*) FROM ca.to_be_signed")
            answers = [first, *racing.result(), await client.finalize(orders[-1][1])]
            assert await served.owner.fetchval("SELECT count(*) FROM ca.to_be_signed") == recorded
            await undo()
            for (url, _), answer in zip(orders, answers, strict=True):
                await check(served, UUID(url.rpartition("/")[2]), answer)
            issued += sum(answer.status == 200 for answer in answers)
            refused += sum(answer.status == 403 for answer in answers)
    assert issued >= ROUNDS
    assert refused >= ROUNDS
    assert issued + refused == ROUNDS * ORDERS


async def check(served: Served, order: UUID, answer: Answer) -> None:
    """The answer is what the decision and the record say."""
    row = await served.owner.fetchrow(
        "SELECT o.status, t.state, d.outcome FROM acme.orders o LEFT JOIN acme.issuances i ON i.order_id = o.id"
        " LEFT JOIN ca.to_be_signed t ON t.id = i.to_be_signed_id LEFT JOIN gate.decisions d ON d.id = t.admission_id"
        " WHERE o.id = $1", order,
    )  # fmt: skip
    if answer.status == 200:
        assert tuple(row.values()) == ("valid", "signed", "admitted")
    else:
        assert answer.status == 403, answer.body
        assert tuple(row.values())[1:] == (None, None)


async def at_once(client: Client, orders: list[Json]) -> list[Answer]:
    """All of them finalized at the same time."""
    each = clients_of(client, len(orders))
    return list(await asyncio.gather(*(one.finalize(order) for one, order in zip(each, orders, strict=True))))


def clients_of(client: Client, count: int) -> list[Client]:
    """As many clients with the same account, each with nonces of its own."""
    made = [client.another() for _ in range(count)]
    for one in made:
        one.key, one.kid = client.key, client.kid
    return made
