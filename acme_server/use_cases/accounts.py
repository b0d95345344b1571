"""Accounts: register, change, roll the key over, end. RFC 8555 §7.3."""

from collections.abc import Sequence
from datetime import datetime
from typing import NoReturn

import msgspec

from acme_server.protocol import external_account, key_change, requests
from acme_server.protocol.errors import AcmeError, ErrorType
from acme_server.protocol.external_account import read_binding, verify_binding
from acme_server.protocol.keys import AccountKey
from acme_server.protocol.objects import Account
from acme_server.protocol.requests import NewAccount
from acme_server.storage import accounts
from acme_server.storage.accounts import Binding, KeyRefused, KeyTaken
from acme_server.use_cases import limits
from acme_server.use_cases.authenticate import AccountEnded
from acme_server.use_cases.context import Context
from acme_server.use_cases.weak_keys import refuse_weak
from sql.ids import first_of


class Registered(msgspec.Struct, frozen=True):
    """The account of the key, and whether it is new."""

    account: Account
    created: bool


async def register(
    context: Context, key: AccountKey, known: Account | None, wanted: NewAccount, url: str, network: str, now: datetime
) -> Registered:
    """The account of `key`: the existing one unchanged, else a new one bound to a contract (T4-1, T4-2).

    `network` is where the client is, of whose new accounts there is a limit.
    """
    if known is not None:
        return existing(known, key)
    if wanted.only_return_existing:
        raise AcmeError(
            ErrorType.ACCOUNT_DOES_NOT_EXIST, "No account has this key. Register without onlyReturnExisting."
        )
    if wanted.terms_of_service_agreed is not True:
        raise TermsNotAgreed(context.terms_url)
    refuse_weak(context, key.spki_der, ErrorType.BAD_PUBLIC_KEY, "account")
    contacts = requests.contacts(wanted.contact)
    binding, received = await binding_of(context, key, wanted, url)
    taken = limits.of_new_account(context.rates, network)
    match await accounts.insert_account(context.pool, key, contacts, binding, received, taken, now):
        case Account() as account:
            return Registered(account, created=True)
        case KeyTaken(account_id):
            return await registered_meanwhile(context, key, account_id)
        case KeyRefused() as refused:
            raise bad_key(refused)
        case None:
            if limited := await limits.refusal(context.pool, context.rates, binding.contract_id, taken, now):
                raise limited
            refuse_binding(await accounts.find_binding(context.pool, binding.kid) or binding, now)


def existing(known: Account, key: AccountKey) -> Registered:
    """The account that has `key` now. A key that was rolled over, or whose account ended, has none (A-190)."""
    if known.status != "valid":
        raise AccountEnded(known.status)
    if known.thumbprint != key.thumbprint:
        raise AcmeError(
            ErrorType.BAD_PUBLIC_KEY, "This key was replaced by a key change. Use the new key or a fresh one."
        )
    return Registered(known, created=False)


async def registered_meanwhile(context: Context, key: AccountKey, account_id: object) -> Registered:
    """The account that another request made of the same key a moment ago (A-084)."""
    known = await accounts.account_of_key(context.pool, key.thumbprint)
    assert known is not None, account_id
    return existing(known, key)


async def binding_of(context: Context, key: AccountKey, wanted: NewAccount, url: str) -> tuple[Binding, bytes | None]:
    """The binding key that the request proves, and the proof as received; or the one of accounts without a binding."""
    received = wanted.external_account_binding
    if received is None:
        return await default_binding(context), None
    signed = read_binding(received, url)
    found = await accounts.find_binding(context.pool, signed.kid or "")
    verify_binding(signed, found.hmac_key if found else external_account.DUMMY_KEY, key)
    if found is None:
        raise external_account.refused()
    return found, received


async def default_binding(context: Context) -> Binding:
    """Where accounts without a binding belong, if this server takes them at all (design §3)."""
    found = (
        await accounts.find_binding(context.pool, context.default_binding_kid) if context.default_binding_kid else None
    )
    if found is None:
        raise AcmeError(
            ErrorType.EXTERNAL_ACCOUNT_REQUIRED,
            "An account here is bound to a contract. Register with the key id and HMAC key that the CA gave you"
            " (certbot: --eab-kid and --eab-hmac-key).",
        )
    return found


def refuse_binding(binding: Binding, now: datetime) -> NoReturn:
    """Says why the proven binding key makes no account."""
    if binding.withdrawn_at is not None:
        why = "was withdrawn"
    elif binding.expires_at is not None and binding.expires_at <= now:
        why = "has expired"
    else:
        why = "has been used as often as it may be"
    raise AcmeError(ErrorType.UNAUTHORIZED, f"This binding key {why}. Ask the contract's holder for a new one.")


async def update_contacts(context: Context, account: Account, contact: Sequence[str], now: datetime) -> Account:
    """The account with these contacts (A-085)."""
    contacts = requests.contacts(contact)
    if not await accounts.update_contacts(context.pool, account, contacts, now):
        raise AccountEnded("deactivated")
    return msgspec.structs.replace(account, contacts=contacts)


async def deactivate(context: Context, account: Account, now: datetime) -> Account:
    """The account, deactivated for good (A-108 to A-110)."""
    oldest_open = first_of(now - context.limits.order_lifetime)
    if not await accounts.deactivate(context.pool, account, oldest_open, now):
        raise AccountEnded("deactivated")
    return msgspec.structs.replace(account, status="deactivated")


async def change_key(
    context: Context, account: Account, current: AccountKey, payload: bytes, url: str, now: datetime
) -> Account:
    """The account under its new key (A-100 to A-107)."""
    new = key_change.read_inner(payload, url, context.account_url(account.id), current)
    refuse_weak(context, new.spki_der, ErrorType.BAD_PUBLIC_KEY, "account")
    match await accounts.change_key(context.pool, account, new, now):
        case KeyTaken(owner):
            raise KeyInUse(context.account_url(owner))
        case KeyRefused() as refused:
            raise bad_key(refused)
        case True:
            return msgspec.structs.replace(account, public_key=new.spki_der, thumbprint=new.thumbprint)
        case False:
            raise AcmeError(ErrorType.UNAUTHORIZED, "The key of this account was changed by another request meanwhile.")


def bad_key(refused: KeyRefused) -> AcmeError:
    """The refusal of a key that others may have (A-024, A-104), or that a certificate has (RFC 8555 §11.1)."""
    why = "is known as compromised" if refused.compromised else "is that of a certificate"
    return AcmeError(ErrorType.BAD_PUBLIC_KEY, f"This key {why}. Make a new key.")


class TermsNotAgreed(AcmeError):
    """An account is made only with agreement to the terms (A-078). `terms_url` is linked from the answer (A-086)."""

    def __init__(self, terms_url: str) -> None:
        super().__init__(
            ErrorType.USER_ACTION_REQUIRED,
            f"Agree to the terms at {terms_url}: set termsOfServiceAgreed to true.",
            fields={"instance": terms_url},
        )
        self.terms_url = terms_url


class KeyInUse(AcmeError):
    """The new key is or was an account's: 409 with that account's URL (RFC 8555 §7.3.5)."""

    def __init__(self, owner_url: str) -> None:
        super().__init__(
            ErrorType.MALFORMED, "The new key already belongs to an account. Make a fresh key.", location=owner_url
        )
