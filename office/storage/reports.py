"""Problem reports (C-161, C-162)."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from sql import Conn, statements
from sql.ids import uuid7
from sql.rows import many

SQL = statements("office/reports")


class NewReport(msgspec.Struct, frozen=True):
    """A problem report as it came in. `serials`: of the certificates it is about."""

    reporter: str
    email: str
    what: str
    serials: list[bytes]
    received_at: datetime


class Report(msgspec.Struct, frozen=True):
    """A problem report."""

    id: UUID
    reporter: str
    email: str
    what: str
    serials: list[bytes]
    received_at: datetime
    preliminary_at: datetime | None
    findings: str | None
    closed_at: datetime | None
    case_ids: list[UUID]
    contract_ids: list[UUID]


async def insert(conn: Conn, new: NewReport, taken_by: UUID | None, now: datetime) -> UUID:
    """The id of the new report."""
    report_id = uuid7(now)
    values = new.reporter, new.email, new.what, new.serials, new.received_at
    await conn.execute(SQL["insert"], report_id, *values, taken_by)
    return report_id


async def count(conn: Conn, network: str, now: datetime) -> bool:
    """Whether the network may hand in one more now, which is counted."""
    return bool(await conn.fetchval(SQL["count"], network, now))


async def report_of(conn: Conn, report_id: UUID) -> Report | None:
    """The report of that id."""
    found = many(Report, await conn.fetch(SQL["reports"], report_id, True, 1, None))
    return found[0] if found else None


async def reports(conn: Conn, closed: bool, most: int, after: UUID | None = None) -> list[Report]:
    """Open reports, or all; earliest receipt first."""
    return many(Report, await conn.fetch(SQL["reports"], None, closed, most, after))


async def unknown_serials(conn: Conn, serials: Sequence[bytes]) -> list[bytes]:
    """Those of which this CA issued nothing."""
    return [row["serial"] for row in await conn.fetch(SQL["unknown_serials"], list(serials))]


async def answer(conn: Conn, report_id: UUID, findings: str, person: UUID, now: datetime) -> bool:
    """Whether the preliminary report goes out now; False: it did before."""
    return await conn.fetchval(SQL["answer"], report_id, findings, person, now) is not None


async def lead(conn: Conn, report_id: UUID, case_id: UUID, contract_id: UUID | None) -> bool:
    """Whether the report led to no case over that contract, or over certificates and keys, until now."""
    return await conn.fetchval(SQL["lead"], report_id, case_id, contract_id) is not None


async def close(conn: Conn, report_id: UUID, now: datetime) -> bool:
    """Whether it was answered and open until now."""
    return await conn.fetchval(SQL["close"], report_id, now) is not None
