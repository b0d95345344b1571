"""`keiyaku change`, `seal` and `timer`: what changes while a contract runs (Articles 6, 10, 14 and 19)."""

from datetime import date, datetime

import click

from acme_server.commands.output import show_one, show_rows, text
from acme_server.commands.running import Day, Instant, as_json, chosen_settings, operating
from acme_server.groups import Group
from office.use_cases import change_reports, register_check, timers
from office.use_cases import seal as seals
from office.use_cases.change_reports import Reported
from sql import Conn

CHANGE = ("id", "contract", "item", "handling", "arrived_at", "confirmed_at", "done_at", "late_case_id", "block_id")
SEAL = ("contract", "state", "token", "requested_at", "withdrawn_at", "uses_after_end")
TIMER = ("contract", "timer", "until", "suspension_id", "reason", "extended_by", "extended_at")
REGISTERED = ("customer", "name", "prefecture", "city", "closed_on", "successor", "checked_at")
officer = click.option("--by", "person", required=True, metavar="PERSON", help="The officer.")


@click.group(cls=Group)
def change() -> None:
    """What customers report: name, address, representative, succession."""


@change.command("list")
@click.argument("contract", required=False)
@as_json
@operating
async def listed(conn: Conn, now: datetime, contract: str | None, as_json: bool) -> None:
    """Reports of a contract, or all that are not done."""
    show_rows(await change_reports.listed(conn, contract), CHANGE, as_json)


@change.command("report")
@click.argument("contract")
@click.argument("item", type=click.Choice(change_reports.ITEMS))
@click.option("--document", required=True, help="Id of the document that proves it.")
@click.option("--organization", help="What certificates would say from now on.")
@click.option("--state", "state_or_province", help="The same.")
@click.option("--locality", help="The same.")
@click.option("--succeeded", "succeeded_on", type=Day(), help="Legal effective date of a succession.")
@officer
@as_json
@operating
async def report(
    conn: Conn, now: datetime, contract: str, item: str, document: str, organization: str | None,
    state_or_province: str | None, locality: str | None, succeeded_on: date | None, person: str, as_json: bool,
) -> None:  # fmt: skip
    """Record what a customer reported; what certificates show blocks from now on."""
    new = Reported(item, document, organization, state_or_province, locality, succeeded_on)
    show_one(await change_reports.report(conn, contract, new, person, now), as_json)


@change.command("confirm")
@click.argument("report")
@click.option("--source", required=True, help="Where the fact was looked up.")
@officer
@as_json
@operating
async def confirm(conn: Conn, now: datetime, report: str, source: str, person: str, as_json: bool) -> None:
    """The fact is confirmed."""
    show_one(await change_reports.confirm(conn, report, source, person, now), as_json)


@change.command("finish")
@click.argument("report")
@click.option("--name", "customer_name", help="The customer's name from now on.")
@click.option("--representative", help="Who represents the customer from now on; they are screened.")
@officer
@as_json
@operating
async def finish(
    conn: Conn, now: datetime, report: str, customer_name: str | None, representative: str | None, person: str,
    as_json: bool,
) -> None:  # fmt: skip
    """The work is done: a confirmed change takes effect and the customer is told."""
    show_one(await change_reports.finish(conn, report, person, customer_name, representative, now), as_json)


@change.command("register")
@as_json
@operating
async def register(conn: Conn, now: datetime, as_json: bool) -> None:
    """What the corporate-number register said last of each customer."""
    show_rows(await register_check.listed(conn), REGISTERED, as_json)


@click.group(cls=Group)
def seal() -> None:
    """The seal (Web ステッカー): off until the customer asks for it."""


@seal.command("list")
@click.argument("contract", required=False)
@as_json
@operating
async def seal_list(conn: Conn, now: datetime, contract: str | None, as_json: bool) -> None:
    """The seal of a contract, or all."""
    show_rows(await seals.listed(conn, contract), SEAL, as_json)


@seal.command("request")
@click.argument("contract")
@click.option("--by", "person", required=True, metavar="PERSON", help="Who asks for the customer.")
@operating
async def request(conn: Conn, now: datetime, contract: str, person: str) -> None:
    """The customer asks for it: print the addresses of its page and its image."""
    address = f"{chosen_settings().office.base_url}/seal/{await seals.request(conn, contract, person, now)}"
    click.echo(f"page   {address}\nimage  {address}/image.svg")


@seal.command("withdraw")
@click.argument("contract")
@click.option("--by", "person", required=True, metavar="PERSON", help="Who asks for the customer.")
@operating
async def withdraw(conn: Conn, now: datetime, contract: str, person: str) -> None:
    """Turn it off; asked for again, it comes back at the same addresses."""
    await seals.withdraw(conn, contract, person, now)
    click.echo(f"the seal of {contract} is off")


@seal.command("check")
@click.argument("contract")
@click.option("--page", help="Address of a page that would show it.")
@as_json
@operating
async def check(conn: Conn, now: datetime, contract: str, page: str | None, as_json: bool) -> None:
    """Whether it is valid now, and would be shown on that page; nothing is recorded."""
    show_one(await seals.check(conn, contract, page, now), as_json)


@click.group(cls=Group)
def timer() -> None:
    """Timers of customers: a suspension stops none, a person may let one run longer (A10)."""


@timer.command("list")
@click.argument("contract", required=False)
@as_json
@operating
async def timer_list(conn: Conn, now: datetime, contract: str | None, as_json: bool) -> None:
    """Extensions for a contract, or all, newest first."""
    show_rows(await timers.listed(conn, contract), TIMER, as_json)


@timer.command("extend")
@click.argument("contract")
@click.argument("timer", type=click.Choice(timers.TIMERS))
@click.option("--suspension", required=True, help="Id of the suspension that is its reason.")
@click.option("--until", type=Instant(), required=True, help="The timer runs until then.")
@click.option("--reason", required=True, help="Why: it stays on record.")
@officer
@operating
async def extend(
    conn: Conn, now: datetime, contract: str, timer: str, suspension: str, until: datetime, reason: str, person: str
) -> None:
    """Let the timer of a contract run until then."""
    await timers.extend(conn, suspension, contract, timer, until, reason, person, now)
    click.echo(f"the {timer} of {contract} waits until {text(until)}")
