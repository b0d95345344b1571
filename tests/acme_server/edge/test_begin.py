"""finalize beside somebody who holds the contract's lock: what they commit meanwhile counts (T0-5, design §4.4)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from sql import Conn
from tests.acme_server.client import Answer, Client, Json, new_key
from tests.acme_server.conftest import Served
from tests.acme_server.edge.arrange import ready
from tests.acme_server.edge.test_races import somebody_waits

NAME = "www.demo.test"
LOCK = "SELECT pg_advisory_xact_lock(7001, number) FROM gate.contracts WHERE handle = 'demo'"
REVISED = "UPDATE gate.contracts SET names_max = names_max + 1 WHERE handle = 'demo'"
KEY = new_key()
SPKI = sha256(KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()


@asynccontextmanager
async def holding(served: Served) -> AsyncIterator[Conn]:
    """A transaction that holds the contract's lock alone, as every writer of its facts does."""
    async with served.owner.acquire() as conn, conn.transaction():
        await conn.execute(LOCK)
        yield conn


async def started(served: Served) -> tuple[Client, str, Json]:
    """An order that is ready, of a contract with certificates whose facts are kept."""
    client = await served.registered()
    for _ in range(2):  # the first certificate of the contract is a change itself
        await client.certificate(NAME)
    return client, *await ready(client, NAME)


@pytest.mark.rule("T0-5")
@pytest.mark.parametrize(
    ("change", "answer", "status"),
    [
        pytest.param("SELECT 1", None, "valid", id="nothing"),
        pytest.param(REVISED, None, "valid", id="a fact that admits all the same"),
        pytest.param("UPDATE gate.binding_keys SET withdrawn_at = now() WHERE kid = 'demo'", "unauthorized", "invalid",
                     id="the gate's answer"),
        pytest.param("UPDATE acme.accounts SET status = 'revoked', deactivated_at = now()", "orderNotReady", "pending",
                     id="the account ends"),
        pytest.param("UPDATE acme.authorizations SET status = 'deactivated'", "orderNotReady", "pending",
                     id="an authorization ends"),
        pytest.param(f"INSERT INTO ca.blocked_keys VALUES ('\\x{SPKI}', 'reported', now())", "badCSR", "pending",
                     id="C-076 the key is reported"),
        pytest.param(f"INSERT INTO acme.account_keys SELECT '\\x{SPKI}', '\\x{SPKI}', id, now() FROM acme.accounts",
                     "badCSR", "pending", id="A-131 the key becomes an account's"),
    ],
)  # fmt: skip
async def test_what_was_committed_under_the_lock_counts(
    served: Served, change: str, answer: str | None, status: str
) -> None:
    client, _, order = await started(served)
    async with holding(served) as conn:
        asked = asyncio.create_task(client.finalize(order, KEY))
        await somebody_waits(served)
        await conn.execute(change)
    found = await asked
    assert (found.status == 200, found.json["status"] if answer is None else found.error) == (
        answer is None, status if answer is None else answer,
    )  # fmt: skip
    assert await served.owner.fetchval("SELECT status FROM acme.orders ORDER BY id DESC LIMIT 1") == status
    assert await served.owner.fetchval("SELECT count(*) FROM ca.to_be_signed") == 2 + (status == "valid")


@pytest.mark.rule("T0-5")
async def test_facts_that_change_twice_in_one_request_leave_the_order_ready(served: Served) -> None:
    """Rather than more statements than a request may take. The same request is admitted a moment later."""
    client, url, order = await started(served)
    holder = holding(served)
    conn = await holder.__aenter__()
    asked: asyncio.Task[Answer] = asyncio.create_task(client.finalize(order, KEY))
    await queued(served, 1)
    for _ in range(2):  # the next holder waits behind finalize, which finds the change and waits again, behind that one
        following = holding(served)
        entering = asyncio.create_task(following.__aenter__())
        await queued(served, 2)
        await conn.execute(REVISED)
        await holder.__aexit__(None, None, None)
        holder, conn = following, await entering
        await queued(served, 1)
    await conn.execute(REVISED)
    await holder.__aexit__(None, None, None)
    found = await asked
    assert (found.status, found.error) == (503, "serverInternal")
    assert (await client.post(url)).json["status"] == "ready"
    assert (await client.finalize(order, KEY)).json["status"] == "valid"


async def queued(served: Served, number: int) -> None:
    """So many statements wait for an advisory lock."""
    async with asyncio.timeout(10):
        while number != await served.owner.fetchval(
            "SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid)"
            " WHERE NOT l.granted AND l.locktype = 'advisory' AND a.datname = current_database()"
        ):
            pass


async def test_a_certificate_under_way_holds_off_who_changes_the_contract(served: Served) -> None:
    """The lock is held from before the facts are found current until the commit."""
    client, _, order = await started(served)
    async with served.owner.acquire() as conn, conn.transaction():
        await conn.execute("SELECT FROM acme.orders WHERE status = 'pending' FOR UPDATE")
        asked = asyncio.create_task(client.finalize(order, KEY))
        await somebody_waits(served)
        number = await served.owner.fetchval("SELECT number FROM gate.contracts WHERE handle = 'demo'")
        assert not await served.owner.fetchval("SELECT pg_try_advisory_lock(7001, $1)", number)
    assert (await asked).json["status"] == "valid"


@pytest.mark.rule("T0-5", "T0-2")
@pytest.mark.parametrize(
    ("change", "status"),
    [
        pytest.param("SELECT 1", 200, id="nothing"),
        pytest.param(
            "UPDATE gate.binding_keys SET withdrawn_at = now() WHERE kid = 'demo'", 403, id="the gate's answer"
        ),
    ],
)
async def test_what_was_committed_under_the_lock_counts_before_a_slow_look_too(
    served: Served, change: str, status: int
) -> None:
    """CAA is old, so that a worker goes on; but who is refused now learns it now (design §4.4)."""
    client, _, order = await started(served)
    await served.owner.execute("UPDATE acme.authorizations SET caa_checked_at = now() - interval '8 hours'")
    async with holding(served) as conn:
        await conn.execute(change)
        asked = asyncio.create_task(client.finalize(order))
        await somebody_waits(served)
    assert (await asked).status == status
