"""The signer dies around the commit that stores a contract's first certificate: one start, one invoice, one notice."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import ClientSession, TCPConnector

from acme_server.clock import utc_now
from office.storage import demo, people
from office.use_cases.demo import make_contract, officer
from office.use_cases.keys import base64url
from tests.acceptance.crash import BASE, POSTGRES, Deployment, Persistent, until
from tests.acceptance.purchase import Purchase
from tests.acceptance.test_kill_points import check, is_sealed
from tests.acme_server.client import Client, thumbprint

pytestmark = pytest.mark.asyncio(loop_scope="module")
LINK, STORE = "sign/postgres", "INSERT INTO ca.certificates"
BILLED = """
SELECT count(*) AS invoices, coalesce(sum(i.total_yen), 0) AS yen,
    (SELECT count(*) FROM gate.contract_starts s WHERE s.contract_id = c.id) AS starts,
    (SELECT count(*) FROM office.notices n WHERE n.contract_id = c.id AND n.kind = 'invoice_issued') AS notices,
    (SELECT count(*) FROM evidence.records e WHERE e.contract_id = c.id AND e.kind = 'invoice.issued') AS proofs
FROM gate.contracts c JOIN gate.invoices i ON i.contract_id = c.id WHERE c.handle = $1 GROUP BY c.id
"""
ONCE = {"invoices": 1, "yen": 60_500, "starts": 1, "notices": 1, "proofs": 1}
GAPS = """
SELECT last_number - (SELECT count(*) FROM gate.invoices WHERE number LIKE 'F%') FROM office.number_series
WHERE series = 'F'
"""


@pytest.fixture(scope="module")
def made() -> Iterator[Deployment]:
    """A durable database with a CA and contracts."""
    with tempfile.TemporaryDirectory(prefix="kfirst-") as root:
        deployment = Deployment.made(Path(root))
        try:
            yield deployment
        finally:
            deployment.unmade()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def deployment(made: Deployment) -> AsyncIterator[Deployment]:
    """Everything runs, and evidence is sealed, so that issuance is open."""
    async with made.running():
        await until(lambda: is_sealed(made), "the first seal")
        yield made


@asynccontextmanager
async def new_customer(deployment: Deployment, handle: str) -> AsyncIterator[Persistent]:
    """An account of a contract for `<handle>.test` that has no certificate yet."""
    async with deployment.owner() as conn, conn.transaction():
        now = utc_now()
        officers = [await officer(conn, number, now) for number in (1, 2)]
        customer, plan = await people.customer_of(conn, "demo"), await people.plan_of(conn, "demo")
        assert customer
        assert plan
        await make_contract(conn, handle, f"{handle}.test", customer, plan, officers, now)
        secret = (await demo.secrets_of(conn, [handle]))[handle]
    async with ClientSession(connector=TCPConnector(force_close=True)) as session:
        client = Client(session, BASE, deployment.reach("acme-1"))
        while (found := await client.register((handle, base64url(secret)))).status != 201:
            assert found.error == "badNonce", found.body
        deployment.challenges.thumbprint = thumbprint(client.key)
        yield Persistent(deployment, client).at("acme-1")


async def billed(deployment: Deployment, handle: str) -> dict[str, int] | None:
    """What there is of the contract's start, invoice, notice and evidence; no number of an invoice is missing."""
    async with deployment.owner() as conn:
        assert await conn.fetchval(GAPS) == 0
        row = await conn.fetchrow(BILLED, handle)
    return dict(row) if row else None


@pytest.mark.rule("T8-3", "T12-2")
@pytest.mark.parametrize(
    ("handle", "moment", "kill", "there"),
    [
        pytest.param("first-1", "before", "sign", None, id="signed, store never sent: signer dies"),
        pytest.param("first-2", "after", "sign", ONCE, id="store committed, not answered: signer dies"),
        pytest.param("first-3", "before", POSTGRES, None, id="signed, store never sent: PostgreSQL dies"),
        pytest.param("first-4", "after", POSTGRES, ONCE, id="store committed, not answered: PostgreSQL dies"),
        pytest.param("first-5", "before", None, None, id="signed, store never sent: connection cut"),
        pytest.param("first-6", "after", None, ONCE, id="store committed, not answered: connection cut"),
    ],
)
async def test_the_first_certificate_is_billed_once(
    deployment: Deployment, handle: str, moment: str, kill: str | None, there: dict[str, int] | None
) -> None:
    async with new_customer(deployment, handle) as customer:
        purchase = Purchase(customer, f"www.{handle}.test")
        await purchase.place()
        await purchase.until_ready()
        trip = deployment.arm(LINK, STORE, moment)
        attempt = asyncio.create_task(purchase.attempt("finalize"))
        await trip.reached()
        assert await billed(deployment, handle) == there  # with the certificate or not at all
        if kill:
            await deployment.kill(kill)
        trip.released.set()
        await attempt
        await deployment.revive()
        if kill == POSTGRES:
            await deployment.let_leases_end(of_all=True)
        assert await purchase.until_final() == "valid"
        assert await billed(deployment, handle) == ONCE
        await check(deployment, purchase)
