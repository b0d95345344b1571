"""What a client sees once the issuing CA is revoked: nothing is issued, and all else goes on."""

import asyncio
from datetime import timedelta

import asyncpg
import pytest

from acme_server.clock import utc_now
from acme_server.composed import context_of
from acme_server.config import Settings
from acme_server.dev.postgres import EmbeddedPostgres
from acme_server.use_cases import ca_now
from office.use_cases import authority_revocation, register
from office.use_cases.asked import two_persons
from tests.acme_server.conftest import Served
from tests.acme_server.edge.arrange import ready, run, run_jobs
from tests.acme_server.edge.test_finalize import NAME, STALE, count, status_of


async def revoke(served: Served, named: str = "Test Issuing CA") -> None:
    """Two people revoke the issuing CA, or one certificate of it."""
    now = utc_now()
    async with served.owner.acquire() as conn:
        for handle in ("ann", "bob"):
            await register.add_person(conn, handle, handle.title(), "CA", now)
        people, known = await two_persons(conn, "ann", "bob"), now - timedelta(hours=1)
        intent = await authority_revocation.intend(conn, named, "noncompliance", None, known, "audit", people, now)
        await authority_revocation.decide(conn, intent, now)


@pytest.mark.std("C-160")
async def test_finalize_says_why_and_the_order_stays_ready(served: Served) -> None:
    client = await served.registered()
    _, first = await ready(client, NAME)
    issued = (await client.finalize(first)).json
    url, order = await ready(client, "b.demo.test")
    await revoke(served)
    refused = await client.finalize(order)
    assert (refused.status, refused.error, refused.headers["Retry-After"]) == (503, "serverInternal", "3600")
    assert "the CA certificate that would sign yours is revoked" in refused.json["detail"]
    assert (await status_of(client, url))["status"] == "ready"
    assert await count(served, "ca.certificates") == 1
    assert (await client.post(issued["certificate"])).status == 200  # what was issued can be had
    assert (await client.post(order["authorizations"][0])).json["status"] == "valid"


@pytest.mark.std("C-160")
async def test_new_order_is_refused_in_the_same_words_as_soon_as_it_is_known(served: Served) -> None:
    client = await served.registered()
    _, order = await ready(client, NAME)
    await revoke(served)
    await ca_now.refresh(served.context, utc_now())
    refused, final = await client.order("b.demo.test"), await client.finalize(order)
    for each in (refused, final):
        assert (each.status, each.error, each.headers["Retry-After"]) == (503, "serverInternal", "3600")
    assert final.json["detail"] == f"{refused.json['detail']} The order stays as it is."


@pytest.mark.std("A-175")
async def test_a_running_server_offers_the_chain_of_a_revoked_cross_certificate_no_more(served: Served) -> None:
    client = await served.registered()
    _, order = await ready(client, NAME)
    url = (await client.finalize(order)).json["certificate"]
    assert (await client.post(url)).links("alternate") == [f"{url}/1", f"{url}/2"]
    last = (await client.post(f"{url}/2")).body
    async with served.owner.acquire() as conn:
        cross = (await authority_revocation.all_certificates(conn))[1]
    await revoke(served, cross.serial.hex())
    stop = asyncio.Event()
    following = asyncio.create_task(ca_now.follow(served.context, utc_now, stop))
    async with asyncio.timeout(10):
        while len(served.context.chains) == 3:
            await asyncio.sleep(0.005)
    stop.set()
    await following
    assert (await client.post(url)).links("alternate") == [f"{url}/1"]
    assert (await client.post(f"{url}/1")).body == last
    assert (await client.order("b.demo.test")).status == 201  # its own certificate is not revoked


@pytest.mark.std("C-160")
async def test_an_order_that_waits_in_processing_ends_without_a_certificate(served: Served) -> None:
    client = await served.registered()
    url, order = await ready(client, NAME)
    await run(served, STALE)
    assert (await client.finalize(order)).json["status"] == "processing"
    await revoke(served)
    await run_jobs(served, "issue")
    ended = await status_of(client, url)
    assert (ended["status"], ended["error"]["type"].rpartition(":")[2]) == ("invalid", "serverInternal")
    assert await count(served, "ca.certificates") == 0


async def test_the_server_starts_with_a_revoked_ca(served: Served, postgres: EmbeddedPostgres, database: str) -> None:
    await revoke(served)
    pool = asyncpg.create_pool(postgres.dsn("keiyaku_acme", database), min_size=1, max_size=2)
    async with pool, context_of(Settings(), pool, "acme") as context:
        assert (context.issuer.name, context.issuer_revoked) == ("Test Issuing CA", True)
