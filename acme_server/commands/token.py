"""`keiyaku token`: who may call the JSON API."""

from datetime import datetime

import click

from acme_server.commands.output import show_json, show_one, show_rows
from acme_server.commands.running import Instant, as_json, operating
from acme_server.groups import Group
from office.use_cases import tokens
from sql import Conn


@click.group(cls=Group)
def token() -> None:
    """Tokens of the JSON API."""


@token.command("new")
@click.argument("holder", metavar="PERSON")
@click.option("--role", type=click.Choice(tokens.ROLES), required=True, help="What its holder may do.")
@click.option("--customer", help="Whose things an applicant or requester sees.")
@click.option("--service", is_flag=True, help="PERSON is the name of a program, which cannot decide anything.")
@click.option("--expires", "expires_at", type=Instant(), help="90 days from now, unless given; at most 366.")
@click.option("--by", "first", metavar="PERSON", help="Who grants it; a role with the CA needs two.")
@click.option("--and", "second", metavar="PERSON", help="The other one who grants it.")
@as_json
@operating
async def new(
    conn: Conn, now: datetime, holder: str, role: str, customer: str | None, service: bool,
    expires_at: datetime | None, first: str | None, second: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Make a token. It is shown this once."""
    made = await tokens.new(conn, tokens.Wanted(holder, role, customer, service, expires_at), first, second, now)
    if as_json:
        show_json(made)
    else:
        show_one(made, as_json=False)
        click.echo("\nKeep the token secret; it is not shown again.", err=True)


@token.command("list")
@click.option("--all", "dead", is_flag=True, help="Expired and withdrawn ones too.")
@as_json
@operating
async def listed(conn: Conn, now: datetime, dead: bool, as_json: bool) -> None:
    """Tokens without their secrets, newest first."""
    columns = ("id", "person", "service", "role", "customer", "expires_at", "withdrawn_at", "last_used_on",
               "first", "second")  # fmt: skip
    show_rows(await tokens.listed(conn, dead, now), columns, as_json)


@token.command("withdraw")
@click.argument("token_id", metavar="TOKEN")
@operating
async def withdraw(conn: Conn, now: datetime, token_id: str) -> None:
    """Stop a token, by the id that the listing shows."""
    await tokens.withdraw(conn, token_id, now)
    click.echo(f"token {token_id} is withdrawn")
