"""`keiyaku maintenance`: planned windows in which nothing is issued (A22.2)."""

from datetime import datetime

import click

from acme_server.commands.output import show_rows
from acme_server.commands.running import Instant, as_json, operating
from acme_server.groups import Group
from office.use_cases import maintenance as use_case
from sql import Conn


@click.group(cls=Group)
def maintenance() -> None:
    """Planned maintenance, told of before it begins."""


@maintenance.command("plan")
@click.option("--reason", required=True, help="Why: customers are told.")
@click.option("--from", "starts_at", type=Instant(), required=True, help="Its beginning.")
@click.option("--until", "ends_at", type=Instant(), required=True, help="Its end.")
@click.option("--by", "person", required=True, metavar="PERSON", help="Who does it: it stays on record.")
@click.option("--emergency", help="Why it cannot wait for its notice.")
@operating
async def plan(
    conn: Conn, now: datetime, reason: str, starts_at: datetime, ends_at: datetime, person: str, emergency: str | None
) -> None:
    """Plan a window; its notice goes out."""
    click.echo(await use_case.plan(conn, reason, starts_at, ends_at, person, emergency, now))


@maintenance.command("open")
@click.argument("window")
@click.option("--by", "person", required=True, metavar="PERSON", help="Who does it: it stays on record.")
@operating
async def open_window(conn: Conn, now: datetime, window: str, person: str) -> None:
    """Open a window whose notice was delivered before it begins: nothing is issued from its start to its end."""
    click.echo(await use_case.open_window(conn, window, person, now))


@maintenance.command("list")
@as_json
@operating
async def listed(conn: Conn, now: datetime, as_json: bool) -> None:
    """Windows, newest first."""
    columns = ("id", "reason", "starts_at", "ends_at", "told_at", "emergency", "suspension_id")
    show_rows(await use_case.listed(conn), columns, as_json)
