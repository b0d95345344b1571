"""Authorizations and challenges: read, answer, end. RFC 8555 §7.5."""

import asyncio
from contextlib import ExitStack
from datetime import datetime, timedelta
from uuid import UUID

from acme_server.protocol import base64url
from acme_server.protocol.errors import AcmeError, ErrorType
from acme_server.protocol.jws import Signed
from acme_server.protocol.objects import Account, Authorization
from acme_server.protocol.status import authorization_status
from acme_server.storage import authorizations
from acme_server.storage.jobs import Job
from acme_server.use_cases import authenticate
from acme_server.use_cases.context import Context
from acme_server.use_cases.held import held
from acme_server.use_cases.orders import actor_of
from acme_server.use_cases.validate import SPARE, validate
from sql import evidence

LEASE = timedelta(seconds=60)


async def read_own(
    context: Context, signed: Signed, url: str, now: datetime, id: UUID
) -> tuple[Account, Authorization | None]:
    """Who signed the request, and the authorization if it is that account's."""
    return await authenticate.to_read(context, signed, url, now, authorizations.spend_and_read, id)


async def authorization_of(context: Context, account: Account, authorization_id: UUID) -> Authorization | None:
    """The account's authorization."""
    return await authorizations.authorization_of_account(context.pool, authorization_id, account.id)


async def respond(
    context: Context, account: Account, authorization_id: UUID, challenge_type: str, now: datetime
) -> Authorization | None:
    """The challenge is being validated; its state as known after at most the inline wait (A-145, A-150).

    The state change and the job commit together; this process works on its own job at once, any other takes it when
    this one dies (design §4.3), or has its hands full. None when the account has no such challenge.
    """
    attempts = context.limits.validation_attempts + SPARE
    with ExitStack() as place:
        worker = context.worker if place.enter_context(context.place_to_validate()) else None
        begun = await authorizations.respond(
            context.pool, authorization_id, account.id, challenge_type, base64url.encode(account.thumbprint), now,
            attempts, worker, LEASE,
        )  # fmt: skip
        if begun is None:
            return await respond_again(context, account, authorization_id, challenge_type, now)
        authorization, job_id = begun
        if worker is None:
            return authorization
        job = Job(job_id, "validate", str(authorization.id), 1, attempts, 1, None)
        task = context.start(held(context, job, validate(context, job, authorization)))
        kept = place.pop_all()
        task.add_done_callback(lambda _: kept.close())
    done, _ = await asyncio.wait({task}, timeout=context.limits.inline_wait.total_seconds())
    return (task.result() if done else None) or authorization


async def respond_again(
    context: Context, account: Account, authorization_id: UUID, challenge_type: str, now: datetime
) -> Authorization | None:
    """The challenge as it is. A waiting retry is hastened (A-152); an ended one is not begun again."""
    found = await authorization_of(context, account, authorization_id)
    if found is None or challenge_type not in found.types:
        return None
    if found.challenge_type == challenge_type:
        if found.challenge_status == "processing" and found.challenge_error is not None:
            await authorizations.hasten(context.pool, authorization_id)
        return found
    if found.challenge_type is not None:
        raise AcmeError(
            ErrorType.MALFORMED,
            f"The {found.challenge_type} challenge of this authorization was answered already; one is enough.",
        )
    status = authorization_status(found.status, found.expires_at, now)
    raise AcmeError(ErrorType.MALFORMED, f"This authorization is {status}. Place a new order.")


async def deactivate(context: Context, account: Account, authorization_id: UUID, now: datetime) -> Authorization | None:
    """The authorization, deactivated: it never supports issuance again (A-149)."""
    proof = evidence.entry(
        "authorization.deactivated", actor_of(account), now,
        contract_id=account.contract_id, authorization=str(authorization_id),
    )  # fmt: skip
    ended = await authorizations.deactivate(context.pool, authorization_id, account.id, now, proof)
    if ended is not None:
        return ended
    found = await authorization_of(context, account, authorization_id)
    if found is None:
        return None
    status = authorization_status(found.status, found.expires_at, now)
    raise AcmeError(ErrorType.MALFORMED, f"This authorization is {status} and cannot be deactivated.")
