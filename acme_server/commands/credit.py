"""Of `keiyaku invoice`: papers as they read, credit invoices, credits of tax, settlements; two people decide each."""

from datetime import datetime

import click

from acme_server.commands.output import show_one, show_rows
from acme_server.commands.running import Instant, as_json, first_person, operating, second_person
from office.use_cases import credit_invoices, invoices, payments, settlement
from sql import Conn

reason = click.option("--reason", required=True, help="Why, in one line.")
refund = click.option("--refund", "receipt", metavar="RECEIPT", help="Send the money back out of this receipt.")


@click.command("show")
@click.argument("number")
@click.option("--html", "as_html", is_flag=True, help="A page that prints well, Japanese and English.")
@as_json
@operating
async def show(conn: Conn, now: datetime, number: str, as_html: bool, as_json: bool) -> None:
    """The qualified invoice (適格請求書) or credit invoice (適格返還請求書) as it was made."""
    papers = credit_invoices if payments.is_credit(number) else invoices
    if as_html:
        click.echo(await papers.page(conn, number))
        return
    found = await papers.paper(conn, number)
    show_one(found, as_json)


@click.command("credit")
@click.argument("number")
@click.argument("amount_yen", type=int)
@click.option("--rate", type=int, required=True, help="Basis points of the line that is credited.")
@refund
@reason
@first_person
@second_person
@as_json
@operating
async def credit(
    conn: Conn, now: datetime, number: str, amount_yen: int, rate: int, receipt: str | None, reason: str, first: str,
    second: str, as_json: bool,
) -> None:  # fmt: skip
    """Two people take an amount, tax included, off an invoice (適格返還請求書)."""
    made = await credit_invoices.credit(conn, number, amount_yen, rate, receipt, reason, first, second, now)
    show_one(made, as_json)


@click.command("credits")
@click.argument("contract", required=False)
@as_json
@operating
async def listed(conn: Conn, now: datetime, contract: str | None, as_json: bool) -> None:
    """Credit invoices of a contract, or of all, newest first."""
    columns = ("number", "original_number", "contract", "issued_on", "total_yen", "tax_yen", "first", "second")
    show_rows(await credit_invoices.listed(conn, contract), columns, as_json)


@click.command("tax-credits")
@as_json
@operating
async def tax_credits(conn: Conn, now: datetime, as_json: bool) -> None:
    """Tax above what the rates in force ask, that nobody decided about yet."""
    columns = ("invoice", "contract", "amount_yen", "basis_points", "found_at")
    show_rows(await credit_invoices.waiting(conn), columns, as_json)


@click.command("tax-credit")
@click.argument("number")
@click.option("--decline", is_flag=True, help="Leave the tax as it was billed.")
@refund
@reason
@first_person
@second_person
@operating
async def tax_credit(
    conn: Conn, now: datetime, number: str, decline: bool, receipt: str | None, reason: str, first: str, second: str
) -> None:
    """Two people credit the tax that a lower rate made too much, or leave it (T8-11)."""
    if decline:
        left = await credit_invoices.decline_tax(conn, number, reason, first, second, now)
        click.echo(f"{left.amount_yen} yen of invoice {number} stay as they were billed")
    else:
        made = await credit_invoices.credit_tax(conn, number, receipt, reason, first, second, now)
        click.echo(f"credit invoice {made.number}")


@click.command("settlement")
@click.argument("contract")
@click.option("--cause", type=click.Choice(settlement.CAUSES), required=True, help="What ends the contract early.")
@click.option("--at", type=Instant(), help="Instant or day of the end; now, unless given.")
@as_json
@operating
async def foretell(conn: Conn, now: datetime, contract: str, cause: str, at: datetime | None, as_json: bool) -> None:
    """What an early end makes of the fee (A9.1)."""
    show_one(await settlement.settlement_of(conn, contract, cause, at or now), as_json)


@click.command("settle")
@click.argument("contract")
@click.argument("returned_yen", type=int)
@click.option("--cause", type=click.Choice(settlement.CAUSES), required=True, help="What ends the contract early.")
@reason
@first_person
@second_person
@as_json
@operating
async def settle(
    conn: Conn, now: datetime, contract: str, returned_yen: int, cause: str, reason: str, first: str, second: str,
    as_json: bool,
) -> None:  # fmt: skip
    """Two people record what the early end of a contract makes of its fee, and what of it goes back."""
    show_one(await settlement.settle(conn, contract, cause, returned_yen, reason, first, second, now), as_json)


@click.command("settlements")
@as_json
@operating
async def settlements(conn: Conn, now: datetime, as_json: bool) -> None:
    """Settlements, newest first."""
    columns = (
        "contract",
        "end_cause",
        "ended_on",
        "outcome",
        "open_yen",
        "ceiling_yen",
        "returned_yen",
        "first",
        "second",
    )
    show_rows(await settlement.listed(conn), columns, as_json)


COMMANDS = (show, credit, listed, tax_credits, tax_credit, foretell, settle, settlements)
