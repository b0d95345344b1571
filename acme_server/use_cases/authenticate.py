"""Who signed this request? Nonce, signature, account: one statement. RFC 8555 §6.2 to §6.5."""

import os
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TypeAlias, TypeVar
from uuid import UUID

from acme_server.protocol import keys, nonce
from acme_server.protocol.errors import AcmeError, ErrorType
from acme_server.protocol.jws import Signed, nonce_of_refused
from acme_server.protocol.keys import AccountKey
from acme_server.protocol.objects import Account
from acme_server.storage import nonces
from acme_server.storage.nonces import Spent
from acme_server.use_cases.context import Context
from sql import Pool

T = TypeVar("T")
Read: TypeAlias = Callable[[Pool, nonce.Spendable, UUID | None, UUID], Awaitable[tuple[Spent, T]]]


class AccountEnded(AcmeError):
    """The account is deactivated or revoked: 401, for every request of it (RFC 8555 §7.3.6)."""

    def __init__(self, status: str) -> None:
        super().__init__(ErrorType.UNAUTHORIZED, f"This account is {status}. Register a new account with a new key.")


def new_nonce(context: Context, now: datetime) -> str:
    """A nonce for the next request, on any process. Writes nothing."""
    return nonce.issue(context.nonce_key, now, os.urandom(16))


async def by_account(context: Context, signed: Signed, url: str, now: datetime) -> Account:
    """The valid account whose key signed the request for `url`. The nonce is spent whatever else is wrong."""
    spendable = await read_nonce(context, signed.nonce, now)
    spent = await nonces.spend_for_account(context.pool, spendable, account_id_of(context, signed.kid))
    return await signer_of(context, signed, url, spent)


async def to_order(context: Context, signed: Signed, url: str, now: datetime) -> tuple[Account, frozenset[UUID]]:
    """The same, and the revisions at which facts kept of its contract are current, from the same statement."""
    spendable = await read_nonce(context, signed.nonce, now)
    spent, revisions = await nonces.spend_for_order(context.pool, spendable, account_id_of(context, signed.kid))
    return await signer_of(context, signed, url, spent), revisions


async def to_read(
    context: Context, signed: Signed, url: str, now: datetime, read: Read[T], resource_id: UUID
) -> tuple[Account, T]:
    """The same, and the account's own resource as `read` finds it, in the statement that spends the nonce.

    Nothing of the resource leaves here unless the signature is the account's.
    """
    spendable = await read_nonce(context, signed.nonce, now)
    account_id = account_id_of(context, signed.kid)
    spent, resource = await read(context.pool, spendable, account_id, resource_id)
    return await signer_of(context, signed, url, spent), resource


async def signer_of(context: Context, signed: Signed, url: str, spent: Spent) -> Account:
    """The account that was asked for, if the nonce was good and the account signed the request."""
    await spendable_once(context, spent)
    require_url(signed, url)
    if signed.kid is None:
        raise AcmeError(ErrorType.MALFORMED, 'Sign this request with "kid", the account URL, not with "jwk".')
    if spent.account is None:
        raise AcmeError(
            ErrorType.ACCOUNT_DOES_NOT_EXIST, f"No account has the URL {signed.kid[:200]!r}. Register first."
        )
    keys.verify(signed, keys.of_spki(spent.account.public_key))
    if spent.account.status != "valid":
        raise AccountEnded(spent.account.status)
    return spent.account


async def by_key(context: Context, signed: Signed, url: str, now: datetime) -> tuple[AccountKey, Account | None]:
    """The key in the request, which signed it, and the account that it is or was the key of."""
    spendable = await read_nonce(context, signed.nonce, now)
    key = None if signed.jwk is None else key_or_error(signed)
    thumbprint = key.thumbprint if isinstance(key, AccountKey) else None
    spent = await spendable_once(context, await nonces.spend_for_key(context.pool, spendable, thumbprint))
    require_url(signed, url)
    if key is None:
        raise AcmeError(ErrorType.MALFORMED, 'Sign this request with "jwk", the key itself, not with "kid".')
    if isinstance(key, AcmeError):
        raise key
    keys.verify(signed, key)
    return key, spent.account


def key_or_error(signed: Signed) -> AccountKey | AcmeError:
    """The key of the header, or why it or its alg is refused: raised only after the nonce is spent (A-023, A-046)."""
    try:
        return keys.of_signed(signed)
    except AcmeError as refused:
        return refused


async def read_nonce(context: Context, text: str | None, now: datetime) -> nonce.Spendable:
    """The request's nonce, of this epoch and not expired. RFC 8555 §6.5.2.

    Before badNonce the epoch is read again: another process may have begun one, under which this nonce is good, or else
    the one in the answer (A-049, A-052).
    """
    try:
        return nonce_or_error(context, text, now)
    except AcmeError as refused:
        if refused.type is not ErrorType.BAD_NONCE:
            raise
    context.nonce_key = await nonces.current_key(context.pool)
    return nonce_or_error(context, text, now)


def nonce_or_error(context: Context, text: str | None, now: datetime) -> nonce.Spendable:
    """The nonce, as this process knows the epoch."""
    if text is None:
        raise AcmeError(ErrorType.BAD_NONCE, "The request has no nonce. Use the one in this answer's Replay-Nonce.")
    return nonce.read(context.nonce_key, text, now, context.limits.nonce_lifetime)


async def spend_refused(context: Context, body: bytes, now: datetime) -> None:
    """The nonce of a request that is refused for its form is spent too, if it holds a good one (A-046)."""
    text = nonce_of_refused(body)
    if text is None:
        return
    try:
        spendable = nonce_or_error(context, text, now)
    except AcmeError:
        return
    await nonces.spend_for_account(context.pool, spendable, None)


async def spendable_once(context: Context, spent: Spent) -> Spent:
    """The result of spending, if the nonce was good; the epoch is read again if not, since it may be over."""
    if not spent.fresh:
        context.nonce_key = await nonces.current_key(context.pool)
        raise AcmeError(ErrorType.BAD_NONCE, "The nonce was used before or is too old. Use the one in this answer.")
    return spent


def account_id_of(context: Context, kid: str | None) -> UUID | None:
    """The id in an account URL of ours, compared exactly (A-017); None for anything else."""
    prefix = context.account_url("")
    if kid is None or not kid.startswith(prefix):
        return None
    try:
        found = UUID(kid[len(prefix) :])
    except ValueError:
        return None
    return found if str(found) == kid[len(prefix) :] else None


def require_url(signed: Signed, url: str) -> None:
    """The signed "url" is the URL of this request, as published, to the letter (RFC 8555 §6.4)."""
    if signed.url != url:
        raise AcmeError(
            ErrorType.UNAUTHORIZED,
            f'"url" in the signed header is {str(signed.url)[:200]!r}, the request went to {url!r}.',
        )
