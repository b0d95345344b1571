"""What several tests of the ACME surface arrange in the database, or do as a worker."""

from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from acme_server import worker
from acme_server.storage import jobs
from tests.acme_server.client import Answer, Client, Json, b64, csr, new_key
from tests.acme_server.conftest import Served

CONTRACT = "(SELECT id FROM gate.contracts WHERE handle = 'demo')"
OTHER = "(SELECT id FROM gate.contracts WHERE handle = 'demo-overdue')"


async def run(served: Served, *statements: str) -> None:
    """The statements, as the database's owner."""
    for statement in statements:
        await served.owner.execute(statement)


async def run_jobs(served: Served, *kinds: str) -> list[str]:
    """Every live job of these kinds runs once, due or not, as another worker would run it. Returns their kinds."""
    await run(served, "UPDATE acme.jobs SET run_at = now() - interval '1 second', locked_until = NULL WHERE NOT dead")
    taken = await jobs.claim(served.context.pool, 50, "another", 60, kinds)
    for job in taken:
        await worker.work(served.context, job)
    return [job.kind for job in taken]


async def ready(client: Client, *names: str, **members: Any) -> tuple[str, Json]:
    """A ready order: its URL and document."""
    url, document = await client.ready(*names, **members)
    assert document["status"] == "ready", document
    return url, document


async def finalize_with(client: Client, order: Json, der: bytes) -> Answer:
    """finalize with this CSR."""
    return await client.post(order["finalize"], {"csr": b64(der)})


def csr_for(order: Json, key: ec.EllipticCurvePrivateKey | None = None) -> bytes:
    """A right CSR for the order."""
    return csr(key or new_key(), [each["value"] for each in order["identifiers"]])


def id_of(url: str) -> str:
    """The id at the end of an URL of ours."""
    return url.rpartition("/")[2]


def rfc3339(at: datetime) -> str:
    """The instant as ACME writes it."""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def same_account(client: Client) -> Client:
    """Another process of the client's: the same account, nonces of its own."""
    return Client(client.session, client.base, client.reach, client.key, client.kid)
