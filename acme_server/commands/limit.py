"""`keiyaku limit`: limits of a contract that differ from the settings'."""

from datetime import datetime

import click

from acme_server.commands.output import show_rows
from acme_server.commands.running import Instant, as_json, operating
from acme_server.groups import Group
from office.use_cases import limits
from sql import Conn


@click.group(cls=Group)
def limit() -> None:
    """How often a contract may do something, where that differs from the settings (`limits.…`)."""


@limit.command("set")
@click.argument("contract")
@click.argument("name", type=click.Choice(limits.NAMES))
@click.argument("number", type=click.IntRange(0, limits.MOST), required=False)
@click.option("--from", "starts_at", type=Instant(), help="From then on; now unless given.")
@click.option("--reason", required=True, help="Why: it stays on record.")
@click.option("--by", "person", required=True, metavar="PERSON", help="The officer who decides.")
@operating
async def set_limit(
    conn: Conn, now: datetime, contract: str, name: str, number: int | None, starts_at: datetime | None, reason: str,
    person: str,
) -> None:  # fmt: skip
    """Give a contract its own NUMBER of a limit over the settings' span; 0: no limit, none: the settings' again."""
    await limits.set_limit(conn, contract, name, number, starts_at or now, reason, person, now)
    click.echo(f"{name} of {contract}: {'as in the settings' if number is None else number or 'no limit'}")


@limit.command("list")
@click.argument("contract")
@as_json
@operating
async def listed(conn: Conn, now: datetime, contract: str, as_json: bool) -> None:
    """Every number that was set for a contract, newest first; of each limit the first that has begun counts."""
    columns = ("name", "number", "starts_at", "reason", "set_by", "created_at")
    show_rows(await limits.listed(conn, contract), columns, as_json)
