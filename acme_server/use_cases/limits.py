"""What is limited, for whom, and what a refusal says. RFC 8555 §6.6, §10.3."""

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from acme_server.protocol.errors import AcmeError, ErrorType, Subproblem
from acme_server.protocol.limits import (
    FAILED_VALIDATIONS,
    NEW_ACCOUNTS,
    ORDERS_OF_ACCOUNT,
    ORDERS_OF_CONTRACT,
    ORDERS_OF_NAMES,
    SAYS,
    Rate,
    admitted_at,
    seconds_until,
)
from acme_server.protocol.objects import Account
from acme_server.storage import limits
from acme_server.storage.authorizations import FailureRates
from acme_server.storage.limits import Wanted as Wanted
from sql import Conn, Pool


class Rates(msgspec.Struct, frozen=True):
    """The limits of the settings, and where people read about them."""

    new_accounts: Rate
    orders_of_account: Rate
    orders_of_contract: Rate
    orders_of_names: Rate
    failed_validations: Rate
    pause_failures: int  # in a row, for one account and name; 0: nobody is paused
    pause_span: timedelta  # which they have lasted at least
    help_url: str
    resume_url: str  # a paused pair's token is added

    def failures(self) -> FailureRates:
        """What counts a failed validation."""
        return FailureRates(self.failed_validations, self.pause_failures, self.pause_span)


class RateLimited(AcmeError):
    """A limit is reached: 429, with a link to what helps (A-060)."""

    def __init__(
        self, detail: str, help_url: str, retry_after: int | None, subproblems: Sequence[Subproblem] = ()
    ) -> None:
        super().__init__(ErrorType.RATE_LIMITED, detail, retry_after=retry_after, subproblems=subproblems)
        self.help_url = help_url


def of_new_account(rates: Rates, network: str) -> list[Wanted]:
    """What a new account takes."""
    return [Wanted(NEW_ACCOUNTS, network, rates.new_accounts)]


def of_new_order(rates: Rates, account: Account, contract_id: UUID, names: Sequence[str], renews: bool) -> list[Wanted]:
    """What an order takes: nothing when it replaces a certificate of the account (A-224)."""
    if renews:
        return []
    exactly = hashlib.sha256("\n".join([str(contract_id), *sorted(names)]).encode()).hexdigest()
    return [
        Wanted(ORDERS_OF_ACCOUNT, str(account.id), rates.orders_of_account),
        Wanted(ORDERS_OF_CONTRACT, str(contract_id), rates.orders_of_contract),
        Wanted(ORDERS_OF_NAMES, exactly, rates.orders_of_names),
    ]


def of_new_authorization(rates: Rates, account: Account, contract_id: UUID) -> list[Wanted]:
    """What an authorization that no order wants takes: as much as an order (A-137)."""
    return [
        Wanted(ORDERS_OF_ACCOUNT, str(account.id), rates.orders_of_account),
        Wanted(ORDERS_OF_CONTRACT, str(contract_id), rates.orders_of_contract),
    ]


async def refusal(
    conn: Conn | Pool, rates: Rates, contract_id: UUID, wanted: Sequence[Wanted], now: datetime
) -> RateLimited | None:
    """Which of the limits is reached, if one is, and from when on all of them admit the request (A-057, A-058)."""
    reached = []
    for state, each in zip(await limits.state_of(conn, contract_id, wanted, now), wanted, strict=True):
        rate = Rate(state.number, each.rate.span)
        if (at := admitted_at(rate, state.full_at, now)) > now:
            reached.append((at, state.name, rate))
    if not reached:
        return None
    at, name, rate = max(reached, key=lambda one: one[0])
    return limited(f"the limit of {rate} {SAYS[name]} is reached", at, rates.help_url, now)


def limited(reason: str, at: datetime, help_url: str, now: datetime, names: Sequence[str] = ()) -> RateLimited:
    """The refusal that says which limit and when."""
    wait = seconds_until(at, now)
    when = (now + timedelta(seconds=wait)).replace(microsecond=0)
    detail = f"{reason[:1].upper()}{reason[1:]}. Try again at {when:%FT%TZ}, or ask the CA for more: {help_url}"
    named = [Subproblem(ErrorType.RATE_LIMITED, f"Too often: {reason}.", name) for name in names]
    return RateLimited(detail, help_url, wait, named)


async def failing(
    conn: Conn | Pool, rates: Rates, account: Account, contract_id: UUID, names: Sequence[str], now: datetime
) -> RateLimited | None:
    """Whether the account is paused for one of the names, or has failed to validate it too often of late."""
    found = await limits.failures(conn, account.id, names, contract_id, rates.failed_validations, now)
    for paused in (each for each in found if each.token is not None):
        return paused_for(paused.name, f"{rates.resume_url}{paused.token}")
    spans = [(each.name, Rate(each.number, rates.failed_validations.span), each.full_at) for each in found]
    late = [(admitted_at(rate, full_at, now), name, rate) for name, rate, full_at in spans]
    reached = [each for each in late if each[0] > now]
    if not reached:
        return None
    at, _, rate = max(reached, key=lambda one: one[0])
    reason = f"the limit of {rate} {SAYS[FAILED_VALIDATIONS]} is reached"
    return limited(reason, at, rates.help_url, now, [name for _, name, _ in reached])


def paused_for(name: str, page: str) -> RateLimited:
    """The refusal of a pair that keeps failing, with the page that resumes it; no time makes it good."""
    detail = f"Validation of {name} by this account has failed again and again, so it is paused. Resume it at {page}"
    return RateLimited(
        detail, page, None, [Subproblem(ErrorType.RATE_LIMITED, "Paused: validation kept failing.", name)]
    )
