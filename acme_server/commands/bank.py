"""`keiyaku bank`: accounts, the days their data covers, their files, and lines that wait for a person."""

import gc
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import ParamSpec, TypeVar

import click
import msgspec

from acme_server.commands.bank_progress import progress
from acme_server.commands.output import show_one, show_rows, text
from acme_server.commands.running import Day, as_json, first_person, more, operating, second_person
from acme_server.groups import Group
from contract_gate.formats.receipt import DateMode
from office.storage.bank_files import Dialect
from office.storage.bank_missing import MissingLine
from office.use_cases import bank as bank_days
from office.use_cases import bank_desk, bank_import, bank_missing
from sql import Conn

P = ParamSpec("P")
R = TypeVar("R")
BESIDE = 3  # connections that book while one looks ahead
COLLECTED_AFTER = 50_000  # objects; a batch of a thousand lines holds about as many


@click.group(cls=Group)
def bank() -> None:
    """Bank accounts, their files and what those pay; no invoice is overdue before they cover its last day in time."""


@bank.command("open")
@click.argument("account")
@click.option("--from", "first_day", type=Day(), required=True, help="First day its data covers.")
@click.option("--source", required=True, help="File, or how it was confirmed.")
@click.option("--despite-overdue", is_flag=True, help="Unpaid invoices from before that day need not be overdue.")
@as_json
@operating
async def bank_open(
    conn: Conn, now: datetime, account: str, first_day: date, source: str, despite_overdue: bool, as_json: bool
) -> None:
    """Name an account that invoices may be paid into; none from before its first day is overdue."""
    show_one(await bank_days.open_account(conn, account, first_day, source, now, despite_overdue), as_json)


@bank.command("day")
@click.argument("account")
@click.argument("first", type=Day())
@click.argument("last", type=Day(), required=False)
@click.option("--source", required=True, help="File, or how it was confirmed.")
@click.option("--by", "person", metavar="PERSON", help="Who confirmed it by hand.")
@as_json
@operating
async def bank_day(
    conn: Conn,
    now: datetime,
    account: str,
    first: date,
    last: date | None,
    source: str,
    person: str | None,
    as_json: bool,
) -> None:
    """Days whose data is complete; weekends and holidays count too."""
    show_one(await bank_days.add_days(conn, account, first, last or first, source, person, now), as_json)


@bank.command("list")
@as_json
@operating
async def bank_list(conn: Conn, now: datetime, as_json: bool) -> None:
    """What each account covers."""
    columns = ("handle", "covered_from", "covered_through", "waiting", "closed_from")
    show_rows(await bank_days.accounts(conn), columns, as_json)


@bank.command("close")
@click.argument("account")
@click.option("--from", "closed_from", type=Day(), required=True, help="First day on which it is not there any more.")
@click.option("--reason", required=True, help="Why: it stays on record.")
@click.option("--though-named", is_flag=True, help="Open invoices and virtual accounts may name it still.")
@first_person
@second_person
@as_json
@operating
async def bank_close(
    conn: Conn, now: datetime, account: str, closed_from: date, reason: str, though_named: bool, first: str,
    second: str, as_json: bool,
) -> None:  # fmt: skip
    """Two people close an account: its data is awaited up to the day before, and no longer."""
    closed = await bank_days.close_account(conn, account, closed_from, reason, first, second, now, though_named)
    show_one(closed, as_json)


DIALECT = (
    click.option("--bank", "bank_code", required=True, help="Four digits."),
    click.option("--branch", required=True, help="Three digits."),
    click.option("--kind", type=click.Choice(["1", "2", "4"]), default="1", show_default=True, help="預金種目"),
    click.option("--number", required=True, help="Seven digits."),
    click.option(
        "--format",
        "file_format",
        type=click.Choice(bank_desk.FORMATS),
        default="zengin-01",
        show_default=True,
        help="The format of the account's files.",
    ),
    click.option(
        "--years",
        type=click.Choice(bank_desk.YEARS),
        default="era",
        show_default=True,
        help="How the files write a year: of the era, or of the century.",
    ),
    click.option(
        "--virtual",
        type=click.Choice(bank_desk.VIRTUAL_IN),
        default="none",
        show_default=True,
        help="Where the files say virtual account numbers.",
    ),
    click.option("--virtual-branch", help="Whose numbers are contracts' own."),
)


def telling(command: Callable[P, R]) -> Callable[P, R]:
    """The options that say how a bank writes its files."""
    for option in reversed(DIALECT):
        command = option(command)
    return command


@bank.command("dialect")
@click.argument("account")
@telling
@as_json
@operating
async def bank_dialect(conn: Conn, now: datetime, /, account: str, as_json: bool, **given: str) -> None:
    """How the bank's files name an account, once for each."""
    show_one(await bank_desk.set_dialect(conn, account, told_by(account, given), now), as_json)


def told_by(account: str, given: Mapping[str, str]) -> Dialect:
    """What the options say."""
    mode: DateMode = "western" if given["years"] == "western" else "era"
    return bank_desk.told(
        account, bank=given["bank_code"], branch=given["branch"], kind=given["kind"], number=given["number"],
        format=given["file_format"], years=mode, virtual_in=given["virtual"], virtual_branch=given["virtual_branch"],
    )  # fmt: skip


@bank.command("correct")
@click.argument("account")
@telling
@click.option("--reason", required=True, help="Why: it stays on record.")
@first_person
@second_person
@as_json
@operating
async def bank_correct(
    conn: Conn, now: datetime, /, account: str, reason: str, first: str, second: str, as_json: bool, **given: str
) -> None:
    """Correct how the bank's files name an account, for files to come; imported ones stay as they were read."""
    corrected = told_by(account, given)
    show_one(await bank_desk.correct_dialect(conn, account, corrected, reason, first, second, now), as_json)


@bank.command("import")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--account", help="Only this account may be in them.")
@click.option("--by", "person", metavar="PERSON", help="Who imports.")
@click.option("--dry-run", is_flag=True, help="Say what would happen; nothing is kept.")
@as_json
@operating
async def bank_import_files(
    conn: Conn,
    now: datetime,
    files: tuple[Path, ...],
    account: str | None,
    person: str | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Book the receipts of files, each whole or not at all; a file imported before changes nothing."""
    done = []
    async with more(BESIDE) as beside:
        for path in files:
            with progress(path.name) as said, collected_rarely():
                done.append(await bank_import.import_file(conn, path, account, person, dry_run, said, now, beside))
    show_rows([Line.of(each, dry_run) for each in done], Line.__struct_fields__, as_json)


@contextmanager
def collected_rarely() -> Iterator[None]:
    """Meanwhile only what is new is looked through for cycles, and rarely: an import makes next to none."""
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(COLLECTED_AFTER, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


class Line(msgspec.Struct, frozen=True):
    """What `bank import` says of a file."""

    file: str
    what: str
    lines: int
    known: int
    late: int
    missing: int
    matched: int
    waiting: int
    cancelled: int
    totals_count_cancelled: bool | None

    @classmethod
    def of(cls, done: bank_import.Imported, dry_run: bool) -> "Line":
        """The line of an import."""
        file, tally = done.file, done.tally
        what = f"imported before, at {text(done.before)}" if done.before else "imported"
        if dry_run and not done.before:
            what = "dry run"
        return cls(file.name, what, file.lines, file.known, file.late, file.missing, tally.matched, tally.waiting,
                   tally.cancelled, file.cancelled_counted)  # fmt: skip


@bank.command("files")
@as_json
@operating
async def bank_files(conn: Conn, now: datetime, as_json: bool) -> None:
    """Files imported, newest first; one without an instant of booking must be imported again."""
    columns = ("name", "accounts", "period_from", "period_to", "lines", "known", "late", "missing", "imported_at",
               "booked_at", "sha256")  # fmt: skip
    show_rows(await bank_import.files(conn), columns, as_json)


@bank.command("missing")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--account", help="Only this account may be in it.")
@as_json
@operating
async def bank_missing_lines(conn: Conn, now: datetime, file: Path, account: str | None, as_json: bool) -> None:
    """Lines of a file's days that files before it showed and it does not, oldest first."""
    with progress(file.name) as said:
        found = await bank_missing.missing(conn, file, account, said, now)
    show_rows(found, MissingLine.__struct_fields__, as_json)


@bank.command("queue")
@as_json
@operating
async def bank_queue(conn: Conn, now: datetime, as_json: bool) -> None:
    """Lines that wait for a person, oldest first."""
    columns = ("id", "account", "value_on", "amount_yen", "remitter", "edi", "note", "file", "record")
    show_rows(await bank_import.queue(conn), columns, as_json)


@bank.command("match")
@click.argument("line", type=click.IntRange(1, 2**63 - 1))
@click.argument("invoice")
@click.option("--by", "person", required=True, metavar="PERSON", help="Who decides.")
@as_json
@operating
async def bank_match(conn: Conn, now: datetime, line: int, invoice: str, person: str, as_json: bool) -> None:
    """A line of the queue pays an invoice; when it is paid its contract is free at once."""
    show_one(await bank_desk.match_line(conn, line, invoice, person, now), as_json)


@bank.command("dismiss")
@click.argument("line", type=click.IntRange(1, 2**63 - 1))
@click.option("--reason", required=True, help="Why: it stays on record.")
@click.option("--by", "person", required=True, metavar="PERSON", help="Who decides.")
@operating
async def bank_dismiss(conn: Conn, now: datetime, line: int, reason: str, person: str) -> None:
    """A line of the queue needs nothing more."""
    await bank_desk.dismiss(conn, line, reason, person, now)
    click.echo(f"line {line} is dismissed")


@bank.group("alias", cls=Group)
def alias() -> None:
    """Names under which customers pay, kana as the bank writes them."""


@alias.command("add")
@click.argument("customer")
@click.argument("name")
@click.option("--by", "person", required=True, metavar="PERSON", help="Who decides.")
@as_json
@operating
async def alias_add(conn: Conn, now: datetime, customer: str, name: str, person: str, as_json: bool) -> None:
    """A name under which a customer pays."""
    show_one(await bank_desk.add_alias(conn, customer, name, person, now), as_json)


@alias.command("list")
@click.argument("customer", required=False)
@as_json
@operating
async def alias_list(conn: Conn, now: datetime, customer: str | None, as_json: bool) -> None:
    """Names of a customer, or of all."""
    show_rows(await bank_desk.aliases(conn, customer), ("id", "customer", "name", "key", "added_at"), as_json)


@alias.command("remove")
@click.argument("alias_id")
@operating
async def alias_remove(conn: Conn, now: datetime, alias_id: str) -> None:
    """Receipts are not matched by this name any more."""
    await bank_desk.remove_alias(conn, alias_id, now)
    click.echo(f"alias {alias_id} is removed")


@bank.command("virtual")
@click.argument("account")
@click.argument("number")
@click.argument("contract", required=False)
@operating
async def bank_virtual(conn: Conn, now: datetime, account: str, number: str, contract: str | None) -> None:
    """Give a virtual account number to a contract, or without CONTRACT take it back."""
    if contract:
        await bank_desk.allocate(conn, account, number, contract, now)
        click.echo(f"{number} is of {contract}")
    else:
        await bank_desk.release(conn, account, number, now)
        click.echo(f"{number} is free in twelve months")
