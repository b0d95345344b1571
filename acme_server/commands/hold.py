"""`keiyaku hold`: conduct (Article 3) and anti-social (Article 13) holds. For the compliance role only (T13-3)."""

from datetime import datetime

import click

from acme_server.commands.output import show_rows
from acme_server.commands.running import as_json, first_person, operating, second_person
from acme_server.groups import Group
from office.use_cases import holds
from sql import Conn


@click.group(cls=Group)
def hold() -> None:
    """Holds of a contract; clients only learn that it is under review."""


@hold.command("set")
@click.argument("contract")
@click.option(
    "--kind",
    type=click.Choice(holds.KINDS),
    required=True,
    help="Conduct (Article 3) or anti-social forces (Article 13).",
)
@click.option(
    "--status",
    type=click.Choice(holds.STATUSES),
    default="suspected",
    show_default=True,
    help="A report blocks nothing, a suspicion blocks issuance.",
)
@click.option("--item", type=click.IntRange(1, 8), help="Item of Article 3, for conduct.")
@click.option("--reason", required=True, help="Why: it stays on record.")
@click.option("--by", "person", required=True, metavar="PERSON", help="The officer who sets it.")
@operating
async def hold_set(
    conn: Conn, now: datetime, contract: str, kind: str, status: str, item: int | None, reason: str, person: str
) -> None:
    """Hold a contract: a report blocks nothing, a suspicion blocks issuance."""
    click.echo(await holds.set_hold(conn, contract, kind, status, item, reason, person, now))


@hold.command("suspect")
@click.argument("hold")
@click.option("--by", "person", required=True, metavar="PERSON", help="The officer who decides.")
@operating
async def suspect(conn: Conn, now: datetime, hold: str, person: str) -> None:
    """Make of a report a suspicion: it blocks from now on."""
    await holds.suspect(conn, hold, person, now)
    click.echo(f"hold {hold} is suspected")


@hold.command("confirm")
@click.argument("hold")
@first_person
@second_person
@operating
async def confirm(conn: Conn, now: datetime, hold: str, first: str, second: str) -> None:
    """Two people confirm it."""
    await holds.confirm(conn, hold, first, second, now)
    click.echo(f"hold {hold} is confirmed")


@hold.command("lift")
@click.argument("hold")
@first_person
@second_person
@operating
async def lift(conn: Conn, now: datetime, hold: str, first: str, second: str) -> None:
    """Two people lift it: it blocks nothing any more."""
    await holds.lift(conn, hold, first, second, now)
    click.echo(f"hold {hold} is lifted")


@hold.command("list")
@click.argument("contract", required=False)
@as_json
@operating
async def listed(conn: Conn, now: datetime, contract: str | None, as_json: bool) -> None:
    """Live holds of a contract, or of all."""
    columns = ("id", "contract", "kind", "status", "item", "reason", "set_by", "set_at")
    show_rows(await holds.listed(conn, contract), columns, as_json)
