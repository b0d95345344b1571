"""`keiyaku bank dealer`: names under which dealers pay what they collected."""

from datetime import datetime

import click

from acme_server.commands.output import show_one, show_rows
from acme_server.commands.running import as_json, operating
from acme_server.groups import Group
from office.use_cases import dealers
from sql import Conn


@click.group(cls=Group)
def dealer() -> None:
    """Names under which dealers (特約店) pay, kana as the bank writes them."""


@dealer.command("add")
@click.argument("dealer_name", metavar="DEALER")
@click.argument("name")
@click.option("--by", "person", required=True, metavar="PERSON", help="Who decides.")
@as_json
@operating
async def add(conn: Conn, now: datetime, dealer_name: str, name: str, person: str, as_json: bool) -> None:
    """A name under which a dealer pays; DEALER as the applications name it."""
    show_one(await dealers.add_alias(conn, dealer_name, name, person, now), as_json)


@dealer.command("list")
@as_json
@operating
async def listed(conn: Conn, now: datetime, as_json: bool) -> None:
    """Names of all dealers."""
    show_rows(await dealers.aliases(conn), ("id", "dealer", "name", "key", "added_at"), as_json)


@dealer.command("remove")
@click.argument("alias_id", metavar="ALIAS")
@operating
async def remove(conn: Conn, now: datetime, alias_id: str) -> None:
    """Receipts are not matched by this name any more."""
    await dealers.remove_alias(conn, alias_id, now)
    click.echo(f"alias {alias_id} is removed")
