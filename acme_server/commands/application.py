"""`keiyaku application`: what the customer states and does before there is a contract. CONTRACT: handle or id."""

from datetime import datetime
from hashlib import sha256
from pathlib import Path

import click

from acme_server.commands.output import show_one, show_rows
from acme_server.commands.running import as_json, by, first_person, operating, second_person
from acme_server.groups import Group
from office.use_cases import acceptance, application, renewal
from sql import Conn

customer_side = click.option("--by", "person", required=True, metavar="PERSON", help="Who acts for the customer.")


@click.group("application", cls=Group)
def application_group() -> None:
    """Applications: statement, requesters, withdrawal, renewal."""


@application_group.command("state")
@click.argument("contract")
@click.option("--representative", required=True, help="Who represents the customer.")
@click.option("--server", "servers", multiple=True, help="Declared host; may be repeated.")
@click.option("--dealer", help="Dealer named in the application (A8.4).")
@click.option("--payer", help="Who pays, if not the customer (A8.3).")
@customer_side
@operating
async def state(
    conn: Conn, now: datetime, contract: str, representative: str, servers: tuple[str, ...], dealer: str | None,
    payer: str | None, person: str,
) -> None:  # fmt: skip
    """Record the statement that the use is the customer's own."""
    stated = application.Stated(representative, person, servers, dealer, payer)
    await application.state(conn, contract, stated, now)
    click.echo(f"own use stated for {contract}")


@application_group.command("requester-add")
@click.argument("contract")
@click.argument("requester")
@customer_side
@operating
async def requester_add(conn: Conn, now: datetime, contract: str, requester: str, person: str) -> None:
    """The customer names who may be handed binding keys."""
    await application.name_requester(conn, contract, requester, person, now)
    click.echo(f"{requester} may be handed keys of {contract}")


@application_group.command("requester-remove")
@click.argument("contract")
@click.argument("requester")
@customer_side
@operating
async def requester_remove(conn: Conn, now: datetime, contract: str, requester: str, person: str) -> None:
    """No new key is handed to them."""
    await application.withdraw_requester(conn, contract, requester, person, now)
    click.echo(f"{requester} is handed no more keys of {contract}")


@application_group.command("requesters")
@click.argument("contract")
@as_json
@operating
async def requesters(conn: Conn, now: datetime, contract: str, as_json: bool) -> None:
    """Everybody the customer named."""
    rows = await application.requesters(conn, contract)
    show_rows(rows, ("handle", "name", "named_at", "withdrawn_at"), as_json)


@application_group.command("withdraw")
@click.argument("contract")
@customer_side
@as_json
@operating
async def withdraw(conn: Conn, now: datetime, contract: str, person: str, as_json: bool) -> None:
    """The applicant withdraws before acceptance; documents are destroyed."""
    show_one(await acceptance.withdraw(conn, contract, person, now), as_json)


@application_group.command("follow")
@click.argument("contract")
@click.argument("handle")
@click.option(
    "--after",
    "link",
    type=click.Choice(renewal.LINKS),
    default="renewal",
    show_default=True,
    help="Whether it renews the contract, or changes what certificates show.",
)
@click.option("--plan", help="Handle of the plan; that of the contract, unless given.")
@by
@as_json
@operating
async def follow(
    conn: Conn,
    now: datetime,
    contract: str,
    handle: str,
    link: str,
    plan: str | None,
    person: str | None,
    as_json: bool,
) -> None:
    """Apply for a contract that follows CONTRACT: its renewal, or after a change of certificate information."""
    show_one(await renewal.apply(conn, handle, contract, plan, link, now, person), as_json)


@application_group.command("standing-consent")
@click.argument("contract")
@click.option("--plan", help="Plan to renew under; without it the consent is taken back.")
@customer_side
@operating
async def standing_consent(conn: Conn, now: datetime, contract: str, plan: str | None, person: str) -> None:
    """Record the customer's standing consent to renewals, or its end."""
    if plan:
        await renewal.consent(conn, contract, plan, person, now)
    else:
        await renewal.withdraw_consent(conn, contract, person, now)
    click.echo(f"standing consent of {contract}: {plan or 'taken back'}")


@application_group.command("assign")
@click.argument("contract")
@click.argument("customer")
@click.argument("document", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@first_person
@second_person
@operating
async def assign(
    conn: Conn, now: datetime, contract: str, customer: str, document: Path, first: str, second: str
) -> None:
    """Two people record the written consent to a transfer; the contract passes to CUSTOMER."""
    await application.assign(conn, contract, customer, sha256(document.read_bytes()).digest(), first, second, now)
    click.echo(f"contract {contract} is {customer}'s")
