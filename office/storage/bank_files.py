"""Bank files as they were imported, and how the bank of each account writes them."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any, Literal, cast
from uuid import UUID

import msgspec

from contract_gate.formats.receipt import DateMode
from sql import Conn, statements
from sql.ids import uuid7
from sql.rows import many, one

SQL = statements("office/bank_files")
STAGING = "bank_staging"


class Dialect(msgspec.Struct, frozen=True):
    """How files name an account. `virtual_in`: where a number stands that is one contract's (§1.5)."""

    bank_account_id: UUID
    handle: str
    bank: str
    branch: str
    kind: str
    number: str
    format: str
    years: DateMode
    virtual_in: str
    virtual_branch: str | None


class BankFile(msgspec.Struct, frozen=True):
    """A file. `known`: lines that an earlier file showed; `late`: new lines of days that one covered;
    `missing`: lines of its days that an earlier file showed and it does not."""

    id: UUID
    name: str
    imported_at: datetime
    booked_at: datetime | None
    lines: int
    known: int
    late: int
    missing: int
    cancelled_counted: bool | None


class ListedFile(BankFile, frozen=True):
    """A file with what it covers."""

    sha256: str
    period_from: date
    period_to: date
    accounts: list[str]


class Period(msgspec.Struct, frozen=True):
    """Days of an account that a file covers, both ends included."""

    handle: str
    bank_account_id: UUID
    period_from: date
    period_to: date


async def take_import(conn: Conn) -> Literal["taken", "importing", "closing"]:
    """This session is the one that imports, or another is, or a month is being closed."""
    return cast(Literal["taken", "importing", "closing"], await conn.fetchval(SQL["take_import"]))


async def join_import(conn: Conn) -> None:
    """The session books for the one that imports: while it lives nobody else imports, whatever became of that one."""
    await conn.execute(SQL["join_import"])


async def part_import(conn: Conn) -> None:
    """The session books no more."""
    await conn.execute(SQL["part_import"])


async def leave_import(conn: Conn) -> None:
    """Another session may import."""
    await conn.execute(SQL["leave_import"])


async def file_of(conn: Conn, sha256: bytes) -> BankFile | None:
    """The file with these octets."""
    return one(BankFile, await conn.fetchrow(SQL["file"], sha256))


async def files(conn: Conn, most: int, after: UUID | None) -> list[ListedFile]:
    """Files, newest first; those behind one."""
    return many(ListedFile, await conn.fetch(SQL["files"], most, after))


async def stage(conn: Conn, rows: Iterable[tuple[Any, ...]]) -> None:
    """The rows are in the transaction's own table; they are taken as they come."""
    await conn.execute(SQL["make_staging"])
    await conn.copy_records_to_table(STAGING, records=rows)
    await conn.execute(SQL["analyze_staging"])


async def insert_file(
    conn: Conn,
    sha256: bytes,
    name: str,
    by: UUID | None,
    cancelled_counted: bool | None,
    periods: Sequence[tuple[int, UUID, date, date]],
    now: datetime,
) -> BankFile:
    """The file of the staged rows, its periods (record, account, first and last day) and its new lines."""
    columns = [list(column) for column in zip(*periods, strict=True)]
    row = await conn.fetchrow(SQL["insert_file"], uuid7(now), sha256, name, by, now, cancelled_counted, *columns[1:])
    made = BankFile(**row)  # type: ignore[arg-type]
    await conn.execute(SQL["insert_periods"], made.id, *columns)
    return made


async def periods(conn: Conn, file_id: UUID) -> list[Period]:
    """What the file covers; its accounts are held until the transaction ends."""
    await conn.execute(SQL["lock_accounts"], file_id)
    return many(Period, await conn.fetch(SQL["periods"], file_id))


async def end_file(conn: Conn, file_id: UUID, now: datetime) -> None:
    """All of the file is booked."""
    await conn.execute(SQL["end_file"], file_id, now)


async def dialects(conn: Conn) -> list[Dialect]:
    """Of every account whose files can be read."""
    return many(Dialect, await conn.fetch(SQL["dialects"]))


async def correct_dialect(
    conn: Conn, account_id: UUID, values: Sequence[str | None], first: UUID, second: UUID, now: datetime
) -> bool:
    """Whether the account's files to come are read so: they had a dialect, and no line was read in another format."""
    made = await conn.fetchval(SQL["correct_dialect"], account_id, *values, now, first, second)
    return made is not None


async def insert_dialect(conn: Conn, handle: str, values: Sequence[str | None], now: datetime) -> UUID | None:
    """The account's id; None: no such account, or it has a dialect, or another has these numbers."""
    made: UUID | None = await conn.fetchval(SQL["insert_dialect"], handle, *values, now)
    return made
