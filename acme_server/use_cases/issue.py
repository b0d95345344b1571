"""Issuance after the point of no return: have the record signed, or end the order with a cause (design §4.5)."""

from datetime import datetime
from uuid import UUID

import structlog

from acme_server import tally
from acme_server.clock import utc_now
from acme_server.protocol.errors import ErrorType
from acme_server.storage import jobs, orders
from acme_server.storage.jobs import Job
from acme_server.use_cases import caa_reports, transparency
from acme_server.use_cases.context import Context
from acme_server.use_cases.problem import stored_problem
from acme_server.validation.outcome import NotProven
from ca import storage as ca
from ca.signer_lines import Precertified, Signed, SignerAway, SignRefused
from sql import Conn, evidence

LOG = structlog.get_logger(__name__)
LONGEST_WAIT = 2.0
SIGN_TIMEOUT = 10.0
CRL_ATTEMPTS = 1000


async def sign(context: Context, job: Job, to_be_signed_id: UUID, order_id: UUID) -> bool:
    """Whether the certificate is stored and the order valid. If not now, the job waits, or the order has ended.

    The signer is idempotent: a retry signs the same bytes, or finds them signed. The store ends the job.
    """
    answer = await context.signer.sign(to_be_signed_id, SIGN_TIMEOUT)
    if isinstance(answer, Precertified):
        if reason := await transparency.record_final(context, to_be_signed_id):
            await jobs.fail(context.pool, job, reason, LONGEST_WAIT)
            return False
        answer = await context.signer.sign(to_be_signed_id, SIGN_TIMEOUT)
    match answer:
        case Signed():
            tally.count("certificate")
            return True
        case SignRefused(reason):
            await end(context, order_id, "The certificate cannot be signed. Place a new order.", reason, utc_now())
        case SignerAway(reason):
            await jobs.fail(context.pool, job, reason, LONGEST_WAIT)
        case Precertified():
            await jobs.fail(context.pool, job, "its certificate was recorded and is not there", LONGEST_WAIT)
    return False


async def end(context: Context, order_id: UUID, detail: str, cause: str, now: datetime) -> bool:
    """The order ended by our fault (see end_with)."""
    return await end_with(context, order_id, stored_problem(ErrorType.SERVER_INTERNAL, detail), cause, now)


async def end_late(context: Context, order_id: UUID, now: datetime) -> bool:
    """The order ended because its deadline is over (T0-2)."""
    return await end(context, order_id, "Issuance was not finished in time. Place a new order.", "deadline", now)


class Overtaken(Exception):
    """The order went on or ended while its end was being written: nothing of that end may stay."""


async def end_with(
    context: Context, order_id: UUID, error: bytes, cause: str, now: datetime,
    refused: tuple[UUID, NotProven] | None = None,
) -> bool:  # fmt: skip
    """The order ended invalid, its record is void and its serial revoked as possibly issued: all or none.

    `refused`: the account, and the refusal of which the owner of a domain may ask to be told (C-050). False when the
    certificate was stored first, or the order took another step meanwhile.
    """
    try:
        async with context.pool.acquire() as conn, conn.transaction():
            await write_end(conn, order_id, error, cause, f"process:{context.worker}", now)
            if refused is not None:
                await caa_reports.record(conn, *refused, now)
    except Overtaken:
        return False
    return True


async def write_end(conn: Conn, order_id: UUID, error: bytes, cause: str, actor: str, now: datetime) -> None:
    """The end of an order, in the caller's transaction. Raises Overtaken, which must undo it.

    The record is locked before the order, as the signer's store does.
    """
    if (found := await orders.underway(conn, order_id)) is None:
        raise Overtaken
    if found.to_be_signed_id is not None:
        shard = await ca.void(conn, found.to_be_signed_id, ground=cause, actor=actor, now=now)
        if shard is None:
            raise Overtaken
        await enqueue_crl(conn, shard, now)
    if not await orders.end_processing(conn, order_id, error, found.fence):
        raise Overtaken
    await evidence.append(conn, evidence.entry("order.ended", actor, now, order=str(order_id), cause=cause))


async def enqueue_crl(conn: Conn, shard: ca.Shard, now: datetime) -> None:
    """The shard's CRL will be made anew."""
    await jobs.enqueue(conn, "crl", f"{shard.issuer_id}/{shard.shard}", CRL_ATTEMPTS, now)


async def end_overdue(context: Context, now: datetime) -> int:
    """Every order whose issuance is past its deadline has ended with a cause (T0-2). Returns how many."""
    ended = 0
    for late in await jobs.overdue(context.pool, now):
        try:
            ended += await end_late(context, late, now)
        except Exception:  # the next one ends all the same; this one is tried again a second later
            LOG.exception("order_not_ended", order=str(late))
    return ended
