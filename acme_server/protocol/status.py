"""Status of accounts, orders, authorizations and challenges. RFC 8555 §7.1.6.

A status is stored when something happened; what follows from the clock or from other objects is derived on reading:
`ready` of an order, `expired` of an authorization, and `invalid` of an order that was left to expire.
"""

from collections.abc import Collection, Mapping
from datetime import datetime

Changes = Mapping[str, frozenset[str]]

ACCOUNT: Changes = {
    "valid": frozenset({"deactivated", "revoked"}),
    "deactivated": frozenset(),
    "revoked": frozenset(),
}
ORDER: Changes = {
    "pending": frozenset({"ready", "invalid"}),
    "ready": frozenset({"processing", "invalid"}),
    "processing": frozenset({"valid", "invalid"}),
    "valid": frozenset(),
    "invalid": frozenset(),
}
AUTHORIZATION: Changes = {
    "pending": frozenset({"valid", "invalid", "expired", "deactivated", "revoked"}),
    "valid": frozenset({"expired", "deactivated", "revoked"}),
    "invalid": frozenset(),
    "expired": frozenset(),
    "deactivated": frozenset(),
    "revoked": frozenset(),
}
CHALLENGE: Changes = {
    "pending": frozenset({"processing"}),
    "processing": frozenset({"processing", "valid", "invalid"}),
    "valid": frozenset(),
    "invalid": frozenset(),
}


def authorization_status(stored: str, expires_at: datetime, now: datetime) -> str:
    """The status at `now`: `expired` from `expires_at` on, where the figure lets it become so. A-143."""
    return "expired" if expires_at <= now and "expired" in AUTHORIZATION[stored] else stored


def order_status(stored: str, expires_at: datetime, authorizations: Collection[str], now: datetime) -> str:
    """The status at `now`, from the status of each authorization at `now`. A-122 to A-124, A-136.

    A stored `pending` is invalid once the order is past `expires_at` or an authorization ended other than valid, ready
    when all are valid. Every other stored status stands; an order without authorizations is never ready.
    """
    if stored != "pending":
        return stored
    if expires_at <= now or any(not AUTHORIZATION[each] for each in authorizations):
        return "invalid"
    return "ready" if authorizations and all(each == "valid" for each in authorizations) else "pending"
