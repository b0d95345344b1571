"""Certificates by page, of all or of a customer, a contract, a key, in a state.

A page looks at so many of the newest that are left: with a state it may show fewer than it was asked for, and more
follow as long as it names where. So no call reads all certificates, however few are in that state.
"""

from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from office.storage import certificates
from office.storage.certificates import Certificate
from office.storage.tenants import NEWEST
from office.use_cases import asked, tenants
from office.use_cases.tenants import Page
from sql import Conn

State = Literal["live", "expired", "revoked"]
LOOKED_AT = 2000


class Wanted(msgspec.Struct, frozen=True):
    """Which certificates; None: whatever it is. `customer`, `contract`: by handle, `key`: SHA-256 of the public key."""

    customer: str | None = None
    contract: str | None = None
    key: bytes | None = None
    state: State | None = None


async def page(
    conn: Conn, own: UUID | None, wanted: Wanted, cursor: str | None, most: int, now: datetime
) -> Page[Certificate]:
    """Some of them, newest first. `own`: whose alone are seen. Raises NotThere, NoSuch and Unfit."""
    contracts, before = await _contracts(conn, own, wanted), tenants.id_after(cursor) or NEWEST
    if wanted.key is not None:
        ids = await certificates.newest_of_key(conn, wanted.key, before, LOOKED_AT)
    elif contracts is not None:
        ids = await certificates.newest_of_contracts(conn, contracts, before, LOOKED_AT)
    else:
        ids = await certificates.newest(conn, before, LOOKED_AT)
    rows = await certificates.listed(conn, ids, wanted.state, now, contracts, most + 1)
    if len(rows) <= most and len(ids) == LOOKED_AT:
        return Page(rows, str(ids[-1]))
    return tenants.page(rows, most, lambda each: each.id)


async def _contracts(conn: Conn, own: UUID | None, wanted: Wanted) -> list[UUID] | None:
    """Of which contracts they are; None: of any."""
    of = own
    if wanted.customer is not None:
        of = (await asked.customer(conn, wanted.customer)).id
        if own not in (None, of):
            raise asked.no_customer(wanted.customer)
    if wanted.contract is not None:
        return [await tenants.contract(conn, of, wanted.contract)]
    return None if of is None else await certificates.contracts_of(conn, of)
