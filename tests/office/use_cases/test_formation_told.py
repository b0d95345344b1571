"""No certificate before the notice of formation has left (T4-5, R-4)."""

from datetime import timedelta
from email import message_from_bytes, policy
from pathlib import Path

import asyncpg
import msgspec
import pytest

from acme_server.dev.postgres import EmbeddedPostgres
from ca.profiles import TLSSERVER
from contract_gate.calendar import jst_date
from contract_gate.storage import lock_shared
from office.storage.notices import Shown
from office.use_cases import acceptance, contracts, deliver, desk, keys, notices
from office.use_cases.explain import explain
from office.use_cases.forecast import forecast
from office.use_cases.mail import Mail, Posting
from sql import Conn, Pool
from tests.conftest import NOW
from tests.office.conftest import ACCESS
from tests.simulators.smtp import MailServer

LATER = NOW + timedelta(days=2)
MAIL = "UPDATE gate.customers SET contact_email = 'info@kaisha.example'"


@pytest.fixture
async def formed(applied: Conn) -> Conn:
    """A contract that was accepted a moment ago, with a key."""
    await acceptance.accept(applied, "acme", "ann", "bob", ACCESS, NOW)
    await keys.new_key(applied, "acme", "web", [], None, None, NOW)
    return applied


async def told(conn: Conn) -> bool:
    """Whether the gate finds that the notice has left; T4-5 refuses by G1 until then."""
    said = await explain(conn, "acme", None, ["a.example.jp"], NOW, TLSSERVER)
    [found] = [rule for rule in said.rules if rule.rule == "T4-5"]
    assert (found.gate, found.clause) == ("G1", "A4.3")
    assert ((said.gate, said.case) == ("G1", "not_accepted")) is (found.result == "breach")
    made = await keys.new_key(conn, "acme", "another", [], None, None, NOW)
    dossier = await contracts.dossier(conn, "acme")
    assert made.awaits_notice is dossier.awaits_notice is (found.result == "breach")
    return found.result == "satisfied"


async def letter(conn: Conn, office: Pool, posting: Posting) -> Shown:
    """The notice of formation, addressed."""
    await deliver.address_notices(office, NOW, posting=posting)
    [found] = [each for each in await notices.listed(conn, None, None) if each.kind == "contract_formed"]
    return await notices.shown(conn, str(found.id))


@pytest.mark.rule("T4-5")
async def test_an_email_counts_from_its_hand_off_and_a_bounce_undoes_nothing(
    formed: Conn, office: Pool, posting: Posting, server: MailServer
) -> None:
    await formed.execute(MAIL)
    assert not await told(formed)
    found = await letter(formed, office, posting)
    server.letter_answer = "451 later"
    await deliver.hand_off(office, NOW, posting=posting)
    assert not await told(formed)
    server.letter_answer = "250 OK"
    await deliver.hand_off(office, LATER, posting=posting)
    assert await told(formed)
    assert await formed.fetchval("SELECT dispatched_at >= $1 FROM gate.formation_notices", LATER)
    bounce = notices.Report(str(found.id), "failed", LATER, "550 nobody", "5.1.1")
    async with formed.transaction():
        await notices.bounced(formed, await notices.shown(formed, str(found.id)), bounce, LATER)
    assert await told(formed)


@pytest.mark.rule("T4-5")
async def test_an_address_that_was_corrected_lets_it_leave(
    formed: Conn, office: Pool, posting: Posting, server: MailServer
) -> None:
    await formed.execute(MAIL)
    found = await letter(formed, office, posting)
    server.recipient_answer = "550 nobody"
    await deliver.hand_off(office, NOW, posting=posting)
    assert not await told(formed)
    [task] = await desk.queue(formed, None, False, None, 10, NOW, "delivery")
    assert task.ended_by.startswith("keiyaku notice retry (")
    assert task.ended_by.endswith("(T4-5: issuance waits for it)")
    server.recipient_answer = "250 OK"
    await notices.retry(formed, str(found.id), NOW)
    await deliver.hand_off(office, NOW, posting=posting)
    assert await told(formed)


@pytest.mark.rule("T4-5", "T5-2")
async def test_a_letter_counts_once_somebody_posted_it(formed: Conn, office: Pool, posting: Posting) -> None:
    found = await letter(formed, office, posting)
    assert (found.channel, found.state) == ("paper", "person")
    [task] = await desk.queue(formed, None, False, None, 10, NOW, "letter")
    assert task.ended_by == "keiyaku notice posted (T4-5: issuance waits for it)"
    assert not await told(formed)
    await notices.posted(formed, str(found.id), jst_date(NOW), "ann", NOW)
    assert await told(formed)


@pytest.mark.rule("T4-5")
async def test_no_other_letter_counts(accepted: Conn, invoiced: Conn, office: Pool, posting: Posting) -> None:
    await keys.new_key(accepted, "acme", "web", [], None, None, NOW)
    await accepted.execute("UPDATE gate.formation_notices SET dispatched_at = NULL")
    await deliver.hand_off(office, NOW, posting=posting)
    [sent] = await notices.listed(accepted, "acme", "delivered")
    assert sent.kind == "invoice_issued"
    assert not await told(accepted)


async def test_who_decides_of_a_certificate_finds_it_gone_or_not_but_never_while_it_goes(
    formed: Conn, office: Pool, posting: Posting, postgres: EmbeddedPostgres, database: str
) -> None:
    found = await letter(formed, office, posting)
    number = (await contracts.shown(formed, "acme")).number
    await formed.execute("SET lock_timeout = '50ms'")
    deciding = await asyncpg.connect(postgres.dsn("keiyaku_acme", database))
    async with deciding.transaction():
        await lock_shared(deciding, number)
        with pytest.raises(asyncpg.LockNotAvailableError):
            await notices.posted(formed, str(found.id), jst_date(NOW), "ann", NOW)
    await deciding.close()
    assert not await told(formed)


async def test_a_forecast_takes_it_to_have_left(formed: Conn) -> None:
    assert [each async for each in forecast(formed, LATER, NOW, TLSSERVER)] == []


async def test_in_development_letters_become_files(
    formed: Conn, office: Pool, tmp_path: Path, posting: Posting
) -> None:
    await formed.execute(MAIL)
    folder = Mail("", 0, "notices@ca.example", "none", own_relay=False, folder=tmp_path / "mail")
    found = await letter(formed, office, here := msgspec.structs.replace(posting, mail=folder))
    (tmp_path / "mail").write_bytes(b"no folder")
    await deliver.hand_off(office, NOW, posting=here)
    assert (await notices.shown(formed, str(found.id))).state == "waiting"
    assert not await told(formed)
    (tmp_path / "mail").unlink()
    await deliver.hand_off(office, LATER, posting=here)
    [file] = (tmp_path / "mail").iterdir()
    message = message_from_bytes(file.read_bytes(), policy=policy.default)
    assert (file.name, message["To"]) == (f"{found.id}.eml", "info@kaisha.example")
    assert await told(formed)
