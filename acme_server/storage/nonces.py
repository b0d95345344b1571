"""Nonces: what PostgreSQL remembers of them. RFC 8555 §6.5, design §4.1."""

import os
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from acme_server.protocol.nonce import NonceKey, Spendable
from acme_server.protocol.objects import Account
from sql import Pool, statements

SQL = statements("acme_server/nonces")
OF_SPENT = 1 + len(Account.__struct_fields__)  # columns of `spent`


class Spent(msgspec.Struct, frozen=True):
    """Whether the nonce was still good, and the account that was asked for, if there is one."""

    fresh: bool
    account: Account | None


async def current_key(pool: Pool) -> NonceKey:
    """The epoch and key that all processes share; made here after a crash has emptied the unlogged table."""
    row = await pool.fetchrow(SQL["load_epoch"])
    if row is None:
        await pool.execute(SQL["make_epoch"], int.from_bytes(os.urandom(4), "big") >> 1, os.urandom(32))
        row = await pool.fetchrow(SQL["load_epoch"])
        assert row is not None
    return NonceKey(row["epoch"], row["mac_key"])


async def spend_for_account(pool: Pool, nonce: Spendable, account_id: UUID | None) -> Spent:
    """The nonce is spent; the account of `account_id` is loaded. One statement."""
    return spent(await pool.fetchrow(SQL["spend_for_account"], nonce.slot, nonce.nonce, nonce.epoch, account_id))


async def spend_for_order(pool: Pool, nonce: Spendable, account_id: UUID | None) -> tuple[Spent, frozenset[UUID]]:
    """The same, with the revisions of the facts that an order may be admitted by. One statement."""
    row = await pool.fetchrow(SQL["spend_for_order"], nonce.slot, nonce.nonce, nonce.epoch, account_id)
    found = spent(row)
    return found, frozenset(row["revisions"] if row is not None else ())


async def spend_for_key(pool: Pool, nonce: Spendable, thumbprint: bytes | None) -> Spent:
    """The nonce is spent; the account whose key has or had `thumbprint` is loaded. One statement."""
    return spent(await pool.fetchrow(SQL["spend_for_key"], nonce.slot, nonce.nonce, nonce.epoch, thumbprint))


async def spend_and_read(
    pool: Pool, statement: str, nonce: Spendable, account_id: UUID | None, resource_id: UUID, *more: object
) -> tuple[Spent, Sequence[Any]]:
    """The nonce is spent, the account loaded, and its own resource read: its columns, null when there is none."""
    row = await pool.fetchrow(statement, nonce.slot, nonce.nonce, nonce.epoch, account_id, resource_id, *more)
    assert row is not None  # it begins with VALUES
    return spent(row), row[OF_SPENT:]


def spent(row: asyncpg.Record | None) -> Spent:
    """The first columns of each of these statements: fresh, then those of an account."""
    assert row is not None  # it begins with VALUES
    return Spent(row[0], Account(*row[1:OF_SPENT]) if row[1] else None)


async def truncate_slot(pool: Pool, slot: int) -> None:
    """The slot is empty. Only for a slot in which no nonce can still be valid."""
    await pool.execute(SQL["truncate_slot"], slot)
