"""`keiyaku person` and `keiyaku customer`."""

from datetime import datetime

import click

from acme_server.commands.output import show_one, show_rows
from acme_server.commands.running import Instant, as_json, operating
from acme_server.groups import Group
from office.use_cases import leavers, register
from sql import Conn


@click.group(cls=Group)
def person() -> None:
    """People who decide, review and consent."""


@person.command("add")
@click.argument("handle")
@click.argument("name")
@click.option("--organisation", required=True, help="For whom they act.")
@as_json
@operating
async def person_add(conn: Conn, now: datetime, handle: str, name: str, organisation: str, as_json: bool) -> None:
    """Add a person."""
    show_one(await register.add_person(conn, handle, name, organisation, now), as_json)


@person.command("list")
@as_json
@operating
async def person_list(conn: Conn, now: datetime, as_json: bool) -> None:
    """Everybody who may decide, review or consent."""
    show_rows(await register.persons(conn), ("handle", "name", "organisation", "left_at"), as_json)


@person.command("leave")
@click.argument("person")
@click.option("--at", "left_at", type=Instant(), help="When they left; now, unless given.")
@click.option("--by", required=True, metavar="PERSON", help="Who records it.")
@operating
async def person_leave(conn: Conn, now: datetime, person: str, left_at: datetime | None, by: str) -> None:
    """Who left decides nothing any more, and their tokens are withdrawn."""
    tokens = await leavers.leave(conn, person, left_at or now, by, now)
    click.echo(f"{person} has left, {tokens} tokens are withdrawn: see to every other access, then")
    click.echo(f"  keiyaku person removed {person} --by {by}")


@person.command("removed")
@click.argument("person")
@click.option("--by", required=True, metavar="PERSON", help="Who saw to it.")
@operating
async def person_removed(conn: Conn, now: datetime, person: str, by: str) -> None:
    """Every other access of who left is gone: systems, keys, cards. 24 hours are given."""
    in_time = await leavers.removed(conn, person, by, now)
    click.echo(f"recorded, {'in time' if in_time else 'more than 24 hours after they left'}")


@click.group(cls=Group)
def customer() -> None:
    """Organisations that have contracts."""


@customer.command("add")
@click.argument("handle")
@click.argument("name")
@click.option(
    "--kind",
    type=click.Choice(register.CUSTOMER_KINDS),
    default="juridical_person",
    show_default=True,
    help="What kind of organisation it is.",
)
@click.option("--corporate-number", help="13 digits (法人番号).")
@click.option("--in-japan/--not-in-japan", default=True, help="Base of activity in Japan (A3.1).", show_default=True)
@click.option("--email", help="Registered contact (A5.2).")
@as_json
@operating
async def customer_add(
    conn: Conn,
    now: datetime,
    handle: str,
    name: str,
    kind: str,
    corporate_number: str | None,
    in_japan: bool,
    email: str | None,
    as_json: bool,
) -> None:
    """Add a customer."""
    wanted = register.customer(handle, name, kind, corporate_number, in_japan, email, now)
    show_one(await register.add_customer(conn, wanted, now), as_json)


@customer.command("list")
@as_json
@operating
async def customer_list(conn: Conn, now: datetime, as_json: bool) -> None:
    """Every customer."""
    show_rows(await register.customers(conn), ("handle", "name", "kind", "corporate_number"), as_json)
