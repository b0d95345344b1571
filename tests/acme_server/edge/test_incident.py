"""An incident as clients and relying parties see it: told first, then on a CRL; a drill they do not see. RFC 9773."""

from collections.abc import AsyncIterator
from datetime import timedelta

import asyncpg
import pytest
from cryptography import x509

from acme_server.clock import utc_now
from acme_server.dev.postgres import EmbeddedPostgres
from acme_server.protocol import certid
from ca.signer_lines import CrlMade
from office.storage.incidents import Query
from office.use_cases import incident_steps, incidents
from office.use_cases.incidents import Pace, Plan
from sql import Conn
from tests.acme_server.conftest import Served
from tests.acme_server.edge.test_renewal_info import NAME, issued, read, window

PEOPLE = ("demo-officer-1", "demo-officer-2")
PAGE = "https://ca.example/incidents/1"


@pytest.fixture
async def officers(postgres: EmbeddedPostgres, database: str, served: Served) -> AsyncIterator[Conn]:
    """A connection as the operators' commands have it."""
    conn = await asyncpg.connect(postgres.dsn("keiyaku_operator", database))
    yield conn
    await conn.close()


async def begun(conn: Conn, serial: bytes, wait: timedelta, *, drill: bool = False) -> incidents.Incident:
    now = utc_now()
    wanted = Plan("an incident", "misissued", now, None if drill else PAGE)
    made = await incidents.plan(conn, wanted, Query(serials=[serial]), PEOPLE[0], now, drill=drill)
    return await incidents.begin(conn, str(made.incident.id), *PEOPLE, "seen", Pace(10, wait), now)


@pytest.mark.std("A-218", "A-220", "C-166")
async def test_clients_renew_before_they_lose_the_certificate(served: Served, officers: Conn) -> None:
    client = await served.registered()
    certificate, name = await issued(client)
    assert window(await read(client, name))[0] > utc_now()
    found = await begun(officers, certid.parse(name)[1], timedelta(hours=6))
    found = await incident_steps.advance(officers, found, utc_now())
    told = await read(client, name)
    assert window(told)[1] < utc_now()
    assert told.json["explanationURL"] == PAGE
    assert (await client.order(NAME, replaces=name)).status == 201
    found = await incident_steps.advance(officers, found, utc_now() + timedelta(hours=6, seconds=1))
    assert found.finished_at is not None
    assert window(await read(client, name))[1] < utc_now()
    job = await served.owner.fetchval("SELECT subject FROM acme.jobs WHERE kind = 'crl'")
    issuer, shard = map(int, job.split("/"))
    assert isinstance(await served.context.signer.crl(issuer, shard, 20), CrlMade)
    der = await served.owner.fetchval("SELECT der FROM ca.crls WHERE shard = $1 ORDER BY number DESC LIMIT 1", shard)
    entry = x509.load_der_x509_crl(der).get_revoked_certificate_by_serial_number(certificate.serial_number)
    assert entry is not None
    reason = entry.extensions.get_extension_for_class(x509.CRLReason).value.reason
    assert reason is x509.ReasonFlags.superseded
    report = await incidents.report(officers, str(found.id), utc_now())
    assert (report.span.unpublished, report.in_time) == (0, True)


@pytest.mark.std("C-166", "A-216")
async def test_clients_see_nothing_of_a_drill(served: Served, officers: Conn) -> None:
    client = await served.registered()
    _, name = await issued(client)
    before = await read(client, name)
    found = await begun(officers, certid.parse(name)[1], timedelta(0), drill=True)
    for _ in range(3):
        found = await incident_steps.advance(officers, found, utc_now() + timedelta(seconds=1))
    assert found.finished_at is not None
    assert (await read(client, name)).body == before.body
    assert await served.owner.fetchval("SELECT count(*) FROM ca.revocations") == 0
    assert await served.owner.fetchval("SELECT count(*) FROM acme.jobs WHERE kind = 'crl'") == 0
