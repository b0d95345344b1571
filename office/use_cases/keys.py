"""Binding keys of a contract: handed out after acceptance, listed, withdrawn (T4-2)."""

import secrets
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from datetime import datetime

import msgspec

from office.storage import applications, keys, renewals
from office.storage.changing import changing
from office.storage.keys import BindingKey
from office.use_cases import asked, names
from office.use_cases.asked import OPERATOR, NoSuch, Unfit, checked_text
from sql import Conn
from sql.evidence import append, entry

UNLIMITED = 2_147_483_647
SCOPE_MOST = 1000


class NewKey(msgspec.Struct, frozen=True):
    """What an ACME client needs (RFC 8555 §7.3.4); shown once. `hmac_key`: 32 random octets, base64url.

    `awaits_notice`: it gets no certificate before the notice of the contract's formation has left (T4-5).
    """

    kid: str
    hmac_key: str
    awaits_notice: bool = False


def base64url(octets: bytes) -> str:
    """Octets as RFC 8555 §6.1 writes them: no padding."""
    return urlsafe_b64encode(octets).rstrip(b"=").decode()


def new_secret() -> bytes:
    """32 random octets whose base64url begins with no '-': the command lines of clients would take it for an option."""
    while base64url(secret := secrets.token_bytes(32)).startswith("-"):
        pass
    return secret


async def new_key(
    conn: Conn,
    contract: str,
    label: str,
    scope: Sequence[str],
    uses: int | None,
    expires_at: datetime | None,
    now: datetime,
    requester: str | None = None,
) -> NewKey:
    """A key for the names of `scope` (none: all of the contract), for so many new accounts. T4-2. Raises Unfit.

    It is handed to a requester whom the customer named; where several are named, say which.
    """
    wanted = names.scope(scope)
    checked_text("label", label, 200)
    if len(wanted) > SCOPE_MOST:
        raise Unfit(f"a key is for at most {SCOPE_MOST} names: make several keys")
    if uses is not None and not 0 < uses <= UNLIMITED:
        raise Unfit("uses must be 1 or more; without it the key may be used until it is withdrawn")
    if expires_at is not None and expires_at <= now:
        raise Unfit(f"expiry {expires_at.isoformat()} lies in the past")
    key = await asked.contract(conn, contract)
    kid, secret = f"ek-{secrets.token_hex(12)}", new_secret()
    async with changing(conn, key.number):
        to = handed_to(contract, requester, await applications.requesters(conn, key.id))
        made = await keys.insert_key(conn, key.id, kid, secret, label, wanted, uses or UNLIMITED, expires_at, now)
        if made is None:
            raise Unfit(f"contract '{contract}' is not accepted: keys are handed out after acceptance (T4-2)")
        row = entry(
            "key.created", OPERATOR, now, contract_id=key.id, rule="T4-2", clause="A4.1", key=made, kid=kid,
            requester=to,
        )  # fmt: skip
        await append(conn, row)
        return NewKey(kid, base64url(secret), await keys.untold(conn, key.id))


def handed_to(contract: str, requester: str | None, named: Sequence[applications.Requester]) -> str:
    """The handle of the named requester who is handed a key (T4-2). Raises Unfit."""
    live = [each.handle for each in named if each.withdrawn_at is None]
    if requester is None and len(live) == 1:
        return live[0]
    if requester is None or requester not in live:
        raise Unfit(
            f"keys of '{contract}' are for requesters named by the customer (T4-2), here {', '.join(live) or 'none'}: "
            "name one with `keiyaku application requester-add`, or choose with --for"
        )
    return requester


async def listed(conn: Conn, contract: str) -> list[BindingKey]:
    """Every key of the contract, oldest first. Raises Unfit."""
    key = await asked.contract(conn, contract)
    return await keys.keys(conn, key.id)


async def withdraw(conn: Conn, kid: str, now: datetime) -> None:
    """No new account, and no order of an account made with it, from now on (T4-2). Raises Unfit."""
    key = await keys.contract_of_key(conn, kid)
    if key is None:
        raise NoSuch(kid, f"there is no key '{kid}': `keiyaku key list CONTRACT` shows them")
    async with changing(conn, key.number, *await renewals.successor_numbers(conn, key.id)):
        if not await keys.withdraw_key(conn, kid, now):
            raise Unfit(f"key '{kid}' was withdrawn before")
        row = entry("key.withdrawn", OPERATOR, now, contract_id=key.id, rule="T4-2", clause="A4.1", kid=kid)
        await append(conn, row)
