"""Letters handed to a mail server that has TLS, is slow, or takes them from a worker that is killed."""

import asyncio
import signal
import ssl
import sys
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from acme_server.clock import utc_now
from acme_server.dev.postgres import EmbeddedPostgres
from acme_server.dev.tls import ensure_tls
from office.storage.notices import Delivery
from office.use_cases import deliver, mail, notices
from office.use_cases.mail import Posting
from sql import Conn, Pool
from tests.conftest import NOW
from tests.simulators.smtp import MailServer, mail_server

LATER = NOW + timedelta(days=1)
WORKER = """
import asyncio, sys
from datetime import datetime
import asyncpg
from office.use_cases import deliver
from office.use_cases.mail import Mail, Posting
from sql import Pool

async def work(dsn, port, now):
    mail = Mail("127.0.0.1", int(port), "notices@ca.example", "none", own_relay=False)
    posting = Posting(mail, "http://office.test", "officers@ca.example")
    pool = Pool(lambda: asyncpg.connect(dsn), 2)
    await deliver.hand_off(pool, datetime.fromisoformat(now), posting=posting)

asyncio.run(work(*sys.argv[1:]))
"""


async def letter(conn: Conn) -> Delivery:
    [found] = [each for each in await notices.listed(conn, None, None) if each.kind == "invoice_issued"]
    return found


def to(posting: Posting, **changes: object) -> Posting:
    assert posting.mail
    return msgspec.structs.replace(posting, mail=msgspec.structs.replace(posting.mail, **changes))


@pytest.fixture
def certified(tmp_path: Path) -> ssl.SSLContext:
    """The mail server's side, with a certificate for localhost of the authority in `ca.pem`."""
    ensure_tls(tmp_path, utc_now())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.pem", tmp_path / "server.key")
    return context


@pytest.mark.parametrize("security", ["starttls", "tls"])
@pytest.mark.parametrize(
    ("name", "known", "state"),
    [
        pytest.param("localhost", True, "delivered", id="its certificate is good"),
        pytest.param("localhost", False, "waiting", id="of an authority that nobody knows"),
        pytest.param("127.0.0.2", True, "waiting", id="of another name"),
    ],
)
async def test_a_letter_goes_only_to_a_server_that_proves_its_name(
    invoiced: Conn, office: Pool, posting: Posting, certified: ssl.SSLContext, tmp_path: Path,
    security: str, name: str, known: bool, state: str,
) -> None:  # fmt: skip
    context = ssl.create_default_context(cafile=tmp_path / "ca.pem" if known else None)
    async with mail_server(**{security: certified}) as server:
        secure = to(posting, host=name, port=server.port, security=security, context=context)
        await deliver.hand_off(office, NOW, posting=secure)
        assert (await letter(invoiced)).state == state
        assert len(server.taken) == (state == "delivered")
        if security == "starttls":
            assert all(server.secured)


async def test_a_server_that_says_nothing_is_given_up_and_tried_again(
    invoiced: Conn, office: Pool, posting: Posting, server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mail, "SEND_TIMEOUT", 0.4)
    silent = await asyncio.start_server(lambda _reader, _writer: None, "127.0.0.1", 0)
    async with silent:
        await deliver.hand_off(office, NOW, posting=to(posting, port=silent.sockets[0].getsockname()[1]))
    found = await letter(invoiced)
    assert (found.state, found.attempts) == ("waiting", 1)
    assert "imeout" in str(found.last_error)
    monkeypatch.undo()
    await deliver.hand_off(office, LATER, posting=posting)
    assert (await letter(invoiced)).state == "delivered"


@pytest.mark.rule("T5-3")
async def test_a_server_that_takes_the_letter_and_does_not_say_so_gets_it_again(
    invoiced: Conn, office: Pool, posting: Posting, server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mail, "SEND_TIMEOUT", 1.0)
    server.after = asyncio.get_running_loop().create_future()
    await deliver.hand_off(office, NOW, posting=posting)
    assert ((await letter(invoiced)).state, len(server.taken)) == ("waiting", 1)
    server.after.cancel()
    server.after = None
    monkeypatch.undo()
    await deliver.hand_off(office, LATER, posting=posting)
    assert ((await letter(invoiced)).state, len(server.taken)) == ("delivered", 2)
    assert len({each["Message-ID"] for each in server.taken}) == 1


@pytest.mark.rule("T5-3", "T5-5")
async def test_a_worker_killed_after_the_server_took_the_letter_loses_nothing(
    invoiced: Conn, office: Pool, posting: Posting, server: MailServer, postgres: EmbeddedPostgres, database: str
) -> None:
    server.after = asyncio.get_running_loop().create_future()
    dsn = postgres.dsn("keiyaku_office", database)
    worker = await asyncio.create_subprocess_exec(sys.executable, "-c", WORKER, dsn, str(server.port), NOW.isoformat())
    async with asyncio.timeout(60):
        await server.took.wait()
        worker.kill()
        assert await worker.wait() == -signal.SIGKILL
    server.after.cancel()
    server.after = None
    found = await letter(invoiced)
    assert (found.state, found.handed_at, found.attempts) == ("waiting", None, 1)
    await deliver.hand_off(office, NOW, posting=posting)
    assert len(server.taken) == 1  # its lease runs
    await invoiced.execute("UPDATE office.deliveries SET locked_until = now() - interval '1 second'")
    await deliver.hand_off(office, LATER, posting=posting)
    found = await letter(invoiced)
    assert (found.state, found.attempts, len(server.taken)) == ("delivered", 2, 2)
    assert len({each["Message-ID"] for each in server.taken}) == 1
    handed = await invoiced.fetchval("SELECT count(*) FROM evidence.records WHERE kind = 'notice.handed'")
    assert handed == 1
