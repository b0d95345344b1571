"""Notices from the outbox to a mail server, to the web, to paper."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest
from aiohttp.test_utils import TestServer

from contract_gate.articles.article_05_notices import KINDS
from office.edge.app import make_app
from office.storage import notices as storage
from office.use_cases import contracts, deliver, mail, maintenance, notices, terms
from office.use_cases.asked import Unfit
from office.use_cases.mail import Posting
from office.use_cases.notify import GIVEN, LANGUAGES, checked, notify, rendered, texts
from office.use_cases.wording import worded
from sql import Conn, Pool
from tests.conftest import NOW
from tests.office.use_cases.conftest import INVOICE
from tests.simulators.smtp import MailServer

LATER = NOW + timedelta(days=1)


def about(at: datetime | None, expected: datetime) -> bool:
    """Whether it is `expected` or, as the server takes its time, a little after."""
    return at is not None and expected < at < expected + timedelta(minutes=1)


async def only(conn: Conn, kind: str = "invoice_issued") -> storage.Delivery:
    (found,) = [each for each in await notices.listed(conn, None, None) if each.kind == kind]
    return found


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_a_text_is_complete(kind: str, language: str) -> None:
    """It uses every value declared and no other, cites its clause, and its subject is one line."""
    subject, body = texts(kind, language)
    used = set(subject.get_identifiers()) | set(body.get_identifiers())
    assert used - set(GIVEN) == set(KINDS[kind].values)
    written, whole = rendered(kind, language, dict.fromkeys((*KINDS[kind].values, *GIVEN), "値"))
    assert written
    assert "\n" not in written
    if kind == "certificate_revoked":
        assert "$grounds" in body.template  # which cite the clause of each: test_announcing.py
    elif language == "en":
        assert KINDS[kind].clause.split(".")[0] in whole
    else:
        assert f"第{KINDS[kind].clause[1:].split('.')[0]}条" in whole


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("total_yen", "1234567", "1,234,567"),
        ("total_yen", "60,500", "60,500"),
        ("invoice", "60500", "60500"),
        ("revoked_at", "2026-11-23T15:06:02.860988+00:00", "2026-11-24 00:06 JST"),
        ("deadline", "2026-11-23T15:06:02Z", "2026-11-24 00:06 JST"),
        ("due_on", "2026-12-31", "2026-12-31"),
        ("reason", "since 2026-11-23T00:00:00+00:00, they say", "since 2026-11-23 09:00 JST, they say"),
    ],
)
def test_amounts_and_instants_are_told_as_people_read_them(name: str, value: str, expected: str) -> None:
    assert [worded("-", name, value, language) for language in LANGUAGES] == [expected] * 2


def test_every_kind_is_sent_by_something() -> None:
    """Its name stands in a use case, in SQL, or in what the ACME door leaves to the office."""
    root = Path(__file__).parents[3]
    found = [path for folder in ("office", "acme_server", "sql") for path in (root / folder).rglob("*.*")]
    sources = [each for each in found if each.suffix in (".py", ".sql") and "migrations" not in each.parts]
    text = "\n".join(each.read_text(encoding="utf-8") for each in sources)
    assert [kind for kind in KINDS if f'"{kind}"' not in text and f"'{kind}'" not in text] == []


@pytest.mark.parametrize("values", [{}, {**INVOICE, "more": "x"}, {**INVOICE, "invoice": ""}])
def test_a_value_missing_or_unknown_is_refused_when_queued(values: dict[str, str]) -> None:
    assert checked("invoice_issued", INVOICE).clause == "A8.1"
    with pytest.raises(ValueError, match="invoice_issued"):
        checked("invoice_issued", values)


@pytest.mark.rule("T5-3", "T5-5")
async def test_a_letter_is_handed_off_once_and_delivered_then(
    invoiced: Conn, office: Pool, posting: Posting, server: MailServer
) -> None:
    await asyncio.gather(*(deliver.hand_off(office, NOW, posting=posting) for _ in range(2)))
    found = await only(invoiced)
    assert (found.state, found.delivered_at) == ("delivered", found.handed_at)
    assert about(found.delivered_at, NOW)
    assert (len(server.taken), server.to) == (1, ["info@kaisha.example"])
    letter = server.taken[0]
    assert letter["Subject"] == "請求書発行のお知らせ"
    assert "60,500 円" in letter.get_content()
    assert letter["Message-ID"] == (await notices.shown(invoiced, str(found.id))).message_id
    kinds = [row["kind"] for row in await invoiced.fetch("SELECT kind FROM evidence.records")]
    assert "notice.queued" in kinds
    assert kinds.count("notice.handed") == 1


@pytest.mark.rule("T5-3")
async def test_what_the_own_relay_has_is_delivered_when_it_reports(
    invoiced: Conn, office: Pool, posting: Posting, server: MailServer
) -> None:
    assert posting.mail
    own = msgspec.structs.replace(posting, mail=msgspec.structs.replace(posting.mail, own_relay=True))
    await deliver.hand_off(office, NOW, posting=own)
    found = await only(invoiced)
    assert (found.state, found.delivered_at) == ("handed", None)
    await notices.take_report(invoiced, report(str(found.id), "relayed"), LATER)
    assert (await only(invoiced)).delivered_at == NOW + timedelta(minutes=1)


def report(envelope: str, action: str) -> bytes:
    """A delivery status notification (RFC 3464)."""
    return (
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\n\n'
        "--b\nContent-Type: text/plain\n\nSorry\n"
        "--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.test\n"
        f"Original-Envelope-Id: {envelope}\n\n"
        f"Final-Recipient: rfc822; info@kaisha.example\nAction: {action}\nStatus: 5.1.1\n"
        "Diagnostic-Code: smtp; 550 no such user info@kaisha.example\n"
        "Last-Attempt-Date: Sun, 22 Nov 2026 21:01:00 +0900\n\n--b--\n"
    ).encode()


NESTED = b"".join(b'Content-Type: multipart/mixed; boundary="b%d"\n\n--b%d\n' % (at, at) for at in range(2000))


@pytest.mark.rule("T5-3", "T16-3")
async def test_a_bounce_undoes_no_delivery_and_makes_the_contact_stale_once(
    invoiced: Conn, office: Pool, posting: Posting
) -> None:
    await deliver.hand_off(office, NOW, posting=posting)
    found = await only(invoiced)
    for _ in range(2):
        await notices.take_report(invoiced, report(str(found.id), "failed"), LATER)
    after = await only(invoiced)
    assert (after.state, after.delivered_at, after.last_error) == (
        "delivered",
        found.delivered_at,
        "smtp; 550 no such user info@kaisha.example",
    )
    assert after.bounced_at == NOW + timedelta(minutes=1)
    told = "SELECT convert_from(content, 'UTF8') FROM evidence.records WHERE kind = 'notice.bounced'"
    proof = msgspec.json.decode(await invoiced.fetchval(told))
    assert proof["status"] == "5.1.1"
    assert "kaisha.example" not in str(proof)  # what the server words may name the recipient (T16-3)
    assert await invoiced.fetchval("SELECT count(*) FROM office.contacts WHERE stale_since IS NOT NULL") == 1
    await deliver.address_notices(office, LATER, posting=posting)
    letters = [each for each in await notices.listed(invoiced, None, None) if each.kind == "contact_stale"]
    assert {(each.channel, each.state) for each in letters} == {("email", "waiting"), ("paper", "person")}


@pytest.mark.parametrize(
    "octets",
    [
        pytest.param(b"Subject: hello\n\nno report", id="a letter"),
        pytest.param(report("0192f0c1-0000-7000-8000-000000000000", "failed"), id="not ours"),
        pytest.param(report("x", "delayed"), id="nothing decided"),
        pytest.param(report("x\0y", "failed"), id="an id that no text holds"),
        pytest.param(NESTED, id="parts within parts without end"),
    ],
)
async def test_a_report_that_says_nothing_of_ours_is_refused(accepted: Conn, octets: bytes) -> None:
    with pytest.raises(Unfit):
        await notices.take_report(accepted, octets, NOW)


@pytest.mark.parametrize(
    ("recipient", "letter", "state"),
    [
        pytest.param("450 later", "250 OK", "waiting", id="recipient later"),
        pytest.param("550 nobody", "250 OK", "person", id="no such recipient"),
        pytest.param("250 OK", "451 later", "waiting", id="letter later"),
        pytest.param("250 OK", "554 no", "person", id="letter refused"),
    ],
)
async def test_what_is_refused_waits_or_is_a_persons(
    invoiced: Conn, office: Pool, posting: Posting, server: MailServer, recipient: str, letter: str, state: str
) -> None:
    server.recipient_answer, server.letter_answer = recipient, letter
    await deliver.hand_off(office, NOW, posting=posting)
    found = await only(invoiced)
    assert (found.state, found.handed_at, found.attempts) == (state, None, 1)
    server.recipient_answer = server.letter_answer = "250 OK"
    if state == "person":
        await notices.retry(invoiced, str(found.id), LATER)
    await deliver.hand_off(office, LATER, posting=posting)
    assert about((await only(invoiced)).delivered_at, LATER)


async def test_nobody_listens(invoiced: Conn, office: Pool, posting: Posting) -> None:
    assert posting.mail
    closed = msgspec.structs.replace(posting, mail=msgspec.structs.replace(posting.mail, port=1))
    await deliver.hand_off(office, NOW, posting=closed)
    found = await only(invoiced)
    assert (found.state, found.attempts) == ("waiting", 1)
    assert "SMTPConnectError" in str(found.last_error)


async def test_without_tls_nothing_is_said(invoiced: Conn, office: Pool, posting: Posting, server: MailServer) -> None:
    assert posting.mail
    secure = msgspec.structs.replace(posting, mail=msgspec.structs.replace(posting.mail, security="starttls"))
    await deliver.hand_off(office, NOW, posting=secure)
    assert ((await only(invoiced)).state, server.taken) == ("waiting", [])


@pytest.mark.rule("T5-2")
async def test_the_address_is_the_one_registered_when_it_is_sent(
    invoiced: Conn, office: Pool, posting: Posting, server: MailServer
) -> None:
    await invoiced.execute("UPDATE gate.customers SET contact_email = 'new@kaisha.example'")
    await deliver.hand_off(office, NOW, posting=posting)
    await invoiced.execute("UPDATE gate.customers SET contact_email = 'last@kaisha.example'")
    assert server.to == ["new@kaisha.example"]
    assert (await only(invoiced)).address == "new@kaisha.example"


@pytest.mark.rule("T5-2", "T16-3")
async def test_an_officer_gives_another_email_address(
    invoiced: Conn, office: Pool, posting: Posting, server: MailServer
) -> None:
    """It counts for letters that have not left; what is not named stays, and evidence has the fact alone."""
    await notices.set_contact(invoiced, "kaisha", "ja", None, NOW, email="new@kaisha.example")
    await notices.set_contact(invoiced, "kaisha", "ja", "1-1 Chiyoda, Tokyo", NOW)
    with pytest.raises(Unfit, match="no e-mail address"):
        await notices.set_contact(invoiced, "kaisha", "ja", None, NOW, email="kaisha")
    await deliver.hand_off(office, NOW, posting=posting)
    assert server.to == ["new@kaisha.example"]
    rows = await invoiced.fetch(
        "SELECT convert_from(content, 'UTF8') AS c FROM evidence.records WHERE kind = 'contact.set'"
    )
    assert [msgspec.json.decode(row["c"])["email_set"] for row in rows] == [True, False]
    assert all("new@" not in row["c"] for row in rows)


@pytest.mark.rule("T5-2")
async def test_of_a_contact_what_is_not_given_stays(accepted: Conn) -> None:
    contact = "SELECT language, postal_address FROM office.contacts"
    await notices.set_contact(accepted, "kaisha", "en", "1-1 Chiyoda, Tokyo", NOW)
    await notices.set_contact(accepted, "kaisha", None, None, NOW, email="new@kaisha.example")
    assert tuple(await accepted.fetchrow(contact)) == ("en", "1-1 Chiyoda, Tokyo")
    await notices.set_contact(accepted, "kaisha", "ja", "", NOW)
    assert tuple(await accepted.fetchrow(contact)) == ("ja", None)


@pytest.mark.rule("T5-2")
async def test_without_an_address_a_person_posts_it(accepted: Conn, office: Pool, posting: Posting) -> None:
    contract = await contracts.shown(accepted, "acme")
    await notices.set_contact(accepted, "kaisha", "en", "1-1 Chiyoda, Tokyo", NOW)
    await notify(accepted, "invoice_issued", NOW, contract_id=contract.id, **INVOICE)
    await deliver.address_notices(office, NOW, posting=posting)
    found = await only(accepted)
    assert (found.channel, found.state, found.address) == ("paper", "person", "1-1 Chiyoda, Tokyo")
    assert found.subject == "Invoice I-1"
    with pytest.raises(Unfit, match="to come"):
        await notices.posted(accepted, str(found.id), LATER.date() + timedelta(days=2), "ann", NOW)
    with pytest.raises(Unfit, match="the letter is of 2026-11-22"):
        await notices.posted(accepted, str(found.id), NOW.date() - timedelta(days=1), "ann", NOW)
    await notices.posted(accepted, str(found.id), NOW.date(), "ann", NOW)
    assert (await only(accepted)).delivered_at is not None


@pytest.mark.rule("T8-14")
async def test_a_payer_is_told_too(invoiced: Conn, office: Pool, posting: Posting, server: MailServer) -> None:
    await notices.set_recipient(invoiced, "acme", "payer", "Payer", "pay@payer.example", "en", NOW)
    contract = await contracts.shown(invoiced, "acme")
    reminder = {"invoice": "I-1", "open_yen": "440", "due_on": "2026-12-31"}
    await notify(invoiced, "payment_reminder", NOW, contract_id=contract.id, **reminder)
    await deliver.address_notices(office, NOW, posting=posting)
    for _ in range(3):
        await deliver.hand_off(office, NOW, posting=posting)
    assert sorted(server.to) == ["info@kaisha.example", "info@kaisha.example", "pay@payer.example"]


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("a@b.example", "a@b.example"),
        ("a@例え.example", "a@xn--r8jz45g.example"),
        ("a@b.example\r\nBcc: c@d.example", None),
        ("a b@c.example", None),
        ("a@b@c.example", None),
        ("x" * 65 + "@b.example", None),
        ("", None),
    ],
)
def test_routable(address: str, expected: str | None) -> None:
    assert mail.routable(address) == expected


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("Mon, 23 Nov 2026 09:00:00 +0900", True),
        ("Mon, 23 Nov 2026 09:00:00", False),
        ("Sun, 06 Nov 2200 08:49:37 +0000", False),
        ("Sun, 06 Nov 1994 08:49:37 +0000", False),
        ("tomorrow", False),
        (None, False),
    ],
)
def test_a_date_of_a_report_is_of_our_time_and_says_its_zone(text: str | None, known: bool) -> None:
    assert (notices.instant(text) is not None) == known


def test_a_subject_cannot_add_a_header_field() -> None:
    subject, _ = rendered("terms_changed", "en", dict.fromkeys((*KINDS["terms_changed"].values, *GIVEN), "a\r\nBcc: x"))
    assert "\n" not in subject
    letter = SimpleNamespace(subject="a\r\nBcc: x@y.example", body="b", message_id="<1@x>", clause="A1.1")
    with pytest.raises(ValueError):
        mail.message(letter, "a@b.example", "c@d.example", NOW)  # type: ignore[arg-type]


@pytest.fixture
async def pages(office: Pool, posting: Posting) -> AsyncIterator[Posting]:
    """The office listener runs; its own address is that of the postings."""
    async with TestServer(make_app(office, lambda: NOW, posting.base_url)) as site:
        yield msgspec.structs.replace(posting, base_url=str(site.make_url("/")).rstrip("/"))


@pytest.mark.rule("T20-1", "T5-4")
async def test_terms_count_from_their_instant_once_their_announcement_was_seen(
    accepted: Conn, office: Pool, pages: Posting, posting: Posting
) -> None:
    effective = NOW + timedelta(days=31)
    new = terms.Version("2", bytes(32), "https://ca.example/terms-2", "Fees", "law", effective)
    with pytest.raises(Unfit, match="at least 30 days"):
        await terms.announce(accepted, msgspec.structs.replace(new, effective_at=NOW + timedelta(days=29)), "ann", NOW)
    await terms.announce(accepted, new, "ann", NOW)
    await terms.take_effect(office, NOW)
    assert await accepted.fetchval("SELECT count(*) FROM gate.texts WHERE version = '2'") == 0
    await deliver.address_notices(office, NOW, posting=pages)
    await deliver.look_at_postings(office, NOW, posting=pages)
    await terms.take_effect(office, NOW)
    assert await accepted.fetchval("SELECT effective_at FROM gate.texts WHERE version = '2'") == effective
    assert about((await terms.listed(accepted))[0].announced_at, NOW)


@pytest.mark.rule("T20-1")
async def test_terms_announced_too_late_never_count(accepted: Conn, office: Pool, pages: Posting) -> None:
    new = terms.Version("2", bytes(32), "https://ca.example/2", "Fees", "law", NOW + timedelta(days=30))
    await terms.announce(accepted, new, "ann", NOW)
    await deliver.address_notices(office, NOW, posting=pages)
    await deliver.look_at_postings(office, LATER, posting=pages)
    await terms.take_effect(office, LATER)
    assert (await terms.listed(accepted))[0].withdrawn_at == LATER
    assert await accepted.fetchval("SELECT count(*) FROM gate.texts WHERE version = '2'") == 0


@pytest.mark.rule("T22-2")
@pytest.mark.parametrize("seen", [True, False])
async def test_a_window_opens_only_when_its_notice_was_seen(
    accepted: Conn, office: Pool, pages: Posting, seen: bool
) -> None:
    start = NOW + timedelta(days=7)
    window = await maintenance.plan(accepted, "new HSM", start, start + timedelta(hours=2), "ann", None, NOW)
    await deliver.address_notices(office, NOW, posting=pages)
    if seen:
        await deliver.look_at_postings(office, NOW, posting=pages)
        await maintenance.open_window(accepted, str(window), "ann", NOW)
        assert (await maintenance.listed(accepted))[0].suspension_id is not None
    else:
        with pytest.raises(Unfit, match="not delivered before"):
            await maintenance.open_window(accepted, str(window), "ann", NOW)
    hurry = await maintenance.plan(accepted, "fault", NOW, start, "ann", "keys are stuck", NOW)
    await maintenance.open_window(accepted, str(hurry), "ann", NOW)
