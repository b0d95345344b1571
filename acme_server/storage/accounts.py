"""Accounts and their keys. RFC 8555 §7.1.2, §7.3."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import asyncpg
import msgspec

from acme_server.protocol.keys import AccountKey
from acme_server.protocol.objects import Account
from acme_server.storage import limits
from acme_server.storage.limits import Wanted
from sql import Conn, Pool, evidence, statements
from sql.ids import uuid7
from sql.rows import one
from sql.transactions import exclusive, shared, under_locks

SQL = statements("acme_server/accounts")
CONTRACT_LOCK, BINDING_LOCK = 7001, 7002


class Binding(msgspec.Struct, frozen=True):
    """A binding key as newAccount needs it (T4-2)."""

    id: UUID
    kid: str
    contract_id: UUID
    hmac_key: bytes
    expires_at: datetime | None
    withdrawn_at: datetime | None
    uses_max: int
    contract_number: int


class KeyTaken(msgspec.Struct, frozen=True):
    """The key is or was an account's."""

    account_id: UUID


class KeyRefused(msgspec.Struct, frozen=True):
    """The key is known as compromised (A-024), or a certificate has it (RFC 8555 §11.1)."""

    compromised: bool
    certified: bool


async def find_binding(conn: Conn | Pool, kid: str) -> Binding | None:
    """The binding key of that kid, live or not."""
    return one(Binding, await conn.fetchrow(SQL["find_binding"], kid))


async def insert_account(
    pool: Pool, key: AccountKey, contacts: Sequence[str], binding: Binding, received: bytes | None,
    taken: Sequence[Wanted], now: datetime,
) -> Account | KeyTaken | KeyRefused | None:  # fmt: skip
    """A new account, one use of its binding key, and the evidence: all or none, in any race (A-084, A-099).

    None: the binding key is not live, or a limit is reached.
    """
    account_id = uuid7(now)
    proof = evidence.entry("account.created", f"account:{account_id}", now, rule="T4-2", binding=str(binding.id))
    # the contract's lock (a key is withdrawn under it), then the key's own: its uses are numbered
    locks = shared(CONTRACT_LOCK, binding.contract_number), exclusive(BINDING_LOCK, hash32(binding.id))
    try:
        async with pool.acquire() as conn, under_locks(conn, *locks):
            row = await conn.fetchrow(
                SQL["insert_account"], account_id, key.spki_der, key.thumbprint, key.spki_sha256, list(contacts),
                binding.id, received, now, proof.id, proof.actor, proof.content, *limits.columns(taken), proof.place,
            )  # fmt: skip
    except asyncpg.UniqueViolationError:
        return KeyTaken(await pool.fetchval(SQL["owner_of_key"], key.thumbprint))
    except asyncpg.CheckViolationError:
        return None
    return one(Account, row) or await refused_key(pool, key)


async def refused_key(pool: Pool, key: AccountKey) -> KeyRefused | None:
    """Why the key can be no account's, whoever asks; None when nothing speaks against it."""
    known = one(KeyRefused, await pool.fetchrow(SQL["known_of_key"], key.spki_sha256))
    return known if known and (known.compromised or known.certified) else None


def hash32(key: UUID) -> int:
    """A signed 32-bit number for an advisory lock: the random end of the id."""
    return int.from_bytes(key.bytes[12:], "big", signed=True)


async def account_of_key(conn: Conn | Pool, thumbprint: bytes) -> Account | None:
    """The account whose key is or was that one."""
    return one(Account, await conn.fetchrow(SQL["account_of_key"], thumbprint))


async def update_contacts(pool: Pool, account: Account, contacts: Sequence[str], now: datetime) -> bool:
    """The contacts are replaced, and that they were is recorded; False when the account is no longer valid."""
    proof = evidence.entry("account.updated", f"account:{account.id}", now, changed="contact")  # T16-3: not what to
    return await pool.fetchval(
        SQL["update_contacts"], account.id, list(contacts), now, proof.id, proof.actor, proof.content,
        account.contract_id,
    ) is not None  # fmt: skip


async def deactivate(pool: Pool, account: Account, oldest_open: UUID, now: datetime) -> bool:
    """The account is deactivated for good and its pending orders are invalid; False when it already was."""
    proof = evidence.entry("account.deactivated", f"account:{account.id}", now)
    return await pool.fetchval(
        SQL["deactivate"], account.id, now, oldest_open, proof.id, proof.actor, proof.content, account.contract_id
    ) is not None  # fmt: skip


async def change_key(pool: Pool, account: Account, new: AccountKey, now: datetime) -> KeyTaken | KeyRefused | bool:
    """The account answers to `new` alone. KeyTaken: it is or was somebody's. False: another change was first."""
    proof = evidence.entry("account.key_changed", f"account:{account.id}", now, thumbprint=new.thumbprint.hex())
    try:
        changed = await pool.fetchval(
            SQL["change_key"], account.id, account.thumbprint, new.spki_der, new.thumbprint, new.spki_sha256, now,
            proof.id, proof.actor, proof.content, account.contract_id,
        )  # fmt: skip
    except asyncpg.UniqueViolationError:
        return KeyTaken(await pool.fetchval(SQL["owner_of_key"], new.thumbprint))
    if changed is None and (refused := await refused_key(pool, new)):
        return refused
    return changed is not None
