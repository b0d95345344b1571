"""The outbox: notices, and their deliveries to each recipient by each channel (Article 5)."""

from collections.abc import Mapping
from datetime import date, datetime
from uuid import UUID

import msgspec

from contract_gate.articles.article_05_notices import NoticeKind
from contract_gate.readings import notice_reading
from office.storage import readings
from sql import Conn, Pool, statements
from sql.ids import uuid7
from sql.rows import many, one

SQL = statements("office/notices")


class Notice(msgspec.Struct, frozen=True):
    """A notice that nobody has been addressed with yet."""

    id: UUID
    kind: str
    contract_id: UUID | None
    customer_id: UUID | None
    contract: str
    given: str  # JSON


class Party(msgspec.Struct, frozen=True):
    """Who can be told, and how. `kind`: of a customer, as it is registered; None: not known."""

    recipient: str
    customer_id: UUID | None
    name: str
    kind: str | None
    language: str
    email: str | None
    postal_address: str | None
    stale: bool


class Letter(msgspec.Struct, frozen=True):
    """One delivery as it is made."""

    notice_id: UUID
    recipient: str
    customer_id: UUID | None
    channel: str
    state: str
    address: str
    language: str
    subject: str
    body: str
    body_sha256: bytes


class Claimed(msgspec.Struct, frozen=True):
    """A delivery that this process alone acts on until its lease ends."""

    id: UUID
    notice_id: UUID
    customer_id: UUID | None
    contract_id: UUID | None
    kind: str
    clause: str
    recipient: str
    channel: str
    address: str
    subject: str
    body: str
    body_sha256: bytes
    message_id: str
    attempts: int
    fence: int
    queued_at: datetime


class Delivery(msgspec.Struct, frozen=True):
    """A delivery as people see it."""

    id: UUID
    kind: str
    clause: str
    contract: str | None
    recipient: str
    channel: str
    state: str
    address: str
    subject: str
    attempts: int
    last_error: str | None
    queued_at: datetime
    handed_at: datetime | None
    delivered_at: datetime | None
    bounced_at: datetime | None


class Shown(Delivery, frozen=True):
    """And what it says."""

    language: str
    body: str
    body_sha256: bytes
    message_id: str
    first_viewed_at: datetime | None
    posted_on: date | None
    customer_id: UUID | None


class Page(msgspec.Struct, frozen=True):
    """A notice posted on the web, in both languages."""

    clause: str
    subject: str
    body: str
    body_sha256: bytes
    queued_at: datetime


async def insert(
    conn: Conn, kind: NoticeKind, contract_id: UUID | None, customer_id: UUID | None, given: Mapping[str, str],
    now: datetime,
) -> UUID:  # fmt: skip
    """The id of the new notice."""
    notice_id = uuid7(now)
    text = msgspec.json.encode(given).decode()
    await conn.execute(SQL["insert"], notice_id, kind.name, kind.clause, contract_id, customer_id, text, now)
    return notice_id


async def unaddressed(conn: Conn, most: int) -> list[Notice]:
    """Notices without deliveries, oldest first, locked until the transaction ends; none that another holds."""
    return many(Notice, await conn.fetch(SQL["unaddressed"], most))


async def parties(conn: Conn, notice: Notice) -> list[Party]:
    """The customer, the payer and the dealer of the notice: their contacts at this moment (T5-2)."""
    return many(Party, await conn.fetch(SQL["parties"], notice.contract_id, notice.customer_id))


async def everyone(conn: Conn) -> list[Party]:
    """Every customer of a live contract."""
    return many(Party, await conn.fetch(SQL["everyone"]))


async def addressed(conn: Conn, notice_id: UUID, now: datetime) -> None:
    """Its deliveries exist."""
    await conn.execute(SQL["addressed"], notice_id, now)


async def insert_delivery(conn: Conn, letter: Letter, domain: str, now: datetime) -> UUID:
    """The id of the new delivery, which is also the left part of its Message-ID."""
    new = uuid7(now)
    await conn.execute(SQL["insert_delivery"], new, *msgspec.structs.astuple(letter), f"<{new}@{domain}>", now)
    return new


async def claim(pool: Pool, channel: str, most: int, lease: float, now: datetime) -> list[Claimed]:
    """Waiting deliveries whose time has come, ours alone for `lease` seconds; addresses as they are registered now."""
    return many(Claimed, await pool.fetch(SQL["claim"], channel, most, lease, now))


async def handed(conn: Conn, one: Claimed, state: str, now: datetime, delivered_at: datetime | None) -> bool:
    """Whether the hand-off was still ours to record."""
    return await conn.fetchval(SQL["handed"], one.id, one.fence, state, now, delivered_at) is not None


async def viewed(conn: Conn, one: Claimed, now: datetime) -> bool:
    """Whether the first view was still ours to record."""
    return await conn.fetchval(SQL["viewed"], one.id, one.fence, now) is not None


async def failed(pool: Pool, one: Claimed, state: str, reason: str, next_at: datetime) -> None:
    """It waits for its next try, or for a person."""
    await pool.execute(SQL["failed"], one.id, one.fence, state, reason, next_at)


async def delivery(conn: Conn, delivery_id: UUID) -> Shown | None:
    """One delivery."""
    return one(Shown, await conn.fetchrow(SQL["delivery"], delivery_id))


async def by_message_id(conn: Conn, message_id: str) -> Shown | None:
    """The delivery of that Message-ID, or of that id as the envelope carried it."""
    return one(Shown, await conn.fetchrow(SQL["by_message_id"], message_id))


async def deliveries(
    conn: Conn, contract_id: UUID | None, state: str | None, most: int, after: UUID | None
) -> list[Delivery]:
    """Deliveries, newest first; those behind one."""
    return many(Delivery, await conn.fetch(SQL["deliveries"], contract_id, state, most, after))


async def retry(conn: Conn, delivery_id: UUID, now: datetime) -> bool:
    """Whether an e-mail or a posting that waited for a person is tried again from now on."""
    return await conn.fetchval(SQL["retry"], delivery_id, now) is not None


async def posted(conn: Conn, delivery_id: UUID, posted_on: date, delivered_at: datetime) -> bool:
    """Whether a letter waited for a person to post it."""
    return await conn.fetchval(SQL["posted"], delivery_id, posted_on, delivered_at) is not None


async def forms(conn: Conn, delivery_id: UUID) -> int | None:
    """The number of the contract whose formation the delivery tells of; None: of none, or it is told (T4-5)."""
    number: int | None = await conn.fetchval(SQL["forms"], delivery_id)
    return number


async def dispatched(conn: Conn, delivery_id: UUID, now: datetime) -> None:
    """If it tells of a contract's formation, that has left: a fact of the gate (T4-5)."""
    await conn.execute(SQL["dispatched"], delivery_id, now)


async def relayed(conn: Conn, delivery_id: UUID, at: datetime) -> bool:
    """Whether the CA's own relay had it, and so a server of someone else now has."""
    return await conn.fetchval(SQL["relayed"], delivery_id, at) is not None


async def bounced(conn: Conn, delivery_id: UUID, reason: str, at: datetime) -> bool:
    """Whether this is its first bounce. The delivery of what was delivered stays; what was not waits for a person."""
    return await conn.fetchval(SQL["bounced"], delivery_id, reason, at) is not None


async def set_stale(conn: Conn, customer_id: UUID, since: datetime) -> bool:
    """Whether the contact was good until then."""
    return await conn.fetchval(SQL["set_stale"], customer_id, since) is not None


async def postal_address(conn: Conn, customer_id: UUID) -> str | None:
    """Where the customer gets letters on paper, if anywhere."""
    found: str | None = await conn.fetchval(SQL["postal_address"], customer_id)
    return found


async def set_contact(conn: Conn, customer_id: UUID, language: str | None, postal_address: str | None) -> None:
    """How a customer wants to be written to; good again. None: as it is; an empty address: none."""
    await conn.execute(SQL["set_contact"], customer_id, language, postal_address)


async def set_email(conn: Conn, customer_id: UUID, email: str) -> None:
    """Where e-mails to the customer go from now on."""
    await conn.execute(SQL["set_email"], customer_id, email)


async def set_recipient(conn: Conn, contract_id: UUID, role: str, name: str, email: str, language: str) -> None:
    """The payer or dealer of a contract, who is told of its money."""
    await conn.execute(SQL["set_recipient"], contract_id, role, name, email, language)


async def undelivered(conn: Conn, notice_id: UUID) -> int | None:
    """How many recipients the notice has not been delivered to by any channel; None while nobody is addressed."""
    count: int | None = await conn.fetchval(SQL["undelivered"], notice_id)
    return count


async def first_delivery(conn: Conn, notice_id: UUID) -> datetime | None:
    """When a public notice counts as announced: its posting's delivery."""
    at: datetime | None = await conn.fetchval(SQL["first_delivery"], notice_id)
    return at


async def page(conn: Conn | Pool, notice_id: UUID) -> Page | None:
    """What the page of a posted notice says; None for any other notice."""
    return one(Page, await conn.fetchrow(SQL["page"], notice_id))


async def holidays(conn: Conn) -> set[date]:
    """Days on which banks are closed."""
    return {row["day"] for row in await conn.fetch(SQL["holidays"])}


async def min_notice_days(conn: Conn, now: datetime) -> int:
    """How long before new Terms count they are announced (R-22)."""
    return await _reading(conn, "terms.min_notice_days", now)


async def postal_days(conn: Conn, now: datetime) -> int:
    """How many bank days a document travels (T5-2)."""
    return await _reading(conn, "notice.postal_days", now)


async def result_within(conn: Conn, now: datetime) -> int:
    """Within how many bank days who asked for a revocation hears the result (T11-6)."""
    return await _reading(conn, "notice.result_within", now)


async def _reading(conn: Conn, key: str, now: datetime) -> int:
    return notice_reading(key, await readings.of_neither(conn, key, now))
