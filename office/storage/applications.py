"""What an application states, who may request, and its decision (Articles 1 to 4, 15)."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from contract_gate.application import Application
from sql import Conn, statements
from sql.ids import uuid7
from sql.rows import many, one

SQL = statements("office/applications")
_ASKED = msgspec.json.Decoder(Application)


class Statement(msgspec.Struct, frozen=True):
    """What the customer stated (T1-4, T4-9, T8-14, T8-16)."""

    representative: str
    applicant: str
    servers: list[str]
    dealer: str | None
    payer: str | None
    stated_at: datetime


class Requester(msgspec.Struct, frozen=True):
    """A person named in writing, who may be handed binding keys (T4-2)."""

    handle: str
    name: str
    named_at: datetime
    withdrawn_at: datetime | None


async def state(
    conn: Conn, contract_id: UUID, representative: str, applicant: UUID, servers: Sequence[str],
    dealer: str | None, payer: str | None, now: datetime,
) -> bool:  # fmt: skip
    """Whether the statement is new; it is made once."""
    values = (contract_id, representative, applicant, list(servers), dealer, payer, now)
    return await conn.fetchval(SQL["state"], *values) is not None


async def statement_of(conn: Conn, contract_id: UUID) -> Statement | None:
    """What was stated."""
    return one(Statement, await conn.fetchrow(SQL["statement"], contract_id))


async def name_requester(conn: Conn, contract_id: UUID, person: UUID, named_by: UUID, now: datetime) -> bool:
    """Whether the person is named from now on; False when they were."""
    return await conn.fetchval(SQL["name_requester"], contract_id, person, named_by, now) is not None


async def withdraw_requester(conn: Conn, contract_id: UUID, person: UUID, now: datetime) -> bool:
    """Whether the person was named until now."""
    return await conn.fetchval(SQL["withdraw_requester"], contract_id, person, now) is not None


async def requesters(conn: Conn, contract_id: UUID) -> list[Requester]:
    """Everybody named, withdrawn ones too."""
    return many(Requester, await conn.fetch(SQL["requesters"], contract_id))


async def call_back(conn: Conn, contract_id: UUID, source: str, confirmed: bool, by: UUID, now: datetime) -> UUID:
    """The id of the recorded call (T4-3)."""
    call_id = uuid7(now)
    await conn.execute(SQL["call_back"], call_id, contract_id, source, confirmed, by, now)
    return call_id


async def approve(conn: Conn, contract_id: UUID, grounds: str, by: UUID, now: datetime) -> bool:
    """Whether the organisation was approved by this (T3-1); False when it was before."""
    return await conn.fetchval(SQL["approve"], contract_id, grounds, by, now) is not None


async def asked(conn: Conn, contract_id: UUID) -> Application:
    """What acceptance asks of the application."""
    return _ASKED.decode(await conn.fetchval(SQL["asked_at_acceptance"], contract_id))


async def move(conn: Conn, contract_id: UUID, state: str, before: Iterable[str]) -> bool:
    """Whether the application came from one of these states into the new one."""
    return await conn.fetchval(SQL["move"], contract_id, state, list(before)) is not None


async def reject(
    conn: Conn, contract_id: UUID, reason: str, first: UUID, second: UUID, before: Iterable[str], now: datetime
) -> bool:
    """Whether the application was rejected by this."""
    return await conn.fetchval(SQL["reject"], contract_id, reason, first, second, now, list(before)) is not None


async def assign(
    conn: Conn, contract_id: UUID, customer_id: UUID, sha256: bytes, first: UUID, second: UUID, now: datetime
) -> bool:
    """Whether the contract passed to another customer with the consent recorded (T15-1)."""
    await conn.fetchval(SQL["assign"], contract_id, customer_id, sha256, first, second, now)
    return await conn.fetchval(SQL["pass_to"], contract_id, customer_id) is not None
