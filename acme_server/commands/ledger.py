"""`keiyaku ledger`, and of `keiyaku invoice` and `keiyaku payment` what the accountants decide."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import ParamSpec, TypeVar

import click

from acme_server.commands.money import invoice, payment
from acme_server.commands.output import show_one, show_rows
from acme_server.commands.running import Day, as_json, by, first_person, operating, second_person
from acme_server.groups import Group
from contract_gate.calendar import jst_date
from contract_gate.money import TaxRate
from office.storage.sellers import KINDS
from office.use_cases import ledger as books
from office.use_cases import payments, sellers, tax_rates
from sql import Conn

P = ParamSpec("P")
R = TypeVar("R")
one_person = click.option("--by", "person", required=True, metavar="PERSON", help="Who records it.")
reason = click.option("--reason", required=True, help="Why, in one line.")


PAY_INTO = (
    click.option(
        "--pay-into", "account", help="One of our bank accounts to pay into (振込先): its files tell its digits."
    ),
    click.option("--bank", help="Of another account: four digits."),
    click.option("--branch", help="Three digits."),
    click.option("--kind", type=click.Choice(sorted(KINDS)), help="預金種目: 1 普通, 2 当座, 4 貯蓄."),
    click.option("--number", help="Seven digits."),
    click.option("--bank-name", help="As payers know the bank."),
    click.option("--branch-name", help="As payers know the branch."),
    click.option("--holder", help="Whose account it is, kana as the bank writes them (口座名義)."),
)


def paid_into(command: Callable[P, R]) -> Callable[P, R]:
    """The options that say which account is paid into."""
    for option in reversed(PAY_INTO):
        command = option(command)
    return command


@invoice.command("seller")
@click.argument("name")
@click.argument("address")
@click.argument("registration_number")
@paid_into
@first_person
@second_person
@as_json
@operating
async def invoice_seller(
    conn: Conn, now: datetime, /, name: str, address: str, registration_number: str, first: str, second: str,
    as_json: bool, **into: str | None,
) -> None:  # fmt: skip
    """Two people say who issues invoices from now on (登録番号), and the account to pay into."""
    new = sellers.NewSeller(name, address, registration_number, told_by(into))
    made = await sellers.set_seller(conn, new, first, second, now)
    if not made.of_corporation:
        click.echo(f"warning: {made.registration_number} is no corporate number; check it", err=True)
    show_one(made, as_json)


def told_by(into: Mapping[str, str | None]) -> sellers.Told | None:
    """The account that the options tell; None: they tell nothing of one."""
    if not any(into.values()):
        return None
    named = {name: into[name] or "" for name in ("bank_name", "branch_name", "holder")}
    return sellers.Told(
        account=into["account"], bank=into["bank"], branch=into["branch"], kind=into["kind"], number=into["number"],
        **named,
    )  # fmt: skip


@invoice.command("sellers")
@as_json
@operating
async def invoice_sellers(conn: Conn, now: datetime, as_json: bool) -> None:
    """Who issued invoices, newest first."""
    columns = ("effective_at", "name", "address", "registration_number", "pay_into", "set_by", "confirmed_by")
    show_rows(await sellers.sellers(conn), columns, as_json)


@invoice.command("rates")
@as_json
@operating
async def invoice_rates(conn: Conn, now: datetime, as_json: bool) -> None:
    """Consumption tax by its first day."""
    show_rows(await tax_rates.listed(conn), ("effective_on", "basis_points", "added_at", "first", "second"), as_json)


@invoice.command("rate-add")
@click.argument("effective_on", type=Day())
@click.argument("basis_points", type=int)
@first_person
@second_person
@as_json
@operating
async def invoice_rate_add(
    conn: Conn, now: datetime, effective_on: date, basis_points: int, first: str, second: str, as_json: bool
) -> None:
    """Two people add a tax rate to come; 1000 basis points are 10 %."""
    show_one(await tax_rates.add(conn, TaxRate(effective_on, basis_points), first, second, now), as_json)


@invoice.command("rate-remove")
@click.argument("effective_on", type=Day())
@click.argument("basis_points", type=int)
@reason
@first_person
@second_person
@operating
async def invoice_rate_remove(
    conn: Conn, now: datetime, effective_on: date, basis_points: int, reason: str, first: str, second: str
) -> None:
    """Two people remove a tax rate to come with which nothing was billed."""
    await tax_rates.remove(conn, TaxRate(effective_on, basis_points), reason, first, second, now)
    click.echo(f"no rate of {basis_points} basis points begins on {effective_on} any more")


@invoice.command("write-off")
@click.argument("number")
@click.option(
    "--kind",
    type=click.Choice(("write_off", "small_difference")),
    default="write_off",
    show_default=True,
    help="What is open because of a deducted bank charge, say, or any other rest.",
)
@reason
@first_person
@second_person
@operating
async def invoice_write_off(
    conn: Conn, now: datetime, number: str, kind: str, reason: str, first: str, second: str
) -> None:
    """Two people give up what of an invoice is open."""
    yen = await books.write_off(conn, number, kind, reason, first, second, now)
    click.echo(f"{yen} yen of invoice {number} are written off")


@invoice.command("default")
@click.argument("number")
@click.option("--evidence", required=True, help="Where the dealer's statement is.")
@one_person
@operating
async def invoice_default(conn: Conn, now: datetime, number: str, evidence: str, person: str) -> None:
    """The dealer states that the customer has not paid."""
    await books.state_default(conn, number, evidence, person, now)
    click.echo(f"invoice {number} can block its contract")


@payment.command("receive")
@click.argument("amount_yen", type=int)
@click.option("--value-date", "value_on", type=Day(), required=True, help="The bank's value date (起算日).")
@click.option("--remitter", required=True, help="Who paid, as the bank writes it.")
@click.option("--source", required=True, help="File and line, or who confirmed it.")
@by
@operating
async def payment_receive(
    conn: Conn, now: datetime, amount_yen: int, value_on: date, remitter: str, source: str, person: str | None
) -> None:
    """Record money that nothing explains yet (仮受金)."""
    received = payments.Payment(amount_yen, value_on, remitter, source)
    click.echo(await payments.record_unexplained(conn, received, now, person))


@payment.command("unmatch")
@click.argument("receipt")
@click.argument("invoice")
@one_person
@operating
async def payment_unmatch(conn: Conn, now: datetime, receipt: str, invoice: str, person: str) -> None:
    """A receipt does not pay this invoice after all."""
    yen = await books.unmatch(conn, receipt, invoice, person, now)
    click.echo(f"{yen} yen of invoice {invoice} are open again")


@payment.command("recover")
@click.argument("receipt")
@click.argument("invoice")
@reason
@first_person
@second_person
@operating
async def payment_recover(
    conn: Conn, now: datetime, receipt: str, invoice: str, reason: str, first: str, second: str
) -> None:
    """A receipt pays what two people had written off (償却債権取立益)."""
    yen = await books.recover(conn, receipt, invoice, reason, first, second, now)
    click.echo(f"{yen} yen of invoice {invoice} are recovered")


@payment.command("refund")
@click.argument("receipt")
@click.argument("amount_yen", type=int)
@reason
@first_person
@second_person
@operating
async def payment_refund(
    conn: Conn, now: datetime, receipt: str, amount_yen: int, reason: str, first: str, second: str
) -> None:
    """Two people send back what of a receipt pays nothing."""
    yen = await books.refund(conn, receipt, amount_yen, reason, first, second, now)
    click.echo(f"{yen} yen go back")


@click.group(cls=Group)
def ledger() -> None:
    """The accountants' books."""


@ledger.command("suspense")
@as_json
@operating
async def ledger_suspense(conn: Conn, now: datetime, as_json: bool) -> None:
    """Receipts with a rest that pays nothing (仮受金)."""
    show_rows(await books.suspense(conn), ("id", "value_on", "remitter", "amount_yen", "rest_yen"), as_json)


@ledger.command("ageing")
@click.option("--small", is_flag=True, help="Only overdue rests up to payment.small_difference.")
@click.option("--on", "today", type=Day(), help="Today, unless given.")
@as_json
@operating
async def ledger_ageing(conn: Conn, now: datetime, small: bool, today: date | None, as_json: bool) -> None:
    """Open invoices by days past their due date."""
    found = await books.small_rests(conn, now) if small else await books.ageing(conn, today or jst_date(now))
    show_rows(found, ("days", "number", "kind", "contract", "customer", "dealer", "due_on", "open_yen"), as_json)


@ledger.command("deferred")
@as_json
@operating
async def ledger_deferred(conn: Conn, now: datetime, as_json: bool) -> None:
    """What the fees earn, month by month, and what is left to earn."""
    show_rows(await books.deferred(conn), ("month", "earned_yen", "deferred_yen"), as_json)


@ledger.command("claim")
@click.argument("contract")
@click.argument("amount_yen", type=int)
@click.option("--evidence", required=True, help="Where the grounds and their figures are.")
@one_person
@operating
async def ledger_claim(conn: Conn, now: datetime, contract: str, amount_yen: int, evidence: str, person: str) -> None:
    """Record a claim for damage above the fee that stays with the CA (A9.2): evidence alone, no money moves."""
    await books.claim(conn, contract, amount_yen, evidence, person, now)
    click.echo(f"a claim of {amount_yen} yen against {contract} is recorded")


@ledger.command("close")
@click.argument("month", type=Day())
@one_person
@operating
async def ledger_close(conn: Conn, now: datetime, month: date, person: str) -> None:
    """Close a month, named by its first day: later corrections are dated in the open month."""
    await books.close(conn, month, person, now)
    click.echo(f"{month:%Y-%m} is closed")


@ledger.command("journal")
@click.argument("first", type=Day())
@click.argument("last", type=Day())
@as_json
@operating
async def ledger_journal(conn: Conn, now: datetime, first: date, last: date, as_json: bool) -> None:
    """Every movement of money, as CSV of double entry."""
    if as_json:
        show_rows(await books.journal(conn, first, last), (), as_json)
        return
    click.echo(books.as_csv([]), nl=False)
    async for some in books.whole(conn, first, last):
        click.echo(books.as_csv(some, head=False), nl=False)
