"""When a client should renew. RFC 9773 §4.2."""

import hashlib
from datetime import datetime, timedelta

import msgspec

REVOKED_WINDOW = timedelta(hours=1)
_SECOND = timedelta(seconds=1)
_SPREAD = 1 << 32


class Window(msgspec.Struct, frozen=True):
    """A suggestedWindow in whole seconds; `end` is later than `start`. A-216."""

    start: datetime
    end: datetime


def suggested_window(
    not_before: datetime,
    not_after: datetime,
    revoked_at: datetime | None,
    override: Window | None,
    now: datetime,
    *,
    serial: bytes,
) -> Window:
    """The window of a certificate: past if it is revoked, else the operator's `override`, else the usual one. A-220.

    The usual window is a twelfth of the lifetime long and begins in the first quarter of the last third, where the
    serial says: certificates issued together do not all come back together, and the same one always gets the same.
    """
    if revoked_at is not None:
        end = min(revoked_at, now).replace(microsecond=0) - _SECOND
        return Window(end - REVOKED_WINDOW, end)
    if override is not None:
        return override
    twelfth = (not_after - not_before) / 12
    share = int.from_bytes(hashlib.sha256(serial).digest()[:4], "big") / _SPREAD
    start = (not_before + 8 * twelfth + twelfth * share).replace(microsecond=0)
    end = (start + twelfth).replace(microsecond=0)
    return Window(start, max(end, start + _SECOND))
