"""The booking that pays an invoice frees its contract: the very next ACME request passes."""

from collections.abc import AsyncIterator
from datetime import timedelta

import asyncpg
import pytest

from acme_server.dev.postgres import EmbeddedPostgres
from contract_gate.calendar import jst_date
from office.use_cases import ledger, payments
from sql import Conn
from tests.acme_server.client import Client
from tests.acme_server.conftest import Served
from tests.conftest import NOW


@pytest.fixture
async def operator(postgres: EmbeddedPostgres, database: str) -> AsyncIterator[Conn]:
    """A connection as the operators' commands have it, beside the running server."""
    conn = await asyncpg.connect(postgres.dsn("keiyaku_operator", database))
    yield conn
    await conn.close()


async def overdue_client(served: Served) -> Client:
    """A client of the contract whose payment is overdue."""
    client = served.client()
    assert (await client.register((served.demo.overdue.kid, served.demo.overdue.hmac_key))).status == 201
    return client


async def status(client: Client) -> int:
    return (await client.order("www.overdue.test")).status


@pytest.mark.parametrize(
    "remitter", ["ケイヤクデモ", "シラナイヒト"], ids=["the customer", "T13-1 an unknown remitter"]
)
@pytest.mark.rule("T8-15", "T13-1")
async def test_the_next_request_after_the_booking_passes(served: Served, operator: Conn, remitter: str) -> None:
    client = await overdue_client(served)
    assert await status(client) == 403
    value_on = jst_date(NOW) - timedelta(days=1)
    part = payments.Payment(60_060, value_on, remitter, "file 1, line 1")
    paid = await payments.record_payment(operator, "DEMO-1", part, NOW)
    assert paid.open_yen == 440
    assert await status(client) == 403  # a deducted bank charge blocks, and waits for a person
    await payments.record_payment(operator, "DEMO-1", payments.Payment(440, value_on, remitter, "line 2"), NOW)
    assert await status(client) == 201
    await payments.cancel(operator, str(paid.receipt), NOW)
    assert await status(client) == 403


@pytest.mark.rule("T8-15")
async def test_two_people_who_give_up_a_small_rest_free_the_contract(served: Served, operator: Conn) -> None:
    client = await overdue_client(served)
    part = payments.Payment(60_060, jst_date(NOW), "R", "line 1")
    await payments.record_payment(operator, "DEMO-1", part, NOW)
    assert await status(client) == 403
    await ledger.write_off(
        operator, "DEMO-1", "small_difference", "bank charge", "demo-officer-1", "demo-officer-2", NOW
    )
    assert await status(client) == 201
    assert await served.owner.fetchval("SELECT count(*) FROM ca.revocations") == 0


@pytest.mark.rule("T8-11")
async def test_an_unpaid_difference_never_blocks(served: Served, operator: Conn) -> None:
    client = await overdue_client(served)
    await served.owner.execute("UPDATE gate.invoices SET kind = 'difference'")
    assert await status(client) == 201
    await served.owner.execute("UPDATE gate.invoices SET kind = 'fee'")
    assert await status(client) == 403
