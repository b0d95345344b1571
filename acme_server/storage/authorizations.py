"""Authorizations and their challenges. RFC 8555 §7.1.4, §7.5."""

import os
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from acme_server.protocol.challenges import new_token
from acme_server.protocol.identifiers import base_of, identifier_of
from acme_server.protocol.limits import Rate
from acme_server.protocol.nonce import Spendable
from acme_server.protocol.objects import BROAD_CHALLENGES, DNS_CHALLENGES, IP_CHALLENGES, Authorization
from acme_server.protocol.subdomains import domains_above
from acme_server.storage import limits, nonces
from acme_server.storage.limits import Wanted
from acme_server.storage.nonces import Spent
from acme_server.storage.orders import WantedAuthorization
from contract_gate.record import DecisionRow
from sql import Conn, Pool, statements
from sql.evidence import Entry
from sql.ids import uuid7
from sql.rows import many, one

SQL = statements("acme_server/authorizations")


async def spend_and_read(
    pool: Pool, nonce: Spendable, account_id: UUID | None, authorization_id: UUID
) -> tuple[Spent, Authorization | None]:
    """The nonce is spent; the account, and its authorization if it has one of that id, are loaded. One statement."""
    spent, columns = await nonces.spend_and_read(pool, SQL["spend_and_read"], nonce, account_id, authorization_id)
    return spent, Authorization(*columns) if columns[0] else None


async def authorization_of_account(pool: Pool, authorization_id: UUID, account_id: UUID) -> Authorization | None:
    """The account's authorization; None for a stranger's and an absent one alike (A-189)."""
    return one(Authorization, await pool.fetchrow(SQL["authorization_of_account"], authorization_id, account_id))


async def authorization_by_id(pool: Pool, authorization_id: UUID) -> Authorization | None:
    """The authorization, for the worker."""
    return one(Authorization, await pool.fetchrow(SQL["authorization_by_id"], authorization_id))


async def authorizations_of_order(pool: Pool, ids: Sequence[UUID]) -> list[Authorization]:
    """The authorizations of those ids, in no order."""
    return many(Authorization, await pool.fetch(SQL["authorizations_of_order"], list(ids)))


class FailureRates(msgspec.Struct, frozen=True):
    """How often an account may fail to validate a name, and when it is paused for it."""

    limit: Rate
    pause_failures: int
    pause_span: timedelta


async def insert_authorization(
    conn: Conn, wanted: WantedAuthorization, account_id: UUID, expires_at: datetime, decision: DecisionRow,
    proof: Entry, taken: Sequence[Wanted], failed: Rate,
) -> Authorization | None:  # fmt: skip
    """The pending authorization, its decision and evidence: all or none. None when a limit is reached."""
    type, value = identifier_of(wanted.name)
    row = await conn.fetchrow(
        SQL["insert_authorization"], wanted.id, account_id, decision.contract_id, wanted.name, expires_at,
        decision.decided_at, type, value, wanted.token_column, wanted.subdomains,
        decision.id, decision.binding_key_id, decision.not_after_limit, decision.facts, decision.findings,
        proof.id, proof.actor, proof.content, *limits.columns(taken), failed.number, failed.span,
    )  # fmt: skip
    return one(Authorization, row)


def place(types: tuple[str, ...], wanted: str) -> int:
    """Place of a type's token among an authorization's tokens, from 1; 0 when it cannot prove such an identifier."""
    return types.index(wanted) + 1 if wanted in types else 0


async def respond(
    pool: Pool, authorization_id: UUID, account_id: UUID, challenge_type: str, thumbprint: str, now: datetime,
    attempts: int, worker: str | None, lease: timedelta,
) -> tuple[Authorization, UUID] | None:  # fmt: skip
    """The challenge is processing and its job is `worker`'s (None: anybody's): both or neither.

    None when there is nothing to start.
    """
    job_id = uuid7(now)
    row = await pool.fetchrow(
        SQL["respond"], authorization_id, account_id, challenge_type, place(DNS_CHALLENGES, challenge_type),
        place(BROAD_CHALLENGES, challenge_type), place(IP_CHALLENGES, challenge_type), thumbprint, now, job_id,
        attempts, worker, None if worker is None else lease.total_seconds(),
    )  # fmt: skip
    return (Authorization(**row), job_id) if row else None


async def hasten(pool: Pool, authorization_id: UUID) -> None:
    """A waiting retry of the validation may start now."""
    await pool.execute(SQL["hasten"], authorization_id)


async def finish_validation(
    conn: Conn | Pool, job_id: UUID, fence: int, authorization_id: UUID, status: str, error: bytes | None,
    now: datetime, expires_at: datetime, proof: Entry, rates: FailureRates, pause: Entry | None,
) -> Authorization | None:  # fmt: skip
    """The result, its evidence and the end of the job: all or none. None when another worker holds the job.

    `pause` is the evidence if this failure is one too many of a row; without it nothing counts against the client.
    """
    row = await conn.fetchrow(
        SQL["finish_validation"], job_id, fence, authorization_id, status, error, now, expires_at,
        proof.id, proof.actor, proof.content, pause is not None,
        rates.limit.number, rates.limit.span, rates.pause_failures, rates.pause_span,
        new_token(os.urandom(16)), pause and pause.id, pause and pause.content,
    )  # fmt: skip
    return one(Authorization, row)


async def record_failed_attempt(
    pool: Pool, job_id: UUID, fence: int, authorization_id: UUID, error: bytes, wait: timedelta, said: str
) -> bool:
    """The failed query is in the challenge and the job waits for its retry (A-151)."""
    return await pool.fetchval(
        SQL["record_failed_attempt"], job_id, fence, authorization_id, error, wait.total_seconds(), said
    ) is not None  # fmt: skip


async def deactivate(
    pool: Pool, authorization_id: UUID, account_id: UUID, now: datetime, proof: Entry
) -> Authorization | None:
    """The authorization is deactivated for good; None when it was no longer pending or valid."""
    row = await pool.fetchrow(
        SQL["deactivate"], authorization_id, account_id, now, proof.id, proof.actor, proof.content, proof.contract_id
    )
    return one(Authorization, row)


async def caa_checked(conn: Conn | Pool, ids: Sequence[UUID], now: datetime) -> None:
    """CAA was checked for these authorizations' names at `now`."""
    await conn.execute(SQL["caa_checked"], list(ids), now)


async def holds_all(pool: Pool, account_id: UUID, names: Sequence[str], now: datetime) -> bool:
    """Whether the account holds a valid authorization for every name, or for all below a domain above it (A-180)."""
    bases = [base_of(name) for name in names]
    domains = [" ".join((base, *domains_above(name))) for name, (base, _) in zip(names, bases, strict=True)]
    held = await pool.fetchval(
        SQL["holds_all"], account_id, [b for b, _ in bases], [w for _, w in bases], now, domains
    )  # fmt: skip
    return held is True
