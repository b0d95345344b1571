"""How often something may happen: the generic cell rate algorithm (GCRA). RFC 8555 §6.6.

Of each limit and subject one instant is kept, `full_at`: when all that was taken will have come back. PostgreSQL takes
by the same arithmetic (`acme.take` in sql/schema.sql), so that any number of processes share one count.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address

import msgspec

NEW_ACCOUNTS, FAILED_VALIDATIONS = "new_accounts", "failed_validations"
ORDERS_OF_ACCOUNT, ORDERS_OF_CONTRACT = "orders_of_account", "orders_of_contract"
ORDERS_OF_NAMES = "orders_of_names"
SAYS: Mapping[str, str] = {
    NEW_ACCOUNTS: "new accounts from your network address",
    ORDERS_OF_ACCOUNT: "orders of this account",
    ORDERS_OF_CONTRACT: "orders of all accounts of this contract",
    ORDERS_OF_NAMES: "orders of this contract for exactly these names",
    FAILED_VALIDATIONS: "failed validations of this name by this account",
}
UNITS = ((timedelta(days=1), "d"), (timedelta(hours=1), "h"), (timedelta(minutes=1), "m"), (timedelta(seconds=1), "s"))


class Rate(msgspec.Struct, frozen=True):
    """At most `number` at once, which come back evenly over `span`. Number 0: no limit. Written `300/3h`."""

    number: int
    span: timedelta

    def __str__(self) -> str:
        unit, letter = next((u, name) for u, name in UNITS if not self.span % u)
        return f"{self.number}/{self.span // unit}{letter}"


def step(rate: Rate) -> timedelta:
    """How long one takes to come back."""
    return rate.span / rate.number


def admitted_at(rate: Rate, full_at: datetime | None, now: datetime) -> datetime:
    """The first instant, `now` or later, at which one more is admitted if nothing else is taken (A-058)."""
    if rate.number == 0 or full_at is None:
        return now
    return max(now, full_at + step(rate) - rate.span)


def seconds_until(at: datetime, now: datetime) -> int:
    """Whole seconds for Retry-After: never too early, and at least one."""
    return max(1, -((now - at) // timedelta(seconds=1)))


def network_of(address: str) -> str:
    """The subject of a client address: an IPv4 address, or the /64 that one IPv6 customer has."""
    found = ip_address(address)
    if isinstance(found, IPv6Address):
        if found.ipv4_mapped:
            return str(found.ipv4_mapped)
        return str(IPv6Address(int(found) >> 64 << 64)) + "/64"
    return str(found)
