"""What the database writes of a decision once two people vouched for it with their tokens, and not otherwise."""

from datetime import datetime
from uuid import UUID

from office.storage.people import Plan
from sql import Conn, statements
from sql.ids import uuid7
from sql.rows import one

SQL = statements("office/vouched")


async def first(conn: Conn, proposal: UUID, proof: bytes, now: datetime) -> bool:
    """Whether the proof is of the token of who proposed it, in a role that may."""
    return bool(await conn.fetchval(SQL["first"], proposal, proof, now))


async def second(conn: Conn, proposal: UUID, proof: bytes, now: datetime) -> bool:
    """Whether the proof is of the token of who confirmed it, in a role that may, and the proposal is as it was made."""
    return bool(await conn.fetchval(SQL["second"], proposal, proof, now))


async def first_stands(conn: Conn, proposal: UUID) -> bool:
    """Whether who proposed it vouched for it as it is, with a token that was not withdrawn."""
    return bool(await conn.fetchval(SQL["first_stands"], proposal))


async def set_reading(conn: Conn, proposal: UUID) -> bool:
    """Whether the key had no value of its own from that very instant on. Refused by the database if nobody vouched."""
    return await conn.fetchval(SQL["set_reading"], proposal) is not None


async def add_plan(conn: Conn, proposal: UUID, plan_id: UUID) -> Plan | None:
    """The new plan; None when the handle is taken."""
    return one(Plan, await conn.fetchrow(SQL["add_plan"], proposal, plan_id))


async def close_plan(conn: Conn, proposal: UUID) -> bool:
    """Whether there was such a plan."""
    return await conn.fetchval(SQL["close_plan"], proposal) is not None


async def make_token(conn: Conn, proposal: UUID, part_sha256: bytes, now: datetime) -> UUID | None:
    """The id of the new token; None: the second would confirm one of their own."""
    made: UUID | None = await conn.fetchval(SQL["make_token"], proposal, uuid7(now), part_sha256)
    return made


async def withdraw_token(conn: Conn, token_id: UUID, proof: bytes, now: datetime) -> bool:
    """Whether it was not withdrawn until now, and the proof is of somebody who may."""
    return await conn.fetchval(SQL["withdraw_token"], token_id, proof, now) is not None


async def leave(conn: Conn, proposal: UUID) -> list[UUID] | None:
    """Their tokens that lived until now; None: they left before, or are one of the two."""
    ended: list[UUID] | None = await conn.fetchval(SQL["leave"], proposal)
    return ended


async def close_access_review(conn: Conn, proposal: UUID, entries: int, now: datetime) -> UUID:
    """The id of the new review."""
    made: UUID = await conn.fetchval(SQL["close_access_review"], proposal, uuid7(now), entries)
    return made
