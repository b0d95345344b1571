"""A bank file is imported whole or not at all; what it pays is booked batch by batch, its days count when all is."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, timedelta
from io import BufferedReader
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, BinaryIO
from uuid import UUID

import msgspec

from contract_gate.articles.article_16_secrecy import kept_since
from contract_gate.calendar import jst_date
from contract_gate.formats.camt import Reader as CamtReader
from contract_gate.formats.receipt import BadElement, BadFile, DateMode, Group, Receipt, Totals
from contract_gate.formats.zengin import Reader
from office.storage import bank, bank_files, bank_lines
from office.storage.bank_files import BankFile, Dialect
from office.storage.people import Person
from office.use_cases import asked
from office.use_cases.asked import OPERATOR, Unfit
from office.use_cases.bank_booking import Tally
from office.use_cases.bank_flights import book, look_at
from sql import Conn
from sql.evidence import append, entry

LONGEST = timedelta(days=366)
RECORD, ENTRY = 200, 1000  # bytes, for the progress
BEFORE_XML = b"\xef\xbb\xbf \t\r\n"
Progress = Callable[[str, int, int], None]  # what is done, how many, of how many


class Imported(msgspec.Struct, frozen=True):
    """What an import did. `before`: when the same file was imported and booked; nothing was done now."""

    file: BankFile
    tally: Tally
    before: datetime | None


class Rows:
    """Rows for the staging table, made while the file is read; afterwards it knows periods and totals."""

    def __init__(self, dialects: list[Dialect], account: str | None, now: datetime, said: Progress, size: int) -> None:
        self.dialects = [each for each in dialects if account in (None, each.handle)]
        self.periods: list[tuple[int, Any, date, date]] = []
        self.cancelled_counted: bool | None = None
        self.today, self.said, self.size = jst_date(now), said, size
        self.destroyed = jst_date(kept_since("bank_lines.remitter", now))  # of this day, and of those before

    def of(self, stream: BinaryIO) -> Iterator[tuple[Any, ...]]:
        """A row for each receipt. Raises BadFile."""
        dialect, virtual = self.dialects[0], ""
        xml = is_xml(stream)
        items = CamtReader().items(stream) if xml else Reader(self.today, self._years()).items(stream)
        expected = self.size // (ENTRY if xml else RECORD)
        for item in items:
            match item:
                case Group():
                    dialect, virtual = self._account(item)
                    self.periods.append((item.record, dialect.bank_account_id, item.period_from, item.period_to))
                case Totals():
                    if item.cancelled_counted is not None:
                        self.cancelled_counted = item.cancelled_counted
                case Receipt():
                    if item.booked_on <= self.destroyed:
                        raise past(item)
                    if item.booked_on > self.today:
                        raise to_come(item)
                    number = item.remitter_code if dialect.virtual_in == "remitter_code" else virtual
                    yield (
                        item.record, dialect.bank_account_id, number, item.nature, item.booked_on, item.value_on,
                        item.amount_yen, item.uncleared_yen, item.query_number, item.remitter_code, item.remitter,
                        item.sending_bank, item.sending_branch, item.edi, item.cancels,
                    )  # fmt: skip
            if item.record % 1000 == 0:
                self.said("read", item.record, expected)

    def _years(self) -> DateMode:
        """How the years are written. Raises Unfit."""
        if len({each.years for each in self.dialects}) > 1:
            raise Unfit("accounts differ in how their banks write years: name the file's with --account")
        return self.dialects[0].years

    def _account(self, group: Group) -> tuple[Dialect, str]:
        """The account of a header, and the number in it if that is a contract's own (§1.5). Raises BadFile."""
        if group.period_to - group.period_from > LONGEST:
            raise bad(group, 17, "勘定日（至）", "FrToDt", f"ends more than {LONGEST.days} days after the first day")
        number = group.number[-7:] if not group.number[:-7].strip("0") else group.number
        found, virtual = None, ""
        for each in self.dialects:
            if (each.bank, each.branch, each.kind, each.number) == (group.bank, group.branch, group.kind, number):
                found = each
            elif (each.bank, each.virtual_branch) == (group.bank, group.branch) and found is None:
                found, virtual = each, number
        if found is None:
            reason = (
                f"account {group.bank}-{group.branch}-{group.kind}-{number} is none of ours: `keiyaku bank dialect`"
            )
            raise bad(group, 23, "銀行コード", "Acct", reason)
        if found.format != group.format:
            reason = f"account '{found.handle}' is read from {found.format}: another format would book lines twice"
            raise bad(group, 2, "種別コード", "Ntfctn", reason)
        return found, virtual


def bad(group: Group, position: int, field: str, element: str, reason: str) -> BadFile:
    """What is wrong with the head of an account, in the words of its format."""
    if group.format == "camt.054":
        return BadElement(group.line, element, reason)
    return BadFile(group.record, position, field, reason)


def past(item: Receipt) -> BadFile:
    """A line with a pseudonym is not known again (T16-2): its money would be booked a second time."""
    return BadFile(item.record, 0, "勘定日", f"lines of {item.booked_on} are past their retention, and not known again")


def to_come(item: Receipt) -> BadFile:
    """No bank books ahead: such a day is a year misread, or a file made by hand."""
    reason = f"{item.booked_on} is to come; if the bank writes years otherwise, say so: `keiyaku bank dialect --years`"
    return BadFile(item.record, 0, "勘定日", reason)


def is_xml(stream: BinaryIO) -> bool:
    """Whether the file begins as XML does; it is read from its beginning afterwards."""
    head = stream.read(RECORD)
    stream.seek(0)
    return head.lstrip(BEFORE_XML).startswith(b"<")


async def import_file(
    conn: Conn, path: Path, account: str | None, by: str | None, dry_run: bool, said: Progress, now: datetime,
    beside: Sequence[Conn] = (),
) -> Imported:  # fmt: skip
    """The file's receipts are booked and its days count; a file that was left half booked is finished. Raises Unfit.

    `beside`: connections that book while `conn` looks at what is next.
    """
    who = await asked.person(conn, by) if by else None
    match await bank_files.take_import(conn):
        case "importing":
            raise Unfit("another import is running: wait for its end")
        case "closing":  # what is booked is dated as of the import's start
            raise Unfit("a month is being closed at this moment: import the file after it")
        case "taken":
            pass
    try:
        with _opened(path) as stream:
            sha256 = hashlib.file_digest(stream, "sha256").digest()
            stream.seek(0)
            known = await bank_files.file_of(conn, sha256)
            if known is not None and known.booked_at is not None:
                return Imported(known, Tally(), known.booked_at)
            if dry_run and known is None:
                return await _tried(conn, stream, path, sha256, account, said, now)
            if known is None:
                async with conn.transaction():
                    known = await _stage(conn, stream, path, sha256, account, who, said, now)
        if dry_run:
            return Imported(known, await look_at(conn, known.id), None)
        tally = await book(conn, beside, known.id, lambda done: said("booked", done, known.lines - known.known), now)
        await _finish(conn, known, now)
        return Imported((await bank_files.file_of(conn, sha256)) or known, tally, None)
    finally:
        await bank_files.leave_import(conn)


async def import_octets(conn: Conn, content: bytes, by: str | None, now: datetime) -> Imported:
    """The same for a file that came over the network. Raises Unfit."""
    with NamedTemporaryFile(prefix="bank-") as file:
        file.write(content)
        file.flush()
        return await import_file(conn, Path(file.name), None, by, False, lambda *_: None, now)


class _TriedOnly(Exception):
    """Undoes a transaction that only looked."""


async def _tried(
    conn: Conn, stream: BinaryIO, path: Path, sha256: bytes, account: str | None, said: Progress, now: datetime
) -> Imported:
    """What an import would do."""
    found: Imported | None = None
    try:
        async with conn.transaction():
            file = await _stage(conn, stream, path, sha256, account, None, said, now)
            found = Imported(file, await look_at(conn, file.id), None)
            raise _TriedOnly
    except _TriedOnly:
        assert found is not None
        return found


def _opened(path: Path) -> BufferedReader:
    try:
        return path.open("rb")
    except OSError as error:
        raise Unfit(f"{path} cannot be read: {error.strerror}") from None


async def _stage(
    conn: Conn, stream: BinaryIO, path: Path, sha256: bytes, account: str | None, by: Person | None, said: Progress,
    now: datetime,
) -> BankFile:  # fmt: skip
    """Every line is stored, none is booked; in the caller's transaction. Raises Unfit."""
    rows = Rows(await bank_files.dialects(conn), account, now, said, path.stat().st_size)
    if not rows.dialects:
        raise Unfit("no bank account says how its files look: `keiyaku bank dialect`")
    try:
        await bank_files.stage(conn, rows.of(stream))
    except BadFile as bad:
        raise Unfit(f"{path.name} is refused whole: {bad}") from None
    who, counted = by.id if by else None, rows.cancelled_counted
    made = await bank_files.insert_file(conn, sha256, path.name[:200], who, counted, rows.periods, now)
    actor = asked.actor(by) if by else OPERATOR
    await append(
        conn,
        entry("bank.file_stored", actor, now, rule="T8-5", clause="A8.1", sha256=sha256.hex(), lines=made.lines),
    )
    return made


async def _finish(conn: Conn, file: BankFile, now: datetime) -> None:
    """The file's days count from here on, those of a day that is not over in Japan excepted (T8-6)."""
    yesterday = jst_date(now) - timedelta(days=1)
    async with conn.transaction():
        for each in await bank_files.periods(conn, file.id):
            last = min(each.period_to, yesterday)
            await bank.insert_days(conn, each.bank_account_id, each.period_from, last, file.name, None, now)
            chain = await bank.extend_coverage(conn, each.bank_account_id)
            proof = entry(
                "bank.covered", OPERATOR, now, rule="T8-6", clause="A8.1", account=each.bank_account_id,
                first=each.period_from, last=last, since=chain.covered_from, through=chain.covered_through,
                file=file.id,
            )  # fmt: skip
            await append(conn, proof)
        await bank_files.end_file(conn, file.id, now)


async def queue(conn: Conn) -> list[bank_lines.Waiting]:
    """Lines that wait for a person."""
    return await bank_lines.queue(conn, asked.MOST)


async def files(conn: Conn, after: UUID | None = None, most: int = asked.MOST) -> list[bank_files.ListedFile]:
    """Files, newest first; those behind one."""
    return await bank_files.files(conn, most, after)
