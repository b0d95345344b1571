"""Binding keys: the live link of ACME accounts to a contract (T4-2)."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from office.storage.contracts import ContractKey
from sql import Conn, statements
from sql.ids import uuid7
from sql.rows import many, one

SQL = statements("office/keys")


class BindingKey(msgspec.Struct, frozen=True):
    """A binding key without its secret. No names: every name of the contract."""

    kid: str
    label: str
    names: list[str]
    uses_max: int
    uses: int
    created_at: datetime
    expires_at: datetime | None
    withdrawn_at: datetime | None


async def insert_key(
    conn: Conn,
    contract_id: UUID,
    kid: str,
    hmac_key: bytes,
    label: str,
    names: Sequence[str],
    uses_max: int,
    expires_at: datetime | None,
    now: datetime,
) -> UUID | None:
    """The id of the new key; None when the contract is not accepted."""
    values = (uuid7(now), kid, contract_id, hmac_key, label, list(names), uses_max, now, expires_at)
    key_id: UUID | None = await conn.fetchval(SQL["insert_key"], *values)
    return key_id


async def untold(conn: Conn, contract_id: UUID) -> bool:
    """Whether the notice of the contract's formation has not left, so that no key gets a certificate yet (T4-5)."""
    found: bool = await conn.fetchval(SQL["untold"], contract_id)
    return found


async def keys(conn: Conn, contract_id: UUID) -> list[BindingKey]:
    """Every key of the contract, oldest first."""
    return many(BindingKey, await conn.fetch(SQL["keys"], contract_id))


async def contract_of_key(conn: Conn, kid: str) -> ContractKey | None:
    """The contract that the key of that kid binds to."""
    return one(ContractKey, await conn.fetchrow(SQL["contract_of_key"], kid))


async def serves(conn: Conn, kid: str, contract_id: UUID) -> bool:
    """Whether the key is the contract's, or one of a contract that it follows (T12-7)."""
    found: bool = await conn.fetchval(SQL["serves"], kid, contract_id)
    return found


async def withdraw_key(conn: Conn, kid: str, now: datetime) -> bool:
    """Whether it was live until now."""
    return await conn.fetchval(SQL["withdraw_key"], kid, now) is not None
