"""A notice on its way to a mail server."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from acme_server.dev.postgres import EmbeddedPostgres
from office.use_cases import contracts, deliver
from office.use_cases.mail import Mail, Posting
from office.use_cases.notify import notify
from sql import Conn, Pool
from tests.conftest import NOW
from tests.simulators.smtp import MailServer, mail_server

INVOICE = {"invoice": "I-1", "total_yen": "60,500", "due_on": "2026-12-31"}


@pytest.fixture
async def office(postgres: EmbeddedPostgres, database: str) -> Pool:
    """A pool as the worker has it."""
    return Pool(lambda: asyncpg.connect(postgres.dsn("keiyaku_office", database)), 4)


@pytest.fixture
async def server() -> AsyncIterator[MailServer]:
    async with mail_server() as made:
        yield made


@pytest.fixture
def posting(server: MailServer) -> Posting:
    relay = Mail("127.0.0.1", server.port, "notices@ca.example", "none", own_relay=False)
    return Posting(relay, "http://office.test", "officers@ca.example")


@pytest.fixture
async def invoiced(accepted: Conn, office: Pool, posting: Posting) -> Conn:
    """A customer with an e-mail address and a notice of an invoice that is addressed to it."""
    await accepted.execute("UPDATE gate.customers SET contact_email = 'info@kaisha.example'")
    await accepted.execute("UPDATE office.notices SET addressed_at = queued_at")  # what came of the acceptance
    contract = await contracts.shown(accepted, "acme")
    await notify(accepted, "invoice_issued", NOW, contract_id=contract.id, **INVOICE)
    await deliver.address_notices(office, NOW, posting=posting)
    return accepted
