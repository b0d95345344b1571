"""Notices on their way: addressed, handed to the mail server, looked at on the web (T5-1 to T5-5)."""

import hashlib
import random
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal

import aiohttp
import msgspec

from contract_gate.articles.article_05_notices import KINDS, Handling, NoticeKind, channels_open, delivered_at
from office.storage import credit_invoices, money_books, notices
from office.storage.credit_invoices import CreditPaper
from office.storage.money_books import Paper
from office.storage.notices import Claimed, Letter, Notice, Party
from office.use_cases import credit_letter
from office.use_cases.addressing import addressed
from office.use_cases.dispatch import dispatching
from office.use_cases.invoice_letter import BILLS, REMINDERS, said_of
from office.use_cases.mail import Failed, Mail, Posting, hand_over
from office.use_cases.notify import ACTOR, LANGUAGES, rendered
from sql import Conn, Pool
from sql.evidence import Entry, append, entry

AT_ONCE = 50  # notices addressed in one transaction
LEASE = 300.0
FIRST_WAIT = timedelta(seconds=30)
LONGEST_WAIT = timedelta(hours=4)
ATTEMPTS = 16  # about a day and a half; then a person
LOOK_TIMEOUT = 10.0
AT_A_LOOK = 20  # postings; their looks end before the lease
LARGEST_PAGE = 1024 * 1024
EVERYBODY = {"ja": "ご契約者各位", "en": "all customers"}  # as a posting addresses them
State = Literal["waiting", "person"]


async def address_notices(pool: Pool, now: datetime, *, posting: Posting) -> None:
    """Every notice has a delivery for each recipient and channel."""
    while True:
        async with pool.acquire() as conn, conn.transaction():
            found = await notices.unaddressed(conn, AT_ONCE)
            for notice in found:
                for letter in await letters(conn, notice, posting):
                    await notices.insert_delivery(conn, letter, posting.domain, now)
                await notices.addressed(conn, notice.id, now)
        if len(found) < AT_ONCE:
            return


async def letters(conn: Conn, notice: Notice, posting: Posting) -> list[Letter]:
    """What the notice becomes. A text that lacks a value becomes a task: nothing is lost, nothing half is sent."""
    kind = KINDS.get(notice.kind)
    if kind is None:
        return [task(notice, f"there is no notice '{notice.kind}'")]
    given = msgspec.json.decode(notice.given, type=dict[str, str])
    made: list[Letter] = []
    try:
        about = await paper_of(conn, kind, given)
        for party in await recipients(conn, notice, kind, given, posting):
            made += letters_to(party, notice, kind, given, about)
        if "web" in kind.channels:
            made.append(public(notice, kind, given, posting))
    except KeyError as lacking:
        return [task(notice, f"its text needs {lacking}")]
    return made or [task(notice, "it has no recipient")]


async def paper_of(conn: Conn, kind: NoticeKind, given: dict[str, str]) -> Paper | CreditPaper | None:
    """The paper that the notice tells of, if it tells of one."""
    if kind.name == credit_letter.KIND:
        return await credit_invoices.paper(conn, given["credit"])
    return await money_books.paper(conn, given["invoice"]) if kind.name in BILLS | REMINDERS else None


async def recipients(
    conn: Conn, notice: Notice, kind: NoticeKind, given: dict[str, str], posting: Posting
) -> Sequence[Party]:
    """Who is told."""
    match kind.to[0]:
        case "everyone" if notice.customer_id is None:
            return await notices.everyone(conn)
        case "everyone":  # the one named: its contract came later
            return [party for party in await notices.parties(conn, notice) if party.recipient == "customer"]
        case "officers":
            return [
                Party("officers", None, "登録局", "other_organisation", "ja", posting.officers or None, None, False)
            ]
        case "reporter":
            name, form = (given["reporter"], None) if "reporter" in given else (given["email"], "person")
            return [Party("reporter", None, name, form, "ja", given["email"], None, False)]
        case _:
            return [party for party in await notices.parties(conn, notice) if party.recipient in kind.to]


def letters_to(
    party: Party, notice: Notice, kind: NoticeKind, given: dict[str, str], about: Paper | CreditPaper | None
) -> list[Letter]:
    """One recipient's letters, one for each open channel; a task where none is. `about`: the paper it tells of."""
    to = addressed(party.name, party.kind, party.language)
    values = {**given, "recipient": to, "contract": notice.contract or "-"}
    subject, body = rendered(kind.name, party.language, values)
    if isinstance(about, CreditPaper):
        body += credit_letter.credited(about, party.language)
    elif about is not None:
        body += said_of(about, kind.name, party.recipient, party.language)
    ways = [way for way in channels_open(kind, email=bool(party.email), stale=party.stale) if way != "web"]
    if not ways and "web" in kind.channels:
        return []  # the posting tells them
    return [
        letter(notice, party, way, party.email if way == "email" else party.postal_address, subject, body)
        for way in ways or ["email"]
    ]


def letter(notice: Notice, party: Party, channel: str, address: str | None, subject: str, body: str) -> Letter:
    """Paper, and what has no address, is a person's to send."""
    state: State = "waiting" if channel == "email" and address else "person"
    return Letter(
        notice.id, party.recipient, party.customer_id, channel, state, address or "", party.language, subject, body,
        hashlib.sha256(body.encode()).digest(),
    )  # fmt: skip


def public(notice: Notice, kind: NoticeKind, given: dict[str, str], posting: Posting) -> Letter:
    """The posting: one page in both languages at an address that stays."""
    texts = [
        rendered(kind.name, language, {**given, "recipient": EVERYBODY[language], "contract": "-"})
        for language in LANGUAGES
    ]
    body = "\n".join(body for _, body in texts)
    return Letter(
        notice.id, "public", None, "web", "waiting", f"{posting.base_url}/notices/{notice.id}", "ja",
        " / ".join(subject for subject, _ in texts), body, hashlib.sha256(body.encode()).digest(),
    )  # fmt: skip


def task(notice: Notice, reason: str) -> Letter:
    """A notice that only a person can send."""
    body = f"{notice.kind}: {reason}"
    digest = hashlib.sha256(body.encode()).digest()
    return Letter(notice.id, "officers", None, "paper", "person", "", "ja", reason, body, digest)


async def hand_off(pool: Pool, now: datetime, *, posting: Posting) -> None:
    """Waiting e-mails are handed to the mail server, no more a minute than it takes.

    Recorded after it accepted: whoever dies between is followed by the same Message-ID, never by silence.
    """
    mail = posting.mail
    if mail is None:
        return
    begun = time.monotonic()
    for _ in range(max(1, mail.per_minute // 30)):
        claimed = await notices.claim(pool, "email", 1, LEASE, now)
        if not claimed:
            return
        outcome = await hand_over(mail, claimed[0], now)
        ended = later(now, begun)  # T5-3: the instant of acceptance, however long the server took
        if outcome is None:
            await record_handed(pool, claimed[0], mail, ended)
        else:
            await record_failed(pool, claimed[0], outcome, ended)


async def record_handed(pool: Pool, one: Claimed, mail: Mail, now: datetime) -> None:
    """The instant of the hand-off; delivered too, unless the CA runs that server (T5-3)."""
    at = delivered_at(Handling("email", handed_at=now, own_relay=mail.own_relay), 0, frozenset())
    async with pool.acquire() as conn, dispatching(conn, one.id):
        if await notices.handed(conn, one, "delivered" if at else "handed", now, at):
            await notices.dispatched(conn, one.id, now)
            await append(conn, proof("notice.handed", one, now, message_id=one.message_id, own_relay=mail.own_relay))


async def record_failed(pool: Pool, one: Claimed, failed: Failed, now: datetime) -> None:
    """Tried again later, by a person when that will not help; an address at fault makes the contact stale.

    What is sent out of courtesy is dropped then: whoever names a bad address makes nobody here work.
    """
    last = failed.permanent or one.attempts >= ATTEMPTS
    courtesy = (kind := KINDS.get(one.kind)) is not None and kind.importance == "courtesy"
    state = ("dropped" if courtesy else "person") if last else "waiting"
    await notices.failed(pool, one, state, failed.reason, now + wait(one.attempts))
    if failed.recipient and one.recipient == "customer" and one.customer_id:
        async with pool.acquire() as conn:
            await notices.set_stale(conn, one.customer_id, now)


def later(now: datetime, begun: float) -> datetime:
    """What `now` has become since the monotonic clock said `begun`."""
    return now + timedelta(seconds=time.monotonic() - begun)


def wait(attempts: int) -> timedelta:
    """Doubled after each attempt, up to LONGEST_WAIT, by chance between half and all of it."""
    longest = min(LONGEST_WAIT, FIRST_WAIT * (1 << min(attempts, 12)))
    return longest * random.uniform(0.5, 1)  # noqa: S311


async def look_at_postings(pool: Pool, now: datetime, *, posting: Posting) -> None:
    """A posting that can be seen from outside is delivered (T5-4)."""
    begun = time.monotonic()
    for one in await notices.claim(pool, "web", AT_A_LOOK, LEASE, now):
        reason = await unseen(one, posting.proxy)
        if reason is None:
            seen = later(now, begun)
            async with pool.acquire() as conn, conn.transaction():
                if await notices.viewed(conn, one, seen):
                    await append(conn, proof("notice.viewed", one, seen, url=one.address))
        else:
            last = one.attempts >= ATTEMPTS
            await notices.failed(pool, one, "person" if last else "waiting", reason, now + wait(one.attempts))


async def unseen(one: Claimed, proxy: str | None) -> str | None:
    """Why the page does not show the posting; None when it does."""
    timeout = aiohttp.ClientTimeout(total=LOOK_TIMEOUT)
    try:
        async with aiohttp.ClientSession(timeout=timeout) as session, session.get(one.address, proxy=proxy) as answer:
            text = (await answer.content.read(LARGEST_PAGE)).decode(errors="replace")
    except (aiohttp.ClientError, OSError, TimeoutError) as fault:
        return f"{type(fault).__name__}: {fault}"[:500]
    if answer.status != 200 or one.body_sha256.hex() not in text:
        return f"{one.address} answers {answer.status} without the text"
    return None


def proof(kind: str, one: Claimed, now: datetime, **content: object) -> Entry:
    """T5-5; the recipient by reference (T16-3)."""
    return entry(
        kind, ACTOR, now, contract_id=one.contract_id, rule=KINDS[one.kind].rule, clause=one.clause, delivery=one.id,
        notice=one.notice_id, notice_kind=one.kind, recipient=one.recipient, customer=one.customer_id,
        body_sha256=one.body_sha256.hex(), **content,
    )  # fmt: skip
