"""Orders: newOrder to finalize. RFC 8555 §7.1.3, §7.4."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg
import msgspec

from acme_server.protocol.identifiers import base_of, identifier_of
from acme_server.protocol.limits import Rate
from acme_server.protocol.nonce import Spendable
from acme_server.protocol.objects import Order
from acme_server.protocol.status import authorization_status, order_status
from acme_server.storage import limits, nonces
from acme_server.storage.limits import Wanted
from acme_server.storage.nonces import Spent
from ca.issuance import ToBeSigned
from contract_gate.record import DecisionRow
from sql import Conn, Pool, statements
from sql.evidence import Entry
from sql.ids import uuid7
from sql.rows import one

SQL = statements("acme_server/orders")


class OrderState(msgspec.Struct, frozen=True):
    """An order with the authorizations' columns that its status follows from; empty unless it is pending.

    `deadline_at` is that of its issuance, where it was read.
    """

    order: Order
    statuses: list[str]
    expiries: list[datetime]
    errors: list[bytes | None]
    deadline_at: datetime | None = None

    def status(self, now: datetime) -> str:
        """pending, ready, processing, valid or invalid (RFC 8555 §7.1.6)."""
        held = [authorization_status(*pair, now) for pair in zip(self.statuses, self.expiries, strict=True)]
        return order_status(self.order.status, self.order.expires_at, held, now)

    def is_overdue(self, now: datetime) -> bool:
        """Whether its issuance should have been finished, or ended, by now (T0-2)."""
        return self.order.status == "processing" and self.deadline_at is not None and self.deadline_at <= now

    @property
    def error(self) -> bytes | None:
        """Why the order is invalid: its own cause, else that of its first failed authorization."""
        failed = (e for s, e in zip(self.statuses, self.errors, strict=True) if e is not None and s == "invalid")
        return self.order.error or next(failed, None)


class ToFinalize(msgspec.Struct, frozen=True):
    """What finalize asks before the contract's lock. `revisions`: of the facts of the order's contract."""

    state: OrderState
    caa_is_fresh: bool
    contract_number: int
    is_started: bool
    revisions: list[UUID]
    is_sealed: bool
    issuer_revoked: bool


class UsesOfKey(msgspec.Struct, frozen=True):
    """What else a certificate's key is."""

    is_account_key: bool
    is_blocked_key: bool


class WantedAuthorization(msgspec.Struct, frozen=True):
    """An authorization to make for a name, unless a fresh one is used again.

    `tokens`: for each type of `challenge_types`, empty where it is not on offer. `above`: domains whose authorization
    does as well if it covers subdomains.
    """

    id: UUID
    name: str
    tokens: tuple[str, ...]
    subdomains: bool = False
    above: tuple[str, ...] = ()

    @property
    def token_column(self) -> str:
        """The tokens with spaces between, none after the last."""
        return " ".join(self.tokens).rstrip()

    @property
    def domains(self) -> str:
        """The identifier's value and the domains above, with spaces between."""
        return " ".join((base_of(self.name)[0], *self.above))


class Predecessor(msgspec.Struct, frozen=True):
    """The certificate that an order replaces: key identifier of its issuer, and its serial (RFC 9773 §5)."""

    issuer_key_id: bytes
    serial: bytes


class Beginning(msgspec.Struct, frozen=True):
    """The job that signs, or None and why not: stale (facts), account_key, blocked_key, not_ready."""

    job_id: UUID | None
    why_not: str | None  # None too when the order has another status


class InProcessing(msgspec.Struct, frozen=True):
    """What a worker needs to go on with an order."""

    id: UUID
    account_id: UUID
    contract_id: UUID
    names: list[str]
    authorization_ids: list[UUID]
    profile: str
    not_before: datetime | None
    not_after: datetime | None
    csr: bytes | None
    deadline_at: datetime
    to_be_signed_id: UUID | None
    binding_key_id: UUID
    contract_number: int


class Underway(msgspec.Struct, frozen=True):
    """The record of an order in processing, if it has one yet, and the order's fence: each step raises it."""

    to_be_signed_id: UUID | None
    fence: int


class Listed(msgspec.Struct, frozen=True):
    """An order of a page: its id and status."""

    id: UUID
    status: str


class Replaced(msgspec.Struct, frozen=True):
    """Why a certificate may not be replaced (RFC 9773 §5)."""

    own: bool
    shares_name: bool | None
    replaced: bool


ORDER_FIELDS = Order.__struct_fields__


def order_of(row: asyncpg.Record) -> Order:
    """The order's columns of a wider row."""
    return Order(**{field: row[field] for field in ORDER_FIELDS})


def state_of(row: asyncpg.Record) -> OrderState:
    """The order and its authorizations' columns of a row."""
    return OrderState(order_of(row), row["statuses"] or [], row["expiries"] or [], row["errors"] or [])


async def insert_order(
    conn: Conn, order: Order, replaced: Predecessor | None, decision: DecisionRow, proof: Entry,
    wanted: Sequence[WantedAuthorization], taken: Sequence[Wanted], failed: Rate,
) -> list[UUID] | None:  # fmt: skip
    """Decision, evidence, order and authorizations exist: all or none. Returns the authorizations' ids in name order.

    None when `replaced` may not be replaced by this order, or one of the limits that it takes from is reached, that of
    `failed` validations included.
    """
    identifiers = [identifier_of(w.name) for w in wanted]
    bases = [base_of(w.name) for w in wanted]
    ids: list[UUID] | None = await conn.fetchval(
        SQL["insert_order"], order.id, order.account_id, order.contract_id, order.names, order.profile,
        order.not_before, order.not_after, order.replaces, replaced and replaced.serial, order.expires_at,
        order.created_at,
        decision.id, decision.binding_key_id, decision.not_after_limit, decision.facts, decision.findings,
        proof.id, proof.actor, proof.content,
        [w.id for w in wanted], [type for type, _ in identifiers], [base for base, _ in bases],
        [wildcard for _, wildcard in bases], [w.token_column for w in wanted], order.expires_at,
        replaced and replaced.issuer_key_id, *limits.columns(taken), failed.number, failed.span,
        [w.subdomains for w in wanted], [w.domains for w in wanted], [w.name for w in wanted],
    )  # fmt: skip
    return ids and list(dict.fromkeys(ids))


async def replaced_by(conn: Conn, replaced: Predecessor, account_id: UUID, names: Sequence[str]) -> Replaced | None:
    """What stands against replacing the certificate; None when there is none of that issuer and serial."""
    row = await conn.fetchrow(SQL["replaced_by"], replaced.serial, account_id, list(names), replaced.issuer_key_id)
    return Replaced(**row) if row else None


async def spend_and_read(
    pool: Pool, nonce: Spendable, account_id: UUID | None, order_id: UUID
) -> tuple[Spent, OrderState | None]:
    """The nonce is spent; the account, and its order if it has one of that id, are loaded. One statement.

    No order for a stranger's and an absent one alike (A-189).
    """
    spent, columns = await nonces.spend_and_read(pool, SQL["spend_and_read"], nonce, account_id, order_id)
    if not columns[0]:
        return spent, None
    *order, statuses, expiries, errors, deadline_at = columns
    return spent, OrderState(Order(*order), statuses or [], expiries or [], errors or [], deadline_at)


async def order_of_account(pool: Pool, order_id: UUID, account_id: UUID) -> OrderState | None:
    """The account's order."""
    row = await pool.fetchrow(SQL["order_of_account"], order_id, account_id)
    return state_of(row) if row else None


async def orders_of_account(pool: Pool, account_id: UUID, after: UUID, limit: int, now: datetime) -> list[Listed]:
    """A page of the account's orders with their status, oldest first."""
    rows = await pool.fetch(SQL["orders_of_account"], account_id, after, limit)
    return [Listed(row["id"], listed_status(row, now)) for row in rows]


def listed_status(row: asyncpg.Record, now: datetime) -> str:
    """The status of a row of a page."""
    pairs = zip(row["statuses"] or [], row["expiries"] or [], strict=True)
    return order_status(row["status"], row["expires_at"], [authorization_status(*pair, now) for pair in pairs], now)


async def spend_to_finalize(
    pool: Pool, nonce: Spendable, account_id: UUID | None, order_id: UUID, sealed_through: datetime,
    caa_after: datetime, issuer_id: int,
) -> tuple[Spent, ToFinalize | None]:  # fmt: skip
    """The same with all else that finalize asks before the contract's lock. One statement."""
    spent, columns = await nonces.spend_and_read(
        pool, SQL["spend_to_finalize"], nonce, account_id, order_id, sealed_through, caa_after, issuer_id
    )
    if not columns[0]:
        return spent, None
    order, (statuses, expiries, errors, *rest) = columns[: len(ORDER_FIELDS)], columns[len(ORDER_FIELDS) :]
    return spent, ToFinalize(OrderState(Order(*order), statuses or [], expiries or [], errors or []), *rest)


async def uses_of_key(pool: Pool, spki_sha256: bytes) -> UsesOfKey:
    """What else the key is."""
    row = await pool.fetchrow(SQL["uses_of_key"], spki_sha256)
    assert row is not None  # a SELECT of no table
    return UsesOfKey(**row)


async def begin_issuance(
    conn: Conn, order_id: UUID, account_id: UUID, from_status: str, decision: DecisionRow, proof: Entry,
    record: ToBeSigned, worker: str, lease: timedelta, contract_number: int, revisions: Sequence[UUID] | None,
) -> Beginning:  # fmt: skip
    """ready -> processing with everything that is signed: the point of no return. Takes the contract's lock, shared.

    Nothing exists when another request was first, or a fact has changed since `revisions` (None: they were read under
    the lock).
    """
    job_id = uuid7(decision.decided_at)
    row = await conn.fetchrow(
        SQL["begin_issuance"], order_id, from_status, record.deadline_at, decision.decided_at, worker,
        lease.total_seconds(), decision.id, decision.contract_id, decision.binding_key_id, decision.stage,
        list(decision.names), decision.not_after_limit, decision.facts, decision.findings,
        proof.id, proof.actor, proof.content, record.id, record.issuer_id, record.serial, record.profile, record.tbs,
        record.spki_sha256, record.not_before, record.not_after, record.shard, account_id, job_id,
        revisions, contract_number,
    )  # fmt: skip
    assert row is not None  # it ends with a SELECT of what was asked
    return Beginning(**row)


async def defer_issuance(
    conn: Conn, order_id: UUID, account_id: UUID, decision: DecisionRow, proof: Entry, csr: bytes, deadline_at: datetime
) -> bool:
    """ready -> processing without to-be-signed bytes; a worker goes on. False when another request was first."""
    row = await conn.fetchrow(
        SQL["defer_issuance"], order_id, account_id, deadline_at, decision.decided_at, csr, decision.id,
        decision.contract_id, decision.binding_key_id, list(decision.names), decision.not_after_limit, decision.facts,
        decision.findings, proof.id, proof.actor, proof.content, uuid7(decision.decided_at),
    )  # fmt: skip
    return row is not None


async def end_order(conn: Conn | Pool, order_id: UUID, account_id: UUID, from_status: str, error: bytes) -> bool:
    """The order is invalid with its cause; False when its status was another by then."""
    return await conn.fetchval(SQL["end_order"], order_id, account_id, from_status, error) is not None


async def order_in_processing(conn: Conn | Pool, order_id: UUID) -> InProcessing | None:
    """The order, if it is still processing."""
    row = await conn.fetchrow(SQL["order_in_processing"], order_id)
    return InProcessing(**row) if row else None


def id_of(subject: str) -> UUID:
    """The order that an issuance job is about."""
    return UUID(subject)


async def underway(conn: Conn, order_id: UUID) -> Underway | None:
    """How far issuance has come; None when the order is no longer processing."""
    return one(Underway, await conn.fetchrow(SQL["underway"], order_id))


async def end_processing(conn: Conn, order_id: UUID, error: bytes, fence: int) -> bool:
    """The order is invalid with its cause, its job gone; False when it went on or ended since `fence` was read."""
    return await conn.fetchval(SQL["end_processing"], order_id, error, fence) is not None


async def sweep_expired(pool: Pool, start: UUID, end: UUID, now: datetime, error: bytes, limit: int) -> int:
    """Pending orders with an id in [start, end) that have expired are invalid. Returns how many."""
    return len(await pool.fetch(SQL["sweep_expired"], start, end, now, error, limit))
