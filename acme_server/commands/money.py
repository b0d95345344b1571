"""`keiyaku invoice`, `keiyaku payment`."""

from datetime import date, datetime

import click

from acme_server.commands.output import show_one, show_rows
from acme_server.commands.running import Day, as_json, by, operating
from acme_server.groups import Group
from office.use_cases import payments
from sql import Conn

INVOICE = ("number", "contract", "kind", "issued_on", "due_on", "total_yen", "open_yen")


@click.group(cls=Group)
def invoice() -> None:
    """Invoices of contracts."""


@invoice.command("add")
@click.argument("contract")
@click.argument("number")
@click.argument("total_yen", type=int)
@click.option("--issued", "issued_on", type=Day(), required=True, help="The day of issue.")
@click.option("--due", "due_on", type=Day(), help="End of the month after the date of issue, unless given (A8.1).")
@click.option(
    "--kind",
    type=click.Choice(payments.INVOICE_KINDS),
    default="fee",
    show_default=True,
    help="A fee, or a difference of tax.",
)
@as_json
@operating
async def invoice_add(
    conn: Conn,
    now: datetime,
    contract: str,
    number: str,
    total_yen: int,
    issued_on: date,
    due_on: date | None,
    kind: str,
    as_json: bool,
) -> None:
    """Record an invoice."""
    bill = payments.Bill(number, kind, issued_on, due_on, total_yen)
    show_one(await payments.add_invoice(conn, contract, bill, now), as_json)


@invoice.command("list")
@click.argument("contract", required=False)
@click.option("--unpaid", is_flag=True, help="Only those with an open rest.")
@as_json
@operating
async def invoice_list(conn: Conn, now: datetime, contract: str | None, unpaid: bool, as_json: bool) -> None:
    """Invoices of a contract, or of all."""
    show_rows(await payments.listed(conn, contract, unpaid), INVOICE, as_json)


@click.group(cls=Group)
def payment() -> None:
    """Money that came in, and what it pays."""


@payment.command("add")
@click.argument("invoice")
@click.argument("amount_yen", type=int)
@click.option("--value-date", "value_on", type=Day(), required=True, help="The bank's value date (起算日).")
@click.option("--remitter", required=True, help="Who paid, as the bank writes it.")
@click.option("--source", required=True, help="File and line, or who confirmed it.")
@by
@as_json
@operating
async def payment_add(
    conn: Conn,
    now: datetime,
    invoice: str,
    amount_yen: int,
    value_on: date,
    remitter: str,
    source: str,
    person: str | None,
    as_json: bool,
) -> None:
    """Record money for an invoice; when it is paid its contract is free at once."""
    received = payments.Payment(amount_yen, value_on, remitter, source)
    show_one(await payments.record_payment(conn, invoice, received, now, person), as_json)


@payment.command("match")
@click.argument("receipt")
@click.argument("invoice")
@by
@as_json
@operating
async def payment_match(
    conn: Conn, now: datetime, receipt: str, invoice: str, person: str | None, as_json: bool
) -> None:
    """Use what is left of a receipt for another invoice."""
    show_one(await payments.match(conn, receipt, invoice, now, person), as_json)


@payment.command("cancel")
@click.argument("receipt")
@by
@operating
async def payment_cancel(conn: Conn, now: datetime, receipt: str, person: str | None) -> None:
    """The bank took it back (取消): what it paid is open again."""
    await payments.cancel(conn, receipt, now, person)
    click.echo(f"receipt {receipt} is cancelled")


@payment.command("list")
@as_json
@operating
async def payment_list(conn: Conn, now: datetime, as_json: bool) -> None:
    """Receipts, newest first."""
    columns = ("id", "value_on", "amount_yen", "matched_yen", "remitter", "invoices", "cancelled_at")
    show_rows(await payments.receipts(conn), columns, as_json)
