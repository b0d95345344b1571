"""Rates of consumption tax by their first day, and the two people who added each."""

from datetime import datetime
from uuid import UUID

import msgspec

from contract_gate.money import TaxRate
from sql import Conn, statements
from sql.rows import many, one

SQL = statements("office/tax_rates")


class Added(TaxRate, frozen=True):
    """A rate, who added it and when; all None of a rate of the law that was there from the first."""

    added_at: datetime | None
    first: str | None
    second: str | None


class Removal(msgspec.Struct, frozen=True):
    """Invoices and credits made with a rate, and contracts whose first is being made; both 0: the rate is removed."""

    billed: int
    underway: int


async def add(conn: Conn, rate: TaxRate, first: UUID, second: UUID, now: datetime) -> bool:
    """The rate is known from now on. False when that day has one."""
    return await conn.fetchval(SQL["add"], rate.effective_on, rate.basis_points, first, second, now) is True


async def remove(conn: Conn, rate: TaxRate, first: UUID, second: UUID, now: datetime) -> Removal | None:
    """Whether the rate is removed, or why not. None when there is none such."""
    row = await conn.fetchrow(SQL["remove"], rate.effective_on, rate.basis_points, first, second, now)
    return None if row is None or row["billed"] is None else one(Removal, row)


async def rates(conn: Conn) -> list[TaxRate]:
    """Every rate that stands, by its first day."""
    return many(TaxRate, await conn.fetch(SQL["rates"]))


async def held(conn: Conn) -> list[TaxRate]:
    """The same, of which none is removed until the transaction ends: what is billed is billed by these."""
    await conn.execute(SQL["hold"])
    return await rates(conn)


async def listed(conn: Conn) -> list[Added]:
    """Every rate that stands with who added it, by its first day."""
    return many(Added, await conn.fetch(SQL["listed"]))
