"""Two things at once: what one request, worker or signer may find changed under it. Design §4."""

import asyncio
from hashlib import sha256
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from acme_server import worker
from acme_server.clock import utc_now
from acme_server.use_cases import issue
from acme_server.validation.outcome import NotProven, Proven
from ca.signer_client import SignerClient
from ca.storage import revoke
from tests.acme_server.client import Client, der, leaf, new_key
from tests.acme_server.conftest import ScriptedLooks, Served
from tests.acme_server.edge.arrange import id_of, ready, run, run_jobs

NAME = "www.demo.test"
STALE = "UPDATE acme.authorizations SET caa_checked_at = now() - interval '8 hours'"


async def processing(served: Served, *before: str) -> UUID:
    """The id of an order in processing that no signer takes up."""
    client = await served.registered()
    url, order = await ready(client, NAME)
    await run(served, *before)
    signer, served.context.signer = served.context.signer, SignerClient(served.context.signer.socket_path / "absent")
    assert (await client.finalize(order)).json["status"] == "processing"
    served.context.signer = signer
    return UUID(id_of(url))


async def somebody_waits(served: Served) -> None:
    """A statement of the server waits for a lock."""
    async with asyncio.timeout(10):
        while not await served.owner.fetchval(
            "SELECT EXISTS (SELECT FROM pg_locks l JOIN pg_stat_activity a USING (pid)"
            " WHERE NOT l.granted AND a.datname = current_database())"
        ):
            pass


@pytest.mark.rule("T0-2")
async def test_an_order_that_ended_otherwise_leaves_its_record_alone(served: Served) -> None:
    order = await processing(served)
    await run(served, "UPDATE acme.orders SET status = 'invalid'")
    assert not await issue.end(served.context, order, "Over.", "deadline", utc_now())
    assert await served.owner.fetchval("SELECT state FROM ca.to_be_signed") == "admitted"
    assert await served.owner.fetchval("SELECT count(*) FROM ca.revocations") == 0


async def test_an_order_whose_record_is_being_written_is_not_ended_without_it(served: Served) -> None:
    order = await processing(served, STALE)
    async with served.owner.acquire() as conn:
        async with conn.transaction():  # as `begin_issuance` of a worker does
            await conn.execute("UPDATE acme.orders SET fence = fence + 1 WHERE id = $1", order)
            ending = asyncio.create_task(issue.end(served.context, order, "Over.", "deadline", utc_now()))
            await somebody_waits(served)
        assert not await ending
    assert await served.owner.fetchval("SELECT status FROM acme.orders") == "processing"
    assert await issue.end(served.context, order, "Over.", "deadline", utc_now())
    assert await served.owner.fetchval("SELECT status FROM acme.orders") == "invalid"


BLOCKED = "INSERT INTO ca.blocked_keys SELECT spki, 'reported', now() FROM wanted"
REGISTERED = "INSERT INTO acme.account_keys SELECT spki, spki, id, now() FROM wanted, acme.accounts LIMIT 1"
GONE = "DELETE FROM acme.authorizations WHERE identifier_value = 'b.demo.test'"


@pytest.mark.parametrize(
    ("meanwhile", "ends"),
    [
        pytest.param("SELECT 1", "valid", id="nothing"),
        pytest.param(BLOCKED, "invalid", id="C-076 the key is reported"),
        pytest.param(REGISTERED, "invalid", id="A-131 the key becomes an account's"),
        pytest.param(GONE, "invalid", id="an authorization is not there"),
    ],
)
async def test_what_holds_at_finalize_must_hold_when_the_record_is_written(
    served: Served, meanwhile: str, ends: str
) -> None:
    client, key = await served.registered(), new_key()
    url, order = await ready(client, NAME, "b.demo.test")
    await run(served, STALE)
    assert (await client.finalize(order, key)).json["status"] == "processing"
    spki = sha256(key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()
    await run(served, f"CREATE VIEW wanted AS SELECT '\\x{spki}'::bytea AS spki", meanwhile)
    assert await run_jobs(served, "issue") == ["issue"]
    assert (await client.post(url)).json["status"] == ends
    assert await served.owner.fetchval("SELECT count(*) FROM ca.to_be_signed") == (ends == "valid")


async def test_caa_of_every_name_is_fresh_or_looked_at_again(served: Served) -> None:
    client = await served.registered()
    _, order = await ready(client, NAME, "b.demo.test")
    await run(served, "UPDATE acme.authorizations SET caa_checked_at = NULL WHERE identifier_value = 'b.demo.test'")
    assert (await client.finalize(order)).json["status"] == "processing"


@pytest.mark.std("C-143", "A-185")
@pytest.mark.rule("T11-8")
async def test_proof_of_compromise_counts_when_another_revocation_comes_first(served: Served) -> None:
    client, key = await served.registered(), new_key()
    certificate = leaf(await client.certificate(NAME, key=key))
    serial = certificate.serial_number.to_bytes(certificate.serial_number.bit_length() // 8 + 1, "big")
    signer = Client(client.session, client.base, client.reach, key)
    async with served.owner.acquire() as conn:
        async with conn.transaction():
            now = utc_now()
            await revoke(conn, serial, reason=4, ground="g", requested_by="person:a", requested_at=now, now=now)
            asked = asyncio.create_task(signer.post("/revoke-cert", {"certificate": der(certificate), "reason": 1}))
            await somebody_waits(served)
        assert (await asked).status == 200
    assert await served.owner.fetchval("SELECT reason FROM ca.revocations") == 1
    assert await served.owner.fetchval("SELECT count(*) FROM ca.blocked_keys") == 1


class AllTogether(ScriptedLooks):
    """CAA answers only when the names of an order are looked at side by side."""

    together = asyncio.Barrier(3)

    async def caa(self, name: str, wildcard: bool, account_uri: str, method: str) -> Proven | NotProven:
        async with asyncio.timeout(5):
            await self.together.wait()
        return Proven(None, {"issue": name})


@pytest.mark.std("C-039")
async def test_caa_of_all_names_is_looked_at_side_by_side_and_recorded(served: Served) -> None:
    client = await served.registered()
    url, order = await ready(client, NAME, "b.demo.test", "c.demo.test")
    await run(served, STALE)
    assert (await client.finalize(order)).json["status"] == "processing"
    served.context.looks = AllTogether()
    await run_jobs(served, "issue")
    assert (await client.post(url)).json["status"] == "valid"
    content = await served.owner.fetchval("SELECT content FROM evidence.records WHERE kind = 'caa.checked'")
    assert all(f'"issue":"{name}"'.encode() in content for name in (NAME, "b.demo.test", "c.demo.test"))


async def test_no_number_of_slow_looks_delays_an_issuance(served: Served) -> None:
    names = [f"h{number}.demo.test" for number in range(60)]
    assert (await (await served.registered()).order(*names)).status == 201
    order = await processing(served)
    await run(
        served,
        "UPDATE acme.authorizations SET challenge_type = 'http-01', challenge_status = 'processing',"
        " key_authorization = 'a.b' WHERE status = 'pending'",
        "INSERT INTO acme.jobs (id, kind, subject, max_attempts, run_at) SELECT id, 'validate', id, 3,"
        " now() - interval '1 hour' FROM acme.authorizations WHERE status = 'pending'",
        "UPDATE acme.jobs SET run_at = now(), locked_until = NULL WHERE kind = 'issue'",
    )
    served.looks.gate, stop = asyncio.Event(), asyncio.Event()
    working = asyncio.create_task(worker.run(served.context, stop))
    async with asyncio.timeout(20):
        while await served.owner.fetchval("SELECT status FROM acme.orders WHERE id = $1", order) != "valid":
            await asyncio.sleep(0)
    assert await served.owner.fetchval("SELECT count(*) FROM acme.authorizations WHERE status = 'pending'") == 60
    stop.set()
    served.looks.gate.set()
    await working
