"""What people do with notices: look, try again, post, and take in what mail servers report (T5-2, T5-3)."""

import re
from collections.abc import Sequence
from datetime import date, datetime
from email import message_from_bytes, policy
from email.message import Message
from email.utils import parsedate_to_datetime
from typing import Literal
from uuid import UUID

import msgspec

from contract_gate.articles.article_05_notices import deemed_delivery
from contract_gate.calendar import jst_date
from office.storage import notices, people
from office.storage.notices import Delivery, Shown
from office.use_cases import asked
from office.use_cases.asked import MOST, OPERATOR, NoSuch, Unfit, as_uuid, checked_text, id_of, one_of
from office.use_cases.dispatch import dispatching
from office.use_cases.mail import routable
from office.use_cases.notify import LANGUAGES, notify
from office.use_cases.tenants import NotThere
from sql import Conn
from sql.evidence import append, entry

STATES = ("waiting", "person", "handed", "delivered", "dropped")
ROLES = ("payer", "dealer")
LARGEST_REPORT = 10 * 1024 * 1024
YEARS = range(2000, 2200)
STATUS = re.compile(r"[245]\.[0-9]{1,3}\.[0-9]{1,3}")


class Report(msgspec.Struct, frozen=True):
    """What a delivery status notification says of one of our letters (RFC 3464)."""

    letter: str  # the delivery's id, or the Message-ID
    action: Literal["failed", "delivered", "relayed"]
    at: datetime | None
    reason: str  # as the mail server words it, which may name the recipient
    status: str  # a code alone (RFC 3463), or ''


async def listed(
    conn: Conn, contract: str | None, state: str | None, after: UUID | None = None, most: int = MOST
) -> list[Delivery]:
    """Deliveries of a contract or of all, newest first; those behind one. Raises Unfit."""
    if state is not None:
        one_of("state", state, STATES)
    key = await asked.contract(conn, contract) if contract else None
    return await notices.deliveries(conn, key.id if key else None, state, most, after)


async def shown(conn: Conn, delivery: str) -> Shown:
    """One delivery and its text. Raises Unfit."""
    found = await notices.delivery(conn, id_of("delivery", delivery))
    if found is None:
        raise NoSuch(delivery, f"there is no delivery '{delivery}': `keiyaku notice list` shows them")
    return found


async def there(conn: Conn, delivery: str) -> Shown:
    """The same. Raises NotThere."""
    delivery_id = as_uuid(delivery)
    found = await notices.delivery(conn, delivery_id) if delivery_id else None
    if found is None:
        raise NotThere
    return found


async def retry(conn: Conn, delivery: str, now: datetime) -> None:
    """An e-mail or posting that waits for a person is tried again, to the address registered then. Raises Unfit."""
    found = await shown(conn, delivery)
    if not await notices.retry(conn, found.id, now):
        raise Unfit(
            f"delivery '{delivery}' is {found.state}: only an e-mail or posting that waits for a person is retried"
        )


async def posted(conn: Conn, delivery: str, posted_on: date, person: str, now: datetime) -> datetime:
    """A person posted the letter that day; returns its deemed delivery (T5-2). Raises Unfit."""
    found, who = await shown(conn, delivery), await asked.person(conn, person)
    if posted_on > jst_date(now):
        raise Unfit(f"{posted_on} is to come: record the posting when it is done")
    if posted_on < (written_on := jst_date(found.queued_at)):
        raise Unfit(f"nobody posted it on {posted_on}: the letter is of {written_on}")
    at = deemed_delivery(posted_on, await notices.postal_days(conn, now), await notices.holidays(conn))
    async with dispatching(conn, found.id):
        if not await notices.posted(conn, found.id, posted_on, at):
            raise Unfit(
                f"delivery '{delivery}' is no letter that waits to be posted: it is {found.channel}, {found.state}"
            )
        await notices.dispatched(conn, found.id, now)
        row = entry(
            "notice.posted", asked.actor(who), now, rule="T5-2", clause="A5.2", delivery=found.id,
            posted_on=posted_on, deemed_at=at, body_sha256=found.body_sha256.hex(),
        )  # fmt: skip
        await append(conn, row)
    return at


async def take_report(conn: Conn, report: bytes, now: datetime) -> Shown:
    """What a mail server reported of a letter is recorded once, however often it comes (T5-3). Raises Unfit."""
    found = read_report(report)
    delivery_id = as_uuid(found.letter)
    letter = (
        await notices.delivery(conn, delivery_id)
        if delivery_id
        else await notices.by_message_id(conn, found.letter)
    )  # fmt: skip
    if letter is None:
        raise Unfit(f"no letter of ours has the id '{found.letter}'")
    async with conn.transaction():
        if found.action == "failed":
            await bounced(conn, letter, found, now)
        elif await notices.relayed(conn, letter.id, at := found.at or now):
            row = entry(
                "notice.relayed", OPERATOR, now, rule="T5-3", clause="A5.3", delivery=letter.id, delivered_at=at
            )
            await append(conn, row)
    return await shown(conn, str(letter.id))


async def bounced(conn: Conn, letter: Shown, report: Report, now: datetime) -> None:
    """The contact is stale, and somebody is told; the delivery stays. Evidence has the code alone (T16-3)."""
    if not await notices.bounced(conn, letter.id, report.reason, report.at or now):
        return
    row = entry("notice.bounced", OPERATOR, now, rule="T5-3", clause="A5.3", delivery=letter.id, status=report.status)
    await append(conn, row)
    if letter.customer_id is not None and await notices.set_stale(conn, letter.customer_id, report.at or now):
        await notify(
            conn, "contact_stale", now, customer_id=letter.customer_id, since=jst_date(report.at or now).isoformat()
        )


def read_report(octets: bytes) -> Report:
    """A delivery status notification: which letter, what became of it, when. RFC 3464 §2. Raises Unfit.

    The letter is known by its envelope id (RFC 3461 §4.4), else by the Message-ID in the returned header.
    """
    if len(octets) > LARGEST_REPORT:
        raise Unfit(f"the report is larger than {LARGEST_REPORT} octets: it is none")
    try:
        parts = list(message_from_bytes(octets, policy=policy.default).walk())
    except RecursionError:
        raise Unfit("the report holds parts within parts without end: it is none") from None
    status = next((part for part in parts if part.get_content_type() == "message/delivery-status"), None)
    blocks = [block for block in status.get_payload() if isinstance(block, Message)] if status else []
    recipient = next((block for block in blocks if block["Action"]), None)
    if recipient is None:
        raise Unfit("this is no delivery status notification: it has no part message/delivery-status (RFC 3464)")
    action = str(recipient["Action"]).strip().lower()
    letter = next((str(b["Original-Envelope-Id"]).strip() for b in blocks if b["Original-Envelope-Id"]), None)
    letter = letter or returned_id(parts)
    if letter is None:
        raise Unfit("the report names neither the envelope id nor the Message-ID of the letter")
    if action not in ("failed", "delivered", "relayed"):
        raise Unfit(f"the report says '{action}', which decides nothing: wait for the next one")
    last = recipient["Last-Attempt-Date"] or next((b["Arrival-Date"] for b in blocks if b["Arrival-Date"]), None)
    reason = printable(str(recipient["Diagnostic-Code"] or recipient["Status"] or action))[:500]
    code = STATUS.match(str(recipient["Status"] or "").strip())
    return Report(printable(letter), action, instant(last), reason, code[0] if code else "")  # type: ignore[arg-type]


def returned_id(parts: Sequence[Message]) -> str | None:
    """The Message-ID in the part that holds the letter or its header."""
    for part in parts:
        inner: object = None
        content = part.get_payload(decode=True)
        if part.get_content_type() == "text/rfc822-headers" and isinstance(content, bytes):
            inner = message_from_bytes(content)
        elif part.get_content_type() == "message/rfc822" and isinstance(held := part.get_payload(), list):
            inner = held[0]
        if isinstance(inner, Message) and inner["Message-ID"]:
            return str(inner["Message-ID"]).strip()
    return None


def printable(text: str) -> str:
    """The text in one line, without what no database keeps."""
    return " ".join("".join(each if each.isprintable() else " " for each in text).split())


def instant(text: object) -> datetime | None:
    """A date of a header field, if it is one of our time and says its zone."""
    try:
        found = parsedate_to_datetime(str(text)) if text else None
    except ValueError:
        return None
    return found if found and found.tzinfo and found.year in YEARS else None


async def set_contact(
    conn: Conn, customer: str, language: str | None, postal_address: str | None, now: datetime, *,
    email: str | None = None, person: str | None = None,
) -> None:  # fmt: skip
    """How a customer wants to be written to; the contact counts as good again (T5-2). Raises Unfit.

    What is None stays as it is; an empty postal address is none from now on. Letters sent before stay as they were.
    `person`: who sets it by hand, whom evidence names (§0.3); None: a program.
    """
    actor = await asked.acting(conn, person)
    if language is not None:
        one_of("language", language, LANGUAGES)
    if email is not None and routable(email) is None:
        raise Unfit(f"'{email}' is no e-mail address")
    if postal_address:
        checked_text("the postal address", postal_address)
    who = await people.customer_of(conn, customer)
    if who is None:
        raise NoSuch(customer, f"there is no customer '{customer}': `keiyaku customer list` shows them")
    async with conn.transaction():
        await notices.set_contact(conn, who.id, language, postal_address)
        if email is not None:
            await notices.set_email(conn, who.id, email)
        row = entry("contact.set", actor, now, rule="T5-2", clause="A5.2", customer=who.id, email_set=email is not None)
        await append(conn, row)


async def set_recipient(
    conn: Conn, contract: str, role: str, name: str, email: str, language: str, now: datetime,
    person: str | None = None,
) -> None:  # fmt: skip
    """The payer or dealer who is told of a contract's money too (T8-14, T8-16). Raises Unfit.

    `person`: who sets it by hand, whom evidence names (§0.3); None: a program.
    """
    actor = await asked.acting(conn, person)
    one_of("role", role, ROLES)
    one_of("language", language, LANGUAGES)
    checked_text("the name", name)
    if routable(email) is None:
        raise Unfit(f"'{email}' is no e-mail address")
    key = await asked.contract(conn, contract)
    async with conn.transaction():
        await notices.set_recipient(conn, key.id, role, name, email, language)
        await append(conn, entry("recipient.set", actor, now, contract_id=key.id, rule="T8-14", role=role))
